"""The effective flow: closed form against an adaptive solver, conserved and growing quantities, mode decay."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.integrate import solve_ivp

from grokjax.systems import representation as rep
from grokjax.systems.representation.parallelograms import energy_matrix


TASK = rep.Addition(10)
MASK = rep.random_training_sets(jax.random.key(1), TASK, 30, 1)[0]
TIMES = np.linspace(0.0, 400.0, 9)


def random_embedding(dimension=2, seed=2):
    return jax.random.normal(jax.random.key(seed), (10, dimension))


def test_closed_form_against_a_solver():
    start = random_embedding()
    slope = jax.jit(jax.grad(lambda flat: -rep.effective_loss(TASK, MASK, flat.reshape(10, 2))))
    solved = solve_ivp(
        lambda _, flat: np.asarray(slope(flat)),
        (0, TIMES[-1]),
        np.asarray(start).ravel(),
        t_eval=TIMES,
        rtol=1e-10,
        atol=1e-11,
        method="DOP853",
    )
    flow = rep.effective_flow(TASK, MASK, start, TIMES)
    np.testing.assert_allclose(flow, solved.y.T.reshape(-1, 10, 2), atol=1e-8)
    np.testing.assert_allclose(jnp.sum(flow**2, axis=(1, 2)), jnp.sum(start**2), rtol=1e-12)


def test_centre_stays_at_zero_and_grows_elsewhere():
    start = random_embedding()
    centred = rep.effective_flow(TASK, MASK, start - start.mean(axis=0, keepdims=True), TIMES)
    np.testing.assert_allclose(centred.sum(axis=1), 0.0, atol=1e-12)
    centre = lambda time: rep.effective_flow(TASK, MASK, start, time[None])[0].sum(axis=0)
    for time in (0.0, 40.0):
        value, speed = jax.jvp(centre, (jnp.asarray(time),), (jnp.asarray(1.0),))
        now = rep.effective_flow(TASK, MASK, start, jnp.array([time]))[0]
        expected = 2 * rep.effective_loss(TASK, MASK, now) / jnp.sum(start**2) * value
        np.testing.assert_allclose(speed, expected, rtol=1e-9)
    assert (jnp.abs(centre(jnp.asarray(400.0))) > 1.2 * jnp.abs(start.sum(axis=0))).all()


def test_modes_decay_at_the_eigenvalues():
    start = TASK.standardise(random_embedding(1))
    start = start * jnp.sqrt(10 / jnp.sum(start**2))  # Z0 = p, the paper's normalisation
    found = rep.predict(TASK, MASK)
    _, vectors = jnp.linalg.eigh(energy_matrix(TASK, MASK))
    flow = rep.effective_flow(TASK, MASK, start, np.array([0.0, 50.0]))[..., 0] @ vectors
    relative = jnp.abs(flow[:, 2:]) / jnp.linalg.norm(flow[:, :2], axis=1, keepdims=True)
    np.testing.assert_allclose(relative[1] / relative[0], jnp.exp(-50.0 * found.eigenvalues[2:]), rtol=1e-9)


def test_modular_addition_has_no_dynamics():
    task = rep.ModularAddition(11)
    full = np.ones(66, bool)
    start = jax.random.normal(jax.random.key(0), (11, 2))
    start = start - start.mean(axis=0, keepdims=True)
    np.testing.assert_allclose(rep.effective_loss(task, full, start), 4 * 14 / 120, rtol=1e-12)
    flow = rep.effective_flow(task, full, start, np.array([0.0, 100.0]))  # much later, rounding moves the centre
    np.testing.assert_allclose(flow[1], start, atol=1e-10)


@pytest.mark.medium
def test_the_printed_flow_of_the_released_script():
    system = rep.ToyRepresentation(TASK)
    path = rep.trajectory(system, rep.released_start(system, [58]), num_steps=1, record_every=1)
    start = TASK.standardise(jnp.asarray(path[0, 1], float))
    full = np.ones(55, bool)
    energy = lambda embedding: float(rep.effective_loss(TASK, full, embedding) * 70 * jnp.sum(embedding**2))
    generator = rep.hamiltonian(TASK, full, normalisation="code")
    np.testing.assert_allclose(energy(start), 397.767, atol=5e-4)
    np.testing.assert_allclose(energy(rep.euler_flow(generator, start, 1e-3, 1000)), 0.03198, atol=5e-6)
    np.testing.assert_allclose(energy(rep.euler_flow(generator, start, 1e-3, 2000)), 4e-8, rtol=0.06)
    exact = rep.effective_flow(TASK, full, start, 70 * np.array([1.0, 2.0]))  # 70 |P0|: its time has the factor 1/|P0|
    np.testing.assert_allclose([energy(embedding) for embedding in exact], [0.02908, 3.7e-8], rtol=5e-3)


@pytest.mark.medium
@pytest.mark.parametrize(("size", "low", "median", "high"), [(45, 2.9, 4.0, 5.6), (25, 1.8, None, 5.8)])
def test_time_to_structure(size, low, median, high):
    """Quantiles of the law are respected up to 5 binomial errors (the reference's own error included)."""
    count = 600
    masks = rep.random_training_sets(jax.random.key(size), TASK, size, count)
    starts = jax.random.uniform(jax.random.key(5), (count, 10, 1))
    time = np.asarray(jax.vmap(lambda mask, start: rep.flow_time_to_structure(TASK, mask, start))(masks, starts))
    unique = np.asarray(rep.predict(TASK, masks).unique_structure)
    assert np.isinf(time[~unique]).all()
    time = time[unique & np.isfinite(time)]
    for quantile, value in ((0.1, low), (0.5, median), (0.9, high)):
        if value is not None:
            error = (quantile * (1 - quantile) / len(time)) ** 0.5
            near = np.mean(np.abs(time - value) < 0.05)  # the reference is rounded to one decimal
            assert abs(np.mean(time < value) - quantile) < 5 * 2**0.5 * error + near


def test_steps_to_structure():
    steps = rep.steps_to_structure(TASK, np.stack([np.ones(55, bool), np.arange(55) < 5]), 1e-3)
    np.testing.assert_allclose(steps, [1000 / 0.085714286, np.inf], rtol=1e-7)
    with pytest.raises(ValueError, match="learning_rate"):
        rep.steps_to_structure(TASK, MASK, -1.0)
