"""The road of theory: from the published leading order to a theory of finite data and width, each with its range."""

from ...._printing import listed as _listed
from .data_evidence import DataEvidence, data_evidence
from .escape import NeuronEscape, neuron_escape
from .mean_field import MeanFieldLaw, convex_dual, coupling, effective_interaction
from .prediction import THEORIES, Stopping, predict
from .result import Prediction, Range
from .thermodynamics import Thermodynamics, thermodynamics


__all__ = [
    "THEORIES",
    "DataEvidence",
    "MeanFieldLaw",
    "NeuronEscape",
    "Prediction",
    "Range",
    "Stopping",
    "Thermodynamics",
    "convex_dual",
    "coupling",
    "data_evidence",
    "effective_interaction",
    "neuron_escape",
    "predict",
    "thermodynamics",
]

__doc__ = _listed(__doc__, globals())
