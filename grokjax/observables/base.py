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
    """`init` and `update` run inside the compiled chunk, on one member; `merge` and `finalise` on the host, on all."""

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


def measure_energy(key, state):
    """The energy of the state."""
    del key
    return state.energy


def measure_virial(key, state):
    r"""$\sum_i\theta_i\,\partial_i U/\dim$ for each array of the position; 1 in equilibrium (equipartition)."""
    del key
    return jax.tree.map(lambda x, g: jnp.mean(x * g), state.position, state.gradient)


def measure_temperature(key, state):
    """Mean squared velocity of each array of the position, right after the noise; 1 in equilibrium."""
    del key
    return jax.tree.map(lambda v: jnp.mean(v * v), state.velocity_after_noise)
