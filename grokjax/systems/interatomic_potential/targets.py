r"""What a refinement is asked for, and how far it is from it: residuals with gradients, in units of their tolerances.

Residuals are those of reweighted averages, so that they and their gradients come from the same frames. A tolerance is
below the statistical error of what it belongs to.
"""

import dataclasses
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array

from ..._checks import argument_error, check_choice, check_finite, check_positive
from ..._printing import AbstractPrinted
from .experiment import FreeEnergies
from .tracking import Averages, Tracked


TOLERANCES = (2e-4, 4e-3, 5e-4, 4e-2)  # of G, H and the gauge in kT, of the volume in itself: below statistical errors


@dataclasses.dataclass(frozen=True, kw_only=True)
class Wanted:
    r"""What a refinement is asked for.

    Attributes:
        temperature: where the transition shall be, at the system's pressure; the system's own unless given.
        latent_heat: $\Delta H^*$ in reported units per atom (meV/atom for metals); "keep" for $T^*\Delta S$ of the
            system to begin with; None leaves the entropy free, which tends to lose it.
        volume: $\Delta V^*$ per atom, such as Clausius and Clapeyron ask for.
        gauge: whether the mean enthalpy of the first phase shall stay.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> ip.Wanted(temperature=1155.0, latent_heat=43.6, gauge=True)  # its fields are keywords of ip.refine
        Wanted(temperature=1155.0, latent_heat=43.6, volume=None, gauge=True)
    """

    temperature: Any = None
    latent_heat: float | str | None = None
    volume: float | None = None
    gauge: bool = False

    def __post_init__(self):
        if self.temperature is not None:
            check_positive("temperature", self.temperature, "Classical statistics needs a temperature above zero.")
        if isinstance(self.latent_heat, str):
            check_choice("latent_heat", self.latent_heat, ("keep",))
        elif self.latent_heat is not None:
            check_finite("latent_heat", self.latent_heat)
        if self.volume is not None:
            check_finite("volume", self.volume)


class Targets(AbstractPrinted):
    """What is wanted at the temperature and pressure of a system, reported units per atom.

    Attributes:
        latent_heat: $\\Delta H^*$, None to leave it free.
        volume: $\\Delta V^*$, likewise.
        gauge: whether the mean enthalpy of the first phase stays.
        first: enthalpy of the first phase to begin with.
    """

    latent_heat: float | None
    volume: float | None
    gauge: bool
    first: float

    @staticmethod
    def of(anchor: FreeEnergies, wanted: Wanted) -> "Targets":
        """What is wanted, in numbers.

        Args:
            anchor: absolute free energies of the system to begin with.
            wanted: by the user.

        Raises:
            ValueError: the latent heat is below what the anchor resolves, so that there would be no temperature.
        """
        system, latent_heat = anchor.system, wanted.latent_heat
        if isinstance(latent_heat, str):  # "keep"
            entropy = anchor.order_parameters.entropy_difference.mean
            latent_heat = float(entropy * float(system.thermal_energy) * system.units.report)
        if latent_heat is not None:
            least = 3 * anchor.order_parameters.entropy_difference.error * float(system.thermal_energy)
            if abs(latent_heat) < least * system.units.report:
                expected = f"resolved: above {least * system.units.report:.3g} {system.units.name} per atom"
                remedy = "Mind the unit, or sample longer: without an entropy there is no transition temperature."
                raise argument_error("latent_heat", expected, latent_heat, remedy)
        assert anchor.phases is not None
        return Targets(latent_heat, wanted.volume, wanted.gauge, float(anchor.phases[0].enthalpy.mean))

    def residuals(self, tracked: Tracked, averages: tuple[Averages, Averages]) -> tuple[Array, Array]:
        """Residuals in units of their tolerances, and their gradients, shapes (row,) and (row, parameter).

        Args:
            tracked: at the parameters of now.
            averages: of both phases there.
        """
        system, (one, two) = tracked.system, averages
        per, size = system.per_atom, system.num_atoms
        kT = float(system.thermal_energy) * system.units.report
        rows = [(tracked.free_energy_difference(averages).mean * per, (two.slope - one.slope) * per, kT)]
        if self.latent_heat is not None:
            value = (two.enthalpy - one.enthalpy) * per - self.latent_heat
            rows.append((value, (two.enthalpy_slope - one.enthalpy_slope) * per, kT))
        if self.volume is not None:
            value = (two.volume - one.volume) / size - self.volume
            rows.append((value, (two.volume_slope - one.volume_slope) / size, float(one.volume) / size))
        if self.gauge:
            rows.append((one.enthalpy * per - self.first, one.enthalpy_slope * per, kT))
        used = (True, self.latent_heat is not None, self.volume is not None, self.gauge)
        tolerances = [tolerance for tolerance, wanted in zip(TOLERANCES, used, strict=True) if wanted]
        scales = [tolerance * scale for tolerance, (_, _, scale) in zip(tolerances, rows, strict=True)]
        values = jnp.stack([jnp.asarray(value) / scale for (value, _, _), scale in zip(rows, scales, strict=True)])
        return values, jnp.stack([slope / scale for (_, slope, _), scale in zip(rows, scales, strict=True)])
