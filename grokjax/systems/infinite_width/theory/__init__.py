"""The road of theory: exponents in closed form and from the norm budget, and the prefactor of the lazy regime."""

from ...._printing import listed as _listed
from .budget import budget_exponents
from .exponents import three_layer_exponents, two_layer_exponents
from .lazy import lazy_prefactor
from .predict import Prediction, predict


__all__ = [
    "Prediction",
    "budget_exponents",
    "lazy_prefactor",
    "predict",
    "three_layer_exponents",
    "two_layer_exponents",
]

__doc__ = _listed(__doc__, globals())
