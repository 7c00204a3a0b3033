r"""Underdamped Langevin dynamics by the BAOAB splitting, one gradient per step.

$$ d\theta = v\,dt,\qquad dv = -\nabla U\,dt - \gamma v\,dt + \sqrt{2\gamma}\,dB . $$

B: half a kick, A: half a drift, O: exact friction and noise, A, B. On a harmonic mode the configurational variance is
exact at every stable step ($h\omega<2$), while the velocity at the end of the step has
$\langle v^2\rangle = 1-h^2\omega^2/4$ by design.

References:
    Leimkuhler & Matthews, arXiv:1203.5428.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree, Scalar

from .._checks import as_scalar, check_positive
from .._tree import normal_like, tree_add
from .base import AbstractSampler, Energy, energy_and_gradient
from .langevin import check_stable


class UnderdampedState(eqx.Module):
    """`State` and a velocity of unit mass, in the structure of the position."""

    position: PyTree
    energy: Scalar
    gradient: PyTree
    velocity: PyTree


class UnderdampedLangevin(AbstractSampler):
    r"""BAOAB.

    Attributes:
        step_size: $h$, dimensionless in whitened coordinates.
        friction: $\gamma$; of the order of the slowest frequency, 1 in whitened coordinates.
    """

    step_size: Scalar = eqx.field(converter=as_scalar, default=0.3)
    friction: Scalar = eqx.field(converter=as_scalar, default=1.0)

    def __check_init__(self):
        check_stable(self.step_size, 2.0)
        check_positive("friction", self.friction)

    def init(self, key: Key[Array, ""], target: Energy, position: PyTree) -> UnderdampedState:
        return UnderdampedState(position, *energy_and_gradient(target, position), normal_like(key, position))

    def step(self, key: Key[Array, ""], target: Energy, state: UnderdampedState) -> UnderdampedState:
        h = self.step_size
        kept = jnp.exp(-self.friction * h)
        refreshed = jnp.sqrt(-jnp.expm1(-2 * self.friction * h))

        velocity = tree_add(state.velocity, (-h / 2, state.gradient))  # B
        position = tree_add(state.position, (h / 2, velocity))  # A
        velocity = jax.tree.map(lambda v: kept.astype(v.dtype) * v, velocity)  # O
        velocity = tree_add(velocity, (refreshed, normal_like(key, velocity)))
        position = tree_add(position, (h / 2, velocity))  # A
        energy, gradient = energy_and_gradient(target, position)
        velocity = tree_add(velocity, (-h / 2, gradient))  # B
        return UnderdampedState(position, energy, gradient, velocity)
