r"""Two-scale bit extraction of second order: the digits bend a line, and the rate reaches 4 for r = 2.

In units of $s_2 = 2\max|Y_{j+1} - 2Y_j + Y_{j-1}|$ the correction on a cell is a piecewise linear walk of the slope,

$$ D/s_2 = A_0\tau_0 + \sum_{i=1}^M e_i\tau_{i-1},\qquad e_i = \pm1,\quad \tau_{i-1} = \mathrm{relu}(\tau_0 - (i-1)) ,
$$

and a digit times a ramp is exact: $\mathrm{relu}(\tau - M(1-\mathrm{bit}))$. The first slope takes $P =
\lceil\log_2(M/2+2)\rceil$ leading digits, enough for every function. The coder is stable with an error below
$2.46\,s_2$, so $\|f - f_W\|_\infty\le(4.92+\tfrac18)h^2\max|f''|$ with $W = 6N + 14M + 11P + 6\lceil\log_2N\rceil +
18$ and $L = 3(M+P) + 6$ (or the tent's path). Near a node the correction rises with a slope of order $Mh$, so zones
are $h/(8M)$.

The construction is ours; arXiv:1906.09477 codes Taylor data. The rates are the same.

References:
    arXiv:1906.09477, the deep discontinuous phase for r > 1.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, UInt8

from ...._checks import check_x64
from . import codes, gadgets
from .base import AbstractNetwork, Function, Lattice, check_points, run, write_down
from .two_scale import envelope, front, locate
from .units import Units


class TwoScaleSmooth(AbstractNetwork):
    """The network; build it with `two_scale_smooth`.

    Attributes:
        values: the function at the coarse nodes.
        digits: binary digits of the encoding weights: P of the first slope, then M.
        step: $s_2$.
        height: bound of what the coarse interpolant misses.
        num_fine: $M$.
        backend: `"float64"`, or `"exact"` for digits decoded in integers.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> net = ap.two_scale_smooth(ap.target("sine", order=2), num_cells=8, num_fine=16)
        >>> net.num_leading, net.digits.shape  # digits of the first slope, and all of a cell
        (4, (8, 20))
    """

    values: Float[Array, " nodes"]
    digits: UInt8[Array, "cells digits"]
    step: Float[Array, ""]
    height: Float[Array, ""]
    num_fine: int = eqx.field(static=True)
    backend: str = eqx.field(static=True, default="float64")

    @property
    def num_cells(self) -> int:
        """$N$."""
        return self.digits.shape[0]

    @property
    def num_leading(self) -> int:
        """$P$."""
        return leading_digits(self.num_fine)

    @property
    def encoding(self) -> np.ndarray:
        """The encoding weights."""
        return codes.as_numbers(np.asarray(self.digits))

    @property
    def reach(self) -> float:
        """A bound of $|D|/s_2$ for any digits."""
        return float(self.num_fine * (2 ** (self.num_leading - 1) + self.num_fine))

    @property
    def num_weights(self) -> int:
        """$W$."""
        hats = math.ceil(math.log2(self.num_cells))
        return 6 * self.num_cells + 14 * self.num_fine + 11 * self.num_leading + 6 * hats + 18

    @property
    def num_growing(self) -> int:
        """The part of $W$ that grows like a size."""
        return 6 * self.num_cells + 14 * self.num_fine

    @property
    def depth(self) -> int:
        """$L$."""
        tent = math.ceil(math.log2(self.num_cells)) + self.num_fine + 4
        return max(3 * (self.num_fine + self.num_leading) + 6, tent)

    @property
    def lattice(self) -> Lattice:
        """Fine nodes, coarse nodes, and zones of $h/(8M)$."""
        size = self.num_cells * self.num_fine
        return Lattice(size, np.arange(1, self.num_cells) / self.num_cells, 1 / (8 * size * self.num_fine))

    @property
    def rise(self) -> tuple[float, float]:
        """Distances from a coarse node between which the envelope opens."""
        return 2 * self.lattice.zone, 4 * self.lattice.zone

    def __call__(self, x: Any) -> Float[Any, " points"]:
        """Values at points in [0, 1]."""
        x = check_points(x)
        return run(self, x) if self.backend == "float64" else self._exact(x)

    def to_units(self) -> Units:
        """The explicit list of units."""
        return write_down(self)

    def program(self, net: Any, x: Any) -> Any:
        """What the network computes."""
        coarse, code, tent = front(net, x, self)
        num_bits = self.digits.shape[1]
        bound = gadgets.envelope(net, tent, self.num_cells, self.rise, self.height)
        start = net.unit(self.num_fine * tent)

        def gated(code, position):
            complement = gadgets.digit(net, code, num_bits)
            return complement, net.unit(position - self.num_fine * complement)

        def lead(code, total, weight):
            complement, gate = gated(code, start)
            return gadgets.shift(net, code, complement), total + gate * weight, weight / 2

        def bend(code, position, total):
            complement, gate = gated(code, position)
            total = total + 2 * gate - position
            return gadgets.shift(net, code, complement), net.unit(position - 1), total

        half = 2.0 ** (self.num_leading - 1)
        code, total, _ = net.repeat(self.num_leading, lead, code, start * -half, half)
        code, position, total = net.repeat(self.num_fine - 1, bend, code, start, total)
        total = total + 2 * gated(code, position)[1] - position
        walk = (net.unit(total + self.reach) - self.reach) * self.step
        return coarse + gadgets.clip(net, walk, bound)

    def _exact(self, x: Any) -> np.ndarray:
        """The same function, with digits decoded in exact integers once for each cell."""
        digits = codes.decode(codes.as_integers(self.digits), self.digits.shape[1])
        lead = self.num_leading
        cell, coarse, tent = locate(np.asarray(x), np.asarray(self.values))
        bound = envelope(tent, self.num_cells, self.rise, self.height)
        position = self.num_fine * tent
        index = np.minimum(position.astype(int), self.num_fine - 1)
        start = digits[:, :lead] @ 2.0 ** np.arange(lead - 1, -1, -1) - 2.0 ** (lead - 1)
        slopes = start[:, None] + np.cumsum(2.0 * digits[:, lead:] - 1, axis=1)
        before = np.concatenate([np.zeros((self.num_cells, 1)), np.cumsum(slopes, axis=1)], axis=1)
        walk = before[cell, index] + (position - index) * slopes[cell, index]
        return coarse + np.clip(float(self.step) * walk, -bound, bound)


def leading_digits(num_fine: int) -> int:
    """$P = \\lceil\\log_2(M/2+2)\\rceil$: enough for the first slope of any function."""
    return math.ceil(math.log2(num_fine / 2 + 2))


def two_scale_smooth(f: Function, num_cells: int, num_fine: int, *, backend: str = "float64") -> TwoScaleSmooth:
    """Encode a function with a bounded second derivative, $1 < r\\le2$.

    Args:
        f: from points of shape (points,) to values.
        num_cells: $N$, coarse cells, one encoding weight each.
        num_fine: $M$, fine nodes in a cell.
        backend: `"float64"` runs the network as it is, up to P + M + ceil(log2 N) = 53; `"exact"` has no limit.

    Raises:
        ValueError: sizes below 2, a code that float64 cannot hold, or a function of wrong shape or without finite
            values.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("sine", order=2)
        >>> net = ap.two_scale_smooth(f, num_cells=8, num_fine=16)
        >>> net.num_weights, round((8 * 16) ** 2 * ap.sup_error(net, f), 1)  # at most 5.05
        (352, 3.0)
    """
    check_x64("two_scale_smooth")
    num_bits = lambda fine: fine + leading_digits(fine)
    num_cells, num_fine = codes.check_sizes(num_cells, num_fine, num_bits, backend)
    nodes, rows = codes.residuals(f, num_cells, num_fine)
    step = 2 * np.abs(np.diff(rows, 2, axis=1)).max()
    digits = codes.second_order(rows, step, leading_digits(num_fine))
    height = np.abs(rows).max() + 4 * step
    return TwoScaleSmooth(*jax.tree.map(jnp.asarray, (nodes, digits, step, height)), num_fine=num_fine, backend=backend)
