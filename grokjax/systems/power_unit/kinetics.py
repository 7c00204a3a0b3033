r"""The road of theory in time: escapes from the centre, and the work of a loop of the noise, both by quadrature.

Time is that of overdamped Langevin dynamics in the whitened weight $\theta=\sqrt Mw$, or of
$\dot w=-V'+\sqrt{2/M}\,\xi$, which is the same.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from ..._checks import argument_error, check_double, check_positive
from ..._tree import over_points
from ...theory.escape import mean_passage_time
from ...theory.fokker_planck import loop_work as loop_of
from .system import PowerUnit
from .theory import spinodal, stationary_points


LOWEST = -9.0  # of the whitened weight, where nothing is left of the centre
RANGE, NUM_NODES = (-1.0, 1.4), 300  # of the weight in a loop


def escape_time(system: PowerUnit) -> Float[Array, "..."]:
    """Mean first-passage time from the centre to the outer well at the system's noise.

    Args:
        system: of power 3 or more; fields of shape (point,) make a sweep.

    Raises:
        ValueError: 64-bit floats are off, the power is below 3, or there is no outer well.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=1.0)
        >>> times = pu.escape_time(system.replace(num_observations=jnp.array([20.0, 200.0])))
        >>> bool(times[1] > times[0])
        True
    """
    check_double("theory", system)
    beyond = 1 / spinodal(system.power)
    if not bool(jnp.all(jnp.asarray(system.noise_variance) < beyond)):
        raise argument_error("noise_variance", f"below {beyond:g}", system.noise_variance, "There is no outer well.")
    return over_points(_escape_time, system)


@eqx.filter_jit
def _escape_time(system: PowerUnit) -> Scalar:
    root, b = jnp.sqrt(jnp.asarray(system.num_observations, float)), 1 / system.noise_variance
    potential = lambda theta: _energy(theta, b, root, system.power)
    _, well = stationary_points(system.power, b)
    return mean_passage_time(potential, 0.0, well * root, LOWEST)


def loop_work(system: PowerUnit, low: float, high: float, rates: Any) -> Float[Array, " rates"]:
    r"""The work $A=\oint\langle S\rangle\,db$ of loops of $b=1/\sigma^2$ by the Fokker-Planck equation.

    Args:
        system: one point; its own noise plays no role.
        low: where loops begin and end.
        high: largest $b$.
        rates: $|db/dt|$.

    Raises:
        ValueError: 64-bit floats are off, or a number is out of its range.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=1.0)
        >>> fast, slow = pu.loop_work(system, low=0.4, high=2.5, rates=[1e-3, 1e-4])
        >>> round(float(fast / slow))  # in proportion to the rate
        10
    """
    check_double("theory", system)
    check_positive("rates", rates)
    check_positive("low", low)
    if not high > low:
        raise argument_error("high", f"above low = {low:g}", high, "It is an inverse noise.")
    root = jnp.sqrt(jnp.asarray(system.num_observations, float))
    nodes = jnp.linspace(*RANGE, NUM_NODES) * root
    energy = lambda theta, b: _energy(theta, b, root, system.power)
    return jax.lax.map(lambda rate: loop_of(energy, nodes, low, high, rate), jnp.asarray(rates, float))


def _energy(theta: Array, b: Any, root: Scalar, power: int) -> Array:
    return theta**2 / 2 + b * root**2 / 2 * ((theta / root) ** power - 1) ** 2
