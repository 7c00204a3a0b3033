"""The pytree on which theory and experiment of a power unit meet."""

from typing import Any

from ..._printing import AbstractPrinted


class OrderParameters(AbstractPrinted):
    r"""What both roads report; plain numbers from theory, `Estimate`s from experiment.

    Attributes:
        weight: $\langle|w|\rangle$.
        output: $\langle w^p\rangle$, the learned part of the target 1.
        loss: $\langle(w^p-1)^2\rangle/2$, the data energy per observation.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> pu.predict(system).order_parameters
        OrderParameters(...)
    """

    weight: Any
    output: Any
    loss: Any
