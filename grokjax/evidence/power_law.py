r"""Power laws over sizes: exponents with errors that can be believed.

$$ y = c\,x^p,\qquad \min_{p,\,\ln c}\;\chi^2=\sum_i\Big(\frac{\ln y_i-\ln c-p\ln x_i}{\sigma_i/y_i}\Big)^2 . $$

The errors of the points propagate to those of $p$ and $\ln c$. Where the points scatter more than their errors allow,
$\chi^2$ above its degrees of freedom, both errors grow by $\sqrt{\chi^2/\mathrm{dof}}$; they never shrink.

References:
    the scale factor is that of the Particle Data Group, Review of Particle Physics, introduction, section 5.2.2.
"""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Float

from .._checks import argument_error, check_positive, real_numbers
from .statistics import Estimate


NAMES = ("sizes", "values", "errors")


class PowerLaw(eqx.Module):
    r"""A fitted power law, $c\,x^p$; calling it gives the curve with its error.

    Attributes:
        exponent: $p$.
        prefactor: $c$.
        chi_squared: $\chi^2$ at the minimum, with the errors as they were given (without any, means nothing).
        degrees_of_freedom: points minus two.
        covariance: of $(p, \ln c)$, grown by the scatter.

    Examples:
        >>> law = grokjax.power_law([10, 20, 40, 80], [1.0, 0.5, 0.25, 0.125], [0.01, 0.01, 0.01, 0.01])
        >>> round(float(law(160).mean), 6), law.degrees_of_freedom
        (0.0625, 2)
    """

    exponent: Estimate
    prefactor: Estimate
    chi_squared: float
    degrees_of_freedom: int
    covariance: Float[np.ndarray, "2 2"]

    @property
    def reduced_chi_squared(self) -> float:
        r"""$\chi^2/\mathrm{dof}$: about 1 if a power law holds and the errors are right, large if one of them fails."""
        return self.chi_squared / self.degrees_of_freedom

    def __call__(self, sizes: Any) -> Estimate:
        """The curve at `sizes`, with the error of the fit."""
        sizes = np.asarray(sizes, float)
        curve = self.prefactor.mean * sizes**self.exponent.mean
        design = np.stack([np.log(sizes), np.ones_like(sizes)], axis=-1)
        return Estimate(curve, curve * np.sqrt(np.sum(design @ self.covariance * design, axis=-1)))

    def __str__(self) -> str:
        fit = f"c x^p, p = {self.exponent}, c = {self.prefactor}"
        return f"PowerLaw({fit}, chi2/dof = {self.chi_squared:.3g}/{self.degrees_of_freedom})"

    __repr__ = __str__


def power_law(sizes: Any, values: Any, errors: Any = None) -> PowerLaw:
    """Fit a power law to values over sizes, weighted by their errors, in the logarithms.

    Args:
        sizes: $x$, shape (point,), at least three different ones.
        values: $y$, above zero.
        errors: standard errors of the values, smaller than these: the logarithm of a value that is not resolved has no
            Gaussian error. Without them all values weigh alike, and the error is that of the scatter.

    Raises:
        ValueError: shapes differ, there are fewer than three sizes, something is not positive or not finite, or an
            error is as large as its value.

    Examples:
        >>> law = grokjax.power_law([10, 20, 40, 80], [1.0, 0.5, 0.25, 0.125], [0.01, 0.01, 0.01, 0.01])
        >>> float(round(law.exponent.mean, 6))
        -1.0
    """
    for name, array in zip(NAMES, (sizes, values, np.ones(1) if errors is None else errors), strict=True):
        real_numbers(name, array, "Give one number per size.")
    scattered = errors is None
    errors = np.asarray(values, float) / 2 if scattered else errors
    arrays = {name: np.asarray(array, float) for name, array in zip(NAMES, (sizes, values, errors), strict=True)}
    shape = arrays["sizes"].shape
    for name, array in arrays.items():
        if array.ndim != 1 or array.shape != shape:
            got = f"shape {array.shape} with sizes of shape {shape}"
            raise argument_error(name, "1-d, one entry per size", got, "Give one value and one error per size.")
        check_positive(name, array, "Logarithms are taken: fit the modulus, or leave such points out.")
    x, y, error = arrays.values()
    if np.unique(x).size < 3:
        raise argument_error("sizes", "three different ones or more", x.tolist(), "Two points fit any power law.")
    if (error >= y).any():
        worst = int(np.argmax(error / y))
        got = f"{error[worst]:g} for the value {y[worst]:g}"
        raise argument_error("errors", "smaller than the values", got, "Leave out values that are not resolved.")

    weights = (y / error) ** 2
    centre = weights @ np.log(x) / weights.sum()
    along = np.log(x) - centre
    exponent = weights @ (along * np.log(y)) / (weights @ along**2)
    level = weights @ np.log(y) / weights.sum()
    chi_squared, freedom = float(weights @ (np.log(y) - level - exponent * along) ** 2), x.size - 2
    growth = chi_squared / freedom if scattered else max(1.0, chi_squared / freedom)
    slope, height = growth / (weights @ along**2), growth / weights.sum()  # variances, uncorrelated at the centre
    covariance = np.array([[slope, -centre * slope], [-centre * slope, height + centre**2 * slope]])
    prefactor = np.exp(level - exponent * centre)
    return PowerLaw(
        Estimate(exponent, np.sqrt(covariance[0, 0])),
        Estimate(prefactor, prefactor * np.sqrt(covariance[1, 1])),
        chi_squared,
        freedom,
        covariance,
    )
