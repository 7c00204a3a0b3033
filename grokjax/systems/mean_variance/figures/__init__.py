"""The published diagrams and slices, theory and networks side by side; all that is drawn is given.

References:
    arXiv:2306.16717, figures 1, 2 and 3.
"""

from ...._printing import listed as _listed
from .lines import (
    caption_3 as caption_3,
    caption_hysteresis as caption_hysteresis,
    figure_3 as figure_3,
    hysteresis as hysteresis,
)
from .squares import (
    METRICS as METRICS,
    Square as Square,
    caption_2 as caption_2,
    figure_1 as figure_1,
    figure_2 as figure_2,
    spread_map as spread_map,
)


__all__ = [
    "METRICS",
    "Square",
    "caption_2",
    "caption_3",
    "caption_hysteresis",
    "figure_1",
    "figure_2",
    "figure_3",
    "hysteresis",
    "spread_map",
]

__doc__ = _listed(__doc__, globals())
