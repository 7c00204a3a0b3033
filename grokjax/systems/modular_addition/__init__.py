"""Modular addition: the mixed phase, in theory and in real networks."""

from ..._printing import listed as _listed
from .basins import Basin, basins, ladder_of_basins
from .experiment import QuadraticNetworks, safe_step_size, simulate
from .generalisation_phases import GENERALISATION_PHASES, classify_generalisation, generalisation_diagram, passes_half
from .kernels import KernelSpectrum, detection_power, kernel_spectrum, latent_kernels, pruned, pruned_dominant
from .nngp import gp_learned, gp_sample_complexity, nngp_eigenvalues, nngp_kernel
from .order_parameters import OrderParameters
from .phases import PHASES, Transitions, classify, finite_size_transitions, phase_diagram, transitions
from .regularisers import REGULARISERS
from .system import ModularAddition
from .theory import (
    LeadingOrder,
    Learned,
    NormDecayPrediction,
    PartPrediction,
    Prediction,
    equivalent_kernel,
    generalisation_boundary,
    gp_on_part,
    latent_spectrum,
    lazy_learned,
    predict,
    predict_on_part,
    random_masks,
    reward_of_a_frequency,
    reward_of_a_position,
)
from .thermodynamics import Thermodynamics, sharp_thermodynamics, thermodynamics


__all__ = [
    "GENERALISATION_PHASES",
    "PHASES",
    "REGULARISERS",
    "Basin",
    "KernelSpectrum",
    "LeadingOrder",
    "Learned",
    "ModularAddition",
    "NormDecayPrediction",
    "OrderParameters",
    "PartPrediction",
    "Prediction",
    "QuadraticNetworks",
    "Thermodynamics",
    "Transitions",
    "basins",
    "classify",
    "classify_generalisation",
    "detection_power",
    "equivalent_kernel",
    "finite_size_transitions",
    "generalisation_boundary",
    "generalisation_diagram",
    "gp_learned",
    "gp_on_part",
    "gp_sample_complexity",
    "kernel_spectrum",
    "ladder_of_basins",
    "latent_kernels",
    "latent_spectrum",
    "lazy_learned",
    "nngp_eigenvalues",
    "nngp_kernel",
    "passes_half",
    "phase_diagram",
    "predict",
    "predict_on_part",
    "pruned",
    "pruned_dominant",
    "random_masks",
    "reward_of_a_frequency",
    "reward_of_a_position",
    "safe_step_size",
    "sharp_thermodynamics",
    "simulate",
    "thermodynamics",
    "transitions",
]

__doc__ = _listed(__doc__, globals())
