"""Figures of the associative memory: results of both roads in, figures out; nothing is solved here."""

from .diagrams import (
    draw_diagram as draw_diagram,
    draw_recall as draw_recall,
    phase_row as phase_row,
    recall_figure as recall_figure,
    threshold_figure as threshold_figure,
)
from .few_patterns import CAPTION_LOW_LOAD as CAPTION_LOW_LOAD, low_load_figure as low_load_figure
from .finite_networks import (
    CAPTION_FIELD as CAPTION_FIELD,
    caption_finite_size as caption_finite_size,
    field_figure as field_figure,
    finite_size_figure as finite_size_figure,
)
