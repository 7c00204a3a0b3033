"""Checkpoints of a run: atomic files, the last two kept, read back only by the very run that wrote them.

A checkpoint holds the sampler, the states and the observables' totals after some steps. Random numbers belong to a
member and a step, so a run that continues from it is the same run, bit for bit. The number of steps is no part of what
a run is: asked for more of them, a finished run goes on.
"""

import contextlib
import dataclasses
import hashlib
import math
import os
import re
import socket
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.sharding import Mesh
from jaxtyping import PyTree

from .. import io
from .._checks import argument_error
from . import processes
from .plan import Compute, Plan, Schedule


try:
    import fcntl
except ImportError:  # no such locks on this system
    fcntl = None


FORMAT = "grokjax-checkpoint"
FORMAT_VERSION = 4
_FILES = "step-*.npz"
_NAMES = r"step-\d{12}\.npz"
_ELSE = "Give another folder, or remove this one."


class Checkpoint(eqx.Module):
    """One file: the steps after which it was taken and the leaves of (sampler, states, totals)."""

    steps: int = eqx.field(static=True)
    leaves: list[np.ndarray]

    def restore(self, template: PyTree) -> PyTree:
        """The leaves in the structure of `template`; jax arrays, on the same devices, where it has jax arrays."""
        structure = jax.tree.structure(template)
        kinds = jax.tree.leaves(template)
        leaves = [
            processes.place(leaf, kind.sharding) if isinstance(kind, jax.Array) else leaf
            for kind, leaf in zip(kinds, self.leaves, strict=True)
        ]
        return jax.tree.unflatten(structure, leaves)


@dataclasses.dataclass(frozen=True)
class Origin:
    """What must be the same for a run to go on exactly; kept in every checkpoint.

    Attributes:
        identity: fingerprint of the run.
        settings: of jax and of the computation; other ones round differently.
        record_every: steps between records.
        warmup: steps before the first record.
    """

    identity: str
    settings: dict[str, Any]
    record_every: int
    warmup: int

    @staticmethod
    def of(identity: str, plan: Plan, compute: Compute, mesh: Mesh | None) -> "Origin":
        """Of a run, here and now."""
        device = jax.devices()[0] if mesh is None else mesh.devices.flat[0]
        settings = {
            "jax_enable_x64": jnp.result_type(float) == jnp.float64,
            "jax": jax.__version__,
            "devices": 1 if mesh is None else mesh.size,
            "device": f"{device.platform}: {device.device_kind}",
            "precision": str(compute.precision),
            "member_block": compute.member_block,
        }
        return Origin(identity, settings, plan.record_every, plan.warmup)

    def check(self, header: dict[str, Any], path: Path) -> None:
        """Raise unless a checkpoint was written by this very run under these settings.

        Raises:
            ValueError: it was not; the message says what differs.
        """
        settings = header.get("settings")
        for name, value in self.settings.items():
            if not isinstance(settings, dict) or settings.get(name) != value:
                before = settings.get(name) if isinstance(settings, dict) else None
                remedy = f"The run would not go on bit for bit: set {name} as it was, or give another folder."
                raise argument_error(name, f"{before!r}, as in the checkpoint {path}", value, remedy)
        if header.get("identity") != self.identity:
            raise argument_error(
                "checkpoint",
                "a folder of this very run (same key, sampler, target, positions and observables)",
                f"{path}, of another run",
                _ELSE,
            )
        for name in ("record_every", "warmup"):
            if header.get(name) != getattr(self, name):
                expected = f"{header.get(name)!r}, as in the checkpoint {path}"
                raise argument_error(name, expected, getattr(self, name), "Leave it open, or give another folder.")


class Checkpoints:
    """The checkpoints of one run in one folder.

    Args:
        folder: made if missing.
        origin: of the run; checkpoints with another one are refused.
        seconds: wall time between checkpoints.
    """

    def __init__(self, folder: str | os.PathLike, origin: Origin, seconds: float):
        self.folder, self.origin, self.seconds = Path(folder), origin, seconds
        self.written = time.monotonic()
        self.steps = -1

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint that can be read, or None; damaged files are passed over with a warning.

        Raises:
            ValueError: the folder holds a checkpoint of another run, or one that could not go on exactly.
        """
        for path in sorted(self.folder.glob(_FILES), reverse=True):
            try:
                header, arrays = io.read_arrays(path, FORMAT, FORMAT_VERSION)
            except ValueError as error:
                warnings.warn(f"passing over a checkpoint: {error}", stacklevel=3)
                continue
            self.origin.check(header, path)
            names = [f"leaf-{i:04d}" for i in range(len(arrays))]
            if type(header.get("steps")) is int and set(names) == set(arrays):
                self.steps = header["steps"]
                return Checkpoint(self.steps, [arrays[name] for name in names])
            warnings.warn(f"passing over a checkpoint: {path} holds no run", stacklevel=3)
        return None

    def due(self, *, last: bool) -> bool:
        """Whether the time for a checkpoint has come; it always has after the last chunk."""
        return last or time.monotonic() - self.written >= self.seconds

    def keep(self, steps: int, tree: PyTree) -> None:
        """Write a checkpoint unless these steps are kept; a full disk is a warning, not the end of the run."""
        if steps == self.steps:
            return
        header = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "versions": io.versions(),
            "steps": steps,
            **dataclasses.asdict(self.origin),
        }
        try:
            arrays = {f"leaf-{i:04d}": np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree))}
            io.write_arrays(self.folder / f"step-{steps:012d}.npz", header, arrays)
        except OSError as error:
            warnings.warn(f"no checkpoint after {steps} steps: {error}; the run goes on", stacklevel=3)
            return
        self.written, self.steps = time.monotonic(), steps
        for old in sorted(self.folder.glob(_FILES))[:-2]:
            old.unlink()


def as_before(schedule: Schedule) -> Schedule:
    """A schedule whose open spacing and warm-up are those of the run in its folder, if there is one."""
    if schedule.checkpoint is None:
        return schedule
    for path in sorted(Path(schedule.checkpoint).glob(_FILES), reverse=True):
        with contextlib.suppress(ValueError):
            header = io.read_header(path, FORMAT, FORMAT_VERSION)
            given = {name: getattr(schedule, name) for name in ("record_every", "warmup")}
            found = {name: header.get(name) for name, value in given.items() if value is None}
            return dataclasses.replace(schedule, **found)
    return schedule


@contextlib.contextmanager
def alone(schedule: Schedule, mesh: Mesh | None) -> Iterator[None]:
    """The folder of a schedule, made if missing, locked for one run and rid of what crashed writes left.

    The lock is the operating system's, and ends with the process that holds it, however that dies.

    Raises:
        ValueError: another run is at work in the folder.
    """
    if schedule.checkpoint is None:
        yield
        return
    folder = Path(schedule.checkpoint)
    owner = None
    with contextlib.ExitStack() as stack:
        if processes.leads(mesh):
            folder.mkdir(parents=True, exist_ok=True)
            owner = _lock(folder, stack)
        (taken,) = processes.anywhere(mesh, owner is not None)
        if taken:
            got = f"{folder}, in use by {owner or 'another run'}"
            raise argument_error("checkpoint", "a folder where no other run is at work", got, "Give each run its own.")
        yield


def _lock(folder: Path, stack: contextlib.ExitStack) -> str | None:
    """Lock a folder until the stack ends; the owner if there is one already."""
    if fcntl is None:
        return None
    file = stack.enter_context(open(folder / ".lock", "a+"))  # kept: to remove it would free it for a third
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.seek(0)
        return file.read(200).strip() or "another run"
    except OSError as error:
        warnings.warn(f"{folder} cannot be locked ({error}); run one process there at a time", stacklevel=4)
        return None
    file.truncate(0)
    print(f"process {os.getpid()} on {socket.gethostname()}", file=file, flush=True)
    io.remove_leftovers(folder, _NAMES, math.inf)
    return None


def fingerprint(tree: PyTree) -> str:
    """A hash of all numbers, names and switches in `tree`: what makes two runs the same run."""
    leaves, structure = jax.tree.flatten(tree)
    digest = hashlib.sha256(_without_addresses(str(structure)))
    for leaf in leaves:
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        if eqx.is_array_like(leaf):
            leaf = np.asarray(leaf)
            digest.update(f"{leaf.dtype}{leaf.shape}".encode())
            digest.update(np.ascontiguousarray(leaf).tobytes())
        else:
            digest.update(_without_addresses(repr(leaf)))
    return digest.hexdigest()


def _without_addresses(text: str) -> bytes:
    """Objects print where they lie in memory, which differs from process to process."""
    return re.sub(r"\b0x[0-9a-fA-F]+", "", text).encode()
