r"""Two phases of one substance at a temperature and a pressure.

Differences are the second phase less the first, per atom: $\Delta G=G_{II}-G_I$, so that the first phase is the stable
one while $\Delta G>0$. Statistics are classical.

| symbol | name | titanium | toys, Gaussian cores |
|---|---|---|---|
| $T$ | `temperature` | K | $k_B=1$ |
| $P$ | `pressure` | GPa | energy/volume |
| $\theta$ | `theta` | eV | as the energy |
| $\Delta G,\Delta H$ | reported | meV/atom | per atom |
| $\Delta S$ | reported | $k_B$/atom | $k_B$/atom |
| $\Delta V$ | reported | Å³/atom | per atom |
"""

import math
from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, PyTree

from ..._checks import argument_error, check_instance
from ...parameters import AbstractParameters, Number, parameter
from .crystal import AbstractPhase, Crystal
from .energies import AbstractEnergy


class Units(NamedTuple):
    """What numbers of a system mean.

    Attributes:
        name: of reported energies.
        boltzmann: $k_B$ in the energy's unit per kelvin.
        pressure: one unit of pressure in the energy's unit over that of volume.
        report: reported energies in one unit of energy.
        hbar: in the energy's unit times that of time; zero leaves the thermal wavelength at 1.
        diffusion: reported diffusion coefficients in one unit of length squared over time.
        viscosity: reported viscosities in one unit of energy times time over volume.
    """

    name: str = "units of energy"
    boltzmann: float = 1.0
    pressure: float = 1.0
    report: float = 1.0
    hbar: float = 0.0
    diffusion: float = 1.0
    viscosity: float = 1.0


REDUCED = Units()

METAL = Units(  # eV, Angstrom, amu, K, GPa; a unit of time is 10.1805 fs
    "meV", 8.617333262e-5, 6.241509e-3, 1e3, 0.6582119569 / 10.1805, 1e-20 / 1.01805e-14, 1.602176634e11 * 1.01805e-14
)


class TwoPhases(AbstractParameters):
    r"""Two phases of one energy.

    Attributes:
        energy: called as `energy(theta, phase, displacement, strain)`, the whole cell's.
        theta: its trainable parameters.
        phases: I and II, of equally many atoms.
        temperature: $T$.
        pressure: $P$.
        mass: of an atom; it has no say in $\Delta G$.
        units: what numbers mean.

    Raises:
        ValueError: the phases have different numbers of atoms, the energy's cutoff is longer than a list of pairs, or
            the temperature is not above zero.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> titanium = ip.titanium(num_atoms=16, temperature=1155.0)
        >>> titanium.num_atoms, titanium.units.name, titanium.comparable_boxes  # hcp has two edges, bcc one
        (16, 'meV', False)
        >>> round(1e3 * float(titanium.thermal_energy), 1)  # meV
        99.5
    """

    energy: AbstractEnergy = eqx.field(kw_only=True)
    theta: PyTree = eqx.field(kw_only=True)
    phases: tuple[AbstractPhase, AbstractPhase] = eqx.field(kw_only=True)
    temperature: Number = parameter(positive=True, remedy="Classical statistics needs a temperature above zero.")
    pressure: Number = parameter(default=0.0)
    mass: float = eqx.field(static=True, kw_only=True, default=1.0)
    units: Units = eqx.field(static=True, kw_only=True, default=REDUCED)

    def __check_init__(self):
        check_instance("energy", self.energy, AbstractEnergy, "Wrap a function of positions: ip.Foreign(function).")
        if len(self.phases) != 2 or not all(isinstance(phase, AbstractPhase) for phase in self.phases):
            raise argument_error("phases", "two phases", self.phases, "Try ip.lattice for each.")
        atoms = [phase.num_atoms for phase in self.phases]
        if atoms[0] != atoms[1]:
            remedy = "Unequal numbers shift differences by kT ln(...)/N: choose cells with equally many atoms."
            raise argument_error("phases", "of equally many atoms", atoms, remedy)
        cutoff = self.energy.cutoff
        for phase in self.phases:
            if cutoff is not None and isinstance(phase, Crystal) and phase.reach < cutoff:
                expected = f"lists that reach the energy's cutoff of {cutoff:g}"
                raise argument_error("phases", expected, phase.reach, "Build them with a longer `reach`.")

    @property
    def num_atoms(self) -> int:
        """Of each phase."""
        return self.phases[0].num_atoms

    @property
    def thermal_energy(self) -> Number:
        """$kT$ in the energy's unit."""
        return self.units.boltzmann * self.temperature

    @property
    def stress(self) -> Number:
        """The pressure in the energy's unit over that of volume."""
        return self.units.pressure * self.pressure

    @property
    def per_atom(self) -> float:
        """Reported energies per atom in one unit of the cell's energy."""
        return self.units.report / self.num_atoms

    @property
    def log_wavelength(self) -> Array:
        r"""$\ln\Lambda$ with $\Lambda=\hbar\sqrt{2\pi/mkT}$; zero in reduced units."""
        if not self.units.hbar:
            return jnp.zeros_like(jnp.asarray(self.temperature))
        return math.log(self.units.hbar) + 0.5 * jnp.log(2 * math.pi / (self.mass * self.thermal_energy))

    @property
    def comparable_boxes(self) -> bool:
        """Whether both phases' boxes move alike, so that their constant-pressure ensembles have one measure."""
        first, second = (phase.groups for phase in self.phases)
        return bool(jnp.array_equal(first, second))


def dof_constant(system: TwoPhases) -> Array:
    r"""$\ln\Lambda-\frac12\ln2\pi$ per mode, what a harmonic mode adds to $\beta F$ beside $\frac12\ln\beta\kappa$.

    Args:
        system: at its temperature.
    """
    return system.log_wavelength - 0.5 * math.log(2 * math.pi)
