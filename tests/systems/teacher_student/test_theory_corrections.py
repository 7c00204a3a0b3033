"""Where the printed equations of arXiv:2310.03789 need correcting: evidence for each line in the system's README."""

import math

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.systems.teacher_student.quadrature import neuron_features
from grokjax.systems.teacher_student.system import TeacherStudent
from grokjax.systems.teacher_student.theory import predict


BASE = TeacherStudent.at_scale(1)


def test_linear_kernel_has_prefactor_four_over_pi():
    p = predict(BASE, theory="mean_field")
    q = np.linspace(-3, 3, 6001)
    density = np.exp(p.log_density(q))
    average = np.trapezoid(density * q**2 / (1 + 2 * (q**2 + 0.5)), q)
    np.testing.assert_allclose(p.kernel[0, 0], BASE.readout_variance * 4 / math.pi * average, rtol=1e-8)
    # The same from first principles: E_x[(w*.x) erf(w.x)] by sampling inputs.
    x = jax.random.normal(jax.random.key(0), (400_000, 2))
    samples = np.asarray(x[:, 0] * jax.lax.erf(0.6 * x[:, 0] + 0.7 * x[:, 1]))
    overlap = neuron_features(BASE, jnp.asarray(0.6), jnp.asarray(0.49))[0]
    assert abs(samples.mean() - overlap) < 5 * samples.std() / math.sqrt(len(samples))
    np.testing.assert_allclose(overlap**2, 4 / math.pi * 0.36 / (1 + 2 * 0.85), rtol=1e-12)


def test_discrepancy_carries_the_ridge_factor():
    p = predict(BASE, theory="mean_field")
    ridge = BASE.noise_variance / BASE.num_samples
    y = np.array([1.0, -0.3 * math.sqrt(6)])
    delta = np.array([p.discrepancy[1], p.discrepancy[3] * math.sqrt(6)])
    without = np.linalg.solve(p.kernel + ridge * np.eye(2), y)
    np.testing.assert_allclose(delta, ridge * without, rtol=1e-8)
    assert np.abs(without).max() > 1000  # as printed, the discrepancy would dwarf the target


def test_equilibrium_needs_noise_of_square_root_two_sigma():
    # d theta = -s U' dt + c dB with U = theta^2/2 and s the noise variance has stationary variance c^2/(2 s).
    s, step = 0.18, 1e-3
    variance = {}
    for name, c in {"square root of two": math.sqrt(2 * s), "printed": 2 * math.sqrt(s)}.items():
        contraction = (1 - s * step) ** 2
        variance[name] = c**2 * step / (1 - contraction)  # fixed point of v -> (1 - s step)^2 v + c^2 step
    np.testing.assert_allclose(variance["square root of two"], 1, rtol=1e-3)
    np.testing.assert_allclose(variance["printed"], 2, rtol=1e-3)


def test_the_perpendicular_norm_is_squared_and_its_spread_matters():
    w = jax.random.normal(jax.random.key(1), (20_000, 150)) * math.sqrt(0.5 / 150)
    squared = np.asarray(jnp.sum(w[:, 1:] ** 2, axis=1))
    error = squared.std() / math.sqrt(len(squared))
    assert abs(squared.mean() - 0.5 * 149 / 150) < 5 * error
    assert abs(np.sqrt(squared).mean() - 0.5) > 100 * error  # not the norm itself
    assert predict(BASE, "chi2").side_weight > 2 * predict(BASE, "finite").side_weight
