r"""A network is a program, and a program is read twice: with numbers it computes, with linear forms it lists its units.

Every construction of this folder is written once, as a function `program(net, x)` of an interpreter `net`. A `Numbers`
interpreter runs it on arrays (numpy, or jax under `jit`). A `Graph` interpreter runs it on `Form`s
$b + \sum_j w_j v_j$ and writes down each unit $v = \sigma(b + \sum_j w_j v_j)$, with its weights. So what is counted is
what is computed, and `Units` is the plain list that anybody can count, check and run again.

| convention | |
|---|---|
| $W$ | connections plus biases, one bias for each unit, the output too, also when its value is 0 |
| $L$ | longest path from an input to the output, in units (one hidden layer and a linear output: 2) |

References:
    arXiv:1906.09477, section 2; arXiv:1610.01145, section 2.
"""

from collections.abc import Callable
from fractions import Fraction
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np


ACTIVATIONS: dict[str, Callable[[Any, Any], Any]] = {
    "relu": lambda xp, t: xp.maximum(t, 0),
    "relu2": lambda xp, t: xp.maximum(t, 0) ** 2,
    "triangle": lambda xp, t: 1 - abs((4 * t + 1) % 4 - 2),
    "sine": lambda xp, t: xp.sin(2 * np.pi * (t % 1).astype(float)),
    "linear": lambda xp, t: t,
}


class Unit(NamedTuple):
    """One unit: its activation, the indices that it reads (inputs first, then units), their weights, its bias.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> ap.interpolant(ap.target("kink"), num_cells=8).to_units().units[0]
        Unit(activation='relu', sources=(0,), weights=(1,), bias=0.0)
    """

    activation: str
    sources: tuple[int, ...]
    weights: tuple[Any, ...]
    bias: Any


class Units(NamedTuple):
    """The explicit list of units; the last one is the linear output.

    Attributes:
        num_inputs: inputs have the indices 0, ..., num_inputs - 1.
        units: in an order in which each reads only earlier ones.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("kink")
        >>> net = ap.two_scale(f, num_cells=64, num_fine=24)
        >>> units, x = net.to_units(), np.linspace(0, 1, 5)
        >>> len(units.units), bool(np.allclose(units(x), net(x), rtol=0, atol=1e-12))  # unit by unit, and at once
        (266, True)
    """

    num_inputs: int
    units: tuple[Unit, ...]

    @property
    def num_weights(self) -> int:
        """$W$: connections and biases, counted unit by unit."""
        return sum(len(unit.sources) + 1 for unit in self.units)

    @property
    def levels(self) -> list[int]:
        """Longest path from an input to each unit."""
        levels = [0] * self.num_inputs
        for unit in self.units:
            levels.append(1 + max((levels[source] for source in unit.sources), default=0))
        return levels[self.num_inputs :]

    @property
    def depth(self) -> int:
        """$L$: longest path from an input to the output."""
        return self.levels[-1]

    def __call__(self, x: Any, activations: dict[str, Callable[[Any, Any], Any]] = ACTIVATIONS) -> np.ndarray:
        """Run the list on points, unit by unit, in the arithmetic of `x`.

        Args:
            x: shape (points,) or (points, inputs); float64, float32, or an object array of exact rationals.
            activations: the functions behind the names.
        """
        x = np.asarray(x)
        columns = list(x.T) if x.ndim == 2 else [x]
        as_number = Fraction if x.dtype == object else x.dtype.type
        for unit in self.units:
            total = np.full(len(x), as_number(unit.bias), x.dtype)
            for source, weight in zip(unit.sources, unit.weights, strict=True):
                total = total + as_number(weight) * columns[source]
            value = activations[unit.activation](np, total)
            columns.append(value.astype(x.dtype) if x.dtype != object else np.array([Fraction(v) for v in value]))
        return columns[-1]


class Form:
    """A linear form in the values of inputs and units. A term stays even when its weight happens to be zero."""

    __array_ufunc__ = None  # numpy scalars leave the arithmetic to the form
    __slots__ = ("constant", "terms")

    def __init__(self, terms: dict[int, Any], constant: Any = 0):
        self.terms, self.constant = terms, constant

    def __add__(self, other: Any) -> "Form":
        if not isinstance(other, Form):
            return Form(self.terms, self.constant + _plain(other))
        terms = dict(self.terms)
        for index, weight in other.terms.items():
            terms[index] = terms.get(index, 0) + weight
        return Form(terms, self.constant + other.constant)

    def __mul__(self, factor: Any) -> "Form":
        factor = _plain(factor)
        return Form({index: weight * factor for index, weight in self.terms.items()}, self.constant * factor)

    def __truediv__(self, divisor: Any) -> "Form":
        divisor = _plain(divisor)
        return Form({index: weight / divisor for index, weight in self.terms.items()}, self.constant / divisor)

    def __neg__(self) -> "Form":
        return self * -1

    def __sub__(self, other: Any) -> "Form":
        return self + (-other)

    def __rsub__(self, other: Any) -> "Form":
        return -self + other

    __radd__, __rmul__ = __add__, __mul__


def _plain(number: Any) -> Any:
    return number.item() if isinstance(number, np.ndarray | np.generic) else number


class Graph:
    """The interpreter that writes a program down as a list of units."""

    def __init__(self, num_inputs: int = 1):
        self.num_inputs = num_inputs
        self.units: list[Unit] = []
        self.inputs = [Form({index: 1}) for index in range(num_inputs)]

    def unit(self, form: Any, activation: str = "relu") -> Form:
        """A new unit that reads `form`; a number makes a unit of a bias alone."""
        form = form if isinstance(form, Form) else Form({}, _plain(form))
        self.units.append(Unit(activation, tuple(form.terms), tuple(form.terms.values()), form.constant))
        return Form({self.num_inputs + len(self.units) - 1: 1})

    def repeat(self, count: int, body: Callable[..., tuple], *carry: Any) -> tuple:
        """`body` applied `count` times."""
        for _ in range(count):
            carry = body(*carry)
        return carry

    def steps(self, x: Form, positions: Any, width: float, activation: str = "relu") -> "GraphSteps":
        """Two units for each position: the ramp $P$ and $S = \\sigma(1 - P)$."""
        ramps = [self.unit((x - position) / width, activation) for position in map(_plain, positions)]
        return GraphSteps(x, width, ramps, [self.unit(1 - ramp, activation) for ramp in ramps])

    def build(self, output: Form) -> Units:
        """The list, closed by the linear output."""
        self.unit(output, "linear")
        return Units(self.num_inputs, tuple(self.units))


class GraphSteps(NamedTuple):
    """Steps as units; see `NumberSteps` for what they mean."""

    x: Form
    width: float
    ramps: list[Form]
    offs: list[Form]

    def constant(self, values: Any) -> Form:
        """Piecewise constant: one weight for each step."""
        values = np.asarray(values).tolist()
        terms = zip(self.offs, values[:-1], values[1:], strict=True)
        return _sum((off * (before - after) for off, before, after in terms), values[-1])

    def linear(self, start: Any, slopes: Any) -> Form:
        """Piecewise linear and continuous, read off the ramps."""
        slopes = np.asarray(slopes).tolist()
        terms = zip(self.ramps, slopes[:-1], slopes[1:], strict=True)
        bends = _sum((ramp * ((after - before) * self.width) for ramp, before, after in terms), _plain(start))
        return self.x * slopes[0] + bends


def _sum(forms: Any, constant: Any) -> Form:
    """Sum of forms of one term each, in linear time."""
    terms: dict[int, Any] = {}
    for form in forms:
        terms |= form.terms
    return Form(terms, constant)


class Numbers(NamedTuple):
    """The interpreter that runs a program on arrays of points.

    Attributes:
        xp: `numpy`, or `jax.numpy` inside of `jit`.
    """

    xp: Any

    def unit(self, value: Any, activation: str = "relu") -> Any:
        """The activation of `value`."""
        return ACTIVATIONS[activation](self.xp, value)

    def repeat(self, count: int, body: Callable[..., tuple], *carry: Any) -> tuple:
        """`body` applied `count` times; one compiled loop under jax."""
        if self.xp is np:
            for _ in range(count):
                carry = body(*carry)
            return carry
        shapes = jax.eval_shape(body, *carry)
        carry = tuple(
            jnp.broadcast_to(jnp.asarray(value, float), like.shape) for value, like in zip(carry, shapes, strict=True)
        )
        return jax.lax.fori_loop(0, count, lambda _, carry: body(*carry), carry)

    def steps(self, x: Any, positions: Any, width: float, activation: str = "relu") -> "NumberSteps":
        """At most one step is on its way at a point, so the sum over steps is a look-up."""
        positions = self.xp.asarray(positions)
        if not positions.size:
            return NumberSteps(self.xp, x, positions, self.xp.zeros(x.shape, int), self.xp.zeros(x.shape))
        passed = self.xp.searchsorted(positions, x, side="right")
        ramp = self.unit((x - positions[self.xp.maximum(passed, 1) - 1]) / width, activation)
        off = self.xp.where(passed > 0, self.unit(1 - ramp, activation), 0.0)
        return NumberSteps(self.xp, x, positions, passed, off)


class NumberSteps(NamedTuple):
    """Steps at sorted positions, exactly 1 before and exactly 0 a width behind each position.

    Attributes:
        xp: the array module.
        x: the points.
        positions: where pieces end.
        passed: number of positions that lie at or before a point.
        off: $S$ of the last of them, which is not yet 0 inside of its zone.
    """

    xp: Any
    x: Any
    positions: Any
    passed: Any
    off: Any

    def constant(self, values: Any) -> Any:
        """`values[i]` on piece i; in a zone, on the way from one to the next."""
        values = self.xp.asarray(values)
        here, before = values[self.passed], values[self.xp.maximum(self.passed, 1) - 1]
        return here + (before - here) * self.off

    def linear(self, start: Any, slopes: Any) -> Any:
        """`start` at 0, slope `slopes[i]` on piece i, continuous."""
        slopes = self.xp.asarray(slopes)
        knots = self.xp.concatenate([self.xp.zeros(1), self.positions])
        rises = self.xp.cumsum(slopes[:-1] * self.xp.diff(knots))
        values = start + self.xp.concatenate([self.xp.zeros(1), rises])
        return values[self.passed] + slopes[self.passed] * (self.x - knots[self.passed])
