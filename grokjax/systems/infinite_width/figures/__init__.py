"""The published figures, measured exponents with theory on top. Everything drawn is given; nothing is solved here.

Networks are points or colours, theory is lines. Red is an exponent above zero (condensed), blue one below (linear), in
all diagrams.

References:
    arXiv:2007.07497, phase diagram of two layers, displacement against width, orientation against amplitude;
    arXiv:2205.12101, the same for three layers.
"""

from ...._printing import listed as _listed
from .curves import caption_displacement, caption_exponents, displacement, exponents
from .maps import caption_phase_diagram, phase_diagram
from .neurons import caption_regimes, regimes


__all__ = [
    "caption_displacement",
    "caption_exponents",
    "caption_phase_diagram",
    "caption_regimes",
    "displacement",
    "exponents",
    "phase_diagram",
    "regimes",
]

__doc__ = _listed(__doc__, globals())
