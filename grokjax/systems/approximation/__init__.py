"""Approximation rates: networks with explicit weights, and the phase diagram of their rates (arXiv:1906.09477)."""

from ..._printing import listed as _listed
from .constructions import (
    AbstractNetwork as AbstractNetwork,
    FixedWidth as FixedWidth,
    Interpolant as Interpolant,
    PeriodicLookup as PeriodicLookup,
    Product as Product,
    Squarer as Squarer,
    TaylorCode as TaylorCode,
    TaylorPatches as TaylorPatches,
    TwoScale as TwoScale,
    TwoScaleSmooth as TwoScaleSmooth,
    Unit as Unit,
    Units as Units,
    fixed_width as fixed_width,
    interpolant as interpolant,
    periodic as periodic,
    product as product,
    squarer as squarer,
    sup_error as sup_error,
    taylor as taylor,
    taylor_code as taylor_code,
    two_scale as two_scale,
    two_scale_smooth as two_scale_smooth,
)
from .experiment import (
    Capacity as Capacity,
    Families as Families,
    Grid as Grid,
    capacity as capacity,
    grid as grid,
    simulate as simulate,
)
from .order_parameters import OrderParameters as OrderParameters
from .phases import (
    PHASES as PHASES,
    classify as classify,
    max_rate as max_rate,
    min_depth_exponent as min_depth_exponent,
    phase as phase,
    phase_diagram as phase_diagram,
    rate_bound as rate_bound,
    region as region,
)
from .system import Approximation as Approximation
from .targets import Target as Target, bumps as bumps, target as target
from .theory import Prediction as Prediction, predict as predict


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
