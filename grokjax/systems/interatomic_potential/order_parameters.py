"""The pytree on which theory and simulation of two phases meet: differences, second phase less first, per atom."""

from typing import Any

from ..._printing import AbstractPrinted


class OrderParameters(AbstractPrinted):
    r"""What both roads report; plain numbers from theory, `Estimate`s from simulation.

    Attributes:
        free_energy_difference: $\Delta G$, in reported units (meV/atom for metals).
        enthalpy_difference: $\Delta H$, likewise.
        entropy_difference: $\Delta S=(\Delta H-\Delta G)/T$, in $k_B$ per atom.
        volume_difference: $\Delta V$, per atom.
    """

    free_energy_difference: Any
    enthalpy_difference: Any
    entropy_difference: Any
    volume_difference: Any
