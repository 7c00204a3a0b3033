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

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> found = ip.predict(ip.two_wells(temperature=0.3)).order_parameters
        >>> round(float(found.free_energy_difference), 4), round(float(found.enthalpy_difference), 4)
        (1.0093, 6.0)
        >>> heat = 0.3 * found.entropy_difference  # G = H - T S
        >>> bool(jnp.isclose(found.enthalpy_difference - heat, found.free_energy_difference))
        True
    """

    free_energy_difference: Any
    enthalpy_difference: Any
    entropy_difference: Any
    volume_difference: Any
