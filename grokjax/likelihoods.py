r"""Likelihoods of a `Posterior`: what a network's outputs say of its targets, at noise variance one.

A likelihood is a function of outputs and targets, arrays of shape (output, sample), that adds up
$-\ln p(y_\mu|f(x_\mu))$ over the samples, up to a constant. The posterior divides it by its noise variance, which is a
temperature where the likelihood has no variance of its own.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar


class Gaussian(eqx.Module):
    r"""$\frac12\sum_\mu|f(x_\mu)-y_\mu|^2$.

    Examples:
        >>> from grokjax import likelihoods
        >>> float(likelihoods.Gaussian()(jnp.array([[1.0, 2.0]]), jnp.array([[0.0, 0.0]])))
        2.5
    """

    def __call__(self, outputs: Float[Array, "outputs samples"], targets: Float[Array, "outputs samples"]) -> Scalar:
        residual = outputs - targets
        return jnp.sum(residual * residual) / 2


class Softmax(eqx.Module):
    r"""$-\sum_\mu\sum_c y_{c\mu}\ln\mathrm{softmax}_c f(x_\mu)$; targets are probabilities, or ones and zeros.

    Examples:
        >>> from grokjax import likelihoods
        >>> undecided, first = jnp.zeros((2, 1)), jnp.array([[1.0], [0.0]])
        >>> round(float(likelihoods.Softmax()(undecided, first)), 4)  # log 2
        0.6931
    """

    def __call__(self, outputs: Float[Array, "classes samples"], targets: Float[Array, "classes samples"]) -> Scalar:
        return -jnp.sum(targets * jax.nn.log_softmax(outputs, axis=0))


class Poisson(eqx.Module):
    r"""$\sum_\mu e^{f(x_\mu)} - y_\mu f(x_\mu)$, counts whose rates are exponentials of the outputs.

    Examples:
        >>> from grokjax import likelihoods
        >>> float(likelihoods.Poisson()(jnp.zeros((1, 3)), jnp.ones((1, 3))))
        3.0
    """

    def __call__(self, outputs: Float[Array, "outputs samples"], targets: Float[Array, "outputs samples"]) -> Scalar:
        return jnp.sum(jnp.exp(outputs) - targets * outputs)
