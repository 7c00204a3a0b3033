"""The one loop: members vmapped, steps scanned, chunks looped.

`run` advances every member of an ensemble in one compiled program. Members differ by seed, data set and
hyperparameters alike: every array leaf of the target has a leading axis `member`; scalars of the sampler and of the
observables are shared, and their arrays have a leading axis `member`. The Python loop over chunks of steps carries the
progress bar, merges observables and survives Ctrl-C; nothing inside the compiled chunk calls the host.

Random numbers belong to a member and a step (`fold_in`), so results do not depend on how members are grouped or steps
are cut into chunks. After `jax.distributed.initialize(...)` in several processes that run the same script, members are
sharded over the devices of all of them, and every process returns the same, complete run.
"""

import os
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import Array, Key, PyTree
from tqdm import tqdm

from . import processes
from ._checks import argument_error
from ._plan import Plan, divisor_near
from ._tree import leading_axes
from .checkpoints import Checkpoints, fingerprint
from .devices import available
from .observables import AbstractObservable
from .samplers.base import AbstractSampler


class EnsembleRun(eqx.Module):
    """What a run leaves behind.

    Attributes:
        results: the finalised observables by name, arrays with leading axis member.
        states: the last states, ready to continue from.
        sampler: the one that was measured with.
        diverged: per member, whether its energy is not finite. Leave these out of every average.
        num_steps: steps taken, warm-up included.
        warmup: steps before the first record.
        record_every: steps between records.
        interrupted: whether Ctrl-C ended the run early.
        chunk_seconds: wall time of each chunk; the first holds the compilation.
    """

    results: dict[str, Any]
    states: Any
    sampler: AbstractSampler
    diverged: np.ndarray
    num_steps: int = eqx.field(static=True)
    warmup: int = eqx.field(static=True)
    record_every: int = eqx.field(static=True)
    interrupted: bool = eqx.field(static=True)
    chunk_seconds: np.ndarray

    @property
    def num_members(self) -> int:
        """Number of members, diverged ones included."""
        return len(self.diverged)

    @property
    def compile_seconds(self) -> float:
        """The first chunk's excess over the median chunk: compilation, or next to nothing if it was cached."""
        if not len(self.chunk_seconds):
            return 0.0
        return max(0.0, float(self.chunk_seconds[0] - np.median(self.chunk_seconds)))


def run(
    key: Key[Array, ""],
    sampler: AbstractSampler,
    target: Any,
    positions: PyTree,
    *,
    num_steps: int,
    warmup: int = 0,
    record_every: int | None = None,
    num_chunks: int = 20,
    observables: Mapping[str, AbstractObservable] | None = None,
    target_axes: Any = 0,
    adapt: Callable[[Any], AbstractSampler] | None = None,
    member_block: int | None = None,
    devices: Sequence[Any] | None = None,
    precision: str | None = "highest",
    checkpoint: str | os.PathLike | None = None,
    checkpoint_seconds: float = 60.0,
    progress: bool = True,
    label: str = "ensemble",
) -> EnsembleRun:
    """Advance an ensemble and measure it on the way.

    Args:
        key: the root of all random numbers.
        sampler: the algorithm; its leaves are scalars (shared) or arrays with leading axis member.
        target: what is sampled, such as a `Posterior` with leading axis member on its array leaves.
        positions: first positions, leading axis member.
        num_steps: steps in all, warm-up included; rounded up to whole records.
        warmup: steps before the first record; rounded up to whole chunks.
        record_every: steps between records; by default about 300 records in a run.
        num_chunks: how many times the host looks in: progress, interrupts, float64 merging.
        observables: what to measure, by name; their leaves are scalars (shared) or arrays with leading axis member.
        target_axes: 0, or a prefix of `target` with None where members share the arrays below.
        adapt: makes the sampler to go on with from the states half-way through the warm-up, once; it may differ in the
            numbers of `sampler` only, and nothing changes while it is measured.
        member_block: members advanced together, or a number near it that divides them; None takes all at once. Small
            blocks help a CPU's caches.
        devices: what the members are sharded over, by default all devices of the backend, those of other processes
            included (or the one that was set as jax's default device); as many are used as divide the number of
            members. Nothing is communicated in a step.
        precision: matrix-product precision; "highest" is true float32 on accelerators.
        checkpoint: folder for checkpoints, the last two of which are kept. A run that finds its own checkpoint there
            continues from it, bit for bit. Several processes must share the folder; process 0 writes.
        checkpoint_seconds: wall time between checkpoints.
        progress: whether to show a progress bar.
        label: its title.

    Returns:
        An `EnsembleRun`. After Ctrl-C (on any process) it holds what was measured until then.

    Raises:
        ValueError: a size is not a whole number, the warm-up leaves no step to measure, the folder holds checkpoints of
            another run, or processes differ in their arguments or have no member.
        KeyboardInterrupt: Ctrl-C before anything was measured.
    """
    measured = dict(observables or {})
    num_members = _num_members(positions)
    plan = Plan.make(num_steps, warmup, record_every, num_chunks)
    sampler = _in_dtype_of(positions, sampler)

    keys = jax.vmap(lambda member: jax.random.split(jax.random.fold_in(key, member), 3))(jnp.arange(num_members))
    axes = (leading_axes(sampler), target_axes, 0, 0)
    mesh = _mesh(num_members, devices)
    identity = ""
    if checkpoint is not None or processes.spans(mesh):
        inputs = (sampler, target, positions, keys, plan.record_every, list(plan.records), sorted(measured))
        identity = fingerprint(inputs)
    same = (identity, checkpoint is None)
    processes.check_same(mesh, "key", "the same, like all arguments, on all processes", same, "Run one script in all.")
    sampler, target, positions, keys = _place(mesh, axes, (sampler, target, positions, keys))
    placed = _place(mesh, leading_axes(measured), measured)
    totals: dict[str, Any] = dict.fromkeys(measured)
    chunk_seconds: list[float] = []
    interrupted = False
    first_chunk = steps_done = 0

    with jax.default_matmul_precision(precision or "default"), processes.deferred_interrupts(mesh) as pressed:
        states = _start(sampler, target, positions, keys, axes, member_block, mesh)
        halfway = (plan.warmup_chunks + 1) // 2
        keeper = None
        if checkpoint is not None:
            keeper = Checkpoints(checkpoint, identity, checkpoint_seconds)
            found = keeper.latest()
            chunk = None if found is None else found.chunk
            processes.check_same(mesh, "checkpoint", "a folder that all processes share", chunk, "Give another folder.")
            if found is not None:
                first_chunk = found.chunk
                beyond = first_chunk > plan.warmup_chunks
                template = _empty_totals(measured, states, keys) if beyond else totals
                sampler, states, totals = found.restore((sampler, states, template))
                steps_done = plan.steps_until(first_chunk)
            if not processes.leads(mesh):
                keeper = None
        bar = tqdm(
            total=plan.num_steps,
            initial=steps_done,
            desc=label,
            unit="step",
            disable=not (progress and processes.leads(mesh)),
            dynamic_ncols=True,
        )
        try:
            for chunk in range(first_chunk, len(plan.records)):
                started = time.perf_counter()
                if adapt is not None and chunk == halfway:
                    whole = processes.to_host(states, mesh) if processes.spans(mesh) else states
                    sampler = _place(mesh, leading_axes(sampler), _in_dtype_of(positions, adapt(whole)))
                fixed = (sampler, target, placed, keys, jnp.asarray(steps_done, jnp.int32))
                new, carries = _advance(fixed, states, axes, plan.records[chunk], plan.record_every, member_block, mesh)
                carries = processes.to_host(carries, mesh)
                chunk_seconds.append(time.perf_counter() - started)
                merged = totals
                if chunk >= plan.warmup_chunks:
                    merged = {name: measured[name].merge(totals[name], carries[name]) for name in measured}
                states, totals, steps_done = new, merged, plan.steps_until(chunk + 1)
                bar.update(plan.records[chunk] * plan.record_every)
                due = keeper is not None and keeper.due(last=chunk + 1 == len(plan.records))
                stop, due = processes.anywhere(mesh, pressed.is_set(), due)
                if due:
                    on_host = processes.to_host((sampler, states), mesh)
                    if keeper is not None:
                        keeper.keep(chunk + 1, (*on_host, totals))
                if stop:
                    raise KeyboardInterrupt
        except KeyboardInterrupt:
            interrupted = True
            if steps_done <= plan.warmup:
                raise KeyboardInterrupt(f"interrupted after {steps_done} steps, before the first record") from None
            if processes.leads(mesh):
                print(
                    f"\n{label}: interrupted after {steps_done} of {plan.num_steps} steps; keeping what was measured."
                )
        finally:
            bar.close()

    if processes.spans(mesh):
        states = jax.tree.map(jnp.asarray, processes.to_host(states, mesh))
    diverged = np.asarray(~np.isfinite(np.asarray(states.energy)).reshape(num_members, -1).all(axis=1))
    if diverged.any():
        warnings.warn(
            f"{label}: {diverged.sum()} of {num_members} members diverged (energy not finite) and must be left out; "
            "a smaller step_size helps.",
            stacklevel=2,
        )
    results = {name: measured[name].finalise(totals[name]) for name in measured}
    return EnsembleRun(
        results=results,
        states=states,
        sampler=sampler,
        diverged=diverged,
        num_steps=steps_done,
        warmup=plan.warmup,
        record_every=plan.record_every,
        interrupted=interrupted,
        chunk_seconds=np.asarray(chunk_seconds),
    )


@eqx.filter_jit
def _start(sampler, target, positions, keys, axes, member_block, mesh):
    init = lambda sampler, target, position, key: sampler.init(key[0], target, position)
    return _over_members(init, (sampler, target, positions, keys), axes, member_block, mesh)


@eqx.filter_jit
def _advance(fixed, states, axes, num_records, record_every, member_block, mesh):
    sampler, target, observables, keys, first_step = fixed
    sampler_axes, target_axes, _, _ = axes

    def member(sampler, target, observables, state, keys):
        _, step_key, record_key = keys

        def record(carry, index):
            state, carries = carry
            begin = first_step + index * record_every
            step = lambda state, i: (sampler.step(jax.random.fold_in(step_key, begin + i), target, state), None)
            state, _ = jax.lax.scan(step, state, jnp.arange(record_every))
            now = begin + record_every
            key = jax.random.fold_in(record_key, now)
            carries = {name: observables[name].update(key, carries[name], state, now) for name in observables}
            return (state, carries), None

        carries = {name: observables[name].init(record_key, state, num_records) for name in observables}
        (state, carries), _ = jax.lax.scan(record, (state, carries), jnp.arange(num_records))
        return state, carries

    member_axes = (sampler_axes, target_axes, leading_axes(observables), 0, 0)
    return _over_members(member, (sampler, target, observables, states, keys), member_axes, member_block, mesh)


def _empty_totals(observables, states, keys):
    """Totals of zero records, in the structure of those of a run: what a checkpoint is read into."""

    def shapes(observable):
        carry = jax.eval_shape(jax.vmap(lambda state, key: observable.init(key[2], state, 1)), states, keys)
        return jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), carry)

    first = lambda tree: jax.tree.map(lambda leaf: leaf[0] if eqx.is_array(leaf) and leaf.ndim else leaf, tree)
    return {name: each.merge(None, shapes(first(each))) for name, each in observables.items()}


def _over_members(function, arguments, axes, member_block, mesh):
    """`vmap` of `function` over the leaves with axis 0, or a loop over blocks of members; on each device its own."""
    batched, shared = eqx.partition(arguments, _member_mask(axes, arguments))
    one = lambda batched: function(*eqx.combine(batched, shared))

    def local(batched):
        if member_block is None:
            return jax.vmap(one)(batched)
        count = jax.tree.leaves(batched)[0].shape[0]
        return jax.lax.map(one, batched, batch_size=divisor_near(count, member_block) or member_block)

    if mesh is None:
        return local(batched)
    over = PartitionSpec(*mesh.axis_names)
    return jax.shard_map(local, mesh=mesh, in_specs=over, out_specs=over, check_vma=False)(batched)


def _member_mask(axes, arguments):
    """True on the array leaves of `arguments` whose prefix in `axes` is 0."""
    over = lambda axis, tree: jax.tree.map(lambda leaf: axis == 0 and eqx.is_array(leaf), tree)
    return jax.tree.map(over, axes, arguments, is_leaf=lambda axis: axis is None)


def _mesh(num_members: int, devices: Sequence[Any] | None) -> Mesh | None:
    """As many of the devices as divide the members, taken from the processes in turn; None for a single one."""
    devices = processes.in_turn(available() if devices is None else devices)
    count = max(n for n in range(1, len(devices) + 1) if num_members % n == 0)
    processes.check_owners(devices, count, num_members)
    return None if count == 1 else Mesh(np.asarray(devices[:count]), ("member",))


def _place(mesh: Mesh | None, axes, arguments):
    """Members to their devices once, before the first step, and what they share to all devices."""
    if mesh is None:
        return arguments
    batched, rest = eqx.partition(arguments, _member_mask(axes, arguments))
    shared, static = eqx.partition(rest, eqx.is_array)
    put = lambda tree, *spec: processes.place(tree, NamedSharding(mesh, PartitionSpec(*spec)))
    return eqx.combine(put(batched, *mesh.axis_names), put(shared), static)


def _num_members(positions: PyTree) -> int:
    sizes = {leaf.shape[0] if leaf.ndim else 0 for leaf in jax.tree.leaves(eqx.filter(positions, eqx.is_array))}
    if len(sizes) != 1 or 0 in sizes:
        raise argument_error(
            "positions", "arrays with one common leading axis, the member", sorted(sizes), "Stack or vmap positions."
        )
    return sizes.pop()


def _in_dtype_of(positions: PyTree, sampler: AbstractSampler) -> AbstractSampler:
    dtype = jnp.result_type(*jax.tree.leaves(eqx.filter(positions, eqx.is_inexact_array)), jnp.float32)
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, sampler)
