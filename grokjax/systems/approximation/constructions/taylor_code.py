r"""Coded Taylor data: any smoothness r at every rate up to 2r, by storing only what the neighbour does not predict.

Two families of fine nodes, spaced $H = 2h$ and shifted by $h = 1/(NM)$, each with the tents $\Phi_q$ of half-width
$h$, which add up to 1. A coarse patch owns $M/2$ nodes of a family. It keeps the Taylor data $b_k = D^kf(y)h^k/k!$ of
its first node as they are; at each further node, prediction and correction

$$ b_k' = \sum_l\tbinom{k+l}{k}2^l\,b_{k+l} + c_k\,\ell_k,\qquad \ell_k = F\,2^{r-k}h^r/k! , $$

leave an error of at most $\ell_k/2$, always: errors do not add up. The corrections $c_k$ are whole numbers that 3
digits hold, so a patch needs $K = \lceil r\rceil$ encoding weights of $3(M/2-1)$ digits. All nodes up to the point's
own are worked off by one chain of depth $\sim M$; the polynomial is evaluated once, so no logarithm is lost: error
$\lesssim Fh^r$ with $W\sim N + M$.

The construction is ours, in the spirit of the paper's coding of Taylor data. It reaches the end point $p = 2r$, where
the paper is recalled to claim the open interval (and fixed width with a logarithm).

References:
    arXiv:1906.09477, the deep discontinuous phase for r > 1.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, UInt8

from ...._checks import argument_error, check_x64
from . import codes, gadgets
from .base import AbstractNetwork, Derivatives, Function, Lattice, check_points, derivatives, run, write_down
from .units import Units


class TaylorCode(AbstractNetwork):
    """The network; build it with `taylor_code`.

    Attributes:
        starts: $b_k$ at the first node of each patch, for each of the two families, shape (K, patches).
        digits: of the encoding weights, shape (K, patches, digits).
        norm: $F$, which scales the lattice of corrections.
        order: $r$.
        sizes: (N, M).
        backend: `"float64"`, or `"exact"` for digits decoded in integers.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("sine", order=3)
        >>> net = ap.taylor_code(f, num_cells=8, num_fine=8, order=3)
        >>> net.num_weights, net.depth
        (3280, 85)
    """

    starts: tuple[Float[Any, "degrees patches"], Float[Any, "degrees patches_"]]
    digits: tuple[UInt8[Any, "degrees patches digits"], UInt8[Any, "degrees patches_ digits"]]
    norm: Any
    order: float = eqx.field(static=True)
    sizes: tuple[int, int] = eqx.field(static=True)
    backend: str = eqx.field(static=True, default="float64")

    @property
    def degrees(self) -> range:
        """$k = 0, ..., K-1$."""
        return range(math.ceil(self.order))

    @property
    def num_cells(self) -> int:
        """$N$."""
        return self.sizes[0]

    @property
    def num_fine(self) -> int:
        """$M$."""
        return self.sizes[1]

    @property
    def num_hats(self) -> int:
        """$m$ of the products."""
        return math.ceil(self.order / 2 * math.log2(self.num_cells * self.num_fine)) + 7

    @property
    def _per_node(self) -> int:
        """Weights for each node that is worked off."""
        count = len(self.degrees)
        return 5 + 30 * count + count * (count - 1) // 2

    @property
    def num_weights(self) -> int:
        """$W$."""
        n, own, count = self.num_cells, self.num_fine // 2, len(self.degrees)
        hats = math.ceil(math.log2(n * self.num_fine))
        horner = count * (24 * self.num_hats + 24) + 2 * (count - 1)
        family = 2 * count + 1 + (own - 1) * self._per_node + own + 7 + horner
        return 6 * hats - 2 + (5 + 2 * count) * (2 * n - 1) + 2 * family + 1

    @property
    def num_growing(self) -> int:
        """The part of $W$ that grows like a size."""
        return (10 + 4 * len(self.degrees)) * self.num_cells + self._per_node * self.num_fine

    @property
    def depth(self) -> int:
        """$L$, along the digits."""
        return 9 * (self.num_fine // 2) - 5 + len(self.degrees) * (self.num_hats + 2)

    @property
    def lattice(self) -> Lattice:
        """Fine nodes; each is where one family switches, unseen but for a share zone/h of what it mistakes there."""
        size = self.num_cells * self.num_fine
        zone = float(self.num_cells) ** min(self.order, 2) / float(size) ** (self.order + 1) / 64
        return Lattice(size, np.arange(1, size) / size, zone)

    def __call__(self, x: Any) -> Float[Any, " points"]:
        """Values at points in [0, 1]."""
        x = check_points(x)
        return run(self, x) if self.backend == "float64" else self._exact(np.asarray(x))

    def to_units(self) -> Units:
        """The explicit list of units."""
        return write_down(self)

    def patches(self, family: int) -> np.ndarray:
        """Index of the first fine node of each patch."""
        return family + self.num_fine * np.arange(self.num_cells + 1 - family)

    def spacing(self, degree: int) -> Any:
        """$\\ell_k$, the lattice of corrections."""
        return self.norm * _spacing(self.order, self.num_cells * self.num_fine, degree)

    def program(self, net: Any, x: Any) -> Any:
        """What the network computes."""
        size = self.num_cells * self.num_fine
        hats = math.ceil(math.log2(size))
        tent = gadgets.tent(net, x * (size / 2**hats), hats)
        return self._family(net, x, 0, 1 - tent) + self._family(net, x, 1, tent)

    def _family(self, net: Any, x: Any, family: int, weight: Any) -> Any:
        degrees, zone, h = self.degrees, self.lattice.zone, 1 / (self.num_cells * self.num_fine)
        first = self.patches(family)
        steps = net.steps(x, (first[1:] - 1) * h, zone)
        bounds = [abs(self.starts[family][k]).max() + self.spacing(k) for k in degrees]
        data = [net.unit(steps.constant(self.starts[family][k]) + bounds[k]) - bounds[k] for k in degrees]
        code = [net.unit(steps.constant(codes.as_numbers(self.digits[family][k]))) for k in degrees]
        origin = net.unit(steps.constant(first * h))

        def advance(*carry):
            """One node further, for the points that lie beyond the border at `border`."""
            code, data, bounds = (list(carry[i * len(degrees) : (i + 1) * len(degrees)]) for i in range(3))
            moved, border = carry[-2:]
            waits = net.unit(1 - net.unit((x - origin - border) / zone))
            gains, reaches = [], []
            for k in degrees:
                correction = 3
                for power in (4, 2, 1):
                    complement = gadgets.digit(net, code[k], self.digits[family].shape[2])
                    code[k] = gadgets.shift(net, code[k], complement)
                    correction = correction - power * complement
                rise = [(math.comb(k + up, k) * 2.0**up, k + up) for up in range(1, len(degrees) - k)]
                reach = sum(factor * bounds[index] for factor, index in rise) + 4 * self.spacing(k)
                gain = sum((data[index] * factor for factor, index in rise), start=correction * self.spacing(k))
                gains.append(net.unit(gain + reach - waits * (2 * reach)) - (1 - waits) * reach)
                reaches.append(reach)
            bounds = [bound + reach for bound, reach in zip(bounds, reaches, strict=True)]
            data = [net.unit(data[k] + gains[k] + bounds[k]) - bounds[k] for k in degrees]
            return *code, *data, *bounds, moved + (1 - waits), border + 2 * h

        carry = net.repeat(self.num_fine // 2 - 1, advance, *code, *data, *bounds, 0, h)
        data, bounds = carry[len(degrees) : 2 * len(degrees)], carry[2 * len(degrees) : 3 * len(degrees)]
        centre = net.unit(origin + carry[-2] * (2 * h))
        offset = (x - centre) / h
        xi = net.unit(offset + 1) - net.unit(offset - 1) - 1
        return self._horner(net, xi, weight, data, bounds)

    def _horner(self, net: Any, xi: Any, weight: Any, data: Any, bounds: Any) -> Any:
        polynomial, size = data[-1], bounds[-1]
        for degree in self.degrees[-2::-1]:
            product = gadgets.multiply(net, xi, polynomial / size, self.num_hats) * size
            size = size + bounds[degree]
            polynomial = net.unit(product + data[degree] + size) - size
        return gadgets.multiply(net, weight, polynomial / size, self.num_hats) * size

    def _exact(self, x: np.ndarray) -> np.ndarray:
        """The same function, with digits decoded in exact integers, and exact products."""
        size, total = self.num_cells * self.num_fine, np.zeros(x.shape)
        for family in (0, 1):
            data = _replay(self, family)
            node = np.clip(np.round((x * size - family) / 2).astype(int), 0, data.shape[1] - 1)
            xi = x * size - family - 2 * node
            polynomial = sum(data[k, node] * xi**k for k in self.degrees)
            total += np.clip(1 - np.abs(xi), 0, 1) * polynomial
        return total


def _replay(network: TaylorCode, family: int) -> np.ndarray:
    """Taylor data at every node of a family, from starts and decoded corrections; shape (K, nodes)."""
    digits, count = np.asarray(network.digits[family]), network.digits[family].shape[2]
    bits = np.stack([codes.decode(codes.as_integers(rows), count) for rows in digits]).astype(int)
    corrections = bits.reshape(*digits.shape[:2], -1, 3) @ np.array([4, 2, 1]) - 4
    data = [np.asarray(network.starts[family])]
    spacing = np.array([float(network.spacing(k)) for k in network.degrees])
    for j in range(corrections.shape[2]):
        data.append(_predict(data[-1]) + corrections[:, :, j] * spacing[:, None])
    return np.stack(data, axis=2).reshape(len(spacing), -1)


def _predict(data: np.ndarray) -> np.ndarray:
    """Taylor data two spacings further on."""
    count = len(data)
    return np.stack([sum(math.comb(l, k) * 2.0 ** (l - k) * data[l] for l in range(k, count)) for k in range(count)])


def _spacing(order: float, size: int, degree: int) -> float:
    """$2^{r-k}h^r/k!$."""
    return 2.0 ** (order - degree) * float(size) ** -order / math.factorial(degree)


def _encode(table: np.ndarray, first: np.ndarray, own: int, spacing: np.ndarray) -> tuple[np.ndarray, int]:
    """Digits of the corrections of a family, and the largest correction in size.

    Args:
        table: Taylor data at all fine nodes, shape (K, nodes).
        first: index of each patch's first node.
        own: nodes that a patch owns.
        spacing: of the lattices of corrections, shape (K, 1).
    """
    data, found = table[:, first], []
    for j in range(1, own):
        node = first + 2 * j
        inside = node < table.shape[1]
        predicted = _predict(data)
        wanted = (table[:, np.where(inside, node, 0)] - predicted) / spacing
        correction = np.where(inside, np.round(wanted), 0.0)
        data = predicted + correction * spacing
        found.append(correction)
    corrections = np.stack(found, axis=-1)
    codewords = np.clip(corrections + 4, 0, 7).astype(int)
    digits = (codewords[..., None] >> np.array([2, 1, 0])) & 1
    return digits.reshape(*corrections.shape[:2], -1).astype(np.uint8), int(np.abs(corrections).max())


def taylor_code(
    f: Function | Derivatives, num_cells: int, num_fine: int, order: float, *, backend: str = "float64"
) -> TaylorCode:
    """Encode a function, $r > 1$.

    Args:
        f: written in `jax.numpy`, to be differentiated; or a tuple of its derivatives 0, ..., $\\lceil r\\rceil - 1$.
        num_cells: $N$, coarse patches of each family, with $\\lceil r\\rceil$ encoding weights each.
        num_fine: $M$, even and at least 4; each patch owns M/2 nodes.
        order: $r$.
        backend: `"float64"` runs the network as it is, up to 3(M/2 - 1) + ceil(log2 N) = 53; `"exact"` has no limit.

    Raises:
        ValueError: an order of 1 or below, an odd M, a code that float64 cannot hold, or a function that cannot be
            differentiated or is not finite.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("sine", order=3)
        >>> net = ap.taylor_code(f, num_cells=8, num_fine=8, order=3)
        >>> bool(64**3 * ap.sup_error(net, f) < 6.7)  # N M = 64, r = 3
        True
    """
    check_x64("taylor_code")
    num_cells, num_fine = codes.check_sizes(num_cells, num_fine, lambda fine: 3 * (fine // 2 - 1), backend)
    if num_fine < 4 or num_fine % 2:
        raise argument_error("num_fine", "even and at least 4", num_fine, "Each family owns every other node.")
    if not (math.isfinite(order) and order > 1):
        raise argument_error("order", "above 1", order, "Use `two_scale` up to order 1.")
    size, degrees = num_cells * num_fine, range(math.ceil(order))
    table = derivatives(f, np.arange(size + 1) / size, len(degrees))
    roughness = np.abs(table[-1, 2:] - table[-1, :-2]).max() * (size / 2) ** (order - degrees[-1])
    table = table * np.array([float(size) ** -k / math.factorial(k) for k in degrees])[:, None]
    norm = roughness or 1.0
    spacing = np.array([[_spacing(order, size, k)] for k in degrees])
    firsts = [family + num_fine * np.arange(num_cells + 1 - family) for family in (0, 1)]
    while True:  # corrections have to fit into 3 digits: -4, ..., 3
        digits, largest = zip(*(_encode(table, first, num_fine // 2, norm * spacing) for first in firsts), strict=True)
        if max(largest) <= 3:
            break
        norm *= 2
    starts = tuple(table[:, first] for first in firsts)
    arrays = jax.tree.map(jnp.asarray, (starts, digits, np.array(norm)))
    return TaylorCode(*arrays, order=float(order), sizes=(num_cells, num_fine), backend=backend)
