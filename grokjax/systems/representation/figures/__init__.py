r"""The published figures, one function each: results in, a figure out, nothing is solved here.

Every function draws on the `axes` it is given, one per panel from left to right, or on a new figure. What its
docstring says before `Args` is the caption.
"""

from ...._printing import listed as _listed
from ._panels import caption
from .phase_diagrams import figure_6, figure_goldilocks
from .theory_and_networks import figure_2, figure_3, figure_4a, figure_4cd, figure_5, figure_10


__all__ = [
    "caption",
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
