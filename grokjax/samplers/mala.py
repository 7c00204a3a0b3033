r"""Metropolis-adjusted Langevin: the overdamped step as a proposal, accepted with the exact ratio.

$$ \theta' = \theta - h\nabla U(\theta) + \sqrt{2h}\,\xi,\qquad
   \log r = U(\theta)-U(\theta') + \tfrac12|\xi|^2 - \tfrac{1}{4h}|\theta-\theta'+h\nabla U(\theta')|^2 . $$

References:
    Roberts & Tweedie, Bernoulli 2, 341 (1996).
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree, Scalar

from .._checks import as_scalar, check_positive
from .._tree import normal_like, tree_add, tree_dot
from ..observables import Measure, measure_energy, measure_virial
from .base import About, AbstractSampler, Energy, energy_and_gradient


class MALAState(eqx.Module):
    """`State` and how often proposals were accepted.

    Attributes:
        acceptance: probability of the last proposal.
        total: sum of these probabilities.
        tried: number of proposals.
    """

    position: PyTree
    energy: Scalar
    gradient: PyTree
    acceptance: Scalar
    total: Scalar
    tried: Scalar


class MALA(AbstractSampler):
    """Metropolis-adjusted Langevin algorithm.

    Attributes:
        step_size: $h$ of the overdamped proposal; an acceptance of 0.5 to 0.7 is efficient.

    Examples:
        >>> sampler, energy = grokjax.MALA(0.1), lambda x: x @ x / 2
        >>> state = sampler.init(jax.random.key(0), energy, jnp.ones(3))
        >>> sampler.step(jax.random.key(1), energy, state).position.shape
        (3,)
    """

    step_size: Scalar = eqx.field(converter=as_scalar)

    def __check_init__(self):
        check_positive("step_size", self.step_size)

    @property
    def about(self) -> About:
        """Exact by its Metropolis test."""
        return About(exact=True)

    @property
    def diagnostics(self) -> Mapping[str, Measure]:
        """Energy, and the virial of every layer."""
        return {"energy": measure_energy, "virial": measure_virial}

    def report(self, states: MALAState) -> dict[str, Any]:
        """The acceptance, over members and steps."""
        return {"acceptance": float(np.sum(states.total) / max(1.0, float(np.sum(states.tried))))}

    def init(self, key: Key[Array, ""], target: Energy, position: PyTree) -> MALAState:
        del key
        energy, gradient = energy_and_gradient(target, position)
        one, zero = jnp.ones((), energy.dtype), jnp.zeros((), energy.dtype)
        return MALAState(position, energy, gradient, one, zero, zero)

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
        acceptance = jnp.exp(jnp.minimum(log_ratio, 0))
        return MALAState(kept[0], kept[1], kept[2], acceptance, state.total + acceptance, state.tried + 1)
