"""Networks with explicit weights; each is a program, a closed count, and a list of units."""

from ...._printing import listed as _listed
from .arithmetic import Product as Product, Squarer as Squarer, product as product, squarer as squarer
from .base import AbstractNetwork as AbstractNetwork
from .fixed_width import FixedWidth as FixedWidth, fixed_width as fixed_width
from .interpolant import Interpolant as Interpolant, interpolant as interpolant
from .periodic import PeriodicLookup as PeriodicLookup, periodic as periodic
from .sup_norm import sup_error as sup_error
from .taylor import TaylorPatches as TaylorPatches, taylor as taylor
from .taylor_code import TaylorCode as TaylorCode, taylor_code as taylor_code
from .two_scale import TwoScale as TwoScale, two_scale as two_scale
from .two_scale_smooth import TwoScaleSmooth as TwoScaleSmooth, two_scale_smooth as two_scale_smooth
from .units import Unit as Unit, Units as Units


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
