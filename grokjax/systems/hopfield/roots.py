"""Roots: a coarse location by bracketing on a grid, then Newton's method with implicit derivatives.

Every boundary of this system is a root of a small system of equations. Bracketing finds the branch that is meant;
Newton's method finishes it to machine precision, and the implicit function theorem gives its derivative with respect
to temperature, load and prior. Nothing here raises for one bad point: the result says how it went.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import optimistix as optx
from jaxtyping import Array, Bool, Float, Int


TOLERANCE = 1e-11
ACCEPTED = 1e-7
MAX_STEPS = 30
BATCH_SIZE = 8


class Root(eqx.Module):
    """A root and how it was found.

    Attributes:
        value: the root, where `converged`.
        converged: whether Newton's method stopped with a small residual.
        iterations: Newton steps.
        residual: largest absolute residual at `value`.
    """

    value: Array
    converged: Bool[Array, ""]
    iterations: Int[Array, ""]
    residual: Float[Array, ""]


def polish(residual: Callable[[Array, Any], Array], start: Array, args: Any) -> Root:
    """Newton's method from a start near a root; differentiable in `args`.

    Args:
        residual: function of (unknowns, args), of the shape of the unknowns.
        start: a nearby point, held fixed under differentiation.
        args: everything the residual depends on; derivatives flow through here.
    """
    start = jax.lax.stop_gradient(start)
    solver = optx.Newton(rtol=TOLERANCE, atol=TOLERANCE)
    solution = optx.root_find(residual, solver, start, args, max_steps=MAX_STEPS, throw=False)
    left = jnp.max(jnp.abs(jax.lax.stop_gradient(residual(solution.value, args))))
    small = jnp.isfinite(left) & (left < ACCEPTED)
    return Root(solution.value, small & (solution.result == optx.RESULTS.successful), solution.stats["num_steps"], left)


def bisect(is_above: Callable[[Array], Array], below: Array, above: Array, num_steps: int) -> Array:
    """Halve the interval between a point below a root and one above it; both may be arrays of intervals."""

    def halve(_, ends):
        below, above = ends
        middle = (below + above) / 2
        right = is_above(middle)
        return jnp.where(right, below, middle), jnp.where(right, middle, above)

    below, above = jax.lax.fori_loop(0, num_steps, halve, (below, above))
    return (below + above) / 2


def first_true(mask: Bool[Array, " points"]) -> tuple[Int[Array, ""], Bool[Array, ""]]:
    """Index of the first True, and whether there is one."""
    return jnp.argmax(mask), jnp.any(mask)


def in_batches(function: Callable[..., Any], points: Any) -> Any:
    """`function` of one point, or of each point of an axis: a few at a time, so that the work stays in cache."""
    if jax.tree.leaves(points)[0].ndim == 0:
        return function(points)
    return jax.lax.map(function, points, batch_size=BATCH_SIZE)
