r"""Piecewise-linear interpolation: the shallow network with weights that are linear in the function.

In one dimension $f(0) + s_0\,\mathrm{relu}(x) + \sum_n (s_n - s_{n-1})\,\mathrm{relu}(x - n/N)$ with the slopes $s_n$
between nodes. In d dimensions on Kuhn's triangulation: with $y = Nx - n$ the hat of node n is

$$ \phi_n = \mathrm{relu}(1 - \max(0, y_1, .., y_d) - \max(0, -y_1, .., -y_d)),\qquad
\max(0, y_1, .., y_d) = \mathrm{relu}(y_d + \mathrm{relu}(y_{d-1} - y_d + \mathrm{relu}(\dots))) , $$

whose inner units depend on differences of indices only and are shared. The error is at most $\tfrac12N^{-1}$ for
$r=1$ and $\tfrac18N^{-2}$ for $r=2$ in one dimension, so the rate is $p = r/d$ up to $r = 2$, at a depth that does
not grow.

References:
    arXiv:1906.09477, the shallow continuous phase.
"""

import itertools
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...._checks import check_whole, check_x64
from .base import AbstractNetwork, Function, Lattice, check_points, look, run, write_down
from .units import Graph, Units


class Interpolant(AbstractNetwork):
    """The interpolant of values on a grid; build it with `interpolant`.

    Attributes:
        values: at the nodes, shape (N+1,) * d.
        dim: $d$.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> net = ap.interpolant(ap.target("kink"), num_cells=8)
        >>> net.num_weights, net.depth  # 3N + 1, whatever the function
        (25, 2)
    """

    values: Float[Array, "*nodes"]
    dim: int = eqx.field(static=True)

    @property
    def num_cells(self) -> int:
        """$N$, cells along an axis."""
        return self.values.shape[0] - 1

    @property
    def num_weights(self) -> int:
        """$3N + 1$ in one dimension; in d, ten for each node and three or four for each shared difference."""
        n, d = self.num_cells, self.dim
        if d == 1:
            return 3 * n + 1
        shared = sum((3 if k == 1 else 4) * ((n + 1) ** (k + 1) - n ** (k + 1)) for k in range(1, d))
        return 10 * (n + 1) ** d + 2 * shared + 1

    @property
    def num_growing(self) -> int:
        """The part of $W$ that grows like a size."""
        return self.num_weights

    @property
    def depth(self) -> int:
        """2 in one dimension, else $d + 2$."""
        return 2 if self.dim == 1 else self.dim + 2

    @property
    def lattice(self) -> Lattice:
        """The nodes."""
        return Lattice(self.num_cells, np.zeros(0), 0.0)

    def __call__(self, x: Any) -> Float[Any, " points"]:
        """Values at points of the unit cube."""
        return run(self, check_points(x, self.dim))

    def to_units(self) -> Units:
        """The explicit list of units."""
        return write_down(self, self.dim)

    def program(self, net: Any, *x: Any) -> Any:
        """What the network computes: its units, or the same sum over the few hats that are not zero at a point."""
        if self.dim == 1:
            return self._line(net, x[0])
        return self._hats(net, x) if isinstance(net, Graph) else self._simplex(net.xp, x)

    def _line(self, net: Any, x: Any) -> Any:
        slopes = self.num_cells * (self.values[1:] - self.values[:-1])
        if not isinstance(net, Graph):
            return net.steps(x, np.arange(1, self.num_cells) / self.num_cells, 1.0).linear(self.values[0], slopes)
        bends = np.diff(slopes, prepend=0).tolist()
        terms = (net.unit(x - n / self.num_cells) * bend for n, bend in enumerate(bends))
        return sum(terms, start=float(self.values[0]))

    def _hats(self, net: Graph, x: Any) -> Any:
        size, known = self.num_cells, {}

        def inner(sign: int, node: tuple[int, ...]) -> Any:
            """relu(y_{k} - y_{k+1} + inner), shared by all nodes with the same differences."""
            if len(node) == 1:
                return 0
            key = (sign, tuple(b - a for a, b in itertools.pairwise(node)))
            if key not in known:
                k = len(node) - 2
                difference = size * x[k] - size * x[k + 1] - (node[k] - node[k + 1])
                known[key] = net.unit(sign * difference + inner(sign, node[:-1]))
            return known[key]

        total = 0
        for node in itertools.product(range(size + 1), repeat=self.dim):
            last = size * x[-1] - node[-1]
            upper, lower = (net.unit(sign * last + inner(sign, node)) for sign in (1, -1))
            total = net.unit(1 - upper - lower) * float(self.values[node]) + total
        return total

    def _simplex(self, xp: Any, x: Any) -> Any:
        """Kuhn's simplex of a point: from the lower corner along the axes in falling order of the fractions."""
        scaled = xp.stack(x, axis=-1) * self.num_cells
        corner = xp.minimum(scaled.astype(int), self.num_cells - 1)
        order = xp.argsort(-(scaled - corner), axis=-1)
        fractions = xp.take_along_axis(scaled - corner, order, axis=-1)
        weights = xp.concatenate(
            [1 - fractions[:, :1], fractions[:, :-1] - fractions[:, 1:], fractions[:, -1:]], axis=1
        )
        total, axes = 0, xp.arange(self.dim)
        for k in range(self.dim + 1):
            total = total + weights[:, k] * self.values[tuple(corner.T)]
            if k < self.dim:
                corner = corner + (order[:, k : k + 1] == axes[None, :])
        return total


def interpolant(f: Function, num_cells: int, dim: int = 1) -> Interpolant:
    """Interpolate a function.

    Args:
        f: from points of shape (points,), or (points, d) for d above 1, to values.
        num_cells: $N$ along each axis.
        dim: $d$.

    Raises:
        ValueError: a size or the dimension is below 1, or the function has the wrong shape or is not finite.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> net = ap.interpolant(ap.target("kink"), num_cells=8)
        >>> net.values.shape
        (9,)
        >>> round(8 * ap.sup_error(net, ap.target("kink")), 6)  # at most 1/2 for r = 1
        0.444444
    """
    check_x64("interpolant")
    num_cells, dim = check_whole("num_cells", num_cells), check_whole("dim", dim)
    axis = np.arange(num_cells + 1) / num_cells
    grid = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
    values = look(f, grid[:, 0] if dim == 1 else grid)
    return Interpolant(jnp.asarray(values.reshape((num_cells + 1,) * dim)), dim)
