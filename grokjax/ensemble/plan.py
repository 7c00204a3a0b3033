"""How the steps of a run are cut into chunks and records, and what a run may be told about it."""

import dataclasses
import math
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax

from .._checks import argument_error, check_at_least, check_instance, check_whole
from ..precision import precision_name


CHUNK_RECORDS = 16  # records between two looks of the host
RECORDS = 300  # records of a run that leaves their spacing to us


@dataclasses.dataclass(frozen=True, kw_only=True)
class Schedule:
    """When things happen.

    Attributes:
        num_steps: steps in all, warm-up included; rounded up to whole records.
        warmup: steps before the first record, rounded up to whole records; none unless given. (`simulate` takes its
            experiment's share of the steps.)
        record_every: steps between records; by default about 300 records in a run.
        num_chunks: how many times the host looks in (progress, interrupts, merging); every 16 records unless given.
        checkpoint: folder for checkpoints, the last two of which are kept. A run that finds its own checkpoint there
            continues from it, bit for bit; with more `num_steps` a finished one is made longer. Several processes of
            one run must share the folder; process 0 writes. Two runs in one folder are refused.
        checkpoint_seconds: wall time between checkpoints.
        adapt: makes the sampler to go on with from the states half-way through the warm-up, once; it may differ in the
            numbers of the sampler only, and nothing changes while it is measured.
        on_chunk: called on the host after every chunk with a `Chunk`, for live logs; on every process of a run in
            several. What it raises ends the run; after `KeyboardInterrupt` what was measured is kept.

    Examples:
        >>> grokjax.Schedule(num_steps=900, warmup=300).num_steps
        900
    """

    num_steps: int | None = None
    warmup: int | None = None
    record_every: int | None = None
    num_chunks: int | None = None
    checkpoint: str | os.PathLike | None = None
    checkpoint_seconds: float = 60.0
    adapt: Callable[[Any], Any] | None = None
    on_chunk: Callable[["Chunk"], Any] | None = None

    def __post_init__(self):
        for name, least in {"num_steps": 1, "warmup": 0, "record_every": 1, "num_chunks": 1}.items():
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), least)
        path = self.checkpoint
        if path is not None and (not isinstance(path, str | os.PathLike) or os.path.isfile(path)):
            raise argument_error("checkpoint", "the name of a folder", path, 'Write "checkpoints/first".')
        remedy = "Give the wall time between checkpoints."
        check_at_least("checkpoint_seconds", self.checkpoint_seconds, 0, remedy)
        if self.adapt is not None and not callable(self.adapt):
            raise argument_error("adapt", "a function of states that makes a sampler", self.adapt, "Leave it out.")
        if self.on_chunk is not None and not callable(self.on_chunk):
            raise argument_error("on_chunk", "a function of a Chunk", self.on_chunk, "Try on_chunk=print.")


class Chunk(NamedTuple):
    """What `on_chunk` is told.

    Attributes:
        steps: taken so far; with moves beside the dynamics a step is a sweep of all.
        num_steps: of the whole run.
        seconds: wall time of the chunk; of the first with compilation.
        warming_up: whether it was part of the warm-up.
        energy: of every entry at its end, shape (entry,): members and witnesses of all points, points fastest; nan
            where states have none.

    Examples:
        >>> chunks = []
        >>> run = grokjax.run(
        ...     jax.random.key(0), grokjax.UnderdampedLangevin(0.3), lambda x: x @ x / 2, jnp.ones((4, 3)),
        ...     num_steps=40, num_chunks=2, on_chunk=chunks.append, progress=False,
        ... )
        >>> [(chunk.steps, chunk.energy.shape) for chunk in chunks]
        [(20, (4,)), (40, (4,))]
    """

    steps: int
    num_steps: int
    seconds: float
    warming_up: bool
    energy: Any


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compute:
    """Where and how numbers are computed; results do not depend on it beyond rounding.

    Attributes:
        member_block: members advanced together, or a number near it that divides them; None takes all at once. Small
            blocks help a CPU's caches.
        devices: what the members are sharded over, by default all devices of the backend, those of other processes
            included (or the one that was set as jax's default device), as many of them as divide the number of
            members; those that are given must divide it. Nothing is communicated in a step.
        precision: of matrix products, by name (`grokjax.precision`); "highest" is true float32 on accelerators.
        progress: whether to show a progress bar.
        label: its title.

    Examples:
        >>> grokjax.Compute(precision="highest", progress=False).label
        'ensemble'
    """

    member_block: int | None = None
    devices: Any = None
    precision: str | None = "highest"
    progress: bool = True
    label: str = "ensemble"

    def __post_init__(self):
        if self.member_block is not None:
            check_whole("member_block", self.member_block)
        check_instance("label", self.label, str, "It is the title of the progress bar.")
        if self.devices is not None:
            given = list(self.devices) if isinstance(self.devices, list | tuple) else []
            if not given or not all(isinstance(device, jax.Device) for device in given):
                raise argument_error("devices", "a list of jax's devices", self.devices, "Try jax.devices()[:1].")
        precision_name(self.precision)


class Plan(eqx.Module):
    """How a run is cut: chunks of at most `capacity` records. One compiled program serves them all, warm-up included.

    Attributes:
        record_every: steps between records.
        records: records in each chunk.
        warmup_chunks: chunks of the warm-up.
        halfway: the chunk before which a sampler is adapted, half-way through the warm-up.
        capacity: records that a chunk has room for.
    """

    record_every: int
    records: tuple[int, ...]
    warmup_chunks: int
    halfway: int
    capacity: int

    @property
    def num_steps(self) -> int:
        return self.steps_until(len(self.records))

    @property
    def warmup(self) -> int:
        return self.steps_until(self.warmup_chunks)

    def steps_until(self, chunk: int) -> int:
        """Steps in the first `chunk` chunks."""
        return self.record_every * sum(self.records[:chunk])

    def cut_at(self, steps: int) -> tuple["Plan", int]:
        """The same run with a cut after `steps`, where a shorter one ended, and the chunk that begins there."""
        chunk = next((i for i in range(len(self.records)) if self.steps_until(i + 1) > steps), len(self.records))
        done = (steps - self.steps_until(chunk)) // self.record_every
        if not done:
            return self, chunk
        parts = (done, self.records[chunk] - done)
        records = (*self.records[:chunk], *parts, *self.records[chunk + 1 :])
        warm, halfway = (mark + (chunk < mark) for mark in (self.warmup_chunks, self.halfway))
        return Plan(self.record_every, records, warm, halfway, self.capacity), chunk + 1

    @staticmethod
    def of(schedule: Schedule) -> "Plan":
        """Cut the steps of a schedule.

        Raises:
            ValueError: a number is not whole, or the warm-up leaves nothing to measure.
        """
        num_steps = check_whole("num_steps", schedule.num_steps, remedy="Give the number of steps.")
        warmup = check_whole("warmup", 0 if schedule.warmup is None else schedule.warmup, 0)
        if schedule.record_every is None:
            every = divisor_near(num_steps, num_steps / RECORDS) or -(-num_steps // RECORDS)
        else:
            every = check_whole("record_every", schedule.record_every)
        total, before = -(-num_steps // every), -(-warmup // every)
        if before >= total:
            raise argument_error(
                "warmup", f"below num_steps = {num_steps} by a record or more", warmup, "Take more steps."
            )
        capacity = CHUNK_RECORDS
        if schedule.num_chunks is not None:
            capacity = -(-total // check_whole("num_chunks", schedule.num_chunks))
        first = _cut(-(-before // 2), capacity)
        warm = first + _cut(before // 2, capacity)
        return Plan(every, warm + _cut(total - before, capacity), len(warm), len(first), capacity)


def _cut(number: int, capacity: int) -> tuple[int, ...]:
    rest = number % capacity
    return (capacity,) * (number // capacity) + ((rest,) if rest else ())


def divisor_near(number: int, wanted: float) -> int | None:
    """The divisor of `number` nearest to `wanted` on a log scale, if there is one within a factor of two."""
    wanted = max(1.0, wanted)
    candidates = [n for n in range(math.ceil(wanted / 2), math.floor(2 * wanted) + 1) if number % n == 0]
    return min(candidates, key=lambda n: abs(math.log(n / wanted)), default=None)
