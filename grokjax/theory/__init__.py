"""The road of theory: Gaussian averages, kernels, the convex dual of an adaptive kernel, saddle points, roots."""

from .._printing import listed as _listed
from .adaptive_kernel import ConvexDual as ConvexDual, DualSolution as DualSolution, minimise as minimise
from .continuation import Continuation as Continuation, Way as Way, continuation as continuation
from .escape import langer_rate as langer_rate, mean_passage_time as mean_passage_time
from .fokker_planck import loop_work as loop_work
from .gaussian import (
    gauss_legendre_panels as gauss_legendre_panels,
    hermite_coefficients as hermite_coefficients,
    normal_rule as normal_rule,
    normalised_hermite as normalised_hermite,
    second_moment as second_moment,
)
from .kernels import (
    arcsine_kernel as arcsine_kernel,
    equivalent_kernel_learnability as equivalent_kernel_learnability,
    gaussian_process as gaussian_process,
    nngp_kernel as nngp_kernel,
)
from .roots import (
    Root as Root,
    bisect as bisect,
    first_true as first_true,
    largest_root as largest_root,
    last_true as last_true,
    narrow as narrow,
    newton_root as newton_root,
)
from .saddle_points import SaddlePoints as SaddlePoints, saddle_points as saddle_points


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
