"""The free energy of a Gaussian posterior, whose every thermodynamic quantity is known, by exact draws."""

import jax
import numpy as np
import pytest

import grokjax
from grokjax.evidence.free_energy import FreeEnergy
from grokjax.systems import power_unit as pu, teacher_student as ts


N, D = 200, 20
MU, K = np.arange(N) + 0.5, np.arange(1, D + 1)
VECTORS = 0.1 * np.cos(np.pi * np.outer(MU, K) / N)
SCALES = np.sqrt(200.0) * (1 + 0.05 * K)
INPUTS = VECTORS * SCALES
TEACHER = np.where(K % 2 == 1, 1.0, -1.0) / np.sqrt(D)
TARGETS = INPUTS @ TEACHER + 3 * 0.1 * np.cos(np.pi * MU * 40 / N)
LOWEST = 4.5


def exact(noise):
    """L, E and C of linear regression with prior N(0, 1/20)."""
    b = 1 / np.asarray(noise)[..., None]
    precision, pull = b * SCALES**2 + D, b * SCALES**2 * TEACHER**2 / (1 + b * SCALES**2 / D)
    evidence = -0.5 * np.log1p(b * SCALES**2 / D).sum(-1) - b[..., 0] * LOWEST - 0.5 * pull.sum(-1)
    miss = (D * TEACHER / precision) ** 2
    energy = LOWEST + 0.5 * (SCALES**2 * (miss + 1 / precision)).sum(-1)
    variance = (SCALES**4 * (0.5 / precision**2 + miss / precision)).sum(-1)
    return evidence, energy, b[..., 0] ** 2 * variance


def draws(seed, noises, shape):
    """S of exact posterior draws, shape (rung, *shape)."""
    rng = np.random.default_rng(seed)
    b = 1 / np.asarray(noises).reshape(-1, *(1,) * (len(shape) + 1))
    precision = b * SCALES**2 + D
    weights = b * SCALES**2 * TEACHER / precision + rng.normal(size=(len(noises), *shape, D)) / np.sqrt(precision)
    return LOWEST + 0.5 * ((weights - TEACHER) ** 2 * SCALES**2).sum(-1)


NOISES = np.geomspace(0.09, 90.0, 39)


@pytest.fixture(scope="module")
def found():
    """Two "data sets" (the same), four ladders of 100 independent records each."""
    prior = np.stack([draws(9, [1e12], (400,))[0]] * 2)
    return FreeEnergy.of(
        NOISES, draws(1, NOISES, (2, 4, 100)), prior_energies=prior, lowest_energy=LOWEST, num_samples=N
    )


def test_the_closed_forms_are_those_of_the_design():
    evidence, energy, capacity = exact([0.09, 0.9, 90.0])
    np.testing.assert_allclose(evidence, [-115.175793, -47.159956, -4.456259], atol=1e-6)
    np.testing.assert_allclose(energy, [5.399981, 13.482430, 334.418337], atol=1e-6)
    np.testing.assert_allclose(capacity, [9.999356, 9.943508, 1.167418], atol=1e-6)


def test_every_quantity_within_its_errors(found):
    evidence, energy, capacity = exact(NOISES)
    b = 1 / NOISES
    names = ("log_evidence", "energy", "heat_capacity", "entropy", "learning_coefficient")
    truth = (evidence, energy, capacity, evidence + b * energy, b * (energy - LOWEST))
    assert found.converged
    for name, expected in zip(names, truth, strict=True):
        estimate = getattr(found, name)
        assert (np.abs(estimate.mean - expected) < 5 * estimate.within).all(), name
        assert np.isfinite(estimate.over_datasets).all()
    assert (found.log_evidence.within[:30] < 0.1).all()
    np.testing.assert_allclose(found.overlap.sum(axis=1), 1, rtol=1e-9)


def test_errors_are_honest():
    """The error of L over the rms of its deviations, over 20 repeats: between .6 and 1.4."""
    noises = np.geomspace(0.09, 0.9, 9)
    expected = exact(noises[[0, -1]])[0] @ [1, -1]
    one = FreeEnergy.of(noises, np.stack([draws(seed, noises, (4, 60)) for seed in range(20)], axis=1))
    values = one.log_evidence.per_dataset[:, 0]
    rms = np.sqrt(np.mean((values - expected) ** 2))
    assert 0.6 < one.log_evidence.within[0] * np.sqrt(20) / rms < 1.4
    assert 0.6 < one.log_evidence.over_datasets[0] * np.sqrt(20) / rms < 1.4


def test_between_the_rungs(found):
    noises = np.array([0.1, 1.3, 40.0])
    at = found.at(noises)
    evidence, energy, capacity = exact(noises)
    for estimate, expected in ((at.log_evidence, evidence), (at.energy, energy), (at.heat_capacity, capacity)):
        assert (np.abs(estimate.mean - expected) < 5 * estimate.within).all()
    on = found.at(NOISES[7])
    np.testing.assert_allclose(on.energy.mean[0], found.energy.mean[7], rtol=1e-12)


def test_the_gauge_is_relative_to_the_hottest_rung():
    noises = np.geomspace(0.09, 0.9, 9)
    one = FreeEnergy.of(noises, draws(3, noises, (1, 4, 60)))
    evidence, _, _ = exact(noises)
    assert one.log_evidence.mean[-1] == pytest.approx(0, abs=1e-9)
    assert abs(one.log_evidence.mean[0] - (evidence[0] - evidence[-1])) < 5 * one.log_evidence.error[0]
    upside_down = FreeEnergy.of(noises[::-1], draws(3, noises, (1, 4, 60))[::-1])
    np.testing.assert_allclose(upside_down.log_evidence.mean[::-1], one.log_evidence.mean, atol=1e-8)


def test_integration_along_the_ladder_with_its_end_correction():
    """From exact means and variances: -110.7179 where the trapezoidal rule alone gives -110.9954."""
    from grokjax.evidence.free_energy import _integral

    _, energy, capacity = exact(NOISES)
    spread = np.sqrt(capacity) * NOISES  # two values one standard deviation from the mean have both moments
    two = np.stack([energy - spread, energy + spread], axis=-1)[:, None, None]
    assert _integral(1 / NOISES, two, 38)[0, 0, 0] == pytest.approx(-110.7179, abs=1e-4)
    assert exact(NOISES[[0, -1]])[0] @ [1, -1] == pytest.approx(-110.719534, abs=1e-6)


def test_wbic(found):
    assert exact(0.09 * np.log(N))[1] / 0.09 + N / 2 * np.log(2 * np.pi * 0.09) == pytest.approx(45.945772, abs=1e-6)
    wbic = found.wbic(0.09)
    assert abs(wbic.mean - 45.945772) < 5 * wbic.within


def test_inefficiency_of_correlated_records():
    """An autoregressive series of coefficient r has inefficiency (1 + r)/(1 - r)."""
    from grokjax.evidence.ladder import statistical_inefficiency

    rng, r = np.random.default_rng(0), 0.6
    series = np.zeros((2, 3, 4, 4000))
    noise = rng.normal(size=series.shape)
    for t in range(1, series.shape[-1]):
        series[..., t] = r * series[..., t - 1] + noise[..., t]
    assert statistical_inefficiency(series + 10 * rng.normal(size=(2, 3, 1, 1))) == pytest.approx(4, rel=0.15)


def test_bad_input_is_named(found):
    with pytest.raises(ValueError, match="`run` must be a ladder of three rungs or more"):
        FreeEnergy.of([0.1, 0.2], np.ones((2, 1, 1, 8)))
    gap = np.array([0.09, 0.1, 30.0, 40.0])
    with pytest.raises(ValueError, match=r"overlap of .* between 0\.1 and 30"):
        FreeEnergy.of(gap, draws(4, gap, (1, 4, 60)))
    with pytest.raises(ValueError, match=r"within the ladder, 0\.09 to 90"):
        found.at(0.05)
    with pytest.raises(ValueError, match="`run` must be one with its data energy recorded"):
        grokjax.free_energy(object())
    with pytest.raises(ValueError, match="`energies` must be of shape"):
        FreeEnergy.of(gap, np.ones((3, 1, 1, 8)))


@pytest.mark.medium
def test_a_run_of_a_ladder_keeps_its_data_energy():
    """The recorded S is that of the networks, and a run that goes on keeps more of it."""
    system = ts.TeacherStudent.at_scale(1 / 64)
    ladder = grokjax.ReplicaExchange([0.2, 0.24, 0.29])
    run = ts.simulate(
        jax.random.key(0), system, exchange=ladder, num_members=2, num_steps=60, record_every=5, progress=False
    )
    energies = run.diagnostics["data_energy"]
    assert energies.shape == run.diagnostics["energy"].shape
    last = run.ensemble.states
    for member in range(2):
        for slot, rung in enumerate(np.asarray(last.rung[member])):
            entry = member * 3 + int(rung)
            target = jax.tree.map(lambda leaf, entry=entry: leaf[entry], run.problem.target)
            position = jax.tree.map(lambda leaf, at=(member, slot): leaf[at], last.position)
            squares = np.sum(np.square(target.predictions(position) - target.targets)) / 2
            np.testing.assert_allclose(energies[rung, member, -1], squares, rtol=2e-4)
    longer = run.extend(jax.random.key(1), 30)
    assert longer.diagnostics["data_energy"].shape[-1] == energies.shape[-1] + 6
    free = grokjax.free_energy(longer)
    assert free.num_datasets == 2
    assert free.num_samples == int(system.num_samples)
    assert "rungs x 2 data sets" in repr(free)


@pytest.mark.medium
def test_ladders_on_the_same_data_are_pooled():
    ladder = grokjax.ReplicaExchange.between(0.8, 1.6, 25)
    system = pu.PowerUnit(power=3, num_observations=25)
    run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=8, num_steps=1000, progress=False)
    free = grokjax.free_energy(run)
    assert free.num_datasets == 1
    truth = pu.predict(run.system)
    evidence = np.asarray(truth.log_evidence)
    for estimate, expected in (
        (free.log_evidence, evidence - evidence[-1]),
        (free.energy, np.asarray(truth.energy)),
        (free.heat_capacity, np.asarray(truth.heat_capacity)),
    ):
        assert (np.abs(estimate.mean - expected)[:-1] < 5 * estimate.error[:-1]).all()
    absolute = grokjax.free_energy(run, absolute=True)
    assert (np.abs(absolute.log_evidence.mean - evidence) < 5 * absolute.log_evidence.error).all()
