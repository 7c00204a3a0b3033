"""One weight that learns one number: exact controls of first order, continuous and crossover."""

from ..._printing import listed as _listed
from .dynamics import escapes as escapes, loop as loop, umbrella as umbrella
from .experiment import PowerUnits as PowerUnits, simulate as simulate
from .kinetics import escape_time as escape_time, loop_work as loop_work
from .order_parameters import OrderParameters as OrderParameters
from .system import PowerUnit as PowerUnit
from .theory import (
    Coexistence as Coexistence,
    Prediction as Prediction,
    coexistence as coexistence,
    predict as predict,
    sharp_limit as sharp_limit,
    spinodal as spinodal,
)


__all__ = [
    "Coexistence",
    "OrderParameters",
    "PowerUnit",
    "PowerUnits",
    "Prediction",
    "coexistence",
    "escape_time",
    "loop_work",
    "predict",
    "sharp_limit",
    "simulate",
    "spinodal",
]

__doc__ = _listed(__doc__, globals())
