"""The road of theory: Gaussian averages, kernels, the convex dual of an adaptive kernel, saddle points, roots."""

from .._printing import listed as _listed
from .adaptive_kernel import ConvexDual, DualSolution, minimise
from .continuation import Continuation, Way, continuation
from .escape import langer_rate, mean_passage_time
from .fokker_planck import loop_work
from .gaussian import gauss_legendre_panels, hermite_coefficients, normal_rule, normalised_hermite, second_moment
from .kernels import arcsine_kernel, equivalent_kernel_learnability, gaussian_process, nngp_kernel
from .roots import Root, bisect, first_true, largest_root, last_true, narrow, newton_root
from .saddle_points import SaddlePoints, saddle_points


__all__ = [
    "Continuation",
    "ConvexDual",
    "DualSolution",
    "Root",
    "SaddlePoints",
    "Way",
    "arcsine_kernel",
    "bisect",
    "continuation",
    "equivalent_kernel_learnability",
    "first_true",
    "gauss_legendre_panels",
    "gaussian_process",
    "hermite_coefficients",
    "langer_rate",
    "largest_root",
    "last_true",
    "loop_work",
    "mean_passage_time",
    "minimise",
    "narrow",
    "newton_root",
    "nngp_kernel",
    "normal_rule",
    "normalised_hermite",
    "saddle_points",
    "second_moment",
]

__doc__ = _listed(__doc__, globals())
