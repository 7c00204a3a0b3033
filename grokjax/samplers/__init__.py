"""Samplers and trainers behind one `init` / `step` protocol."""

from .._printing import listed as _listed
from .base import (
    About as About,
    AbstractLangevin as AbstractLangevin,
    AbstractSampler as AbstractSampler,
    State as State,
    WithGradient as WithGradient,
    energy_and_gradient as energy_and_gradient,
)
from .box_moves import BoxState as BoxState, WithBoxMoves as WithBoxMoves
from .broad_moves import WithBroadMoves as WithBroadMoves
from .droplet_moves import DropletMoves as DropletMoves, WithDropletMoves as WithDropletMoves
from .ending import UntilFinished as UntilFinished
from .force_error import ForceError as ForceError, force_error as force_error
from .gibbs import BlockGibbs as BlockGibbs
from .gradient import GradientDescent as GradientDescent
from .langevin import Langevin as Langevin, LeimkuhlerMatthews as LeimkuhlerMatthews
from .mala import MALA as MALA
from .replica_exchange import (
    ExchangeReport as ExchangeReport,
    ReplicaExchange as ReplicaExchange,
    WithReplicaExchange as WithReplicaExchange,
)
from .stiffness import (
    check_step_size as check_step_size,
    largest_curvature as largest_curvature,
    largest_curvatures as largest_curvatures,
    stability_limits as stability_limits,
)
from .underdamped import UnderdampedLangevin as UnderdampedLangevin


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
