"""Streaming observables: what is measured while an ensemble runs, in memory that does not grow with the steps.

An observable measures one member. Within a compiled chunk of records it updates a small carry in the ensemble's own
precision; between chunks the host merges the carries of all members in float64 and int64, so that counts do not
saturate and sums do not lose digits (float32 counts stop at 2^24).

A measurement is a function `measure(key, state) -> arrays`. All observables of one record get the same key, so those
that share a measurement see the same random test points and the compiler computes it once.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int, Key, PyTree

from ._tree import leading_axes


Measure = Callable[[Key[Array, ""], Any], Any]


class AbstractObservable(eqx.Module):
    """`init` and `update` run inside the compiled chunk, on one member; `merge` and `finalise` on the host, on all."""

    @abc.abstractmethod
    def init(self, key: Key[Array, ""], state: Any, num_records: int) -> PyTree:
        """An empty carry for a chunk of `num_records` records."""

    @abc.abstractmethod
    def update(self, key: Key[Array, ""], carry: PyTree, state: Any, step: Int[Array, ""]) -> PyTree:
        """The carry with one more record, taken after `step` steps."""

    @abc.abstractmethod
    def merge(self, total: PyTree, carry: PyTree) -> PyTree:
        """The carry of a chunk (numpy, leading axis member) added to the total, None at first."""

    @abc.abstractmethod
    def finalise(self, total: PyTree) -> Any:
        """What the user gets: arrays with leading axis member."""


class Moments(eqx.Module):
    """Mean and variance over the records, per member; both in the structure of the measurement."""

    mean: PyTree
    variance: PyTree
    num_records: int = eqx.field(static=True)


class RunningMoments(AbstractObservable):
    """Time average and variance of a measurement of any shape."""

    measure: Measure

    def init(self, key, state, num_records):
        del num_records
        zero = jax.tree.map(
            lambda leaf: jnp.zeros(leaf.shape, jnp.result_type(leaf.dtype, jnp.float32)),
            jax.eval_shape(self.measure, key, state),
        )
        return jnp.zeros((), jnp.int32), zero, zero

    def update(self, key, carry, state, step):
        del step
        count, total, squares = carry
        value = self.measure(key, state)
        total = jax.tree.map(jnp.add, total, value)
        return count + 1, total, jax.tree.map(lambda s, x: s + x * x, squares, value)

    def merge(self, total, carry):
        carry = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), carry)
        return carry if total is None else jax.tree.map(np.add, total, carry)

    def finalise(self, total):
        count, sums, squares = total
        records = int(count.flat[0])
        mean = jax.tree.map(lambda s: s / records, sums)
        variance = jax.tree.map(lambda s, m: np.maximum(s / records - m * m, 0.0), squares, mean)
        return Moments(mean, variance, records)


class Counts(eqx.Module):
    """Histogram counts per member. Values outside of the range fall into the outermost bins."""

    counts: np.ndarray
    edges: np.ndarray

    @property
    def centres(self) -> np.ndarray:
        """Midpoints of the bins."""
        return (self.edges[1:] + self.edges[:-1]) / 2

    def density(self, members: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Probability density in each bin, for each of the chosen members."""
        chosen = self.counts[members].astype(float)
        return chosen / chosen.sum(axis=-1, keepdims=True) / np.diff(self.edges)


class Histogram(AbstractObservable):
    """Histogram of all entries of a measurement, on `num_bins` equal bins from `low` to `high`."""

    measure: Measure
    low: float = eqx.field(static=True)
    high: float = eqx.field(static=True)
    num_bins: int = eqx.field(static=True)

    def init(self, key, state, num_records):
        del key, state, num_records
        return jnp.zeros(self.num_bins, jnp.int32)

    def update(self, key, carry, state, step):
        del step
        values = jnp.ravel(self.measure(key, state))
        bins = jnp.floor((values - self.low) * (self.num_bins / (self.high - self.low)))
        bins = jnp.clip(jnp.nan_to_num(bins), 0, self.num_bins - 1).astype(jnp.int32)
        return carry + jnp.bincount(bins, length=self.num_bins).astype(jnp.int32)

    def merge(self, total, carry):
        carry = np.asarray(carry, np.int64)
        return carry if total is None else total + carry

    def finalise(self, total):
        return Counts(total, np.linspace(self.low, self.high, self.num_bins + 1))


class Series(AbstractObservable):
    """The measurement at every record, shape (member, record, ...). For scalars: memory grows with the records."""

    measure: Measure

    def init(self, key, state, num_records):
        shapes = jax.eval_shape(self.measure, key, state)
        buffer = jax.tree.map(lambda leaf: jnp.zeros((num_records, *leaf.shape), leaf.dtype), shapes)
        return jnp.zeros((), jnp.int32), buffer

    def update(self, key, carry, state, step):
        del step
        count, buffer = carry
        value = self.measure(key, state)
        return count + 1, jax.tree.map(lambda b, x: b.at[count].set(x), buffer, value)

    def merge(self, total, carry):
        buffer = jax.tree.map(np.asarray, carry[1])
        if total is None:
            return buffer
        return jax.tree.map(lambda a, b: np.concatenate([a, b], axis=1), total, buffer)

    def finalise(self, total):
        return total


class PerRung(AbstractObservable):
    """An observable of each rung of a replica-exchange ladder, whichever replica holds it.

    The results of the inner observable have a leading axis (member x rung): rungs run fastest. Its leaves are scalars
    or have a leading axis rung.
    """

    inner: AbstractObservable

    def init(self, key, state, num_records):
        init = lambda inner, replica: inner.init(key, replica, num_records)
        return eqx.filter_vmap(init, in_axes=(leading_axes(self.inner), eqx.if_array(0)))(self.inner, state.in_order)

    def update(self, key, carry, state, step):
        update = lambda inner, carry, replica: inner.update(key, carry, replica, step)
        axes = (leading_axes(self.inner), 0, eqx.if_array(0))
        return eqx.filter_vmap(update, in_axes=axes)(self.inner, carry, state.in_order)

    def merge(self, total, carry):
        return self.inner.merge(total, jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), carry))

    def finalise(self, total):
        return self.inner.finalise(total)


def measure_energy(key, state):
    """The energy of the state."""
    del key
    return state.energy


def measure_virial(key, state):
    r"""$\sum_i\theta_i\,\partial_i U/\dim$ for each array of the position; 1 in equilibrium (equipartition)."""
    del key
    return jax.tree.map(lambda x, g: jnp.mean(x * g), state.position, state.gradient)


def measure_temperature(key, state):
    """Mean squared velocity of each array of the position, right after the noise; 1 in equilibrium."""
    del key
    return jax.tree.map(lambda v: jnp.mean(v * v), state.velocity_after_noise)
