"""Figures of the teacher-student task: the published ones, and maps of the overlaps."""

from ...._printing import listed as _listed
from .captions import caption_2
from .decomposition import caption_decomposition, decomposition
from .overlap_maps import caption_overlap_maps, overlap_maps
from .phases import caption_1, figure_1
from .published import LAZY, THEORY_NAMES, figure_2


__all__ = [
    "LAZY",
    "THEORY_NAMES",
    "caption_1",
    "caption_2",
    "caption_decomposition",
    "caption_overlap_maps",
    "decomposition",
    "figure_1",
    "figure_2",
    "overlap_maps",
]

__doc__ = _listed(__doc__, globals())
