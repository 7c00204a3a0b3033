"""A field that breaks the symmetry of neurons, losses over time, and waiting times of neurons in networks."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax.systems import teacher_student as ts
from grokjax.systems.teacher_student.dynamics import _last_networks
from grokjax.systems.teacher_student.quadrature import neuron_features


@pytest.fixture(scope="module")
def run():
    """In a field of two, with losses."""
    return ts.simulate(
        jax.random.key(0), ts.TeacherStudent.at_scale(1 / 64, 0.3), field=2.0, follow_losses=True, num_members=32,
        num_steps=600, num_witnesses=0, record_every=5, num_test=128, progress=False,
    )  # fmt: skip


@pytest.mark.medium
def test_flipping_a_neuron_costs_what_the_field_says(run):
    r"""$\langle e^{-2hq};q>0\rangle=P(q<0)$ exactly."""
    histogram = run.observed["q"]
    share = np.asarray(histogram.counts, float)
    share = share / share.sum(axis=1, keepdims=True)
    q = histogram.centres
    gap = share @ np.where(q > 0, np.exp(-4 * q), -1.0)
    assert abs(gap.mean()) < 5 * gap.std(ddof=1) / np.sqrt(len(gap)) + 5e-4  # bins
    assert (share @ np.sign(q)).mean() > 0.1


@pytest.mark.medium
def test_losses_are_those_of_the_networks(run):
    last = run.ensemble.states.position
    target = run.problem.target
    for member in (0, 5):
        pick = lambda tree, member=member: jax.tree.map(lambda leaf: leaf[member], tree)
        one = pick(target)
        error = float(jnp.mean((one.predictions(pick(last)) - one.targets) ** 2))
        np.testing.assert_allclose(run.observed["losses"]["training"][member, -1], error, rtol=1e-4)
    test, training = (np.asarray(run.observed["losses"][kind]) for kind in ("test", "training"))
    assert test.shape == training.shape == (32, len(run.steps))
    assert test.mean() > training.mean()


@pytest.fixture(scope="module")
def ladder():
    return ts.simulate(
        jax.random.key(0), ts.TeacherStudent.at_scale(1 / 64), exchange=grokjax.ReplicaExchange([0.2, 0.24, 0.29]),
        num_members=2, num_steps=60, record_every=5, progress=False,
    )  # fmt: skip


@pytest.mark.medium
def test_neurons_escape_from_the_centre(ladder):
    near, far = (
        ts.escapes(jax.random.key(1), ladder, 0, inside=0.3, beyond=beyond, num_steps=400) for beyond in (0.35, 0.6)
    )
    assert near.mean_time.mean < far.mean_time.mean
    assert near.events + near.censored == far.events + far.censored
    with pytest.raises(ValueError, match="`rung` must be below 3"):
        ts.escapes(jax.random.key(1), ladder, 3, inside=0.3, beyond=0.6)
    with pytest.raises(ValueError, match="`run` must be on a ladder"):
        ts.escapes(jax.random.key(1), ladder.without_states(), 0, inside=0.3, beyond=0.6)


@pytest.mark.medium
def test_neurons_of_a_ladder_are_those_of_their_rung(ladder):
    found = ts.neuron_statistics(ladder)
    assert found.kernel.mean.shape == (3, 2, 2)
    system = ts.TeacherStudent.at_scale(1 / 64)
    for rung in range(3):
        target, truth, positions = _last_networks(ladder, rung)
        scale = target.prior_scales.read_in[:, None, None]
        weights = np.asarray(scale * positions.read_in, float)
        q = np.einsum("mni,mi->mn", weights, np.asarray(truth.direction, float))
        across = (weights**2).sum(axis=-1) - q**2
        features = np.asarray(neuron_features(system, jnp.asarray(q), jnp.asarray(across)))
        kernels = float(system.readout_variance) * np.einsum("mnk,mnl->mkl", features, features) / q.shape[1]
        np.testing.assert_allclose(found.kernel.mean[rung], kernels.mean(axis=0), rtol=1e-4)


@pytest.mark.medium
def test_windows_restrain_one_neuron(ladder):
    """Its alignment follows the windows, and is drawn back to the centre where most neurons are."""
    centres = np.linspace(-0.2, 0.8, 11)
    found = ts.umbrella(jax.random.key(2), ladder, 0, centres=centres, num_steps=300)
    assert found.coordinates.shape == (2, 11, 240)
    followed = found.coordinates.mean(axis=(0, 2))
    assert (np.diff(followed) > 0).all()
    assert followed[-1] < centres[-1] - 0.02
    assert found.stiffness == pytest.approx(100)
    seen = found.profile.positions[np.isfinite(found.profile.values.mean)]
    assert seen.min() < -0.1
    assert seen.max() > 0.7


@pytest.mark.medium
def test_a_loop_of_networks_costs_work(ladder):
    slow, fast = (ts.loop(jax.random.key(3), ladder, rate=rate) for rate in (1.0, 20.0))
    assert slow.inverse_noise[0] < slow.inverse_noise[-1] < 5
    assert fast.work.mean > 0
