r"""Kernels of infinitely wide networks, and the regression they do: the lazy baseline.

$$ K(x, x') = \sigma_a^2\,\langle\phi(w\cdot x)\,\phi(w\cdot x')\rangle_{w\sim N(0,\,\sigma_w^2 I/d)},\qquad
   K_{\rm erf} = \sigma_a^2\,\frac2\pi\arcsin\frac{2k}{\sqrt{(1+2k_{xx})(1+2k_{x'x'})}},\quad
   k = \frac{\sigma_w^2}{d}\,x\cdot x' . $$

With $n$ samples the posterior of such a network is Gaussian-process regression. Its large-$n$ average over data sets
learns the fraction $\lambda/(\lambda+\sigma^2/n)$ of an eigenmode with eigenvalue $\lambda$.

References:
    arcsine kernel: Williams, Computing with infinite networks (NeurIPS 1996), equation (11).
    arXiv:2310.03789, section 2 (GFL); arXiv:1906.05301 for the equivalent kernel of networks.
"""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .._checks import argument_error, check_x64
from ..networks import activation_function
from .gaussian import is_erf, normal_rule


def arcsine_kernel(
    left: Float[Array, "rows inputs"], right: Float[Array, "columns _"], *, weight_variance: Any, readout_variance: Any
) -> Float[Array, "rows columns"]:
    r"""The kernel of an infinitely wide erf network with $w\sim N(0,\sigma_w^2 I/d)$.

    Examples:
        >>> from grokjax import theory
        >>> x = jnp.eye(2)
        >>> theory.arcsine_kernel(x, x, weight_variance=1.0, readout_variance=1.0).shape
        (2, 2)
    """
    cross, left_norm, right_norm = _covariances(left, right, weight_variance)
    cosine = 2 * cross / jnp.sqrt((1 + 2 * left_norm)[:, None] * (1 + 2 * right_norm)[None])
    return readout_variance * 2 / math.pi * jnp.arcsin(cosine)


def nngp_kernel(
    activation: str | Callable[[Array], Array],
    left: Float[Array, "rows inputs"],
    right: Float[Array, "columns _"],
    *,
    weight_variance: Any,
    readout_variance: Any,
    row_batch: int = 8,
) -> Float[Array, "rows columns"]:
    """The kernel for any activation: closed form for erf, quadrature over the two pre-activations otherwise.

    Args:
        activation: a name or an elementwise function.
        left: one row per input.
        right: one row per input.
        weight_variance: variance of a read-in weight times the input dimension.
        readout_variance: variance of a read-out weight times the width.
        row_batch: rows of the kernel done together by the quadrature.

    Examples:
        >>> from grokjax import theory
        >>> x = jnp.eye(2)
        >>> kernel = theory.nngp_kernel("relu", x, x, weight_variance=1.0, readout_variance=1.0)
        >>> jnp.round(kernel, 3).tolist()  # 1/4, and 1/(4 pi) between orthogonal inputs
        [[0.25, 0.08], [0.08, 0.25]]
    """
    function = activation_function(activation)
    if is_erf(function):
        return arcsine_kernel(left, right, weight_variance=weight_variance, readout_variance=readout_variance)
    cross, left_norm, right_norm = _covariances(left, right, weight_variance)
    z, weights = normal_rule(5, 9.0)

    def entry(covariance, variance, other):
        slope = covariance / jnp.sqrt(variance)
        rest = jnp.sqrt(jnp.maximum(other - slope**2, 0))
        inner = function(slope * z[:, None] + rest * z[None]) @ weights
        return function(jnp.sqrt(variance) * z) * inner @ weights

    row = lambda args: jax.lax.map(
        lambda column: entry(column[0], args[1], column[1]), (args[0], right_norm), batch_size=8
    )
    return readout_variance * jax.lax.map(row, (cross, left_norm), batch_size=row_batch)


class GaussianProcess(eqx.Module):
    """Gaussian-process regression on a data set.

    Attributes:
        mean: posterior mean at the test inputs.
        log_evidence: log marginal likelihood of the targets.
        data_fit: its quadratic part, -y^T (K + noise)^-1 y / 2.

    Examples:
        >>> from grokjax import theory
        >>> x, y = jnp.eye(2), jnp.array([1.0, 2.0])
        >>> found = theory.gaussian_process(kernel=x, cross_kernel=x, targets=y, noise_variance=1.0)
        >>> round(float(found.data_fit), 6), bool(found.log_evidence < found.data_fit)
        (-1.25, True)
    """

    mean: Float[Array, " tests"]
    log_evidence: Float[Array, ""]
    data_fit: Float[Array, ""]


def gaussian_process(
    kernel: Float[Array, "samples samples"],
    cross_kernel: Float[Array, "tests samples"],
    targets: Float[Array, " samples"],
    noise_variance: Any,
) -> GaussianProcess:
    """Regression with a given kernel.

    Args:
        kernel: between training inputs.
        cross_kernel: between test and training inputs.
        targets: at the training inputs.
        noise_variance: of the observation noise.

    Raises:
        ValueError: 64-bit floats are off.

    Examples:
        >>> from grokjax import theory
        >>> x, y = jnp.eye(2), jnp.array([1.0, 2.0])
        >>> found = theory.gaussian_process(kernel=x, cross_kernel=x, targets=y, noise_variance=1.0)
        >>> jnp.round(found.mean, 6).tolist()  # as much noise as signal: half
        [0.5, 1.0]
    """
    check_x64("Gaussian-process regression")
    factor = jnp.linalg.cholesky(kernel + noise_variance * jnp.eye(targets.size))
    weights = jax.scipy.linalg.cho_solve((factor, True), targets)
    data_fit = -targets @ weights / 2
    log_determinant = jnp.sum(jnp.log(jnp.diagonal(factor)))
    log_evidence = data_fit - log_determinant - targets.size / 2 * math.log(2 * math.pi)
    return GaussianProcess(cross_kernel @ weights, log_evidence, data_fit)


def equivalent_kernel_learnability(eigenvalue: Any, noise_variance: Any, num_samples: Any) -> Any:
    r"""$\lambda/(\lambda+\sigma^2/n)$, the learned fraction of a kernel eigenmode, averaged over many data sets.

    Examples:
        >>> from grokjax import theory
        >>> theory.equivalent_kernel_learnability(0.1, noise_variance=1.0, num_samples=10)
        0.5
    """
    return eigenvalue / (eigenvalue + noise_variance / num_samples)


def _covariances(left: Array, right: Array, weight_variance: Any) -> tuple[Array, Array, Array]:
    if left.shape[-1] != right.shape[-1]:
        raise argument_error(
            "right", f"of {left.shape[-1]} inputs per row, as left", right.shape[-1], "Check the data."
        )
    scale = weight_variance / left.shape[-1]
    return scale * left @ right.T, scale * jnp.sum(left**2, axis=1), scale * jnp.sum(right**2, axis=1)
