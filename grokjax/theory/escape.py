r"""How long a stochastic dynamics takes to leave a well: exactly in one dimension, and by Langer's rate in any.

At temperature one, overdamped ($\dot x=-\nabla V+\sqrt2\,\xi$), the mean first-passage time from $a$ up to $c$ is

$$ \tau = \int_a^c dy\,e^{V(y)}\int_{-\infty}^y dx\,e^{-V(x)} . $$

Over a saddle of the energy $U$ in any number of dimensions, with $\lambda_-<0$ the unstable curvature there,

$$ k = \frac{\kappa}{2\pi}\sqrt{\frac{\det U''_{\rm well}}{|\det U''_{\rm saddle}|}}\,
       e^{-(U_{\rm saddle}-U_{\rm well})},
   \qquad \kappa = |\lambda_-| ,\qquad \kappa = \sqrt{g^2/4+|\lambda_-|}-g/2 , $$

the second one for unit masses and a friction $g$ (not in the turnover, $g$ of order one and below). In one dimension
these are Eyring's and Kramers' rates.

References:
    Haenggi, Talkner & Borkovec, Rev. Mod. Phys. 62, 251 (1990), equations (4.56), (7.4).
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from .._checks import argument_error, check_double, check_positive, is_concrete


NUM_NODES = 60_001


def mean_passage_time(
    potential: Callable[[Float[Array, " nodes"]], Float[Array, " nodes"]],
    start: Any,
    end: Any,
    lowest: Any,
    num_nodes: int = NUM_NODES,
) -> Scalar:
    r"""$\tau$ of overdamped dynamics at temperature one, by the trapezoidal rule.

    Args:
        potential: $V$, elementwise.
        start: $a$.
        end: $c>a$.
        lowest: where $e^{-V}$ is negligible, below $a$.
        num_nodes: of the quadrature.

    Raises:
        ValueError: 64-bit floats are off, or the points are not in order.

    Examples:
        >>> from grokjax import theory
        >>> slide = theory.mean_passage_time(lambda x: -2 * x, start=0.0, end=3.0, lowest=-30.0)
        >>> round(float(slide), 3)  # distance over drift
        1.5
    """
    check_double("theory", jnp.asarray(end, float))
    if all(is_concrete(x) for x in (start, end, lowest)) and not lowest < start < end:
        raise argument_error("end", "above start, and start above lowest", (lowest, start, end), "It climbs upwards.")
    y = jnp.linspace(lowest, end, num_nodes)
    v = potential(y)
    bottom = jnp.min(v)
    step = y[1] - y[0]
    trapezoids = lambda values: (values[1:] + values[:-1]) / 2 * step
    below = jnp.concatenate([jnp.zeros(1), jnp.cumsum(trapezoids(jnp.exp(bottom - v)))])
    climb = jnp.where(y > start - 2 * step, v, bottom)  # far below the start the potential may overflow
    upward = trapezoids(jnp.exp(climb - bottom) * below)
    return upward @ jnp.clip((y[1:] - start) / step, 0, 1)


def langer_rate(
    energy: Callable[[Array], Scalar],
    well: Float[Array, "*position"],
    saddle: Float[Array, "*position"],
    friction: float | None = None,
) -> Scalar:
    """Escapes per unit time over one saddle; overdamped, or with unit masses and a friction.

    Args:
        energy: $U$ of a number or a vector, at temperature one.
        well: its minimum.
        saddle: its saddle point, with one unstable direction.
        friction: $g$; overdamped unless given.

    Examples:
        >>> from grokjax import theory
        >>> wells = lambda x: 20 * (x**2 - 1) ** 2
        >>> rate = theory.langer_rate(wells, jnp.array(-1.0), jnp.array(0.0))
        >>> time = theory.mean_passage_time(wells, start=-1.0, end=1.0, lowest=-2.0)
        >>> round(float(rate * time), 1)  # a high barrier
        1.0
    """
    if friction is not None:
        check_positive("friction", friction)
    curvature = lambda x: jnp.linalg.eigvalsh(jnp.atleast_2d(jax.hessian(energy)(x)))
    stable, unstable = curvature(well), curvature(saddle)
    softest = -unstable[0]
    growth = softest if friction is None else jnp.sqrt(friction**2 / 4 + softest) - friction / 2
    volumes = jnp.sqrt(jnp.prod(stable) / jnp.abs(jnp.prod(unstable)))
    return growth / (2 * jnp.pi) * volumes * jnp.exp(energy(well) - energy(saddle))
