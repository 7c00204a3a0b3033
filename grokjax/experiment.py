r"""The road of simulation, for every system: draw problems, sample or train them, measure order parameters.

An experiment says three things of *one* member, and the driver does the rest for hundreds:

- `draw(data_key, start_key, system)` makes its `Problem`: what is sampled, where it may start, what is known of the
  truth.
- `measure(key, problem, state)` reads the order parameters off a state: the pytree that theory returns.
- `summarise(averages, observed)` turns time averages into order parameters where these are no plain average.

`simulate` draws a problem for every point of a sweep, every member and every witness, advances all of them in one
compiled call, and returns a `Run`. There are three kinds of experiment, told apart by the sampler's own word. A
*sampled* one has time averages and a certificate of equilibrium. A *trained* one is measured where it ends and has a
status for each member. An *evaluated* one (`AbstractEvaluation`, `evaluate`) has neither key nor chain.
"""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from . import ensemble
from ._checks import argument_error, check_alike, check_choice, check_whole
from ._doors import flat
from ._printing import AbstractPrinted
from ._tree import Shared, partition_members
from .ensemble.assembly import Assembly, Moves
from .ensemble.layout import HALF_STEP, OTHER_START, Layout
from .ensemble.plan import Compute, Schedule
from .observables import AbstractObservable, Series
from .parameters import map_parameters, parameter_axes, sweep_shape, with_sizes
from .results import DIAGNOSTIC, MEASURED, OBSERVED, Run, collect, warn_unless_in_equilibrium
from .samplers import AbstractLangevin, AbstractSampler, UnderdampedLangevin


class Problem(eqx.Module):
    """What one member samples or trains.

    Attributes:
        target: a callable energy, position -> scalar, of the law exp(-energy); or whatever the sampler takes.
        starts: first positions, in the order of their names.
        truth: what `measure` needs to know beside the target, such as the teacher.
        start_names: the first is the default; witnesses take the next one.
    """

    target: Any
    starts: tuple[PyTree, ...]
    truth: Any
    start_names: tuple[str, ...] = eqx.field(static=True)

    def __init__(self, target: Any, starts: Any, truth: Any = None):
        """A problem.

        Args:
            target: what is sampled.
            starts: first positions by name, such as `{"prior": position, "droplets": other}`.
            truth: anything.

        Raises:
            ValueError: `starts` is no mapping from names, or empty.
        """
        if not isinstance(starts, Mapping) or not starts or not all(isinstance(name, str) for name in starts):
            raise argument_error(
                "starts", "a mapping from names to first positions", type(starts).__name__, 'Try {"prior": position}.'
            )
        self.target, self.truth = target, truth
        self.starts, self.start_names = tuple(starts.values()), tuple(starts)


class AbstractExperiment(AbstractPrinted):
    """The experiment of a system; its fields are its options.

    Attributes:
        num_members: members per point, unless the user says so.
        num_steps: steps, likewise.
        warmup_share: part of the steps before the first record.
        shared: what the points of a sweep have in common: "nothing", "data" or "everything" random.
        followed: whether `measure` and the sampler's diagnostics are kept at every record; a sampled experiment is
            always followed.
        certified: names of the measurements that the certificate examines; None for all.
    """

    num_members: ClassVar[int] = 16
    num_steps: ClassVar[int] = 1500
    warmup_share: ClassVar[float] = 1 / 3
    shared: ClassVar[str] = "nothing"
    followed: ClassVar[bool] = True
    certified: ClassVar[tuple[str, ...] | None] = None

    def prepared(self, system: Any) -> tuple["AbstractExperiment", Any]:
        """The experiment and the system as they are run, before anything is drawn.

        What only a whole sweep decides, such as its largest size, is settled here, and what cannot be drawn is refused.
        """
        return self, system

    @abc.abstractmethod
    def draw(self, data_key: Key[Array, ""], start_key: Key[Array, ""], system: Any) -> Problem:
        """The problem of one member; sizes of the system are ints, its other parameters scalar arrays.

        Args:
            data_key: of the data set; members that share a data set have the same one.
            start_key: of first positions, its own for every member.
            system: at one point.
        """

    @abc.abstractmethod
    def measure(self, key: Key[Array, ""], problem: Problem, state: Any) -> Any:
        """Order parameters of one member in one state.

        Args:
            key: fresh at every record, for test points.
            problem: as drawn, without its starts.
            state: of the sampler; `state.position` has the form of a start.
        """

    def summarise(self, averages: Any, observed: dict[str, Any]) -> Any:
        """Order parameters from averages over the records (or from the last state, where the sampler trains).

        Args:
            averages: what `measure` returns, numpy arrays of shape (*sweep, member, ...).
            observed: results of `observables`, likewise.
        """
        del observed
        return averages

    def observables(self, problem: Problem) -> dict[str, AbstractObservable]:
        """What else is streamed, such as histograms and hitting times; arrays of the problem lead with the member."""
        del problem
        return {}

    def share(self, problem: Problem) -> tuple[Any, ...]:
        """The nodes of a problem that are the same for all members, and kept once."""
        del problem
        return ()

    def sampler(self, key: Key[Array, ""], system: Any) -> AbstractSampler:
        """The dynamics unless the user gives one; leaves are scalars or arrays over the sweep."""
        del key, system
        return UnderdampedLangevin()

    def outcome(self, measured: Any, observed: dict[str, Any]) -> np.ndarray | None:
        """`Status` codes of trained members, shape (*sweep, member), or None where the sampler's own are all."""
        del measured, observed
        return None

    def design(self, system: Any, design: "Design") -> "Design":
        """Who takes part, where the system decides it, such as one data set where all members share the data."""
        del system
        return design

    def for_member(self, member: Any, num_members: int) -> "AbstractExperiment":
        """The experiment that draws one member: its own part, where members are given arrays made beforehand.

        Args:
            member: index of the member, the same at all points of a sweep.
            num_members: members per point.
        """
        del member, num_members
        return self

    def schedule(self, schedule: Schedule) -> Schedule:
        """When things happen, where the user leaves it to the experiment."""
        return schedule

    def compute(self, system: Any, compute: Compute) -> Compute:
        """How numbers are computed, where the user leaves it to the experiment."""
        del system
        return compute


@dataclasses.dataclass(frozen=True, kw_only=True)
class Design:
    """Who takes part.

    Attributes:
        num_members: members per point; the experiment's number unless given.
        num_datasets: data sets per point, as many as members unless given; it must divide their number.
        num_witnesses: members per point that start from the other side, and as many at half the step, as evidence for
            the certificate; they enter no average. An eighth of the members unless given, and two at least.
        start: name of a start; the experiment's first one unless given.
        dtype: float type of the members.
    """

    num_members: int | None = None
    num_datasets: int | None = None
    num_witnesses: int | None = None
    start: str | None = None
    dtype: Any = jnp.float32


def _simulate(
    key: Key[Array, ""],
    system: Any,
    experiment: AbstractExperiment,
    *,
    sampler: AbstractSampler | None = None,
    design: Design,
    moves: Moves,
    schedule: Schedule,
    compute: Compute,
) -> Run:
    """Simulate every point of a sweep, all members in one compiled call.

    The fields of `Design`, `Moves`, `Schedule` and `Compute` are keywords, too:
    `simulate(key, system, experiment, num_members=64, num_steps=900, progress=False)`.

    Args:
        key: random key of everything.
        system: its sizes are concrete; other parameters may be arrays over any number of sweep axes.
        experiment: what is drawn and measured.
        sampler: the dynamics, that of the experiment unless given; its leaves are scalars or arrays over the sweep. A
            step size of None is chosen from the curvature at the start, and again half-way through the warm-up.
        design: see `Design`.
        moves: see `Moves`.
        schedule: see `Schedule`.
        compute: see `Compute`.

    Returns:
        A `Run`; every order parameter has `.mean` and `.error` over data sets.

    Raises:
        ValueError: a keyword is not known, a size is not concrete, the start is unknown, the step size is unstable, or
            all members of a point diverged.
    """
    experiment, system = experiment.prepared(system)
    exchange = moves.exchange
    if exchange is not None:
        system = _on_ladder(system, exchange)
    sampler, design = experiment.sampler(key, system) if sampler is None else sampler, experiment.design(system, design)
    step_key, run_key, draw = *_split(key)[1:], _Draw.of(_split(key)[0], system, experiment, design)
    layout = draw.layout(sampler, design, shared="data" if exchange is not None else experiment.shared)
    problem, axes, positions = draw(layout)
    assembly = Assembly(layout, sampler, moves, problem.target, axes.target, problem.truth, step_key)
    assembly.check(positions)
    assembled = assembly.sampler_at(positions)
    observables = measurements(experiment, problem, axes, assembled)
    compute = experiment.compute(system, compute)
    label = f"{draw.start} start" if compute.label == Compute().label else compute.label
    run = ensemble.run(
        run_key,
        assembled,
        assembly.loop_target,
        assembly.in_loop(positions),
        observables=assembly.observed(observables),
        target_axes=axes.target,
        schedule=_in_calls(experiment, experiment.schedule(schedule), assembled.about.steps, assembly),
        compute=dataclasses.replace(compute, label=label),
    )
    if assembled.about.samples:  # of a trained member its status tells
        layout.check_survivors(layout.fold(assembly.per_entry(run.diverged)), assembled)
    found = collect(system, experiment, problem, axes, assembly, run, draw.start)
    warn_unless_in_equilibrium(found, label)
    return found


simulate = flat(_simulate, name="simulate", design=Design(), moves=Moves(), schedule=Schedule(), compute=Compute())
"""The one driver."""


def door(experiment: AbstractExperiment, doc: str) -> Any:
    """`simulate` of one system: `simulate(key, system, ...)`, with the fields of its experiment among the keywords.

    Args:
        experiment: with default options.
        doc: the docstring of the door.
    """
    groups = {"design": Design(), "moves": Moves(), "schedule": Schedule(), "compute": Compute()}
    return flat(_simulate, name="simulate", doc=doc, experiment=experiment, **groups)


def first_positions(
    key: Key[Array, ""], system: Any, experiment: AbstractExperiment, design: Design | None = None
) -> tuple[Problem, PyTree]:
    """Problems and first positions of all members, without witnesses, as `simulate` draws them from the same key.

    Args:
        key: random key of the simulation.
        system: as in `simulate`.
        experiment: what is drawn.
        design: as in `simulate`.

    Returns:
        A `Problem` without its starts and the positions, both with leading axis entry: members, points fastest.
    """
    design = experiment.design(system, Design() if design is None else design)
    draw = _Draw.of(_split(key)[0], system, experiment, design)
    num_members = experiment.num_members if design.num_members is None else design.num_members
    layout = Layout.of(sweep_shape(system), num_members, design.num_datasets, shared=experiment.shared)
    problem, _, positions = draw(layout)
    return problem, positions


def extend(run: Run, key: Key[Array, ""], num_steps: int, *, progress: bool = False) -> Run:
    """See `Run.extend`."""
    if run.problem is None or run.assembly is None or run.ensemble.states is None:
        raise argument_error("run", "one with its problems and states", "a copy without them", "Extend the whole run.")
    assembly, axes = run.assembly, problem_axes(run.experiment, run.problem)
    sampler = run.ensemble.sampler
    compute = run.experiment.compute(run.system, Compute(progress=progress, label="longer"))
    longer = ensemble.run(
        key,
        sampler,
        assembly.loop_target,
        states=run.ensemble,
        observables=assembly.observed(measurements(run.experiment, run.problem, axes, sampler)),
        target_axes=axes.target,
        num_steps=-(-check_whole("num_steps", num_steps) // sampler.about.steps),
        record_every=run.ensemble.record_every,
        compute=compute,
    )
    return collect(run.system, run.experiment, run.problem, axes, assembly, longer, run.start)


class AbstractEvaluation(eqx.Module):
    """An experiment without key and chain: something is constructed and evaluated."""

    @abc.abstractmethod
    def evaluate(self, system: Any) -> Any:
        """Order parameters of a system: a pytree of `Estimate`s, whose errors bound what evaluation leaves open."""


def evaluate(system: Any, experiment: AbstractEvaluation) -> Run:
    """The run of an evaluated experiment.

    Args:
        system: its parameters.
        experiment: what is evaluated.
    """
    return Run.of_evaluation(system, experiment, experiment.evaluate(system))


class _Measured(eqx.Module):
    """`experiment.measure` as a measurement of the loop."""

    experiment: Shared
    mine: Any
    common: Shared

    def __call__(self, key: Key[Array, ""], state: Any) -> Any:
        problem = eqx.combine(self.mine, self.common.value)
        return self.experiment.value.measure(key, problem, state)


def measurements(experiment: AbstractExperiment, problem: Problem, axes: Any, sampler: AbstractSampler) -> dict:
    """All observables of a run: the sampler's diagnostics, the experiment's own, and its measure."""
    extras = {OBSERVED + name: each for name, each in experiment.observables(problem).items()}
    if not (sampler.about.samples or experiment.followed):
        return extras
    series = {DIAGNOSTIC + name: Series(each) for name, each in sampler.diagnostics.items()}
    mine, common = partition_members(axes, problem)
    return {**extras, **series, MEASURED: Series(_Measured(Shared(experiment), mine, Shared(common)))}


@eqx.filter_jit
def measure_members(
    keys: Key[Array, " entries"], experiment: AbstractExperiment, problem: Problem, axes: Any, states: Any
) -> Any:
    """`experiment.measure` of every entry in its last state."""
    mine, common = partition_members(axes, problem)
    one = lambda key, mine, state: experiment.measure(key, eqx.combine(mine, common), state)
    return eqx.filter_vmap(one, in_axes=(0, eqx.if_array(0), eqx.if_array(0)))(keys, mine, states)


def problem_axes(experiment: AbstractExperiment, problem: Problem) -> Any:
    """A prefix of a problem: 0 where arrays lead with the entry, None where all entries share them."""
    axes, shared = jax.tree.map(lambda _: 0, problem), experiment.share(problem)
    if not shared:
        return axes
    return eqx.tree_at(experiment.share, axes, [jax.tree.map(lambda _: None, node) for node in shared])


class _Draw(eqx.Module):
    """One member's problem, seen before any is drawn."""

    key: Key[Array, ""]
    system: Any
    experiment: AbstractExperiment
    outline: Problem
    start: str = eqx.field(static=True)
    num_members: int = eqx.field(static=True)
    dtype: Any = eqx.field(static=True)

    @staticmethod
    def of(key, system: Any, experiment: AbstractExperiment, design: Design) -> "_Draw":
        num_members = check_whole(
            "num_members", experiment.num_members if design.num_members is None else design.num_members
        )
        one = map_parameters(lambda _: jnp.zeros((), design.dtype), with_sizes(system))
        outline = eqx.filter_eval_shape(_draw_one, experiment, key, key, one, jnp.asarray(0), num_members)
        if not isinstance(outline, Problem):
            raise argument_error(
                "experiment",
                "one whose `draw` returns a Problem",
                type(outline).__name__,
                "Return Problem(target, starts).",
            )
        if len(outline.starts) > 1:
            check_alike("starts", outline.starts, "Every start is a position of one and the same kind.")
        start = outline.start_names[0] if design.start is None else design.start
        check_choice("start", start, outline.start_names)
        return _Draw(key, system, experiment, outline, start, num_members, jnp.dtype(design.dtype))

    def layout(self, sampler: AbstractSampler, design: Design, shared: str) -> Layout:
        """Points, members, and the witnesses that make sense."""
        about, starts = sampler.about, self.outline.start_names
        roles = (OTHER_START,) if about.samples and len(starts) > 1 else ()
        roles += (HALF_STEP,) if about.bias_order is not None and isinstance(sampler, AbstractLangevin) else ()
        options = {"roles": roles, "num_witnesses": design.num_witnesses, "shared": shared}
        return Layout.of(sweep_shape(self.system), self.num_members, design.num_datasets, **options)

    def __call__(self, layout: Layout) -> tuple[Problem, Any, PyTree]:
        """The problems and first positions of all entries, and which axes of a problem lead with the entry."""
        data_key, start_key = jax.random.split(self.key)
        keys = layout.dataset_keys(data_key), layout.member_keys(start_key)
        members = map_parameters(lambda leaf: layout.repeat(leaf).astype(self.dtype), with_sizes(self.system))
        axes = problem_axes(self.experiment, eqx.tree_at(lambda problem: problem.starts, self.outline, ()))
        other = layout.has_role(OTHER_START)
        who = jnp.asarray(layout.member), jnp.asarray(other)
        names = self.num_members, self.start, bool(other.any())
        problem, positions = _draw_all(self.experiment, members, keys, who, axes, *names)
        return problem, axes, positions


def _draw_one(experiment, data_key, start_key, system, member, num_members):
    return experiment.for_member(member, num_members).draw(data_key, start_key, system)


@eqx.filter_jit
def _draw_all(experiment, members, keys, who, axes, num_members, start, any_other):
    def one(data_key, start_key, system, member, other):
        problem = _draw_one(experiment, data_key, start_key, system, member, num_members)
        chosen = problem.start_names.index(start)
        position = problem.starts[chosen]
        if any_other:
            alternative = problem.starts[(chosen + 1) % len(problem.starts)]
            position = jax.tree.map(lambda a, b: jnp.where(other, a, b), alternative, position)
        return eqx.tree_at(lambda problem: problem.starts, problem, ()), position

    in_axes = (0, 0, parameter_axes(members), 0, 0)
    return eqx.filter_vmap(one, in_axes=in_axes, out_axes=(axes, eqx.if_array(0)))(*keys, members, *who)


def _split(key: Key[Array, ""]) -> tuple[Any, Any, Any]:
    """Keys of the problems, of the step and of the dynamics."""
    problem_key, run_key = jax.random.split(key)
    return problem_key, *jax.random.split(run_key)


def _on_ladder(system: Any, exchange: Any) -> Any:
    """The system with the noises of the rungs for a sweep."""
    shape = sweep_shape(system)
    if shape:
        raise argument_error(
            "system", "a single point when replicas are exchanged: the ladder is the sweep", shape, "Loop over it."
        )
    if not hasattr(system, "noise_variance"):
        raise argument_error(
            "exchange", "used with a system that has a noise_variance", type(system).__name__, "Drop it."
        )
    return eqx.tree_at(lambda s: s.noise_variance, system, exchange.noise_variances)


def _in_calls(experiment: AbstractExperiment, schedule: Schedule, per_call: int, assembly: Assembly) -> Schedule:
    """The schedule in steps of the assembled sampler, each of which is several where moves wrap the dynamics."""
    steps = check_whole("num_steps", experiment.num_steps if schedule.num_steps is None else schedule.num_steps)
    share = experiment.warmup_share if assembly.sampler.about.samples else 0.0
    warmup = int(steps * share) if schedule.warmup is None else schedule.warmup
    calls = lambda number: -(-check_whole("steps", number, 0) // per_call)
    return dataclasses.replace(
        schedule,
        num_steps=calls(steps),
        warmup=calls(warmup),
        record_every=None if schedule.record_every is None else calls(schedule.record_every),
        adapt=assembly.adapted if assembly.automatic else None,
    )
