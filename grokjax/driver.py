"""The one driver: from an experiment and a system to a `Run`.

`simulate` lays a sweep out as an ensemble, draws every entry's problem in one compiled call, assembles the sampler,
runs the loop, and collects what was measured. `door` makes the flat door of a system, `evaluate` runs an experiment
without a chain, `extend` goes on from a run.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from . import ensemble
from ._checks import argument_error, check_alike, check_choice, check_instance, check_key, check_whole
from ._doors import flat
from .collection import collect, observables_of, problem_axes
from .ensemble.assembly import Assembly, Moves
from .ensemble.checkpoints import as_before
from .ensemble.layout import HALF_STEP, OTHER_START, Layout
from .ensemble.memory import out_of_memory_in_words
from .ensemble.plan import Compute, Schedule
from .experiment import AbstractEvaluation, AbstractExperiment, Design, Problem, Settings
from .parameters import map_parameters, parameter_axes, sweep_shape, with_sizes
from .results import Run, warn_unless_in_equilibrium
from .samplers import AbstractLangevin, AbstractSampler


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

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> run = grokjax.simulate(
        ...     jax.random.key(0), system, pu.PowerUnits(), num_members=4, num_steps=60, progress=False
        ... )
        >>> run.output.mean.shape, run.series.output.shape[0], run.certificate is None
        ((), 4, False)
    """
    key, settings = check_key(key), Settings(design, schedule, compute)
    check_instance("experiment", experiment, AbstractExperiment, "Make one, such as teacher_student.Students().")
    check_instance("system", system, experiment.systems, "Give the parameters of what is simulated.")
    if sampler is not None:
        check_instance("sampler", sampler, AbstractSampler, "Try grokjax.UnderdampedLangevin().")
    experiment, system, (design, schedule, compute) = experiment.prepared(system, settings)
    exchange = moves.exchange
    if exchange is not None:
        system = _on_ladder(system, exchange)
    sampler = experiment.sampler(key, system) if sampler is None else sampler
    problem_key, step_key, run_key = _split(key)
    draw = _Draw.of(problem_key, system, experiment, design)
    layout = draw.layout(sampler, design, shared="data" if exchange is not None else experiment.shared)
    with out_of_memory_in_words(layout.num_entries):
        problem, axes, positions = draw(layout)
    assembly = Assembly(layout, sampler, moves, problem.target, axes.target, problem.truth, step_key)
    assembly.check(positions)
    assembled = assembly.sampler_at(positions)
    observables = observables_of(assembly, experiment, problem, axes, assembled)
    label = f"{draw.start} start" if compute.label == Compute().label else compute.label
    run = ensemble.run(
        run_key,
        assembled,
        assembly.loop_target,
        assembly.in_loop(positions),
        observables=observables,
        target_axes=axes.target,
        schedule=_in_calls(experiment, schedule, assembled.about.steps, assembly),
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

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> simulate = grokjax.door(pu.PowerUnits(), "Sample power units.")
        >>> simulate(jax.random.key(0), system, num_members=4, num_steps=60, progress=False).layout.num_members
        4
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

    Examples:
        >>> from grokjax.driver import first_positions
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> design = grokjax.Design(num_members=4)
        >>> problem, positions = first_positions(jax.random.key(0), system, pu.PowerUnits(), design)
        >>> positions.weight.shape, problem.starts
        ((4,), ())
    """
    settings = Settings(Design() if design is None else design, Schedule(), Compute())
    experiment, system, (design, _, _) = experiment.prepared(system, settings)
    draw = _Draw.of(_split(check_key(key))[0], system, experiment, design)
    num_members = experiment.num_members if design.num_members is None else design.num_members
    layout = Layout.of(sweep_shape(system), num_members, design.num_datasets, shared=experiment.shared)
    problem, _, positions = draw(layout)
    return problem, positions


def extend(run: Run, key: Key[Array, ""], num_steps: int, *, progress: bool = False) -> Run:
    """See `Run.extend`.

    Examples:
        >>> from grokjax.driver import extend
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> run = pu.simulate(jax.random.key(0), system, num_members=4, num_steps=60, progress=False)
        >>> longer = extend(run, jax.random.key(1), num_steps=60)
        >>> run.series.output.shape, longer.series.output.shape
        ((4, 40), (4, 100))
    """
    if run.problem is None or run.assembly is None or run.ensemble.states is None:
        raise argument_error("run", "one with its problems and states", "a copy without them", "Extend the whole run.")
    assembly, axes = run.assembly, problem_axes(run.experiment, run.problem)
    sampler = run.ensemble.sampler
    settings = Settings(Design(), Schedule(), Compute(progress=progress, label="longer"))
    compute = run.experiment.prepared(run.system, settings)[2].compute
    longer = ensemble.run(
        check_key(key),
        sampler,
        assembly.loop_target,
        states=run.ensemble,
        observables=observables_of(assembly, run.experiment, run.problem, axes, sampler),
        target_axes=axes.target,
        num_steps=-(-check_whole("num_steps", num_steps) // sampler.about.steps),
        record_every=run.ensemble.record_every,
        compute=compute,
    )
    return collect(run.system, run.experiment, run.problem, axes, assembly, longer, run.start)


def evaluate(system: Any, experiment: AbstractEvaluation) -> Run:
    """The run of an evaluated experiment.

    Args:
        system: its parameters.
        experiment: what is evaluated.

    Examples:
        >>> class Square(grokjax.AbstractEvaluation):
        ...     def evaluate(self, system):
        ...         return {"square": grokjax.Estimate(system**2, 1e-3)}
        >>> run = grokjax.evaluate(3.0, Square())
        >>> print(run.order_parameters["square"], run.certificate)  # nothing was sampled
        9.0000(10) None
    """
    check_instance("experiment", experiment, AbstractEvaluation, "Sampled experiments are simulated.")
    return Run.of_evaluation(system, experiment, experiment.evaluate(system))


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
    warmup = int(steps * share) if schedule.warmup is None else check_whole("warmup", schedule.warmup, 0)
    calls = lambda number: -(-check_whole("steps", number, 0) // per_call)
    before = as_before(schedule).warmup if schedule.warmup is None else None  # a run that is made longer keeps its own
    return dataclasses.replace(
        schedule,
        num_steps=calls(steps),
        warmup=calls(warmup) if before is None else before,
        record_every=None if schedule.record_every is None else calls(schedule.record_every),
        adapt=assembly.adapted if assembly.automatic else None,
    )
