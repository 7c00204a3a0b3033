"""Figures of the associative memory: results of both roads in, figures out; nothing is solved here."""

from ...._printing import listed as _listed
from .captions import caption_phase_row, caption_recall, caption_threshold
from .diagrams import draw_diagram, draw_recall, phase_row, recall_figure, threshold_figure
from .few_patterns import CAPTION_LOW_LOAD, low_load_figure
from .finite_networks import CAPTION_FIELD, caption_finite_size, field_figure, finite_size_figure


__all__ = [
    "CAPTION_FIELD",
    "CAPTION_LOW_LOAD",
    "caption_finite_size",
    "caption_phase_row",
    "caption_recall",
    "caption_threshold",
    "draw_diagram",
    "draw_recall",
    "field_figure",
    "finite_size_figure",
    "low_load_figure",
    "phase_row",
    "recall_figure",
    "threshold_figure",
]

__doc__ = _listed(__doc__, globals())
