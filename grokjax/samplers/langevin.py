r"""Overdamped Langevin dynamics, $d\theta = -\nabla U\,dt + \sqrt 2\,dB$, by two steps of equal cost.

Euler-Maruyama (`Langevin`) and Leimkuhler-Matthews (`LeimkuhlerMatthews`):

$$ \theta_{k+1} = \theta_k - h\,\nabla U(\theta_k) + \sqrt{2h}\,\xi_k, \qquad
   \theta_{k+1} = \theta_k - h\,\nabla U(\theta_k) + \sqrt{h/2}\,(\xi_k + \xi_{k+1}) . $$

On a harmonic mode of curvature $\lambda$, stable for $h\lambda < 2$, the stationary variance is
$1/(\lambda(1-h\lambda/2))$ for the first and exactly $1/\lambda$ for the second. In whitened coordinates every
curvature of the prior is 1.

References:
    Roberts & Tweedie, Bernoulli 2, 341 (1996); Leimkuhler & Matthews, arXiv:1203.5428. The dynamics of
    arXiv:2310.03789, section 2, in whitened coordinates.
"""

from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree, Scalar

from .._checks import argument_error, as_scalar
from .._tree import normal_like, tree_add
from .base import AbstractLangevin, Energy, State, energy_and_gradient


def chosen(step_size: Scalar | None) -> Scalar:
    """The step, which somebody has to choose."""
    if step_size is None:
        raise argument_error(
            "step_size",
            "a number where the sampler is used directly",
            None,
            "`simulate` chooses one; see grokjax.samplers.stability_limits.",
        )
    return step_size


class Langevin(AbstractLangevin):
    """Unadjusted (overdamped) Langevin.

    Attributes:
        step_size: $h$; None for an automatic one.

    Examples:
        >>> sampler, energy = grokjax.Langevin(0.1), lambda x: x @ x / 2
        >>> state = sampler.init(jax.random.key(0), energy, jnp.ones(3))
        >>> sampler.step(jax.random.key(1), energy, state).position.shape
        (3,)
    """

    step_size: Scalar | None = eqx.field(converter=as_scalar, default=None)
    bias_order: ClassVar[int] = 1
    safe_fraction: ClassVar[float] = 0.125

    def largest_stable_step(self, curvature: Any) -> Any:
        return 2 / curvature

    def init(self, key: Key[Array, ""], target: Energy, position: PyTree) -> State:
        del key
        return State(position, *energy_and_gradient(target, position))

    def step(self, key: Key[Array, ""], target: Energy, state: State) -> State:
        noise = normal_like(key, state.position)
        h = chosen(self.step_size)
        position = tree_add(state.position, (-h, state.gradient), (jnp.sqrt(2 * h), noise))
        return State(position, *energy_and_gradient(target, position))


class LeimkuhlerMatthewsState(eqx.Module):
    """`State` and the noise that the next step uses again."""

    position: PyTree
    energy: Scalar
    gradient: PyTree
    noise: PyTree


class LeimkuhlerMatthews(AbstractLangevin):
    """Overdamped Langevin of second order in the step at the price of `Langevin`: the overdamped one to take.

    Attributes:
        step_size: $h$; None for an automatic one.

    Examples:
        >>> sampler, energy = grokjax.LeimkuhlerMatthews(0.1), lambda x: x @ x / 2
        >>> state = sampler.init(jax.random.key(0), energy, jnp.ones(3))
        >>> sampler.step(jax.random.key(1), energy, state).position.shape
        (3,)
    """

    step_size: Scalar | None = eqx.field(converter=as_scalar, default=None)
    bias_order: ClassVar[int] = 2
    safe_fraction: ClassVar[float] = 0.25

    def largest_stable_step(self, curvature: Any) -> Any:
        return 2 / curvature

    def init(self, key: Key[Array, ""], target: Energy, position: PyTree) -> LeimkuhlerMatthewsState:
        return LeimkuhlerMatthewsState(position, *energy_and_gradient(target, position), normal_like(key, position))

    def step(self, key: Key[Array, ""], target: Energy, state: LeimkuhlerMatthewsState) -> LeimkuhlerMatthewsState:
        noise = normal_like(key, state.position)
        h = chosen(self.step_size)
        amplitude = jnp.sqrt(h / 2)
        position = tree_add(state.position, (-h, state.gradient), (amplitude, state.noise), (amplitude, noise))
        return LeimkuhlerMatthewsState(position, *energy_and_gradient(target, position), noise)

    def moved(
        self, state: LeimkuhlerMatthewsState, position: PyTree, energy: Scalar, gradient: PyTree
    ) -> LeimkuhlerMatthewsState:
        """The noise that the next step uses again holds half a kick by the gradient, and changes with it."""
        amplitude = jnp.sqrt(chosen(self.step_size) / 2)
        noise = tree_add(state.noise, (amplitude, gradient), (-amplitude, state.gradient))
        return LeimkuhlerMatthewsState(position, energy, gradient, noise)
