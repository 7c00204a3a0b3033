"""The road of theory: the whole table, and a part of it."""

from ...._printing import listed as _listed
from .generalisation import (
    Learned as Learned,
    equivalent_kernel as equivalent_kernel,
    generalisation_boundary as generalisation_boundary,
    lazy_learned as lazy_learned,
    reward_of_a_frequency as reward_of_a_frequency,
    reward_of_a_position as reward_of_a_position,
)
from .latent_spectrum import LatentSpectrum as LatentSpectrum, latent_spectrum as latent_spectrum
from .norm_decay import NormDecayPrediction as NormDecayPrediction
from .on_part import (
    PartPrediction as PartPrediction,
    gp_on_part as gp_on_part,
    predict_on_part as predict_on_part,
    random_masks as random_masks,
)
from .prediction import (
    CONVENTIONS as CONVENTIONS,
    LeadingOrder as LeadingOrder,
    Prediction as Prediction,
    convex_dual as convex_dual,
    predict as predict,
    readout_coherence as readout_coherence,
)


__all__ = [
    "CONVENTIONS",
    "LatentSpectrum",
    "LeadingOrder",
    "Learned",
    "NormDecayPrediction",
    "PartPrediction",
    "Prediction",
    "convex_dual",
    "equivalent_kernel",
    "generalisation_boundary",
    "gp_on_part",
    "latent_spectrum",
    "lazy_learned",
    "predict",
    "predict_on_part",
    "random_masks",
    "readout_coherence",
    "reward_of_a_frequency",
    "reward_of_a_position",
]

__doc__ = _listed(__doc__, globals())
