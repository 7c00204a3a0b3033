"""Ensembles: many members advanced at once, cut, placed, kept and laid out."""

from .._printing import listed as _listed
from . import devices as devices
from .assembly import Moves as Moves
from .layout import HALF_STEP as HALF_STEP, OTHER_START as OTHER_START, Layout as Layout
from .loop import run as run
from .outcome import EnsembleRun as EnsembleRun
from .plan import Chunk as Chunk, Compute as Compute, Schedule as Schedule
from .tiling import Tiling as Tiling, choose_tiling as choose_tiling


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
