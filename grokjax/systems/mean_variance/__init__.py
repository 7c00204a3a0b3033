"""Mean-variance regression under regularisation (arXiv:2306.16717)."""

from .data import cubic as cubic, curve as curve, sine as sine
from .order_parameters import OrderParameters as OrderParameters
from .phases import PHASES as PHASES, classify as classify, phase_diagram as phase_diagram
from .system import MeanVariance as MeanVariance, RegressionData as RegressionData
from .theory import (
    Prediction as Prediction,
    continuation as continuation,
    critical_alpha as critical_alpha,
    predict as predict,
)
