"""Kernels of infinitely wide networks by Monte Carlo, and their regression."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.theory import arcsine_kernel, equivalent_kernel_learnability, gaussian_process, nngp_kernel


VARIANCES = {"weight_variance": 0.7, "readout_variance": 1.3}


def inputs(seed: int, rows: int = 4, dim: int = 5) -> jax.Array:
    return jax.random.normal(jax.random.key(seed), (rows, dim))


@pytest.mark.parametrize("activation", ["erf", "relu", "tanh"])
def test_kernel_by_monte_carlo(activation):
    functions = {"erf": jax.lax.erf, "relu": jax.nn.relu, "tanh": jnp.tanh}
    left, right = inputs(0), inputs(1, rows=3)
    weights = jax.random.normal(jax.random.key(2), (200_000, 5)) * np.sqrt(0.7 / 5)
    phi = functions[activation]
    samples = 1.3 * phi(weights @ left.T)[:, :, None] * phi(weights @ right.T)[:, None, :]
    error = samples.std(axis=0) / np.sqrt(len(weights))
    kernel = nngp_kernel(activation, left, right, **VARIANCES)
    assert np.abs((kernel - samples.mean(axis=0)) / error).max() < 5
    assert (error < 0.01 * np.abs(kernel).max()).all()


def test_quadrature_agrees_with_the_closed_form():
    left, right = inputs(3), inputs(4)
    exact = arcsine_kernel(left, right, **VARIANCES)
    by_quadrature = nngp_kernel(lambda z: jax.lax.erf(z), left, right, **VARIANCES)
    np.testing.assert_allclose(by_quadrature, exact, atol=1e-12)


def test_relu_kernel_is_the_arc_cosine():
    x = inputs(5)
    kernel = nngp_kernel("relu", x, x, **VARIANCES)
    covariance = 0.7 / 5 * np.asarray(x @ x.T)
    scale = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    angle = np.arccos(np.clip(covariance / scale, -1, 1))
    exact = 1.3 * scale / (2 * np.pi) * (np.sin(angle) + (np.pi - angle) * np.cos(angle))
    # The inner average has its kink away from zero, where the rule is only good to its panels.
    np.testing.assert_allclose(kernel, exact, atol=2e-3)


def test_regression_interpolates_and_scores():
    x, y = inputs(6, rows=6), jax.random.normal(jax.random.key(7), (6,))
    kernel = arcsine_kernel(x, x, **VARIANCES)
    process = gaussian_process(kernel, kernel, y, 1e-12)
    np.testing.assert_allclose(process.mean, y, atol=1e-6)
    noisy = gaussian_process(kernel, kernel, y, 0.5)
    covariance = np.asarray(kernel) + 0.5 * np.eye(6)
    expected = -y @ np.linalg.solve(covariance, y) / 2 - np.linalg.slogdet(2 * np.pi * covariance)[1] / 2
    np.testing.assert_allclose(noisy.log_evidence, expected, rtol=1e-12)


def test_learnability_is_the_ridge_of_one_mode():
    assert equivalent_kernel_learnability(0.3, 0.6, 2) == pytest.approx(0.5)


def test_kernels_refuse_inputs_of_different_dimension():
    with pytest.raises(ValueError, match="right"):
        arcsine_kernel(inputs(0), inputs(1, dim=4), **VARIANCES)
