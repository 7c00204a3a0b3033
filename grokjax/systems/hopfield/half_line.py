"""A Gaussian cut to the positive half-line: the law of rectified units, safe in both tails."""

import functools
import math

import jax
import jax.numpy as jnp
from jax.scipy.special import log_ndtr, ndtr, ndtri
from jaxtyping import Array, Float, Key

from ..._tree import drawn_flat


Field = Float[Array, "*units"]


def half_line_moments(t: Field) -> tuple[Field, Field]:
    r"""Mean and variance of $N(t,1)$ cut to the positive half-line: $t+\kappa$ and $1-t\kappa-\kappa^2$.

    $\kappa=\varphi(t)/\Phi_N(t)$; an expansion takes over below $t=-30$, where these differences cancel.
    """
    near, u = jnp.maximum(t, -30.0), jnp.maximum(-t, 30.0)
    kappa = jnp.exp(-near * near / 2 - math.log(2 * math.pi) / 2 - log_ndtr(near))
    mean = jnp.where(t < -30, 1 / u - 2 / u**3 + 10 / u**5, near + kappa)
    variance = jnp.where(t < -30, 1 / u**2 - 6 / u**4 + 50 / u**6, 1 - near * kappa - kappa * kappa)
    return jnp.where(t > -30, mean + (t - near), mean), variance


def sample_half_line(key: Key[Array, ""], t: Field) -> Field:
    r"""A draw from $N(t,1)$ cut to the positive half-line, accurate in the far tail also in single precision.

    The inverse of the distribution function where it can be formed; in the tail, $t<-4$, its logarithm is inverted by
    Newton's method from the Rayleigh tail $\sqrt{t^2-2\ln u}$.
    """
    uniform = functools.partial(jax.random.uniform, minval=jnp.finfo(t.dtype).eps / 4)
    u = drawn_flat(uniform, key, t.shape, t.dtype)
    body = t - ndtri(u * ndtr(jnp.maximum(t, -4.0)))
    depth = jnp.maximum(-t, 4.0)
    target = jnp.log(u) + log_ndtr(-depth)
    z = jnp.sqrt(depth * depth - 2 * jnp.log(u))
    for _ in range(2):
        log_tail = log_ndtr(-z)
        z = z + (log_tail - target) * jnp.exp(log_tail + z * z / 2 + math.log(2 * math.pi) / 2)
    return jnp.maximum(jnp.where(t < -4, z - depth, body), 0)
