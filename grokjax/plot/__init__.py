"""Figures; matplotlib is imported here and in `systems/*/figures.py` only."""

from .._printing import listed as _listed
from . import learning as learning, order as order
from .phase_diagram import draw_phases as draw_phases
from .style import (
    COLOURS as COLOURS,
    MARKERS as MARKERS,
    label_panel as label_panel,
    legend_below as legend_below,
    save as save,
    style as style,
    subplots as subplots,
)
from .theory_vs_experiment import (
    draw_experiment as draw_experiment,
    draw_theory as draw_theory,
    draw_transition as draw_transition,
)


__all__ = [
    "COLOURS",
    "MARKERS",
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
