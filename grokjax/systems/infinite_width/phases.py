r"""Regimes, their borders, and diagrams.

| regime | displacement of a layer as m grows |
|---|---|
| linear | $RD\to0$: the network is its linearisation |
| critical | $RD=O(1)$ |
| condensed | $RD\to\infty$: neurons forget their start and gather in a few directions |

Analytic borders, where $S=0$: two layers $\gamma=\max(1, 1+\gamma')$. Three layers with $\gamma_1=0$: the first layer
$\gamma_3 = 3/2+2\max(\gamma_2,0)$, the second one $\gamma_3=\max(3-\gamma_2, 5/2)$; they cross at (1/2, 5/2), so that
there are four regimes. In operator norm the second layer condenses with the first one at $\gamma_2\le0$ already.

References:
    arXiv:2007.07497, theorem on regimes and its phase diagram; arXiv:2205.12101. The borders of three layers are derived
    here.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ..._checks import argument_error, is_concrete


PHASES = ("linear", "critical", "condensed")


def classify(exponent: Any, tolerance: Any = 1e-6) -> Int[Array, "..."]:
    """Index into `PHASES` of an exponent.

    Args:
        exponent: $S$.
        tolerance: what counts as zero; for a measured exponent twice its error, and more at small widths.
    """
    exponent = jnp.asarray(exponent, float)
    return jnp.where(exponent < -tolerance, 0, jnp.where(exponent > tolerance, 2, 1))


def names_of(exponent: Any, tolerance: Any = 1e-6) -> Any:
    """The regime's name, or an array of names."""
    if not is_concrete(exponent):
        raise argument_error("exponent", "concrete", "a traced value", "Use `classify` under jit.")
    names = np.asarray(PHASES)[np.asarray(classify(exponent, tolerance))]
    return str(names) if names.ndim == 0 else names


def two_layer_border(gamma_prime: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""$\gamma$ at which the input weights are critical."""
    return jnp.maximum(1.0, 1.0 + jnp.asarray(gamma_prime, float))


def first_layer_border(gamma_2: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""$\gamma_3$ at which the first of three layers is critical ($\gamma_1=0$)."""
    return 1.5 + 2 * jnp.maximum(jnp.asarray(gamma_2, float), 0.0)


def second_layer_border(gamma_2: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""$\gamma_3$ at which the second of three layers is critical in Frobenius norm ($\gamma_1=0$)."""
    return jnp.maximum(3.0 - jnp.asarray(gamma_2, float), 2.5)


def zero_crossing(coordinate: Any, exponent: Any) -> float:
    """Where a measured exponent changes sign, by linear interpolation; NaN where it does not.

    Args:
        coordinate: increasing, shape (n,).
        exponent: $S$ there; entries that are not finite are left out.
    """
    x, s = np.asarray(coordinate, float), np.asarray(exponent, float)
    x, s = x[np.isfinite(s)], s[np.isfinite(s)]
    change = np.flatnonzero((s[:-1] < 0) & (s[1:] >= 0))
    if not change.size:
        return float("nan")
    i = change[0]
    return float(x[i] - s[i] * (x[i + 1] - x[i]) / (s[i + 1] - s[i]))
