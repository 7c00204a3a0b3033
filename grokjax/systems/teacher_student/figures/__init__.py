"""Figures of the teacher-student task: the published ones, and maps of the overlaps."""

from .overlap_maps import caption_overlap_maps as caption_overlap_maps, overlap_maps as overlap_maps
from .published import (
    LAZY as LAZY,
    THEORY_NAMES as THEORY_NAMES,
    caption_2 as caption_2,
    decomposition as decomposition,
    figure_1 as figure_1,
    figure_2 as figure_2,
)
