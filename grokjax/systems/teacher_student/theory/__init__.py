"""The road of theory: from the published leading order to a theory of finite data and width, each with its range."""

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
