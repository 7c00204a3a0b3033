"""Modular addition: the mixed phase, in theory and in real networks."""

from ..._printing import listed as _listed
from .basins import Basin as Basin, basins as basins, free_energy_of_basins as free_energy_of_basins
from .experiment import (
    QuadraticNetworks as QuadraticNetworks,
    safe_step_size as safe_step_size,
    simulate as simulate,
)
from .generalisation_phases import (
    GENERALISATION_PHASES as GENERALISATION_PHASES,
    classify_generalisation as classify_generalisation,
    generalisation_diagram as generalisation_diagram,
    passes_half as passes_half,
)
from .kernels import (
    KernelSpectrum as KernelSpectrum,
    detection_power as detection_power,
    kernel_spectrum as kernel_spectrum,
    latent_kernels as latent_kernels,
    pruned as pruned,
    pruned_dominant as pruned_dominant,
)
from .nngp import (
    gp_learned as gp_learned,
    gp_sample_complexity as gp_sample_complexity,
    nngp_eigenvalues as nngp_eigenvalues,
    nngp_kernel as nngp_kernel,
)
from .order_parameters import OrderParameters as OrderParameters
from .phases import (
    PHASES as PHASES,
    Transitions as Transitions,
    classify as classify,
    finite_size_transitions as finite_size_transitions,
    phase_diagram as phase_diagram,
    transitions as transitions,
)
from .regularisers import REGULARISERS as REGULARISERS
from .system import ModularAddition as ModularAddition
from .theory import (
    LeadingOrder as LeadingOrder,
    Learned as Learned,
    NormDecayPrediction as NormDecayPrediction,
    PartPrediction as PartPrediction,
    Prediction as Prediction,
    equivalent_kernel as equivalent_kernel,
    generalisation_boundary as generalisation_boundary,
    gp_on_part as gp_on_part,
    latent_spectrum as latent_spectrum,
    lazy_learned as lazy_learned,
    predict as predict,
    predict_on_part as predict_on_part,
    random_masks as random_masks,
    reward_of_a_frequency as reward_of_a_frequency,
    reward_of_a_position as reward_of_a_position,
)
from .thermodynamics import (
    Thermodynamics as Thermodynamics,
    sharp_thermodynamics as sharp_thermodynamics,
    thermodynamics as thermodynamics,
)


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
