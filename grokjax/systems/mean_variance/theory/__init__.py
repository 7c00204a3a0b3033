"""The field theory of mean and precision: solver, thresholds, continuation."""

from ...._printing import listed as _listed
from .continuation import continuation as continuation
from .lattice import spectrum as spectrum
from .marginal import marginal_free_energy as marginal_free_energy, marginal_precision as marginal_precision
from .population import Mode as Mode
from .prediction import THEORIES as THEORIES, Prediction as Prediction, predict as predict
from .thresholds import (
    Borders as Borders,
    borders as borders,
    critical_alpha as critical_alpha,
    depth_transition as depth_transition,
    diagonal_collapse as diagonal_collapse,
    fold as fold,
    iso_alpha as iso_alpha,
    iso_beta as iso_beta,
    spinodal as spinodal,
    two_sites as two_sites,
    white_noise_critical_alpha as white_noise_critical_alpha,
)


__all__ = [
    "THEORIES",
    "Borders",
    "Mode",
    "Prediction",
    "borders",
    "continuation",
    "critical_alpha",
    "depth_transition",
    "diagonal_collapse",
    "fold",
    "iso_alpha",
    "iso_beta",
    "marginal_free_energy",
    "marginal_precision",
    "predict",
    "spectrum",
    "spinodal",
    "two_sites",
    "white_noise_critical_alpha",
]

__doc__ = _listed(__doc__, globals())
