"""The road of theory: the whole table, and a part of it."""

from ...._printing import listed as _listed
from .generalisation import (
    Learned,
    equivalent_kernel,
    generalisation_boundary,
    lazy_learned,
    reward_of_a_frequency,
    reward_of_a_position,
)
from .latent_spectrum import LatentSpectrum, latent_spectrum
from .norm_decay import NormDecayPrediction
from .on_part import PartPrediction, gp_on_part, predict_on_part, random_masks
from .prediction import CONVENTIONS, LeadingOrder, Prediction, convex_dual, predict, readout_coherence


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
