r"""The profile of the number of specialised neurons, $F(k)=-\log p(k)$, per data set: its barrier is the network's.

Convex for the systems of arXiv:2310.03789 at leading order, so there is no barrier between networks, only between
neurons.
"""

from typing import Any

import equinox as eqx
import numpy as np

from .._checks import argument_error
from .free_energy import DatasetEstimate


FEWEST = 30  # records of a number below which its share is not looked at


class NumberProfile(eqx.Module):
    r"""$F(k)$ of one rung, about the mean number of every data set.

    Attributes:
        number: $k$ less the mean of the data set, rounded.
        profile: $F$, zero at its minimum, mean over data sets and its error.
        barrier: the highest top of $F$ above lower values on both sides of it; 0 where there is a single minimum.
        variance: $\mathrm{Var}\,k/\langle k\rangle$, one for independent neurons.
        mean: $\langle k\rangle$.
    """

    number: np.ndarray
    profile: DatasetEstimate
    barrier: DatasetEstimate
    variance: DatasetEstimate
    mean: DatasetEstimate


def number_profile(run: Any, width: int, rung: int) -> NumberProfile:
    """Of a run on a ladder whose measure has a side weight.

    Args:
        run: with `series.side_weight`.
        width: number of neurons.
        rung: index.

    Raises:
        ValueError: the run follows no side weight.
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

    def left_out(statistic):
        """A statistic of the mean over data sets and of all but one: a jackknife over them."""
        total = counts.sum(axis=0)
        return np.stack([statistic(total), *(statistic(total - row) for row in counts)])[None]

    minus_log = lambda total: -np.log(np.maximum(total, 0.5) / total.sum())
    mean = members.mean(axis=1) * width
    ratio = (members * width).var(axis=1) / np.maximum(mean, 1e-12)
    return NumberProfile(
        kept + low,
        DatasetEstimate.of(left_out(lambda total: minus_log(total) - minus_log(total).min())),
        DatasetEstimate.of(left_out(lambda total: _barrier(minus_log(total)))),
        DatasetEstimate.of(ratio[:, None]),
        DatasetEstimate.of(mean[:, None]),
    )


def _barrier(profile: np.ndarray) -> float:
    """How high the highest top stands above the higher of the lowest values on both of its sides."""
    left = np.minimum.accumulate(profile)
    right = np.minimum.accumulate(profile[::-1])[::-1]
    return float(np.max(profile - np.maximum(left, right)))
