r"""Underdamped Langevin dynamics by the splittings BAOAB and BAOA, one gradient per step.

$$ d\theta = v\,dt,\qquad dv = -\nabla U\,dt - \gamma v\,dt + \sqrt{2\gamma}\,dB . $$

BAOAB: half a kick (B), half a drift (A), exact friction and noise (O), A, B. BAOA joins the two kicks that meet
between steps into one: the positions are those of BAOAB, and the velocity is kept as O leaves it. On a harmonic mode
the configurational variance is exact at every stable step ($h\omega<2$); so is the temperature of the velocity after O,
while BAOAB's velocity at the end of the step has $\langle v^2\rangle = 1-h^2\omega^2/4$ by design.

With a scale $s_l$ for layer $l$ the dynamics runs in $\theta_l/s_l$: kicks and drifts of that layer are $s_l$ times as
long, a mass of $1/s_l^2$.

References:
    Leimkuhler & Matthews, arXiv:1203.5428.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree, Scalar

from .._checks import as_scalar, check_choice, check_positive
from .._tree import as_layers, normal_like, per_layer, tree_add
from ..observables import Measure, measure_energy, measure_temperature, measure_virial
from .base import AbstractLangevin, Energy, energy_and_gradient
from .langevin import chosen


class UnderdampedState(eqx.Module):
    """`State` and a velocity of unit temperature.

    Attributes:
        velocity: in the structure of the position.
        kick: per layer, the length of the kick by the gradient that the velocity had since the noise.
    """

    position: PyTree
    energy: Scalar
    gradient: PyTree
    velocity: PyTree
    kick: PyTree

    @property
    def velocity_after_noise(self) -> PyTree:
        """The velocity as O left it in the last step: where its temperature is 1."""
        return tree_add(self.velocity, (self.kick, self.gradient))


class UnderdampedLangevin(AbstractLangevin):
    r"""BAOAB, or BAOA.

    Attributes:
        step_size: $h$, dimensionless in whitened coordinates; None for an automatic one.
        friction: $\gamma$; of the order of the slowest frequency, 1 in whitened coordinates. One number, or a mapping
            from the names of the layers to numbers, such as `{"read_in": 1.0, "read_out": 2.0}`.
        scale: $s$, likewise one number or one per layer.
        splitting: "BAOAB" or "BAOA".

    Examples:
        >>> sampler, energy = grokjax.UnderdampedLangevin(0.3, friction=1.0), lambda x: x @ x / 2
        >>> state = sampler.init(jax.random.key(0), energy, jnp.ones(3))
        >>> sampler.step(jax.random.key(1), energy, state).position.shape
        (3,)
    """

    step_size: Scalar | None = eqx.field(converter=as_scalar, default=0.3)
    friction: Any = eqx.field(converter=as_layers, default=1.0)
    scale: Any = eqx.field(converter=as_layers, default=1.0)
    splitting: str = eqx.field(static=True, default="BAOAB")
    bias_order: ClassVar[int] = 2
    safe_fraction: ClassVar[float] = 0.4

    def __check_init__(self):
        check_choice("splitting", self.splitting, ("BAOAB", "BAOA"))
        for name in ("friction", "scale"):
            for value in jax.tree.leaves(
                getattr(self, name), is_leaf=lambda leaf: leaf is None or isinstance(leaf, list)
            ):
                check_positive(name, value)

    @property
    def diagnostics(self) -> Mapping[str, Measure]:
        """Energy, and virial and temperature of every layer."""
        return {"energy": measure_energy, "virial": measure_virial, "temperature": measure_temperature}

    @property
    def scaling(self) -> Any:
        """The scale of each layer."""
        return self.scale

    def largest_stable_step(self, curvature: Any) -> Any:
        return 2 / jnp.sqrt(curvature)

    def init(self, key: Key[Array, ""], target: Energy, position: PyTree) -> UnderdampedState:
        energy, gradient = energy_and_gradient(target, position)
        return UnderdampedState(position, energy, gradient, normal_like(key, position), self._kick(position))

    def step(self, key: Key[Array, ""], target: Energy, state: UnderdampedState) -> UnderdampedState:
        drift = self._steps(state.position)
        friction = per_layer("friction", self.friction, state.position)
        damping = jax.tree.map(lambda gamma: gamma * chosen(self.step_size), friction)
        kept = jax.tree.map(lambda x: jnp.exp(-x), damping)
        refreshed = jax.tree.map(lambda x: jnp.sqrt(-jnp.expm1(-2 * x)), damping)
        whole = self.splitting == "BAOA"

        velocity = tree_add(state.velocity, (_times(-1.0 if whole else -0.5, drift), state.gradient))  # B
        position = tree_add(state.position, (_times(0.5, drift), velocity))  # A
        velocity = jax.tree.map(lambda c, v: jnp.asarray(c, v.dtype) * v, kept, velocity)  # O
        velocity = tree_add(velocity, (refreshed, normal_like(key, velocity)))
        position = tree_add(position, (_times(0.5, drift), velocity))  # A
        energy, gradient = energy_and_gradient(target, position)
        if not whole:
            velocity = tree_add(velocity, (_times(-0.5, drift), gradient))  # B
        return UnderdampedState(position, energy, gradient, velocity, self._kick(position))

    def moved(self, state: UnderdampedState, position: PyTree, energy: Scalar, gradient: PyTree) -> UnderdampedState:
        """BAOAB's velocity is independent of the position; BAOA's holds half a kick, which changes."""
        velocity = state.velocity
        if self.splitting == "BAOA":
            drift = self._steps(state.position)
            velocity = tree_add(velocity, (_times(0.5, drift), gradient), (_times(-0.5, drift), state.gradient))
        return UnderdampedState(position, energy, gradient, velocity, state.kick)

    def _steps(self, position: PyTree) -> PyTree:
        return jax.tree.map(lambda s: s * chosen(self.step_size), per_layer("scale", self.scale, position))

    def _kick(self, position: PyTree) -> PyTree:
        dtype = jnp.result_type(*jax.tree.leaves(position))
        half = 0.0 if self.splitting == "BAOA" else 0.5
        return jax.tree.map(lambda step: jnp.asarray(half * step, dtype), self._steps(position))


def _times(factor: float, tree: PyTree) -> PyTree:
    return jax.tree.map(lambda leaf: factor * leaf, tree)
