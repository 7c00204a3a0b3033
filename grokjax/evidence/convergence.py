"""Convergence of chains: R-hats, effective sample size, autocorrelation time, errors of time averages, and drift.

Everything here runs on the host, in float64 numpy, on arrays of shape (..., chain, record), where a chain is a member
over time. Split R-hat and the effective sample size are numpyro's.

References:
    Split R-hat and ESS: Gelman et al., Bayesian Data Analysis, 3rd ed., section 11.4-11.5; arXiv:1903.08008.
"""

import math
from typing import Any

import numpy as np

from .._checks import argument_error
from .statistics import Estimate, finite_mean


def split_rhat(series: Any) -> float:
    """Split R-hat of a scalar series of shape (member, record).

    Members with data sets of their own have different means by right, and R-hat well above 1: it certifies
    equilibrium only among members that sample one and the same posterior.

    Examples:
        >>> from grokjax.evidence import convergence
        >>> chains = np.random.default_rng(0).normal(size=(4, 500))
        >>> apart = chains + np.array([0.0, 0.0, 9.0, 9.0])[:, None]
        >>> round(convergence.split_rhat(chains), 1), convergence.split_rhat(apart) > 3
        (1.0, True)
    """
    from numpyro.diagnostics import split_gelman_rubin

    return float(split_gelman_rubin(_series(series, 4)))


def pooled_rhat(series: Any) -> np.ndarray:
    r"""Split R-hat of chains on several data sets, each about the mean of its own data set.

    $\hat R^2 = \frac{n-1}{n} + B/W$ with the variance $B$ between, and $W$ within, the half chains of a data set, both
    averaged over data sets: many short chains count together, and data sets may differ.

    Args:
        series: shape (..., dataset, chain, record).

    Examples:
        >>> from grokjax.evidence import convergence
        >>> chains = np.random.default_rng(0).normal(size=(2, 4, 500))
        >>> chains[1] += 9.0  # another data set, another mean
        >>> round(float(convergence.pooled_rhat(chains)), 1)
        1.0
    """
    series = np.asarray(series, np.float64)
    half = series.shape[-1] // 2
    if half < 2:
        return np.full(series.shape[:-3], np.nan)
    halves = np.stack([series[..., :half], series[..., -half:]], axis=-2).reshape(*series.shape[:-2], -1, half)
    between = finite_mean(halves.mean(axis=-1).var(axis=-1, ddof=1), axis=-1)
    within = finite_mean(halves.var(axis=-1, ddof=1).mean(axis=-1), axis=-1)
    return _ratio((half - 1) / half * within + between, within)


def nested_rhat(series: Any) -> np.ndarray:
    r"""Nested R-hat: superchains that started alike, of many short chains each.

    $\hat R^2 = 1 + B/W$ with the variance $B$ of the superchains' means, and $W$ the mean over superchains of the
    variance between the means of their chains plus that within chains. Chains at the same place in different
    superchains may share a data set; its mean is taken off.

    Args:
        series: shape (..., superchain, chain, record).

    References:
        Margossian, Hoffman, Sountsov, Riou-Durand, Vehtari & Gelman, arXiv:2110.13017.

    Examples:
        >>> from grokjax.evidence import convergence
        >>> chains = np.random.default_rng(0).normal(size=(2, 16, 50))
        >>> apart = chains + np.array([0.0, 9.0])[:, None, None]  # the starts are not forgotten
        >>> round(float(convergence.nested_rhat(chains)), 1), bool(convergence.nested_rhat(apart) > 3)
        (1.0, True)
    """
    series = np.asarray(series, np.float64)
    if series.shape[-1] < 2:
        return np.full(series.shape[:-3], np.nan)
    series = series - series.mean(axis=(-3, -1), keepdims=True)
    chains = series.mean(axis=-1)
    centres = finite_mean(chains, axis=-1)
    between = centres.var(axis=-1, ddof=1)
    count = np.maximum(np.isfinite(chains).sum(axis=-1), 2)
    spread = finite_mean((chains - centres[..., None]) ** 2, axis=-1) * count / (count - 1)
    within = finite_mean(spread + finite_mean(series.var(axis=-1, ddof=1), axis=-1), axis=-1)
    return _ratio(within + between, within)


def effective_sample_size(series: Any) -> float:
    """ESS of a scalar series of shape (member, record), pooled over members.

    Examples:
        >>> from grokjax.evidence import convergence
        >>> independent = np.random.default_rng(0).normal(size=(4, 500))
        >>> repeated = np.repeat(independent, 5, axis=1)  # 10000 records, 2000 of them new
        >>> round(convergence.effective_sample_size(repeated), -3)
        2000.0
    """
    from numpyro.diagnostics import effective_sample_size as numpyro_ess

    return float(numpyro_ess(_series(series, 4)))


def autocorrelation_time(series: Any) -> float:
    """Integrated autocorrelation time in records: number of records over ESS.

    Examples:
        >>> from grokjax.evidence import convergence
        >>> independent = np.random.default_rng(0).normal(size=(4, 500))
        >>> round(convergence.autocorrelation_time(np.repeat(independent, 5, axis=1)))
        5
    """
    series = _series(series, 4)
    return series.size / effective_sample_size(series)


def over_chains(series: Any) -> Estimate:
    """Mean and error of chains that sample one and the same law, from their effective sample size.

    Args:
        series: shape (..., chain, record); chains that are not finite are left out.

    Examples:
        >>> from grokjax.evidence import convergence
        >>> independent = np.random.default_rng(0).normal(size=(4, 500))
        >>> error = convergence.over_chains(np.repeat(independent, 5, axis=1)).error
        >>> round(float(error * 2000**0.5), 1)  # 2000 of 10000 records are new
        1.0
    """
    series = np.asarray(series, np.float64)

    def one(chains):
        chains = chains[np.isfinite(chains).all(axis=-1)]
        if not chains.size:
            return np.nan, np.nan
        spread = chains.std()
        known = spread > 1e-12 * np.abs(chains).max() and chains.shape[-1] >= 4
        size = min(effective_sample_size(chains), chains.size) if known else chains.size
        return chains.mean(), spread / math.sqrt(size)

    found = np.array([one(chains) for chains in series.reshape(-1, *series.shape[-2:])])
    return Estimate(*(column.reshape(series.shape[:-2]) for column in found.T))


def time_mean_error(series: Any, *, num_batches: int = 6) -> np.ndarray:
    """Standard error of a chain's time average, from batch means about their linear trend, pooled over chains.

    Args:
        series: shape (..., chain, record); chains that are not finite are left out.
        num_batches: consecutive batches of a chain, longer than its memory.

    Examples:
        >>> from grokjax.evidence import convergence
        >>> chains = np.random.default_rng(0).normal(size=(100, 2500))
        >>> round(float(convergence.time_mean_error(chains)), 2)  # 1/sqrt(2500)
        0.02
    """
    series = np.asarray(series, np.float64)
    if series.shape[-1] < num_batches:
        return np.full(series.shape[:-2], np.nan)
    length = series.shape[-1] // num_batches
    batches = series[..., -length * num_batches :].reshape(*series.shape[:-1], num_batches, length).mean(axis=-1)
    trend = np.arange(num_batches) - (num_batches - 1) / 2
    centred = batches - batches.mean(axis=-1, keepdims=True)
    slope = (centred * trend).sum(axis=-1, keepdims=True) / (trend**2).sum()
    squares = ((centred - slope * trend) ** 2).sum(axis=-1) / (num_batches - 2)
    return np.asarray(np.sqrt(finite_mean(squares, axis=-1) / num_batches))


def drift(series: Any) -> Estimate:
    """Second half minus first half of the records, averaged over members: zero in equilibrium.

    The error is that of the fluctuations in time (`time_mean_error`), so it holds for members on different data sets.

    Args:
        series: shape (..., member, record); members that are not finite are left out.

    Examples:
        >>> from grokjax.evidence import convergence
        >>> float(convergence.drift([np.arange(10.0)]).mean)
        5.0
    """
    series = np.asarray(series, np.float64)
    half = series.shape[-1] // 2
    if not half:
        return Estimate(*(np.full(series.shape[:-2], np.nan) for _ in range(2)))
    change = series[..., -half:].mean(axis=-1) - series[..., :half].mean(axis=-1)
    count = np.maximum(np.isfinite(change).sum(axis=-1), 1)
    return Estimate(finite_mean(change, axis=-1), 2 * time_mean_error(series) / np.sqrt(count))


def _ratio(total: Any, within: Any) -> np.ndarray:
    """sqrt(total/within), 1 where nothing moves at all."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, np.sqrt(total / within), 1.0)


def _series(series: Any, least: int) -> np.ndarray:
    series = np.asarray(series, np.float64)
    if series.ndim != 2 or series.shape[1] < least:
        raise argument_error(
            "series", f"of shape (member, record) with at least {least} records", series.shape, "Record more often."
        )
    return series
