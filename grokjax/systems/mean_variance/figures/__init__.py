"""The published diagrams and slices, theory and networks side by side; all that is drawn is given.

References:
    arXiv:2306.16717, figures 1, 2 and 3.
"""

from ...._printing import listed as _listed
from .lines import caption_3, caption_hysteresis, figure_3, hysteresis
from .regions import caption_1, figure_1
from .squares import METRICS, Square, caption_2, caption_spread_map, figure_2, spread_map


__all__ = [
    "METRICS",
    "Square",
    "caption_1",
    "caption_2",
    "caption_3",
    "caption_hysteresis",
    "caption_spread_map",
    "figure_1",
    "figure_2",
    "figure_3",
    "hysteresis",
    "spread_map",
]

__doc__ = _listed(__doc__, globals())
