"""The infinitely wide student: regression on data sets against its equivalent kernel."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.evidence.statistics import over_members
from grokjax.systems import teacher_student as ts
from grokjax.tasks import single_index, unit_vector


# Noise far above the kernel's trace, so that the ridge is not renormalised and the equivalent kernel is accurate.
WIDE = ts.TeacherStudent(
    width=1000,
    num_samples=240,
    input_dim=10,
    noise_variance=5.0,
    readout_variance=1.0,
    weight_variance=0.5,
    teacher={1: 1.0, 3: -0.3},
)


def overlap_on_a_data_set(key):
    keys = jax.random.split(key, 3)
    direction = unit_vector(keys[0], 10, jnp.float64)
    data = single_index(keys[1], direction, WIDE.teacher, 240)
    tests = jax.random.normal(keys[2], (2000, 10))
    return jnp.mean(ts.lazy_regression(WIDE, data, tests).mean * (tests @ direction))


@pytest.mark.slow
def test_regression_learns_what_the_equivalent_kernel_says():
    found = over_members(jax.lax.map(overlap_on_a_data_set, jax.random.split(jax.random.key(0), 60)))
    expected = ts.lazy_baseline(WIDE, "chi2").overlap[1]
    assert found.error < 0.01
    # The ridge's own renormalisation, sigma^2 + sum of eigenvalues, is 1/15 here and lowers the overlap by 3 %.
    assert 0.93 * expected < found.mean + 5 * found.error
    assert found.mean - 5 * found.error < 1.02 * expected


def test_the_cubic_component_takes_d_cubed_samples():
    """n enters through n/d^3 only; at the base point's noise half of the component takes 2.7e8 samples."""
    base = ts.TeacherStudent.at_scale(1)
    share = lambda system: ts.lazy_baseline(system).overlap[3] / -0.3
    assert share(base) < 1e-4
    np.testing.assert_allclose(share(base.replace(num_samples=2.7e8)), 0.5, rtol=0.05)
    np.testing.assert_allclose(share(base.replace(num_samples=8 * 2.7e8, input_dim=300.0)), 0.5, rtol=0.05)


def test_neurons_keep_the_side_weight_of_the_prior():
    """Beyond the threshold of the system, whatever it is."""
    thresholds = jnp.array([0.3, 0.5])
    deviation = np.sqrt(float(WIDE.weight_variance / WIDE.input_dim))
    expected = jax.scipy.special.erfc(thresholds / (deviation * np.sqrt(2)))
    found = ts.lazy_baseline(WIDE.replace(side_threshold=thresholds))
    np.testing.assert_allclose(found.side_weight, expected, rtol=1e-8)


def test_a_sweep_is_one_call():
    sweep = ts.lazy_baseline(WIDE.replace(noise_variance=jnp.array([1.0, 5.0])))
    assert sweep.overlap[1].shape == (2,)
    assert sweep.overlap[1][0] > sweep.overlap[1][1]
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
        ts.lazy_baseline(WIDE)
