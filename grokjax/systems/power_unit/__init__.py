"""One weight that learns one number: exact controls of first order, continuous and crossover."""

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
