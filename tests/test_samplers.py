"""Samplers and trainers at their door, and the optax trainer against optax by hand."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax import MALA, GradientDescent, Langevin, LeimkuhlerMatthews, UnderdampedLangevin, ensemble
from grokjax.samplers import check_step_size


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
def test_steps_unstable_on_the_prior_are_refused(sampler):
    with pytest.raises(ValueError, match=r"`step_size` must be below 2.*got 2.5"):
        sampler(2.5)
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
