r"""The mean integrated out, at constant precision: a finite noise estimate where the joint fit collapses.

With weight $e^{-nF}$ the mean is Gaussian at a given precision, $\mu|\Lambda\sim N(A^{-1}\Lambda y,A^{-1})$ with
$A=\mathrm{diag}\,\Lambda+2\alpha nK$, and $F+\frac1{2n}\log\det A$ is left for $\Lambda$. The determinant cancels
the drive $-\frac12\log c$ of the likelihood: as $\Lambda=c\to\infty$ the marginal free energy tends to a constant.
This is the cure of restricted maximum likelihood. (For the same reason a flat prior on c is improper.) Stationary
points obey

$$ c\,\frac1n\sum_k\hat y_k^2\Big(\frac{a\kappa_k}{c+a\kappa_k}\Big)^2 + \frac1n\sum_k\frac c{c+a\kappa_k} = 1. $$
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Scalar

from ...._checks import check_positive, check_x64
from ....theory.roots import bisect
from ..system import check_inputs, check_targets
from .lattice import Sites, modes


def marginal_free_energy(
    targets: Sites, alpha: Any, precision: Any, inputs: Sites | None = None, *, weighting: str = "density"
) -> Scalar:
    r"""$F(c)+\frac1{2n}\log\det A$ at $\beta=\infty$, minimised over the mean.

    Args:
        targets: $y$.
        alpha: strength of the mean's regulariser.
        precision: $c$.
        inputs: distinct positions; equally spaced on [0, 1] unless given.
        weighting: "density" or "lebesgue".

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> targets = mv.sine(64).targets
        >>> best = mv.marginal_precision(targets, 1e-2)
        >>> at = lambda factor: mv.marginal_free_energy(targets, 1e-2, factor * best)
        >>> bool(at(1.0) < at(0.9)) and bool(at(1.0) < at(1.1))
        True
    """
    kappa, power = modes(jnp.asarray(targets, float), inputs, weighting)
    stiff = 2 * alpha * kappa
    return jnp.mean(power * precision * stiff / (precision + stiff) + jnp.log1p(stiff / precision)) / 2


def marginal_precision(
    targets: Sites, alpha: Any, inputs: Sites | None = None, *, weighting: str = "density"
) -> Scalar:
    r"""The constant precision with the mean integrated out: the lowest minimum of `marginal_free_energy`; nan if none.

    Args:
        targets: $y$.
        alpha: strength of the mean's regulariser, one number.
        inputs: distinct positions; equally spaced on [0, 1] unless given.
        weighting: "density" or "lebesgue".

    Raises:
        ValueError: the targets, inputs or strength are unfit.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> targets = mv.sine(64).targets
        >>> bool(mv.critical_alpha(targets) > 1e-4), round(float(mv.marginal_precision(targets, 1e-4)), 2)
        (True, 7.23)
    """
    check_x64("theory")
    check_positive("alpha", alpha)
    targets = jnp.asarray(targets, float)
    check_targets(targets)
    if inputs is not None:
        check_inputs(inputs, targets.shape[0])
    kappa, power = modes(targets, inputs, weighting)
    stiff = 2 * alpha * kappa

    def slope(log_c):
        c = jnp.exp(log_c)
        return jnp.mean(power * c * (stiff / (c + stiff)) ** 2 + c / (c + stiff)) - 1

    grid = jnp.linspace(-20.0, 30.0, 2001)
    values = jax.vmap(slope)(grid)
    upwards = (values[:-1] < 0) & (values[1:] >= 0)
    heights = jax.vmap(lambda x: marginal_free_energy(targets, alpha, jnp.exp(x), inputs, weighting=weighting))(grid)
    first = jnp.argmin(jnp.where(upwards, heights[:-1], jnp.inf))

    log_c = bisect(lambda x: slope(x) < 0, grid[first], grid[first + 1])
    return jnp.where(jnp.any(upwards), jnp.exp(log_c), jnp.nan)
