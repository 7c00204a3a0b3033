"""What is measured while an ensemble runs, streamed."""

from .._printing import listed as _listed
from .base import (
    AbstractObservable as AbstractObservable,
    Measure as Measure,
    measure_energy as measure_energy,
    measure_temperature as measure_temperature,
    measure_virial as measure_virial,
)
from .histogram import Counts as Counts, Histogram as Histogram
from .hitting_time import NEVER as NEVER, HittingTime as HittingTime
from .ladder import PerRung as PerRung, RungSeries as RungSeries, measure_data_energy as measure_data_energy
from .moments import Moments as Moments, RunningMoments as RunningMoments, Series as Series


__all__ = [
    "NEVER",
    "AbstractObservable",
    "Counts",
    "Histogram",
    "HittingTime",
    "Measure",
    "Moments",
    "PerRung",
    "RungSeries",
    "RunningMoments",
    "Series",
    "measure_data_energy",
    "measure_energy",
    "measure_temperature",
    "measure_virial",
]

__doc__ = _listed(__doc__, globals())
