r"""Following a solution along a parameter, up and down: first-order lines, spinodals and hysteresis.

Where several solutions coexist, the one that is found depends on where the solver begins. Begun from its neighbour, a
solver stays on its branch up to the spinodal, and then falls to another branch or fails; on the way back it leaves
that one elsewhere. Between the two spinodals the ways differ.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Scalar

from .._checks import argument_error, check_positive, is_concrete
from ..status import AbstractSolution, describe, succeeded


class Way(AbstractSolution):
    """Solutions along an axis, each begun from its neighbour.

    Attributes:
        solution: pytree of arrays of shape (point, ...), nan where it was not solved.
        status: how each solve ended.

    Examples:
        >>> from grokjax import theory
        >>> magnet = lambda field, m: (jax.lax.fori_loop(0, 200, lambda _, m: jnp.tanh(2 * m + field), m), jnp.array(0))
        >>> way = theory.continuation(magnet, jnp.linspace(-1, 1, 21), -1.0)
        >>> round(float(way.up.solution[10]), 2), round(float(way.down.solution[10]), 2)  # without a field
        (-0.96, 0.96)
    """

    solution: Any
    status: Int[Array, "*points"]


class Continuation(eqx.Module):
    """A solution followed along an axis and back.

    Attributes:
        values: the axis.
        up: the way from the first value to the last.
        down: the way back, in the order of `values`.
        differs: where both ways were solved and did not find the same.

    Examples:
        >>> from grokjax import theory
        >>> magnet = lambda field, m: (jax.lax.fori_loop(0, 200, lambda _, m: jnp.tanh(2 * m + field), m), jnp.array(0))
        >>> way = theory.continuation(magnet, jnp.linspace(-1, 1, 21), -1.0)
        >>> way
        Continuation(21 values; up 21 solved; down 21 solved; the ways differ from -0.5 to 0.5)
    """

    values: Float[Array, " points"]
    up: Way
    down: Way
    differs: Bool[Array, " points"]

    @property
    def window(self) -> tuple[Scalar, Scalar]:
        """Smallest and largest value at which the ways differ; infinite, the wrong way round, if nowhere."""
        smallest = jnp.min(jnp.where(self.differs, self.values, jnp.inf))
        return smallest, jnp.max(jnp.where(self.differs, self.values, -jnp.inf))

    def __str__(self) -> str:
        low, high = (float(end) for end in self.window)
        where = f"from {low:.4g} to {high:.4g}" if low <= high else "nowhere"
        ways = f"up {describe(self.up.status)}; down {describe(self.down.status)}"
        return f"Continuation({self.values.size} values; {ways}; the ways differ {where})"

    __repr__ = __str__


def continuation(
    solve: Callable[[Scalar, Any], tuple[Any, Int[Array, ""]]],
    values: Any,
    start: Any,
    *,
    back: Any = None,
    tolerance: float = 1e-6,
) -> Continuation:
    """Solve along an axis and back, each point begun from the last one solved.

    Works under `jit` and `vmap`; one `lax.scan` each way.

    Args:
        solve: function of (value, guess) that returns a solution, of the structure of the guess, and its `Status`.
            A solver that falls downhill to the other branch at a spinodal shows where it jumps; Newton's method
            mostly ends the branch with its status, and may land anywhere later.
        values: the axis, increasing or decreasing.
        start: guess at the first value: a number, an array or a pytree of them.
        back: guess for the way back at the last value; the last solution of the way up unless given.
        tolerance: relative difference beyond which the two ways differ.

    Raises:
        ValueError: the values are not an axis of at least two, in order, or the tolerance is not positive.

    Examples:
        >>> from grokjax import theory
        >>> magnet = lambda field, m: (jax.lax.fori_loop(0, 200, lambda _, m: jnp.tanh(2 * m + field), m), jnp.array(0))
        >>> way = theory.continuation(magnet, jnp.linspace(-1, 1, 21), -1.0)
        >>> low, high = way.window  # spinodals are at 0.533
        >>> round(float(low), 2), round(float(high), 2)
        (-0.5, 0.5)
    """
    check_positive("tolerance", tolerance)
    values = jnp.asarray(values, float)
    steps = np.sign(np.diff(values)) if is_concrete(values) and values.ndim == 1 else None
    if values.ndim != 1 or values.size < 2 or (steps is not None and abs(steps.sum()) != steps.size):
        got = f"shape {values.shape}" if steps is None else np.asarray(values).tolist()
        raise argument_error("values", "two or more numbers in order", got, "Use jnp.linspace.")

    def step(guess, value):
        solution, status = solve(value, guess)
        found = succeeded(status)
        kept = jax.tree.map(lambda new, old: jnp.where(found, new, old), solution, guess)
        return kept, Way(jax.tree.map(lambda leaf: jnp.where(found, leaf, jnp.nan), solution), status)

    as_arrays = lambda tree: jax.tree.map(lambda leaf: jnp.asarray(leaf, float), tree)
    last, up = jax.lax.scan(step, as_arrays(start), values)
    _, down = jax.lax.scan(step, last if back is None else as_arrays(back), values, reverse=True)

    def apart(a, b):
        axes = tuple(range(1, a.ndim))
        return jnp.max(jnp.abs(a - b), axes) > tolerance * jnp.maximum(1, jnp.max(jnp.abs(a), axes))

    differs = jax.tree.reduce(jnp.logical_or, jax.tree.map(apart, up.solution, down.solution))
    return Continuation(values, up, down, differs & up.converged & down.converged)
