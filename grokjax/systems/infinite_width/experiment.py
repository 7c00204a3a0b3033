r"""The road of simulation: gradient flow of normalised networks at growing width.

`train` runs one width: all points of a sweep and all seeds in one compiled call, through the driver of the library.
`simulate` runs several widths one after the other (sizes change shapes) and fits $\log RD = S\log m + c$ layer by
layer.
Nothing here knows the theory.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ..._checks import argument_error, check_instance, check_key, check_whole
from ..._doors import flat
from ...driver import door, simulate as simulate_one
from ...ensemble import Compute, Schedule
from ...experiment import AbstractExperiment, Design, Problem, Settings
from ...parameters import over_sizes, sweep_shape
from ...results import Run
from ...samplers.base import AbstractSampler
from ...status import Status
from .condensation import effective_number, neurons, operator_norm, shares
from .data import DataSet
from .datasets import four_points
from .flow import ExponentialFlow
from .network import READOUT, FlowProblem, standard_weights
from .order_parameters import Displacement
from .scaling import Scaling, collect
from .system import AbstractNetwork


def _as_data(data: Any) -> DataSet:
    if isinstance(data, DataSet):
        return data
    if isinstance(data, tuple) and len(data) == 2:
        return DataSet(*data)
    raise argument_error(
        "data", "a DataSet, or inputs and targets", type(data).__name__, "Try DataSet(inputs, targets)."
    )


class Networks(AbstractExperiment):
    """Networks trained by gradient flow until they fit the data.

    A member that is stuck or out of steps is counted in the run's status and enters no average.

    Attributes:
        data: the training set, the same for all members; a `DataSet`, or a pair of inputs and targets.
        hidden_bias: whether hidden matrices have a bias, too; it breaks the exact scale invariance.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> network = iw.TwoLayer(gamma=jnp.array([0.5, 1.75]), width=10)
        >>> experiment = iw.Networks(data=iw.four_points())
        >>> run = grokjax.simulate(jax.random.key(0), network, experiment, num_members=2, progress=False)
        >>> run.status.shape, run.experiment.data.name
        ((2, 2), 'four points')
    """

    systems = AbstractNetwork
    num_members = 10
    num_steps = 30_000
    shared = "everything"  # seeds are the same all over a grid: smoother maps
    followed = False

    data: DataSet = eqx.field(converter=_as_data, default_factory=four_points)
    hidden_bias: bool = eqx.field(static=True, default=False)

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

    def prepared(self, system: AbstractNetwork, settings: Settings) -> tuple[Any, AbstractNetwork, Settings]:
        """On a CPU, small blocks of neighbouring points: they need equally many steps, and one that has ended is free.

        The matrices of a single deep network fill the cache already.
        """
        if system.width is None:
            raise argument_error(
                "width", "given for a single run", None, "Try system.replace(width=100), or `simulate`."
            )
        if settings.compute.member_block is None and jax.default_backend() == "cpu":
            shape = sweep_shape(system)
            block = min(shape[-1], 16) if shape else 8
            block = 1 if len(system.layers) > 1 else block
            settings = settings._replace(compute=dataclasses.replace(settings.compute, member_block=block))
        return self, system, settings

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

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> network = iw.TwoLayer(gamma=jnp.array([0.5, 1.75]), width=10)
        >>> run = iw.train(jax.random.key(0), network, num_members=2, progress=False)
        >>> grokjax.status.describe(run.status)
        '4 goal reached'
    """,
)


def outputs(run: Run, inputs: Any) -> Float[np.ndarray, "..."]:
    """What the networks of a run (of one width) put out at other inputs, shape (*sweep, member, point).

    Args:
        run: of `train`, with its states.
        inputs: shape (point,) or (point, inputs), without the constant of the bias.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> network = iw.TwoLayer(gamma=jnp.array([0.5, 1.75]), width=10)
        >>> run = iw.train(jax.random.key(0), network, num_members=2, progress=False)
        >>> data = iw.four_points()
        >>> fit = iw.outputs(run, data.inputs)
        >>> fit.shape, bool(np.abs(fit - data.targets).max() < 0.01)
        ((2, 2, 4), True)
    """
    points = jnp.asarray(inputs, jnp.float32)
    points = points[:, None] if points.ndim == 1 else points
    points = jnp.concatenate([points, jnp.ones_like(points[:, :1])], axis=1)

    def one(problem: FlowProblem, moved: Any) -> Array:
        start = problem.features(problem.at_rest(), points).output if run.system.centred else 0.0
        return problem.kappa * (problem.features(moved, points).output - start)

    return _of_members(run, one)


def first_layer(run: Run) -> tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """Orientation and contribution of all neurons of a run, (at the start, at the end), shape (*sweep, member, neuron).

    Args:
        run: of `train`, with its states.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> network = iw.TwoLayer(gamma=jnp.array([0.5, 1.75]), width=10)
        >>> run = iw.train(jax.random.key(0), network, num_members=2, progress=False)
        >>> start, (orientation, contribution) = iw.first_layer(run)
        >>> orientation.shape, contribution.shape
        ((2, 2, 10), (2, 2, 10))
    """
    start = _of_members(run, lambda problem, moved: neurons(problem, problem.at_rest()))
    return start, _of_members(run, neurons)


def _of_members(run: Run, function: Any) -> Any:
    if run.problem is None or run.ensemble.states is None:
        raise argument_error("run", "one with its problems and states", "a copy without them", "Keep the whole run.")
    target, experiment = run.problem.target, run.experiment
    shared = jax.tree.map(lambda _: 0, target)
    axes = eqx.tree_at(lambda t: (t.inputs, t.targets), shared, (None, None), is_leaf=lambda leaf: leaf is None)
    assert isinstance(experiment, Networks)
    values = eqx.filter_vmap(function, in_axes=(axes, 0))(target, run.ensemble.states.position)
    return run.layout.fold(values)


def _simulate(
    key: Key[Array, ""],
    system: AbstractNetwork,
    *,
    widths: Sequence[Any] = (50, 100, 200, 400, 800),
    sampler: AbstractSampler | None = None,
    experiment: Networks,
    design: Design,
    schedule: Schedule,
    compute: Compute,
) -> Scaling:
    """Train networks at several widths to the end of their flow, and fit the exponent of every layer's displacement.

    The fields of `Networks`, `Design`, `Schedule` and `Compute` are keywords, too:
    `simulate(key, system, widths=(50, 100, 200), num_members=5, data=three_points(), progress=False)`.

    Args:
        key: random key; every width has its own part of it.
        system: a network; its coordinates may be arrays, a sweep in one call per width.
        widths: three or more, of at least 2.
        sampler: the integrator; `ExponentialFlow()` unless given.
        experiment: data and options.
        design: see `grokjax.Design`.
        schedule: see `grokjax.Schedule`; `num_steps` is the largest number of trial steps.
        compute: see `grokjax.Compute`.

    Returns:
        A `Scaling`: `.exponent` by layer, `.displacement` by layer and width, `.status` of all members.

    Raises:
        ValueError: fewer than three widths, or equal ones, or one below 2; a coordinate is not finite; a keyword is not
            known.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> plane = iw.TwoLayer(gamma=jnp.array([[0.5, 1.75]]))
        >>> run = iw.simulate(jax.random.key(0), plane, widths=(10, 20, 40), num_members=2, progress=False)
        >>> run.displacement["input"].mean.shape, run.status.shape
        ((1, 2, 3), (1, 2, 3, 2))
    """
    key = check_key(key)
    check_instance("system", system, AbstractNetwork)
    if not isinstance(widths, Sequence) or isinstance(widths, str):
        raise argument_error("widths", "three or more numbers", widths, "Try (50, 100, 200).")
    sizes = tuple(
        sorted({check_whole("widths", m, 2, "Widths are whole numbers of neurons, 2 or more.") for m in widths})
    )
    if len(sizes) < 3 or len(sizes) < len(widths):
        raise argument_error("widths", "three or more different numbers", tuple(widths), "A slope needs three points.")

    def one(network: AbstractNetwork) -> Run:
        width = int(network.width)
        label = f"width {width}" if compute.label == Compute().label else compute.label
        run = simulate_one(
            jax.random.fold_in(key, width),
            network,
            experiment,
            sampler=sampler,
            design=design,
            schedule=schedule,
            compute=dataclasses.replace(compute, label=label),
        )
        return run.without_states()

    return collect(system, sizes, over_sizes(one, system, width=sizes))


simulate = flat(
    _simulate, name="simulate", experiment=Networks(), design=Design(), schedule=Schedule(), compute=Compute()
)
"""The system's road of simulation."""
