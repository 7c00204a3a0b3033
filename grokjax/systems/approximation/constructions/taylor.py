r"""Taylor patchwork: any smoothness r at rate r, with weights that depend continuously on the function.

Patches of two cells around the nodes of one parity, and a second family around the nodes of the other. In each family
steps hold the Taylor coefficients $c_k = D^kf(x_n)N^{-k}/k!$ and the centre $x_n$ of the patch; with $\xi = N(x - x_n)$

$$ f_W = \sum_q \Phi_q\,\big(c_0 + \xi(c_1 + \xi(c_2 + \dots))\big),\qquad \Phi_\mathrm{odd} = T,\quad
\Phi_\mathrm{even} = 1 - T , $$

and steps change where $\Phi_q = 0$. One evaluation serves all patches, so no logarithm is lost in the rate. With ReLU
the products need $L = O(\log W)$. With $\sigma(t) = \mathrm{relu}(t)^2$, a piecewise polynomial, products are exact:
the depth is $K + 4$ for any number of patches. There $T$ is made of wide steps, $(1-t^2)^2$ on a cell with $0\le
t\le1$, one for each cell.

References:
    arXiv:1906.09477, sections on Taylor approximation and on other activations; arXiv:1610.01145, theorem 1.
"""

import math
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...._checks import argument_error, check_at_least, check_choice, check_whole, check_x64
from . import gadgets
from .base import AbstractNetwork, Derivatives, Function, Lattice, check_points, derivatives, run, write_down
from .units import Units


class TaylorPatches(AbstractNetwork):
    """The patchwork; build it with `taylor`.

    Attributes:
        coefficients: $c_k$ at all nodes, shape (K, N+1).
        bounds: bound of each $|c_k|$.
        order: $r$; $K = \\lceil r\\rceil$.
        activation: `"relu"` or `"relu2"`.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("sine", order=3)
        >>> net = ap.taylor(f, num_cells=16, order=3)
        >>> net.coefficients.shape  # of second-degree polynomials at the nodes
        (3, 17)
    """

    coefficients: Float[Array, "degrees nodes"]
    bounds: Float[Array, " degrees"]
    order: float = eqx.field(static=True)
    activation: str = eqx.field(static=True)

    @property
    def num_cells(self) -> int:
        """$N$."""
        return self.coefficients.shape[1] - 1

    @property
    def num_hats(self) -> int:
        """$m$ of the products: their error stays below that of Taylor's polynomial."""
        return math.ceil(self.order / 2 * math.log2(self.num_cells)) + 7

    @property
    def _per_boundary(self) -> int:
        """Weights for each cell: steps and what they hold, and for relu^2 the wide steps."""
        degrees = len(self.coefficients)
        held = degrees + (degrees > 1)
        return 4 + held if self.activation == "relu" else 10 + 2 * held

    @property
    def num_weights(self) -> int:
        """$W$; for ReLU and r = 3 it is $8N + 6k + 144m + 163$ with $k = \\lceil\\log_2N\\rceil$."""
        n, k, m, degrees = self.num_cells, math.ceil(math.log2(self.num_cells)), self.num_hats, len(self.coefficients)
        if self.activation == "relu2":
            held = degrees + (degrees > 1)
            products = 20 if degrees == 1 else 4 * 6 + 4 * 10 * (degrees - 2) + 4 * 9
            return (4 + 2 * held) * (n - 1) + 6 * n + 2 + 2 * (2 * held + products + 4) + 1
        local = degrees + 7 if degrees > 1 else 1
        family = local + degrees * (24 * m + 24) + 2 * (degrees - 1)
        return (4 + degrees + (degrees > 1)) * (n - 1) + 6 * k - 2 + 2 * family + 1

    @property
    def num_growing(self) -> int:
        """The part of $W$ that grows like a size."""
        return self._per_boundary * self.num_cells

    @property
    def depth(self) -> int:
        """$L$; for ReLU and r = 3 it is $3m + 10$."""
        degrees = len(self.coefficients)
        if self.activation == "relu2":
            return degrees + 4
        if degrees == 1:
            return max(3, math.ceil(math.log2(self.num_cells))) + self.num_hats + 2
        return 4 + degrees * (self.num_hats + 2)

    @property
    def lattice(self) -> Lattice:
        """Nodes; zones shrink like $h^{r-1}$ next to h, because what is seen of them is off by $h^2$ only."""
        n = self.num_cells
        return Lattice(n, np.arange(1, n) / n, _zone(n, self.order))

    def __call__(self, x: Any) -> Float[Any, " points"]:
        """Values at points in [0, 1]."""
        return run(self, check_points(x))

    def to_units(self) -> Units:
        """The explicit list of units."""
        return write_down(self)

    def program(self, net: Any, x: Any) -> Any:
        """What the network computes."""
        if self.activation == "relu2":
            gates = net.steps(x, np.arange(self.num_cells) / self.num_cells, 1 / self.num_cells, "relu2")
            even = _held(net, gates, 1.0 - np.arange(self.num_cells + 1) % 2, 1.0)
            return self._squared_family(net, x, 0, even) + self._squared_family(net, x, 1, 1 - even)
        hats = math.ceil(math.log2(self.num_cells))
        tent = gadgets.tent(net, x * (self.num_cells / 2**hats), hats)
        return self._family(net, x, 0, 1 - tent) + self._family(net, x, 1, tent)

    def _steps(self, net: Any, x: Any, parity: int) -> tuple[Any, np.ndarray]:
        nodes = np.arange(parity, self.num_cells + 1, 2)
        steps = net.steps(x, (nodes[:-1] + 1) / self.num_cells, self.lattice.zone, self.activation)
        return steps, nodes

    def _family(self, net: Any, x: Any, parity: int, weight: Any) -> Any:
        """Horner's scheme on one family; u and v of a product are brought to size 1 at most."""
        steps, nodes = self._steps(net, x, parity)
        held = lambda degree: net.unit(steps.constant(self.coefficients[degree][nodes]) + self.bounds[degree])
        top = len(self.bounds) - 1
        polynomial, size = held(top) - self.bounds[top], self.bounds[top]
        if top:
            centre = net.unit(steps.constant(nodes / self.num_cells))
            offset = (x - centre) * self.num_cells
            xi = net.unit(offset + 1) - net.unit(offset - 1) - 1
        for degree in range(top - 1, -1, -1):
            product = gadgets.multiply(net, xi, polynomial / size, self.num_hats) * size
            size = size + self.bounds[degree]
            polynomial = net.unit(product + held(degree) - self.bounds[degree] + size) - size
        return gadgets.multiply(net, weight, polynomial / size, self.num_hats) * size

    def _squared_family(self, net: Any, x: Any, parity: int, weight: Any) -> Any:
        """The same with exact products."""
        steps, nodes = self._steps(net, x, parity)
        held = lambda degree: _held(net, steps, self.coefficients[degree][nodes], self.bounds[degree])
        top = len(self.bounds) - 1
        polynomial, size = held(top), self.bounds[top]
        if top:
            xi = (x - _held(net, steps, nodes / self.num_cells, 1.0)) * self.num_cells
        for degree in range(top - 1, -1, -1):
            polynomial = gadgets.multiply_exactly(net, xi, polynomial / size) * size + held(degree)
            size = size + self.bounds[degree]
        return gadgets.multiply_exactly(net, weight, polynomial / size) * size


def _zone(num_cells: int, order: float) -> float:
    """Width of a zone, $h^{\\max(r-1,1)}/64$."""
    return 2.0 ** -(math.ceil(math.ceil(math.log2(num_cells)) * max(order - 1, 1)) + 6)


def _held(net: Any, steps: Any, values: Any, bound: Any) -> Any:
    """Piecewise constant values of size `bound` at most: $z = \\frac14[\\sigma(z+1) - \\sigma(1-z)]$ for $|z|\\le1$."""
    z = steps.constant(values / bound)
    return (net.unit(z + 1, "relu2") - net.unit(1 - z, "relu2")) * (bound / 4)


def taylor(f: Function | Derivatives, num_cells: int, order: float, *, activation: str = "relu") -> TaylorPatches:
    """Patch Taylor polynomials of degree $\\lceil r\\rceil - 1$ together.

    Args:
        f: written in `jax.numpy`, to be differentiated; or a tuple of its derivatives 0, ..., $\\lceil r\\rceil - 1$.
        num_cells: $N$, at least 2.
        order: $r\\ge1$.
        activation: `"relu"`, with products of depth $O(\\log N)$; or `"relu2"`, with exact ones.

    Raises:
        ValueError: an order below 1, too few cells, a zone below the spacing of floats, or a function that cannot be
            differentiated or is not finite.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("sine", order=3)
        >>> [ap.taylor(f, n, order=3, activation="relu2").depth for n in (8, 16, 32)]  # exact products
        [7, 7, 7]
        >>> [ap.taylor(f, n, order=3).depth for n in (8, 16, 32)]
        [46, 49, 55]
    """
    check_x64("taylor")
    num_cells = check_whole("num_cells", num_cells, 2)
    check_at_least("order", order, 1, "Use `interpolant` for rougher functions.")
    check_choice("activation", activation, ("relu", "relu2"))
    if _zone(num_cells, order) < 2**-46:
        raise argument_error("num_cells", "so small that zones are wider than floats", num_cells, "Take fewer cells.")
    degrees = np.arange(math.ceil(order))
    data = derivatives(f, np.arange(num_cells + 1) / num_cells, len(degrees))
    scale = np.array([float(num_cells) ** -k / math.factorial(k) for k in degrees])
    coefficients = data * scale[:, None]
    largest = np.abs(coefficients).max(axis=1)
    bounds = np.where(largest > 0, largest, scale)
    return TaylorPatches(jnp.asarray(coefficients), jnp.asarray(bounds), float(order), activation)
