"""Gradient training by any optax transformation, behind the samplers' protocol.

The optimiser is rebuilt from its factory inside each step, so that its hyperparameters are array leaves: learning
rates and weight decays are vmapped over an ensemble like noise variances, and one compiled program serves them all.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import optax
from jaxtyping import Array, Key, PyTree, Scalar

from .._checks import as_scalar
from .base import About, AbstractSampler, Energy, energy_and_gradient


class GradientState(eqx.Module):
    """`State` and the memory of the optax transformation."""

    position: PyTree
    energy: Scalar
    gradient: PyTree
    optimiser: PyTree


class GradientDescent(AbstractSampler):
    """Full-batch descent on the energy.

    ```python
    GradientDescent(optax.adamw, learning_rate=1e-3, weight_decay=0.1)
    ```

    Attributes:
        factory: makes the transformation from `hyperparameters`, such as `optax.adam`; a named function, so that two
            trainers of one kind share a compiled program.
        hyperparameters: keyword arguments of the factory; numbers become array leaves.

    Examples:
        >>> import optax
        >>> sampler, energy = grokjax.GradientDescent(optax.adam, learning_rate=0.1), lambda x: x @ x / 2
        >>> state = sampler.init(jax.random.key(0), energy, jnp.ones(3))
        >>> sampler.step(jax.random.key(1), energy, state).position.shape
        (3,)
    """

    factory: Callable[..., optax.GradientTransformation] = eqx.field(static=True)
    hyperparameters: dict[str, Any]

    def __init__(self, factory: Callable[..., optax.GradientTransformation], /, **hyperparameters: Any):
        self.factory = factory
        self.hyperparameters = jax.tree.map(as_scalar, hyperparameters)

    @property
    def about(self) -> About:
        """No stationary law: what counts is where it ends."""
        return About(samples=False)

    def init(self, key: Key[Array, ""], target: Energy, position: PyTree) -> GradientState:
        del key
        optimiser = self.factory(**self.hyperparameters).init(position)
        return GradientState(position, *energy_and_gradient(target, position), optimiser)

    def step(self, key: Key[Array, ""], target: Energy, state: GradientState) -> GradientState:
        del key
        transformation = self.factory(**self.hyperparameters)
        updates, optimiser = transformation.update(state.gradient, state.optimiser, state.position)
        moved = optax.apply_updates(state.position, updates)
        position = jax.tree.map(lambda new, old: new.astype(old.dtype), moved, state.position)
        return GradientState(position, *energy_and_gradient(target, position), optimiser)
