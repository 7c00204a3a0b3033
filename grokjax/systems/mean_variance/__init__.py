"""Mean-variance regression under regularisation (arXiv:2306.16717)."""

from ..._printing import listed as _listed
from .baselines import RivalNetworks as RivalNetworks, rivals as rivals
from .data import cubic as cubic, curve as curve, sine as sine, synthetic as synthetic
from .experiment import Networks as Networks, simulate as simulate
from .metrics import Metrics as Metrics, distance_from_uniform as distance_from_uniform, metrics as metrics
from .order_parameters import OrderParameters as OrderParameters
from .phases import (
    PAPER_NETWORK_SQUARE as PAPER_NETWORK_SQUARE,
    PAPER_SQUARE as PAPER_SQUARE,
    PHASES as PHASES,
    classify as classify,
    phase_diagram as phase_diagram,
)
from .search import (
    best as best,
    collapsed as collapsed,
    path as path,
    published_midpoint as published_midpoint,
    search as search,
    seed_spread as seed_spread,
    separable as separable,
)
from .system import MeanVariance as MeanVariance, RegressionData as RegressionData
from .tables import TABLES as TABLES, standardised as standardised, table as table
from .theory import (
    Mode as Mode,
    Prediction as Prediction,
    borders as borders,
    continuation as continuation,
    critical_alpha as critical_alpha,
    depth_transition as depth_transition,
    diagonal_collapse as diagonal_collapse,
    fold as fold,
    iso_alpha as iso_alpha,
    iso_beta as iso_beta,
    marginal_free_energy as marginal_free_energy,
    marginal_precision as marginal_precision,
    predict as predict,
    spectrum as spectrum,
    spinodal as spinodal,
    two_sites as two_sites,
    white_noise_critical_alpha as white_noise_critical_alpha,
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
