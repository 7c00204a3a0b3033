"""Members that end one by one: a flow that has converged, a trainer that has reached its goal.

`UntilFinished` wraps a sampler whose `about.ends` is true. Once `finished` gives a code of its own, the member's state
stays as it is; the loop ends when all members have. A member whose energy is no number ends, too.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int, Key, PyTree, Scalar

from ..status import Status
from .base import AbstractSampler, AbstractWrapped, AbstractWrapper


class EndingState(AbstractWrapped):
    """A state, whether it is final, and when it became so.

    Attributes:
        inner: the state of the wrapped sampler.
        status: its `Status` code, RUNNING until it ends.
        steps: steps taken until then.
    """

    inner: Any
    status: Int[Array, "*batch"]
    steps: Int[Array, "*batch"]

    @property
    def ended(self) -> Bool[Array, "*batch"]:
        """Whether the state is final."""
        return self.status != int(Status.RUNNING)

    @property
    def final_status(self) -> np.ndarray:
        """The codes after a run: who still runs is out of steps."""
        status = np.asarray(self.status)
        return np.where(status == int(Status.RUNNING), int(Status.OUT_OF_STEPS), status)


class UntilFinished(AbstractWrapper):
    """Steps of `sampler` until it says that a member has finished.

    Attributes:
        sampler: what advances, with `finished`.

    Examples:
        >>> import optax
        >>> class Descent(grokjax.GradientDescent):
        ...     def finished(self, state):
        ...         return jnp.where(state.energy < 0.1, grokjax.Status.REACHED, grokjax.Status.RUNNING)
        >>> sampler = grokjax.samplers.UntilFinished(Descent(optax.sgd, learning_rate=0.5))
        >>> key, energy = jax.random.key(0), lambda x: x @ x / 2
        >>> state = sampler.init(key, energy, jnp.ones(3))
        >>> for _ in range(4):
        ...     state = sampler.step(key, energy, state)
        >>> int(state.steps), grokjax.Status(int(state.status)).text
        (2, 'goal reached')
    """

    sampler: AbstractSampler

    def report(self, states: EndingState) -> dict[str, Any]:
        """What the wrapped one tells."""
        return self.sampler.report(states.inner)

    def init(self, key: Key[Array, ""], target: Any, position: PyTree) -> EndingState:
        inner = self.sampler.init(key, target, position)
        return EndingState(inner, self._status(inner), jnp.zeros((), jnp.int32))

    def step(self, key: Key[Array, ""], target: Any, state: EndingState) -> EndingState:
        new = self.sampler.step(key, target, state.inner)
        running = ~state.ended
        kept = jax.tree.map(lambda a, b: jnp.where(running, a, b), new, state.inner)
        status = jnp.where(running, self._status(new), state.status)
        return EndingState(kept, status, state.steps + running.astype(jnp.int32))

    def _status(self, inner: Any) -> Scalar:
        code = jnp.asarray(self.sampler.finished(inner), jnp.int32)
        return jnp.where(jnp.isfinite(inner.energy).all(), code, int(Status.NOT_FINITE))
