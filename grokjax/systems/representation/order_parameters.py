"""The pytree on which theory and experiment of toy representation learning meet."""

from typing import Any

from ..._printing import AbstractPrinted


class OrderParameters(AbstractPrinted):
    r"""What both roads report; upper bounds from theory (a training set alone), measurements from trained networks.

    Theory knows the first three. Steps are numbered from 0: step $t$ is the state after $t+1$ updates; a member that
    never gets there has NaN, and an average is over those that do.

    Attributes:
        quality: RQI, the fraction of all parallelograms that are implied or realised.
        accuracy: fraction of *all* samples, training ones included, that are predictable or predicted.
        structured: whether the linear structure $E_k = a + kb$ is unique, or reached (RQI above its threshold).
        represented_accuracy: $\widehat{\mathrm{Acc}}$, the accuracy on all samples that the realised parallelograms
            alone predict (appendix D of the paper).
        train_accuracy: fraction of the training samples.
        validation_accuracy: fraction of the other samples.
        train_step: first step with training accuracy at its threshold.
        validation_step: the same for validation accuracy.
        structure_step: the same for RQI.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> mask = np.ones(task.num_samples, bool)
        >>> bound = rep.predict(task, mask).order_parameters
        >>> float(bound.quality), float(bound.accuracy)
        (1.0, 1.0)
    """

    quality: Any
    accuracy: Any
    structured: Any
    represented_accuracy: Any = None
    train_accuracy: Any = None
    validation_accuracy: Any = None
    train_step: Any = None
    validation_step: Any = None
    structure_step: Any = None
