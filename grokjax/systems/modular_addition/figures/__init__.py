"""Figures of modular addition: the mixed phase, phase diagrams, and generalisation."""

from ...._printing import listed as _listed
from .generalisation import (
    accuracies_against_noise,
    caption_accuracies_against_noise,
    caption_learning_curve,
    learning_curve,
)
from .generalisation_boundary import (
    boundary_against_prime,
    caption_boundary_against_prime,
    caption_generalisation_map,
    generalisation_map,
)
from .mixed_phase import (
    caption_mixed_phase,
    caption_pair_densities,
    caption_width_convergence,
    mixed_phase,
    pair_densities,
    width_convergence,
)
from .phase_diagrams import caption_phase_diagrams, phase_diagram, phase_diagrams
from .published import CAPTION_3, figure_3, paper_system


__all__ = [
    "CAPTION_3",
    "accuracies_against_noise",
    "boundary_against_prime",
    "caption_accuracies_against_noise",
    "caption_boundary_against_prime",
    "caption_generalisation_map",
    "caption_learning_curve",
    "caption_mixed_phase",
    "caption_pair_densities",
    "caption_phase_diagrams",
    "caption_width_convergence",
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
