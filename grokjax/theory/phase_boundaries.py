r"""Where a phase ends: roots of a few equations, found safely and differentiated implicitly.

A boundary is the parameter $x^*(\theta)$ at which some $F(x,\theta)$ vanishes: coexistence when two minima of an
action are level, a spinodal when the curvature of one vanishes. `largest_root` brackets it by a scan, so that no
starting guess is needed; `newton_root` polishes it and carries the derivative
$dx^*/d\theta = -(\partial_x F)^{-1}\partial_\theta F$.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Scalar


class Root(eqx.Module):
    r"""A root of $F$.

    Attributes:
        position: $x^*$.
        residual: $|F(x^*)|$.
        iterations: Newton steps.
        converged: whether the residual fell below the tolerance.
    """

    position: Float[Array, " unknowns"]
    residual: Float[Array, ""]
    iterations: Int[Array, ""]
    converged: Bool[Array, ""]


def newton_root(
    function: Callable[[Float[Array, " unknowns"]], Float[Array, " unknowns"]],
    start: Float[Array, " unknowns"],
    *,
    tolerance: float = 1e-10,
    max_steps: int = 50,
) -> Root:
    """Newton's method from a good `start`; steps that do not lower the residual are halved.

    The result can be differentiated in whatever `function` closes over; `start` gets no derivative.

    Args:
        function: as many equations as unknowns, each of order one.
        start: first guess.
        tolerance: accepted norm of the equations.
        max_steps: largest number of evaluations.
    """

    def iterate(equations, x):
        def step(state):
            x, value, direction, length, iterations = state
            trial = x + length * direction
            new = equations(trial)
            accept = jnp.linalg.norm(new) < jnp.linalg.norm(value)
            new_direction = -jnp.linalg.solve(jax.jacfwd(equations)(trial), new)
            chosen = jax.tree.map(
                lambda a, b: jnp.where(accept, a, b),
                (trial, new, new_direction, jnp.ones_like(length)),
                (x, value, direction, length / 2),
            )
            return *chosen, iterations + 1

        def unfinished(state):
            _, value, _, length, iterations = state
            return (jnp.linalg.norm(value) > tolerance / 100) & (iterations < max_steps) & (length > 1e-6)

        value = equations(x)
        direction = -jnp.linalg.solve(jax.jacfwd(equations)(x), value)
        state = (x, value, direction, jnp.ones(()), jnp.asarray(1))
        x, _, _, _, iterations = jax.lax.while_loop(unfinished, step, state)
        return x, iterations.astype(x.dtype)  # a derivative passes through, so not an integer yet

    linear_solve = lambda linear, y: jnp.linalg.solve(jax.jacobian(linear)(y), y)
    wrapped = lambda x: function(x)
    x, iterations = jax.lax.custom_root(wrapped, jax.lax.stop_gradient(start), iterate, linear_solve, has_aux=True)
    residual = jax.lax.stop_gradient(jnp.linalg.norm(function(x)))
    return Root(x, residual, jax.lax.stop_gradient(iterations).astype(int), residual <= tolerance)


def largest_root(
    function: Callable[[Scalar], Scalar],
    lower: Scalar | float,
    upper: Scalar | float,
    *,
    num_scan: int = 128,
    num_bisections: int = 50,
) -> tuple[Scalar, Bool[Array, ""]]:
    """The root next to `upper`, by a scan for a change of sign and bisection; no derivative.

    Args:
        function: a scalar function of one scalar.
        lower: lower end of the scan.
        upper: upper end of the scan.
        num_scan: points of the scan; two roots between neighbours are missed.
        num_bisections: halvings of the bracket.

    Returns:
        The root and whether there is a change of sign; without one the number is meaningless.
    """
    points = jnp.linspace(lower, upper, num_scan)
    signs = jnp.sign(jax.vmap(function)(points))
    changes = signs[1:] * signs[:-1] <= 0
    index = num_scan - 2 - jnp.argmax(changes[::-1])
    upper_sign = signs[index + 1]

    def halve(_, bracket):
        low, high = bracket
        middle = (low + high) / 2
        same = jnp.sign(function(middle)) == upper_sign
        return jnp.where(same, low, middle), jnp.where(same, middle, high)

    low, high = jax.lax.fori_loop(0, num_bisections, halve, (points[index], points[index + 1]))
    return (low + high) / 2, jnp.any(changes)
