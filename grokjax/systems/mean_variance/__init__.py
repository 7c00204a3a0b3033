"""Mean-variance regression under regularisation (arXiv:2306.16717)."""

from ..._printing import listed as _listed
from .baselines import RivalNetworks, rivals
from .data import cubic, curve, sine, synthetic
from .experiment import Networks, simulate
from .metrics import Metrics, distance_from_uniform, metrics
from .order_parameters import OrderParameters
from .phases import PAPER_NETWORK_SQUARE, PAPER_SQUARE, PHASES, classify, phase_diagram
from .search import best, collapsed, path, published_midpoint, search, seed_spread, separable
from .system import MeanVariance, RegressionData
from .tables import TABLES, standardised, table
from .theory import (
    Mode,
    Prediction,
    borders,
    continuation,
    critical_alpha,
    depth_transition,
    diagonal_collapse,
    fold,
    iso_alpha,
    iso_beta,
    marginal_free_energy,
    marginal_precision,
    predict,
    spectrum,
    spinodal,
    two_sites,
    white_noise_critical_alpha,
)


__all__ = [
    "PAPER_NETWORK_SQUARE",
    "PAPER_SQUARE",
    "PHASES",
    "TABLES",
    "MeanVariance",
    "Metrics",
    "Mode",
    "Networks",
    "OrderParameters",
    "Prediction",
    "RegressionData",
    "RivalNetworks",
    "best",
    "borders",
    "classify",
    "collapsed",
    "continuation",
    "critical_alpha",
    "cubic",
    "curve",
    "depth_transition",
    "diagonal_collapse",
    "distance_from_uniform",
    "fold",
    "iso_alpha",
    "iso_beta",
    "marginal_free_energy",
    "marginal_precision",
    "metrics",
    "path",
    "phase_diagram",
    "predict",
    "published_midpoint",
    "rivals",
    "search",
    "seed_spread",
    "separable",
    "simulate",
    "sine",
    "spectrum",
    "spinodal",
    "standardised",
    "synthetic",
    "table",
    "two_sites",
    "white_noise_critical_alpha",
]

__doc__ = _listed(__doc__, globals())
