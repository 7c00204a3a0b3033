"""Toy grokking by representation learning: parallelograms, the effective theory, and four phases (arXiv:2205.10343)."""

from ..._printing import listed as _listed
from .critical_fraction import (
    critical_fraction as critical_fraction,
    exact_unique_probability as exact_unique_probability,
    first_unique_sizes as first_unique_sizes,
    isolated_symbol_estimate as isolated_symbol_estimate,
    unique_probability as unique_probability,
)
from .effective_flow import (
    effective_flow as effective_flow,
    effective_loss as effective_loss,
    euler_flow as euler_flow,
    flow_time_to_structure as flow_time_to_structure,
    hamiltonian as hamiltonian,
    steps_to_structure as steps_to_structure,
)
from .exact_counts import exact_unique_counts as exact_unique_counts
from .experiment import (
    Seeds as Seeds,
    Training as Training,
    simulate as simulate,
    train_masks as train_masks,
    trained as trained,
    trajectory as trajectory,
)
from .goldilocks import Goldilocks as Goldilocks, goldilocks as goldilocks, neighbour_distances as neighbour_distances
from .order_parameters import OrderParameters as OrderParameters
from .phases import (
    PHASES as PHASES,
    Phase as Phase,
    TrainingPhaseDiagram as TrainingPhaseDiagram,
    classify as classify,
    phase_diagram as phase_diagram,
    rate_diagram as rate_diagram,
    share_within_bounds as share_within_bounds,
)
from .system import ToyNetwork as ToyNetwork, ToyRepresentation as ToyRepresentation, TrainingLoss as TrainingLoss
from .tasks import (
    Addition as Addition,
    ModularAddition as ModularAddition,
    Permutations as Permutations,
)
from .theory import Prediction as Prediction, predict as predict, predictable_training_sets as predictable_training_sets
from .torch_init import released_start as released_start
from .training_sets import (
    random_training_sets as random_training_sets,
    training_sets_of_sizes as training_sets_of_sizes,
)


__all__ = [
    "PHASES",
    "Addition",
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
    "hamiltonian",
    "isolated_symbol_estimate",
    "phase_diagram",
    "predict",
    "predictable_training_sets",
    "random_training_sets",
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
