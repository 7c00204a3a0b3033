r"""The profile of the number of specialised neurons, $F(k)=-\log p(k)$, per data set: its barrier is the network's.

Convex for the systems of arXiv:2310.03789 at leading order, so there is no barrier between networks, only between
neurons.
"""

from typing import Any

import equinox as eqx
import numpy as np

from .._checks import argument_error
from .profile import highest_barrier
from .statistics import Estimate, jackknife, over_members


FEWEST = 30  # records of a number below which its share is not looked at


class NumberProfile(eqx.Module):
    r"""$F(k)$ of one rung, about the mean number of every data set.

    Attributes:
        number: $k$ less the mean of the data set, rounded.
        profile: $F$, zero at its minimum; errors here and below are over members.
        barrier: the highest top of $F$ above lower values on both sides of it; 0 where there is a single minimum.
        variance: $\mathrm{Var}\,k/\langle k\rangle$, one for independent neurons.
        mean: $\langle k\rangle$.

    Examples:
        >>> from types import SimpleNamespace
        >>> from grokjax.evidence.droplets import number_profile
        >>> share = np.random.default_rng(0).binomial(10, 0.3, size=(1, 4, 5000)) / 10
        >>> run = SimpleNamespace(series=SimpleNamespace(side_weight=share), diverged=np.zeros((1, 4), bool))
        >>> found = number_profile(run, width=10, rung=0)
        >>> found.number.tolist(), float(found.barrier.mean)  # about the mean; one minimum
        ([-3, -2, -1, 0, 1, 2, 3, 4], 0.0)
    """

    number: np.ndarray
    profile: Estimate
    barrier: Estimate
    variance: Estimate
    mean: Estimate


def number_profile(run: Any, width: int, rung: int) -> NumberProfile:
    """Of a run on a ladder whose measure has a side weight.

    Args:
        run: with `series.side_weight`.
        width: number of neurons.
        rung: index.

    Raises:
        ValueError: the run follows no side weight.

    Examples:
        >>> from types import SimpleNamespace
        >>> from grokjax.evidence.droplets import number_profile
        >>> share = np.random.default_rng(0).binomial(10, 0.3, size=(1, 4, 5000)) / 10
        >>> run = SimpleNamespace(series=SimpleNamespace(side_weight=share), diverged=np.zeros((1, 4), bool))
        >>> found = number_profile(run, width=10, rung=0)
        >>> round(float(found.mean.mean), 1), round(float(found.variance.mean), 1)  # as of the binomial law
        (3.0, 0.7)
    """
    share = getattr(run.series, "side_weight", None)
    if share is None:
        raise argument_error("run", "one that follows the side weight", type(run.series).__name__, "See `measure`.")
    members = np.asarray(share, float)[rung][~np.asarray(run.diverged)[rung]]
    numbers = np.rint(members * width).astype(int)
    centred = numbers - np.rint(numbers.mean(axis=1, keepdims=True)).astype(int)
    low, high = centred.min(), centred.max()
    counts = np.stack([np.bincount(row - low, minlength=high - low + 1) for row in centred])
    seen = counts.sum(axis=0)
    kept = np.flatnonzero(seen >= min(FEWEST, seen.max()))
    kept = np.arange(kept[0], kept[-1] + 1)
    counts = counts[:, kept]

    minus_log = lambda counts: -np.log(np.maximum(counts, 0.5 / len(members)))  # nothing seen: half a record in all
    profile = _jackknife(minus_log, counts)
    mean = members.mean(axis=1) * width
    ratio = (members * width).var(axis=1) / np.maximum(mean, 1e-12)
    return NumberProfile(
        kept + low,
        Estimate(profile.mean - profile.mean.min(), profile.error),
        _jackknife(lambda counts: _height(minus_log(counts)), counts),
        over_members(ratio),
        over_members(mean),
    )


def _jackknife(function: Any, counts: np.ndarray) -> Estimate:
    """Of the mean histogram, with the error from leaving members out; the bias of a maximum is not taken off."""
    error = jackknife(function, counts).error if len(counts) > 1 else np.nan
    return Estimate(np.asarray(function(counts.mean(axis=0))), error)


def _height(profile: np.ndarray) -> float:
    found = highest_barrier(profile)
    return 0.0 if found is None else float(profile[found[1]] - max(profile[found[0]], profile[found[2]]))
