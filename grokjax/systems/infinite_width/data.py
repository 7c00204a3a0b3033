"""The data sets: a handful of points in one dimension, a cloud in ten, and the 8 x 8 digits."""

import equinox as eqx
import numpy as np
from jaxtyping import Float

from ..._checks import argument_error, check_finite, check_whole


class DataSet(eqx.Module):
    """Training samples with one target each.

    Attributes:
        inputs: one row per sample, without the constant of the bias.
        targets: one number per sample.
        name: for figures and tables.

    Raises:
        ValueError: shapes do not fit, a number is not finite, all targets are zero, or equal inputs have different
            targets.
    """

    inputs: Float[np.ndarray, "samples inputs"]
    targets: Float[np.ndarray, " samples"]
    name: str = eqx.field(static=True, default="data")

    def __init__(self, inputs, targets, name: str = "data"):
        self.inputs, self.targets, self.name = *check_data(inputs, targets), name


def augmented(inputs: Float[np.ndarray, "samples inputs"]) -> Float[np.ndarray, "samples augmented"]:
    r"""$\tilde x = (x, 1)$, so that the last input weight is the bias."""
    return np.concatenate([inputs, np.ones((len(inputs), 1))], axis=1)


def check_data(inputs, targets) -> tuple[np.ndarray, np.ndarray]:
    """Inputs of shape (samples, inputs) and targets of shape (samples,), in float64.

    Args:
        inputs: numbers, or rows.
        targets: one number per sample.

    Raises:
        ValueError: as `DataSet`.
    """
    inputs, targets = np.asarray(inputs, np.float64), np.asarray(targets, np.float64)
    inputs = inputs[:, None] if inputs.ndim == 1 else inputs
    if inputs.ndim != 2 or targets.shape != inputs.shape[:1] or not targets.size:
        shapes = inputs.shape, targets.shape
        raise argument_error("targets", "one number for every row of inputs", shapes, "Give (n, d) and (n,).")
    check_finite("inputs", inputs)
    check_finite("targets", targets)
    if not targets.any():
        raise argument_error("targets", "other than all zero", targets, "There is nothing to learn.")
    rows, index = np.unique(inputs, axis=0, return_inverse=True)
    for row in range(len(rows)):
        here = targets[index.reshape(-1) == row]
        if np.ptp(here) > 0:
            raise argument_error(
                "targets",
                "equal where inputs are equal",
                f"{here.tolist()} at input {rows[row].tolist()}",
                "No network fits two targets at one input, so the flow would never converge.",
            )
    return inputs, targets


def four_points() -> DataSet:
    """D4: four equidistant points with targets of order one; the default."""
    return DataSet([-1, -1 / 3, 1 / 3, 1], [0.4, -0.3, -0.1, 1.0], "four points")


def three_points() -> DataSet:
    """D3: the points of the authors' one-dimensional script."""
    return DataSet([-0.5, 0.0, 0.5], [-0.5, 0.0, 1.0], "three points")


def two_neurons() -> DataSet:
    r"""X4: four points of a target made of two neurons, $0.2\sigma(x-1/3)+0.2\sigma(-x-1/3)$."""
    x = np.linspace(-1, 1, 4)
    relu = lambda z: np.maximum(z, 0)
    return DataSet(x, 0.2 * relu(x - 1 / 3) + 0.2 * relu(-x - 1 / 3), "two neurons")


def cloud() -> DataSet:
    """H20: twenty Gaussian points in ten dimensions."""
    x = np.random.default_rng(12345).standard_normal((20, 10)) / np.sqrt(10)
    return DataSet(x, np.cos(2 * np.pi * 3 * np.arange(20) / 20), "cloud")


def digits(num_samples: int = 20) -> DataSet:
    """The first 8 x 8 digits of scikit-learn: pixels scaled to norms of order one, the label to [-1, 1].

    Args:
        num_samples: how many.

    Raises:
        ImportError: scikit-learn is not installed.
    """
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise ImportError("the digits come with scikit-learn: pip install 'grokjax[data]'") from error
    bunch = load_digits()
    num_samples = check_whole("num_samples", num_samples)
    pixels, labels = np.asarray(bunch.data[:num_samples]), np.asarray(bunch.target[:num_samples])
    return DataSet(pixels / 64, (labels - 4.5) / 4.5, "digits")
