"""Every integrator against the law of its own discretisation on a harmonic mode (README.md)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov

from grokjax import MALA, Langevin, LeimkuhlerMatthews, UnderdampedLangevin, ensemble
from grokjax.observables import RunningMoments


MEMBERS = 20_000


class Harmonic(eqx.Module):
    curvature: jax.Array

    def __call__(self, x):
        return self.curvature * x**2 / 2


def position(key, state):
    return state.position


def velocity(key, state):
    return state.velocity


def last_records(sampler, curvature, seed, observables):
    """Mean squares of the last record of every member: independent numbers."""
    target = Harmonic(jnp.full(MEMBERS, curvature))
    start = jax.random.normal(jax.random.key(seed + 100), (MEMBERS,)) / np.sqrt(curvature)
    run = ensemble.run(
        jax.random.key(seed),
        sampler,
        target,
        start,
        num_steps=60,
        warmup=59,
        num_chunks=60,
        record_every=1,
        observables={name: RunningMoments(measure) for name, measure in observables.items()},
        progress=False,
    )
    return {name: np.mean(np.square(result.mean)) for name, result in run.results.items()}


def within_five_errors(variance, expected):
    z = (variance / expected - 1) / np.sqrt(2 / MEMBERS)
    assert abs(z) < 5, f"variance {variance:.5f}, expected {expected:.5f}, z = {z:.1f}"


@pytest.mark.parametrize("step_size", [0.1, 0.5])
def test_overdamped_variance_carries_the_known_bias(step_size):
    curvature = 1.5
    squares = last_records(Langevin(step_size), curvature, 1, {"x": position})
    within_five_errors(squares["x"], 1 / (curvature * (1 - step_size * curvature / 2)))
    # The gate can tell the discretised law from the continuum one at the larger step.
    if step_size == 0.5:
        assert squares["x"] * curvature - 1 > 5 * np.sqrt(2 / MEMBERS)


@pytest.mark.parametrize("step_size", [0.3, 1.0])
def test_baoab_position_is_exact_and_velocity_is_cold_by_design(step_size):
    curvature = 2.0
    squares = last_records(UnderdampedLangevin(step_size, 1.0), curvature, 2, {"x": position, "v": velocity})
    within_five_errors(squares["x"], 1 / curvature)
    within_five_errors(squares["v"], 1 - step_size**2 * curvature / 4)


def test_leimkuhler_matthews_is_exact_where_euler_is_biased():
    curvature = 1.5
    squares = last_records(LeimkuhlerMatthews(0.5), curvature, 4, {"x": position})
    within_five_errors(squares["x"], 1 / curvature)


def test_mala_is_exact_at_a_large_step():
    squares = last_records(MALA(0.8), 1.0, 3, {"x": position})
    within_five_errors(squares["x"], 1.0)


def test_baoab_map_solves_its_lyapunov_equation(monkeypatch):
    """The covariance from the code's own linear map, no sampling: exact to rounding."""
    from grokjax.samplers import underdamped

    h, curvature, friction = 0.7, 2.0, 0.8
    sampler, target = UnderdampedLangevin(h, friction), Harmonic(jnp.asarray(curvature))

    def one_step(x, v, noise):
        monkeypatch.setattr(underdamped, "normal_like", lambda key, tree: jnp.asarray(noise))
        energy, gradient = jax.value_and_grad(target)(jnp.asarray(x))
        state = underdamped.UnderdampedState(jnp.asarray(x), energy, gradient, jnp.asarray(v), jnp.zeros(()))
        state = sampler.step(jax.random.key(0), target, state)
        return np.array([state.position, state.velocity])

    drift = np.stack([one_step(1.0, 0.0, 0.0), one_step(0.0, 1.0, 0.0)], axis=1)
    noise = one_step(0.0, 0.0, 1.0)
    covariance = solve_discrete_lyapunov(drift, np.outer(noise, noise))
    expected = np.diag([1 / curvature, 1 - h**2 * curvature / 4])
    np.testing.assert_allclose(covariance, expected, atol=1e-12)
