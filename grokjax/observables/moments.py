"""Time averages of a measurement, and its values at every record."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PyTree

from .base import AbstractObservable, Measure, check_measure, shapes_of


class Moments(eqx.Module):
    """Mean and variance over the records, per member; both in the structure of the measurement.

    Examples:
        >>> run = grokjax.run(
        ...     jax.random.key(0), grokjax.Langevin(0.1), lambda x: x @ x / 2, jnp.ones((4, 3)),
        ...     observables={"energy": grokjax.RunningMoments(grokjax.observables.measure_energy)},
        ...     num_steps=20, record_every=2, progress=False,
        ... )
        >>> moments = run.results["energy"]
        >>> moments.mean.shape, moments.variance.shape, moments.num_records
        ((4,), (4,), 10)
    """

    mean: PyTree
    variance: PyTree
    num_records: int = eqx.field(static=True)


class RunningMoments(AbstractObservable):
    """Time average and variance of a measurement of any shape.

    Examples:
        >>> measure = lambda key, state: jnp.abs(state.position).max()
        >>> observables = {"largest": grokjax.RunningMoments(measure)}
        >>> run = grokjax.run(
        ...     jax.random.key(0), grokjax.Langevin(0.1), lambda x: x @ x / 2, jnp.ones((4, 3)),
        ...     observables=observables, num_steps=20, record_every=2, progress=False,
        ... )
        >>> run.results["largest"].mean.shape, run.results["largest"].num_records
        ((4,), 10)
    """

    measure: Measure

    def __check_init__(self):
        check_measure(self.measure)

    def init(self, key, state, num_records):
        del num_records
        zero = jax.tree.map(
            lambda leaf: jnp.zeros(leaf.shape, jnp.result_type(leaf.dtype, jnp.float32)),
            shapes_of(self.measure, key, state),
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
        records = max(int(count.flat[0]), 1)
        mean = jax.tree.map(lambda s: s / records, sums)
        variance = jax.tree.map(lambda s, m: np.maximum(s / records - m * m, 0.0), squares, mean)
        return Moments(mean, variance, records)


class Series(AbstractObservable):
    """The measurement at every record, shape (member, record, ...). For scalars: memory grows with the records.

    Examples:
        >>> measure = lambda key, state: jnp.abs(state.position).max()
        >>> observables = {"largest": grokjax.Series(measure)}
        >>> run = grokjax.run(
        ...     jax.random.key(0), grokjax.Langevin(0.1), lambda x: x @ x / 2, jnp.ones((4, 3)),
        ...     observables=observables, num_steps=20, record_every=2, progress=False,
        ... )
        >>> run.results["largest"].shape
        (4, 10)
    """

    measure: Measure

    @property
    def keeps_records(self):
        return True

    def __check_init__(self):
        check_measure(self.measure)

    def init(self, key, state, num_records):
        shapes = shapes_of(self.measure, key, state)
        buffer = jax.tree.map(lambda leaf: jnp.zeros((num_records, *leaf.shape), leaf.dtype), shapes)
        return jnp.zeros((), jnp.int32), buffer

    def update(self, key, carry, state, step):
        del step
        count, buffer = carry
        value = self.measure(key, state)
        return count + 1, jax.tree.map(lambda b, x: b.at[count].set(x), buffer, value)

    def merge(self, total, carry):
        count, buffer = carry
        taken = int(np.ravel(count)[0])  # a chunk may be shorter than its buffer
        buffer = jax.tree.map(lambda leaf: np.asarray(leaf)[:, :taken], buffer)
        if total is None:
            return buffer
        return jax.tree.map(lambda a, b: np.concatenate([a, b], axis=1), total, buffer)

    def finalise(self, total):
        return total
