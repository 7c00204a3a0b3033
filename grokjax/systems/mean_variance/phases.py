r"""Phases of mean-variance regression, read off training metrics of standardised targets.

| phase | mean | precision |
|---|---|---|
| U_I | flat | flat |
| U_II | flat | adapts |
| S | adapts | adapts |
| O_I | through the data | runs away: the fit has collapsed |
| O_II | smooth | follows every residual |

The paper names and describes them; the numbers that separate them here are ours, tested in the order of `classify`.

References:
    arXiv:2306.16717, figure 1.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ..._checks import argument_error, check_positive
from ...phases import PhaseDiagram, PhasePoint, sweep
from ...status import Status
from .order_parameters import OVERFITTED, OrderParameters
from .system import MeanVariance, from_square
from .theory.prediction import Solver


PHASES = ("U_I", "U_II", "S", "O_I", "O_II")

FOLLOWED = 0.05  # error of the standard deviation over that of the mean, where it follows every residual
FITTED = 0.05  # share of the variance explained by a mean that adapts
ADAPTED = 0.05  # spread of log precision where it adapts

PAPER_SQUARE = (1e-6, 1e-5, 1e-4, 1e-3, 1e-2, *(round(0.1 * i, 1) for i in range(1, 10)))
PAPER_SQUARE += (0.99, 0.999, 0.9999, 0.99999, 0.999999)
"""The 19 values of the published diagrams of the field theory, for both axes."""

PAPER_NETWORK_SQUARE = tuple(10.0**-k for k in range(11, 1, -1)) + tuple(round(0.1 * i, 1) for i in range(1, 10))
PAPER_NETWORK_SQUARE += (0.99, 0.999, 0.9999)
"""The 22 values of the published diagrams of networks."""


def classify(order_parameters: OrderParameters, collapsed: Any = False) -> Int[Array, "*points"]:
    """Index into `PHASES`.

    Args:
        order_parameters: plain numbers, or means over networks.
        collapsed: whether the fit ended in `Status.COLLAPSED`.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> mv.PHASES[int(mv.classify(mv.predict(system).order_parameters))]
        'S'
    """
    fitted, spread = jnp.asarray(order_parameters.fitted), jnp.asarray(order_parameters.precision_spread)
    followed = jnp.asarray(order_parameters.sd_mse) < FOLLOWED * jnp.asarray(order_parameters.mse)
    flat = fitted < FITTED
    conditions = [jnp.asarray(collapsed) | (fitted > OVERFITTED), followed, flat & (spread < ADAPTED), flat]
    conditions = jnp.broadcast_arrays(*conditions)
    return jnp.select(conditions, [PHASES.index(name) for name in ("O_I", "O_II", "U_I", "U_II")], PHASES.index("S"))


def counts(diagram: PhaseDiagram) -> dict[str, int]:
    """Number of points in each phase; collapsed ones are O_I."""
    numbers = np.bincount(np.asarray(diagram.labels).ravel(), minlength=len(PHASES))
    return dict(zip(PHASES, map(int, numbers), strict=True))


class _Point(eqx.Module):
    solver: Solver

    def __call__(self, **coordinates) -> PhasePoint:
        system = self.solver.system
        if "rho" in coordinates:
            alpha, beta = from_square(coordinates["rho"], coordinates["gamma"])
        else:
            alpha, beta = coordinates.get("alpha", system.alpha), coordinates.get("beta", system.beta)
        prediction = self.solver(alpha, beta)
        collapsed = prediction.status == Status.COLLAPSED
        label = classify(prediction.order_parameters, collapsed)
        return PhasePoint(prediction.order_parameters, label, prediction.status)


def phase_diagram(
    system: MeanVariance,
    axes: Mapping[str, Any],
    theory: str = "lattice",
    *,
    weighting: str = "density",
    tolerance: float = 1e-10,
    max_sweeps: int = 4000,
    batch_size: int = 128,
) -> PhaseDiagram:
    """Phases over the square, or over the strengths, in one compiled call.

    Args:
        system: data on a line, and the strength that is not swept.
        axes: "rho" and "gamma", or "alpha", "beta" or both; values of each.
        theory: see `predict`.
        weighting: see `predict`.
        tolerance: see `predict`.
        max_sweeps: see `predict`.
        batch_size: points solved together.

    Raises:
        ValueError: axes of another name, values outside of their range; or as in `predict`.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> diagram = mv.phase_diagram(system, {"rho": [0.2, 0.8, 0.999], "gamma": [0.2, 0.8]})
        >>> diagram.names().tolist()
        [['U_I', 'U_I'], ['S', 'S'], ['O_I', 'O_I']]
    """
    names = set(axes)
    if names != {"rho", "gamma"} and not (names and names <= {"alpha", "beta"}):
        raise argument_error("axes", "rho and gamma, or alpha, beta or both", list(axes), "Give a grid of these.")
    if "rho" in names:
        from_square(np.asarray(axes["rho"])[:, None], np.asarray(axes["gamma"])[None])
    else:
        for name in names:
            check_positive(name, axes[name])
    solver = Solver.of(system, theory, weighting, tolerance, max_sweeps)
    return sweep(_Point(solver), axes, PHASES, batch_size=batch_size)
