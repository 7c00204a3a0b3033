"""The pytree on which theory and experiment of mean-variance regression meet."""

from typing import Any

from ..._printing import AbstractPrinted
from .metrics import Metrics


OVERFITTED = 0.98  # share of the variance explained by a mean through the data


class OrderParameters(AbstractPrinted):
    r"""What both roads report; plain numbers from theory, `Estimate`s from experiment. Training samples unless said.

    Attributes:
        mse: mean of $r^2$.
        sd_mse: mean of $(\Lambda^{-1/2}-|r|)^2$.
        chi2: mean of $\Lambda r^2$.
        nll: mean negative log likelihood.
        calibration_error: expected calibration error.
        coverage: share of targets within one standard deviation.
        mean_energy: $D(\mu)=\int p\,|\nabla\mu|^2$, the Dirichlet energy.
        precision_energy: $D(\Lambda)$.
        fitted: share of the targets' variance that the mean explains, $1-\mathrm{mse}/\mathrm{Var}(y)$.
        precision_spread: standard deviation of $\log\Lambda$ over the samples.
        population_nll: negative log likelihood of fresh targets at the training inputs; None without a known truth.
        test: metrics on the held-out samples; None without any.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> found = mv.predict(system).order_parameters
        >>> bool(found.chi2 < 1), bool(jnp.isclose(found.fitted, 1 - found.mse))  # targets have variance one
        (True, True)
    """

    mse: Any
    sd_mse: Any
    chi2: Any
    nll: Any
    calibration_error: Any
    coverage: Any
    mean_energy: Any
    precision_energy: Any
    fitted: Any
    precision_spread: Any
    population_nll: Any
    test: Metrics | None
