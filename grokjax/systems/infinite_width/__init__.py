"""Regimes of wide networks: which layers move as the width grows (arXiv:2007.07497, arXiv:2205.12101)."""

from ..._printing import listed as _listed
from .data import DataSet as DataSet
from .datasets import (
    cloud as cloud,
    digits as digits,
    four_points as four_points,
    three_points as three_points,
    two_neurons as two_neurons,
)
from .experiment import (
    Networks as Networks,
    first_layer as first_layer,
    outputs as outputs,
    simulate as simulate,
    train as train,
)
from .flow import DescentFlow as DescentFlow, ExponentialFlow as ExponentialFlow
from .order_parameters import Displacement as Displacement, OrderParameters as OrderParameters
from .phases import (
    first_layer_border as first_layer_border,
    phase_diagram as phase_diagram,
    second_layer_border as second_layer_border,
    two_layer_border as two_layer_border,
    zero_crossing as zero_crossing,
)
from .regimes import PHASES as PHASES, classify as classify
from .scaling import Scaling as Scaling
from .system import (
    INITIALISATIONS as INITIALISATIONS,
    FourLayer as FourLayer,
    ThreeLayer as ThreeLayer,
    TwoLayer as TwoLayer,
    coordinates as coordinates,
    initialisation as initialisation,
    small_initialisation as small_initialisation,
)
from .theory import (
    Prediction as Prediction,
    lazy_prefactor as lazy_prefactor,
    predict as predict,
    three_layer_exponents as three_layer_exponents,
    two_layer_exponents as two_layer_exponents,
)


__all__ = [
    "INITIALISATIONS",
    "PHASES",
    "DataSet",
    "DescentFlow",
    "Displacement",
    "ExponentialFlow",
    "FourLayer",
    "Networks",
    "OrderParameters",
    "Prediction",
    "Scaling",
    "ThreeLayer",
    "TwoLayer",
    "classify",
    "cloud",
    "coordinates",
    "digits",
    "first_layer",
    "first_layer_border",
    "four_points",
    "initialisation",
    "lazy_prefactor",
    "outputs",
    "phase_diagram",
    "predict",
    "second_layer_border",
    "simulate",
    "small_initialisation",
    "three_layer_exponents",
    "three_points",
    "train",
    "two_layer_border",
    "two_layer_exponents",
    "two_neurons",
    "zero_crossing",
]

__doc__ = _listed(__doc__, globals())
