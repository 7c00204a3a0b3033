"""Regimes of wide networks: which layers move as the width grows (arXiv:2007.07497, arXiv:2205.12101)."""

from ..._printing import listed as _listed
from .data import DataSet
from .datasets import cloud, digits, four_points, three_points, two_neurons
from .experiment import Networks, first_layer, outputs, simulate, train
from .flow import DescentFlow, ExponentialFlow
from .order_parameters import Displacement, OrderParameters
from .phases import first_layer_border, phase_diagram, second_layer_border, two_layer_border, zero_crossing
from .regimes import PHASES, classify
from .scaling import Scaling
from .system import INITIALISATIONS, FourLayer, ThreeLayer, TwoLayer, coordinates, initialisation, small_initialisation
from .theory import Prediction, lazy_prefactor, predict, three_layer_exponents, two_layer_exponents


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
