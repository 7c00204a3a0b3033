"""One weight that learns one number: exact controls of first order, continuous and crossover."""

from ..._printing import listed as _listed
from .dynamics import escapes, loop, umbrella
from .experiment import PowerUnits, simulate
from .kinetics import escape_time, loop_work
from .order_parameters import OrderParameters
from .system import PowerUnit
from .theory import Coexistence, Prediction, coexistence, predict, sharp_limit, spinodal


__all__ = [
    "Coexistence",
    "OrderParameters",
    "PowerUnit",
    "PowerUnits",
    "Prediction",
    "coexistence",
    "escape_time",
    "escapes",
    "loop",
    "loop_work",
    "predict",
    "sharp_limit",
    "simulate",
    "spinodal",
    "umbrella",
]

__doc__ = _listed(__doc__, globals())
