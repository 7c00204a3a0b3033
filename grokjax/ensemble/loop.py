"""The one loop: members vmapped, steps scanned, chunks looped.

`run` advances every member of an ensemble in one compiled program. Members differ by seed, data set and
hyperparameters alike: every array leaf of the target has a leading axis `member`; scalars of the sampler and of the
observables are shared, and their arrays have a leading axis `member`. The Python loop over chunks of records carries
the progress bar, merges observables and survives Ctrl-C and SIGTERM; nothing inside the compiled chunk calls the host.
The number of records in a chunk is traced, so that a longer run compiles nothing.

Random numbers belong to a member and a step (`fold_in`), so results do not depend on how members are grouped or steps
are cut into chunks. After `jax.distributed.initialize(...)` in several processes that run the same script, members are
sharded over the devices of all of them, and every process returns the same, complete run.
"""

import dataclasses
import time
import warnings
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import Array, Key, PyTree
from tqdm.auto import tqdm

from .. import kernels
from .._checks import argument_error, check_instance, check_key
from .._doors import flat
from .._tree import leading_axes
from ..observables import AbstractObservable
from ..precision import dot_precision, is_lower
from ..samplers.base import AbstractSampler
from ..samplers.force_error import ForceError, force_error, step_size_of
from . import processes
from .checkpoints import Origin, alone, as_before
from .fixed import Loop
from .memory import out_of_memory_in_words
from .outcome import EnsembleRun
from .placement import in_dtype, place_members
from .plan import Chunk, Compute, Plan, Schedule
from .programs import advance_members, own_states
from .progress import Progress, identity_of, keep, resume


def _run(
    key: Key[Array, ""],
    sampler: AbstractSampler,
    target: Any,
    positions: PyTree = None,
    *,
    states: Any = None,
    observables: Mapping[str, AbstractObservable] | None = None,
    target_axes: Any = 0,
    schedule: Schedule,
    compute: Compute,
) -> EnsembleRun:
    """Advance an ensemble and measure it on the way.

    The fields of `Schedule` and `Compute` are keywords, too: `run(key, sampler, target, positions, num_steps=900)`.

    Args:
        key: the root of all random numbers.
        sampler: the algorithm; its leaves are scalars (shared) or arrays with leading axis member.
        target: what is sampled, such as a `Posterior` with leading axis member on its array leaves.
        positions: first positions, leading axis member.
        states: instead of positions, the states to go on from, or a whole `EnsembleRun`: then its observables are
            added to and its steps are counted on, with its spacing of records and no warm-up again.
        observables: what to measure, by name; their leaves are scalars (shared) or arrays with leading axis member.
        target_axes: 0, or a prefix of `target` with None where members share the arrays below.
        schedule: see `Schedule`.
        compute: see `Compute`.

    Returns:
        An `EnsembleRun`. After Ctrl-C or SIGTERM (on any process) it holds what was measured until then, and its
        folder a checkpoint.

    Raises:
        ValueError: a keyword is not known, a size is not a whole number, the warm-up leaves no step to measure, a run
            that is added to had other observables or another spacing, the folder is in use or holds checkpoints of
            another run or of other settings, or processes differ in their arguments or have no member.
        KeyboardInterrupt: Ctrl-C or SIGTERM before anything was measured.

    Examples:
        >>> run = grokjax.run(
        ...     jax.random.key(0), grokjax.UnderdampedLangevin(0.3), lambda x: x @ x / 2, jnp.ones((4, 3)),
        ...     observables={"energy": grokjax.Series(grokjax.observables.measure_energy)},
        ...     num_steps=40, progress=False,
        ... )
        >>> run
        EnsembleRun(4 members, 40 steps (warm-up 0), measured energy, 0 diverged)
    """
    check_instance("sampler", sampler, AbstractSampler, "Try grokjax.UnderdampedLangevin().")
    good = observables is None or isinstance(observables, Mapping)
    if not good or not all(isinstance(each, AbstractObservable) for each in (observables or {}).values()):
        raise argument_error(
            "observables", "observables by name", observables, 'Try {"energy": Series(measure_energy)}.'
        )
    earlier = states if isinstance(states, EnsembleRun) else None
    start = positions if states is None else (states if earlier is None else earlier.states)
    measured = dict(observables or {})
    schedule = schedule if earlier is None else _added_to(earlier, schedule, measured)
    plan = Plan.of(as_before(schedule))
    loop = Loop.of(check_key(key), sampler, target, start, measured, target_axes, compute)
    origin = Origin.of(identity_of(loop, plan, schedule, fresh=states is None), plan, compute, loop.mesh)
    products = dot_precision(compute.precision, loop.platform, loop.dtype)
    if loop.fused:
        kernels.check_platform(loop.platform)
    needed = loop.memory(plan, fresh=states is None)
    with (
        jax.default_matmul_precision(products),
        out_of_memory_in_words(loop.num_members, needed),
        alone(schedule, loop.mesh),
        processes.deferred_signals(loop.mesh) as stop,
    ):
        loop = loop.placed()
        start = own_states(loop.first_states() if states is None else loop.start)
        progress = Progress(loop.sampler, start, dict.fromkeys(measured), 0, 0)
        if earlier is not None:
            progress.totals, progress.steps_before = dict(earlier.totals), earlier.num_steps
        plan, keeper = resume(progress, loop, plan, schedule, origin)
        interrupted = _advance_chunks(progress, loop, plan, schedule, compute, keeper, stop, needed)
    return _finished(progress, loop, plan, compute, earlier, interrupted)


run = flat(_run, name="run", schedule=Schedule(), compute=Compute())
"""The public door of the loop."""


def _added_to(earlier: EnsembleRun, schedule: Schedule, observables: dict[str, Any]) -> Schedule:
    """The schedule of a run that adds to an earlier one: records of one spacing, without a gap, of the same things."""
    remedy = "To measure anew, go on from its states: states=run.states."
    if set(observables) != set(earlier.totals):
        raise argument_error("observables", f"those of the run, {sorted(earlier.totals)}", sorted(observables), remedy)
    if schedule.record_every not in (None, earlier.record_every):
        raise argument_error("record_every", f"{earlier.record_every} as before", schedule.record_every, remedy)
    if schedule.warmup:
        raise argument_error("warmup", "left out, as the run has had its own", schedule.warmup, remedy)
    return dataclasses.replace(schedule, record_every=earlier.record_every, warmup=0)


def _advance_chunks(progress: Progress, loop: Loop, plan: Plan, schedule, compute, keeper, asked, needed) -> bool:
    """The loop over chunks; True if Ctrl-C or SIGTERM ended it."""
    leads = processes.leads(loop.mesh)
    bar = tqdm(
        total=plan.num_steps,
        initial=progress.steps_done,
        desc=f"{compute.label}, compiling",
        unit="step",
        disable=not (compute.progress and leads),
        dynamic_ncols=True,
        postfix=None if needed is None else f"needs {needed}",
    )
    try:
        for chunk in range(progress.first_chunk, len(plan.records)):
            if _all_ended(progress.states, loop.mesh) and chunk > plan.warmup_chunks:
                break
            _advance_chunk(progress, loop, plan, schedule, chunk)
            bar.set_description(compute.label, refresh=False)
            bar.update(plan.records[chunk] * plan.record_every)
            ended = _all_ended(progress.states, loop.mesh)
            due = keeper is not None and keeper.due(last=ended or chunk + 1 == len(plan.records))
            stop, due = processes.anywhere(loop.mesh, asked.is_set(), due)
            if due or stop:
                keep(progress, loop, keeper)
            if schedule.on_chunk is not None:
                schedule.on_chunk(_chunk_of(progress, loop, plan))
            if stop:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        done = progress.steps_done
        if any(leaf.is_deleted() for leaf in jax.tree.leaves(progress.states) if isinstance(leaf, jax.Array)):
            raise KeyboardInterrupt("interrupted again, within a chunk that has overwritten its states") from None
        if not processes.spans(loop.mesh):
            keep(progress, loop, keeper)
        if done <= plan.warmup:
            raise KeyboardInterrupt(f"interrupted after {done} steps, before the first record") from None
        if leads:
            warnings.warn(
                f"{compute.label}: interrupted after {done} of {plan.num_steps} steps; keeping what was measured.",
                stacklevel=5,
            )
        return True
    finally:
        bar.close()
    return False


def _chunk_of(progress: Progress, loop: Loop, plan: Plan) -> Chunk:
    energy = getattr(progress.states, "energy", np.full(loop.num_members, np.nan))
    energy = np.array(processes.to_host(energy, loop.mesh))  # a copy, as states are donated
    done, warming_up = progress.steps_done, progress.steps_done <= plan.warmup
    return Chunk(done, plan.num_steps, progress.chunk_seconds[-1], warming_up, energy)


def _advance_chunk(progress: Progress, loop: Loop, plan: Plan, schedule: Schedule, chunk: int) -> None:
    """One chunk on the devices, and its observables merged on the host."""
    started = time.perf_counter()
    if schedule.adapt is not None and chunk == plan.halfway:
        states = progress.states
        whole = processes.to_host(states, loop.mesh) if processes.spans(loop.mesh) else states
        sampler = in_dtype(loop.dtype, schedule.adapt(whole))
        progress.sampler = place_members(loop.mesh, leading_axes(sampler), sampler)
    done = jnp.asarray(progress.steps_before + progress.steps_done, jnp.int32)
    count = jnp.asarray(plan.records[chunk], jnp.int32)
    fixed = (progress.sampler, loop.target, loop.on_devices, loop.keys, done, count)
    cut = (plan.capacity, plan.record_every, loop.member_block, loop.mesh)
    new, carries = advance_members(fixed, progress.states, loop.axes, *cut)
    carries = processes.to_host(carries, loop.mesh)
    progress.chunk_seconds.append(time.perf_counter() - started)
    totals = progress.totals
    if chunk >= plan.warmup_chunks:
        totals = {name: each.merge(totals[name], carries[name]) for name, each in loop.observables.items()}
    progress.states, progress.totals, progress.steps_done = new, totals, plan.steps_until(chunk + 1)


def _finished(progress: Progress, loop: Loop, plan: Plan, compute: Compute, earlier, interrupted: bool) -> EnsembleRun:
    """What a run leaves behind; members that diverged are counted in a warning, on one process."""
    states, sampler = progress.states, progress.sampler
    error = _force_error(progress, loop, compute)
    if processes.spans(loop.mesh):
        states, sampler = jax.tree.map(jnp.asarray, processes.to_host((states, sampler), loop.mesh))
    energies = np.asarray(states.energy).reshape(loop.num_members, -1)
    diverged = ~np.isfinite(energies).all(axis=1)
    if diverged.any() and processes.leads(loop.mesh):
        warnings.warn(
            f"{compute.label}: {diverged.sum()} of {loop.num_members} members diverged (energy not finite) and must be "
            "left out; a smaller step_size helps.",
            stacklevel=4,
        )
    ends = progress.sampler.about.ends
    return EnsembleRun(
        results={name: each.finalise(progress.totals[name]) for name, each in loop.observables.items()},
        states=states,
        sampler=sampler,
        diverged=np.asarray(diverged),
        status=np.asarray(states.final_status) if ends else None,
        ended=np.asarray(states.steps) if ends else None,
        totals=progress.totals,
        recorded=tuple(name for name, each in loop.observables.items() if each.keeps_records),
        num_steps=progress.steps_before + progress.steps_done,
        warmup=plan.warmup if earlier is None else earlier.warmup,
        record_every=plan.record_every,
        capacity=plan.capacity,
        interrupted=interrupted,
        chunk_seconds=np.asarray(progress.chunk_seconds),
        precision=loop.precision(compute),
        force_error=error,
    )


def _force_error(progress: Progress, loop: Loop, compute: Compute) -> ForceError | None:
    """Of products below float32 at the last states, with a warning where it would be felt; ladders are not asked."""
    states, energy = progress.states, loop.target
    forces = callable(energy) and hasattr(states, "gradient") and jnp.ndim(states.energy) == 1
    if not forces or not (loop.fused or is_lower(compute.precision, loop.platform)):
        return None
    step = step_size_of(progress.sampler)
    error = force_error(energy, states, compute.precision, step_size=step, target_axes=loop.axes[1])
    if not error.admissible and processes.leads(loop.mesh):
        warnings.warn(f"{compute.label}: {error}; the samples feel it. Take a higher precision.", stacklevel=5)
    return error


def _all_ended(states: Any, mesh: Mesh | None) -> bool:
    """Whether every member of a sampler that ends has ended."""
    ended = getattr(states, "ended", None)
    return ended is not None and all(processes.anywhere(mesh, bool(jnp.all(ended))))
