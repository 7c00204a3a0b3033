"""The pytree on which theory and experiment of toy representation learning meet."""

from typing import Any

import equinox as eqx


class OrderParameters(eqx.Module):
    r"""What both roads report; upper bounds from theory (a training set alone), measurements from trained networks.

    Attributes:
        quality: RQI, the fraction of all parallelograms that are implied or realised.
        accuracy: fraction of *all* samples, training ones included, that are predictable or predicted.
        structured: whether the linear structure $E_k = a + kb$ is unique, or reached (RQI above its threshold).
    """

    quality: Any
    accuracy: Any
    structured: Any
