"""Certificates, automatic steps, droplet moves and replica exchange of students, as users call them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax import io
from grokjax.evidence.statistics import z_score
from grokjax.systems import teacher_student as ts


TINY = ts.TeacherStudent(
    width=24,
    num_samples=60,
    input_dim=10,
    noise_variance=0.2,
    readout_variance=0.05,
    weight_variance=0.5,
    teacher={1: 1.0, 3: -0.3},
)
BASE = ts.TeacherStudent.at_scale(1 / 8, 0.18)


@pytest.mark.medium
def test_a_run_in_equilibrium_has_its_certificate():
    """With a step that was chosen twice: the temperature is read with the right one."""
    sampler = grokjax.UnderdampedLangevin(step_size=None)
    run = ts.simulate(jax.random.key(0), BASE, num_members=16, num_steps=900, sampler=sampler)
    assert run.certificate.ok, str(run.certificate)
    assert "certificate: in equilibrium" in repr(run)
    assert run.diverged.shape == (16,)
    assert run.certificate.ess > 300
    assert set(run.certificate.temperature) == {"read_in", "read_out"}


@pytest.mark.medium
def test_witnesses_change_no_average():
    options = {"num_members": 4, "num_steps": 40, "progress": False}
    alone = ts.simulate(jax.random.key(1), TINY, num_witnesses=0, **options)
    watched = ts.simulate(jax.random.key(1), TINY, num_witnesses=4, **options)
    np.testing.assert_allclose(watched.series.side_weight, alone.series.side_weight, rtol=1e-6)
    np.testing.assert_allclose(watched.overlap[1].mean, alone.overlap[1].mean, rtol=1e-5)
    assert alone.certificate.missing == ["two starts", "step bias"]


@pytest.mark.medium
def test_an_automatic_step_is_safe_at_every_point():
    """Once in the warm-up it is taken again, where features have formed; less noise, stiffer energies."""
    system = TINY.replace(noise_variance=jnp.array([0.01, 0.3]))
    run = ts.simulate(
        jax.random.key(2),
        system,
        num_members=4,
        num_steps=120,
        start="droplets",
        sampler=grokjax.UnderdampedLangevin(step_size=None),
        progress=False,
    )
    steps = run.layout.fold(run.ensemble.sampler.step_size)
    assert steps.shape == (2, 4)
    assert (steps == steps[:, :1]).all()
    assert steps[0, 0] < steps[1, 0] <= 0.5
    np.testing.assert_allclose(run.layout.fold_witnesses(run.ensemble.sampler.step_size, "half step"), steps[:, :2] / 2)
    assert not run.diverged.any()


@pytest.mark.medium
def test_a_biased_step_shows_in_the_certificate():
    """Euler-Maruyama close to its limit of stability heats the stiff modes: the virial tells at once."""
    sampler = grokjax.Langevin(0.05)
    with pytest.warns(grokjax.NotInEquilibrium, match="not in equilibrium") as caught:
        run = ts.simulate(
            jax.random.key(3),
            TINY.replace(noise_variance=0.05),
            num_members=16,
            num_steps=900,
            sampler=sampler,
            progress=False,
        )
    assert len(caught) == 1
    assert "virial" in run.certificate.failed, str(run.certificate)
    assert run.certificate.temperature is None


@pytest.mark.slow
def test_droplet_moves_free_what_local_moves_freeze(tmp_path):
    """Noise far below the transition: without moves the two starts keep different numbers of droplets."""
    system = BASE.replace(noise_variance=0.03)
    options = {
        "num_members": 6,
        "num_witnesses": 6,
        "num_steps": 2000,
        "sampler": grokjax.UnderdampedLangevin(0.12),
        "progress": False,
    }
    frozen = ts.simulate(jax.random.key(0), system, **options)
    assert "two starts" in frozen.certificate.failed, str(frozen.certificate)
    wells = grokjax.DropletMoves([0.0, 1.2], [0.15, 0.15], [1.0, 1.0], direction="teacher", every=10)
    moved = ts.simulate(jax.random.key(0), system, droplets=wells, **options)
    assert "two starts" not in moved.certificate.failed, str(moved.certificate)
    assert moved.certificate.two_start.largest < frozen.certificate.two_start.largest
    assert 0.1 < moved.droplet_acceptance < 0.9
    assert "droplet moves: acceptance" in str(moved)
    back = io.load(io.save(tmp_path / "run", moved.without_states()))
    assert str(back) == str(moved)


@pytest.mark.slow
def test_moves_do_not_change_the_law():
    """Same data sets, with and without moves, where local dynamics is ergodic."""
    options = {"num_members": 6, "num_steps": 600, "num_witnesses": 0, "progress": False}
    local = ts.simulate(jax.random.key(0), BASE, **options)
    theory = grokjax.DropletMoves([0.0, 0.6], [0.1, 0.2], [1.0, 1.0], direction="teacher", every=15)
    moved = ts.simulate(jax.random.key(0), BASE, droplets=theory, **options)
    assert moved.steps_per_call == 15
    difference = moved.series.side_weight.mean(axis=-1) - local.series.side_weight.mean(axis=-1)
    assert abs(z_score(grokjax.statistics.over_members(difference), 0.0)) < 5


@pytest.mark.slow
def test_a_ladder_of_replicas_is_a_sweep():
    ladder = grokjax.ReplicaExchange.between(0.15, 0.3, TINY.num_samples, acceptance=0.4)
    run = ts.simulate(
        jax.random.key(4),
        TINY,
        num_members=6,
        num_steps=600,
        exchange=ladder,
        droplets=grokjax.DropletMoves(every=10),
        progress=False,
    )
    rungs = len(ladder.noise_variances)
    assert run.overlap[1].mean.shape == (rungs,)
    assert run.diagnostics["energy"].shape[:2] == (rungs, 6)
    assert run.observed["q"].counts.shape[:2] == (rungs, 6)
    np.testing.assert_allclose(run.system.noise_variance, ladder.noise_variances)
    assert (run.exchange.acceptance > 0.2).all()
    assert run.exchange.round_trips.sum() > 0
    assert np.all(np.diff(run.overlap[1].mean) < 0)  # more noise, less learned, on one and the same data
    assert "replica exchange:" in str(run)
    # The data energy follows its rung: n/2 in equilibrium, less what was fitted.
    assert (np.diff(run.diagnostics["energy"].mean(axis=(1, 2))) < 0).all()
    separate = ts.simulate(
        jax.random.key(4),
        TINY.replace(noise_variance=0.15),
        num_members=6,
        num_steps=600,
        num_witnesses=0,
        progress=False,
    )
    first = run.series.overlap[1][0].mean(axis=-1)
    difference = first - separate.series.overlap[1].mean(axis=-1)  # the same data sets
    assert abs(z_score(grokjax.statistics.over_members(difference), 0.0)) < 5
    with pytest.raises(ValueError, match="`system` must be a single point when replicas are exchanged"):
        ts.simulate(jax.random.key(0), TINY.replace(noise_variance=jnp.array([0.1, 0.2])), exchange=ladder)


@pytest.mark.medium
def test_a_second_run_of_the_same_shapes_compiles_nothing():
    compiled = []  # lowered, to be exact: that happens even where a cache on disk holds the program
    listener = lambda event, duration, **_: compiled.append(event) if "jaxpr_to_mlir" in event else None
    options = {"num_members": 3, "num_steps": 30, "progress": False}
    moves = {"sampler": grokjax.UnderdampedLangevin(None), "droplets": grokjax.DropletMoves(every=2), "num_members": 2}
    ts.simulate(jax.random.key(0), TINY, **options)
    ts.simulate(jax.random.key(0), TINY, **{**options, **moves})
    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        ts.simulate(jax.random.key(9), TINY, **options)
        assert not compiled
        changed = TINY.replace(noise_variance=0.3, weight_variance=0.7)
        ts.simulate(jax.random.key(9), changed, sampler=grokjax.UnderdampedLangevin(0.2, 0.7), **options)
        assert not compiled
        ts.simulate(jax.random.key(9), changed, **{**options, **moves})
        assert not compiled
        ts.simulate(jax.random.key(9), TINY, num_test=77, **options)
        assert compiled  # the listener does hear
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)
