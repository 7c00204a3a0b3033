r"""Functions of known smoothness, each about in the unit ball of its class, with the points where they break.

| name | function | smoothness |
|---|---|---|
| kink | $|x - 1/3|^r$, self-similar on dyadic grids; in d dimensions the cone | r (d > 1: at most 1) |
| zigzag | 64 random kinks, slopes $\pm1$ | 1 |
| weierstrass | $\tfrac18\sum_{k<24}2^{-rk}\cos2\pi(2^kx+\phi_k)$, random phases | r < 1 |
| sine | $\sin(2\pi x)/(2\pi)^r$ | any |
| parabola | $|x|^2/2$ | 2 |
| rough | $f''=$ sign of a Weierstrass function of order 1/2 | 2 |
| bumps | 64 tents of width 1/64 and slope 1 with random signs | 1 |
"""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import argument_error, check_choice


NUM_WAVES = 24
ROUGH_NODES = 2**16  # the kinks of f' sit on this grid, finer than any that is measured for r = 2


class Target(eqx.Module):
    """A function on the unit cube that knows its singular points; call it with numpy or jax points.

    Attributes:
        function: from points to values.
        singular: points of the cube where it is least smooth, shape (points,) or (points, d).

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("kink")
        >>> f(np.array([0.0, 1.0])).round(3).tolist(), f.singular.round(3).tolist()
        ([0.333, 0.667], [0.333])
    """

    function: Callable[[Any], Any] = eqx.field(static=True)
    singular: np.ndarray

    def __call__(self, x: Any) -> Any:
        """Values at points."""
        return self.function(x)


def target(name: str, order: float = 1.0, dim: int = 1, *, seed: int = 0) -> Target:
    """A function by its name.

    Args:
        name: see the table.
        order: $r$.
        dim: $d$; above 1 for `"kink"`, `"sine"` and `"parabola"` only.
        seed: of random phases, kinks and signs.

    Raises:
        ValueError: an unknown name, or one that has no form in this dimension.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> float(ap.target("kink")(np.array([1.0]))[0].round(6))  # |x - 1/3|
        0.666667
    """
    check_choice("target", name, tuple(_BUILDERS))
    if dim > 1:
        if name not in _CUBE:
            raise argument_error("target", f"one of {tuple(_CUBE)} above one dimension", name, "Or give a function.")
        return Target(_CUBE[name](order), np.full((1, dim), 1 / 3))
    return _BUILDERS[name](order, np.random.default_rng(seed))


def _xp(x: Any) -> Any:
    return jnp if isinstance(x, jax.Array) else np


def _kink(order: float, rng: Any) -> Target:
    return Target(lambda x: abs(x - 1 / 3) ** order, np.array([1 / 3]))


def _sine(order: float, rng: Any) -> Target:
    return Target(lambda x: _xp(x).sin(2 * math.pi * x) / (2 * math.pi) ** order, np.array([0.25, 0.75]))


def _parabola(order: float, rng: Any) -> Target:
    return Target(lambda x: x**2 / 2, np.zeros(0))


def _piecewise_linear(knots: np.ndarray, values: np.ndarray) -> Target:
    return Target(lambda x: _xp(x).interp(x, knots, values), knots[1:-1])


def _zigzag(order: float, rng: Any, num_kinks: int = 64) -> Target:
    knots = np.concatenate([[0.0], np.sort(rng.random(num_kinks)), [1.0]])
    values = np.cumsum(np.diff(knots, prepend=0) * (-1.0) ** np.arange(len(knots)))
    return _piecewise_linear(knots, values)


def bumps(num_bumps: int, *, seed: int = 0) -> Target:
    """Tents of width $1/K$ and height $1/(2K)$ with random signs: any pattern of signs lies in the class of r = 1.

    Args:
        num_bumps: $K$.
        seed: of the signs.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.bumps(4)
        >>> np.abs(f(np.array([0.125, 0.375, 0.625, 0.875]))).tolist()  # 1/(2K); signs are random
        [0.125, 0.125, 0.125, 0.125]
    """
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], num_bumps)
    values = np.zeros(2 * num_bumps + 1)
    values[1::2] = signs / (2 * num_bumps)
    return _piecewise_linear(np.arange(2 * num_bumps + 1) / (2 * num_bumps), values)


def _weierstrass(order: float, rng: Any) -> Target:
    phases = rng.random(NUM_WAVES)

    def function(x):
        xp = _xp(x)
        total = 0.0
        for k in range(NUM_WAVES):
            total = total + 2.0 ** (-order * k) * xp.cos(2 * math.pi * ((2.0**k * x) % 1.0 + phases[k]))
        return total / 8

    return Target(function, np.zeros(0))


def _rough(order: float, rng: Any) -> Target:
    """Integrated twice in closed form between the sign changes, which are put on a grid."""
    middles = (np.arange(ROUGH_NODES) + 0.5) / ROUGH_NODES
    signs = np.sign(_weierstrass(0.5, rng)(middles))
    h = 1 / ROUGH_NODES
    slope = np.concatenate([[0.0], np.cumsum(signs * h)])
    slope -= slope.mean()
    value = np.concatenate([[0.0], np.cumsum(slope[:-1] * h + signs * h**2 / 2)])

    def function(x):
        xp = _xp(x)
        cell = xp.minimum((x * ROUGH_NODES).astype(int), ROUGH_NODES - 1)
        t = x - cell * h
        tables = [xp.asarray(table) for table in (value, slope, signs)]
        return tables[0][cell] + t * tables[1][cell] + t**2 / 2 * tables[2][cell]

    return Target(function, np.flatnonzero(np.diff(signs))[:2000] * h + h)


_BUILDERS = {
    "kink": _kink,
    "zigzag": _zigzag,
    "weierstrass": _weierstrass,
    "sine": _sine,
    "parabola": _parabola,
    "rough": _rough,
    "bumps": lambda order, rng: bumps(64, seed=int(rng.integers(2**31))),
}

_CUBE = {
    "kink": lambda order: lambda x: ((x - 1 / 3) ** 2).sum(-1) ** (min(order, 1.0) / 2),
    "sine": lambda order: lambda x: _xp(x).sin(2 * math.pi * x).mean(-1) / (2 * math.pi) ** order,
    "parabola": lambda order: lambda x: (x**2).sum(-1) / 2,
}
