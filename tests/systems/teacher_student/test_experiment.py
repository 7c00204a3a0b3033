"""Ensembles of students against published-size reference runs, and against each other."""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

import grokjax
from grokjax import MALA, GradientDescent, Langevin, Problem, UnderdampedLangevin, io, statistics
from grokjax.evidence.statistics import Estimate, z_score
from grokjax.networks import TwoLayer, standard_normal_two_layer
from grokjax.posterior import Posterior
from grokjax.samplers import State
from grokjax.systems import teacher_student as ts
from grokjax.systems.teacher_student.experiment import Teacher
from grokjax.tasks import unit_vector


BASE = ts.TeacherStudent.at_scale(1 / 8, 0.18)
TINY = ts.TeacherStudent(
    width=24,
    num_samples=60,
    input_dim=10,
    noise_variance=0.2,
    readout_variance=0.05,
    weight_variance=0.5,
    teacher={1: 1.0, 3: -0.3},
)
QUIET = dict(progress=False, num_witnesses=0)


@pytest.fixture(scope="module")
def baoab():
    return ts.simulate(jax.random.key(0), BASE, num_members=16, num_steps=1200, **QUIET)


@pytest.mark.medium
def test_reference_values(baoab):
    """Independent Langevin ensembles at this point gave 0.712(9), -0.0164(20) and 0.0513(15)."""
    reference = {"overlap": {1: Estimate(0.712, 0.009), 3: Estimate(-0.0164, 0.0020)}, "side": Estimate(0.0513, 0.0015)}
    assert abs(z_score(baoab.overlap[1], reference["overlap"][1])) < 5
    assert abs(z_score(baoab.overlap[3], reference["overlap"][3])) < 5
    assert abs(z_score(baoab.side_weight, reference["side"])) < 5
    assert baoab.side_weight.error < 0.005
    assert not baoab.diverged.any()


@pytest.mark.medium
def test_it_is_in_equilibrium(baoab):
    for name, virial in baoab.equipartition.items():
        assert abs(z_score(virial, 1.0)) < 5, f"{name}: {virial}"
    for estimate in jax.tree.leaves(baoab.drift, is_leaf=statistics.is_estimate):
        assert abs(z_score(estimate, 0.0)) < 5
    assert baoab.effective_sample_size > 200


def paired(run, reference):
    """z of the difference on the same data sets, where the spread between data sets drops out."""
    difference = run.series.side_weight.mean(axis=-1) - reference.series.side_weight.mean(axis=-1)
    return z_score(statistics.over_members(difference), 0.0)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("sampler", "start"),
    [
        pytest.param(UnderdampedLangevin(), "droplets", id="BAOAB-hot"),
        pytest.param(Langevin(0.03), "prior", id="overdamped", marks=pytest.mark.slow),
        pytest.param(MALA(0.05), "droplets", id="MALA-hot", marks=pytest.mark.slow),
    ],
)
def test_samplers_and_starts_agree(baoab, sampler, start):
    steps = 1200 if isinstance(sampler, UnderdampedLangevin) else 2400
    run = ts.simulate(jax.random.key(0), BASE, num_members=16, num_steps=steps, start=start, sampler=sampler, **QUIET)
    assert abs(paired(run, baoab)) < 5
    assert statistics.two_start(baoab.order_parameters, run.order_parameters).agree


def test_fresh_test_points_estimate_the_exact_overlap():
    """For erf, E[f He_1] and E[f He_3]/6 are sums over neurons of closed-form integrals (tests/exact)."""
    keys = jax.random.split(jax.random.key(1), 4)
    width, dim, records = 12, 5, 400
    direction = unit_vector(keys[0], dim, jnp.float64)
    scales = TwoLayer(jnp.asarray(0.7), jnp.asarray(0.3), jax.lax.erf)
    position = standard_normal_two_layer(
        keys[1], width=width, num_inputs=dim, num_outputs=1, activation=jax.lax.erf, dtype=jnp.float64
    )
    target = Posterior(jnp.zeros((1, dim)), jnp.zeros((1, 1)), jnp.ones(()), scales)
    problem = Problem(target, {"prior": position}, Teacher(direction, jnp.asarray(0.5), (1, 3)))
    state = State(position, jnp.zeros(()), position)
    measure = lambda key: ts.Students(num_test=1000).measure(key, problem, state).overlap
    values = jax.vmap(measure)(jax.random.split(keys[2], records))

    w, a = 0.7 * np.asarray(position.read_in), 0.3 * np.asarray(position.read_out)[0]
    q, D = w @ np.asarray(direction), 1 + 2 * (w**2).sum(axis=1)
    exact = {1: a @ (2 * q / np.sqrt(np.pi * D)), 3: a @ (-4 * q**3 / (np.sqrt(np.pi) * D**1.5)) / 6}
    for degree in (1, 3):
        z = z_score(statistics.over_members(np.asarray(values[degree])), exact[degree])
        assert abs(z) < 5, f"degree {degree}: z = {z:.1f}"


@pytest.mark.medium
def test_a_sweep_is_one_call_with_a_point_axis():
    system = TINY.replace(noise_variance=jnp.array([0.1, 0.4, 0.9]))
    sweep = ts.simulate(jax.random.key(2), system, num_members=6, num_steps=60, **QUIET)
    assert sweep.overlap[1].mean.shape == (3,)
    assert sweep.series.side_weight.shape[:2] == (3, 6)
    assert sweep.observed["q"].counts.shape[:2] == (3, 6)
    # More noise, less learned: far beyond the errors at these noises.
    assert np.all(np.diff(sweep.overlap[1].mean) < 0)
    labelled = sweep.to_xarray()
    assert labelled.side_weight.dims == ("point", "member", "record")
    np.testing.assert_allclose(labelled.noise_variance, [0.1, 0.4, 0.9])
    assert labelled.record[-1] == 60
    np.testing.assert_allclose(labelled.overlap_1.mean(("member", "record")), sweep.overlap[1].mean, rtol=1e-5)
    centres, minus_log = ts.negative_log_density(sweep, num_subsets=3)
    assert minus_log.mean.shape == (3, len(centres))
    density = np.where(np.isfinite(minus_log.mean), np.exp(-minus_log.mean), 0)
    np.testing.assert_allclose(2 * density.sum(axis=1) * (centres[1] - centres[0]), 1.0, rtol=1e-9)


@pytest.mark.medium
def test_seeds_on_one_data_set_share_it():
    run = ts.simulate(jax.random.key(3), TINY, num_members=6, num_datasets=2, num_steps=60, **QUIET)
    per_member = run.series.overlap[1].mean(axis=-1)
    expected = statistics.over_members(per_member.reshape(3, 2).mean(axis=0))
    found = run.overlap[1]
    np.testing.assert_allclose([found.mean, found.error], [expected.mean, expected.error], rtol=1e-5)
    with pytest.raises(ValueError, match="`num_datasets` must be a divisor of num_members = 6"):
        ts.simulate(jax.random.key(3), TINY, num_members=6, num_datasets=4, **QUIET)


@pytest.mark.medium
def test_droplets_start_aligned():
    run = ts.simulate(
        jax.random.key(4),
        TINY,
        num_members=4,
        num_steps=1,
        warmup=0,
        start="droplets",
        droplet_fraction=0.5,
        sampler=UnderdampedLangevin(1e-4),
        **QUIET,
    )
    np.testing.assert_allclose(run.side_weight.mean, 0.5, atol=0.1)


def test_gradient_descent_trains_the_same_networks():
    """Without noise the energy only has to go down, and the linear component is learned."""
    trainer = GradientDescent(optax.adam, learning_rate=0.01)
    run = ts.simulate(jax.random.key(5), TINY, num_members=4, num_steps=600, warmup=0, sampler=trainer, **QUIET)
    energy = run.diagnostics["energy"]
    assert np.all(energy[:, -1] < energy[:, 0])
    assert run.series.overlap[1][:, -50:].mean() > 0.5
    assert run.certificate is None  # a trainer has no equilibrium
    assert (run.status == grokjax.Status.OUT_OF_STEPS).all()
    assert "status: 4 out of steps" in str(run)


def test_the_paper_protocol_is_a_preset():
    protocol = ts.paper_protocol(BASE)
    assert protocol["num_steps"] == 360_000
    np.testing.assert_allclose(protocol["sampler"].step_size, 2e-3 * 0.18)
    run = ts.simulate(jax.random.key(6), TINY, num_members=2, **{**ts.paper_protocol(TINY), "num_steps": 20}, **QUIET)
    assert run.ensemble.num_steps == 20


def test_results_reload_to_the_same_arrays_and_configuration(tmp_path):
    run = ts.simulate(jax.random.key(7), TINY, num_members=4, num_steps=40, **QUIET).without_states()
    back = io.load(io.save(tmp_path / "run", run))
    assert jax.tree.structure(back) == jax.tree.structure(run)
    for a, b in zip(jax.tree.leaves(run), jax.tree.leaves(back), strict=True):
        np.testing.assert_array_equal(a, b)
    assert str(back) == str(run)


def test_bad_input():
    simulate = lambda system=TINY, **options: ts.simulate(jax.random.key(0), system, **{**QUIET, **options})
    with pytest.raises(ValueError, match=r"`start` must be one of \"prior\", \"droplets\""):
        simulate(start="lukewarm")
    with pytest.raises(ValueError, match=r"`width` must be one whole number of at least 1, but got 24.5"):
        simulate(TINY.replace(width=24.5))
    with pytest.raises(ValueError, match=r"`step_size` must be below .* the stability limit at the largest curvature"):
        simulate(BASE, sampler=UnderdampedLangevin(1.2), num_members=2)
    with pytest.raises(ValueError, match="`noise_variance` must be finite and above zero"):
        TINY.replace(noise_variance=-0.1)
    with pytest.raises(ValueError, match="`width` must be at least 1"):
        TINY.replace(width=0)
    with pytest.raises(ValueError, match="`activation` must be a callable or one of"):
        ts.TeacherStudent(
            width=24,
            num_samples=60,
            input_dim=10,
            noise_variance=0.2,
            readout_variance=0.05,
            weight_variance=0.5,
            teacher={1: 1.0},
            activation="softplusplus",
        )
    with pytest.raises(ValueError, match="`teacher` must be of whole degrees of at least 1, but got 0"):
        TINY.replace(teacher={0: 1.0})
