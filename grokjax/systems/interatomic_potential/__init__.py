"""Two phases of an interatomic potential: absolute free energies, and refinement through their transition."""

from ..._printing import listed as _listed
from .built_in import (
    anharmonic_wells as anharmonic_wells,
    einstein_solid as einstein_solid,
    gaussian_core as gaussian_core,
    titanium as titanium,
    two_wells as two_wells,
)
from .crystal import AbstractPhase as AbstractPhase, Crystal as Crystal, crystal as crystal, lattice as lattice
from .energies import AbstractEnergy as AbstractEnergy, Listed as Listed
from .exchange import ase_calculator as ase_calculator
from .experiment import FreeEnergies as FreeEnergies, simulate as simulate
from .liquid import self_diffusion as self_diffusion
from .order_parameters import OrderParameters as OrderParameters
from .outcome import Refinement as Refinement
from .potentials import Foreign as Foreign, Scaled as Scaled
from .refinement import refine as refine
from .sampling import Sampling as Sampling
from .system import TwoPhases as TwoPhases
from .targets import Wanted as Wanted
from .theory import Prediction as Prediction, predict as predict
from .thermodynamics import (
    Surface as Surface,
    bulk_modulus as bulk_modulus,
    clausius_clapeyron as clausius_clapeyron,
    gibbs_helmholtz as gibbs_helmholtz,
    reversible_scaling as reversible_scaling,
    surface as surface,
    thermal_expansion as thermal_expansion,
)


__all__ = [
    "AbstractEnergy",
    "AbstractPhase",
    "Crystal",
    "Foreign",
    "FreeEnergies",
    "Listed",
    "OrderParameters",
    "Prediction",
    "Refinement",
    "Sampling",
    "Scaled",
    "Surface",
    "TwoPhases",
    "Wanted",
    "anharmonic_wells",
    "bulk_modulus",
    "clausius_clapeyron",
    "crystal",
    "einstein_solid",
    "gaussian_core",
    "gibbs_helmholtz",
    "lattice",
    "predict",
    "refine",
    "reversible_scaling",
    "simulate",
    "surface",
    "thermal_expansion",
    "titanium",
    "two_wells",
]

__doc__ = _listed(__doc__, globals())
