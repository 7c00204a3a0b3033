"""The protocol of every sampler and trainer: pure `init` and `step`, state in, state out.

An algorithm is a final `eqx.Module` whose hyperparameters are array leaves, so that a sweep over a step size is a
`vmap`. `grokjax.ensemble.run` is the only loop.
"""

import abc
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, Protocol, runtime_checkable

import equinox as eqx
import jax
from jaxtyping import Array, Key, PyTree, Scalar

from .._checks import check_positive
from ..observables import Measure, measure_energy, measure_virial
from ..status import Status


Energy = Callable[[PyTree], Scalar]


class State(eqx.Module):
    """What every state carries.

    Attributes:
        position: the pytree that is sampled or trained.
        energy: the energy (or loss) at `position`.
        gradient: its gradient, in the structure of `position`.

    Examples:
        >>> sampler, energy = grokjax.Langevin(0.1), lambda x: x @ x / 2
        >>> state = sampler.init(jax.random.key(0), energy, jnp.ones(3))
        >>> float(state.energy), state.gradient.tolist()
        (1.5, [1.0, 1.0, 1.0])
    """

    position: PyTree
    energy: Scalar
    gradient: PyTree


class AbstractWrapped(eqx.Module):
    """A state around another one, which it shows.

    Attributes:
        inner: the state of the wrapped sampler.
    """

    inner: eqx.AbstractVar[Any]

    @property
    def position(self) -> PyTree:
        return self.inner.position

    @property
    def energy(self) -> Array:
        return self.inner.energy

    @property
    def gradient(self) -> PyTree:
        return self.inner.gradient


class About(NamedTuple):
    """What a sampler says of itself, so that no driver has to know it by name.

    Attributes:
        samples: whether it has a stationary law, and time averages mean something; a trainer or a flow has none.
        exact: whether that law has no bias by construction.
        bias_order: power of the step in the bias of averages, None where there is no step or no bias.
        steps: elementary steps (gradients, sweeps) in one `step`; more than one where moves wrap the dynamics.
        ends: whether members end one by one, when `finished` says so.

    Examples:
        >>> grokjax.MALA(0.1).about.exact, grokjax.Langevin(0.1).about.bias_order
        (True, 1)
    """

    samples: bool = True
    exact: bool = False
    bias_order: int | None = None
    steps: int = 1
    ends: bool = False


class AbstractSampler(eqx.Module):
    """A Markov chain, or a deterministic descent, on positions.

    `target` is what is sampled: for gradient-based algorithms a callable energy, position -> scalar, with law
    exp(-energy).

    Examples:
        >>> class Halving(grokjax.AbstractSampler):
        ...     def init(self, key, target, position):
        ...         return grokjax.samplers.State(position, target(position), jax.grad(target)(position))
        ...     def step(self, key, target, state):
        ...         return self.init(key, target, state.position / 2)
        >>> sampler, energy, key = Halving(), lambda x: x @ x / 2, jax.random.key(0)
        >>> float(sampler.step(key, energy, sampler.init(key, energy, jnp.ones(2))).energy)
        0.25
    """

    @abc.abstractmethod
    def init(self, key: Key[Array, ""], target: Any, position: PyTree) -> Any:
        """The state at a first position."""

    @abc.abstractmethod
    def step(self, key: Key[Array, ""], target: Any, state: Any) -> Any:
        """The state after one step; `key` is fresh for each step."""

    @property
    def about(self) -> About:
        """What a driver has to know."""
        return About()

    @property
    def diagnostics(self) -> Mapping[str, Measure]:
        """What is measured on every run beside the order parameters."""
        return {"energy": measure_energy}

    def finished(self, state: Any) -> Any:
        """A `Status` code of a member, negative while it runs on; asked only where `about.ends`."""
        del state
        return int(Status.RUNNING)

    def report(self, states: Any) -> dict[str, Any]:
        """What the last states of an ensemble tell about the sampler itself, such as an acceptance."""
        del states
        return {}

    def moved(self, state: Any, position: PyTree, energy: Scalar, gradient: PyTree) -> Any:
        """The state after an exact move of the position, or of the target, between two steps.

        What else the state carries must be independent of the position in equilibrium, or change with it: dynamics
        whose memory holds a kick by the gradient has its own form of this.
        """
        return eqx.tree_at(lambda s: (s.position, s.energy, s.gradient), state, (position, energy, gradient))


class AbstractWrapper(AbstractSampler):
    """A sampler around another one, which it describes as that one does unless it says more.

    Attributes:
        sampler: the one inside.
    """

    sampler: eqx.AbstractVar[AbstractSampler]

    @property
    def about(self) -> About:
        """Like the sampler inside."""
        return self.sampler.about

    @property
    def diagnostics(self) -> Mapping[str, Measure]:
        """Those of the sampler inside."""
        return self.sampler.diagnostics

    def report(self, states: Any) -> dict[str, Any]:
        """What the sampler inside tells."""
        return self.sampler.report(states)


class AbstractLangevin(AbstractSampler):
    """Unadjusted Langevin dynamics: stable below a largest step, biased by a power of it.

    Attributes:
        step_size: None leaves the choice to `simulate` (`samplers.with_automatic_step`).
        bias_order: the stationary bias of averages is of this order in the step.
        safe_fraction: the automatic step in units of the largest stable one.

    Examples:
        >>> for sampler in (grokjax.Langevin(0.1), grokjax.UnderdampedLangevin(0.1)):
        ...     sampler.bias_order, float(sampler.largest_stable_step(jnp.array(100.0)))
        (1, 0.02...)
        (2, 0.2...)
    """

    step_size: eqx.AbstractVar[Any]
    bias_order: eqx.AbstractClassVar[int]
    safe_fraction: eqx.AbstractClassVar[float]

    def __check_init__(self):
        if self.step_size is not None:
            check_positive("step_size", self.step_size)

    @property
    def about(self) -> About:
        """Biased by a power of the step."""
        return About(bias_order=self.bias_order)

    @property
    def diagnostics(self) -> Mapping[str, Measure]:
        """Energy, and the virial of every layer."""
        return {"energy": measure_energy, "virial": measure_virial}

    @property
    def scaling(self) -> Any:
        """What the coordinates of each layer are divided by in the dynamics: one number, or one per layer."""
        return 1.0

    @abc.abstractmethod
    def largest_stable_step(self, curvature: Any) -> Any:
        """The limit of stability on a harmonic mode of this curvature."""


@runtime_checkable
class WithGradient(Protocol):
    """An energy that knows its gradient better than automatic differentiation does, such as forces without scatter.

    Examples:
        >>> class Quartic:
        ...     def __call__(self, x):
        ...         return jnp.sum(x**4)
        ...     def energy_and_gradient(self, x):
        ...         return self(x), 4 * x**3
        >>> state = grokjax.Langevin(0.1).init(jax.random.key(0), Quartic(), jnp.array([1.0, 2.0]))
        >>> state.gradient.tolist()
        [4.0, 32.0]
    """

    def energy_and_gradient(self, position: PyTree) -> tuple[Scalar, PyTree]: ...


def energy_and_gradient(energy: Energy, position: PyTree) -> tuple[Scalar, PyTree]:
    """The energy and its gradient at `position`: by the energy's own method of this name, else by differentiation.

    Examples:
        >>> value, slope = grokjax.samplers.energy_and_gradient(lambda x: x @ x / 2, jnp.array([1.0, 2.0]))
        >>> float(value), slope.tolist()
        (2.5, [1.0, 2.0])
    """
    if isinstance(energy, WithGradient):
        return energy.energy_and_gradient(position)
    return jax.value_and_grad(energy)(position)
