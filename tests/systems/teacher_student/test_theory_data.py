"""Theory on a data set: the dual's own scaling, agreement with the population in its limit, status, and bad data."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.status import Status
from grokjax.systems.teacher_student import TeacherStudent, predict
from grokjax.systems.teacher_student.theory.sampled_neurons import in_teacher_frame, proposal_rays, teacher_direction
from grokjax.tasks import single_index, unit_vector


SYSTEM = TeacherStudent(
    width=40,
    num_samples=120,
    input_dim=10,
    noise_variance=0.3,
    readout_variance=0.05,
    weight_variance=0.5,
    teacher={1: 1.0, 3: -0.3},
)


def data(seed, count=120, dimension=10):
    direction = unit_vector(jax.random.key(seed), dimension, jnp.float64)
    found = single_index(jax.random.key(seed + 100), direction, SYSTEM.teacher, count)
    return found.inputs, found.targets[0], direction


@pytest.fixture(scope="module")
def predictions():
    sets = [data(seed) for seed in range(2)]
    inputs, targets = (jnp.stack([each[i] for each in sets]) for i in (0, 1))
    return predict(SYSTEM, theory="data", inputs=inputs, targets=targets)


@pytest.mark.medium
def test_several_data_sets_in_one_call(predictions):
    assert predictions.side_weight.shape == (2,)
    assert predictions.overlap[1][0] != predictions.overlap[1][1]
    assert np.isin(predictions.status, [Status.SOLVED, Status.UNRELIABLE]).all()
    assert (predictions.overlap[1] > 0.5).all()
    assert (predictions.range.readout_fluctuation > 0).all()


@pytest.mark.medium
def test_the_order_parameters_do_not_depend_on_the_frame(predictions):
    inputs, targets, _ = data(0)
    rotation = jnp.linalg.qr(jax.random.normal(jax.random.key(3), (10, 10)))[0]
    turned = predict(SYSTEM, theory="data", inputs=inputs @ rotation, targets=targets)
    np.testing.assert_allclose(turned.overlap[1], predictions.overlap[1][0], rtol=0.02)
    np.testing.assert_allclose(turned.side_weight, predictions.side_weight[0], rtol=0.1)


def test_the_teacher_is_found_in_the_data():
    inputs, targets, direction = data(5)
    found, misfit = teacher_direction(SYSTEM, inputs, targets)
    np.testing.assert_allclose(found, direction, atol=1e-8)
    assert misfit < 1e-12
    samples = in_teacher_frame(SYSTEM, inputs, targets, jnp.asarray(proposal_rays(9, 1)))
    np.testing.assert_allclose(samples.along, inputs @ direction, atol=1e-7)
    squared = jnp.sum(inputs**2, axis=1) - samples.along**2
    np.testing.assert_allclose(jnp.sum(samples.across**2, axis=1), squared, rtol=1e-8)


def test_proposals_come_in_both_senses():
    rays = proposal_rays(9, 2)
    assert rays.shape == (30, 36, 9)
    np.testing.assert_allclose(rays.sum(axis=1), 0, atol=1e-12)


@pytest.mark.parametrize(
    ("inputs", "targets", "message"),
    [
        (jnp.zeros((120, 9)), jnp.zeros(120), "input_dim"),
        (jnp.zeros((100, 10)), jnp.zeros(100), "num_samples"),
        (jnp.zeros((120, 10)), jnp.zeros(100), "one for each of the inputs"),
        (jnp.full((120, 10), jnp.nan), jnp.zeros(120), "inputs"),
        (None, None, "inputs"),
    ],
)
def test_bad_data(inputs, targets, message):
    with pytest.raises(ValueError, match=message):
        predict(SYSTEM, theory="data", inputs=inputs, targets=targets)


def test_fewer_samples_than_dimensions():
    with pytest.raises(ValueError, match="at least 10 samples"):
        predict(SYSTEM.replace(num_samples=8), theory="data", inputs=jnp.ones((8, 10)), targets=jnp.ones(8))
