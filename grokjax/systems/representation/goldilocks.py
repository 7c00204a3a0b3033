"""The Goldilocks zone, counted: how much of a phase diagram learns a representation, and what grokking lies next to.

The paper sees representation learning in a zone only, comprehension and grokking together, between memorisation and
confusion, and grokking closer to memorisation than to comprehension. On a grid of one seed each grokking cell has a
nearest cell of either phase; distances are in cells of the grid, so they depend on how it was laid out, and the two of
one grid compare.

References:
    arXiv:2205.10343, abstract and section 4.
"""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float, Int

from ..._checks import argument_error, check_instance
from ..._printing import AbstractPrinted
from ...evidence.statistics import Estimate, over_members
from .phases import PHASES, Phase, TrainingPhaseDiagram


class Goldilocks(AbstractPrinted):
    """Shares of a phase diagram and distances within it, with errors over seeds.

    Attributes:
        shares: of the grid in each phase, by its name.
        zone: share of comprehension and grokking together.
        from_memorisation: mean distance of a grokking cell from the nearest cell of memorisation, of each seed that has
            grokking and both neighbours; nan of the others, shape (seed,).
        from_comprehension: likewise.
        nearer_comprehension: mean over these seeds of the difference of the two; above zero grokking keeps to the side
            of comprehension, below to that of memorisation.
        num_seeds: how many these are; below 2 the difference has no error.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> options = {"num_members": 2, "num_steps": 24, "progress": False}
        >>> diagram = rep.phase_diagram(jax.random.key(0), rep.Addition(5), [1e-4, 1e-3], [0.0, 1.0], **options)
        >>> zone = rep.goldilocks(diagram)
        >>> round(sum(float(share.mean) for share in zone.shares.values()), 6)
        1.0
    """

    shares: dict[str, Estimate]
    zone: Estimate
    from_memorisation: Float[np.ndarray, " seeds"]
    from_comprehension: Float[np.ndarray, " seeds"]
    nearer_comprehension: Estimate
    num_seeds: int = eqx.field(static=True)


def goldilocks(diagram: TrainingPhaseDiagram) -> Goldilocks:
    """Count the phases of a diagram and measure what grokking lies next to.

    Args:
        diagram: of `phase_diagram` or `rate_diagram`.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> options = {"num_members": 2, "num_steps": 24, "progress": False}
        >>> diagram = rep.phase_diagram(jax.random.key(0), rep.Addition(5), [1e-4, 1e-3], [0.0, 1.0], **options)
        >>> zone = rep.goldilocks(diagram)
        >>> float(zone.zone.mean), zone.num_seeds  # after 24 steps there is none
        (0.0, 0)
    """
    check_instance("diagram", diagram, TrainingPhaseDiagram, "Give what phase_diagram returns.")
    phase = diagram.phase
    shares = {name: over_members((phase == index).mean(axis=(0, 1))) for index, name in enumerate(PHASES)}
    learned = (phase == Phase.COMPREHENSION) | (phase == Phase.GROKKING)
    memorised, understood = np.array([neighbour_distances(phase[..., seed]) for seed in range(phase.shape[-1])]).T
    both = np.isfinite(memorised) & np.isfinite(understood)
    apart = over_members(np.where(both, memorised - understood, 0), keep=both)
    keep = lambda values: np.where(both, values, np.nan)
    zone = over_members(learned.mean(axis=(0, 1)))
    return Goldilocks(shares, zone, keep(memorised), keep(understood), apart, int(both.sum()))


def neighbour_distances(phase: Int[np.ndarray, "rows columns"]) -> tuple[float, float]:
    """Mean distance of the grokking cells of one grid from memorisation and from comprehension, in cells.

    Args:
        phase: a `Phase` a cell.

    Returns:
        Both distances; nan where one of the two phases is absent.

    Raises:
        ValueError: the grid has not two axes.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> rep.neighbour_distances(np.array([[2, 2, 1, 3, 0]]))  # memorisation is beside it
        (1.0, 2.0)
    """
    phase = np.asarray(phase)
    if phase.ndim != 2:
        raise argument_error("phase", "a grid of two axes", f"shape {phase.shape}", "Take one seed: phase[..., 0].")
    grokking = np.argwhere(phase == Phase.GROKKING)
    to = lambda other: _mean_distance(grokking, np.argwhere(phase == other))
    return to(Phase.MEMORISATION), to(Phase.COMPREHENSION)


def _mean_distance(cells: Any, others: Any) -> float:
    if not (len(cells) and len(others)):
        return float("nan")
    apart = np.linalg.norm(cells[:, None] - others[None], axis=-1)
    return float(apart.min(axis=1).mean())
