"""Two phases of an interatomic potential: absolute free energies, and refinement through their transition."""

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
