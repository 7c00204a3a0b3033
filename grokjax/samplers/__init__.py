"""Samplers and trainers behind one `init` / `step` protocol."""

from .._printing import listed as _listed
from .base import About, AbstractLangevin, AbstractSampler, State, WithGradient, energy_and_gradient
from .box_moves import BoxState, WithBoxMoves
from .broad_moves import WithBroadMoves
from .droplet_moves import DropletMoves, WithDropletMoves
from .ending import UntilFinished
from .force_error import ForceError, force_error
from .gibbs import BlockGibbs
from .gradient import GradientDescent
from .langevin import Langevin, LeimkuhlerMatthews
from .mala import MALA
from .replica_exchange import ExchangeReport, ReplicaExchange, WithReplicaExchange
from .stiffness import check_step_size, largest_curvature, largest_curvatures, stability_limits
from .underdamped import UnderdampedLangevin


__all__ = [
    "MALA",
    "About",
    "AbstractLangevin",
    "AbstractSampler",
    "BlockGibbs",
    "BoxState",
    "DropletMoves",
    "ExchangeReport",
    "ForceError",
    "GradientDescent",
    "Langevin",
    "LeimkuhlerMatthews",
    "ReplicaExchange",
    "State",
    "UnderdampedLangevin",
    "UntilFinished",
    "WithBoxMoves",
    "WithBroadMoves",
    "WithDropletMoves",
    "WithGradient",
    "WithReplicaExchange",
    "check_step_size",
    "energy_and_gradient",
    "force_error",
    "largest_curvature",
    "largest_curvatures",
    "stability_limits",
]

__doc__ = _listed(__doc__, globals())
