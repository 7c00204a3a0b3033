r"""Periodic look-up: one periodic unit turns a single weight into a memory without limit, and the rate is exponential.

With ReLU and one periodic activation there is no bound by the VC dimension. The values at $2^m$ nodes, B binary
digits each, are written into the base-4 digits (0 or 2) of ONE weight $w$ per family. ReLU units find the index
digits of $x$; each of them multiplies by $(4^B)^{2^{K-1-i}}$ or by 1, so that the entry in question moves behind the
point; $\sigma(4^ju + \tfrac16)$ reads digit j, because the fractional part decides and nothing has to be reduced. The
output interpolates the table: $\sum_q\sum_j2^{-j}\mathrm{relu}(\Phi_q + \mathrm{bit}_j - 1) + 2^{-B} - 1$.

| variant | W | error |
|---|---|---|
| a chain of multiplications for each digit | $12mB + 18B + 20m - 10$ | $\exp(-c\sqrt W)$, as published |
| one chain shared by all digits | $32m + 22B - 14$ | $\exp(-cW)$, an improvement of this library |

A weight has $2B(2^{m-1}+1)$ bits. Up to m = 5 or so the list of units runs in exact rationals; calling the network
interpolates the decoded table, which is the same function outside of zones in which both stay within $2^{-B}$ of each
other.

References:
    arXiv:1906.09477, section on "deep Fourier" expressive power (T-periodic activations).
"""

from fractions import Fraction
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ...._checks import argument_error, check_choice, check_whole, check_x64
from . import gadgets
from .base import AbstractNetwork, Function, Lattice, check_points, look, write_down
from .units import Graph, Units


# |sigma| is at least this on [1/6, 1/3] and [2/3, 5/6]; for the sine any number up to sqrt(3)/2 does.
MARGINS = {"triangle": Fraction(2, 3), "sine": Fraction(4, 5)}
LARGEST_LIST = 8  # digits; the weights of a list of units have 2^m B bits


class PeriodicLookup(AbstractNetwork):
    """The network; build it with `periodic`.

    Attributes:
        table: the stored whole numbers, one for each node.
        num_digits: $m$; there are $2^m$ cells.
        bits: $B$.
        shared: whether all digits share one chain of multiplications.
        wave: `"triangle"` or `"sine"`, of period 1.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> net = ap.periodic(ap.target("kink"), num_digits=4, bits=6)
        >>> net.num_weights, net.encoding_bits, net.table.shape  # the table is in two weights of so many bits
        (246, 108, (17,))
    """

    table: Int[Array, " nodes"]
    num_digits: int = eqx.field(static=True)
    bits: int = eqx.field(static=True)
    shared: bool = eqx.field(static=True)
    wave: str = eqx.field(static=True)

    @property
    def num_weights(self) -> int:
        """$W$."""
        m, b = self.num_digits, self.bits
        return 32 * m + 22 * b - 14 if self.shared else 12 * m * b + 18 * b + 20 * m - 10

    @property
    def num_growing(self) -> int:
        """The part of $W$ that grows like a size."""
        return self.num_weights

    @property
    def depth(self) -> int:
        """$L = 3m + 7$."""
        return 3 * self.num_digits + 7

    @property
    def encoding_bits(self) -> int:
        """Bits of the longest encoding weight."""
        return 2 * (self.bits if self.shared else 1) * (2 ** (self.num_digits - 1) + 1)

    @property
    def values(self) -> Float[Any, " nodes"]:
        """The decoded table."""
        return 2 * (self.table + 0.5) / 2**self.bits - 1

    @property
    def lattice(self) -> Lattice:
        """Nodes, which all are patch boundaries of one family, and the zones of the first index digit."""
        size = 2**self.num_digits
        return Lattice(size, np.arange(1, size) / size, self.zone)

    @property
    def zone(self) -> float:
        """Width of a zone in x."""
        return 2.0 ** -(self.num_digits + self.bits + 3)

    def __call__(self, x: Any) -> Float[Any, " points"]:
        """Values at points in [0, 1]: the interpolant of the decoded table."""
        x = check_points(x)
        xp, values = (jnp, self.values) if isinstance(x, jax.Array) else (np, np.asarray(self.values))
        scaled = x * 2**self.num_digits
        cell = xp.minimum(scaled.astype(int), 2**self.num_digits - 1)
        return values[cell] + (scaled - cell) * (values[cell + 1] - values[cell])

    def to_units(self) -> Units:
        """The explicit list of units, with whole and rational weights: run it on an object array of `Fraction`s.

        Raises:
            ValueError: more digits than a list can be written for.
        """
        if self.num_digits > LARGEST_LIST:
            remedy = f"Its weight has {self.encoding_bits} bits; count with num_weights."
            raise argument_error("num_digits", f"at most {LARGEST_LIST} to be listed", self.num_digits, remedy)
        return write_down(self)

    def program(self, net: Graph, x: Any) -> Any:
        """What the network computes, in exact numbers."""
        m, size = self.num_digits, 2**self.num_digits
        tent = gadgets.tent(net, x, m)
        odd = self._family(net, net.unit(x), self.table[1::2], m - 1, tent)
        even = self._family(net, net.unit((x + 1 / size) / 2), self.table[0::2], m, 1 - tent)
        return odd + even + (2.0**-self.bits - 1)

    def _family(self, net: Graph, point: Any, entries: Any, num_index: int, weight: Any) -> Any:
        complements, zone = [], self.zone
        for i in range(num_index):
            complements.append(net.unit(1 - net.unit((point - 0.5) / zone + 1)))
            if i < num_index - 1:
                point = net.unit(2 * point - 1 + complements[-1])
            zone = min(2 * zone, 0.25)
        digits = (entries[:, None].astype(object) >> np.arange(self.bits - 1, -1, -1)) & 1
        half = 1 / (2 * MARGINS[self.wave])
        memory = self._memory(net, digits, complements) if self.shared else None
        total = 0
        for j in range(self.bits):
            entry = self._memory(net, digits[:, j : j + 1], complements) if memory is None else memory * 4**j
            wave = net.unit(entry + Fraction(1, 6), self.wave)
            complement = net.unit(1 - net.unit(Fraction(1, 2) - wave * half))
            total = net.unit(weight - complement) * 2.0**-j + total
        return total

    def _memory(self, net: Graph, digits: np.ndarray, complements: list[Any]) -> Any:
        """The encoding weight, multiplied until the entry of the index stands behind the point."""
        number = 0
        for digit in digits.ravel().tolist():
            number = 4 * number + 2 * digit
        memory, bound = net.unit(Fraction(number, 4**digits.size)), 1
        for i, complement in enumerate(complements):
            factor = 4 ** (digits.shape[1] * 2 ** (len(complements) - 1 - i))
            chosen = net.unit(memory - complement * bound)
            memory = net.unit(memory + chosen * (factor - 1))
            bound *= factor
        return memory


def periodic(f: Function, num_digits: int, bits: int, *, shared: bool = True, wave: str = "triangle") -> PeriodicLookup:
    """Store a function with $|f|\\le1$ in one weight per family.

    Args:
        f: from points of shape (points,) to values in $[-1, 1]$.
        num_digits: $m\\ge2$; there are $2^m$ cells.
        bits: $B$ per node; $\\lceil rm\\rceil + 2$ keeps the error of storage below that of interpolation.
        shared: one chain of multiplications for all bits, or one for each as in the paper.
        wave: `"triangle"`, exact in rationals; or `"sine"`.

    Raises:
        ValueError: too few digits or bits, an unknown wave, or a function of wrong shape or with values out of range.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("kink")
        >>> nets = [ap.periodic(f, num_digits=m, bits=m + 2) for m in (4, 8, 12)]
        >>> [net.num_weights for net in nets]
        [246, 462, 678]
        >>> [round(2**net.num_digits * ap.sup_error(net, f), 3) for net in nets]  # the error falls as 2^-m
        [0.417, 0.417, 0.417]
    """
    check_x64("periodic")
    num_digits, bits = check_whole("num_digits", num_digits, 2), check_whole("bits", bits)
    check_choice("wave", wave, tuple(MARGINS))
    if bits > 50:
        raise argument_error("bits", "at most 50", bits, "Float64 cannot tell more apart.")
    size = 2**num_digits
    values = look(f, np.arange(size + 1) / size)
    if np.abs(values).max() > 1:
        raise argument_error("f", "between -1 and 1", float(np.abs(values).max()), "Scale the function down.")
    table = np.minimum(np.floor((values + 1) / 2 * 2.0**bits), 2.0**bits - 1).astype(np.int64)
    return PeriodicLookup(jnp.asarray(table), num_digits, bits, bool(shared), wave)
