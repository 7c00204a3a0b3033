r"""The road of simulation: gradient flow of normalised networks at growing width.

`train` runs one width: all points of a sweep and all seeds in one compiled call, through the driver of the library.
`simulate` runs several widths one after the other (sizes change shapes) and fits $\log RD = S\log m + c$ layer by layer.
Nothing here knows the theory.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key

from ..._checks import argument_error
from ...experiment import AbstractExperiment, Problem, door
from ...samplers.base import AbstractSampler
from ...status import Status
from .condensation import effective_number, neurons, operator_norm, shares
from .data import DataSet, four_points
from .flow import ExponentialFlow
from .network import READOUT, FlowProblem, standard_weights
from .order_parameters import Displacement
from .system import AbstractNetwork


class Networks(AbstractExperiment):
    """Networks trained by gradient flow until they fit the data.

    A member that is stuck or out of steps is counted in the run's status and enters no average.

    Attributes:
        data: the training set, the same for all members.
        hidden_bias: whether hidden matrices have a bias, too; it breaks the exact scale invariance.
    """

    num_members = 10
    num_steps = 30_000
    shared = "everything"  # seeds are the same all over a grid: smoother maps
    followed = False

    data: DataSet = eqx.field(default_factory=four_points)
    hidden_bias: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        if not isinstance(self.data, DataSet):
            raise argument_error("data", "a DataSet", type(self.data).__name__, "Try DataSet(inputs, targets).")

    def draw(self, data_key: Key[Array, ""], start_key: Key[Array, ""], system: AbstractNetwork) -> Problem:
        """First weights; data are not random."""
        del data_key
        dtype = system.scales.output.dtype
        inputs, targets = jnp.asarray(self.data.inputs, dtype), jnp.asarray(self.data.targets, dtype)
        inputs = jnp.concatenate([inputs, jnp.ones_like(inputs[:, :1])], axis=1)
        weights = standard_weights(start_key, system, inputs.shape[1], self.hidden_bias, dtype)
        flow = FlowProblem.of(system, weights, inputs, targets, self.hidden_bias)
        return Problem(flow, {"initialisation": flow.at_rest()})

    def share(self, problem: Problem) -> tuple[Any, ...]:
        """Inputs and targets are the same for all."""
        return problem.target.inputs, problem.target.targets

    def sampler(self, key: Key[Array, ""], system: AbstractNetwork) -> AbstractSampler:
        """The exponential integrator."""
        del key, system
        return ExponentialFlow()

    def measure(self, key: Key[Array, ""], problem: Problem, state: Any) -> Displacement:
        """Displacements of all layers, and whether neurons gather; NaN unless the member reached its goal."""
        del key
        flow, moved = problem.target, state.position
        log_ratio = lambda name, squared: 0.5 * jnp.log(squared / jnp.sum(flow.weights[name] ** 2))
        square = lambda name: jnp.sum(moved[name] ** 2)
        hidden = flow.layers[1:]
        one_dimension = flow.inputs.shape[1] == 2
        share = shares(*neurons(flow, moved), one_dimension)
        at_start = shares(*neurons(flow, flow.at_rest()), one_dimension)
        trained = {name: flow.weights[name] + moved[name] for name in hidden}
        norms = {name: operator_norm(moved[name]) / operator_norm(flow.weights[name]) for name in hidden}
        found = Displacement(
            log_displacement={name: log_ratio(name, square(name)) for name in flow.layers},
            log_largest={name: log_ratio(name, state.inner.largest[name]) for name in flow.layers},
            log_operator={name: jnp.log(norms[name]) for name in hidden},
            log_readout=log_ratio(READOUT, square(READOUT)),
            effective_neurons=effective_number(share),
            effective_neurons_at_start=effective_number(at_start),
            top_share=jnp.sort(share)[-4:].sum(),
            stable_rank={name: jnp.sum(w**2) / operator_norm(w) ** 2 for name, w in trained.items()},
        )
        reached = state.status == int(Status.REACHED)
        return jax.tree.map(lambda value: jnp.where(reached, value, jnp.nan), found)


train = door(
    Networks(),
    """Train networks of one width to the end of their flow.

    `train(key, system.replace(width=1000), num_members=10, ...)`: keywords are those of `grokjax.simulate` and the
    fields of `Networks`.

    Args:
        key: random key of the first weights.
        system: a network with its width; coordinates may be arrays, a sweep in one call.

    Returns:
        A `Run` of `Displacement`, with the `status` of every member.

    Raises:
        ValueError: a keyword is not known, or the network has no width.
    """,
)
