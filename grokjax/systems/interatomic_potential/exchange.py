"""A potential for other programs: ase's calculator of embedded atoms."""

from typing import Any

import jax.numpy as jnp
import numpy as np

from ..._checks import argument_error
from .energies import Listed
from .system import TwoPhases


LARGEST_DENSITY = 60.0  # end of the embedding's table; titanium's equilibrium has 25.6


def ase_calculator(system: TwoPhases, element: str = "Ti") -> Any:
    """The system's potential as `ase.calculators.eam.EAM`, from splines of its functions at its parameters.

    Args:
        system: with embedded atoms of one kind, such as a refined titanium.
        element: chemical symbol of the atoms.

    Raises:
        ValueError: the energy is not one of embedded atoms, all alike.
        ImportError: ase or scipy is not installed.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> from ase import Atoms
        >>> titanium = ip.titanium(num_atoms=16)
        >>> phase = titanium.phases[1]
        >>> atoms = Atoms("Ti16", phase.sites, cell=phase.edges, pbc=True, calculator=ip.ase_calculator(titanium))
        >>> ours = titanium.energy(titanium.theta, phase, phase.zero, jnp.zeros(3))
        >>> bool(abs(atoms.get_potential_energy() - ours) < 1e-4)
        True
    """
    energy = system.energy
    if not (isinstance(energy, Listed) and energy.functions.embedded and energy.functions.alike(system.theta)):
        remedy = "Embedded atoms over a list are what files of other programs hold."
        raise argument_error("system", "one of embedded atoms that are all alike", energy, remedy)
    try:
        from ase.calculators.eam import EAM
        from scipy.interpolate import InterpolatedUnivariateSpline
    except ImportError as error:
        raise ImportError("ase_calculator needs ase and scipy: pip install ase scipy") from error

    functions, kind = energy.functions, jnp.asarray(0)
    r, rho = np.linspace(0.0, functions.cutoff, 4001), np.linspace(0.0, LARGEST_DENSITY, 6001)
    radial = functions.radial(system.theta, jnp.maximum(jnp.asarray(r), 1e-3), kind, kind)
    curves = ((r, radial[0]), (rho, functions.embed(jnp.asarray(rho))), (r, radial[1]))
    density, embed, pair = (InterpolatedUnivariateSpline(x, np.asarray(y)) for x, y in curves)
    return EAM(
        elements=[element],
        embedded_energy=np.array([embed]),
        electron_density=np.array([density]),
        phi=np.array([[pair]]),
        d_embedded_energy=np.array([embed.derivative()]),
        d_electron_density=np.array([density.derivative()]),
        d_phi=np.array([[pair.derivative()]]),
        cutoff=functions.cutoff,
        form="alloy",
    )
