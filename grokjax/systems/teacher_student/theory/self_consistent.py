r"""Self-consistent surroundings of a neuron: a damped iteration whose solution carries derivatives."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree

from ....status import iterative_status


ROUND_OFF = 1e-9
"""A relative change below it that no longer falls is round-off; changes of solved points reach 1e-12."""


def distance(left: Any, right: Any) -> Any:
    """The largest change of a leaf, relative to its largest entry."""
    difference = lambda a, b: jnp.max(jnp.abs(a - b)) / (1e-12 + jnp.max(jnp.abs(a)))
    return jnp.max(jnp.stack(jax.tree.leaves(jax.tree.map(difference, left, right))))


def self_consistent(
    update: Callable[..., Any],
    parameters: Any,
    start: Any,
    *,
    tolerance: float,
    max_steps: int,
    damping: float = 1.0,
):
    """The fixed point of `update`, the change that its last iteration made, the iterations and the status.

    An iteration that cannot come closer for round-off is solved. Derivatives with respect to `parameters` come from the
    implicit function theorem.

    Args:
        update: `update(parameters, state, solve)`, the right-hand sides at a state; with `solve` it solves its inner
            problem, without it takes one step of gradient descent there, which has the same fixed point.
        parameters: a pytree, differentiated.
        start: first state.
        tolerance: accepted change.
        max_steps: largest number of iterations.
        damping: largest share of the new state in the next; it falls where changes grow.
    """
    frozen = jax.lax.stop_gradient(parameters)

    def iterate(_, state):
        def unfinished(carry):
            _, change, previous, iterations, _ = carry
            at_round_off = (change < ROUND_OFF) & (change >= previous)
            return (change > tolerance / 10) & ~at_round_off & (iterations < max_steps)

        def step(carry):
            state, previous, _, iterations, share = carry
            new = update(frozen, state, True)
            change = distance(new, state)
            share = jnp.where(change > previous, 0.7 * share, jnp.minimum(1.05 * share, damping))  # when it swings
            mixed = jax.tree.map(lambda a, b: share * a + (1 - share) * b, new, state)
            return mixed, change, previous, iterations + 1, share

        first = (state, jnp.asarray(jnp.inf), jnp.asarray(jnp.inf), jnp.zeros(()), jnp.asarray(float(damping)))
        state, change, _, iterations, _ = jax.lax.while_loop(unfinished, step, first)
        return state, (change, iterations)

    def residual(state):
        return jax.tree.map(jnp.subtract, update(parameters, state, False), state)

    def linear_solve(linear, right):
        flat, unravel = ravel_pytree(right)
        column = lambda unit: ravel_pytree(linear(unravel(unit)))[0]
        return unravel(jnp.linalg.solve(jax.lax.map(column, jnp.eye(flat.size)).T, flat))

    start = jax.lax.stop_gradient(start)
    state, (change, iterations) = jax.lax.custom_root(residual, start, iterate, linear_solve, has_aux=True)
    change, iterations = jax.lax.stop_gradient((change, iterations.astype(int)))
    accepted = jnp.where(iterations < max_steps, jnp.maximum(tolerance, ROUND_OFF), tolerance)
    return state, change, iterations, iterative_status(change, accepted, iterations, max_steps)
