"""What a run of the loop leaves behind."""

from typing import Any

import equinox as eqx
import numpy as np

from ..samplers.base import AbstractSampler
from ..samplers.force_error import ForceError


class EnsembleRun(eqx.Module):
    """What a run leaves behind.

    Attributes:
        results: the finalised observables by name, arrays with leading axis member.
        recorded: names of those that keep every record, on the second axis.
        states: the last states, ready to continue from.
        sampler: the one that was measured with.
        diverged: per member, whether its energy is not finite. Leave these out of every average.
        status: per member, the `Status` code of a sampler that ends, and the step it ended at in `ended`.
        ended: per member, steps until it ended; None where the sampler has no end.
        totals: the observables before they were finalised: what `run(..., states=this)` adds to.
        num_steps: steps taken, warm-up included.
        warmup: steps before the first record.
        record_every: steps between records.
        capacity: records in a compiled chunk.
        interrupted: whether Ctrl-C or SIGTERM ended the run early.
        chunk_seconds: wall time of each chunk; the first holds the compilation.
        precision: of the matrix products.
        force_error: what a lower one than float32 does to the forces at the last states; None where none was lower.

    Examples:
        >>> run = grokjax.run(
        ...     jax.random.key(0), grokjax.UnderdampedLangevin(0.3), lambda x: x @ x / 2, jnp.ones((4, 3)),
        ...     num_steps=40, progress=False,
        ... )
        >>> run.num_members, run.states.position.shape, int(run.diverged.sum())
        (4, (4, 3), 0)
    """

    results: dict[str, Any]
    states: Any
    sampler: AbstractSampler
    diverged: np.ndarray
    status: np.ndarray | None
    ended: np.ndarray | None
    totals: dict[str, Any]
    recorded: tuple[str, ...] = eqx.field(static=True)
    num_steps: int = eqx.field(static=True)
    warmup: int = eqx.field(static=True)
    record_every: int = eqx.field(static=True)
    capacity: int = eqx.field(static=True)
    interrupted: bool = eqx.field(static=True)
    chunk_seconds: np.ndarray
    precision: str = eqx.field(static=True, default="highest")
    force_error: ForceError | None = None

    @property
    def num_members(self) -> int:
        """Number of members, diverged ones included."""
        return len(self.diverged)

    @property
    def certificate(self) -> Any:
        """Evidence of equilibrium in scalar series among the results, a `Certificate`; None without, and of trainers.

        Nobody is a witness: two starts and the bias of a step stay unchecked. Members count as data sets of their own.
        """
        from ..evidence.examination import certify_series

        return certify_series(self) if self.sampler.about.samples else None

    @property
    def compile_seconds(self) -> float:
        """The first chunk's excess over the median chunk: compilation, or next to nothing if it was cached."""
        if not len(self.chunk_seconds):
            return 0.0
        return max(0.0, float(self.chunk_seconds[0] - np.median(self.chunk_seconds)))

    def to_xarray(self) -> Any:
        """The results as an `xarray.Dataset` over members and records; needs the extra `grokjax[results]`."""
        from ..io.labelled import ensemble_to_xarray

        return ensemble_to_xarray(self)

    def __repr__(self) -> str:
        end = ", interrupted" if self.interrupted else ""
        names = ", ".join(self.results) or "nothing"
        return (
            f"EnsembleRun({self.num_members} members, {self.num_steps} steps (warm-up {self.warmup}), "
            f"measured {names}, {int(self.diverged.sum())} diverged{end})"
        )
