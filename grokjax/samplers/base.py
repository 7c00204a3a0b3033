"""The protocol of every sampler and trainer: pure `init` and `step`, state in, state out.

An algorithm is a final `eqx.Module` whose hyperparameters are array leaves, so that a sweep over a step size is a
`vmap`. `grokjax.ensemble.run` is the only loop.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
from jaxtyping import Array, Key, PyTree, Scalar


Energy = Callable[[PyTree], Scalar]


class State(eqx.Module):
    """What every state carries.

    Attributes:
        position: the pytree that is sampled or trained.
        energy: the energy (or loss) at `position`.
        gradient: its gradient, in the structure of `position`.
    """

    position: PyTree
    energy: Scalar
    gradient: PyTree


class AbstractSampler(eqx.Module):
    """A Markov chain, or a deterministic descent, on positions.

    `target` is what is sampled: for gradient-based algorithms a callable energy, position -> scalar, with law
    exp(-energy).
    """

    @abc.abstractmethod
    def init(self, key: Key[Array, ""], target: Any, position: PyTree) -> Any:
        """The state at a first position."""

    @abc.abstractmethod
    def step(self, key: Key[Array, ""], target: Any, state: Any) -> Any:
        """The state after one step; `key` is fresh for each step."""

    def moved(self, state: Any, position: PyTree, energy: Scalar, gradient: PyTree) -> Any:
        """The state after an exact move of the position, or of the target, between two steps.

        What else the state carries must be independent of the position in equilibrium, or change with it: dynamics
        whose memory holds a kick by the gradient has its own form of this.
        """
        return eqx.tree_at(lambda s: (s.position, s.energy, s.gradient), state, (position, energy, gradient))


class AbstractLangevin(AbstractSampler):
    """Unadjusted Langevin dynamics: stable below a largest step, biased by a power of it.

    Attributes:
        step_size: None leaves the choice to `samplers.automatic_step_size`.
        bias_order: the stationary bias of averages is of this order in the step.
        safe_fraction: the automatic step in units of the largest stable one.
    """

    step_size: eqx.AbstractVar[Any]
    bias_order: eqx.AbstractClassVar[int]
    safe_fraction: eqx.AbstractClassVar[float]

    @abc.abstractmethod
    def largest_stable_step(self, curvature: Any) -> Any:
        """The limit of stability on a harmonic mode of this curvature."""


def energy_and_gradient(energy: Energy, position: PyTree) -> tuple[Scalar, PyTree]:
    """The energy and its gradient at `position`."""
    return jax.value_and_grad(energy)(position)
