r"""Data as arrays: what the networks are asked to learn.

Probabilists' Hermite polynomials are orthogonal under N(0, 1), $E[He_j He_k] = k!\,\delta_{jk}$, so a target
$\sum_k c_k He_k(w^*\cdot x)$ has components of increasing difficulty: a kernel needs about $d^k$ samples for degree k.
"""

from collections.abc import Mapping

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ._tree import standard_normal


class Data(eqx.Module):
    """Inputs, one row per sample, and targets, one row per output.

    Examples:
        >>> data = grokjax.Data(inputs=jnp.zeros((20, 3)), targets=jnp.ones((1, 20)))  # 20 samples, one output
        >>> data.inputs.shape, data.targets.shape
        ((20, 3), (1, 20))
    """

    inputs: Float[Array, "samples ..."]
    targets: Float[Array, "outputs samples"]


def hermite(degree: int, z: Float[Array, "..."]) -> Float[Array, "..."]:
    r"""$He_k(z)$ by the recursion $He_{k+1} = z\,He_k - k\,He_{k-1}$; $He_3 = z^3-3z$.

    Examples:
        >>> from grokjax import tasks
        >>> tasks.hermite(3, jnp.array([1.0, 2.0, 3.0])).tolist()  # z**3 - 3 z
        [-2.0, 2.0, 18.0]
    """
    previous, current = jnp.zeros_like(z), jnp.ones_like(z)
    for k in range(degree):
        previous, current = current, z * current - k * previous
    return current


def unit_vector(key: Key[Array, ""], dimension: int, dtype: jnp.dtype | type = jnp.float32) -> Float[Array, " inputs"]:
    """A uniformly random direction.

    Examples:
        >>> from grokjax import tasks
        >>> float(jnp.round(jnp.linalg.norm(tasks.unit_vector(jax.random.key(0), 5)), 4))
        1.0
    """
    vector = jax.random.normal(key, (dimension,), dtype)
    return vector / jnp.linalg.norm(vector)


def single_index(
    key: Key[Array, ""],
    direction: Float[Array, " inputs"],
    teacher: Mapping[int, Float[Array, ""]],
    num_samples: int,
) -> Data:
    r"""Gaussian inputs with a Hermite single-index target, $y=\sum_k c_k He_k(w^*\cdot x)$, without noise.

    Args:
        key: random key.
        direction: $w^*$, a unit vector; its dtype is that of the data.
        teacher: $\{k: c_k\}$.
        num_samples: number of rows.

    Examples:
        >>> from grokjax import tasks
        >>> teacher = {1: jnp.array(1.0), 3: jnp.array(-0.1)}
        >>> data = tasks.single_index(jax.random.key(0), jnp.array([1.0, 0.0, 0.0]), teacher, num_samples=20)
        >>> z = data.inputs[:, 0]  # nothing else is seen of an input
        >>> bool(jnp.allclose(data.targets[0], z - 0.1 * (z**3 - 3 * z), atol=1e-5))
        True
    """
    inputs = standard_normal(key, (num_samples, len(direction)), direction.dtype)
    overlap = inputs @ direction
    targets = sum(
        (c.astype(direction.dtype) * hermite(k, overlap) for k, c in teacher.items()), start=jnp.zeros_like(overlap)
    )
    return Data(inputs, targets[None])
