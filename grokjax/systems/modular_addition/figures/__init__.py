"""Figures of modular addition: the mixed phase, and generalisation."""

from ...._printing import listed as _listed
from .generalisation import (
    CAPTION_BOUNDARY as CAPTION_BOUNDARY,
    CAPTION_MAP as CAPTION_MAP,
    CAPTION_NOISE as CAPTION_NOISE,
    accuracies_against_noise as accuracies_against_noise,
    boundary_against_prime as boundary_against_prime,
    caption_learning_curve as caption_learning_curve,
    generalisation_map as generalisation_map,
    learning_curve as learning_curve,
)
from .mixed_phase import (
    CAPTION_PHASES as CAPTION_PHASES,
    caption_mixed_phase as caption_mixed_phase,
    mixed_phase as mixed_phase,
    pair_densities as pair_densities,
    phase_diagram as phase_diagram,
    phase_diagrams as phase_diagrams,
    width_convergence as width_convergence,
)
from .published import CAPTION_3 as CAPTION_3, figure_3 as figure_3, paper_system as paper_system


__all__ = [
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
