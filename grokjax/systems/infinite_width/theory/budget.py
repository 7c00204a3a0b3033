r"""The norm budget: how the growth that fitting needs is shared among the layers, at any depth.

Gradient flow conserves the differences of the squared norms of all blocks, so every block receives the same budget
$D$. Up to a depth-dependent threshold the network fits the data near its start (kernel regime). Beyond it the product
of norms at the start is too small, and D follows from

$$ \prod_l \max(\|W_l(0)\|^2, D) = \alpha^2 . $$

In powers of the width m, with the read-out's standard deviation as unit: $\|a\|^2\sim m^{l_A}$, operator norms of
hidden matrices $\sim m^{l_\Omega}$ and their Frobenius norms $m^{l_F}$ (squared), $\|W_1\|^2\sim m^{l_H}$ with

$$ l_A = 1,\quad l_\Omega = 1+2s,\quad l_F = 2+2s,\quad l_H = 1+2s_1,\quad \log_m\alpha = \gamma_L + \sum_l s_l . $$

A block that stays near its start moves by $D/\|W(0)\|$, one that outgrows it by $\sqrt D$. Updates of a hidden matrix
have a rank that does not grow with the width, so its budget counts in operator norm and its displacement is compared
with the Frobenius norm.

References:
    arXiv:2007.07497 (two layers: the sign of S) and arXiv:2205.12101; the exponents themselves are derived here.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..order_parameters import OrderParameters
from ..system import AbstractNetwork


@eqx.filter_jit
def budget_exponents(network: AbstractNetwork) -> OrderParameters:
    """Exponents of the displacement of every layer.

    Args:
        network: of any depth; coordinates may be arrays that broadcast.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> from grokjax.systems.infinite_width.theory import budget_exponents
        >>> found = budget_exponents(iw.TwoLayer(gamma=1.75))
        >>> float(found.exponent["input"]), float(found.readout_exponent)  # all blocks share one budget
        (0.375, 0.375)
    """
    scales = network.scales
    arrays = jnp.broadcast_arrays(jnp.asarray(scales.output, float), *scales.blocks)
    gamma, first, hidden = arrays[0], arrays[1], arrays[2:]
    starts = [1 + 2 * first, *(1 + 2 * s for s in hidden), jnp.ones_like(gamma)]  # l_H, l_Omega, ..., l_A
    norms = [1 + 2 * first, *(2 + 2 * s for s in hidden), jnp.ones_like(gamma)]  # with l_F instead of l_Omega
    moved = _displacements(gamma, jnp.stack(starts), gamma + first + sum(hidden, jnp.zeros_like(gamma)))
    if not network.centred:  # the error at the start is then the output itself
        excess = jnp.maximum((scales.depth - 1) / 2 - gamma, 0.0)
        moved = moved + excess[None]
    exponents = [s - norm / 2 for s, norm in zip(moved, norms, strict=True)]
    operator = [s - start / 2 for s, start in zip(moved, starts, strict=True)]
    return OrderParameters(
        dict(zip(network.layers, exponents[:-1], strict=True)),
        dict(zip(network.layers[1:], operator[1:-1], strict=True)),
        exponents[-1],
    )


def _displacements(gamma: Array, starts: Float[Array, "blocks ..."], divisor: Array) -> Float[Array, "blocks ..."]:
    r"""$\log_m\|\Delta W_l\|$ of every block; `divisor` is $\log_m\alpha$."""
    depth = len(starts)
    lazy = (gamma - depth / 2 + starts.min(axis=0))[None] - starts / 2
    growth = common_growth(starts, divisor)[None]
    grown = jnp.where(growth > starts, growth / 2, growth - starts / 2)
    return jnp.where(gamma[None] <= depth / 2, lazy, grown)


def common_growth(starts: Float[Array, "blocks ..."], divisor: Array) -> Array:
    r"""The root $\delta$ of $\frac12\sum_l\max(l_l, \delta) = \log_m\alpha$, the budget as a power of the width.

    The left side is the largest of $k\delta/2$ plus half the sum of the other starts, over all choices of k growing
    blocks; so $\delta$ is the smallest of the roots of these lines, and no iteration is needed.

    Args:
        starts: $l_l$, squared norms at the start.
        divisor: $\log_m\alpha$; above half the sum of all starts.
    """
    falling = -jnp.sort(-starts, axis=0)
    largest = jnp.cumsum(falling, axis=0) - falling  # sum of the 0, 1, ... largest starts
    growing = jnp.arange(len(starts), 0, -1).reshape(-1, *(1,) * divisor.ndim)
    return jnp.min((2 * divisor[None] - largest) / growing, axis=0)
