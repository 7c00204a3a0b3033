r"""Metropolis moves to anywhere: independent proposals from a broad Gaussian, for few dimensions and distant wells.

A proposal $\theta'\sim N(0,s^2)$ is accepted with the exact ratio,

$$ \log r = U(\theta)-U(\theta') + \frac{|\theta'|^2-|\theta|^2}{2s^2}, $$

whatever the barrier between here and there. The acceptance is about the share of the Gaussian that the posterior fills,
so it falls exponentially with the dimension. Between moves the local dynamics takes a step.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree, Scalar

from .._checks import as_scalar, check_positive
from .._tree import normal_like, tree_dot
from .base import AbstractSampler, AbstractWrapper, Energy, energy_and_gradient


class WithBroadMoves(AbstractWrapper):
    """One step of local dynamics, then one broad proposal.

    Attributes:
        sampler: the local dynamics.
        scale: $s$, the standard deviation of every coordinate of a proposal.

    Examples:
        >>> sampler = grokjax.samplers.WithBroadMoves(grokjax.MALA(0.1), scale=2.0)
        >>> wells = lambda x: jnp.sum((x**2 - 9) ** 2)  # a barrier of 81
        >>> state = sampler.init(jax.random.key(0), wells, jnp.array([3.0]))
        >>> keys = jax.random.split(jax.random.key(1), 500)
        >>> ends = jax.vmap(lambda key: sampler.step(key, wells, state).position)(keys)
        >>> bool(ends.min() < -2)  # some are beyond it after one step
        True
    """

    sampler: AbstractSampler
    scale: Scalar = eqx.field(converter=as_scalar)

    def __check_init__(self):
        check_positive("scale", self.scale)

    def init(self, key: Key[Array, ""], target: Energy, position: PyTree) -> Any:
        return self.sampler.init(key, target, position)

    def step(self, key: Key[Array, ""], target: Energy, state: Any) -> Any:
        local_key, propose_key, accept_key = jax.random.split(key, 3)
        state = self.sampler.step(local_key, target, state)
        scale = self.scale.astype(state.energy.dtype)
        position = jax.tree.map(lambda leaf: scale * leaf, normal_like(propose_key, state.position))
        energy, gradient = energy_and_gradient(target, position)
        inward = tree_dot(position, position) - tree_dot(state.position, state.position)
        log_ratio = state.energy - energy + inward / (2 * scale**2)
        accepted = jnp.log(jax.random.uniform(accept_key, dtype=energy.dtype)) < log_ratio  # False for nan
        moved = self.sampler.moved(state, position, energy, gradient)
        return jax.tree.map(lambda new, old: jnp.where(accepted, new, old), moved, state)

    def moved(self, state: Any, position: PyTree, energy: Scalar, gradient: PyTree) -> Any:
        """As the local dynamics does."""
        return self.sampler.moved(state, position, energy, gradient)
