"""Phase transitions of learning in neural networks: theory and ensembles of networks, side by side.

Two roads, one pytree: each system in `grokjax.systems` has a road of simulation (`simulate`) and a road of theory
(`predict`) that end in the same order parameters. To add a system of your own, make its parameters
(`AbstractParameters`), its experiment (`AbstractExperiment`) and its theory, and call `simulate` and `compare`.
"""

from importlib.metadata import version as _version

from . import ensemble, evidence, io, likelihoods, observables, samplers, systems
from ._printing import listed as _listed
from .driver import door, evaluate, simulate
from .ensemble import Compute, EnsembleRun, Moves, Schedule, devices, run
from .evidence import (
    Certificate,
    Collapse,
    Comparison,
    Estimate,
    FreeEnergy,
    OrderOfTransition,
    PowerLaw,
    TwoStart,
    collapse,
    compare,
    free_energy,
    order_of_transition,
    power_law,
    statistics,
    two_start,
)
from .experiment import AbstractEvaluation, AbstractExperiment, Design, Problem, Settings
from .io import load, save, to_xarray
from .networks import TwoLayer
from .observables import Histogram, HittingTime, RunningMoments, Series
from .parameters import AbstractParameters, over_sizes, parameter, size
from .phases import PhaseDiagram, PhasePoint, sweep
from .posterior import Posterior
from .results import NotInEquilibrium, Run
from .samplers import (
    MALA,
    AbstractSampler,
    BlockGibbs,
    DropletMoves,
    GradientDescent,
    Langevin,
    LeimkuhlerMatthews,
    ReplicaExchange,
    UnderdampedLangevin,
)
from .status import Status
from .tasks import Data


__all__ = [
    "MALA",
    "AbstractEvaluation",
    "AbstractExperiment",
    "AbstractParameters",
    "AbstractSampler",
    "BlockGibbs",
    "Certificate",
    "Collapse",
    "Comparison",
    "Compute",
    "Data",
    "Design",
    "DropletMoves",
    "EnsembleRun",
    "Estimate",
    "FreeEnergy",
    "GradientDescent",
    "Histogram",
    "HittingTime",
    "Langevin",
    "LeimkuhlerMatthews",
    "Moves",
    "NotInEquilibrium",
    "OrderOfTransition",
    "PhaseDiagram",
    "PhasePoint",
    "Posterior",
    "PowerLaw",
    "Problem",
    "ReplicaExchange",
    "Run",
    "RunningMoments",
    "Schedule",
    "Series",
    "Settings",
    "Status",
    "TwoLayer",
    "TwoStart",
    "UnderdampedLangevin",
    "collapse",
    "compare",
    "devices",
    "door",
    "ensemble",
    "evaluate",
    "evidence",
    "free_energy",
    "io",
    "likelihoods",
    "load",
    "observables",
    "order_of_transition",
    "over_sizes",
    "parameter",
    "power_law",
    "run",
    "samplers",
    "save",
    "simulate",
    "size",
    "statistics",
    "sweep",
    "systems",
    "to_xarray",
    "two_start",
]


__version__ = _version("grokjax")

__doc__ = _listed(__doc__, globals())
