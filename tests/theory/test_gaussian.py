"""Gaussian averages against closed forms and Gauss-Hermite quadrature."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.theory.gaussian import (
    gauss_legendre_panels,
    hermite_coefficients,
    normal_rule,
    normalised_hermite,
    second_moment,
)


def test_panels_are_exact_for_polynomials():
    nodes, weights = gauss_legendre_panels(jnp.array([0.0, 0.3, 2.0]), order=4)
    np.testing.assert_allclose(weights @ nodes**7, 2.0**8 / 8, rtol=1e-13)


def test_moments_of_a_normal_variable():
    z, weights = normal_rule()
    for power, moment in {0: 1, 1: 0, 2: 1, 4: 3, 8: 105, 12: 10395}.items():
        np.testing.assert_allclose(weights @ z**power, moment, rtol=1e-12, atol=1e-13)


def test_hermite_polynomials_are_orthonormal():
    z, weights = normal_rule()
    h = normalised_hermite((0, 1, 2, 3, 5, 7), z)
    np.testing.assert_allclose((weights[:, None] * h).T @ h, np.eye(6), atol=1e-12)
    np.testing.assert_allclose(h[:, 3], (z**3 - 3 * z) / math.sqrt(6), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("activation", [jnp.tanh, jax.lax.erf])
def test_hermite_coefficients_of_a_smooth_activation(activation):
    scale = jnp.array([0.2, 0.7, 1.1])
    z, weights = np.polynomial.hermite_e.hermegauss(120)
    weights = weights / math.sqrt(2 * math.pi)
    h3 = (z**3 - 3 * z) / math.sqrt(6)
    expected = [[weights @ (activation(s * z) * z), weights @ (activation(s * z) * h3)] for s in scale]
    np.testing.assert_allclose(hermite_coefficients(activation, scale, (1, 3)), expected, atol=1e-9)
    np.testing.assert_allclose(
        second_moment(activation, scale), [weights @ activation(s * z) ** 2 for s in scale], atol=1e-9
    )


def test_a_kink_at_zero_costs_no_accuracy():
    expected = [1 / math.sqrt(2 * math.pi), 0.5, 1 / math.sqrt(4 * math.pi), 0.0]
    np.testing.assert_allclose(hermite_coefficients(jax.nn.relu, jnp.ones(1), (0, 1, 2, 3))[0], expected, atol=1e-13)
    np.testing.assert_allclose(second_moment(jax.nn.relu, jnp.array(2.0)), 2.0, rtol=1e-13)


def test_a_negative_degree_is_refused():
    with pytest.raises(ValueError, match="degrees"):
        normalised_hermite((-1,), jnp.ones(2))
