"""Named theories against brute force and their limits; statistics of neurons against the prior."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import teacher_student as ts
from grokjax.systems.teacher_student.quadrature import neuron_features, normalised_targets
from grokjax.systems.teacher_student.theory.mean_field import coupling


BASE = ts.TeacherStudent.at_scale(1 / 8, 0.18)


def moments(system, variance):
    z = np.linspace(-9, 9, 4001)
    weight = np.exp(-(z**2) / 2) / np.exp(-(z**2) / 2).sum()
    features = np.asarray(
        neuron_features(system, jnp.asarray(np.sqrt(variance) * z), jnp.full(len(z), system.weight_variance))
    )
    return features.T @ (weight[:, None] * features)


def missing(system, kernel):
    ridge = np.eye(2) + float(system.num_samples / system.noise_variance) * np.asarray(kernel)
    return np.linalg.solve(ridge, np.asarray(normalised_targets(system)))


def test_gaussian_features_take_the_best_gaussian():
    """At its own discrepancy no other variance has a larger gain less divergence from the prior."""
    found = ts.gaussian_features(BASE)
    assert found.converged
    prior = float(BASE.weight_variance / BASE.input_dim)
    own = prior * float(found.adapted)
    delta = missing(BASE, float(BASE.readout_variance) * moments(BASE, own))
    learned = np.asarray(normalised_targets(BASE)) - delta
    np.testing.assert_allclose(learned[0], found.order_parameters.overlap[1], rtol=1e-6)

    def bound(variance):
        divergence = (variance / prior - 1 - np.log(variance / prior)) / 2
        return float(coupling(BASE)) * delta @ moments(BASE, variance) @ delta - divergence

    grid = own * np.exp(np.linspace(-0.5, 0.5, 41))
    assert np.argmax([bound(variance) for variance in grid]) == 20


def test_droplets_are_what_gaussian_features_lack():
    """Above the transition both are one centre; far below it the cubic mode is learned by droplets alone."""
    noises = BASE.replace(noise_variance=np.array([2.0, 0.05]))
    gaussian, mixture = ts.gaussian_features(noises).order_parameters, ts.predict(noises, theory="mean_field").overlap
    np.testing.assert_allclose(gaussian.overlap[1], mixture[1], rtol=0.02)
    np.testing.assert_allclose(gaussian.overlap[3][0], mixture[3][0], rtol=0.1)
    assert abs(mixture[3][1]) > 1.8 * abs(gaussian.overlap[3][1])


def test_a_rescaled_kernel_is_lazy_up_to_one_number():
    found = ts.rescaled_kernel(BASE)
    assert found.converged
    scaled = BASE.replace(readout_variance=BASE.readout_variance * found.adapted)
    lazy = ts.lazy_baseline(scaled).overlap
    for degree in (1, 3):
        np.testing.assert_allclose(found.order_parameters.overlap[degree], lazy[degree], rtol=1e-6)
    wide = ts.rescaled_kernel(BASE.replace(width=1e9))
    np.testing.assert_allclose(wide.adapted, 1, rtol=1e-4)


@pytest.mark.medium
def test_named_theories_sweep_and_have_derivatives():
    swept = ts.rescaled_kernel(BASE.replace(noise_variance=np.array([0.18, 0.1])))
    np.testing.assert_allclose(swept.adapted[0], ts.rescaled_kernel(BASE).adapted, rtol=1e-9)
    of_noise = lambda noise: ts.gaussian_features(BASE.replace(noise_variance=noise)).adapted
    slope, step = jax.grad(of_noise)(0.18), 1e-5
    np.testing.assert_allclose(slope, (of_noise(0.18 + step) - of_noise(0.18 - step)) / (2 * step), rtol=1e-4)


def test_a_mode_without_target_is_learned_by_droplets():
    """Theory: the fifth Hermite mode, absent from the teacher, follows the cubic one below the transition."""
    noises = BASE.replace(teacher={1: 1.0, 3: -0.3, 5: 0.0}, noise_variance=np.array([0.5, 0.1]))
    found = ts.predict(noises, theory="mean_field")
    assert 0 < found.overlap[5][0] < 2e-4
    assert found.overlap[5][1] > 2e-3
    assert found.kernel[1, 2, 2] > 20 * found.kernel[0, 2, 2]


@pytest.fixture(scope="module")
def run():
    """Two steps from the prior."""
    system = ts.TeacherStudent(
        width=400, num_samples=10, input_dim=20, noise_variance=100.0, readout_variance=0.01, weight_variance=0.5,
        teacher={1: 1.0, 3: 0.2},
    )  # fmt: skip
    return ts.simulate(jax.random.key(0), system, num_members=8, num_steps=2, num_witnesses=0, progress=False)


@pytest.mark.medium
def test_neurons_of_the_prior(run):
    found = ts.neuron_statistics(run)
    for kurtosis in (found.kurtosis_along, found.kurtosis_across):
        assert abs(kurtosis.mean - 3) < 5 * kurtosis.error + 0.03  # 6/N below 3 for a ratio of averages
    lazy = ts.lazy_baseline(run.system.replace(noise_variance=1.0, num_samples=1.0), "chi2").overlap[1]
    eigenvalue = float(lazy / (1 - lazy))  # learned = lambda/(lambda + sigma^2/n), at sigma^2/n = 1
    assert abs(found.kernel.mean[0, 0] - eigenvalue) < 5 * found.kernel.error[0, 0]
    assert found.degrees == (1, 3)


@pytest.mark.medium
def test_a_copy_without_states_has_no_neurons(run):
    with pytest.raises(ValueError, match="Argument `run`"):
        ts.neuron_statistics(run.without_states())
