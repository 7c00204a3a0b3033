"""Figures of modular addition: the mixed phase, and generalisation."""

from ...._printing import listed as _listed
from .generalisation import (
    CAPTION_BOUNDARY,
    CAPTION_MAP,
    CAPTION_NOISE,
    accuracies_against_noise,
    boundary_against_prime,
    caption_learning_curve,
    generalisation_map,
    learning_curve,
)
from .mixed_phase import (
    CAPTION_PHASES,
    caption_mixed_phase,
    mixed_phase,
    pair_densities,
    phase_diagram,
    phase_diagrams,
    width_convergence,
)
from .published import CAPTION_3, figure_3, paper_system


__all__ = [
    "CAPTION_3",
    "CAPTION_BOUNDARY",
    "CAPTION_MAP",
    "CAPTION_NOISE",
    "CAPTION_PHASES",
    "accuracies_against_noise",
    "boundary_against_prime",
    "caption_learning_curve",
    "caption_mixed_phase",
    "figure_3",
    "generalisation_map",
    "learning_curve",
    "mixed_phase",
    "pair_densities",
    "paper_system",
    "phase_diagram",
    "phase_diagrams",
    "width_convergence",
]

__doc__ = _listed(__doc__, globals())
