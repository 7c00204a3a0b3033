r"""Small programs that several constructions share; each is an exact identity of ReLU units.

With $\hat g(y) = 2\,\mathrm{relu}(y) - 4\,\mathrm{relu}(y-\tfrac12)$, the hat on $[0,1]$, and $g^{(s)}$ its s-fold
composition:

| gadget | identity |
|---|---|
| `tent` | $g^{(k)}(y)$: rises from 0 to 1 on even cells of width $2^{-k}$, falls on odd ones |
| `square` | $f_m(z) = z - \sum_{s\le m} g^{(s)}(z)/4^s$, $z^2$ at $k/2^m$; error in $[0, 4^{-m-1}]$ |
| `multiply` | $2R^2[f_m(\tfrac{|u+v|}{2R}) - f_m(\tfrac{|u|}{2R}) - f_m(\tfrac{|v|}{2R})]$; error $\le R^2 4^{-m}$ |
| `digit` | the leading one of B binary digits, taken from 1: exact as long as the number is |
| `clip` | $\mathrm{clip}(D, -E, E) = \mathrm{relu}(D+E) - \mathrm{relu}(D-E) - E$ |

References:
    arXiv:1610.01145, propositions 2 and 3.
"""

from typing import Any


def tent(net: Any, y: Any, num_hats: int) -> Any:
    """The sawtooth $g^{(k)}(y)$ as a form in two units; $6k - 2$ weights."""
    a, c = net.unit(y), net.unit(y - 0.5)
    a, c = net.repeat(num_hats - 1, lambda a, c: (net.unit(2 * a - 4 * c), net.unit(2 * a - 4 * c - 0.5)), a, c)
    return 2 * a - 4 * c


def square(net: Any, z: Any, num_hats: int, *, merge: bool = False) -> Any:
    """$f_m(z)$ for $0\\le z\\le1$.

    Args:
        net: the interpreter.
        z: a form.
        num_hats: $m$.
        merge: read the linear term off the first unit, which holds it too, and save the connections from `z`.
    """
    a, c = net.unit(z), net.unit(z - 0.5)
    total = (a if merge else z) - (2 * a - 4 * c) / 4

    def level(a, c, total, scale):
        a, c = net.unit(2 * a - 4 * c), net.unit(2 * a - 4 * c - 0.5)
        return a, c, total - (2 * a - 4 * c) * scale, scale / 4

    return net.repeat(num_hats - 1, level, a, c, total, 1 / 16)[2]


def multiply(net: Any, u: Any, v: Any, num_hats: int, radius: float = 1.0, *, merge: bool = False) -> Any:
    """$uv$ for $|u|, |v|\\le R$, by three squares.

    Args:
        net: the interpreter.
        u: a form.
        v: a form.
        num_hats: $m$ of each square.
        radius: $R$.
        merge: as in `square`.
    """
    product = 0
    for sign, w in ((1, u + v), (-1, u), (-1, v)):
        size = net.unit(w / (2 * radius)) + net.unit(-w / (2 * radius))
        product = product + square(net, size, num_hats, merge=merge) * (sign * 2 * radius**2)
    return product


def multiply_exactly(net: Any, u: Any, v: Any) -> Any:
    """$uv = \\frac14[(u+v)^2 - (u-v)^2]$ by four units $\\sigma(t) = \\mathrm{relu}(t)^2$: no error, one layer."""
    unit = lambda form: net.unit(form, "relu2")
    return (unit(u + v) + unit(-u - v) - unit(u - v) - unit(v - u)) / 4


def digit(net: Any, code: Any, num_bits: int) -> Any:
    """1 minus the leading digit of a number in $[0, 1)$ that has `num_bits` binary digits; anything in between else."""
    return net.unit(1 - net.unit(2.0**num_bits * code - (2.0 ** (num_bits - 1) - 1)))


def shift(net: Any, code: Any, complement: Any) -> Any:
    """The number without its leading digit, twice as large."""
    return net.unit(2 * code - 1 + complement)


def envelope(net: Any, tent: Any, num_cells: int, rise: tuple[float, float], height: Any) -> Any:
    """0 up to a distance `rise[0]` from the nodes, then a ramp up to `height` at distance `rise[1]`.

    Args:
        net: the interpreter.
        tent: the tent coordinate on the cells.
        num_cells: $N$.
        rise: where the ramp begins and ends.
        height: a bound of what is to be clipped.
    """
    a, c = net.unit(tent), net.unit(tent - 0.5)
    ramp = ((a - 2 * c) / num_cells - rise[0]) / (rise[1] - rise[0])
    return (net.unit(ramp) - net.unit(ramp - 1)) * height


def clip(net: Any, value: Any, bound: Any) -> Any:
    """`value`, cut off at `bound` and its negative."""
    return net.unit(value + bound) - net.unit(value - bound) - bound
