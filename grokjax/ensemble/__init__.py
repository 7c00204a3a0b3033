"""Ensembles: many members advanced at once, cut, placed, kept and laid out."""

from . import devices as devices
from .layout import HALF_STEP as HALF_STEP, OTHER_START as OTHER_START, Layout as Layout
from .loop import run as run
from .outcome import EnsembleRun as EnsembleRun
from .plan import Compute as Compute, Schedule as Schedule
from .tiling import Tiling as Tiling, choose_tiling as choose_tiling
