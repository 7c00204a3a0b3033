r"""Metropolis-adjusted Langevin: the overdamped step as a proposal, accepted with the exact ratio.

$$ \theta' = \theta - h\nabla U(\theta) + \sqrt{2h}\,\xi,\qquad
   \log r = U(\theta)-U(\theta') + \tfrac12|\xi|^2 - \tfrac{1}{4h}|\theta-\theta'+h\nabla U(\theta')|^2 . $$

References:
    Roberts & Tweedie, Bernoulli 2, 341 (1996).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree, Scalar

from .._checks import as_scalar
from .._tree import normal_like, tree_add, tree_dot
from .base import AbstractSampler, Energy, energy_and_gradient
from .langevin import check_stable


class MALAState(eqx.Module):
    """`State` and the acceptance probability of the last proposal."""

    position: PyTree
    energy: Scalar
    gradient: PyTree
    acceptance: Scalar


class MALA(AbstractSampler):
    """Metropolis-adjusted Langevin algorithm.

    Attributes:
        step_size: $h$ of the overdamped proposal; an acceptance of 0.5 to 0.7 is efficient.
    """

    step_size: Scalar = eqx.field(converter=as_scalar)

    def __check_init__(self):
        check_stable(self.step_size, 2.0)

    def init(self, key: Key[Array, ""], target: Energy, position: PyTree) -> MALAState:
        del key
        energy, gradient = energy_and_gradient(target, position)
        return MALAState(position, energy, gradient, jnp.ones((), energy.dtype))

    def step(self, key: Key[Array, ""], target: Energy, state: MALAState) -> MALAState:
        noise_key, accept_key = jax.random.split(key)
        h = self.step_size.astype(state.energy.dtype)
        noise = normal_like(noise_key, state.position)
        position = tree_add(state.position, (-h, state.gradient), (jnp.sqrt(2 * h), noise))
        energy, gradient = energy_and_gradient(target, position)

        # (theta - theta' + h grad U(theta')) / sqrt(2 h) is the noise that the reverse proposal would need.
        pull = tree_add(gradient, (1.0, state.gradient))
        backward = tree_add(jax.tree.map(jnp.negative, noise), (jnp.sqrt(h / 2), pull))
        log_ratio = state.energy - energy + (tree_dot(noise, noise) - tree_dot(backward, backward)) / 2
        log_ratio = jnp.where(jnp.isnan(log_ratio), -jnp.inf, log_ratio)

        accepted = jnp.log(jax.random.uniform(accept_key, dtype=energy.dtype)) < log_ratio
        proposed = (position, energy, gradient)
        current = (state.position, state.energy, state.gradient)
        kept = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), proposed, current)
        return MALAState(kept[0], kept[1], kept[2], jnp.exp(jnp.minimum(log_ratio, 0)))
