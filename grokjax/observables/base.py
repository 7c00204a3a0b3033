"""Streaming observables: what is measured while an ensemble runs, in memory that does not grow with the steps.

An observable measures one member. Within a compiled chunk of records it updates a small carry in the ensemble's own
precision; between chunks the host merges the carries of all members in float64 and int64, so that counts do not
saturate and sums do not lose digits (float32 counts stop at 2^24).

A measurement is a function `measure(key, state) -> arrays`. All observables of one record get the same key, so those
that share a measurement see the same random test points and the compiler computes it once.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Int, Key, PyTree

from .._checks import argument_error


Measure = Callable[[Key[Array, ""], Any], Any]


class AbstractObservable(eqx.Module):
    """`init` and `update` run inside the compiled chunk, on one member; `merge` and `finalise` on the host, on all.

    Examples:
        >>> class Last(grokjax.observables.AbstractObservable):
        ...     def init(self, key, state, num_records): return state.energy
        ...     def update(self, key, carry, state, step): return state.energy
        ...     def merge(self, total, carry): return carry
        ...     def finalise(self, total): return total
        >>> run = grokjax.run(
        ...     jax.random.key(0), grokjax.Langevin(0.1), lambda x: x @ x / 2, jnp.ones((4, 3)),
        ...     observables={"last": Last()}, num_steps=20, progress=False,
        ... )
        >>> bool((run.results["last"] == run.states.energy).all())
        True
    """

    @property
    def keeps_records(self) -> bool:
        """Whether what the user gets has an axis of records after that of the members."""
        return False

    @abc.abstractmethod
    def init(self, key: Key[Array, ""], state: Any, num_records: int) -> PyTree:
        """An empty carry for a chunk of `num_records` records."""

    @abc.abstractmethod
    def update(self, key: Key[Array, ""], carry: PyTree, state: Any, step: Int[Array, ""]) -> PyTree:
        """The carry with one more record, taken after `step` steps."""

    @abc.abstractmethod
    def merge(self, total: PyTree, carry: PyTree) -> PyTree:
        """The carry of a chunk (numpy, leading axis member) added to the total, None at first."""

    @abc.abstractmethod
    def finalise(self, total: PyTree) -> Any:
        """What the user gets: arrays with leading axis member."""


def check_measure(measure: Any) -> None:
    """Raise unless `measure` is a function."""
    if not callable(measure):
        raise argument_error("measure", "a function of a key and a state", measure, "Try observables.measure_energy.")


def shapes_of(measure: Measure, key: Key[Array, ""], state: Any) -> Any:
    """Shapes and dtypes of a measurement; behind a function of its own, since jax may compare what it caches."""
    return jax.eval_shape(lambda key, state: measure(key, state), key, state)


def measure_energy(key, state):
    """The energy of the state.

    Examples:
        >>> state = grokjax.Langevin(0.1).init(jax.random.key(0), lambda x: x @ x / 2, jnp.ones(3))
        >>> float(grokjax.observables.measure_energy(None, state))
        1.5
    """
    del key
    return state.energy


def measure_virial(key, state):
    r"""$\sum_i\theta_i\,\partial_i U/\dim$ for each array of the position; 1 in equilibrium (equipartition).

    Examples:
        >>> state = grokjax.Langevin(0.1).init(jax.random.key(0), lambda x: x @ x / 2, 2 * jnp.ones(3))
        >>> float(grokjax.observables.measure_virial(None, state))  # too hot: twice as far out as in equilibrium
        4.0
    """
    del key
    return jax.tree.map(lambda x, g: jnp.mean(x * g), state.position, state.gradient)


def measure_temperature(key, state):
    """Mean squared velocity of each array of the position, right after the noise; 1 in equilibrium.

    Examples:
        >>> state = grokjax.UnderdampedLangevin(0.1).init(jax.random.key(0), lambda x: x @ x / 2, jnp.ones(10_000))
        >>> round(float(grokjax.observables.measure_temperature(None, state)), 1)
        1.0
    """
    del key
    return jax.tree.map(lambda v: jnp.mean(v * v), state.velocity_after_noise)
