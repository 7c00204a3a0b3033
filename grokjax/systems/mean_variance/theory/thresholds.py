r"""Where fits collapse and where they begin, in closed form up to one-dimensional roots.

At a constant precision $\Lambda=c$ ($\beta=\infty$) the modes of the lattice decouple. With $a=2\alpha$ and
$\hat y_k$, $\kappa_k$ of `lattice.modes`, a fit is stationary where

$$ G(c) = c\,\langle r^2\rangle = \frac1n\sum_k\hat y_k^2\,c\Big(\frac{a\kappa_k}{c+a\kappa_k}\Big)^2 = 1, $$

and a minimum where $G$ crosses 1 upwards. A finite fit exists if and only if

$$ \alpha\ge\alpha_c=\frac1{2M},\qquad
M=\max_{s>0}\,s\,\frac1n\sum_k\hat y_k^2\Big(\frac{\kappa_k}{s+\kappa_k}\Big)^2,\qquad\Lambda_c=s^*/M. $$

In the square a strength is a curve: $\gamma=\alpha\rho/(1-\rho)$, or $1-\gamma=\beta\rho/(1-\rho)$. These curves are
the borders of the published diagrams.
"""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from ...._checks import argument_error, check_positive, check_whole, check_x64
from ...._printing import AbstractPrinted
from ....theory.roots import bisect, last_true
from ..system import MeanVariance, check_inputs, check_targets
from .continuation import continuation
from .lattice import Sites, modes


FITTED = 0.05  # share of the variance explained where a mean counts as fitted
HALVINGS = 60  # of a logarithm between ends 100 apart
SPREAD = 0.05  # standard deviation of log precision where it counts as adapted


class Fold(AbstractPrinted):
    """Where the last fit of constant precision ends.

    Attributes:
        alpha: $\\alpha_c$.
        precision: $\\Lambda_c$, finite at the fold.
    """

    alpha: Scalar
    precision: Scalar


def critical_alpha(targets: Sites, inputs: Sites | None = None, *, weighting: str = "density") -> Scalar:
    r"""$\alpha_c$ at $\beta=\infty$: below it no fit has a finite precision. It can be differentiated in the targets.

    Args:
        targets: $y$, on equally spaced sites of [0, 1] unless `inputs` say otherwise.
        inputs: distinct positions.
        weighting: of the Dirichlet energy, "density" or "lebesgue".

    Raises:
        ValueError: fewer than three targets, targets that are constant or not finite, repeated inputs.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> alpha = mv.critical_alpha(mv.sine(16).targets)
        >>> twice = mv.critical_alpha(2 * mv.sine(16).targets)  # units of the targets
        >>> round(float(alpha / twice), 6)
        4.0
    """
    return fold(targets, inputs, weighting=weighting).alpha


def fold(targets: Sites, inputs: Sites | None = None, *, weighting: str = "density") -> Fold:
    """The fold of `critical_alpha`, with the precision there.

    Args:
        targets: $y$.
        inputs: distinct positions; equally spaced on [0, 1] unless given.
        weighting: "density" or "lebesgue".

    Raises:
        ValueError: as in `critical_alpha`.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> fold = mv.fold(mv.sine(16).targets)
        >>> bool(fold.alpha == mv.critical_alpha(mv.sine(16).targets)), bool(fold.precision > 1)
        (True, True)
    """
    check_x64("theory")
    targets = jnp.asarray(targets, float)
    check_targets(targets)
    if inputs is not None:
        inputs = jnp.asarray(inputs, float)
        check_inputs(inputs, targets.shape[0])
    kappa, power = modes(targets, inputs, weighting)
    height = lambda log_s: jnp.log(_gain(jnp.exp(log_s), kappa, power))
    log_s = jax.lax.stop_gradient(_maximise(height, jnp.log(kappa[1]) - 5, jnp.log(kappa[-1]) + 5))
    largest = jnp.exp(height(log_s))
    return Fold(1 / (2 * largest), jnp.exp(log_s) / largest)


def white_noise_critical_alpha(num_sites: int, variance: Any) -> Scalar:
    r"""$\alpha_c$ of white noise on the lattice, $1/(4g_{\max}n(n-1)\sigma^2)\simeq1.05\,h^2/\sigma^2$.

    It is what remains of the threshold at large n, and vanishes with the spacing: $g(u)=u\langle(1-\cos q)^2/(u+1-\cos
    q)^2\rangle_q=u\,(1-2u/\sqrt{u^2+2u}+u^2(1+u)/(u^2+2u)^{3/2})$.

    Args:
        num_sites: $n$.
        variance: $\sigma^2$, of the noise on a site.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> sites, variance = 64, 1.0
        >>> round(float(mv.white_noise_critical_alpha(sites, variance)) * sites * (sites - 1), 3)
        1.053
    """
    check_whole("num_sites", num_sites, 2)
    check_positive("variance", variance)

    def height(log_u):
        u = jnp.exp(log_u)
        root = jnp.sqrt(u * u + 2 * u)
        return jnp.log(u * (1 - 2 * u / root + u * u * (1 + u) / root**3))

    largest = jnp.exp(height(_maximise(height, jnp.asarray(-6.0), jnp.asarray(6.0))))
    return 1 / (4 * largest * num_sites * (num_sites - 1) * variance)


class Borders(AbstractPrinted):
    r"""Strengths at which the lattice's phases change; each is a curve in the square.

    Attributes:
        collapse: $\alpha_c$; O_I below it. Exact for $\beta\to\infty$; on the reference set to 2 % for
            $\beta\ge10^{-3}$.
        fit: $\alpha$ at which a mean of constant precision explains 5 % of the variance; U above it.
        adapt: $\beta$ at which a small response of the precision to a flat mean's squares has a spread of 5 %.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> border = mv.borders(mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2))
        >>> bool(jnp.isclose(border.collapse, mv.critical_alpha(mv.sine(16).targets)))
        True
    """

    collapse: Scalar
    fit: Scalar
    adapt: Scalar


def borders(system: MeanVariance, *, weighting: str = "density") -> Borders:
    r"""The borders of the phase diagram, from linear theory at constant precision and at a flat mean.

    Args:
        system: data on a line; its strengths are not used.
        weighting: "density" or "lebesgue".

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> border = mv.borders(mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2))
        >>> bool(border.collapse < 1e-2 < border.fit)  # at alpha = .01 the mean adapts
        True
    """
    data = system.data
    variance, square = jnp.var(data.targets), (data.targets - jnp.mean(data.targets)) ** 2
    kappa, power = modes(data.targets, data.inputs, weighting)
    unfitted = lambda x: jnp.mean(power[1:] * (kappa[1:] / (jnp.exp(x) + kappa[1:])) ** 2) * (1 - 1 / power.shape[0])
    low, high = jnp.log(kappa[1]) - 30, jnp.log(kappa[-1]) + 30
    ratio = jnp.exp(bisect(lambda x: unfitted(x) > (1 - FITTED) * variance, low, high, HALVINGS))
    precision = 1 / ((1 - FITTED) * variance)
    _, noise = modes(square, data.inputs, weighting)

    def response(x):
        bend = 4 * jnp.exp(x) / variance**2 * kappa[1:]
        return jnp.sqrt(jnp.sum(noise[1:] / (1 + bend) ** 2) / power.shape[0]) / variance

    adapt = jnp.exp(bisect(lambda x: response(x) > SPREAD, -60.0, 60.0, HALVINGS))
    return Borders(critical_alpha(data.targets, data.inputs, weighting=weighting), precision / (2 * ratio), adapt)


def iso_alpha(alpha: Any, rho: Any) -> Any:
    r"""$\gamma=\alpha\rho/(1-\rho)$, the curve of one strength of the mean; above one it has left the square.

    Args:
        alpha: the strength.
        rho: in (0, 1).

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> float(mv.iso_alpha(0.25, rho=0.5))
        0.25
    """
    return alpha * rho / (1 - rho)


def iso_beta(beta: Any, rho: Any) -> Any:
    r"""$\gamma=1-\beta\rho/(1-\rho)$, the curve of one strength of the precision.

    Args:
        beta: the strength.
        rho: in (0, 1).

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> float(mv.iso_beta(0.25, rho=0.5))
        0.75
    """
    return 1 - beta * rho / (1 - rho)


def diagonal_collapse(alpha: Any) -> Any:
    r"""Where the diagonal $\rho=t$, $\gamma=1-t$ meets $\alpha_c$: $t_c=1+\alpha_c/2-\sqrt{\alpha_c+\alpha_c^2/4}$.

    Args:
        alpha: $\alpha_c$.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> t = mv.diagonal_collapse(0.01)
        >>> bool(jnp.isclose(mv.iso_alpha(0.01, rho=t), 1 - t))
        True
    """
    return 1 + alpha / 2 - jnp.sqrt(alpha + alpha**2 / 4)


def spinodal(system: MeanVariance, *, tolerance: float = 1e-5, num_points: int = 9) -> Scalar:
    r"""$\alpha_c(\beta)$ at the system's $\beta$: where the fit that comes down from large $\alpha$ is lost.

    The fit is followed along a path of falling $\alpha$; the last step that holds is refined again and again.

    Args:
        system: data, and $\beta$, one number; $\alpha$ is not used.
        tolerance: relative width of the interval that is left.
        num_points: points of a path.

    Raises:
        ValueError: $\beta$ is an array.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> bool(mv.spinodal(system, tolerance=0.1) < 1.1 * mv.critical_alpha(system.data.targets))
        True
    """
    if jnp.ndim(system.beta):
        raise argument_error("beta", "one number", f"shape {jnp.shape(system.beta)}", "Loop over it.")
    threshold = critical_alpha(system.data.targets, system.data.inputs)
    # The threshold at infinite beta is the largest; the fit at twice of it is reached from the cold start.
    high, low, start = 2 * threshold, threshold * 1e-3, "cold"
    while float(high / low) > 1 + tolerance:
        alphas = jnp.geomspace(high, low, num_points)
        way = continuation(system, alphas, init=start).up
        last, any_held = last_true(way.converged)
        last = min(int(last), num_points - 2)
        if not any_held:
            return jnp.asarray(jnp.nan)
        high, low = alphas[last], alphas[last + 1]
        start = jax.tree.map(lambda leaf, last=last: leaf[last], way.solution.fields)
    return jnp.sqrt(high * low)


class TwoSites(AbstractPrinted):
    r"""The exact symmetric fit of $y=(-1,1)$: $\mu=(-m,m)$, $\Lambda=c(1,1)$.

    Attributes:
        mean: $m$.
        precision: $c$.
        pitchfork: $\beta$ below which the mean latches onto one datum, $1/16c^2$.
    """

    mean: Float[Array, "*points"]
    precision: Float[Array, "*points"]
    pitchfork: Float[Array, "*points"]


def two_sites(alpha: Any) -> TwoSites:
    r"""The smallest field theory: $z=(4\alpha-1)-\sqrt{(4\alpha-1)^2-1}$, $m=z/(1+z)$, $c=8\alpha z$.

    There is no fit, and the answer is nan, below $\alpha=1/2$.

    Args:
        alpha: strength of the mean's regulariser.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> fit = mv.two_sites(jnp.array([0.4, 0.5, 1.0]))
        >>> jnp.round(fit.mean, 3).tolist()  # no fit below 1/2
        [nan, 0.5, 0.146]
    """
    b = 4 * jnp.asarray(alpha, float) - 1
    z = b - jnp.sqrt(b**2 - 1)
    c = 8 * jnp.asarray(alpha, float) * z
    return TwoSites(z / (1 + z), c, 1 / (16 * c**2))


def depth_transition(depth: int) -> tuple[float, float]:
    r"""Where weight decay on a homogeneous network of some depth first lets it fit, and the jump of its output.

    The smallest norm of output scale s costs $s^{2/D}$, and $V=(1-s)^2/2+\lambda s^{2/D}$ has two minima of equal
    height at $s=0$ and $s=(D-2)/(D-1)$ for $D\ge3$; at $D=2$ they merge. The field theory has no such barrier at $s=0$:
    this is why the borders of networks are sharper, and depend on where training starts.

    Args:
        depth: $D$, layers of weights.

    Returns:
        $\lambda$ and $s$.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> [mv.depth_transition(depth)[1] for depth in (2, 3)]  # a jump from three layers on
        [0.0, 0.5]
    """
    depth = check_whole("depth", depth, 2)
    s = (depth - 2) / (depth - 1)
    return (0.5 - (1 - s) ** 2 / 2) / s ** (2 / depth) if s > 0 else 1.0, s


def _gain(s: Scalar, kappa: Sites, power: Sites) -> Scalar:
    return s * jnp.mean(power * (kappa / (s + kappa)) ** 2)


def _maximise(function: Any, low: Scalar, high: Scalar, num_scan: int = 400) -> Scalar:
    """The highest point of a scan, refined by golden section between its neighbours."""
    points = jnp.linspace(low, high, num_scan)
    best = jnp.clip(jnp.argmax(jax.vmap(function)(points)), 1, num_scan - 2)
    golden = (math.sqrt(5) - 1) / 2

    def narrow(_, ends):
        a, b = ends
        left, right = b - golden * (b - a), a + golden * (b - a)
        lower = function(left) > function(right)
        return jnp.where(lower, a, left), jnp.where(lower, right, b)

    a, b = jax.lax.fori_loop(0, 60, narrow, (points[best - 1], points[best + 1]))
    return (a + b) / 2
