r"""All minima of a one-variable action, and the mixture of Gaussians that they make.

$$ p(q)\propto e^{-S(q)} \approx \sum_i \pi_i\,\mathcal N(q;\,q_i,\,1/S''(q_i)),\qquad
   \pi_i \propto \frac{e^{-S(q_i)}}{\sqrt{S''(q_i)}} . $$

The mixture becomes exact as the minima sharpen. Their number is not known in advance, so results are padded to a fixed
size and the search can be vmapped.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Scalar

from ..status import AbstractSolution, Status, choose_status
from .roots import bisect


class SaddlePoints(AbstractSolution):
    """Minima of an action, deepest first; padding is nan with weight 0.

    Attributes:
        position: where the minima are.
        gap: action above the deepest minimum.
        width: Gaussian standard deviation, one over the root of the curvature.
        weight: share of the Gaussian mixture.
        exists: False on padding.
        status: whether there is a minimum at all.

    Examples:
        >>> from grokjax import theory
        >>> wells = theory.saddle_points(lambda q: (q**2 - 1) ** 2, -2.0, 2.0)
        >>> jnp.round(wells.weight, 4).tolist(), int(wells.exists.sum())
        ([0.5, 0.5, 0.0, 0.0, 0.0, 0.0], 2)
    """

    position: Float[Array, " points"]
    gap: Float[Array, " points"]
    width: Float[Array, " points"]
    weight: Float[Array, " points"]
    exists: Bool[Array, " points"]
    status: Int[Array, ""]


def saddle_points(
    action: Callable[[Scalar], Scalar],
    lower: Scalar | float,
    upper: Scalar | float,
    *,
    num_grid: int = 513,
    max_points: int = 6,
) -> SaddlePoints:
    """Every local minimum that a grid can tell apart, refined to machine precision.

    Positions, gaps, widths and weights carry first derivatives in whatever `action` closes over.

    Args:
        action: a smooth function of one number.
        lower: left end of the search; a minimum at an end is not one.
        upper: right end of the search.
        num_grid: points of the search grid; an odd number on a symmetric interval includes its centre.
        max_points: how many minima to keep.

    Examples:
        >>> from grokjax import theory
        >>> wells = theory.saddle_points(lambda q: (q**2 - 1) ** 2, -2.0, 2.0)
        >>> jnp.round(jnp.abs(wells.position[:2]), 4).tolist()
        [1.0, 1.0]
    """
    grid = jnp.linspace(lower, upper, num_grid)
    values = jax.lax.stop_gradient(jax.vmap(action)(grid))
    inner = values[1:-1]
    is_minimum = (inner < values[:-2]) & (inner <= values[2:])
    depth, index = jax.lax.top_k(jnp.where(is_minimum, -inner, -jnp.inf), max_points)
    exists = depth > -jnp.inf
    slope, curvature = jax.grad(action), jax.grad(jax.grad(action))

    def refine(index):
        frozen = bisect(lambda q: slope(q) > 0, grid[index + 2], grid[index])
        return frozen - slope(frozen) / curvature(frozen)

    position = jax.vmap(refine)(index)
    level = jax.vmap(action)(position)
    width = jax.vmap(curvature)(position) ** -0.5
    log_weight = jnp.where(exists, jnp.log(width) - level, -jnp.inf)
    padded = lambda values: jnp.where(exists, values, jnp.nan)
    lowest = jnp.min(jnp.where(exists, level, jnp.inf))
    status = choose_status(
        (jnp.isnan(values).any(), Status.NOT_FINITE), (~exists.any(), Status.NO_SOLUTION), otherwise=Status.SOLVED
    )
    weight = jax.nn.softmax(log_weight)
    return SaddlePoints(padded(position), padded(level - lowest), padded(width), weight, exists, status)
