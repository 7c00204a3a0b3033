"""Modular addition: the mixed phase, in theory and in real networks."""

from .basins import Basin as Basin, basins as basins
from .experiment import (
    QuadraticNetworks as QuadraticNetworks,
    safe_step_size as safe_step_size,
    simulate as simulate,
)
from .nngp import (
    gp_learned as gp_learned,
    gp_sample_complexity as gp_sample_complexity,
    nngp_eigenvalues as nngp_eigenvalues,
    nngp_kernel as nngp_kernel,
)
from .order_parameters import OrderParameters as OrderParameters
from .phases import (
    PHASES as PHASES,
    Transitions as Transitions,
    classify as classify,
    finite_size_transitions as finite_size_transitions,
    phase_diagram as phase_diagram,
    transitions as transitions,
)
from .system import ModularAddition as ModularAddition
from .theory import Prediction as Prediction, predict as predict
from .thermodynamics import (
    Thermodynamics as Thermodynamics,
    sharp_thermodynamics as sharp_thermodynamics,
    thermodynamics as thermodynamics,
)
