"""Power units against the closed forms of their limits, the tables of their finite sizes, and against networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax.systems import power_unit as pu


SIZES = jnp.array([25.0, 50.0, 100.0, 200.0, 400.0])


def test_the_limit_of_the_cubic_unit_is_in_closed_form():
    limit = pu.sharp_limit(3)
    assert float(limit.inverse_noise) == pytest.approx(2 / 3 * 2 ** (1 / 3), abs=1e-10)
    assert float(limit.well) == pytest.approx(2 ** (-1 / 3), abs=1e-8)
    assert float(limit.latent_heat) == pytest.approx(3 / 8, abs=1e-8)
    assert float(limit.barrier) == pytest.approx(0.0283240, abs=1e-7)
    assert float(limit.saddle) == pytest.approx(0.4315263, abs=1e-7)
    assert pu.spinodal(3) == pytest.approx(0.7055116, abs=1e-7)


def test_coexistence_at_finite_size():
    found = pu.coexistence(pu.PowerUnit(power=3, num_observations=SIZES))
    np.testing.assert_allclose(found.inverse_noise, [0.871744, 0.857483, 0.849102, 0.844565, 0.842257], rtol=2e-5)
    np.testing.assert_allclose(found.latent_heat, [0.306869, 0.318300, 0.340795, 0.360441, 0.368772], rtol=6e-5)
    leading = 2 / 3 * 2 ** (1 / 3) + np.log(2) / 2 / (
        3 * 400 / 8
    )  # equal weight: half the log of the curvatures' ratio
    assert float(found.inverse_noise[-1]) == pytest.approx(leading, abs=1e-4)


def test_the_quadrature():
    noise = jnp.array([2.0, 1.0])
    found = pu.predict(pu.PowerUnit(power=3, num_observations=50, noise_variance=noise))
    np.testing.assert_allclose(found.log_evidence, [-12.453132, -22.271991], atol=1e-6)
    np.testing.assert_allclose(found.loss, [0.494670, 0.140340], atol=1e-6)
    assert found.converged.all()
    linear = pu.predict(pu.PowerUnit(power=1, num_observations=50, noise_variance=noise))
    b = 1 / np.asarray(noise)
    np.testing.assert_allclose(linear.log_evidence, -0.5 * np.log1p(b) - 50 * b / (1 + b) / 2, rtol=1e-10)
    slope = jax.grad(
        lambda b: pu.predict(pu.PowerUnit(power=3, num_observations=50, noise_variance=1 / b)).log_evidence
    )
    assert -float(slope(1.0)) == pytest.approx(50 * float(found.loss[1]), rel=1e-9)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("power", "size", "largest"),
    [(3, 100, 244.4), (3, 400, 3936.0), (2, 100, 42.127), (2, 400, 190.744), (1, 100, 15.038), (1, 400, 59.48)],
)
def test_the_largest_heat_capacity(power, size, largest):
    b = np.concatenate([np.linspace(0.3, 4, 800), np.linspace(0.82, 0.9, 400)])
    found = pu.predict(pu.PowerUnit(power=power, num_observations=size, noise_variance=1 / jnp.asarray(b)))
    assert float(found.heat_capacity.max()) == pytest.approx(largest, rel=5e-4)


def test_the_cumulant_of_the_quadratic_unit_does_not_know_the_size():
    from grokjax.systems.power_unit.theory import law

    for size in (25.0, 400.0):
        w, log_weights, _ = law(pu.PowerUnit(power=2, num_observations=size, noise_variance=2.0))
        mass = jax.nn.softmax(log_weights)
        assert 1 - float(mass @ w**4 / (3 * (mass @ w**2) ** 2)) == pytest.approx(0.27052, abs=2e-5)


@pytest.mark.medium
@pytest.mark.parametrize("power", [1, 2])
def test_networks_have_the_exact_averages(power):
    system = pu.PowerUnit(power=power, num_observations=30, noise_variance=jnp.array([0.5, 2.0]))
    run = pu.simulate(jax.random.key(power), system, num_members=64, num_steps=600, progress=False)
    comparison = grokjax.compare(pu.predict(system), run)
    assert all(abs(row.z_score) < 5 for row in comparison.rows), comparison


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`power` must be 3 or more"):
        pu.sharp_limit(2)
    with pytest.raises(ValueError, match="`power` must be one whole number"):
        pu.PowerUnit(power=0, num_observations=10)


def test_escape_times_and_loops():
    """Within 3 % of Eyring's time only where the barrier is high; loops as the Fokker-Planck equation has them."""
    b = float(pu.sharp_limit(3).inverse_noise)
    times = pu.escape_time(pu.PowerUnit(power=3, num_observations=jnp.array([50.0, 400.0]), noise_variance=1 / b))
    limit = pu.sharp_limit(3)
    w = float(limit.saddle)
    bend = 1 + b * (9 * w**4 + 6 * w * (w**3 - 1))
    eyring = 2 * np.pi / np.sqrt(-bend) * np.exp(400 * float(limit.barrier))
    assert float(times[1]) == pytest.approx(eyring, rel=0.12)
    assert float(times[0]) == pytest.approx(35.948, rel=1e-4)
    works = pu.loop_work(pu.PowerUnit(power=3, num_observations=50), 0.4, 2.5, [0.1, 1e-4])
    np.testing.assert_allclose(works, [20.48, 0.04348], rtol=1e-3)
    with pytest.raises(ValueError, match="`noise_variance` must be below"):
        pu.escape_time(pu.PowerUnit(power=3, num_observations=50, noise_variance=2.0))
    with pytest.raises(ValueError, match="`high` must be above low"):
        pu.loop_work(pu.PowerUnit(power=3, num_observations=50), 1.0, 0.5, [0.1])
