"""What is measured while an ensemble runs, streamed."""

from .._printing import listed as _listed
from .base import AbstractObservable, Measure, measure_energy, measure_temperature, measure_virial
from .histogram import Counts, Histogram
from .hitting_time import NEVER, HittingTime
from .ladder import PerRung, RungSeries, measure_data_energy
from .moments import Moments, RunningMoments, Series


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
