"""Teacher-student grokking: a linear and a cubic component learned by a two-layer network (arXiv:2310.03789)."""

from ..._printing import listed as _listed
from .baseline import lazy_baseline, lazy_regression
from .coexistence import SharpThermodynamics, sharp_thermodynamics
from .decomposition import decompose
from .dynamics import escapes, loop, umbrella
from .experiment import Students, negative_log_density, paper_protocol, simulate
from .named_theories import NamedPrediction, gaussian_features, rescaled_kernel
from .neuron_statistics import NeuronStatistics, neuron_statistics
from .order_parameters import OrderParameters
from .paired_evidence import evidence_of_run
from .phases import PHASES, at_barrier, barrier, classify, phase_diagram, wells
from .sharp_limit import SharpLimit, Spinodal, sharp_limit, spinodal
from .system import TeacherStudent
from .theory import (
    DataEvidence,
    NeuronEscape,
    Prediction,
    Range,
    Stopping,
    Thermodynamics,
    data_evidence,
    neuron_escape,
    predict,
    thermodynamics,
)


__all__ = [
    "PHASES",
    "DataEvidence",
    "NamedPrediction",
    "NeuronEscape",
    "NeuronStatistics",
    "OrderParameters",
    "Prediction",
    "Range",
    "SharpLimit",
    "SharpThermodynamics",
    "Spinodal",
    "Stopping",
    "Students",
    "TeacherStudent",
    "Thermodynamics",
    "at_barrier",
    "barrier",
    "classify",
    "data_evidence",
    "decompose",
    "escapes",
    "evidence_of_run",
    "gaussian_features",
    "lazy_baseline",
    "lazy_regression",
    "loop",
    "negative_log_density",
    "neuron_escape",
    "neuron_statistics",
    "paper_protocol",
    "phase_diagram",
    "predict",
    "rescaled_kernel",
    "sharp_limit",
    "sharp_thermodynamics",
    "simulate",
    "spinodal",
    "thermodynamics",
    "umbrella",
    "wells",
]

__doc__ = _listed(__doc__, globals())
