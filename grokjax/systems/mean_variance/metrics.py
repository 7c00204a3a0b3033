r"""How good a mean and a precision are: the same functions of the same numbers on both roads.

$u_i=\Phi((y_i-\mu_i)\sqrt{\Lambda_i})$ are uniform if the Gaussian is right, and the expected calibration error is
$\int_0^1|F_n(t)-t|\,dt$ with their empirical distribution $F_n$, here without sampling. It is 1/4 for a standard
deviation that is far too large *and* for one that is zero; the likelihood is the proper score.

References:
    arXiv:2306.16717, section 4 (metrics).
"""

import math

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from ..._printing import AbstractPrinted


Values = Float[Array, " samples"]


class Metrics(AbstractPrinted):
    r"""Of predictions on some samples; plain numbers, or `Estimate`s of them.

    Attributes:
        mse: mean of $r^2$.
        sd_mse: mean of $(\Lambda^{-1/2}-|r|)^2$; not proper, and near `mse` where the standard deviation vanishes.
        chi2: mean of $\Lambda r^2$.
        nll: mean negative log likelihood, $\frac12[\Lambda r^2-\log\Lambda+\log2\pi]$.
        calibration_error: expected calibration error of all quantiles.
        coverage: share of targets within one standard deviation, .683 for the right Gaussian.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> held_out = mv.predict(system).test
        >>> type(held_out).__name__, held_out.nll.shape
        ('Metrics', ())
    """

    mse: Scalar
    sd_mse: Scalar
    chi2: Scalar
    nll: Scalar
    calibration_error: Scalar
    coverage: Scalar


def metrics(mean: Values, precision: Values, targets: Values) -> Metrics:
    r"""All metrics of Gaussian predictions.

    Args:
        mean: $\mu$.
        precision: $\Lambda$.
        targets: $y$.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> scores = mv.metrics(jnp.zeros(4), jnp.ones(4), jnp.array([-2.0, -0.5, 0.5, 2.0]))
        >>> float(scores.mse), float(scores.coverage)
        (2.125, 0.5)
    """
    z2 = precision * (mean - targets) ** 2
    return Metrics(
        mse=jnp.mean((mean - targets) ** 2),
        sd_mse=sd_mse(mean, precision, targets),
        chi2=jnp.mean(z2),
        nll=jnp.mean(z2 - jnp.log(precision) + math.log(2 * math.pi)) / 2,
        calibration_error=calibration_error(mean, precision, targets),
        coverage=jnp.mean(z2 < 1, dtype=z2.dtype),
    )


def sd_mse(mean: Values, precision: Values, targets: Values) -> Scalar:
    r"""Mean of $(\Lambda^{-1/2}-|r|)^2$, the paper's error of the standard deviation.

    Args:
        mean: $\mu$.
        precision: $\Lambda$.
        targets: $y$.
    """
    return jnp.mean((precision**-0.5 - jnp.abs(mean - targets)) ** 2)


def population_nll(mean: Values, precision: Values, true_mean: Values, true_noise: Values) -> Scalar:
    r"""Negative log likelihood of fresh targets at the same inputs.

    $$ \tfrac12\big\langle\Lambda[(\mu-m)^2+f^2]-\log\Lambda+\log2\pi\big\rangle $$

    Args:
        mean: $\mu$.
        precision: $\Lambda$.
        true_mean: $m$.
        true_noise: $f$, a standard deviation.
    """
    expected = precision * ((mean - true_mean) ** 2 + true_noise**2)
    return jnp.mean(expected - jnp.log(precision) + math.log(2 * math.pi)) / 2


def calibration_error(mean: Values, precision: Values, targets: Values) -> Scalar:
    r"""Expected calibration error, in closed form.

    Args:
        mean: $\mu$.
        precision: $\Lambda$.
        targets: $y$.
    """
    return distance_from_uniform(jax.scipy.stats.norm.cdf((targets - mean) * jnp.sqrt(precision)))


def distance_from_uniform(u: Values) -> Scalar:
    r"""$\int_0^1|F_n(t)-t|\,dt$ for the empirical distribution $F_n$ of $u\in[0,1]$.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> float(mv.distance_from_uniform(jnp.array([0.5, 0.5])))  # a standard deviation that is far too large
        0.25
    """
    edges = jnp.concatenate([jnp.zeros(1, u.dtype), jnp.sort(u), jnp.ones(1, u.dtype)])
    low, high = edges[:-1], edges[1:]
    level = jnp.arange(u.shape[0] + 1, dtype=u.dtype) / u.shape[0]
    area = lambda t: (t - level) * jnp.abs(t - level) / 2  # the primitive of |t - level|
    return jnp.sum(area(high) - area(low))
