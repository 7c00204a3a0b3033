"""Mean-field theory of the teacher-student task: published numbers, an independent referee, sweeps, derivatives."""

import math
from functools import partial

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import erf, roots_genlaguerre

from grokjax.systems.teacher_student.quadrature import chi_squared_rule, neuron_features
from grokjax.systems.teacher_student.system import TeacherStudent
from grokjax.systems.teacher_student.theory import Stopping, effective_interaction, predict


BASE = TeacherStudent.at_scale(1)
NOISE_SWEEP = {  # noise variance: b, c, side weight
    0.5: (0.717750, -0.298791, None),
    0.3: (0.473161, -0.296182, None),
    0.2: (0.314353, -0.292402, 0.0026601),
    0.15: (0.224492, -0.281447, 0.018129),
    0.1: (0.125943, -0.247108, None),
    0.05: (0.019421, -0.200850, None),
    0.01: (-0.021648, -0.076465, None),
}


@pytest.mark.parametrize(
    ("perpendicular", "b", "c", "side_weight"),
    [
        ("mean", 0.279685, -0.290232, 0.006438),
        ("finite", 0.279099, -0.290177, 0.006480),
        ("chi2", 0.267400, -0.279802, 0.015611),
    ],
)
def test_treatments_of_the_perpendicular_norm(perpendicular, b, c, side_weight):
    np.testing.assert_allclose(effective_interaction(BASE), 30.234, rtol=1e-4)
    p = predict(BASE, perpendicular)
    assert p.converged
    assert p.quadrature_error < 1e-9
    np.testing.assert_allclose([p.discrepancy[1], p.discrepancy[3]], [b, c], rtol=1e-5)
    np.testing.assert_allclose(p.side_weight, side_weight, rtol=0.01)
    np.testing.assert_allclose([p.overlap[1], p.overlap[3]], [1 - b, -0.3 - c], atol=1e-5)
    assert p.order_parameters.overlap is p.overlap


def test_noise_sweep_of_the_table():
    sweep = jax.vmap(lambda noise: predict(BASE.replace(noise_variance=noise), theory="mean_field"))(
        jnp.array(list(NOISE_SWEEP))
    )
    for i, (b, c, side_weight) in enumerate(NOISE_SWEEP.values()):
        np.testing.assert_allclose([sweep.discrepancy[1][i], sweep.discrepancy[3][i]], [b, c], rtol=2e-5, atol=1e-6)
        if side_weight is not None:
            np.testing.assert_allclose(sweep.side_weight[i], side_weight, rtol=0.01)


def referee_gradient(system: TeacherStudent, b: float, c: float, step: float) -> np.ndarray:
    """Stationarity condition of (b, c) in numpy, on a plain uniform grid, written from the closed form for erf."""
    n, d, noise, variance = (
        float(getattr(system, x)) for x in ("num_samples", "input_dim", "noise_variance", "weight_variance")
    )
    u = n**2 * float(system.readout_variance) / (noise**2 * d * float(system.width))
    q = np.arange(0.5 * step, 6, step)
    squashed = q**2 / (1 + 2 * (q**2 + variance))
    action = d * (q**2 / (2 * variance) - 2 * u / np.pi * squashed * (b - 2 * c * squashed) ** 2)
    p = np.exp(action.min() - action)
    p /= p.sum()
    g = np.stack([2 * np.sqrt(squashed / np.pi), -4 * squashed**1.5 / np.sqrt(6 * np.pi)])
    delta, y = np.array([b, math.sqrt(6) * c]), np.array([1.0, math.sqrt(6) * float(system.teacher[3])])
    return delta - y + n / noise * float(system.readout_variance) * (g * p) @ g.T @ delta


def test_newton_from_zero_over_five_decades_of_noise():
    noises = jnp.geomspace(10, 1e-4, 61)
    sweep = jax.jit(jax.vmap(lambda noise: predict(BASE.replace(noise_variance=noise), theory="mean_field")))(noises)
    assert sweep.converged.all()
    assert (sweep.quadrature_error < 1e-8).all()
    for i in range(0, 61, 4):
        gradient = referee_gradient(
            BASE.replace(noise_variance=noises[i]), float(sweep.discrepancy[1][i]), float(sweep.discrepancy[3][i]), 1e-4
        )
        assert np.linalg.norm(gradient) < 1e-8


@pytest.mark.medium
@pytest.mark.parametrize("perpendicular", ["mean", "chi2"])
def test_newton_from_zero_over_all_scales(perpendicular):
    betas = 2.0 ** jnp.arange(-3, 7)
    predict_at = lambda beta, noise: predict(TeacherStudent.at_scale(beta, noise), perpendicular)
    sweep = jax.jit(jax.vmap(jax.vmap(predict_at, (0, None)), (None, 0)))(betas, jnp.array([0.3, 0.18, 0.12]))
    assert sweep.converged.all()
    assert (sweep.quadrature_error < 1e-7).all()
    if perpendicular == "mean":
        for i, beta in enumerate(betas):
            b, c = float(sweep.discrepancy[1][1, i]), float(sweep.discrepancy[3][1, i])
            assert np.linalg.norm(referee_gradient(TeacherStudent.at_scale(beta, round_sizes=False), b, c, 2e-5)) < 1e-8


@pytest.mark.medium
@pytest.mark.parametrize("perpendicular", ["mean", "chi2"])
def test_quadrature_converges(perpendicular):
    system = TeacherStudent.at_scale(64, 0.05, round_sizes=False)
    coarse, default, fine = (predict(system, perpendicular, num_nodes=n) for n in (192, 640, 1920))
    assert coarse.quadrature_error > 1e4 * default.quadrature_error
    assert default.quadrature_error < 1e-8
    assert abs(default.side_weight / fine.side_weight - 1) < 1e-6
    assert abs(default.discrepancy[3] - fine.discrepancy[3]) <= default.quadrature_error + 1e-9


def test_the_law_of_the_norm_against_gauss_laguerre():
    for freedom in (1.0, 4.0, 149.0):
        r, log_weight = chi_squared_rule(jnp.asarray(freedom), jnp.asarray(0.5 / 150), 48)
        nodes, weights = roots_genlaguerre(40, freedom / 2 - 1)
        for function in (lambda r: r, lambda r: np.exp(-r), lambda r: 1 / (1 + 2 * r) ** 3):
            expected = weights @ function(2 * nodes * 0.5 / 150) / weights.sum()
            np.testing.assert_allclose(
                np.exp(log_weight) @ function(np.asarray(r)), expected, rtol=1e-2 if freedom < 2 else 1e-6
            )
    r, log_weight = chi_squared_rule(jnp.asarray(1199.0), jnp.asarray(1.0), 48)
    np.testing.assert_allclose(
        np.exp(log_weight) @ np.stack([r, r**2, 1 / r]).T, [1199, 1199 * 1201, 1 / 1197], rtol=1e-7
    )


@pytest.mark.parametrize("perpendicular", ["mean", "finite", "chi2"])
def test_density_is_normalised_and_carries_the_side_weight(perpendicular):
    p = predict(BASE.replace(noise_variance=0.12), perpendicular)
    q = jnp.linspace(-3, 3, 6001)
    density = np.exp(p.log_density(q))
    np.testing.assert_allclose(np.trapezoid(density, q), 1, rtol=1e-10)
    np.testing.assert_allclose(density, density[::-1], rtol=1e-9)
    side = np.asarray(q) >= 0.5 - 1e-9
    np.testing.assert_allclose(2 * np.trapezoid(density[side], np.asarray(q)[side]), p.side_weight, rtol=1e-5)


@pytest.mark.parametrize(
    ("activation", "reference"), [("erf", erf), (lambda z: jax.lax.erf(z), erf), ("tanh", np.tanh), (jnp.sin, np.sin)]
)
def test_features_of_any_activation(activation, reference):
    system = BASE.replace(activation=activation, teacher={1: 1.0, 2: 0.2, 3: -0.3, 5: 0.1})
    z, weights = np.polynomial.hermite_e.hermegauss(80)
    weights = weights / math.sqrt(2 * math.pi)
    for q, r in ((0.3, 0.5), (-0.8, 0.2)):
        preactivation = reference(q * z[:, None] + math.sqrt(r) * z[None])
        hermite = [
            np.polynomial.hermite_e.hermeval(z, np.eye(6)[k]) / math.sqrt(math.factorial(k)) for k in (1, 2, 3, 5)
        ]
        expected = [(weights * h) @ preactivation @ weights for h in hermite]
        np.testing.assert_allclose(neuron_features(system, jnp.asarray(q), jnp.asarray(r)), expected, atol=1e-9)


@pytest.mark.slow
def test_any_teacher_and_activation_can_be_solved():
    for teacher, activation in (({1: 1.0, 3: -0.3}, "tanh"), ({1: 1.0, 2: 0.3}, "sigmoid"), ({5: 0.1}, "erf")):
        p = predict(BASE.replace(teacher=teacher, activation=activation), num_nodes=320, theory="mean_field")
        assert p.converged
        assert set(p.overlap) == set(teacher)
    by_quadrature = predict(BASE.replace(activation=lambda z: jax.lax.erf(z)), num_nodes=320, theory="mean_field")
    np.testing.assert_allclose(
        by_quadrature.discrepancy[3], predict(BASE, theory="mean_field").discrepancy[3], atol=1e-9
    )


def outputs(system: TeacherStudent, perpendicular: str = "mean") -> jax.Array:
    p = predict(system, perpendicular, stopping=Stopping(1e-12))
    q = jnp.array([0.1, 0.7])
    return jnp.concatenate([jnp.stack([*p.overlap.values(), p.side_weight, p.log_evidence]), p.log_density(q)])


@pytest.mark.medium
@pytest.mark.parametrize("perpendicular", ["mean", pytest.param("chi2", marks=pytest.mark.slow)])
def test_every_derivative_by_finite_differences(perpendicular):
    system = BASE.replace(noise_variance=0.15)
    reverse = jax.jit(jax.jacrev(partial(outputs, perpendicular=perpendicular)))(system)
    value = jax.jit(partial(outputs, perpendicular=perpendicular))
    leaves, structure = jax.tree.flatten(system)
    for i, slope in enumerate(jax.tree.leaves(reverse)):
        size = abs(leaves[i]) or 1.0
        step = 1e-5 * size
        moved = lambda sign, i=i, step=step: structure.unflatten(
            [*leaves[:i], leaves[i] + sign * step, *leaves[i + 1 :]]
        )
        expected = (value(moved(1)) - value(moved(-1))) / (2 * step)
        np.testing.assert_allclose(slope, expected, rtol=1e-4, atol=1e-7 / size)


def test_a_sweep_traces_once():
    chex.clear_trace_counter()
    point = chex.assert_max_traces(
        lambda x: predict(BASE.replace(noise_variance=x), theory="mean_field").side_weight, n=1
    )
    traced = jax.jit(jax.vmap(point))
    assert traced(jnp.array([0.1, 0.2])).shape == (2,)
    assert traced(jnp.array([0.15, 0.3])).shape == (2,)


def test_evidence_of_a_wide_network_is_that_of_its_kernel():
    wide = BASE.replace(width=1e9, readout_variance=0.01)
    p = predict(wide, "finite")
    q = jnp.linspace(-1, 1, 4001)
    prior = np.exp(-150 * np.asarray(q) ** 2)  # d q^2 / (2 weight_variance)
    g = np.asarray(neuron_features(wide, q, jnp.full_like(q, 0.5 * 149 / 150)))
    kernel = 0.01 * (g.T * prior) @ g / prior.sum()
    y = np.array([1.0, -0.3 * math.sqrt(6)])
    expected = -0.5 * y @ np.linalg.solve(kernel + 0.18 / 3000 * np.eye(2), y)
    np.testing.assert_allclose(p.log_evidence - p.determinant, expected, rtol=1e-5)
    assert p.log_evidence < p.log_evidence - p.determinant < 0


def test_a_bad_point_does_not_raise():
    assert not predict(BASE, stopping=Stopping(max_steps=3), theory="mean_field").converged


def test_a_sweep_is_its_points():
    noises = jnp.array([0.1, 0.2, 0.3])
    sweep = predict(BASE.replace(noise_variance=noises), theory="mean_field")
    assert sweep.converged.shape == (3,)
    for i, noise in enumerate(noises):
        np.testing.assert_allclose(
            sweep.side_weight[i], predict(BASE.replace(noise_variance=noise), theory="mean_field").side_weight
        )


def test_bad_arguments():
    for change in ({"perpendicular": "median"}, {"theory": "exact"}, {"num_nodes": 100}):
        with pytest.raises(ValueError, match=next(iter(change))):
            predict(BASE, **{"theory": "mean_field", **change})
    with pytest.raises(ValueError, match="corrections"):
        predict(BASE, theory="finite_size", corrections=("norms",))
    with pytest.raises(ValueError, match="Ravel the sweep"):
        predict(BASE.replace(noise_variance=jnp.full((2, 2), 0.1)), theory="mean_field")
    with pytest.raises(ValueError, match="input_dim"):
        predict(BASE.replace(input_dim=1.0), "chi2")
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
        predict(BASE, theory="mean_field")
