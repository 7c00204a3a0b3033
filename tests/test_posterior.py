"""The energy: its formula, its tiles, its coordinates."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Posterior, TwoLayer
from grokjax.networks import standard_normal_two_layer
from grokjax.samplers import largest_curvature


def make(row_tile=None, outputs=2, penalty=None):
    keys = jax.random.split(jax.random.key(0), 3)
    inputs, targets = jax.random.normal(keys[0], (23, 5)), jax.random.normal(keys[1], (outputs, 23))
    scales = TwoLayer(jnp.asarray(0.3), jnp.asarray(0.2), jax.lax.erf)
    position = standard_normal_two_layer(
        keys[2], width=7, num_inputs=5, num_outputs=outputs, activation=jax.lax.erf, dtype=jnp.float64
    )
    return Posterior(inputs, targets, jnp.asarray(0.1), scales, penalty, row_tile), position


def test_energy_is_squared_error_plus_gaussian_prior():
    posterior, position = make()
    w, a = 0.3 * np.asarray(position.read_in), 0.2 * np.asarray(position.read_out)
    outputs = a @ np.asarray(jax.lax.erf(jnp.asarray(w @ np.asarray(posterior.inputs).T)))
    expected = ((outputs - posterior.targets) ** 2).sum() / 0.2 + (w**2).sum() / 0.18 + (a**2).sum() / 0.08
    np.testing.assert_allclose(posterior(position), expected, rtol=1e-12)
    network = posterior.network(position)
    single = jax.vmap(network)(posterior.inputs).T
    np.testing.assert_allclose(single, outputs, rtol=1e-12)
    back = posterior.whiten(network)
    np.testing.assert_allclose(back.read_in, position.read_in, rtol=1e-12)


def test_penalty_sees_physical_weights():
    posterior, position = make(penalty=lambda network: jnp.sum(network.read_in**6))
    plain, _ = make()
    extra = jnp.sum((0.3 * position.read_in) ** 6)
    np.testing.assert_allclose(posterior(position) - plain(position), extra, rtol=1e-9)


@pytest.mark.parametrize("tile", [1, 5, 8, 23, 40])
def test_tiled_energy_and_gradient_equal_the_untiled(tile):
    (tiled, position), (plain, _) = make(tile), make()
    value, gradient = jax.value_and_grad(tiled)(position)
    expected, expected_gradient = jax.value_and_grad(plain)(position)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(tiled(position), expected, rtol=1e-12)
    for ours, theirs in zip(jax.tree.leaves(gradient), jax.tree.leaves(expected_gradient), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("tile", [None, 8])
def test_largest_curvature_is_the_top_eigenvalue(tile):
    posterior, position = make(tile)
    flat, unravel = jax.flatten_util.ravel_pytree(position)
    hessian = jax.hessian(lambda vector: make()[0](unravel(vector)))(flat)
    top = np.linalg.eigvalsh(hessian)[-1]
    found = largest_curvature(jax.random.key(1), posterior, position, num_iterations=200)
    np.testing.assert_allclose(found, top, rtol=1e-3)
