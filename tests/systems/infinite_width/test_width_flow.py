"""The flow's kernel and steps against automatic differentiation, its invariants, and how members end."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.status import Status
from grokjax.systems import infinite_width as iw
from grokjax.systems.infinite_width.flow import relative_error
from grokjax.systems.infinite_width.network import READOUT, FlowProblem, standard_weights


NETWORKS = {
    "two": iw.TwoLayer(gamma=0.8, gamma_prime=0.3, width=7),
    "three": iw.ThreeLayer(gamma_3=1.4, gamma_2=-0.2, gamma_1=0.3, width=6),
    "four": iw.FourLayer(gamma_4=1.7, gamma_3=0.1, gamma_2=-0.3, gamma_1=0.2, width=5),
}


def problem(network, hidden_bias=False, data=None, seed=0):
    data = data or iw.four_points()
    inputs = jnp.asarray(np.concatenate([data.inputs, np.ones((len(data.inputs), 1))], axis=1))
    targets, key = jnp.asarray(data.targets), jax.random.key(seed)

    @jax.jit
    def make(key):
        weights = standard_weights(key, network, inputs.shape[1], hidden_bias, inputs.dtype)
        return FlowProblem.of(network, weights, inputs, targets, hidden_bias)

    return make(key)


@pytest.mark.parametrize(("name", "hidden_bias"), [("two", False), ("three", True), ("four", False)])
def test_kernel_and_steps_are_those_of_gradient_flow(name, hidden_bias):
    target = problem(NETWORKS[name], hidden_bias)
    impulse = jnp.asarray([0.3, -0.1, 0.7, 0.2])

    @jax.jit
    def both(target):
        moved = jax.tree.map(lambda w: 0.3 * jnp.cos(jnp.arange(w.size) * 1.0).reshape(w.shape), target.weights)
        features = target.features(moved)
        back = target.backward(moved, features)
        jacobian = jax.jacobian(lambda moved: target.kappa * target.features(moved).output)(moved)
        return jacobian, target.kernel(features, back), target.update(features, back, impulse)

    jacobian, kernel, steps = both(target)
    unit = target.kappa**2 * target._volume  # of time
    flat = {key: np.asarray(value).reshape(len(target.targets), -1) for key, value in jacobian.items()}
    expected = sum(float(target.rates[key]) * value @ value.T for key, value in flat.items()) / len(target.targets)
    np.testing.assert_allclose(kernel, expected / unit, rtol=1e-9)
    for key, value in jacobian.items():
        expected = -float(target.rates[key] / unit) * np.tensordot(impulse, value, 1)
        np.testing.assert_allclose(steps[key], expected, rtol=1e-9, atol=1e-12)


def test_physical_networks_flow_alike():
    """The normalised rates are those of a physical network: beta_l^-2, and kappa is the product of scales."""
    network = NETWORKS["three"]
    target, m = problem(network), 6.0
    beta_3, beta_1, beta_2 = 1.0, m**-0.2, m**-0.3
    gradient = lambda l, beta: target.rates[l] * beta**2
    values = [gradient("layer1", beta_1), gradient("layer2", beta_2), gradient(READOUT, beta_3)]
    np.testing.assert_allclose(values, values[0], rtol=1e-9)
    np.testing.assert_allclose(target.kappa, m**-1.4, rtol=1e-9)


def march(target, sampler, bursts=60):
    """The last state of one member, outside of the ensemble."""

    @jax.jit
    def run(target):
        state = sampler.init(jax.random.key(0), target, target.at_rest())
        return jax.lax.fori_loop(0, bursts, lambda _, s: sampler.step(jax.random.key(0), target, s), state)

    return run(target)


def displaced(target, state):
    layer = target.layers[0]
    return float(jnp.linalg.norm(state.position[layer]) / jnp.linalg.norm(target.weights[layer]))


@pytest.fixture(scope="module")
def condensed():
    target = problem(iw.TwoLayer(gamma=1.75, width=60))
    return target, march(target, iw.ExponentialFlow(tolerance=0.02))


def test_flow_reaches_its_goal_and_conserves_balance(condensed):
    """d/dt of a_k^2/rate and |w_k|^2/rate are the same for every neuron; the step's error is of order tolerance."""
    target, state = condensed
    assert relative_error(state.residual, target) <= 3e-6
    new = jax.tree.map(jnp.add, target.weights, state.position)
    readout = (new[READOUT] ** 2 - target.weights[READOUT] ** 2) / target.rates[READOUT]
    weights = jnp.sum(new["input"] ** 2 - target.weights["input"] ** 2, axis=1) / target.rates["input"]
    assert abs(float(readout.sum() / weights.sum()) - 1) < 0.02
    assert float(jnp.corrcoef(readout, weights)[0, 1]) > 0.9999


def test_integrators_agree(condensed):
    """Plain descent is a referee that shares no step rule with the exponential integrator.

    Both converge to one value, 6.267 here, as tolerance or rate go to zero; at the rate 0.5 descent is 17 % off.
    """
    target, state = condensed
    descent = march(target, iw.DescentFlow(rate=0.1), bursts=400)
    assert relative_error(descent.residual, target) <= 3e-6
    np.testing.assert_allclose(displaced(target, state), displaced(target, descent), rtol=0.01)
    np.testing.assert_allclose(displaced(target, state), 6.267, rtol=0.005)


def test_lazy_displacement_is_that_of_the_sampled_kernel():
    r"""In the kernel regime $\Delta W = -\nabla f K^{-1}e$: no training is needed to predict it.

    At gamma = -2 the network is linear up to RD = 1e-8, and what the flow leaves of e, at most $\sqrt{\rm goal}$ of it,
    is worth at most the condition number of K as much in displacements.
    """
    goal, target = 1e-14, problem(iw.TwoLayer(gamma=-2.0, gamma_prime=0.2, width=400))
    state = march(target, iw.ExponentialFlow(goal=goal), bursts=2)
    assert state.energy <= goal
    features = target.features(target.at_rest())
    back = target.backward(target.at_rest(), features)
    kernel = target.kernel(features, back) * len(target.targets)
    steps = target.update(features, back, jnp.linalg.solve(kernel, -target.targets))
    bound = float(jnp.linalg.cond(kernel)) * goal**0.5
    assert bound < 3e-5
    for layer in (READOUT, "input"):
        assert jnp.linalg.norm(state.position[layer] - steps[layer]) < bound * jnp.linalg.norm(steps[layer])


def test_members_end_one_by_one():
    """Reached, stuck (no unit is active at a point), out of steps: by name, and only the first enters averages."""
    target = problem(iw.TwoLayer(gamma=1.0, width=8))
    dead = dataclasses.replace(target, weights={**target.weights, "input": -jnp.abs(target.weights["input"])})
    dead = dataclasses.replace(dead, offset=dead.features(dead.at_rest()).output)
    sampler = iw.ExponentialFlow()
    state = march(dead, sampler, bursts=4)
    assert sampler.finished(state) == Status.STUCK
    key, network = jax.random.key(0), iw.TwoLayer(gamma=jnp.array([0.0, 1.75]), width=48)
    run = iw.train(key, network, num_members=2, num_steps=64, record_every=64, progress=False)
    assert (run.status[0] == Status.REACHED).all()
    assert (run.status[1] == Status.OUT_OF_STEPS).all()
    assert np.isfinite(run.log_displacement["input"].mean).tolist() == [True, False]
    again = iw.train(key, network, num_members=2, num_steps=64, record_every=64, progress=False)
    np.testing.assert_array_equal(again.log_displacement["input"].mean, run.log_displacement["input"].mean)


def test_float32_keeps_the_digits_of_lazy_layers():
    """Displacements of 1e-7 are carried, not subtracted: single and double precision agree to three digits."""
    double = problem(iw.TwoLayer(gamma=0.5, gamma_prime=1.2, width=200))
    single = jax.tree.map(lambda leaf: leaf.astype(jnp.float32), double)
    sampler = iw.ExponentialFlow(goal=1e-5)
    found = [displaced(target, march(target, sampler, bursts=2)) for target in (double, single)]
    assert found[0] < 3e-6
    np.testing.assert_allclose(found[1], found[0], rtol=2e-3)


@pytest.mark.parametrize("bad", [{"tolerance": 0.0}, {"goal": -1.0}, {"burst": 0}])
def test_bad_flows(bad):
    with pytest.raises(ValueError, match=next(iter(bad))):
        iw.ExponentialFlow(**bad)
    with pytest.raises(ValueError, match="rate"):
        iw.DescentFlow(rate=-1.0)
