"""Where the two roads meet: what a training set implies bounds what a network can show from above."""

import equinox as eqx
import numpy as np

from .experiment import Training
from .order_parameters import OrderParameters
from .tasks import AbstractSumTask
from .theory import predict


class Bounds(eqx.Module):
    """Theory's upper bounds and what networks reached, run by run.

    Attributes:
        bound: from the training sets, one value per seed.
        measured: from the networks, axes of the grid and then seed.
        represented_accuracy: accuracy that the realised parallelograms of each network predict.
    """

    bound: OrderParameters
    measured: OrderParameters
    represented_accuracy: np.ndarray

    @property
    def holds(self) -> dict[str, float]:
        """Fraction of the runs that respect each bound.

        RQI counts parallelograms that close *approximately*, and a wrong prediction may be right by luck, so runs on
        few samples may exceed the bounds by accident. Diverged runs are left out.
        """
        kept = np.isfinite(self.measured.quality)
        within = lambda measured, bound: float(np.mean((measured <= np.asarray(bound, float) + 1e-6)[kept]))
        return {
            "quality": within(self.measured.quality, self.bound.quality),
            "accuracy": within(self.measured.accuracy, self.bound.accuracy),
            "represented_accuracy": within(self.represented_accuracy, self.bound.accuracy),
            "structured": within(self.measured.structured, self.bound.structured),
        }

    def __str__(self) -> str:
        return "bounds hold in: " + ", ".join(f"{name} {share:.1%} of runs" for name, share in self.holds.items())


def bounds(task: AbstractSumTask, training: Training) -> Bounds:
    """Compare trained networks with the upper bounds of their training sets.

    Raises:
        ValueError: x64 is off, or the operation is not a sum.

    References:
        arXiv:2205.10343, appendix E, Fig. 10.
    """
    prediction = predict(task, training.train_mask)
    return Bounds(prediction.order_parameters, training.order_parameters, training.represented_accuracy)
