"""Phase transitions of learning in neural networks: theory and ensembles of networks, side by side.

Two roads, one pytree: each system in `grokjax.systems` has a road of simulation (`simulate`) and a road of theory
(`predict`) that end in the same order parameters. To add a system of your own, make its parameters
(`AbstractParameters`), its experiment (`AbstractExperiment`) and its theory, and call `simulate` and `compare`.
"""

from importlib.metadata import version as _version

from . import (
    ensemble as ensemble,
    evidence as evidence,
    io as io,
    likelihoods as likelihoods,
    observables as observables,
    samplers as samplers,
    systems as systems,
)
from ._printing import listed as _listed
from .driver import door as door, evaluate as evaluate, simulate as simulate
from .ensemble import (
    Compute as Compute,
    EnsembleRun as EnsembleRun,
    Moves as Moves,
    Schedule as Schedule,
    devices as devices,
    run as run,
)
from .evidence import (
    Certificate as Certificate,
    Collapse as Collapse,
    Comparison as Comparison,
    Estimate as Estimate,
    FreeEnergy as FreeEnergy,
    OrderOfTransition as OrderOfTransition,
    PowerLaw as PowerLaw,
    TwoStart as TwoStart,
    collapse as collapse,
    compare as compare,
    free_energy as free_energy,
    order_of_transition as order_of_transition,
    power_law as power_law,
    statistics as statistics,
    two_start as two_start,
)
from .experiment import (
    AbstractEvaluation as AbstractEvaluation,
    AbstractExperiment as AbstractExperiment,
    Design as Design,
    Problem as Problem,
    Settings as Settings,
)
from .io import load as load, save as save, to_xarray as to_xarray
from .networks import TwoLayer as TwoLayer
from .observables import (
    Histogram as Histogram,
    HittingTime as HittingTime,
    RunningMoments as RunningMoments,
    Series as Series,
)
from .parameters import (
    AbstractParameters as AbstractParameters,
    over_sizes as over_sizes,
    parameter as parameter,
    size as size,
)
from .phases import PhaseDiagram as PhaseDiagram, PhasePoint as PhasePoint, sweep as sweep
from .posterior import Posterior as Posterior
from .results import NotInEquilibrium as NotInEquilibrium, Run as Run
from .samplers import (
    MALA as MALA,
    AbstractSampler as AbstractSampler,
    BlockGibbs as BlockGibbs,
    DropletMoves as DropletMoves,
    GradientDescent as GradientDescent,
    Langevin as Langevin,
    LeimkuhlerMatthews as LeimkuhlerMatthews,
    ReplicaExchange as ReplicaExchange,
    UnderdampedLangevin as UnderdampedLangevin,
)
from .status import Status as Status
from .tasks import Data as Data


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
