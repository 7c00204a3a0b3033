r"""The published figures, one function each: results in, a figure out, nothing is solved here.

Every function draws on the `axes` it is given, one per panel from left to right, or on a new figure. What its
docstring says before `Args` is the caption.
"""

from ._panels import caption as caption
from .phase_diagrams import figure_6 as figure_6, figure_goldilocks as figure_goldilocks
from .theory_and_networks import (
    figure_2 as figure_2,
    figure_3 as figure_3,
    figure_4a as figure_4a,
    figure_4cd as figure_4cd,
    figure_5 as figure_5,
    figure_10 as figure_10,
)
