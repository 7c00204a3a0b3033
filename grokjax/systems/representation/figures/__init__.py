r"""The published figures, one function each: results in, a figure out, nothing is solved here.

Every function draws on the `axes` it is given, one per panel from left to right, or on a new figure; `caption_...` has
the words for it.
"""

from ...._printing import listed as _listed
from .captions import (
    CAPTION_4CD,
    caption_2,
    caption_3,
    caption_4a,
    caption_5,
    caption_6,
    caption_10,
    caption_goldilocks,
)
from .phase_diagrams import figure_6, figure_goldilocks
from .theory_and_networks import figure_2, figure_3, figure_4a, figure_4cd, figure_5, figure_10


__all__ = [
    "CAPTION_4CD",
    "caption_2",
    "caption_3",
    "caption_4a",
    "caption_5",
    "caption_6",
    "caption_10",
    "caption_goldilocks",
    "figure_2",
    "figure_3",
    "figure_4a",
    "figure_4cd",
    "figure_5",
    "figure_6",
    "figure_10",
    "figure_goldilocks",
]

__doc__ = _listed(__doc__, globals())
