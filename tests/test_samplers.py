"""Samplers and trainers at their door, and the optax trainer against optax by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax import MALA, GradientDescent, Langevin, LeimkuhlerMatthews, UnderdampedLangevin, ensemble
from grokjax.samplers import check_step_size, stability_limits


def rosenbrock(x):
    return (1 - x[0]) ** 2 + 10 * (x[1] - x[0] ** 2) ** 2


@pytest.mark.parametrize("optimiser", [optax.adam, optax.adamw, optax.sgd])
def test_gradient_descent_is_optax(optimiser):
    transformation, position = optimiser(0.01), jnp.array([-1.0, 1.0])
    memory, expected = transformation.init(position), position
    for _ in range(50):
        updates, memory = transformation.update(jax.grad(rosenbrock)(expected), memory, expected)
        expected = optax.apply_updates(expected, updates)
    run = ensemble.run(
        jax.random.key(0),
        GradientDescent(optimiser, learning_rate=0.01),
        rosenbrock,
        position[None],
        num_steps=50,
        progress=False,
    )
    np.testing.assert_allclose(run.states.position[0], expected, rtol=1e-9)


def test_learning_rates_are_one_vmapped_leaf():
    rates = jnp.array([0.001, 0.01, 0.03])
    start = jnp.broadcast_to(jnp.array([-1.0, 1.0]), (3, 2))
    together = ensemble.run(
        jax.random.key(0),
        GradientDescent(optax.adam, learning_rate=rates),
        rosenbrock,
        start,
        num_steps=30,
        progress=False,
    )
    for member, rate in enumerate(rates):
        alone = ensemble.run(
            jax.random.key(0),
            GradientDescent(optax.adam, learning_rate=rate),
            rosenbrock,
            start[:1],
            num_steps=30,
            progress=False,
        )
        np.testing.assert_allclose(together.states.position[member], alone.states.position[0], rtol=1e-9)


def test_mala_reports_its_acceptance():
    steps = jnp.array([1e-4, 1.5])
    run = ensemble.run(jax.random.key(0), MALA(steps), rosenbrock, jnp.ones((2, 2)), num_steps=200, progress=False)
    small, large = np.asarray(run.states.acceptance)
    assert small > 0.9
    assert large < small


@pytest.mark.parametrize("sampler", [Langevin, LeimkuhlerMatthews, UnderdampedLangevin, MALA])
def test_steps_are_positive_and_nothing_is_assumed_of_the_coordinates(sampler):
    sampler(2.5)  # unstable where a curvature is 1; a soft energy may take it
    with pytest.raises(ValueError, match="`step_size` must be finite and above zero"):
        sampler(-0.1)


def test_friction_must_be_positive():
    with pytest.raises(ValueError, match="`friction` must be finite and above zero"):
        UnderdampedLangevin(0.1, 0.0)


@pytest.mark.parametrize(("sampler", "limit"), [(Langevin, 0.5), (LeimkuhlerMatthews, 0.5), (UnderdampedLangevin, 1.0)])
def test_steps_unstable_on_the_data_are_refused(sampler, limit):
    """Curvature 4: overdamped steps below 2/4, underdamped below 2/sqrt(4)."""
    stiff = lambda x: 2 * jnp.sum(x**2)
    check_step_size(jax.random.key(0), sampler(0.9 * limit), stiff, jnp.ones((3, 2)), np.array([0]))
    with pytest.raises(ValueError, match="the stability limit at the largest curvature"):
        check_step_size(jax.random.key(0), sampler(1.1 * limit), stiff, jnp.ones((3, 2)), np.array([0]))


def linear_map(sampler, target, like, monkeypatch):
    """The matrices of one step of an underdamped sampler on (x, v), and of its noise."""
    from grokjax.samplers import underdamped

    flat = lambda position, velocity: np.concatenate(
        [np.ravel(leaf) for leaf in (*position.values(), *velocity.values())]
    )
    size = sum(np.size(leaf) for leaf in like.values())
    names = list(like)

    def cut(vector):
        parts = np.split(vector, np.cumsum([np.size(leaf) for leaf in like.values()])[:-1])
        return {name: jnp.asarray(part.reshape(np.shape(like[name]))) for name, part in zip(names, parts, strict=True)}

    def step(x, v, noise):
        monkeypatch.setattr(underdamped, "normal_like", lambda key, tree: cut(noise))
        energy, gradient = jax.value_and_grad(target)(cut(x))
        state = underdamped.UnderdampedState(cut(x), energy, gradient, cut(v), cut(np.zeros(size)))
        state = sampler.step(jax.random.key(0), target, state)
        return flat(state.position, state.velocity), state

    zero, unit = np.zeros(size), np.eye(size)
    drift = np.stack([step(e, zero, zero)[0] for e in unit] + [step(zero, e, zero)[0] for e in unit], axis=1)
    noise = np.stack([step(zero, zero, e)[0] for e in unit], axis=1)
    return drift, noise, step


CURVATURES = {"read_in": np.array([1.0, 4.0]), "read_out": np.array([2.0])}


def layered(position):
    return sum(jnp.sum(jnp.asarray(CURVATURES[name]) * leaf**2) / 2 for name, leaf in position.items())


@pytest.mark.parametrize("splitting", ["BAOAB", "BAOA"])
def test_scale_and_friction_of_layers_keep_the_law(splitting, monkeypatch):
    """Exact stationary covariance for any scale and friction; after the noise the temperature is 1 in both."""
    from scipy.linalg import solve_discrete_lyapunov

    h, scale = 0.5, {"read_in": 0.6, "read_out": 1.5}
    sampler = UnderdampedLangevin(h, {"read_in": 0.5, "read_out": 2.0}, scale, splitting)
    drift, noise, step = linear_map(sampler, layered, CURVATURES, monkeypatch)
    covariance = solve_discrete_lyapunov(drift, noise @ noise.T)
    curvature = np.concatenate(list(CURVATURES.values()))
    np.testing.assert_allclose(covariance[:3, :3], np.diag(1 / curvature), atol=1e-12)
    omega = np.array([0.6, 0.6, 1.5]) * np.sqrt(curvature)
    cold = 1 - (h * omega) ** 2 / 4 if splitting == "BAOAB" else np.ones(3)
    np.testing.assert_allclose(np.diag(covariance)[3:], cold, atol=1e-12)
    # The velocity after the noise as a linear map of (x, v): its covariance is the identity.
    after = lambda vector: np.concatenate([np.ravel(leaf) for leaf in state_at(vector).velocity_after_noise.values()])

    def state_at(vector):
        state = step(np.zeros(3), np.zeros(3), np.zeros(3))[1]
        position = {"read_in": jnp.asarray(vector[:2]), "read_out": jnp.asarray(vector[2:3])}
        velocity = {"read_in": jnp.asarray(vector[3:5]), "read_out": jnp.asarray(vector[5:])}
        return type(state)(position, layered(position), jax.grad(layered)(position), velocity, state.kick)

    read = np.stack([after(e) for e in np.eye(6)], axis=1)
    np.testing.assert_allclose(np.diag(read @ covariance @ read.T), 1.0, atol=1e-12)


def test_both_splittings_walk_the_same_positions():
    """BAOA only joins two kicks: from matching velocities the positions are those of BAOAB."""
    key, x = jax.random.key(0), {"read_in": jnp.array([0.3, -0.2]), "read_out": jnp.array([0.5])}
    one, two = (UnderdampedLangevin(0.4, 1.0, splitting=name) for name in ("BAOAB", "BAOA"))
    first = one.init(key, layered, x)
    second = type(first)(first.position, first.energy, first.gradient, first.velocity_after_noise, first.kick)
    for i in range(5):
        first = one.step(jax.random.fold_in(key, i), layered, first)
        second = two.step(jax.random.fold_in(key, i), layered, second)
    for name in x:
        np.testing.assert_allclose(first.position[name], second.position[name], rtol=1e-12)
        np.testing.assert_allclose(first.velocity_after_noise[name], second.velocity[name], rtol=1e-12)


def test_unknown_layers_are_named():
    sampler = UnderdampedLangevin(0.1, {"read_in": 1.0})
    state = sampler.init(jax.random.key(0), layered, {name: jnp.asarray(leaf) for name, leaf in CURVATURES.items()})
    with pytest.raises(ValueError, match="`friction` must be one number, or one for each of"):
        sampler.step(jax.random.key(0), layered, state)


def test_scale_changes_the_stability_limit():
    """Curvature 4 seen through a scale of 1/2 is 1; the safe step is a fixed part of the limit."""
    x = {name: jnp.asarray(leaf)[None] for name, leaf in CURVATURES.items()}
    sampler = UnderdampedLangevin(None, scale={"read_in": 0.5, "read_out": 0.5})
    np.testing.assert_allclose(stability_limits(jax.random.key(0), sampler, layered, x), 2.0, rtol=1e-6)
    np.testing.assert_allclose(
        stability_limits(jax.random.key(0), UnderdampedLangevin(None), layered, x), 1.0, rtol=1e-6
    )
    np.testing.assert_allclose(stability_limits(jax.random.key(0), Langevin(None), layered, x), 0.5, rtol=1e-6)


@pytest.mark.parametrize("sampler", [Langevin, LeimkuhlerMatthews, UnderdampedLangevin])
def test_a_step_must_be_given_where_nobody_chooses_it(sampler):
    with pytest.raises(
        ValueError, match="`step_size` must be a number where the sampler is used directly, but got None"
    ):
        ensemble.run(jax.random.key(0), sampler(None), rosenbrock, jnp.ones((2, 2)), num_steps=5, progress=False)


@pytest.mark.parametrize("sampler", [LeimkuhlerMatthews(0.25), UnderdampedLangevin(0.5, splitting="BAOA")])
@pytest.mark.parametrize("moved", [True, False])
def test_exact_moves_between_steps_keep_the_law(sampler, moved, monkeypatch):
    """A Gibbs draw of one coordinate after every step, curvature 4: stationary covariance from the code's own map.

    The carried noise (or velocity) has to change with the gradient; left alone it spoils the covariance.
    """
    from scipy.linalg import solve_discrete_lyapunov

    from grokjax.samplers import langevin, underdamped

    curvature = jnp.array([[4.0, 1.0], [1.0, 2.0]])
    energy = lambda x: x @ curvature @ x / 2
    value_and_gradient = jax.value_and_grad(energy)

    def one_step(vector, xi, draw):
        for module in (langevin, underdamped):
            monkeypatch.setattr(module, "normal_like", lambda key, tree: jnp.asarray(xi))
        x, memory = jnp.asarray(vector[:2]), jnp.asarray(vector[2:])
        state = sampler.init(jax.random.key(0), energy, x)
        carried = "noise" if isinstance(sampler, LeimkuhlerMatthews) else "velocity"
        state = type(state)(*(memory if name == carried else getattr(state, name) for name in vars(state)))
        state = sampler.step(jax.random.key(0), energy, state)
        first = -curvature[0, 1] / curvature[0, 0] * state.position[1] + draw / jnp.sqrt(curvature[0, 0])
        position = state.position.at[0].set(first)
        memory = getattr(state, carried)
        state = sampler.moved(state, position, *value_and_gradient(position))
        return np.concatenate([state.position, getattr(state, carried) if moved else memory])

    zero = np.zeros(4)
    drift = np.stack([one_step(e, zero[:2], 0.0) for e in np.eye(4)], axis=1)
    noise = np.stack([one_step(zero, e, 0.0) for e in np.eye(2)] + [one_step(zero, zero[:2], 1.0)], axis=1)
    covariance = solve_discrete_lyapunov(drift, noise @ noise.T)[:2, :2]
    error = np.abs(covariance @ np.asarray(curvature) - np.eye(2)).max()
    assert (error < 1e-10) == moved, error
