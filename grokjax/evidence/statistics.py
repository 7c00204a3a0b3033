"""Statistics of ensembles: members are independent, so errors over members need no model.

Everything here runs on the host, in float64 numpy, on arrays of shape (member, ...). What chains say of their own
convergence is in `convergence`.
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
