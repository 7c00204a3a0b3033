r"""Roots: one bisection that cannot fail, one Newton's method that carries derivatives, scans that find where to begin.

A boundary is the parameter $x^*(\theta)$ at which some $F(x,\theta)$ vanishes: coexistence when two minima of an
action are level, a spinodal when the curvature of one vanishes. A scan brackets it, so that no starting guess is
needed; `bisect` narrows the bracket; `newton_root` polishes the root and carries the derivative
$dx^*/d\theta = -(\partial_x F)^{-1}\partial_\theta F$. Nothing here raises for one bad point.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int, Num, Scalar

from ..status import AbstractSolution, iterative_status


Unknowns = Float[Array, "*unknowns"]
Ends = Num[ArrayLike, "..."]
Numbers = Num[Array, "*points"]


def narrow(
    holds: Callable[[Numbers], Bool[Array, "*points"]], inside: Ends, outside: Ends, num_halvings: int = 50
) -> tuple[Numbers, Numbers]:
    """Halve intervals around the border of the region where `holds` is true; no derivative.

    Args:
        holds: a condition, elementwise, met at `inside` and not at `outside`; neither end is evaluated.
        inside: ends of the intervals within the region, above or below the others. Whole numbers stay whole.
        outside: ends beyond the region.
        num_halvings: how often; 50 exhaust 64-bit numbers of one magnitude.

    Returns:
        The narrower intervals, in the same order.

    Examples:
        >>> from grokjax import theory
        >>> inside, outside = theory.narrow(lambda n: n * n < 50, jnp.array(0), jnp.array(100))
        >>> int(inside), int(outside)
        (7, 8)
    """
    inside, outside = jax.lax.stop_gradient(jnp.broadcast_arrays(jnp.asarray(inside), jnp.asarray(outside)))
    whole = jnp.issubdtype(inside.dtype, jnp.integer)

    def halve(_, ends):
        inside, outside = ends
        middle = (inside + outside) // 2 if whole else (inside + outside) / 2
        met = holds(middle)
        return jnp.where(met, middle, inside), jnp.where(met, outside, middle)

    return jax.lax.stop_gradient(jax.lax.fori_loop(0, num_halvings, halve, (inside, outside)))


def bisect(
    holds: Callable[[Numbers], Bool[Array, "*points"]], inside: Ends, outside: Ends, num_halvings: int = 50
) -> Numbers:
    """The border of the region where `holds` is true: the middle of what `narrow` leaves.

    Examples:
        >>> from grokjax import theory
        >>> root = theory.bisect(lambda x: x**2 < 2, jnp.array(1.0), jnp.array(2.0))
        >>> round(float(root), 6)
        1.414214
    """
    inside, outside = narrow(holds, inside, outside, num_halvings)
    return (inside + outside) / 2


def first_true(mask: Bool[Array, " points"]) -> tuple[Int[Array, ""], Bool[Array, ""]]:
    """Index of the first True of a scan, 0 if there is none, and whether there is one.

    Examples:
        >>> from grokjax import theory
        >>> index, found = theory.first_true(jnp.array([False, True, True]))
        >>> int(index), bool(found)
        (1, True)
    """
    return jnp.argmax(mask), jnp.any(mask)


def last_true(mask: Bool[Array, " points"]) -> tuple[Int[Array, ""], Bool[Array, ""]]:
    """Index of the last True of a scan, the last of all if there is none, and whether there is one.

    Examples:
        >>> from grokjax import theory
        >>> index, found = theory.last_true(jnp.array([True, True, False]))
        >>> int(index), bool(found)
        (1, True)
    """
    return mask.size - 1 - jnp.argmax(mask[::-1]), jnp.any(mask)


def largest_root(
    function: Callable[[Scalar], Scalar],
    lower: Scalar | float,
    upper: Scalar | float,
    *,
    num_scan: int = 128,
    num_halvings: int = 50,
) -> tuple[Scalar, Bool[Array, ""]]:
    """The root next to `upper`, by a scan for a change of sign and bisection; no derivative.

    Args:
        function: a scalar function of one scalar.
        lower: lower end of the scan.
        upper: upper end of the scan.
        num_scan: points of the scan; two roots between neighbours are missed.
        num_halvings: halvings of the bracket.

    Returns:
        The root and whether there is a change of sign; without one the number is meaningless.

    Examples:
        >>> from grokjax import theory
        >>> root, found = theory.largest_root(lambda x: x**2 - 2, -2.0, 2.0)
        >>> round(float(root), 6), bool(found)
        (1.414214, True)
    """
    points = jnp.linspace(lower, upper, num_scan)
    signs = jnp.sign(jax.vmap(function)(points))
    index, found = last_true(signs[1:] * signs[:-1] <= 0)
    above = lambda x: jnp.sign(function(x)) == signs[index + 1]
    return bisect(above, points[index + 1], points[index], num_halvings), found


class Root(AbstractSolution):
    r"""A root of $F$.

    Attributes:
        position: $x^*$, in the shape of the start.
        residual: $|F(x^*)|$.
        iterations: evaluations of $F$.
        status: how it ended.

    Examples:
        >>> from grokjax import theory
        >>> root = theory.newton_root(lambda x: x**2 - 2, jnp.array(1.5))
        >>> round(float(root.position), 6), bool(root.converged)
        (1.414214, True)
    """

    position: Unknowns
    residual: Float[Array, ""]
    iterations: Int[Array, ""]
    status: Int[Array, ""]


def newton_root(
    function: Callable[[Unknowns], Unknowns],
    start: Unknowns,
    *,
    tolerance: float = 1e-10,
    max_steps: int = 50,
) -> Root:
    """Newton's method from a good `start`; steps that do not lower the residual are halved.

    The result can be differentiated in whatever `function` closes over; `start` gets no derivative.

    Args:
        function: as many equations as unknowns, a number or a vector, each of order one.
        start: first guess.
        tolerance: accepted norm of the equations; iterations go on to a hundredth of it.
        max_steps: largest number of evaluations.

    Examples:
        >>> from grokjax import theory
        >>> root_of = lambda a: theory.newton_root(lambda x: x**2 - a, jnp.array(1.5)).position
        >>> round(float(root_of(4.0)), 6), round(float(jax.grad(root_of)(4.0)), 6)
        (2.0, 0.25)
    """
    shape = jnp.shape(start)
    flat = lambda x: jnp.ravel(function(x.reshape(shape)))

    def iterate(equations, x):
        def step(state):
            x, value, direction, length, iterations = state
            trial = x + length * direction
            new, tangent = jax.linearize(equations, trial)  # the only copy of the equations in the program
            new_direction = -jnp.linalg.solve(jax.vmap(tangent, out_axes=1)(jnp.eye(x.size, dtype=x.dtype)), new)
            accept = (jnp.linalg.norm(new) < jnp.linalg.norm(value)) | (iterations == 0)
            chosen = jax.tree.map(
                lambda a, b: jnp.where(accept, a, b),
                (trial, new, new_direction, jnp.ones_like(length)),
                (x, value, direction, length / 2),
            )
            return *chosen, iterations + 1

        def unfinished(state):
            _, value, _, length, iterations = state
            return (jnp.linalg.norm(value) > tolerance / 100) & (iterations < max_steps) & (length > 1e-6)

        state = (x, jnp.full_like(x, jnp.inf), jnp.zeros_like(x), jnp.ones(()), jnp.asarray(0))
        x, value, _, _, iterations = jax.lax.while_loop(unfinished, step, state)
        # A derivative passes through, so the count is not an integer yet.
        return x, (iterations.astype(x.dtype), jnp.linalg.norm(value))

    linear_solve = lambda linear, y: jnp.linalg.solve(jax.jacobian(linear)(y), y)
    start = jnp.ravel(jax.lax.stop_gradient(start))
    x, aux = jax.lax.custom_root(flat, start, iterate, linear_solve, has_aux=True)
    iterations, residual = jax.lax.stop_gradient(aux)
    iterations = iterations.astype(int)
    return Root(x.reshape(shape), residual, iterations, iterative_status(residual, tolerance, iterations, max_steps))
