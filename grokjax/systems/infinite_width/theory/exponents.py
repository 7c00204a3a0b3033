r"""The exponents in closed form: one table for two layers, one for three with equal read-out and hidden scales.

Two layers, input weights, $|e(0)|=O(1)$:

| region | $S$ | what happens |
|---|---|---|
| $\gamma\le1$, $\gamma'\le0$ | $\gamma-1$ | kernel regime, input weights dominate the kernel |
| $\gamma\le1$, $\gamma'>0$ | $\gamma-1-2\gamma'$ | kernel regime, the read-out dominates |
| $\gamma>1$, $\gamma'\ge\gamma-1$ | $2(\gamma-1-\gamma')$ | random features: the read-out grows, input weights follow |
| $\gamma>1$, $1-\gamma\le\gamma'\le\gamma-1$ | $(\gamma-1-\gamma')/2$ | both grow |
| $\gamma>1$, $\gamma'\le1-\gamma$ | $\gamma-1$ | only the input weights grow |

In the last region the read-out keeps its signs, which restricts what a few directions can fit; there the measured
exponent depends on the data.

Three layers, $\gamma_1=0$:

| region | first layer | second layer (Frobenius) |
|---|---|---|
| $\gamma_3\le3/2$ | $\gamma_3-3/2-2\max(\gamma_2,0)$ | $\gamma_3-2+2\min(\gamma_2,0)$ |
| $\gamma_2\ge0$, $3/2<\gamma_3\le3/2+2\gamma_2$ | $\gamma_3-3/2-2\gamma_2$ | $\gamma_3/2-5/4$ |
| $\gamma_2\le0$, $3/2<\gamma_3\le3/2-\gamma_2$ | $\gamma_3-3/2$ | $2(\gamma_2+\gamma_3)-7/2$ |
| otherwise | $(\gamma_3-2\gamma_2-3/2)/3$ | $(\gamma_2+\gamma_3)/3-1$ |

References:
    arXiv:2007.07497, theorem 1, states the sign of S for two layers; the values are derived here, and both tables are
    the norm budget of `budget` written out.
"""

import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Real


def two_layer_exponents(gamma: Real[ArrayLike, "..."], gamma_prime: Real[ArrayLike, "..."]) -> Float[Array, "..."]:
    r"""$S$ of the input weights.

    Args:
        gamma: $\gamma$.
        gamma_prime: $\gamma'$; both broadcast.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> iw.two_layer_exponents(jnp.array([0.5, 1.0, 1.75]), 0.0).tolist()
        [-0.5, 0.0, 0.375]
    """
    g, p = jnp.broadcast_arrays(jnp.asarray(gamma, float), jnp.asarray(gamma_prime, float))
    return jnp.select(
        [(g <= 1) & (p <= 0), g <= 1, p >= g - 1, p >= 1 - g],
        [g - 1, g - 1 - 2 * p, 2 * (g - 1 - p), (g - 1 - p) / 2],
        g - 1,
    )


def three_layer_exponents(gamma_2: Real[ArrayLike, "..."], gamma_3: Real[ArrayLike, "..."]) -> dict[str, Array]:
    r"""$S$ of both layers for $\gamma_1=0$.

    Args:
        gamma_2: $\gamma_2$.
        gamma_3: $\gamma_3$; both broadcast.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> {layer: float(s) for layer, s in iw.three_layer_exponents(0.0, 1.5).items()}
        {'layer1': 0.0, 'layer2': -0.5}
    """
    g2, g3 = jnp.broadcast_arrays(jnp.asarray(gamma_2, float), jnp.asarray(gamma_3, float))
    regions = [g3 <= 1.5, (g2 >= 0) & (g3 <= 1.5 + 2 * g2), (g2 <= 0) & (g3 <= 1.5 - g2)]
    first = [g3 - 1.5 - 2 * jnp.maximum(g2, 0), g3 - 1.5 - 2 * g2, g3 - 1.5]
    second = [g3 - 2 + 2 * jnp.minimum(g2, 0), g3 / 2 - 1.25, 2 * (g2 + g3) - 3.5]
    return {
        "layer1": jnp.select(regions, first, (g3 - 2 * g2 - 1.5) / 3),
        "layer2": jnp.select(regions, second, (g2 + g3) / 3 - 1),
    }
