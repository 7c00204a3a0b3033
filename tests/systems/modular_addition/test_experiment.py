"""Ensembles of real networks against measured values and theory, from both starts."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import grokjax
from grokjax.samplers import GradientDescent, UnderdampedLangevin
from grokjax.evidence.statistics import Estimate
from grokjax.ensemble import Layout
from grokjax.systems import modular_addition as ma


BASE = ma.ModularAddition(prime=11, width=500, noise_variance=5e-4, readout_variance=1e-4 / 121, sextic_decay=3.0)
# Measured on four networks by an independent implementation: discrepancy, side weight, <XV>.
MEASURED = {5e-4: (0.9785, 0.0132, 0.02780), 4e-4: (0.8603, 0.2126, 0.1651)}


@pytest.fixture(scope="module")
def runs():
    system = BASE.replace(noise_variance=np.array(list(MEASURED)))
    options = {"num_members": 6, "num_steps": 900, "progress": False}
    return {
        start: ma.simulate(jax.random.key(seed), system, start=start, num_witnesses=witnesses, **options)
        for seed, (start, witnesses) in enumerate((("prior", 2), ("frequencies", 0)))
    }


@pytest.mark.parametrize("start", ["prior", "frequencies"])
def test_networks_as_measured(runs, start):
    """Five standard errors of the difference to another ensemble of four networks."""
    run = runs[start]
    for point, expected in enumerate(MEASURED.values()):
        for name, value in zip(("discrepancy", "side_weight", "overlap_moment"), expected, strict=True):
            found = getattr(run, name)
            error = found.error[point] * np.sqrt(1 + 6 / 4)
            assert abs(found.mean[point] - value) < 5 * error, (name, point, str(found))


def test_both_starts_agree(runs):
    test = grokjax.two_start(runs["prior"].order_parameters, runs["frequencies"].order_parameters, threshold=5.0)
    assert test.agree, str(test)


def test_run_reports(runs):
    run = runs["prior"]
    assert not run.diverged.any()
    assert not {"two starts", "step bias", "virial", "temperature"} & set(run.certificate.failed), str(run.certificate)
    for virial in run.equipartition.values():
        assert (abs(virial.mean - 1) < 5 * virial.error).all()
    for drift in run.drift.values():
        assert (abs(drift.mean) < 5 * drift.error).all()
    assert run.occupation.mean.shape == (2, 5)
    np.testing.assert_allclose(run.occupation.mean.mean(axis=-1), run.side_weight.mean, rtol=1e-5)
    spread = abs(run.occupation.mean - run.side_weight.mean[:, None]) / run.occupation.error
    assert (spread < 8).all()  # all frequencies alike; t law of 5 degrees of freedom
    np.testing.assert_allclose(run.target_eigenvalue.mean, 4e-4 * run.overlap_moment.mean, rtol=1e-12)
    theory = ma.predict(run.system)
    np.testing.assert_allclose(run.phase_coherence.mean, theory.phase_coherence, atol=2e-3)
    np.testing.assert_allclose(run.discrepancy.mean, theory.discrepancy, rtol=0.03)
    assert run.counts.counts.shape == (2, 6, 60, 60)
    np.testing.assert_allclose(run.counts.density().sum(axis=(-2, -1)) * np.diff(run.counts.edges)[0] ** 2, 1)
    assert np.isnan(run.series["test_error"]).all()
    assert "phase_coherence" in str(run)
    assert run.without_states().ensemble.states is None


@pytest.mark.slow
def test_gap_to_theory_shrinks_with_width():
    """At fixed action and closure (noise and read-out variance as 1/N) the theory becomes exact."""
    gaps = []
    for width in (125, 500, 2000):
        scale = 500 / width
        system = BASE.replace(width=width, noise_variance=4e-4 * scale, readout_variance=1e-4 / 121 * scale)
        run = ma.simulate(
            jax.random.key(width), system, num_members=max(4, 8000 // width), num_steps=1500, progress=False
        )
        gap = Estimate(float(ma.predict(system).overlap_moment - run.overlap_moment.mean), run.overlap_moment.error)
        gaps.append(gap)
    assert gaps[0].mean > 2 * gaps[1].mean > 4 * gaps[2].mean > 0


def test_half_of_the_table_generalises_late():
    """Plain training on 60 % of the sums: the training error falls first, the test error is worse throughout."""
    system = ma.ModularAddition(
        prime=5, width=60, noise_variance=1e-3, readout_variance=1e-3, sextic_decay=1e-3, training_fraction=0.6
    )
    run = ma.simulate(
        jax.random.key(0),
        system,
        num_members=4,
        num_witnesses=0,
        num_steps=300,
        warmup=0,
        sampler=GradientDescent(optax.adam, learning_rate=3e-2),
        progress=False,
    )
    train, test = run.series["train_error"].mean(axis=0), run.series["test_error"].mean(axis=0)
    assert train[-1] < 0.2 * train[0]
    assert (test > train).all()
    assert np.isnan(run.step_size)


def test_steps():
    """The default step is a quarter of the stability limit at the hot start; a larger one than the limit is refused."""
    system = BASE.replace(width=50, noise_variance=np.array([6e-4, 1e-4]))
    steps = ma.safe_step_size(jax.random.key(0), system)
    assert steps.shape == (2,)
    assert float(steps[1]) < float(steps[0]) < 0.3
    with pytest.raises(ValueError, match="step_size"):
        ma.simulate(
            jax.random.key(0),
            system,
            num_steps=10,
            start="frequencies",
            sampler=UnderdampedLangevin(step_size=4.1 * steps),
            progress=False,
        )


def test_sweep_equals_single_runs():
    """Members of a sweep see their own parameters: with the same keys and step, one point repeats the first one."""
    system = BASE.replace(width=200, noise_variance=np.array([5e-4, 4e-4]))
    options = {"num_members": 2, "num_steps": 40, "sampler": UnderdampedLangevin(step_size=0.05), "progress": False}
    swept = ma.simulate(jax.random.key(5), system, **options)
    alone = ma.simulate(jax.random.key(5), BASE.replace(width=200), **options)
    np.testing.assert_allclose(swept.series["discrepancy"][0], alone.series["discrepancy"], rtol=1e-4)


def test_layout():
    system = BASE.replace(noise_variance=np.array([1e-4, 2e-4, 3e-4]))
    layout = Layout.of(system, 4, 2)
    members = layout.members(system, jnp.float32)
    np.testing.assert_allclose(members.noise_variance, np.repeat([1e-4, 2e-4, 3e-4], 4), rtol=1e-6)
    assert members.prime.shape == (12,)
    data = jax.random.key_data(layout.dataset_keys(jax.random.key(0))).reshape(3, 4, -1)
    assert (data[:, 0] == data[:, 2]).all()
    assert (data[:, 0] != data[:, 1]).any()
    assert len({tuple(row) for row in jax.random.key_data(layout.member_keys(jax.random.key(0))).tolist()}) == 12
    np.testing.assert_allclose(layout.repeat(jnp.array([0.1, 0.2, 0.3])), np.repeat([0.1, 0.2, 0.3], 4))
    values = layout.fold(np.arange(12.0))
    diverged = np.zeros((3, 4), bool)
    diverged[0, 2] = True
    estimate = layout.estimate(values, diverged)
    np.testing.assert_allclose(estimate.mean, [(0 + (1 + 3) / 2) / 2, 5.5, 9.5])
    np.testing.assert_allclose(estimate.error, [1.0, 0.5, 0.5])
    with pytest.raises(ValueError, match="step_size"):
        layout.check_survivors(np.ones((3, 4), bool), UnderdampedLangevin())
    with pytest.raises(ValueError, match="num_datasets"):
        Layout.of(system, 4, 3)
    with pytest.raises(ValueError, match="broadcast"):
        Layout.of(system.replace(width=np.array([1.0, 2.0])), 4)
