"""Phase transitions of learning in neural networks: theory and Langevin ensembles, side by side.

Two roads, one pytree: each system in `grokjax.systems` has a road of simulation (`simulate`) and a road of theory
(`predict`) that end in the same order parameters.
"""

from importlib.metadata import version as _version

from . import (
    ensemble as ensemble,
    io as io,
    observables as observables,
    samplers as samplers,
    statistics as statistics,
    systems as systems,
)
from .certificate import Certificate as Certificate
from .compare import Comparison as Comparison, compare as compare
from .ensemble import EnsembleRun as EnsembleRun, run as run
from .networks import TwoLayer as TwoLayer
from .observables import Histogram as Histogram, RunningMoments as RunningMoments, Series as Series
from .posterior import Posterior as Posterior
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
from .statistics import Estimate as Estimate, TwoStart as TwoStart, two_start as two_start
from .tasks import Data as Data


__version__ = _version("grokjax")
