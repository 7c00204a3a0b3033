"""Teacher-student grokking: a linear and a cubic component learned by a two-layer network (arXiv:2310.03789)."""

from ..._printing import listed as _listed
from .baseline import lazy_baseline as lazy_baseline, lazy_regression as lazy_regression
from .coexistence import SharpThermodynamics as SharpThermodynamics, sharp_thermodynamics as sharp_thermodynamics
from .decomposition import decompose as decompose
from .dynamics import escapes as escapes, loop as loop, umbrella as umbrella
from .experiment import (
    Students as Students,
    negative_log_density as negative_log_density,
    paper_protocol as paper_protocol,
    simulate as simulate,
)
from .named_theories import (
    NamedPrediction as NamedPrediction,
    gaussian_features as gaussian_features,
    rescaled_kernel as rescaled_kernel,
)
from .neuron_statistics import NeuronStatistics as NeuronStatistics, neuron_statistics as neuron_statistics
from .order_parameters import OrderParameters as OrderParameters
from .paired_evidence import evidence_of_run as evidence_of_run
from .phases import (
    PHASES as PHASES,
    at_barrier as at_barrier,
    barrier as barrier,
    classify as classify,
    phase_diagram as phase_diagram,
    wells as wells,
)
from .sharp_limit import (
    SharpLimit as SharpLimit,
    Spinodal as Spinodal,
    sharp_limit as sharp_limit,
    spinodal as spinodal,
)
from .system import TeacherStudent as TeacherStudent
from .theory import (
    DataEvidence as DataEvidence,
    NeuronEscape as NeuronEscape,
    Prediction as Prediction,
    Range as Range,
    Stopping as Stopping,
    Thermodynamics as Thermodynamics,
    data_evidence as data_evidence,
    neuron_escape as neuron_escape,
    predict as predict,
    thermodynamics as thermodynamics,
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
    "gaussian_features",
    "lazy_baseline",
    "lazy_regression",
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
    "wells",
]

__doc__ = _listed(__doc__, globals())
