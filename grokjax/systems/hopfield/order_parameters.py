"""The pytree on which theory and experiment of the associative memory meet."""

from typing import Any

from ..._printing import AbstractPrinted


class OrderParameters(AbstractPrinted):
    r"""What both roads report; plain numbers from theory, `Estimate`s from experiment.

    Attributes:
        magnetisation: $m=N^{-1}\sum_i\xi_i^1\langle s_i\rangle$, overlap with the recalled pattern.
        overlap: $q=N^{-1}\sum_i\langle s_i\rangle^2$ inside of one state.
        coupling_energy: $-N^{-3/2}\sum_{i\mu}\langle s_i\xi_i^\mu\tau_\mu\rangle$ per spin.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> found = hop.predict(memory).order_parameters
        >>> bool(found.magnetisation > 0.9), bool(found.coupling_energy < 0)
        (True, True)
    """

    magnetisation: Any
    overlap: Any
    coupling_energy: Any
