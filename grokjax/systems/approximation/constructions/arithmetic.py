r"""Squaring and multiplying by depth: each further layer of two units quarters the error.

References:
    arXiv:1610.01145, propositions 2 and 3.
"""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float

from ...._checks import argument_error, check_positive, check_whole, is_concrete
from . import gadgets
from .base import AbstractNetwork, Lattice, check_points, run, write_down
from .units import Units


class Squarer(AbstractNetwork):
    """$x^2$ on [0, 1] with error in $[0, 4^{-m-1}]$; build it with `squarer`.

    Attributes:
        num_hats: $m$.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> net = ap.squarer(4)
        >>> net.num_weights, net.depth  # 8m and m + 1
        (32, 5)
    """

    num_hats: int = eqx.field(static=True)

    @property
    def num_weights(self) -> int:
        """$W = 8m$."""
        return 8 * self.num_hats

    @property
    def num_growing(self) -> int:
        """The part of $W$ that grows like a size."""
        return self.num_weights

    @property
    def depth(self) -> int:
        """$L = m + 1$."""
        return self.num_hats + 1

    @property
    def lattice(self) -> Lattice:
        """The nodes of the interpolant."""
        return Lattice(2**self.num_hats, np.zeros(0), 0.0)

    def __call__(self, x: Any) -> Float[Any, " points"]:
        """Values at points in [0, 1]."""
        return run(self, check_points(x))

    def to_units(self) -> Units:
        """The explicit list of units."""
        return write_down(self)

    def program(self, net: Any, x: Any) -> Any:
        """What the network computes."""
        return gadgets.square(net, x, self.num_hats)


class Product(AbstractNetwork):
    """$xy$ for $|x|, |y|\\le R$ with error at most $R^2 4^{-m}$; build it with `product`.

    Attributes:
        num_hats: $m$.
        radius: $R$.
        dim: two factors.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> net = ap.product(6, radius=3.0)
        >>> net(np.array([[3.0, -2.0]])).tolist()
        [-6.0]
        >>> net.num_weights, net.depth  # 24m + 15 and m + 2
        (159, 8)
    """

    num_hats: int = eqx.field(static=True)
    radius: float = eqx.field(static=True)
    dim: int = eqx.field(static=True, default=2)

    @property
    def num_weights(self) -> int:
        """$W = 24m + 15$."""
        return 24 * self.num_hats + 15

    @property
    def num_growing(self) -> int:
        """The part of $W$ that grows like a size."""
        return self.num_weights

    @property
    def depth(self) -> int:
        """$L = m + 2$."""
        return self.num_hats + 2

    @property
    def lattice(self) -> Lattice:
        """Nodes along each axis of [0, 1]."""
        return Lattice(2 ** min(self.num_hats, 7), np.zeros(0), 0.0)

    def __call__(self, x: Any) -> Float[Any, " points"]:
        """Products of pairs of numbers in $[-R, R]$."""
        if x.ndim != 2 or x.shape[1] != 2:
            raise argument_error("x", "of shape (points, 2)", f"shape {x.shape}", "Stack the factors.")
        if is_concrete(x) and not (np.abs(np.asarray(x)) <= self.radius).all():
            largest = float(np.abs(np.asarray(x)).max())
            raise argument_error("x", f"at most {self.radius:g} in size", largest, "Use a larger radius.")
        return run(self, x)

    def to_units(self) -> Units:
        """The explicit list of units."""
        return write_down(self, 2)

    def program(self, net: Any, x: Any, y: Any) -> Any:
        """What the network computes."""
        return gadgets.multiply(net, x, y, self.num_hats, self.radius, merge=True)


def squarer(num_hats: int) -> Squarer:
    """The network that squares: the interpolant of $x^2$ at multiples of $2^{-m}$.

    Raises:
        ValueError: `num_hats` is no whole number of at least 1.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> net = ap.squarer(4)
        >>> ap.sup_error(net, lambda x: x**2) == 4.0**-5  # a further layer quarters it
        True
    """
    return Squarer(check_whole("num_hats", num_hats))


def product(num_hats: int, radius: float = 1.0) -> Product:
    """The network that multiplies.

    Args:
        num_hats: $m$ of each of its three squares.
        radius: $R$, the largest factor.

    Raises:
        ValueError: `num_hats` is no whole number of at least 1, or the radius is not positive.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> net = ap.product(6)
        >>> x = np.random.default_rng(0).uniform(-1, 1, (1000, 2))
        >>> bool(np.abs(net(x) - x[:, 0] * x[:, 1]).max() < 4.0**-6)
        True
    """
    check_positive("radius", radius)
    return Product(check_whole("num_hats", num_hats), float(radius))
