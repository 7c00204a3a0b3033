"""Checkpoints of a run: atomic files, the last two kept, read back only by the very run that wrote them.

A checkpoint holds the sampler, the states and the observables' totals after a whole number of chunks. Random numbers
belong to a member and a step, so a run that continues from it is the same run, bit for bit.
"""

import hashlib
import os
import time
import warnings
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from .. import io
from .._checks import argument_error
from .processes import place


FORMAT = "grokjax-checkpoint"
FORMAT_VERSION = 3


class Checkpoint(eqx.Module):
    """One file: the chunk after which it was taken and the leaves of (sampler, states, totals)."""

    chunk: int = eqx.field(static=True)
    leaves: list[np.ndarray]

    def restore(self, template: PyTree) -> PyTree:
        """The leaves in the structure of `template`; jax arrays, on the same devices, where it has jax arrays."""
        structure = jax.tree.structure(template)
        kinds = jax.tree.leaves(template)
        leaves = [
            place(leaf, kind.sharding) if isinstance(kind, jax.Array) else leaf
            for kind, leaf in zip(kinds, self.leaves, strict=True)
        ]
        return jax.tree.unflatten(structure, leaves)


class Checkpoints:
    """The checkpoints of one run in one folder.

    Args:
        folder: made if missing.
        identity: fingerprint of the run; checkpoints with another one are refused.
        seconds: wall time between checkpoints.
    """

    def __init__(self, folder: str | os.PathLike, identity: str, seconds: float):
        self.folder, self.identity, self.seconds = Path(folder), identity, seconds
        self.folder.mkdir(parents=True, exist_ok=True)
        self.written = time.monotonic()

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint that can be read, or None; damaged files are passed over with a warning.

        Raises:
            ValueError: the folder holds a checkpoint of another run.
        """
        for path in sorted(self.folder.glob("chunk-*.npz"), reverse=True):
            try:
                header, arrays = io.read_arrays(path, FORMAT, FORMAT_VERSION)
            except ValueError as error:
                warnings.warn(f"passing over a checkpoint: {error}", stacklevel=3)
                continue
            if header.get("identity") != self.identity:
                raise argument_error(
                    "checkpoint",
                    "a folder of this very run (same key, sampler, target, positions, steps and observables)",
                    f"{path}, of another run",
                    "Give another folder, or remove this one.",
                )
            names = [f"leaf-{i:04d}" for i in range(len(arrays))]
            if type(header.get("chunk")) is int and set(names) == set(arrays):
                return Checkpoint(header["chunk"], [arrays[name] for name in names])
            warnings.warn(f"passing over a checkpoint: {path} holds no run", stacklevel=3)
        return None

    def due(self, *, last: bool) -> bool:
        """Whether the time for a checkpoint has come; it always has after the last chunk."""
        return last or time.monotonic() - self.written >= self.seconds

    def keep(self, chunk: int, tree: PyTree) -> None:
        """Write a checkpoint; a full disk is a warning, not the end of the run."""
        leaves = jax.tree.leaves(tree)
        header = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "versions": io.versions(),
            "identity": self.identity,
            "chunk": chunk,
        }
        try:
            arrays = {f"leaf-{i:04d}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
            path = self.folder / f"chunk-{chunk:08d}.npz"
            io.write_arrays(path, header, arrays)
            io.remove_leftovers(self.folder, r"chunk-\d{8}\.npz", path.stat().st_mtime)
        except OSError as error:
            warnings.warn(f"no checkpoint after chunk {chunk}: {error}; the run goes on", stacklevel=3)
            return
        self.written = time.monotonic()
        for old in sorted(self.folder.glob("chunk-*.npz"))[:-2]:
            old.unlink()


def fingerprint(tree: PyTree) -> str:
    """A hash of all numbers in `tree`: what makes two runs the same run."""
    digest = hashlib.sha256()
    for leaf in jax.tree.leaves(tree):
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.random.key_data(leaf)
        if eqx.is_array_like(leaf):
            leaf = np.asarray(leaf)
            digest.update(f"{leaf.dtype}{leaf.shape}".encode())
            digest.update(np.ascontiguousarray(leaf).tobytes())
        elif isinstance(leaf, str):
            digest.update(leaf.encode())
    return digest.hexdigest()
