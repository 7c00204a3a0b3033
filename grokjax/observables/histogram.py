"""Histograms of a measurement, streamed: counts do not saturate, memory does not grow."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._checks import argument_error, check_finite, check_whole
from .base import AbstractObservable, Measure, check_measure


class Counts(eqx.Module):
    """Histogram counts per member. Values outside of the range fall into the outermost bins.

    Attributes:
        counts: shape (..., member, bin), or (..., member, bin, bin) for pairs of values.
        low: lower end of the range.
        high: upper end.
        pairs: whether they count pairs of values.

    Examples:
        >>> counts = grokjax.observables.Counts(np.array([[2, 6]]), low=0.0, high=1.0)
        >>> counts.centres.tolist(), counts.density().tolist()
        ([0.25, 0.75], [[0.5, 1.5]])
    """

    counts: np.ndarray
    low: float = eqx.field(static=True)
    high: float = eqx.field(static=True)
    pairs: bool = eqx.field(static=True, default=False)

    @property
    def edges(self) -> np.ndarray:
        """Borders of the bins."""
        return np.linspace(self.low, self.high, self.counts.shape[-1] + 1)

    @property
    def centres(self) -> np.ndarray:
        """Midpoints of the bins."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    def density(self, members: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Probability density in each bin, for each of the chosen members (the first axis)."""
        chosen, axes = self.counts[members].astype(float), (-2, -1)[1 - self.pairs :]
        return chosen / chosen.sum(axis=axes, keepdims=True) / np.diff(self.edges)[0] ** len(axes)


class Histogram(AbstractObservable):
    """Histogram of all entries of a measurement, on `num_bins` equal bins from `low` to `high`.

    Attributes:
        measure: any array; for pairs of values an array with a leading axis of two.
        low: lower end of the range.
        high: upper end.
        num_bins: bins along each axis.
        pairs: whether the measurement is one of pairs, for a histogram in two dimensions.

    Examples:
        >>> measure = lambda key, state: jnp.abs(state.position).max()
        >>> observables = {"largest": grokjax.Histogram(measure, 0.0, 4.0, 8)}
        >>> run = grokjax.run(
        ...     jax.random.key(0), grokjax.Langevin(0.1), lambda x: x @ x / 2, jnp.ones((4, 3)),
        ...     observables=observables, num_steps=20, record_every=2, progress=False,
        ... )
        >>> run.results["largest"].counts.shape
        (4, 8)
    """

    measure: Measure
    low: float = eqx.field(static=True)
    high: float = eqx.field(static=True)
    num_bins: int = eqx.field(static=True)
    pairs: bool = eqx.field(static=True, default=False)

    def __check_init__(self):
        check_measure(self.measure)
        check_whole("num_bins", self.num_bins)
        for name in ("low", "high"):
            check_finite(name, getattr(self, name))
        if not self.low < self.high:
            got = f"{self.low} to {self.high}"
            raise argument_error("low", "below `high`", got, "Give the ends of a range.")

    def init(self, key, state, num_records):
        del key, state, num_records
        return jnp.zeros(self.num_bins ** (1 + self.pairs), jnp.int32)

    def update(self, key, carry, state, step):
        del step
        values = self.measure(key, state)
        values = values.reshape(2, -1) if self.pairs else jnp.ravel(values)
        bins = jnp.floor((values - self.low) * (self.num_bins / (self.high - self.low)))
        bins = jnp.clip(jnp.nan_to_num(bins), 0, self.num_bins - 1).astype(jnp.int32)
        bins = bins[0] * self.num_bins + bins[1] if self.pairs else bins
        return carry + jnp.bincount(bins, length=len(carry)).astype(jnp.int32)

    def merge(self, total, carry):
        carry = np.asarray(carry, np.int64)
        return carry if total is None else total + carry

    def finalise(self, total):
        shape = (self.num_bins,) * (1 + self.pairs)
        return Counts(total.reshape(*total.shape[:-1], *shape), self.low, self.high, self.pairs)
