"""The road of theory: Gaussian averages, kernels, the convex dual of an adaptive kernel, saddle points, boundaries."""

from .adaptive_kernel import ConvexDual as ConvexDual, DualSolution as DualSolution, minimise as minimise
from .gaussian import (
    gauss_legendre_panels as gauss_legendre_panels,
    hermite_coefficients as hermite_coefficients,
    normal_rule as normal_rule,
    normalised_hermite as normalised_hermite,
)
