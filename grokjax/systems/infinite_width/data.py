"""A training set of both roads, and what is wrong with one."""

import equinox as eqx
import numpy as np
from jaxtyping import Float

from ..._checks import argument_error, check_finite


class DataSet(eqx.Module):
    """Training samples with one target each.

    Attributes:
        inputs: one row per sample, without the constant of the bias.
        targets: one number per sample.
        name: for figures and tables.

    Raises:
        ValueError: shapes do not fit, a number is not finite, all targets are zero, or equal inputs have different
            targets.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> data = iw.DataSet([0.0, 0.5, 1.0], [1.0, -1.0, 1.0], name="a dip")
        >>> data.inputs.shape, data.name
        ((3, 1), 'a dip')
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
