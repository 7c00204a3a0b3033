"""Toy grokking by representation learning: parallelograms, the effective theory, and four phases (arXiv:2205.10343)."""

from ..._printing import listed as _listed
from .critical_fraction import (
    critical_fraction,
    exact_unique_probability,
    first_unique_sizes,
    isolated_symbol_estimate,
    unique_probability,
)
from .effective_flow import (
    effective_flow,
    effective_loss,
    euler_flow,
    flow_time_to_structure,
    hamiltonian,
    steps_to_structure,
)
from .exact_counts import exact_unique_counts
from .experiment import Seeds, Training, simulate, train_masks, trained, trajectory
from .goldilocks import Goldilocks, goldilocks, neighbour_distances
from .order_parameters import OrderParameters
from .phases import PHASES, Phase, TrainingPhaseDiagram, classify, phase_diagram, rate_diagram, share_within_bounds
from .system import ToyNetwork, ToyRepresentation, TrainingLoss
from .tasks import Addition, ModularAddition, Permutations
from .theory import Prediction, predict, predictable_training_sets
from .torch_init import released_start
from .training_sets import random_training_sets, training_sets_of_sizes


__all__ = [
    "PHASES",
    "Addition",
    "Goldilocks",
    "ModularAddition",
    "OrderParameters",
    "Permutations",
    "Phase",
    "Prediction",
    "Seeds",
    "ToyNetwork",
    "ToyRepresentation",
    "Training",
    "TrainingLoss",
    "TrainingPhaseDiagram",
    "classify",
    "critical_fraction",
    "effective_flow",
    "effective_loss",
    "euler_flow",
    "exact_unique_counts",
    "exact_unique_probability",
    "first_unique_sizes",
    "flow_time_to_structure",
    "goldilocks",
    "hamiltonian",
    "isolated_symbol_estimate",
    "neighbour_distances",
    "phase_diagram",
    "predict",
    "predictable_training_sets",
    "random_training_sets",
    "rate_diagram",
    "released_start",
    "share_within_bounds",
    "simulate",
    "steps_to_structure",
    "train_masks",
    "trained",
    "training_sets_of_sizes",
    "trajectory",
    "unique_probability",
]

__doc__ = _listed(__doc__, globals())
