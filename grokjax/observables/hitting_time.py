"""First-passage times as a streaming observable: the step at which a measurement first reaches a threshold."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from .._checks import check_finite
from .base import AbstractObservable, Measure, check_measure, shapes_of


NEVER = -1
"""The hitting time of what was not reached."""


class HittingTime(AbstractObservable):
    """Number of steps taken when a measurement, or each entry of it, first reaches the threshold; -1 if it never does.

    Resolved to `record_every` steps of the run. Counted in steps, so the state after the first step has time 1; the
    start itself is not looked at.

    Attributes:
        measure: what is watched, `measure(key, state) -> array`.
        threshold: reached when the measurement is at least this.

    Examples:
        >>> measure = lambda key, state: jnp.abs(state.position).max()
        >>> observables = {"largest": grokjax.HittingTime(measure, 0.5)}
        >>> run = grokjax.run(
        ...     jax.random.key(0), grokjax.Langevin(0.1), lambda x: x @ x / 2, jnp.ones((4, 3)),
        ...     observables=observables, num_steps=20, record_every=2, progress=False,
        ... )
        >>> run.results["largest"].shape
        (4,)
    """

    measure: Measure
    threshold: float = eqx.field(static=True)

    def __check_init__(self):
        check_measure(self.measure)
        check_finite("threshold", self.threshold)

    def init(self, key, state, num_records):
        del num_records
        return jnp.full(shapes_of(self.measure, key, state).shape, NEVER, jnp.int32)

    def update(self, key, carry, state, step):
        reached = self.measure(key, state) >= self.threshold
        return jnp.where((carry == NEVER) & reached, step.astype(jnp.int32), carry)

    def merge(self, total, carry):
        carry = np.asarray(carry, np.int64)
        return carry if total is None else np.where(total == NEVER, carry, total)

    def finalise(self, total):
        return total
