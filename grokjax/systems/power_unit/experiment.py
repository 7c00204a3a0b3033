r"""The road of simulation: one weight sampled from its posterior.

$M$ equal observations are one observation of weight $\sqrt M$: the same energy, whatever the size. The sampler is
exact: MALA, with steps from the largest curvature $1+p^2b$ of a well in whitened coordinates $\sqrt Mw$, and broad
moves that know no barrier.
"""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Scalar

from ...driver import door
from ...experiment import AbstractExperiment, Problem
from ...observables import Histogram
from ...posterior import Posterior
from ...samplers import MALA, WithBroadMoves
from .order_parameters import OrderParameters
from .system import PowerUnit


HISTOGRAM_RANGE = (-2.0, 2.0)
HISTOGRAM_BINS = 160
BREADTH = 0.7  # of broad moves in the weight: both wells are within it


class Unit(eqx.Module):
    """$f(x)=w^p\\,x$ (whitened, or a pytree of prior scales).

    Attributes:
        weight: $w$.
        power: $p$.
    """

    weight: Float[Array, "..."]
    power: int = eqx.field(static=True)

    def batch(self, inputs: Float[Array, "samples 1"]) -> Float[Array, "1 samples"]:
        """Outputs at many inputs."""
        return self.weight**self.power * inputs.T


class MeasureWeight(eqx.Module):
    """Measurement: the physical weight."""

    scale: Any

    def __call__(self, key: Any, state: Any) -> Scalar:
        del key
        return self.scale * state.position.weight


class PowerUnits(AbstractExperiment):
    """Power units, all on the same data.

    Starts: "prior" (cold: a draw from the prior) and "well" (hot: $w=1$, which fits the data).

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> run = grokjax.simulate(
        ...     jax.random.key(0), system, pu.PowerUnits(), num_members=4, num_steps=60, progress=False
        ... )
        >>> run.observed["q"].counts.shape  # a histogram of the weight for each unit
        (4, 160)
    """

    num_steps: ClassVar[int] = 4000
    same_data: ClassVar[bool] = True

    def draw(self, data_key: Key[Array, ""], start_key: Key[Array, ""], system: PowerUnit) -> Problem:
        """The one observation, a cold and a hot weight."""
        del data_key
        dtype = system.noise_variance.dtype
        root = jnp.sqrt(jnp.asarray(system.num_observations, dtype))
        scales = Unit(1 / root, system.power)
        target = Posterior(root[None, None], root[None, None], system.noise_variance, scales)
        cold, hot = jax.random.normal(start_key, (), dtype), root
        return Problem(target, {"prior": Unit(cold, system.power), "well": Unit(hot, system.power)})

    def measure(self, key: Key[Array, ""], problem: Problem, state: Any) -> OrderParameters:
        """Weight, output and loss."""
        w = MeasureWeight(problem.target.prior_scales.weight)(key, state)
        output = w**problem.target.prior_scales.power
        return OrderParameters(jnp.abs(w), output, (output - 1) ** 2 / 2)

    def observables(self, problem: Problem) -> dict[str, Any]:
        """The histogram of the weight, the one neuron's order parameter."""
        return {"q": Histogram(MeasureWeight(problem.target.prior_scales.weight), *HISTOGRAM_RANGE, HISTOGRAM_BINS)}

    def sampler(self, key: Key[Array, ""], system: PowerUnit) -> WithBroadMoves:
        """MALA and broad moves; both are exact."""
        del key
        local = MALA(1 / (1 + system.power**2 / system.noise_variance))
        return WithBroadMoves(local, BREADTH * jnp.sqrt(jnp.asarray(system.num_observations, float)))


simulate = door(
    PowerUnits(),
    """Sample power units.

    `simulate(key, PowerUnit(power=3, num_observations=100), exchange=grokjax.ReplicaExchange.between(0.4, 2.5, 100))`:
    keywords are those of `grokjax.simulate`.

    Args:
        key: random key of everything.
        system: a concrete size; the noise may be an array, a sweep in one call.

    Returns:
        A `Run` of `OrderParameters`.

    Raises:
        ValueError: a keyword is not known, the size is not concrete, or the start is unknown.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> run = pu.simulate(jax.random.key(0), system, num_members=4, num_steps=60, progress=False)
        >>> run.members.output.shape
        (4,)
    """,
)
