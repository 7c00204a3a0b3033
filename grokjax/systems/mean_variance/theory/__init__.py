"""The field theory of mean and precision: solver, thresholds, continuation."""

from ...._printing import listed as _listed
from .continuation import continuation
from .lattice import spectrum
from .marginal import marginal_free_energy, marginal_precision
from .population import Mode
from .prediction import THEORIES, Prediction, predict
from .thresholds import (
    Borders,
    borders,
    critical_alpha,
    depth_transition,
    diagonal_collapse,
    fold,
    iso_alpha,
    iso_beta,
    spinodal,
    two_sites,
    white_noise_critical_alpha,
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
