"""Approximation rates: networks with explicit weights, and the phase diagram of their rates (arXiv:1906.09477)."""

from ..._printing import listed as _listed
from .constructions import (
    AbstractNetwork,
    FixedWidth,
    Interpolant,
    PeriodicLookup,
    Product,
    Squarer,
    TaylorCode,
    TaylorPatches,
    TwoScale,
    TwoScaleSmooth,
    Unit,
    Units,
    fixed_width,
    interpolant,
    periodic,
    product,
    squarer,
    sup_error,
    taylor,
    taylor_code,
    two_scale,
    two_scale_smooth,
)
from .experiment import Capacity, Families, Grid, capacity, grid, simulate
from .order_parameters import OrderParameters
from .phases import PHASES, classify, max_rate, min_depth_exponent, phase, phase_diagram, rate_bound, region
from .system import Approximation
from .targets import Target, bumps, target
from .theory import Prediction, predict


__all__ = [
    "PHASES",
    "AbstractNetwork",
    "Approximation",
    "Capacity",
    "Families",
    "FixedWidth",
    "Grid",
    "Interpolant",
    "OrderParameters",
    "PeriodicLookup",
    "Prediction",
    "Product",
    "Squarer",
    "Target",
    "TaylorCode",
    "TaylorPatches",
    "TwoScale",
    "TwoScaleSmooth",
    "Unit",
    "Units",
    "bumps",
    "capacity",
    "classify",
    "fixed_width",
    "grid",
    "interpolant",
    "max_rate",
    "min_depth_exponent",
    "periodic",
    "phase",
    "phase_diagram",
    "predict",
    "product",
    "rate_bound",
    "region",
    "simulate",
    "squarer",
    "sup_error",
    "target",
    "taylor",
    "taylor_code",
    "two_scale",
    "two_scale_smooth",
]

__doc__ = _listed(__doc__, globals())
