r"""Two phases of one substance at a temperature and a pressure, and the doors to those that are built in.

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
from collections.abc import Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Key, PyTree

from ..._checks import argument_error, check_instance, check_positive, check_whole
from ...parameters import AbstractParameters, Number, parameter
from .crystal import CUBIC, AbstractPhase, Crystal, Well, lattice, padded
from .potentials import AbstractEnergy, GaussianCore, Listed, Titanium, WithNetwork
from .toys import AnharmonicWells, EinsteinSolid, HarmonicWells


class Units(NamedTuple):
    """What numbers of a system mean.

    Attributes:
        name: of reported energies.
        boltzmann: $k_B$ in the energy's unit per kelvin.
        pressure: one unit of pressure in the energy's unit over that of volume.
        report: reported energies in one unit of energy.
        hbar: in the energy's unit times that of time; zero leaves the thermal wavelength at 1.
    """

    name: str = "units of energy"
    boltzmann: float = 1.0
    pressure: float = 1.0
    report: float = 1.0
    hbar: float = 0.0


REDUCED = Units()
METAL = Units("meV", 8.617333262e-5, 6.241509e-3, 1e3, 0.6582119569 / 10.1805)  # eV, Angstrom, amu, K, GPa

TITANIUM_SIZES = {  # cells of hcp (4 atoms) and bcc (2 atoms); 16 is for tests
    16: ((2, 1, 2), (2, 2, 2)),
    128: ((4, 2, 4), (4, 4, 4)),
    576: ((6, 4, 6), (6, 6, 8)),
}
GAUSSIAN_CORE_SIZES = {32: ((2, 2, 2), (2, 2, 4)), 256: ((4, 4, 4), (4, 4, 8))}  # cells of fcc and bcc


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


def two_wells(
    dim: int = 24, stiffness: Sequence[float] = (4.0, 1.0), offset: float = 6.0, temperature: Any = 0.3
) -> TwoPhases:
    r"""Toy A1, exact: $U_I=k_I|x|^2/2$, $U_{II}=e+k_{II}|x|^2/2$; trainable are $(\ln k_I,\ln k_{II})$.

    Args:
        dim: of $x$; the toy counts as one atom.
        stiffness: $(k_I,k_{II})$.
        offset: $e$.
        temperature: $T$ with $k_B=1$; an array is a sweep of theory.

    Raises:
        ValueError: a number is out of its range.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> round(float(ip.two_wells(temperature=0.4).temperature), 6)
        0.4
    """
    dim = check_whole("dim", dim)
    check_positive("stiffness", stiffness, "A well holds its particle.")
    if len(stiffness) != 2:
        raise argument_error("stiffness", "one number for each of two wells", stiffness, "Try (4.0, 1.0).")
    return TwoPhases(
        energy=HarmonicWells(jnp.asarray(offset, float)),
        theta=jnp.log(jnp.asarray(stiffness, float)),
        phases=_wells(1, dim),
        temperature=temperature,
    )


def anharmonic_wells(
    key: Key[Array, ""], *, offset: float = 0.2, temperature: Any = 0.5, widths: tuple[int, int] = (8, 2)
) -> TwoPhases:
    """Toy A2, exact by quadrature: two anharmonic wells in one dimension and a network that both have.

    Args:
        key: random key of the network.
        offset: of the second well.
        temperature: with $k_B=1$.
        widths: neurons of a layer, and hidden layers.
    """
    network = eqx.nn.MLP(1, 1, *widths, activation=jnp.tanh, dtype=float, key=key)
    energy = AnharmonicWells(jnp.asarray(offset, float))
    return TwoPhases(energy=energy, theta=network, phases=_wells(1, 1), temperature=temperature)


def einstein_solid(
    num_atoms: int = 32,
    temperature: Any = 0.9,
    pressure: Any = 0.5,
    *,
    offset: Sequence[float] = (0.0, 0.8),
    bulk: Sequence[float] = (40.0, 36.0),
    volume: Sequence[float] = (1.0, 1.04),
    stiffness: Sequence[float] = (300.0, 170.0),
    gruneisen: Sequence[float] = (2.0, 1.8),
) -> TwoPhases:
    """Toy A3, exact: Einstein solids with a volume, at constant pressure.

    Args:
        num_atoms: size.
        temperature: with $k_B=1$.
        pressure: energy over volume.
        offset: $e$ of both phases; all others likewise.
        bulk: $B$.
        volume: $v_0$ per atom.
        stiffness: $k_0$.
        gruneisen: $g$.

    Raises:
        ValueError: a number is out of its range, or there is not one for each phase.
    """
    values = {"offset": offset, "bulk": bulk, "volume": volume, "stiffness": stiffness, "gruneisen": gruneisen}
    for name, pair in values.items():
        if len(pair) != 2:
            raise argument_error(name, "one number for each phase", pair, "Give two.")
        if name in ("bulk", "volume", "stiffness"):
            check_positive(name, pair)
    theta = {name: jnp.asarray(pair, float) for name, pair in values.items()}
    theta["log_stiffness"] = jnp.log(theta.pop("stiffness"))
    phases = _wells(check_whole("num_atoms", num_atoms), 3, volume)
    return TwoPhases(energy=EinsteinSolid(), theta=theta, phases=phases, temperature=temperature, pressure=pressure)


def gaussian_core(
    num_atoms: int = 256,
    temperature: Any = 0.002,
    pressure: Any = 0.05,
    *,
    density: float = 0.18,
    epsilon: Sequence[float] = (1.0,),
) -> TwoPhases:
    r"""Gaussian cores, fcc against bcc; several `epsilon` make a mixture of kinds on alternating sites.

    Args:
        num_atoms: 256, or 32 for tests.
        temperature: in $\epsilon/k_B$.
        pressure: in $\epsilon/\sigma^3$.
        density: atoms per $\sigma^3$ of the reference boxes.
        epsilon: strength of every kind.

    Raises:
        ValueError: there is no cell of that size, or a number is out of its range.
    """
    fcc, bcc = _cells("num_atoms", num_atoms, GAUSSIAN_CORE_SIZES)
    check_positive("density", density, "A box has a volume.")
    check_positive("epsilon", epsilon)
    kinds = jnp.arange(num_atoms) % len(epsilon)
    reach = GaussianCore.cutoff + 0.3
    phases = padded(
        lattice("fcc", ((4 / density) ** (1 / 3),), fcc, reach=reach, species=kinds),
        lattice("bcc", ((2 / density) ** (1 / 3),), bcc, reach=reach, species=kinds),
    )
    log_epsilon = jnp.log(jnp.asarray(epsilon, float))
    theta = {"log_epsilon": log_epsilon, "log_sigma": jnp.zeros_like(log_epsilon)}
    energy = Listed(GaussianCore())
    return TwoPhases(energy=energy, theta=theta, phases=phases, temperature=temperature, pressure=pressure)


def titanium(
    num_atoms: int = 128, temperature: Any = 1155.0, pressure: Any = 0.0, *, network: Key[Array, ""] | None = None
) -> TwoPhases:
    r"""Titanium, hcp against bcc, with the embedded atoms of 2004 and a trainable correction that starts at zero.

    Args:
        num_atoms: 128, or 576 for a GPU (16 for tests): entropies depend on it, so train and quote at one size.
        temperature: K.
        pressure: GPa.
        network: random key of a network for correction; nine Gaussians in the pair function without one.

    Raises:
        ValueError: there is no cell of that size, or the temperature is not above zero.
    """
    hexagonal, cubic = _cells("num_atoms", num_atoms, TITANIUM_SIZES)
    reach = Titanium.cutoff + 0.3
    phases = padded(
        lattice("hcp", (2.940579, 2.940579 * 1.620093), hexagonal, reach=reach),
        lattice("bcc", (3.289873,), cubic, reach=reach),
    )
    energy, theta = Listed(Titanium()), jnp.zeros(len(Titanium.centres))
    if network is not None:
        energy = WithNetwork(energy, theta)
        theta = new_network(network, len(energy.centres))
    return TwoPhases(
        energy=energy,
        theta=theta,
        phases=phases,
        temperature=temperature,
        pressure=pressure,
        mass=47.867,
        units=METAL,
    )


def new_network(key: Key[Array, ""], num_inputs: int, width: int = 16, depth: int = 2) -> eqx.nn.MLP:
    """A network whose last layer is zero: a correction that starts as none.

    Args:
        key: random key.
        num_inputs: densities that it sees.
        width: neurons of a layer.
        depth: hidden layers.
    """
    network = eqx.nn.MLP(num_inputs, 1, width, depth, activation=jnp.tanh, dtype=float, key=key)
    last = lambda net: (net.layers[-1].weight, net.layers[-1].bias)
    return eqx.tree_at(last, network, tuple(map(jnp.zeros_like, last(network))))


def _wells(num_atoms: int, dim: int, volumes: Sequence[float] | None = None) -> tuple[Well, Well]:
    """Both wells, in cubes of these volumes per atom; without volumes the box does not move."""
    groups = jnp.zeros((2, 3)) if volumes is None else jnp.asarray(CUBIC, float)
    edges = [jnp.full(3, (num_atoms * volume) ** (1 / 3)) for volume in volumes or (1.0, 1.0)]
    first, second = (
        Well(index=jnp.asarray(i), edges=edges[i], groups=groups, num_atoms=num_atoms, dim=dim) for i in range(2)
    )
    return first, second


def _cells(name: str, num_atoms: Any, sizes: dict[int, Any]) -> Any:
    number = check_whole(name, num_atoms)
    if number not in sizes:
        raise argument_error(name, f"one of {sorted(sizes)}", number, "Build other cells with ip.lattice.")
    return sizes[number]


def dof_constant(system: TwoPhases) -> Array:
    r"""$\ln\Lambda-\frac12\ln2\pi$ per mode, what a harmonic mode adds to $\beta F$ beside $\frac12\ln\beta\kappa$.

    Args:
        system: at its temperature.
    """
    return system.log_wavelength - 0.5 * math.log(2 * math.pi)
