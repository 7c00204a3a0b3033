r"""Do neurons gather? Orientations and contributions of first-layer neurons, and the rank of hidden matrices.

In one dimension a neuron $a\,\sigma(wx+b)$ has the orientation $\phi=\mathrm{atan2}(b, w)$; in more, the angle between
its input weights and $(1,\dots,1)$ stands for it. It contributes $A=a\|w\|$. If contributions sit in a few
orientations, the wide network acts like a narrow one: $N_{\rm eff}$ is the exponential of the entropy of the
$|A|$-weighted histogram of orientations on 90 bins.

References:
    arXiv:2007.07497, figure 2 (orientation against amplitude).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .network import READOUT, Blocks, FlowProblem


BINS = 90


def orientations(weights: Float[Array, "units augmented"]) -> Float[Array, " units"]:
    r"""$\phi$ in radians: in $(-\pi,\pi]$ for one-dimensional data, else in $[0,\pi]$."""
    if weights.shape[1] == 2:
        return jnp.arctan2(weights[:, 1], weights[:, 0])
    along = weights.sum(axis=1) / jnp.sqrt(weights.shape[1])
    return jnp.arccos(jnp.clip(along / jnp.linalg.norm(weights, axis=1), -1, 1))


def neurons(problem: FlowProblem, displacement: Blocks) -> tuple[Array, Array]:
    r"""$\phi$ and $A$ of the first layer's neurons; deeper networks have no read-out at them, and $A=\|w\|$.

    Args:
        problem: of one member.
        displacement: of its blocks.
    """
    first = problem.layers[0]
    weights = problem.weights[first] + displacement[first]
    contribution = jnp.linalg.norm(weights, axis=1)
    if len(problem.layers) == 1:
        contribution = contribution * (problem.weights[READOUT] + displacement[READOUT])
    return orientations(weights), contribution


def shares(
    orientation: Float[Array, " units"], contribution: Float[Array, " units"], one_dimension: bool
) -> Float[Array, " bins"]:
    """The share of each bin of orientations in all contributions.

    Args:
        orientation: in radians.
        contribution: $A$.
        one_dimension: whether orientations go all around the circle.
    """
    low, span = (-jnp.pi, 2 * jnp.pi) if one_dimension else (0.0, jnp.pi)
    index = jnp.clip(((orientation - low) / span * BINS).astype(jnp.int32), 0, BINS - 1)
    weight = jax.ops.segment_sum(jnp.abs(contribution), index, BINS)
    return weight / weight.sum()


def effective_number(share: Float[Array, " bins"]) -> Float[Array, ""]:
    """Exponential of the entropy: how many bins would do if they were equally full."""
    return jnp.exp(-jnp.sum(jnp.where(share > 0, share * jnp.log(jnp.where(share > 0, share, 1)), 0)))


def operator_norm(matrix: Float[Array, "rows columns"], num_iterations: int = 60) -> Float[Array, ""]:
    """The largest singular value by power iteration, from a fixed vector.

    Args:
        matrix: any.
        num_iterations: random matrices have many values near the largest one, which 60 rounds find to 1 %.
    """
    start = jnp.cos(jnp.arange(matrix.shape[1], dtype=matrix.dtype) ** 2)

    def multiply(_, vector):
        new = matrix.T @ (matrix @ (vector / jnp.linalg.norm(vector)))
        return jnp.where(jnp.sum(new**2) > 0, new, start)

    vector = jax.lax.fori_loop(0, num_iterations, multiply, start)
    return jnp.linalg.norm(matrix @ (vector / jnp.linalg.norm(vector)))
