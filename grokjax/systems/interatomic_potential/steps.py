r"""How far and where parameters move: the constrained natural step, no longer than frames can carry.

With residuals $r$, their gradients $J$ and the Fisher metric $F$ of both ensembles,

$$ \delta\theta=-F^{-1}J^\top(JF^{-1}J^\top)^{-1}r $$

is the smallest move in relative entropy that removes the linearised residuals. Frames carry a step while its spread of
$\beta\,\delta U$ is small: a share of effective samples (perplexity) of 0.9 is a spread of 0.459.
"""

import math

import jax.numpy as jnp
from jaxtyping import Array

from ..._checks import argument_error
from .tracking import Averages, Tracked, fisher, flat_parameters, smallest


RENEW = 0.9  # share of effective samples below which frames are renewed
SPREAD = math.sqrt(-2 * math.log(RENEW))  # of beta dU of a Gaussian at that share
LONGEST = 1.5  # steps, in units of that spread
REJECTED = 0.5  # a step that leaves a smaller share is halved
RIDGE = 3e-3


def natural_direction(averages: tuple[Averages, Averages], values: Array, jacobian: Array, kT: float) -> Array:
    """The constrained natural step in full.

    Args:
        averages: of both phases.
        values: residuals.
        jacobian: their gradients, shape (row, parameter).
        kT: thermal energy.
    """
    dual = jnp.linalg.solve(fisher(averages, kT, RIDGE), jacobian.T)
    return -dual @ (jnp.linalg.pinv(jacobian @ dual, rtol=1e-9, hermitian=True) @ values)


def spread(tracked: Tracked, averages: tuple[Averages, Averages], direction: Array) -> float:
    r"""Standard deviation of $\beta\,\delta U$ of a step, the larger one of both phases.

    Args:
        tracked: at the parameters of now.
        averages: of both phases there.
        direction: change of the parameters.
    """
    kT = float(tracked.system.thermal_energy)
    return max(math.sqrt(max(float(direction @ each.covariance @ direction), 0.0)) / kT for each in averages)


def step(tracked: Tracked, averages: tuple[Averages, Averages], direction: Array) -> Tracked:
    """A step no longer than frames can carry, halved while it leaves too few effective samples.

    Args:
        tracked: at the parameters of now.
        averages: of both phases there.
        direction: the full step.
    """
    length = min(1.0, LONGEST * SPREAD / max(spread(tracked, averages, direction), 1e-12))
    vector, back = flat_parameters(tracked.system.theta)
    while True:
        moved = tracked.moved(back(vector + length * direction))
        if smallest(moved.averages()) >= REJECTED or length < 1e-6:
            return moved
        length /= 2


def check_reach(tracked: Tracked, averages: tuple[Averages, Averages], direction: Array, max_rounds: int) -> None:
    """Refuse a target that is further than frames carry.

    Args:
        tracked: at the first parameters.
        averages: of both phases there.
        direction: the full first step.
        max_rounds: of frames.

    Raises:
        ValueError: it needs more rounds.
    """
    needed = spread(tracked, averages, direction) / SPREAD
    if not needed <= max_rounds:
        remedy = "Ask for a nearer transition, or allow more rounds: limits=(iterations, rounds)."
        expected = f"a transition within the overlap of {max_rounds} rounds of frames"
        raise argument_error("temperature", expected, f"one {needed:.0f} rounds away", remedy)
