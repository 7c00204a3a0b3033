r"""The squared error of a two-layer erf network and its gradient, in plain JAX: what the fused kernels must equal.

$$ S = \sum_s r_s^2,\quad r_s = \sum_i a_i\,\mathrm{erf}(z_{is}) - y_s,\quad z = W X^T, \qquad
   \frac{\partial S}{\partial a_i} = 2\sum_s r_s\,\mathrm{erf}(z_{is}),\quad
   \frac{\partial S}{\partial w_i} = 2 a_i\sum_s r_s\,\mathrm{erf}'(z_{is})\,x_s . $$
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar


TWO_OVER_SQRT_PI = 2 / math.sqrt(math.pi)


def squared_error(
    W: Float[Array, "units dim"], a: Float[Array, " units"], X: Float[Array, "samples dim"], y: Float[Array, " samples"]
) -> Scalar:
    """$S$ of one member."""
    residual = a @ jax.lax.erf(W @ X.T) - y
    return jnp.sum(residual * residual)


def energy_and_gradient(W: Any, a: Any, X: Any, y: Any) -> tuple[Scalar, Array, Array]:
    """$S$ and its gradients by $W$ and $a$, by autodiff."""
    value, (by_read_in, by_read_out) = jax.value_and_grad(squared_error, argnums=(0, 1))(W, a, X, y)
    return value, by_read_in, by_read_out


def erf_and_slope(z: Array) -> tuple[Array, Array]:
    """erf and its derivative from one exponential; inside of kernels there is no erf.

    References:
        Abramowitz & Stegun 7.1.26, whose error is below 2e-7.
    """
    exponential = jnp.exp(-z * z)
    t = 1 / (1 + 0.3275911 * jnp.abs(z))
    series = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))))
    tail = 1 - series * exponential
    return jnp.where(z < 0, -tail, tail), TWO_OVER_SQRT_PI * exponential
