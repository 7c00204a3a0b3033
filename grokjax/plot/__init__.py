"""Figures; matplotlib is imported here and in `systems/*/figures.py` only."""

from .._printing import listed as _listed
from . import captions, learning, order
from .phase_diagram import draw_phases
from .style import COLOURS, MARKERS, label_panel, legend_below, save, style, subplots
from .theory_vs_experiment import draw_experiment, draw_theory, draw_transition


__all__ = [
    "COLOURS",
    "MARKERS",
    "captions",
    "draw_experiment",
    "draw_phases",
    "draw_theory",
    "draw_transition",
    "label_panel",
    "learning",
    "legend_below",
    "order",
    "save",
    "style",
    "subplots",
]

__doc__ = _listed(__doc__, globals())
