"""Two phases of an interatomic potential: absolute free energies, and refinement through their transition."""

from ..._printing import listed as _listed
from .built_in import anharmonic_wells, einstein_solid, gaussian_core, titanium, two_wells
from .crystal import AbstractPhase, Crystal, crystal, lattice
from .energies import AbstractEnergy, Listed
from .exchange import ase_calculator
from .experiment import FreeEnergies, simulate
from .liquid import self_diffusion
from .order_parameters import OrderParameters
from .outcome import Refinement
from .potentials import Foreign, Scaled
from .refinement import refine
from .sampling import Sampling
from .system import TwoPhases
from .targets import Wanted
from .theory import Prediction, predict
from .thermodynamics import (
    Surface,
    bulk_modulus,
    clausius_clapeyron,
    gibbs_helmholtz,
    reversible_scaling,
    surface,
    thermal_expansion,
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
    "ase_calculator",
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
    "self_diffusion",
    "simulate",
    "surface",
    "thermal_expansion",
    "titanium",
    "two_wells",
]

__doc__ = _listed(__doc__, globals())
