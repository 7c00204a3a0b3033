"""Networks with explicit weights; each is a program, a closed count, and a list of units."""

from ...._printing import listed as _listed
from .arithmetic import Product, Squarer, product, squarer
from .base import AbstractNetwork
from .fixed_width import FixedWidth, fixed_width
from .interpolant import Interpolant, interpolant
from .periodic import PeriodicLookup, periodic
from .sup_norm import sup_error
from .taylor import TaylorPatches, taylor
from .taylor_code import TaylorCode, taylor_code
from .two_scale import TwoScale, two_scale
from .two_scale_smooth import TwoScaleSmooth, two_scale_smooth
from .units import Unit, Units


__all__ = [
    "AbstractNetwork",
    "FixedWidth",
    "Interpolant",
    "PeriodicLookup",
    "Product",
    "Squarer",
    "TaylorCode",
    "TaylorPatches",
    "TwoScale",
    "TwoScaleSmooth",
    "Unit",
    "Units",
    "fixed_width",
    "interpolant",
    "periodic",
    "product",
    "squarer",
    "sup_error",
    "taylor",
    "taylor_code",
    "two_scale",
    "two_scale_smooth",
]

__doc__ = _listed(__doc__, globals())
