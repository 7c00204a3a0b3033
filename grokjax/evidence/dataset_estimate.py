"""Estimates with two errors, by name: of the finite run on each data set, and of the scatter over data sets."""

from typing import Any

import equinox as eqx
import numpy as np

from .statistics import Estimate


class DatasetEstimate(eqx.Module):
    """A mean over data sets and its errors, by name.

    Attributes:
        mean: over data sets.
        within: standard error that comes from the finite run on each data set.
        over_datasets: standard error from the scatter over data sets (which holds the other one); nan with a single
            one.
        per_dataset: the values, shape (dataset, ...).

    Examples:
        >>> found = grokjax.evidence.DatasetEstimate.of(np.array([[1.0], [3.0]]))  # two data sets, no blocks
        >>> float(found.mean), float(found.over_datasets), float(found.within)
        (2.0, 1.0, nan)
    """

    mean: Any
    within: Any
    over_datasets: Any
    per_dataset: Any

    @staticmethod
    def of(values: Any) -> "DatasetEstimate":
        """From values of shape (dataset, version, ...), the first version of all samples, the others without a block.

        Args:
            values: of a statistic.
        """
        values = np.asarray(values, np.float64)
        count, blocks = values.shape[0], values.shape[1] - 1
        whole, parts = values[:, 0], values[:, 1:]
        unknown = np.full(whole.shape[1:], np.nan)
        scatter = whole.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else unknown
        if not blocks:
            return DatasetEstimate(whole.mean(axis=0), unknown, scatter, whole)
        squares = ((parts - parts.mean(axis=1, keepdims=True)) ** 2).sum(axis=(0, 1)) * (blocks - 1) / blocks
        return DatasetEstimate(whole.mean(axis=0), np.sqrt(squares) / count, scatter, whole)

    @property
    def error(self) -> Any:
        """The error over data sets, and the one within where there is a single data set."""
        return np.where(np.isnan(self.over_datasets), self.within, self.over_datasets)

    @property
    def estimate(self) -> Estimate:
        """Mean and error, as comparisons take them."""
        return Estimate(self.mean, self.error)

    def __str__(self) -> str:
        return str(self.estimate)

    __repr__ = __str__
