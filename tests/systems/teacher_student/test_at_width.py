"""Width at fixed mean field: invariance of theory, and networks at two widths on the same data sets."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import modular_addition as ma, teacher_student as ts
from grokjax.systems.teacher_student.theory.feature_dual import FeatureDual


BASE = ts.TeacherStudent.at_scale(1 / 8)


def test_mean_field_does_not_know_the_width():
    one = ts.predict(BASE, theory="mean_field")
    for factor in (2, 8):
        many = ts.predict(BASE.at_width(factor), theory="mean_field")
        np.testing.assert_allclose(many.overlap[3], one.overlap[3], rtol=1e-9)
        np.testing.assert_allclose(many.side_weight, one.side_weight, rtol=1e-9)
        leading = lambda found: found.log_evidence - found.determinant
        np.testing.assert_allclose(leading(many), factor * leading(one), rtol=1e-9)
        np.testing.assert_allclose(many.determinant, one.determinant, rtol=1e-9)  # one loop


def test_the_dual_on_data_is_multiplied():
    key_f, key_y, key_t = jax.random.split(jax.random.key(0), 3)
    features, y = jax.random.normal(key_f, (6, 50)), jax.random.normal(key_y, (6,))
    t = jax.random.normal(key_t, (6,))

    def value(system, t):  # in t, that is, delta = noise t, over the noise
        coupling = system.readout_variance / (2 * system.width * system.noise_variance**2)
        dual = FeatureDual(y, features, jnp.full(50, -np.log(50)), coupling, system.width * system.noise_variance)
        return dual.value(system.noise_variance * t) / system.noise_variance

    for factor in (2.0, 8.0):
        np.testing.assert_allclose(value(BASE.at_width(factor), factor * t), factor * value(BASE, t), rtol=1e-12)


@pytest.mark.parametrize("factor", [0.001, 0.3, -1.0])
def test_whole_neurons(factor):
    with pytest.raises(ValueError, match="factor"):
        BASE.at_width(factor)


def test_modular_addition_has_it_too():
    system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=1e-6, sextic_decay=3.0)
    np.testing.assert_allclose(ma.predict(system.at_width(3)).discrepancy, ma.predict(system).discrepancy, rtol=1e-10)


@pytest.mark.slow
def test_decompose_pairs_the_data_sets():
    system = BASE.replace(width=8, num_samples=20, input_dim=6)
    found = ts.decompose(jax.random.key(1), system, widths=(1, 2), num_members=4, num_steps=30)
    one, two = (np.asarray(run.series.overlap[1]).mean(axis=-1) for run in found.runs)
    difference = 2 * (one - two)  # a line in 1/m through m = 1 and 2
    np.testing.assert_allclose(found.finite_width.overlap[1].mean, difference.mean(), rtol=1e-5)
    np.testing.assert_allclose(found.finite_width.overlap[1].error, difference.std(ddof=1) / 2, rtol=1e-5)
    np.testing.assert_allclose(found.infinite.overlap[1].mean, (2 * two - one).mean(), rtol=1e-5)
    inputs = [np.asarray(run.problem.target.inputs) for run in found.runs]
    np.testing.assert_array_equal(*inputs)
    population = ts.predict(system, perpendicular="chi2")
    less = found.finite_data(population)
    np.testing.assert_allclose(less.side_weight.mean, found.infinite.side_weight.mean - population.side_weight)
    assert "finite width" in repr(found)


def test_decompose_refuses_before_it_runs():
    with pytest.raises(ValueError, match="two different factors"):
        ts.decompose(jax.random.key(0), BASE, widths=(1,))
    with pytest.raises(ValueError, match="factor"):
        ts.decompose(jax.random.key(0), BASE, widths=(1, 0.001))
