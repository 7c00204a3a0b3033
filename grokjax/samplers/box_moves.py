r"""Metropolis moves of a periodic box between stretches of dynamics at a fixed one: constant pressure without a piston.

The target is a family of energies over the box's strain $\epsilon$ (the logarithms of its edges over those of a
reference): `target.at(strain)` is the energy of positions at that box, `target.box_energy(strain)` what else depends on
the box, such as $\beta PV-(N+1)\ln V$. A move adds $\xi\cdot$`target.box_steps` to the strain, a random amount for each
row, and leaves the positions, which are kept in the coordinates of the reference box. It is accepted with the exact
ratio, so there is no barostat mass and no bias.

References:
    Frenkel & Smit, Understanding Molecular Simulation, 2nd ed., section 5.4.
"""

from typing import Any, Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, PyTree, Scalar

from .._checks import check_whole
from .base import About, AbstractSampler, AbstractWrapped, AbstractWrapper, Energy, energy_and_gradient


@runtime_checkable
class BoxTarget(Protocol):
    """What the moves need to know of a target."""

    @property
    def box_steps(self) -> Any: ...

    def at(self, strain: Any) -> Energy: ...

    def box_energy(self, strain: Any) -> Any: ...


class BoxState(AbstractWrapped):
    """The dynamics at a box.

    Attributes:
        inner: state of the dynamics.
        strain: logarithms of the edges over those of the reference box.
        tried: moves.
        accepted: among them.

    Examples:
        >>> class Springs:  # an energy that softens as the box grows, and a pressure of 2
        ...     box_steps = 0.1 * jnp.ones((1, 3))  # one row: all edges together
        ...     def at(self, strain):
        ...         return lambda x: jnp.exp(-2 * strain[0]) * jnp.sum(x**2) / 2
        ...     def box_energy(self, strain):
        ...         return 2 * jnp.exp(jnp.sum(strain))
        >>> sampler = grokjax.samplers.WithBoxMoves(grokjax.MALA(0.1), num_steps=5)
        >>> state = sampler.init(jax.random.key(0), Springs(), jnp.ones((4, 3)))
        >>> state.position.shape, state.strain.tolist()
        ((4, 3), [0.0, 0.0, 0.0])
    """

    inner: Any
    strain: Float[Array, " axes"]
    tried: Scalar
    accepted: Scalar


class WithBoxMoves(AbstractWrapper):
    """Some steps of dynamics at a fixed box, then some moves of the box.

    Attributes:
        sampler: the dynamics.
        num_steps: steps of it between moves.
        num_moves: moves.

    Examples:
        >>> class Springs:  # an energy that softens as the box grows, and a pressure of 2
        ...     box_steps = 0.1 * jnp.ones((1, 3))  # one row: all edges together
        ...     def at(self, strain):
        ...         return lambda x: jnp.exp(-2 * strain[0]) * jnp.sum(x**2) / 2
        ...     def box_energy(self, strain):
        ...         return 2 * jnp.exp(jnp.sum(strain))
        >>> sampler = grokjax.samplers.WithBoxMoves(grokjax.MALA(0.1), num_steps=5)
        >>> state = sampler.init(jax.random.key(0), Springs(), jnp.ones((4, 3)))
        >>> state = sampler.step(jax.random.key(1), Springs(), state)
        >>> sampler.about.steps, int(state.tried)  # steps of the dynamics, moves of the box
        (5, 2)
    """

    sampler: AbstractSampler
    num_steps: int = eqx.field(static=True, default=20)
    num_moves: int = eqx.field(static=True, default=2)

    def __check_init__(self):
        check_whole("num_steps", self.num_steps)
        check_whole("num_moves", self.num_moves)

    @property
    def about(self) -> About:
        """Like the dynamics, several steps of which are one here."""
        return self.sampler.about._replace(steps=self.sampler.about.steps * self.num_steps)

    def init(self, key: Key[Array, ""], target: BoxTarget, position: PyTree) -> BoxState:
        steps = target.box_steps
        strain = jnp.zeros(steps.shape[-1], steps.dtype)
        zero = jnp.zeros((), steps.dtype)
        return BoxState(self.sampler.init(key, target.at(strain), position), strain, zero, zero)

    def step(self, key: Key[Array, ""], target: BoxTarget, state: BoxState) -> BoxState:
        here = target.at(state.strain)
        one = lambda inner, i: (self.sampler.step(jax.random.fold_in(key, i), here, inner), None)
        inner, _ = jax.lax.scan(one, state.inner, jnp.arange(self.num_steps))
        moving = BoxState(inner, state.strain, state.tried, state.accepted)
        keys = jax.random.split(jax.random.fold_in(key, self.num_steps), self.num_moves)
        moved, _ = jax.lax.scan(lambda state, key: (self._move(key, target, state), None), moving, keys)
        return moved

    def moved(self, state: BoxState, position: PyTree, energy: Scalar, gradient: PyTree) -> BoxState:
        """As the dynamics does, at the same box."""
        inner = self.sampler.moved(state.inner, position, energy, gradient)
        return BoxState(inner, state.strain, state.tried, state.accepted)

    def report(self, states: BoxState) -> dict[str, Any]:
        """Share of accepted moves."""
        return {"box_acceptance": float(jnp.sum(states.accepted) / jnp.maximum(jnp.sum(states.tried), 1))}

    def _move(self, key: Key[Array, ""], target: BoxTarget, state: BoxState) -> BoxState:
        propose_key, accept_key = jax.random.split(key)
        steps, inner = target.box_steps, state.inner
        strain = state.strain + jax.random.normal(propose_key, steps.shape[:1], steps.dtype) @ steps
        energy, gradient = energy_and_gradient(target.at(strain), inner.position)
        before = inner.energy + target.box_energy(state.strain)
        log_ratio = before - energy - target.box_energy(strain)
        accept = jnp.log(jax.random.uniform(accept_key, dtype=energy.dtype)) < log_ratio  # False for nan
        moved = self.sampler.moved(inner, inner.position, energy, gradient), strain
        inner, strain = jax.tree.map(lambda new, old: jnp.where(accept, new, old), moved, (inner, state.strain))
        return BoxState(inner, strain, state.tried + 1, state.accepted + accept)
