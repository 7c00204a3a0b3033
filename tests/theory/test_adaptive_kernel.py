"""The convex dual: derivatives by finite differences, its infinite-width limit, and convergence on random problems."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.theory import ConvexDual, gaussian_process, minimise


def random_dual(seed: int, modes: int = 3, nodes: int = 200, coupling: float = 3.0) -> ConvexDual:
    features_key, prior_key, target_key = jax.random.split(jax.random.key(seed), 3)
    features = jax.random.normal(features_key, (nodes, 2, modes))
    return ConvexDual(
        targets=jax.random.normal(target_key, (modes,)),
        neuron_kernels=jnp.einsum("npi,npj->nij", features, features),
        log_prior=jax.nn.log_softmax(jax.random.normal(prior_key, (nodes,))),
        coupling=jnp.asarray(coupling),
        multiplicity=jnp.asarray(0.2),
    )


def finite_difference(function, x, step=1e-6):
    units = step * np.eye(x.size)
    return np.stack([(np.asarray(function(x + e)) - np.asarray(function(x - e))) / (2 * step) for e in units], axis=-1)


@pytest.mark.parametrize("seed", range(3))
def test_gradient_and_hessian_by_finite_differences(seed):
    dual = random_dual(seed)
    delta = 0.3 * jax.random.normal(jax.random.key(10 + seed), (3,))
    value, gradient, hessian = dual.expansion(delta)
    np.testing.assert_allclose(value, dual.value(delta), rtol=1e-13)
    np.testing.assert_allclose(gradient, dual.gradient(delta), rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(gradient, finite_difference(dual.value, delta), rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(hessian, finite_difference(dual.gradient, delta), rtol=1e-6, atol=1e-6)
    assert np.linalg.eigvalsh(hessian).min() >= 1


@pytest.mark.parametrize("coupling", [1e-3, 1.0, 1e3, 1e8])
def test_newton_converges_from_zero(coupling):
    duals = [random_dual(seed, coupling=coupling) for seed in range(8)]
    stacked = jax.tree.map(lambda *leaves: jnp.stack(leaves), *duals)
    solution = jax.jit(jax.vmap(minimise))(stacked)
    assert solution.converged.all()
    values = [dual.value(delta + 1e-3 * delta[::-1]) for dual, delta in zip(duals, solution.discrepancy, strict=True)]
    assert (solution.value < np.array(values)).all()


def test_many_modes_take_the_library_solver_and_agree():
    dual = random_dual(0, modes=9, coupling=0.5)
    solution = minimise(dual)
    assert solution.converged
    np.testing.assert_allclose(dual.gradient(solution.discrepancy), 0, atol=1e-10)


def test_a_point_out_of_steps_says_so():
    solution = minimise(random_dual(0), max_steps=2)
    assert not solution.converged
    assert solution.residual > 1e-6
    assert solution.iterations == 2


def test_start_changes_the_cost_and_not_the_answer():
    dual = random_dual(1)
    cold = minimise(dual)
    warm = minimise(dual, start=cold.discrepancy + 1e-6)
    np.testing.assert_allclose(warm.discrepancy, cold.discrepancy, atol=1e-9)
    assert warm.iterations < cold.iterations


@pytest.mark.medium
def test_first_and_second_derivatives_are_implicit():
    dual = random_dual(2)
    leaves, structure = jax.tree.flatten(dual)
    keys = jax.random.split(jax.random.key(5), len(leaves))
    drawn = structure.unflatten([jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves, strict=True)])
    symmetric = drawn.neuron_kernels + jnp.swapaxes(drawn.neuron_kernels, 1, 2)
    direction = eqx.tree_at(lambda d: d.neuron_kernels, drawn, symmetric)

    @jax.jit
    def shifted(amount):
        moved = jax.tree.map(lambda leaf, along: leaf + 0.1 * amount * along, dual, direction)
        return minimise(moved, tolerance=1e-13).discrepancy.sum()

    step = 1e-4
    plus, middle, minus = shifted(step), shifted(0.0), shifted(-step)
    np.testing.assert_allclose(jax.grad(shifted)(0.0), (plus - minus) / (2 * step), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(
        jax.jit(jax.grad(jax.grad(shifted)))(0.0), (plus - 2 * middle + minus) / step**2, rtol=1e-3, atol=1e-4
    )
    np.testing.assert_allclose(jax.jvp(shifted, (0.0,), (1.0,))[1], jax.grad(shifted)(0.0), rtol=1e-10)


def test_infinite_width_on_a_finite_data_set_is_gaussian_process_regression():
    weight_key, input_key, target_key = jax.random.split(jax.random.key(0), 3)
    weights = jax.random.normal(weight_key, (300, 4)) * 0.4
    inputs = jax.random.normal(input_key, (10, 4))
    targets = jax.random.normal(target_key, (10,))
    features = jax.lax.erf(weights @ inputs.T)
    noise, readout, width = 0.3, 1.7, 1e9
    dual = ConvexDual(
        targets,
        features[:, :, None] * features[:, None, :],
        jnp.full(300, -jnp.log(300.0)),
        jnp.asarray(readout / (2 * width * noise**2)),
        jnp.asarray(width * noise),
    )
    solution = minimise(dual, tolerance=1e-8)
    kernel = readout * features.T @ features / 300
    process = gaussian_process(kernel, kernel, targets, noise)
    np.testing.assert_allclose(targets - solution.discrepancy, process.mean, rtol=1e-6, atol=1e-7)
    np.testing.assert_allclose(solution.value / noise, process.data_fit, rtol=1e-6)
