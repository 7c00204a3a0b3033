"""Figures; matplotlib is imported here and in `systems/*/figures.py` only."""

from .._printing import listed as _listed
from . import captions, learning, order
from .phase_diagram import cell_edges, draw_phases
from .style import COLOURS, MARKERS, label_panel, label_panels, legend_below, plain_log, save, style, subplots
from .theory_vs_experiment import draw_experiment, draw_theory, draw_transition


__all__ = [
    "COLOURS",
    "MARKERS",
    "captions",
    "cell_edges",
    "draw_experiment",
    "draw_phases",
    "draw_theory",
    "draw_transition",
    "label_panel",
    "label_panels",
    "learning",
    "legend_below",
    "order",
    "plain_log",
    "save",
    "style",
    "subplots",
]

__doc__ = _listed(__doc__, globals())
