r"""The phase diagram of approximation rates: which powers $W^{-p}$ are possible, and what they cost.

For the unit ball of Hoelder functions of smoothness r on the d-cube, with $c = r/d$ and depth $L\sim W^\alpha$:

| region | condition | weights | depth |
|---|---|---|---|
| shallow continuous | $0<p<c$ | continuous in the function | $O(1)$ |
| boundary | $p=c$ | continuous | $O(1)$ if $r\le2$, else $O(\log W)$ |
| deep discontinuous | $c<p<2c$ | discontinuous | $\alpha\ge p/c-1$ |
| boundary | $p=2c$ | discontinuous | $\alpha=1$ |
| infeasible | $p>2c$ | | |

Continuous weights stop at $c$ by nonlinear widths. The depth bound counts: $n^d$ bumps of height $n^{-r}$ are a
shattered set, and the VC dimension of a ReLU network is at most of order $W\min(L\log W, W)$. Other activations
change the counting only:

| activation | VC dimension | reached | excluded |
|---|---|---|---|
| relu | $WL\log W$ | $(1+\alpha)c$ | above it |
| piecewise_polynomial | $WL^2$, $W^2$ | $(1+\alpha)c$ | above $\min(1+2\alpha,2)c$ |
| sigmoid | $W^4$ | $2c$ | above $4c$; between is open |
| periodic (with ReLU) | infinite | any (error $e^{-cW^{1/2}}$, or $e^{-cW}$) | nothing |

References:
    arXiv:1906.09477, theorems on the phase diagram and on other activations.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import argument_error, check_at_least, check_choice, check_positive, is_concrete
from ...phases import PhaseDiagram, PhasePoint, sweep
from ...status import Status


ACTIVATIONS = ("relu", "piecewise_polynomial", "sigmoid", "periodic")
PHASES = ("shallow continuous", "boundary p = r/d", "deep discontinuous", "boundary p = 2r/d", "infeasible", "open")
TOLERANCE = 1e-12  # of p d/r, where a boundary is met


class Region(NamedTuple):
    """A row of the table: name, kind of weights, and depth."""

    name: str
    weights: str
    depth: str


def phase(p: Any, r: Any, d: Any, activation: str = "relu") -> str:
    """Name of the region of the rate $W^{-p}$; both borders are called "boundary".

    Args:
        p: the rate.
        r: smoothness.
        d: dimension.
        activation: one of `ACTIVATIONS`.

    Raises:
        ValueError: p or r is not positive, d is below 1, or the activation is unknown.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> ap.phase(0.75, r=1, d=2)
        'deep discontinuous'
    """
    return region(p, r, d, activation).name


def region(p: Any, r: Any, d: Any, activation: str = "relu") -> Region:
    """The row of the table in which the rate $W^{-p}$ lies.

    Args:
        p: the rate.
        r: smoothness.
        d: dimension.
        activation: one of `ACTIVATIONS`.

    Raises:
        ValueError: as for `phase`, or not a single point.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> ap.region(0.75, r=1, d=2)
        Region(name='deep discontinuous', weights='discontinuous', depth='W^0.5')
    """
    label = np.asarray(classify(p, r, d, activation))
    if label.ndim:
        raise argument_error("p", "a single number", label.shape, "Use `classify` for arrays.")
    constant = activation in ("piecewise_polynomial", "sigmoid") or float(np.asarray(r)) <= 2
    alpha = float(np.asarray(p * d / r)) - 1
    deep = f"W^{alpha:.3g}" if activation == "relu" else "deep"
    return (
        Region("shallow continuous", "continuous", "O(1)" if constant else "O(log W)"),
        Region("boundary", "continuous", "O(1)" if constant else "O(log W)"),
        Region("deep discontinuous", "discontinuous", deep),
        Region("boundary", "discontinuous", "W" if activation == "relu" else "deep"),
        Region("infeasible", "none", "none"),
        Region("open", "unknown", "unknown"),
    )[int(label)]


def classify(p: Any, r: Any, d: Any, activation: str = "relu") -> Any:
    """Index into `PHASES` for arrays of rates; works under `jit` and `vmap`.

    Args:
        p: the rate.
        r: smoothness.
        d: dimension.
        activation: one of `ACTIVATIONS`.

    Raises:
        ValueError: as for `phase`.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> ap.PHASES[int(ap.classify(0.75, 1, 2))] == ap.phase(0.75, r=1, d=2)
        True
    """
    _check(r, d, activation)
    _check_rate(p)
    xp = _module(p, r, d)
    ratio = xp.asarray(p * d / r)
    inner = xp.where(ratio < 1 - TOLERANCE, 0, xp.where(ratio <= 1 + TOLERANCE, 1, 2))
    if activation == "periodic":
        return inner
    beyond = xp.where(ratio <= 4 + TOLERANCE, 5, 4) if activation == "sigmoid" else 4
    return xp.where(ratio < 2 - TOLERANCE, inner, xp.where(ratio <= 2 + TOLERANCE, 3, beyond))


def min_depth_exponent(p: Any, r: Any, d: Any, activation: str = "relu") -> Any:
    """The smallest $\\alpha$ of a depth $W^\\alpha$ that the rate $W^{-p}$ does not exclude; above 1: infeasible.

    For ReLU it is necessary (up to a logarithm) and sufficient. For piecewise polynomials the known lower bound is
    half of it; for the others no bound is known.

    Args:
        p: the rate.
        r: smoothness.
        d: dimension.
        activation: one of `ACTIVATIONS`.

    Raises:
        ValueError: as for `phase`.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> float(ap.min_depth_exponent(0.75, r=1, d=2))
        0.5
    """
    _check(r, d, activation)
    _check_rate(p)
    share = {"relu": 1.0, "piecewise_polynomial": 0.5}.get(activation, 0.0)
    return share * _module(p, r, d).maximum(0.0, p * d / r - 1)


def max_rate(alpha: Any, r: Any, d: Any, activation: str = "relu") -> Any:
    """The best rate that is reached at depth $W^\\alpha$: $(1+\\mathrm{clip}(\\alpha,0,1))\\,r/d$.

    Args:
        alpha: depth exponent.
        r: smoothness.
        d: dimension.
        activation: with `"periodic"` the error falls faster than any power as soon as alpha is positive.

    Raises:
        ValueError: r is not positive, d is below 1, or the activation is unknown.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> float(ap.max_rate(1.0, r=1, d=1)), float(ap.max_rate(0.0, r=1, d=1))
        (2.0, 1.0)
    """
    _check(r, d, activation)
    xp = _module(alpha, r, d)
    rate = (1 + xp.clip(alpha, 0, 1)) * r / d
    return xp.where(xp.asarray(alpha) > 0, xp.inf, rate) if activation == "periodic" else rate


def rate_bound(alpha: Any, r: Any, d: Any, activation: str = "relu") -> Any:
    """The rate above which everything is excluded at depth $W^\\alpha$, by the VC dimension.

    Args:
        alpha: depth exponent.
        r: smoothness.
        d: dimension.
        activation: one of `ACTIVATIONS`.

    Raises:
        ValueError: as for `max_rate`.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> names = ("relu", "piecewise_polynomial")
        >>> [float(ap.rate_bound(0.25, r=1, d=1, activation=name)) for name in names]
        [1.25, 1.5]
        >>> [float(ap.max_rate(0.25, r=1, d=1, activation=name)) for name in names]  # between is open
        [1.25, 1.25]
    """
    _check(r, d, activation)
    alpha = _module(alpha, r, d).clip(alpha, 0, 1)
    minimum = _module(alpha, r, d).minimum
    factor = {
        "relu": 1 + alpha,
        "piecewise_polynomial": minimum(1 + 2 * alpha, 2.0),
        "sigmoid": 4.0 + 0 * alpha,
        "periodic": np.inf + 0 * alpha,
    }[activation]
    return factor * r / d


class _Point(NamedTuple):
    activation: str

    def __call__(self, ratio: Any, p: Any) -> PhasePoint:
        label = classify(p, ratio, 1.0, self.activation)
        return PhasePoint(min_depth_exponent(p, ratio, 1.0, self.activation), label, jnp.asarray(int(Status.SOLVED)))


def phase_diagram(ratios: Any, rates: Any, activation: str = "relu") -> PhaseDiagram:
    """Phases in the plane of $r/d$ and p; the order parameter is the depth exponent.

    Args:
        ratios: values of $r/d$.
        rates: values of p.
        activation: one of `ACTIVATIONS`.

    Raises:
        ValueError: the activation is unknown or an axis is not 1-d.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> ap.phase_diagram(jnp.linspace(0.1, 3.0, 5), jnp.linspace(0.1, 6.0, 4)).labels.shape
        (5, 4)
    """
    check_choice("activation", activation, ACTIVATIONS)
    return sweep(_Point(activation), {"ratio": ratios, "p": rates}, PHASES)


def _check(r: Any, d: Any, activation: str) -> None:
    check_choice("activation", activation, ACTIVATIONS)
    check_positive("r", r, "Smoothness is above zero.")
    if is_concrete(d):
        check_at_least("d", d, 1, "A dimension is a whole number.")


def _check_rate(p: Any) -> None:
    if is_concrete(p) and not (np.asarray(p) > 0).all():
        raise argument_error("p", "above zero", np.asarray(p).tolist(), "A rate is above zero; it may be infinite.")


def _module(*values: Any) -> Any:
    return jnp if any(isinstance(value, jax.Array) for value in values) else np
