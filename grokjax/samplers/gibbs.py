r"""Block Gibbs sampling of two layers, each independent given the other.

$$ \tau_{k+1}\sim p(\tau\,|\,s_k),\qquad s_{k+1}\sim p(s\,|\,\tau_{k+1}) . $$

One step is one sweep: all hidden units in parallel, then all visible ones. No step size, no rejection; every sweep
leaves the joint law invariant.

References:
    Geman & Geman, IEEE PAMI 6, 721 (1984); Hinton, Neural Comput. 14, 1771 (2002).
"""

from typing import Any, Protocol

import equinox as eqx
import jax
from jaxtyping import Array, Key, PyTree, Scalar

from .base import About, AbstractSampler


class TwoLayers(Protocol):
    """What a target offers: a draw of each layer given the other, and the energy of a configuration."""

    def draw_hidden(self, key: Key[Array, ""], visible: PyTree) -> PyTree:
        """Hidden units given visible ones."""
        ...

    def draw_visible(self, key: Key[Array, ""], hidden: PyTree) -> PyTree:
        """Visible units given hidden ones."""
        ...

    def energy(self, visible: PyTree, hidden: PyTree) -> Scalar:
        """An energy of the configuration, to measure and to see divergence by."""
        ...


class GibbsState(eqx.Module):
    """A configuration of both layers; `position` is the visible one."""

    position: PyTree
    energy: Scalar
    hidden: PyTree


class BlockGibbs(AbstractSampler):
    """Sweeps over hidden, then visible units. The target is a `TwoLayers`, the position a visible configuration.

    Examples:
        >>> class Pair:  # two correlated normal layers
        ...     def draw_hidden(self, key, visible):
        ...         return 0.8 * visible + 0.6 * jax.random.normal(key, visible.shape)
        ...     draw_visible = draw_hidden
        ...     def energy(self, visible, hidden):
        ...         return (visible @ visible + hidden @ hidden - 1.6 * visible @ hidden) / 0.72
        >>> sampler = grokjax.BlockGibbs()
        >>> state = sampler.init(jax.random.key(0), Pair(), jnp.zeros(3))
        >>> sampler.step(jax.random.key(1), Pair(), state).hidden.shape, sampler.about.exact
        ((3,), True)
    """

    @property
    def about(self) -> About:
        """Every sweep is an exact draw."""
        return About(exact=True)

    def init(self, key: Key[Array, ""], target: Any, position: PyTree) -> GibbsState:
        hidden = target.draw_hidden(key, position)
        return GibbsState(position, target.energy(position, hidden), hidden)

    def step(self, key: Key[Array, ""], target: Any, state: GibbsState) -> GibbsState:
        hidden_key, visible_key = jax.random.split(key)
        hidden = target.draw_hidden(hidden_key, state.position)
        visible = target.draw_visible(visible_key, hidden)
        return GibbsState(visible, target.energy(visible, hidden), hidden)
