r"""Two minima of one training set, one that memorises and one that generalises, and how many directions each holds.

Networks descend from the prior and from neurons of single frequencies to a minimum of the data energy $S$, and the
local learning coefficient is measured there: $\hat\lambda=b[\langle S\rangle-S(\theta^*)]$ of chains restrained to
$\theta^*$. Free energy prefers the smaller one where both fit the data equally well. Beside it the global slope of the
free energy, $-dL/d\ln b=bE$, of all networks of the posterior on the same training set: `ladder_of_basins`.

References:
    Lau et al., arXiv:2308.12108 (the coefficient); arXiv:2603.01192 (quadratic networks on modular addition).
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Key, Scalar

from ... import ensemble
from ..._checks import argument_error, check_positive, check_whole
from ...driver import first_positions
from ...evidence.local_learning import LocalLearning, local_learning_coefficient
from ...experiment import Design
from ...posterior import Posterior
from ...results import Run
from ...samplers import GradientDescent, ReplicaExchange, UnderdampedLangevin, largest_curvatures
from .experiment import QuadraticNetworks, simulate
from .order_parameters import OrderParameters
from .system import ModularAddition


LEARNING_RATE = 0.03  # at the start of the descent
STEP_FRACTION = 0.5  # of one over the largest frequency


def annealed_adam(learning_rate: Any, num_steps: Any) -> optax.GradientTransformation:
    """Adam with a rate that falls to zero along a cosine."""
    return optax.adam(lambda count: learning_rate * (1 + jnp.cos(jnp.pi * count / num_steps)) / 2)


class DataEnergy(eqx.Module):
    """$S$ alone, of whitened networks."""

    target: Posterior

    def __call__(self, position: Any) -> Scalar:
        return self.target.noise_variance * self.target.data_energy(position)


class Basin(eqx.Module):
    """A minimum.

    Attributes:
        start: where the descent began.
        order_parameters: of the network there; held-out accuracy tells what it is.
        learning: its local learning coefficient.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(
        ...     prime=5, width=6, noise_variance=0.02, readout_variance=4e-4, sextic_decay=3, training_fraction=0.8
        ... )
        >>> options = {"inverse_noise": 200.0, "num_descent": 800, "num_chains": 8, "num_steps": 400}
        >>> found = ma.basins(jax.random.key(0), system, **options)
        >>> [float(basin.order_parameters.train_accuracy) > 0.9 for basin in found]
        [True, True]
    """

    start: str = eqx.field(static=True)
    order_parameters: OrderParameters
    learning: LocalLearning

    def __repr__(self) -> str:
        found = self.order_parameters
        seen, held_out = float(found.train_accuracy), float(found.held_out_accuracy)
        return f"from {self.start}: accuracy {seen:.3f} on training, {held_out:.3f} on held-out sums; {self.learning}"


def basins(
    key: Key[Array, ""],
    system: ModularAddition,
    *,
    inverse_noise: float,
    restraint: float = 1.0,
    num_descent: int = 4000,
    num_chains: int = 32,
    num_steps: int = 4000,
) -> tuple[Basin, ...]:
    r"""Descend from both starts on one training set, and measure the local learning coefficient.

    Args:
        key: random key.
        system: with a training fraction below one.
        inverse_noise: $b$ of the chains.
        restraint: $\gamma$.
        num_descent: steps of Adam, with a rate that falls to zero.
        num_chains: of each of three settings.
        num_steps: of each chain.

    Raises:
        ValueError: a number is out of its range, or chains diverged.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(
        ...     prime=5, width=6, noise_variance=0.02, readout_variance=4e-4, sextic_decay=3, training_fraction=0.8
        ... )
        >>> options = {"inverse_noise": 200.0, "num_descent": 800, "num_chains": 8, "num_steps": 400}
        >>> found = ma.basins(jax.random.key(0), system, **options)
        >>> [basin.start for basin in found]
        ['prior', 'frequencies']
        >>> bool(0 < found[0].learning.coefficient.mean < 3 * 6 * 5 / 2)  # half of all directions
        True
    """
    check_positive("inverse_noise", inverse_noise)
    check_whole("num_descent", num_descent)
    experiment, found = QuadraticNetworks(), []
    first, second, third = jax.random.split(key, 3)
    for start in ("prior", "frequencies"):
        design = Design(num_members=1, start=start, dtype=jnp.float64)
        problem, positions = first_positions(first, system, experiment, design)
        loss = DataEnergy(problem.target)
        descent = GradientDescent(annealed_adam, learning_rate=LEARNING_RATE, num_steps=float(num_descent))
        trained = ensemble.run(second, descent, loss, positions, num_steps=num_descent, progress=False)
        if not np.isfinite(trained.states.energy).all():
            got = f"a descent from {start} that diverged"
            raise argument_error("num_descent", "long enough for its rate", got, "Take more steps.")
        one = lambda tree: jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) else leaf, tree)
        centre = one(trained.states.position)
        sharpest = largest_curvatures(third, loss, trained.states.position)[0] * inverse_noise + restraint
        step = STEP_FRACTION / float(np.sqrt(float(sharpest)))
        learning = local_learning_coefficient(
            third, one(loss), centre, inverse_noise=inverse_noise, restraint=restraint,
            sampler=UnderdampedLangevin(step), num_chains=num_chains, num_steps=num_steps,
        )  # fmt: skip
        measured = experiment.measure(third, one(problem), one(trained.states))
        found.append(Basin(start, jax.tree.map(np.asarray, measured), learning))
    return tuple(found)


def ladder_of_basins(
    key: Key[Array, ""],
    system: ModularAddition,
    exchange: ReplicaExchange,
    *,
    start: str = "prior",
    num_members: int = 4,
    num_steps: int = 4000,
) -> Run:
    r"""Sample the whole posterior on the training set that `basins` takes from the same key.

    `grokjax.free_energy` of the run has the slope $b(E-S_{\min})=-dL/d\ln b$ as its `learning_coefficient`, with
    $S_{\min}=0$. Beside the local coefficients it holds what the prior costs: the posterior keeps $S$ above its minimum
    wherever weights that fit better are less likely.

    Args:
        key: random key, that of `basins`.
        system: that of `basins`.
        exchange: three rungs or more, $1/b$ of the local coefficients among or between them.
        start: "prior" or "frequencies"; where both agree, the slope is that of equilibrium.
        num_members: ladders.
        num_steps: of each.

    Raises:
        ValueError: the start is unknown.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(
        ...     prime=5, width=6, noise_variance=0.02, readout_variance=4e-4, sextic_decay=3, training_fraction=0.8
        ... )
        >>> ladder = grokjax.ReplicaExchange([0.018, 0.02, 0.022])
        >>> run = ma.ladder_of_basins(jax.random.key(0), system, ladder, num_steps=200)
        >>> grokjax.free_energy(run).learning_coefficient.mean.shape
        (3,)
    """
    first = jax.random.split(key, 3)[0]
    design = {"num_members": num_members, "num_datasets": 1, "start": start, "num_witnesses": 0}
    return simulate(first, system, exchange=exchange, num_steps=num_steps, progress=False, **design)
