"""Ensembles of real networks against measured values and theory, from both starts."""

import jax
import numpy as np
import optax
import pytest

import grokjax
from grokjax import GradientDescent, Status, UnderdampedLangevin, io
from grokjax.evidence.statistics import Estimate
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


@pytest.mark.medium
@pytest.mark.parametrize("start", ["prior", "frequencies"])
def test_networks_as_measured(runs, start):
    """Five standard errors of the difference to another ensemble of four networks."""
    run = runs[start]
    for point, expected in enumerate(MEASURED.values()):
        for name, value in zip(("discrepancy", "side_weight", "overlap_moment"), expected, strict=True):
            found = getattr(run, name)
            error = found.error[point] * np.sqrt(1 + 6 / 4)
            assert abs(found.mean[point] - value) < 5 * error, (name, point, str(found))


@pytest.mark.medium
def test_both_starts_agree(runs):
    test = grokjax.two_start(runs["prior"].order_parameters, runs["frequencies"].order_parameters, threshold=5.0)
    for name in ("discrepancy", "side_weight", "overlap_moment", "target_eigenvalue"):
        assert (abs(getattr(test.z_score, name)) < 5).all(), (name, str(test))


@pytest.mark.medium
def test_run_reports(runs):
    run = runs["prior"]
    assert not run.diverged.any()
    assert not {"two starts", "step bias", "virial", "temperature"} & set(run.certificate.failed), str(run.certificate)
    assert set(run.certificate.two_start.z_score) == {"discrepancy", "side_weight", "overlap_moment"}
    for virial in run.equipartition.values():
        assert (abs(virial.mean - 1) < 5 * virial.error).all()
    for name in ("discrepancy", "side_weight", "overlap_moment"):
        drift = getattr(run.drift, name)
        assert (abs(drift.mean) < 5 * drift.error).all(), name
    np.testing.assert_allclose(run.target_eigenvalue.mean, 4e-4 * run.overlap_moment.mean, rtol=1e-6)
    assert run.held_out_error is None
    assert np.isnan(run.series.held_out_error).all()
    assert run.layout.num_datasets == 6


@pytest.mark.medium
def test_neurons(runs):
    run = runs["prior"]
    assert run.occupation.mean.shape == (2, 5)
    np.testing.assert_allclose(run.occupation.mean.mean(axis=-1), run.side_weight.mean, rtol=1e-5)
    spread = abs(run.occupation.mean - run.side_weight.mean[:, None]) / run.occupation.error
    assert (spread < 8).all()  # all frequencies alike; t law of 5 degrees of freedom
    theory = ma.predict(run.system)
    np.testing.assert_allclose(run.phase_coherence.mean, theory.phase_coherence, atol=2e-3)
    np.testing.assert_allclose(run.discrepancy.mean, theory.discrepancy, rtol=0.03)
    rows = {row.name.split("[")[0] for row in grokjax.compare(theory, run).rows}
    assert rows == {"discrepancy", "side_weight", "overlap_moment", "target_eigenvalue"}
    pairs = run.observed["pairs"]
    assert pairs.counts.shape == (2, 6, 60, 60)
    assert (pairs.counts.sum(axis=(-2, -1)) == 500 * 5 * run.series.side_weight.shape[-1]).all()
    np.testing.assert_allclose(pairs.density().sum(axis=(-2, -1)) * np.diff(pairs.edges)[0] ** 2, 1)
    side = pairs.centres > 0.5
    weight = pairs.density()[..., side, :][..., side].sum(axis=(-2, -1)) * np.diff(pairs.edges)[0] ** 2
    np.testing.assert_allclose(weight.mean(axis=-1), run.side_weight.mean, atol=0.02)  # the border is inside of a bin


@pytest.mark.medium
def test_a_run_is_printed_labelled_and_kept(runs, tmp_path):
    run = runs["prior"]
    assert "phase_coherence" in str(run)
    labelled = run.to_xarray()
    assert labelled.side_weight.dims == ("point", "member", "record")
    assert labelled.pairs_counts.shape == (2, 6, 60, 60)
    small = run.without_states()
    assert small.ensemble.states is None
    back = io.load(io.save(tmp_path / "run", small))
    assert str(back) == str(run)
    for a, b in zip(jax.tree.leaves(small), jax.tree.leaves(back), strict=True):
        np.testing.assert_array_equal(a, b)


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


@pytest.mark.medium
def test_half_of_the_table_generalises_late():
    """Plain training on 60 % of the sums: the training error falls first, the test error is worse throughout."""
    system = ma.ModularAddition(
        prime=5, width=60, noise_variance=1e-3, readout_variance=1e-3, sextic_decay=1e-3, training_fraction=0.6
    )
    run = ma.simulate(
        jax.random.key(0),
        system,
        num_members=4,
        num_datasets=2,
        num_steps=300,
        sampler=GradientDescent(optax.adam, learning_rate=3e-2),
        progress=False,
    )
    train, test = run.series.train_error.mean(axis=0), run.series.held_out_error.mean(axis=0)
    assert train[-1] < 0.2 * train[0]
    assert (test > train).all()
    assert run.certificate is None
    assert (run.status == Status.OUT_OF_STEPS).all()
    np.testing.assert_allclose(run.train_error.mean, run.series.train_error[:, -1].mean(), rtol=1e-5)
    included = run.layout.fold(run.problem.target.inputs)
    np.testing.assert_array_equal(included[:2], included[2:])
    assert (included[0] != included[1]).any()


@pytest.mark.medium
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
            num_members=2,
            num_witnesses=0,
            num_steps=10,
            start="frequencies",
            sampler=UnderdampedLangevin(step_size=4.1 * steps),
            progress=False,
        )


@pytest.mark.slow
def test_a_sweep_of_system_and_sampler_over_two_axes():
    """Points see their own parameters: with the same keys, the first member of the first one repeats a single run."""
    noises, decays, steps = np.array([[5e-4], [4e-4]]), np.array([[3.0, 2.0]]), np.array([[0.05], [0.03]])
    system = BASE.replace(width=50, noise_variance=noises, sextic_decay=decays)
    options = {"num_members": 2, "num_steps": 40, "num_witnesses": 0, "progress": False}
    swept = ma.simulate(jax.random.key(5), system, sampler=UnderdampedLangevin(steps), **options)
    alone = ma.simulate(jax.random.key(5), BASE.replace(width=50), sampler=UnderdampedLangevin(0.05), **options)
    assert swept.series.discrepancy.shape[:3] == (2, 2, 2)
    np.testing.assert_allclose(swept.series.discrepancy[0, 0, 0], alone.series.discrepancy[0], rtol=1e-4)
    at = lambda leaf: swept.layout.fold(leaf)
    shape = (2, 2, 2)
    target = swept.problem.target
    np.testing.assert_allclose(at(target.noise_variance), np.broadcast_to(noises[..., None], shape), rtol=1e-6)
    np.testing.assert_allclose(at(target.penalty.sextic_decay), np.broadcast_to(decays[..., None], shape), rtol=1e-6)
    np.testing.assert_allclose(at(swept.ensemble.sampler.step_size), np.broadcast_to(steps[..., None], shape), 1e-6)
    truth = swept.problem.truth.well_position
    np.testing.assert_allclose(at(truth), np.broadcast_to(np.sqrt(3 / decays)[..., None], shape), rtol=1e-6)
