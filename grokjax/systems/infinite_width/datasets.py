"""The data sets: a handful of points in one dimension, a cloud in ten, and the 8 x 8 digits."""

from typing import Any

import numpy as np

from ..._checks import check_whole
from .data import DataSet


def four_points() -> DataSet:
    """D4: four equidistant points with targets of order one; the default.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> data = iw.four_points()
        >>> data.inputs.shape, data.targets.tolist()
        ((4, 1), [0.4, -0.3, -0.1, 1.0])
    """
    return DataSet([-1, -1 / 3, 1 / 3, 1], [0.4, -0.3, -0.1, 1.0], "four points")


def three_points() -> DataSet:
    """D3: the points of the authors' one-dimensional script.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> data = iw.three_points()
        >>> data.inputs[:, 0].tolist(), data.targets.tolist()
        ([-0.5, 0.0, 0.5], [-0.5, 0.0, 1.0])
    """
    return DataSet([-0.5, 0.0, 0.5], [-0.5, 0.0, 1.0], "three points")


def two_neurons() -> DataSet:
    r"""X4: four points of a target made of two neurons, $0.2\sigma(x-1/3)+0.2\sigma(-x-1/3)$.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> data = iw.two_neurons()
        >>> np.round(data.targets, 3).tolist()  # even in x, and zero between the kinks
        [0.133, 0.0, 0.0, 0.133]
    """
    x = np.linspace(-1, 1, 4)
    relu = lambda z: np.maximum(z, 0)
    return DataSet(x, 0.2 * relu(x - 1 / 3) + 0.2 * relu(-x - 1 / 3), "two neurons")


def cloud() -> DataSet:
    """H20: twenty Gaussian points in ten dimensions.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> iw.cloud().inputs.shape
        (20, 10)
    """
    x = np.random.default_rng(12345).standard_normal((20, 10)) / np.sqrt(10)
    return DataSet(x, np.cos(2 * np.pi * 3 * np.arange(20) / 20), "cloud")


def digits(num_samples: int = 20) -> DataSet:
    """The first 8 x 8 digits of scikit-learn: pixels scaled to norms of order one, the label to [-1, 1].

    Args:
        num_samples: how many.

    Raises:
        ImportError: scikit-learn is not installed.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> data = iw.digits(5)  # of the labels 0, 1, 2, 3 and 4
        >>> data.inputs.shape, np.round(data.targets, 2).tolist()
        ((5, 64), [-1.0, -0.78, -0.56, -0.33, -0.11])
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("the digits come with scikit-learn: pip install 'grokjax[data]'") from error
    bunch: Any = load_digits()
    num_samples = check_whole("num_samples", num_samples)
    pixels, labels = np.asarray(bunch.data[:num_samples]), np.asarray(bunch.target[:num_samples])
    return DataSet(pixels / 64, (labels - 4.5) / 4.5, "digits")
