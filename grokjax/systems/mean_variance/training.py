r"""Training a pair: the mean alone, then both; full batches or a batch per member and step; clipped per member.

References:
    arXiv:2306.16717, appendix C. The learning rate is cyclic, its amplitude halved after every cycle ("triangular2"),
    and the gradient's norm is clipped. (The authors clip the norm over all networks of a grid together; here every
    member has its own.)
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Int, Key, PyTree, Scalar

from ..._checks import check_at_least, check_positive
from ...samplers import AbstractSampler, GradientDescent
from ...samplers.base import About, AbstractWrapped
from .networks import Loss


def clipped_adam(lowest: Any, highest: Any, half_cycle: Any, largest_norm: Any) -> optax.GradientTransformation:
    """Adam at a cyclic rate on clipped gradients.

    Args:
        lowest: rate between cycles.
        highest: peak of the first cycle.
        half_cycle: steps from the lowest rate to the peak.
        largest_norm: of the gradient.
    """

    def rate(count):
        phase = count / (2 * half_cycle)
        cycle = jnp.floor(phase)
        return lowest + (highest - lowest) * (1 - jnp.abs(2 * (phase - cycle) - 1)) * 0.5**cycle

    return optax.chain(optax.clip_by_global_norm(largest_norm), optax.adam(rate))


class TrainingState(AbstractWrapped):
    """`State` of the descent and the number of steps.

    Attributes:
        inner: of the descent.
        steps: taken so far.
    """

    inner: Any
    steps: Int[Array, "*batch"]


class TwoStage(AbstractSampler):
    """Descent on a `Loss`, first of the mean alone.

    Attributes:
        descent: the engine's gradient descent.
        mean_steps: steps of the mean alone.
        batch_size: rows drawn for each step of each member; all unless given.
    """

    descent: GradientDescent
    mean_steps: Int[Array, ""] = eqx.field(converter=jnp.asarray)
    batch_size: int | None = eqx.field(static=True, default=None)

    @property
    def about(self) -> About:
        """No stationary law."""
        return About(samples=False)

    def init(self, key: Key[Array, ""], target: Loss, position: PyTree) -> TrainingState:
        steps = jnp.zeros((), jnp.int32)
        return TrainingState(self.descent.init(key, self._energy(key, target, steps), position), steps)

    def step(self, key: Key[Array, ""], target: Loss, state: TrainingState) -> TrainingState:
        steps = state.steps + 1
        return TrainingState(self.descent.step(key, self._energy(key, target, steps), state.inner), steps)

    def _energy(self, key: Key[Array, ""], target: Loss, steps: Scalar):
        """What the next step descends on: the gradient is taken at the end of a step."""
        num_rows = target.targets.shape[0]
        if self.batch_size is not None and self.batch_size < num_rows:
            target = target.batch(jax.random.randint(key, (self.batch_size,), 0, num_rows))
        return lambda pair: target.joint(pair, steps >= self.mean_steps)


def two_stage(
    mean_steps: Any,
    *,
    learning_rate: tuple[float, float],
    half_cycle: Any,
    largest_norm: float = 1000.0,
    batch_size: int | None = None,
) -> TwoStage:
    """The published trainer.

    Args:
        mean_steps: steps of the mean alone.
        learning_rate: lowest and highest.
        half_cycle: steps from the one to the other.
        largest_norm: of a member's gradient.
        batch_size: rows per step, all unless given.
    """
    lowest, highest = learning_rate
    check_at_least("mean_steps", mean_steps, 0)
    for name, value in {"learning_rate": learning_rate, "half_cycle": half_cycle, "largest_norm": largest_norm}.items():
        check_positive(name, value)
    descent = GradientDescent(
        clipped_adam, lowest=lowest, highest=highest, half_cycle=half_cycle, largest_norm=largest_norm
    )
    return TwoStage(descent, mean_steps, batch_size)
