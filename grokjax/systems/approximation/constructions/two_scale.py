r"""Two-scale bit extraction: N coarse cells and M digits for each, so that about N + M weights do the work of N M.

The coarse interpolant has N free slopes. What it misses is followed by delta modulation on M fine nodes of each cell,
and the M digits of a cell are ONE weight. A decoder of depth 3M reads them out at the point in question, so

$$ \|f - f_W\|_\infty \le 3 h^r,\quad h = 1/(NM),\quad W = 6N + 14M + 6\lceil\log_2N\rceil + 19,\quad
L = \max(3M+6, \lceil\log_2 N\rceil+M+4), $$

for $f\in F_{r,1}$, $r\le1$. With $M\sim W^\alpha$ the error falls as $W^{-(1+\alpha)r}$: every rate between $r$ and
$2r$ at the depth that is necessary for it. Steps need a zone of width $h/8$ to change; there an envelope closes, and
only the coarse part is seen. The tent coordinate runs back and forth, so odd cells store their digits in reverse and
no second selector is needed.

The construction is ours: arXiv:1802.03620 uses ternary increments on filtered grids. The rates are the same.

References:
    arXiv:1906.09477, the deep discontinuous phase; arXiv:1802.03620, theorem 2.
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
from .units import Units


class TwoScale(AbstractNetwork):
    """The network; build it with `two_scale`.

    Attributes:
        values: the function at the coarse nodes.
        digits: binary digits of the encoding weights, in reverse in odd cells.
        step: $s$, the step of the walk.
        height: bound of what the coarse interpolant misses.
        backend: `"float64"`, or `"exact"` for digits decoded in integers.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("kink")
        >>> net = ap.two_scale(f, num_cells=64, num_fine=24)
        >>> net.digits.shape, net.encoding.shape  # 24 digits of a cell are one weight
        ((64, 24), (64,))
    """

    values: Float[Array, " nodes"]
    digits: UInt8[Array, "cells digits"]
    step: Float[Array, ""]
    height: Float[Array, ""]
    backend: str = eqx.field(static=True, default="float64")

    @property
    def num_cells(self) -> int:
        """$N$."""
        return self.digits.shape[0]

    @property
    def num_fine(self) -> int:
        """$M$, which is also the number of digits."""
        return self.digits.shape[1]

    @property
    def encoding(self) -> np.ndarray:
        """The encoding weights."""
        return codes.as_numbers(np.asarray(self.digits))

    @property
    def num_weights(self) -> int:
        """$W$."""
        return 6 * self.num_cells + 14 * self.num_fine + 6 * math.ceil(math.log2(self.num_cells)) + 19

    @property
    def num_growing(self) -> int:
        """The part of $W$ that grows like a size."""
        return 6 * self.num_cells + 14 * self.num_fine

    @property
    def depth(self) -> int:
        """$L$."""
        return max(3 * self.num_fine + 6, math.ceil(math.log2(self.num_cells)) + self.num_fine + 4)

    @property
    def lattice(self) -> Lattice:
        """Fine nodes, coarse nodes, and zones of an eighth of the fine spacing."""
        size = self.num_cells * self.num_fine
        return Lattice(size, np.arange(1, self.num_cells) / self.num_cells, 1 / (8 * size))

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
        """What the network computes; see `units` for how it is read."""
        coarse, code, tent = front(net, x, self)
        bound = gadgets.envelope(net, tent, self.num_cells, self.rise, self.height)
        start = net.unit(self.num_fine * tent)

        def read(code, position, total):
            complement = gadgets.digit(net, code, self.num_fine)
            later = net.unit(position - 1)
            total = total + net.unit(position - later - complement)
            return gadgets.shift(net, code, complement), later, total

        code, position, total = net.repeat(self.num_fine - 1, read, code, start, 0)
        total = total + net.unit(position - gadgets.digit(net, code, self.num_fine))
        walk = (2 * net.unit(total) - start) * self.step
        return coarse + gadgets.clip(net, walk, bound)

    def _exact(self, x: Any) -> np.ndarray:
        """The same function, with digits decoded in exact integers once for each cell."""
        digits = codes.decode(codes.as_integers(self.digits), self.num_fine)
        cell, coarse, tent = locate(np.asarray(x), np.asarray(self.values))
        bound = envelope(tent, self.num_cells, self.rise, self.height)
        position = self.num_fine * tent
        index = np.minimum(position.astype(int), self.num_fine - 1)
        before = np.concatenate([np.zeros((self.num_cells, 1)), np.cumsum(digits, axis=1)], axis=1)
        total = before[cell, index] + (position - index) * digits[cell, index]
        return coarse + np.clip(float(self.step) * (2 * total - position), -bound, bound)


def front(net: Any, x: Any, network: Any) -> tuple[Any, Any, Any]:
    """Coarse interpolant, the encoding weight of the cell, and the tent coordinate on the cells."""
    size = network.num_cells
    steps = net.steps(x, network.lattice.switches, network.lattice.zone)
    code = net.unit(steps.constant(codes.as_numbers(network.digits)))
    values = network.values
    coarse = steps.linear(values[0], size * (values[1:] - values[:-1]))
    hats = math.ceil(math.log2(size))
    return coarse, code, gadgets.tent(net, x * (size / 2**hats), hats)


def locate(x: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Cell, coarse interpolant and tent coordinate of each point, by arithmetic."""
    size = len(values) - 1
    cell = np.minimum((x * size).astype(int), size - 1)
    local = x * size - cell
    coarse = values[cell] * (1 - local) + values[cell + 1] * local
    return cell, coarse, np.where(cell % 2 == 0, local, 1 - local)


def envelope(tent: np.ndarray, num_cells: int, rise: tuple[float, float], height: Any) -> np.ndarray:
    """The numbers behind `gadgets.envelope`."""
    distance = np.minimum(tent, 1 - tent) / num_cells
    return float(height) * np.clip((distance - rise[0]) / (rise[1] - rise[0]), 0, 1)


def two_scale(f: Function, num_cells: int, num_fine: int, *, backend: str = "float64") -> TwoScale:
    """Encode a function, $r\\le1$.

    Args:
        f: from points of shape (points,) to values.
        num_cells: $N$, coarse cells, one encoding weight each.
        num_fine: $M$, fine nodes in a cell, one digit each.
        backend: `"float64"` runs the network as it is, up to M + ceil(log2 N) = 53; `"exact"` has no limit.

    Raises:
        ValueError: sizes below 2, a code that float64 cannot hold, or a function of wrong shape or without finite
            values.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("kink")
        >>> net = ap.two_scale(f, num_cells=64, num_fine=24)
        >>> net.num_weights, net.to_units().num_weights
        (775, 775)
        >>> round(64 * 24 * ap.sup_error(net, f), 6)  # an interpolant of as many cells has 4609 weights
        1.333333
    """
    check_x64("two_scale")
    num_cells, num_fine = codes.check_sizes(num_cells, num_fine, lambda bits: bits, backend)
    nodes, rows = codes.residuals(f, num_cells, num_fine)
    step = np.abs(np.diff(rows, axis=1)).max()
    digits = codes.first_order(rows, step, 8 * np.finfo(float).eps * np.abs(nodes).max())
    height = np.abs(rows).max() + step
    return TwoScale(*jax.tree.map(jnp.asarray, (nodes, digits, step, height)), backend=backend)
