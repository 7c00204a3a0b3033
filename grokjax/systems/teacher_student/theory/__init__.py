"""The road of theory: from the published leading order to a theory of finite data and width, each with its range."""

from ...._printing import listed as _listed
from .data_evidence import DataEvidence as DataEvidence, data_evidence as data_evidence
from .escape import NeuronEscape as NeuronEscape, neuron_escape as neuron_escape
from .mean_field import (
    MeanFieldLaw as MeanFieldLaw,
    convex_dual as convex_dual,
    coupling as coupling,
    effective_interaction as effective_interaction,
)
from .prediction import THEORIES as THEORIES, Stopping as Stopping, predict as predict
from .result import Prediction as Prediction, Range as Range
from .thermodynamics import Thermodynamics as Thermodynamics, thermodynamics as thermodynamics


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
