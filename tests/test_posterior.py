"""The energy: its formula, its tiles, its coordinates."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax import Posterior, TwoLayer, likelihoods
from grokjax._tree import normal_like
from grokjax.networks import standard_normal_two_layer
from grokjax.observables import measure_energy
from grokjax.samplers import largest_curvature
from grokjax.samplers.stiffness import soft_limits, stability_limits


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


@pytest.mark.medium
@pytest.mark.parametrize("tile", [1, 5, 8, 23, 40])
def test_tiled_energy_and_gradient_equal_the_untiled(tile):
    (tiled, position), (plain, _) = make(tile), make()
    value, gradient = jax.value_and_grad(tiled)(position)
    expected, expected_gradient = jax.value_and_grad(plain)(position)
    np.testing.assert_allclose(value, expected, rtol=1e-12)
    np.testing.assert_allclose(tiled(position), expected, rtol=1e-12)
    for ours, theirs in zip(jax.tree.leaves(gradient), jax.tree.leaves(expected_gradient), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.medium
@pytest.mark.parametrize("tile", [None, 8])
def test_largest_curvature_is_the_top_eigenvalue(tile):
    posterior, position = make(tile)
    flat, unravel = jax.flatten_util.ravel_pytree(position)
    hessian = jax.hessian(lambda vector: make()[0](unravel(vector)))(flat)
    top = np.linalg.eigvalsh(hessian)[-1]
    found = largest_curvature(jax.random.key(1), posterior, position, num_iterations=200)
    np.testing.assert_allclose(found, top, rtol=1e-3)


CLASSES = jax.nn.one_hot(jnp.arange(23) % 3, 3).T


@pytest.mark.medium
@pytest.mark.parametrize("tile", [None, 5])
@pytest.mark.parametrize("name", ["softmax", "poisson", "own"])
def test_other_likelihoods(name, tile):
    """Against their formulas, in tiles too."""
    _, position = make(outputs=3)
    inputs = jax.random.normal(jax.random.key(3), (23, 5))
    scales = TwoLayer(jnp.asarray(0.3), jnp.asarray(0.2), jax.lax.erf)
    likelihood = {
        "softmax": likelihoods.Softmax(),
        "poisson": likelihoods.Poisson(),
        "own": lambda outputs, targets: jnp.sum(jnp.abs(outputs - targets)),
    }[name]
    posterior = Posterior(inputs, CLASSES, jnp.asarray(0.7), scales, row_tile=tile, likelihood=likelihood)
    f, y = np.asarray(posterior.predictions(position)), np.asarray(CLASSES)
    expected = {
        "softmax": -np.sum(y * (f - np.log(np.exp(f).sum(axis=0, keepdims=True)))),
        "poisson": np.sum(np.exp(f) - y * f),
        "own": np.abs(f - y).sum(),
    }[name]
    np.testing.assert_allclose(posterior.data_energy(position), expected / 0.7, rtol=1e-12)
    whole = Posterior(inputs, CLASSES, jnp.asarray(0.7), scales, likelihood=likelihood)
    for ours, theirs in zip(*(jax.tree.leaves(jax.grad(each)(position)) for each in (posterior, whole)), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


@pytest.mark.medium
def test_a_network_of_equinox_is_sampled():
    """Its arrays are the position, all else stays; every layer has a name of its own in the evidence."""
    mlp = eqx.nn.MLP(5, 3, 7, 2, activation=jax.nn.tanh, key=jax.random.key(0), dtype=jnp.float64)
    inputs = jax.random.normal(jax.random.key(3), (23, 5))
    posterior, position = Posterior.of(mlp, inputs, CLASSES, 0.5, likelihood=likelihoods.Softmax())
    np.testing.assert_allclose(posterior.predictions(position), jax.vmap(mlp)(inputs).T, rtol=1e-12)
    assert float(posterior.prior_scales.layers[1].weight) == pytest.approx(7**-0.5)
    assert float(posterior.prior_scales.layers[1].bias) == 1
    assert all(eqx.is_inexact_array(leaf) for leaf in jax.tree.leaves(position))
    positions = jax.vmap(lambda key: normal_like(key, position))(jax.random.split(jax.random.key(1), 8))
    run = grokjax.run(
        jax.random.key(2),
        grokjax.UnderdampedLangevin(0.1),
        posterior,
        positions,
        target_axes=None,
        num_steps=600,
        warmup=200,
        observables={"energy": grokjax.Series(measure_energy)},
        progress=False,
    )
    assert not run.diverged.any()
    assert set(run.certificate.virial) == {f"layers[{i}].{name}" for i in range(3) for name in ("weight", "bias")}
    assert not {"virial", "temperature"} & set(run.certificate.failed)
    halved, _ = Posterior.of(mlp, inputs, CLASSES, scales=0.5)
    assert all(float(leaf) == 0.5 for leaf in jax.tree.leaves(halved.prior_scales))
    with pytest.raises(ValueError, match="`scales` must be finite and above zero"):
        Posterior.of(mlp, inputs, CLASSES, scales=-1.0)
    with pytest.raises(ValueError, match="`network` must be one with floating-point arrays"):
        Posterior.of(eqx.nn.Identity(), inputs, CLASSES)


class Shell(eqx.Module):
    """A harmonic energy, with the curvatures of its modes."""

    curvatures: jax.Array

    def __call__(self, x):
        return jnp.sum(self.curvatures * x * x) / 2


@pytest.mark.parametrize(("soft", "stiff"), [(1e-4, 4e-4), (1.0, 2.0), (100.0, 400.0), (1.0, 1e4)])
def test_the_automatic_step_follows_the_target(soft, stiff):
    """In units of the modes: 0.4 of the stable step of the stiffest, and a quarter of that of the softest at most."""
    target = Shell(jnp.broadcast_to(jnp.array([soft, stiff]), (3, 2)))
    sampler = grokjax.UnderdampedLangevin(None)
    arguments = jax.random.key(0), sampler, target, jnp.ones((3, 2))
    stable, bearable = stability_limits(*arguments), soft_limits(*arguments)
    np.testing.assert_allclose(stable, 2 / np.sqrt(stiff), rtol=1e-3)
    np.testing.assert_allclose(bearable, 2 / np.sqrt(soft), rtol=2e-2)
    posterior, position = make()
    batched = jax.tree.map(lambda leaf: leaf[None] if eqx.is_array(leaf) else leaf, (posterior, position))
    np.testing.assert_allclose(soft_limits(jax.random.key(0), sampler, *batched), 2.0)  # declared: of the prior
