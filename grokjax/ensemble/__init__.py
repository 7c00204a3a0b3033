"""Ensembles: many members advanced at once, cut, placed, kept and laid out."""

from .._printing import listed as _listed
from . import devices
from .assembly import Moves
from .layout import HALF_STEP, OTHER_START, Layout
from .loop import run
from .outcome import EnsembleRun
from .plan import Chunk, Compute, Schedule
from .tiling import Tiling, choose_tiling


__all__ = [
    "HALF_STEP",
    "OTHER_START",
    "Chunk",
    "Compute",
    "EnsembleRun",
    "Layout",
    "Moves",
    "Schedule",
    "Tiling",
    "choose_tiling",
    "devices",
    "run",
]

__doc__ = _listed(__doc__, globals())
