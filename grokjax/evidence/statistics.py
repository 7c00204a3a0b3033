"""Statistics of ensembles: members are independent, so errors over members need no model.

Everything here runs on the host, in float64 numpy, on arrays of shape (member, ...) or (member, record). R-hat and the
effective sample size are numpyro's.

References:
    Split R-hat and ESS: Gelman et al., Bayesian Data Analysis, 3rd ed., section 11.4-11.5; arXiv:1903.08008.
"""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._checks import argument_error, check_positive, check_whole


LARGEST_Z = 5.0  # what may happen by chance among hundreds of numbers; beyond it, something is wrong


class Estimate(eqx.Module):
    """A mean and the standard error of it.

    Examples:
        >>> print(grokjax.Estimate(np.float64(0.5213), np.float64(0.0048)))
        0.5213(48)
    """

    mean: Any
    error: Any

    def __str__(self) -> str:
        mean, error = np.asarray(self.mean), np.asarray(self.error)
        if mean.ndim:
            return "[" + ", ".join(str(Estimate(m, e)) for m, e in zip(mean, error, strict=True)) + "]"
        if not np.isfinite(error) or error <= 0:
            return f"{float(mean):.6g}"
        decimals = max(0, 1 - math.floor(math.log10(error)))
        return f"{float(mean):.{decimals}f}({round(float(error) * 10**decimals)})"


def over_members(values: Any, *, axis: int = 0, keep: np.ndarray | None = None) -> Estimate:
    """Mean over independent members and its standard error, std/sqrt(members).

    Args:
        values: member values along `axis`.
        axis: the member axis.
        keep: boolean, in the shape of `values`; entries that are False are left out.

    Examples:
        >>> grokjax.statistics.over_members([1.0, 2.0, 3.0]).mean.tolist()
        2.0
    """
    values = np.asarray(values, np.float64)
    keep = np.ones(values.shape, bool) if keep is None else np.broadcast_to(keep, values.shape)
    count = keep.sum(axis)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = np.where(keep, values, 0).sum(axis) / count
        squares = np.where(keep, (values - np.expand_dims(mean, axis)) ** 2, 0).sum(axis)
        error = np.sqrt(squares / (count - 1) / count)
    return Estimate(mean, error)


def over_datasets(values: Any, num_datasets: int, diverged: np.ndarray, *, axis: int = -1) -> Estimate:
    """Mean and error from member values: seeds of a data set are averaged, errors are over data sets.

    Of a single data set errors are over its seeds, and say nothing about other data sets.

    Members that diverged are left out, so are values that are no number (what a member does not define, such as a test
    error without test data), and data sets without a value.

    Args:
        values: member m along `axis` has data set m modulo `num_datasets`; shape (*sweep, member, ...).
        num_datasets: independent data sets.
        diverged: shape (*sweep, member).
        axis: the member axis, a negative number.

    Examples:
        >>> values, diverged = [1.0, 5.0, 3.0, 5.0], np.zeros(4, bool)  # data sets 0, 1, 0, 1
        >>> print(grokjax.statistics.over_datasets(values, 2, diverged))
        3.5(15)
    """
    values = np.moveaxis(np.asarray(values, np.float64), axis, -1)
    lost = np.asarray(diverged)
    lost = lost.reshape(*lost.shape[:-1], *(1,) * (values.ndim - lost.ndim), lost.shape[-1])
    keep = ~np.broadcast_to(lost, values.shape) & ~np.isnan(values)
    num_datasets = values.shape[-1] if num_datasets == 1 else num_datasets
    shape = (*values.shape[:-1], -1, num_datasets)
    grouped, keep = values.reshape(shape), keep.reshape(shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        per_dataset = np.where(keep, grouped, 0).sum(axis=-2) / keep.sum(axis=-2)
    return over_members(per_dataset, axis=-1, keep=keep.any(axis=-2))


def over_subsets(values: Any, *, num_subsets: int = 5, axis: int = 0) -> Estimate:
    """Mean, and the error from the spread of the means of `num_subsets` subsets of members, as in arXiv:2310.03789.

    Examples:
        >>> print(grokjax.statistics.over_subsets(np.arange(10.0)))
        4.5(14)
    """
    values = np.moveaxis(np.asarray(values, np.float64), axis, 0)
    check_whole("num_subsets", num_subsets, 2, "Their spread is the error.")
    if len(values) < num_subsets:
        raise argument_error(
            "values", f"at least {num_subsets} members", len(values), "Run more members or use over_members."
        )
    means = np.stack([subset.mean(axis=0) for subset in np.array_split(values, num_subsets)])
    return Estimate(values.mean(axis=0), means.std(axis=0, ddof=1) / math.sqrt(num_subsets))


def jackknife(function: Callable[[np.ndarray], Any], values: Any) -> Estimate:
    """A nonlinear function of the member mean, with the leave-one-out error (and its bias taken off).

    Examples:
        >>> square = grokjax.statistics.jackknife(lambda mean: mean**2, [1.0, 2.0, 3.0])
        >>> round(float(square.mean), 4)  # the square of the mean less its variance, 4 - 1/3
        3.6667
    """
    values = np.asarray(values, np.float64)
    count = len(values)
    whole = np.asarray(function(values.mean(axis=0)))
    left_out = (values.sum(axis=0) - values) / (count - 1)
    parts = np.stack([np.asarray(function(row)) for row in left_out])
    centre = parts.mean(axis=0)
    error = np.sqrt((count - 1) / count * ((parts - centre) ** 2).sum(axis=0))
    return Estimate(count * whole - (count - 1) * centre, error)


def wilson_interval(fraction: Any, trials: Any, *, z: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Lower and upper end of Wilson's interval of a probability.

    Unlike the plain binomial error it stays honest when all or none of the trials succeed.

    Args:
        fraction: successes over trials.
        trials: how many.
        z: standard errors on each side.

    Examples:
        >>> low, high = grokjax.statistics.wilson_interval(np.array([1.0]), 10)
        >>> bool(0.8 < low[0] < 1.0), round(float(high[0]), 6)
        (True, 1.0)
    """
    fraction, trials = np.asarray(fraction, float), np.asarray(trials, float)
    centre = (fraction + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(fraction * (1 - fraction) / trials + z**2 / (4 * trials**2))
    return centre - half, centre + half


def effective_sample_size(series: Any) -> float:
    """ESS of a scalar series of shape (member, record), pooled over members.

    Examples:
        >>> independent = np.random.default_rng(0).normal(size=(4, 500))
        >>> repeated = np.repeat(independent, 5, axis=1)  # 10000 records, 2000 of them new
        >>> round(grokjax.statistics.effective_sample_size(repeated), -3)
        2000.0
    """
    from numpyro.diagnostics import effective_sample_size as numpyro_ess

    return float(numpyro_ess(_series(series, 4)))


def over_chains(series: Any) -> Estimate:
    """Mean and error of chains that sample one and the same law, from their effective sample size.

    Args:
        series: shape (..., chain, record); chains that are not finite are left out.

    Examples:
        >>> independent = np.random.default_rng(0).normal(size=(4, 500))
        >>> error = grokjax.statistics.over_chains(np.repeat(independent, 5, axis=1)).error
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


def autocorrelation_time(series: Any) -> float:
    """Integrated autocorrelation time in records: number of records over ESS.

    Examples:
        >>> independent = np.random.default_rng(0).normal(size=(4, 500))
        >>> round(grokjax.statistics.autocorrelation_time(np.repeat(independent, 5, axis=1)))
        5
    """
    series = _series(series, 4)
    return series.size / effective_sample_size(series)


def split_rhat(series: Any) -> float:
    """Split R-hat of a scalar series of shape (member, record).

    Members with data sets of their own have different means by right, and R-hat well above 1: it certifies
    equilibrium only among members that sample one and the same posterior.

    Examples:
        >>> chains = np.random.default_rng(0).normal(size=(4, 500))
        >>> apart = chains + np.array([0.0, 0.0, 9.0, 9.0])[:, None]
        >>> round(grokjax.statistics.split_rhat(chains), 1), grokjax.statistics.split_rhat(apart) > 3
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
        >>> chains = np.random.default_rng(0).normal(size=(2, 4, 500))
        >>> chains[1] += 9.0  # another data set, another mean
        >>> round(float(grokjax.statistics.pooled_rhat(chains)), 1)
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
        >>> chains = np.random.default_rng(0).normal(size=(2, 16, 50))
        >>> apart = chains + np.array([0.0, 9.0])[:, None, None]  # the starts are not forgotten
        >>> round(float(grokjax.statistics.nested_rhat(chains)), 1), bool(grokjax.statistics.nested_rhat(apart) > 3)
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


def finite_mean(values: Any, axis: int) -> np.ndarray:
    """Mean over the finite entries along an axis; nan if there are none.

    Examples:
        >>> grokjax.statistics.finite_mean([[1.0, np.nan, 3.0], [np.nan] * 3], axis=-1).tolist()
        [2.0, nan]
    """
    values = np.asarray(values, np.float64)
    finite = np.isfinite(values)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(finite, values, 0).sum(axis=axis) / finite.sum(axis=axis))


def _ratio(total: Any, within: Any) -> np.ndarray:
    """sqrt(total/within), 1 where nothing moves at all."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, np.sqrt(total / within), 1.0)


def time_mean_error(series: Any, *, num_batches: int = 6) -> np.ndarray:
    """Standard error of a chain's time average, from batch means about their linear trend, pooled over chains.

    Args:
        series: shape (..., chain, record); chains that are not finite are left out.
        num_batches: consecutive batches of a chain, longer than its memory.

    Examples:
        >>> chains = np.random.default_rng(0).normal(size=(100, 2500))
        >>> round(float(grokjax.statistics.time_mean_error(chains)), 2)  # 1/sqrt(2500)
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
        >>> float(grokjax.statistics.drift([np.arange(10.0)]).mean)
        5.0
    """
    series = np.asarray(series, np.float64)
    half = series.shape[-1] // 2
    if not half:
        return Estimate(*(np.full(series.shape[:-2], np.nan) for _ in range(2)))
    change = series[..., -half:].mean(axis=-1) - series[..., :half].mean(axis=-1)
    count = np.maximum(np.isfinite(change).sum(axis=-1), 1)
    return Estimate(finite_mean(change, axis=-1), 2 * time_mean_error(series) / np.sqrt(count))


class TwoStart(eqx.Module):
    """Whether a cold and a hot start end in the same place.

    Attributes:
        z_score: difference in standard errors, in the structure of the order parameters.
        threshold: the largest |z| that counts as agreement.

    Examples:
        >>> cold = {"overlap": grokjax.Estimate(np.float64(0.5), np.float64(0.03))}
        >>> hot = {"overlap": grokjax.Estimate(np.float64(0.9), np.float64(0.04))}
        >>> print(grokjax.two_start(cold, hot))
        cold and hot start DISAGREE: not in equilibrium (largest |z| 8.0, threshold 5)
    """

    z_score: Any
    threshold: float

    @property
    def largest(self) -> float:
        """The largest |z|."""
        return max(float(np.max(np.abs(leaf))) for leaf in jax.tree.leaves(self.z_score))

    @property
    def agree(self) -> bool:
        """Whether every order parameter agrees within the threshold."""
        return self.largest <= self.threshold

    def __str__(self) -> str:
        verdict = "agree" if self.agree else "DISAGREE: not in equilibrium"
        return f"cold and hot start {verdict} (largest |z| {self.largest:.1f}, threshold {self.threshold:g})"


def two_start(cold: Any, hot: Any, *, threshold: float = LARGEST_Z) -> TwoStart:
    """Compare two pytrees of `Estimate` from independent runs.

    Examples:
        >>> cold = {"overlap": grokjax.Estimate(np.float64(0.5), np.float64(0.03))}
        >>> hot = {"overlap": grokjax.Estimate(np.float64(0.54), np.float64(0.04))}
        >>> float(round(grokjax.two_start(cold, hot).largest, 1))
        0.8
    """
    check_positive("threshold", threshold)
    return TwoStart(jax.tree.map(z_score, cold, hot, is_leaf=is_estimate), threshold)


def z_score(a: Any, b: Any) -> np.ndarray:
    """(a - b) in standard errors; plain numbers count as exact.

    Examples:
        >>> a = grokjax.Estimate(np.float64(1.0), np.float64(0.3))
        >>> b = grokjax.Estimate(np.float64(0.0), np.float64(0.4))
        >>> float(grokjax.statistics.z_score(a, b))
        2.0
    """
    a, b = as_estimate(a), as_estimate(b)
    difference = np.asarray(a.mean, float) - np.asarray(b.mean, float)
    error = np.hypot(np.asarray(a.error, float), np.asarray(b.error, float))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(error > 0, difference / error, np.where(difference == 0, 0.0, np.sign(difference) * np.inf))


def is_estimate(node: Any) -> bool:
    """Whether a node of a pytree is an `Estimate`: the `is_leaf` of comparisons.

    Examples:
        >>> grokjax.statistics.is_estimate(0.5)
        False
    """
    return isinstance(node, Estimate)


def as_estimate(value: Any) -> Estimate:
    """`value` itself, or a number with zero error.

    Examples:
        >>> float(grokjax.statistics.as_estimate(0.5).error)
        0.0
    """
    return value if is_estimate(value) else Estimate(np.asarray(value, float), np.zeros(np.shape(value)))


def _series(series: Any, least: int) -> np.ndarray:
    series = np.asarray(series, np.float64)
    if series.ndim != 2 or series.shape[1] < least:
        raise argument_error(
            "series", f"of shape (member, record) with at least {least} records", series.shape, "Record more often."
        )
    return series
