"""Corrections of finite size against the table of the theory and against mean field, where they must agree."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.status import Status
from grokjax.systems.teacher_student.system import TeacherStudent
from grokjax.systems.teacher_student.theory import Stopping, predict


def case(beta, alpha, noise):
    return TeacherStudent.at_scale(beta, noise, alpha=alpha, round_sizes=False)


CASES = [  # system; linear and cubic overlap and side weight of networks, with the side weight's error
    (case(1.0, 1.0, 0.18), 0.720, -0.0155, 0.0120, 0.0003),
    (case(1 / 8, 1 / 8, 0.18), 0.711, -0.0207, 0.0507, 0.0004),
    (case(1 / 8, 1 / 2, 0.18), 0.735, -0.0209, 0.065, 0.003),
    (case(1 / 8, 1 / 8, 0.12), 0.833, -0.0334, 0.0755, 0.0015),
]
POPULATION = [  # width factor, noise; overlaps and side weight of an independent code, corrections norm and readout
    (1, 0.18, 0.72955, -0.02726, 0.06945),
    (4, 0.18, 0.73842, -0.02681, 0.06795),
    (1, 0.05, 0.98608, -0.10957, 0.07084),
]


@pytest.mark.parametrize(("factor", "noise", "linear", "cubic", "side_weight"), POPULATION)
def test_read_out_fluctuations_of_the_population(factor, noise, linear, cubic, side_weight):
    system = TeacherStudent.at_scale(1 / 8, noise).at_width(factor)
    p = predict(system, theory="finite_size", corrections=("norm", "readout"))
    np.testing.assert_allclose([p.overlap[1], p.overlap[3], p.side_weight], [linear, cubic, side_weight], atol=1e-5)


@pytest.mark.medium
@pytest.mark.parametrize(("system", "linear", "cubic", "side_weight", "error"), CASES)
def test_all_corrections_come_closer_to_networks(system, linear, cubic, side_weight, error):
    p, lead = predict(system, theory="finite_size"), predict(system, "chi2")
    assert p.converged
    assert p.quadrature_error < 1e-6
    assert abs(p.side_weight - side_weight) < 0.12 * side_weight + error  # what is left is the field of degree 3
    np.testing.assert_allclose(p.overlap[1], linear, atol=0.025)
    assert abs(p.overlap[3] - cubic) < abs(lead.overlap[3] - cubic)
    assert not p.trustworthy  # and it knows


@pytest.mark.medium
def test_density_is_normalised_and_carries_the_side_weight():
    p = predict(CASES[1][0], theory="finite_size")
    q = np.linspace(-2.5, 2.5, 2001)
    density = np.exp(p.log_density(q))
    np.testing.assert_allclose(np.trapezoid(density, q), 1, rtol=1e-6)
    np.testing.assert_allclose(2 * np.trapezoid(density[q > 0.5 - 1e-9], q[q > 0.5 - 1e-9]), p.side_weight, rtol=1e-4)


@pytest.mark.medium
def test_the_norm_alone_is_the_chi_squared_mean_field():
    system = CASES[0][0]
    corrected, mean_field = predict(system, theory="finite_size", corrections=("norm",)), predict(system, "chi2")
    np.testing.assert_allclose(corrected.discrepancy[3], mean_field.discrepancy[3], rtol=1e-6)
    np.testing.assert_allclose(corrected.side_weight, mean_field.side_weight, rtol=1e-5)
    none = predict(system, theory="finite_size", corrections=())
    np.testing.assert_allclose(none.discrepancy[1], predict(system, theory="mean_field").discrepancy[1], rtol=1e-8)


def test_corrections_vanish_in_the_sharp_limit():
    shift = []
    for beta in (1.0, 16.0):
        system = case(beta, beta, 0.25)
        shift.append(
            abs(predict(system, theory="finite_size").overlap[1] - predict(system, theory="mean_field").overlap[1])
        )
    assert shift[1] < 0.4 * shift[0]


@pytest.mark.medium
def test_each_correction_moves_the_answer():
    system = CASES[1][0]
    sets = [("norm",), ("norm", "readout"), ("norm", "sample"), ("norm", "readout", "sample")]
    weights = [float(predict(system, theory="finite_size", corrections=c).side_weight) for c in sets]
    assert len({round(weight, 4) for weight in weights}) == 4


def test_order_of_corrections_does_not_matter_and_other_teachers_work():
    system = CASES[1][0].replace(teacher={3: -0.3})
    p = predict(system, theory="finite_size", corrections=("sample", "norm", "readout"))
    assert p.converged
    assert set(p.overlap) == {3}
    assert p.side_weight == predict(system, theory="finite_size").side_weight


@pytest.mark.slow
def test_derivatives_by_finite_differences():
    system = CASES[1][0]
    values = jax.jit(
        lambda s: jnp.stack([(p := predict(s, theory="finite_size", num_nodes=96)).side_weight, p.overlap[1]])
    )
    slopes = jax.jit(jax.jacrev(values))(system)
    for name in ("noise_variance", "width", "num_samples", "input_dim", "readout_variance"):
        step = 1e-5 * getattr(system, name)
        moved = lambda sign, name=name, step=step: system.replace(**{name: getattr(system, name) + sign * step})
        expected = (values(moved(1)) - values(moved(-1))) / (2 * step)
        np.testing.assert_allclose(getattr(slopes, name), expected, rtol=1e-4, atol=1e-8)


@pytest.mark.medium
def test_a_sweep_that_runs_out_of_steps_says_so():
    sweep = jax.vmap(
        lambda noise: predict(
            CASES[1][0].replace(noise_variance=noise), theory="finite_size", stopping=Stopping(max_steps=2)
        )
    )
    assert (sweep(jnp.array([0.12, 0.18])).status == Status.OUT_OF_STEPS).all()


@pytest.mark.medium
def test_a_solve_that_stops_at_round_off_is_solved():
    @jax.jit
    @jax.vmap
    def solution(noise):  # far below the transition the dual is stiff: an error of 1e-12 is a gradient of 1e-9
        p = predict(case(1.0, 1.0, noise), theory="finite_size", num_nodes=96, stopping=Stopping(1e-15))
        return p.status, p.residual, p.overlap[1]

    status, residual, overlap = solution(jnp.array([0.02, 0.005]))
    assert (status == Status.SOLVED).all()
    assert (residual < 1e-10).all()
    assert (residual > 1e-15).any()
    assert (jnp.abs(overlap - 1) < 0.05).all()


def test_a_solve_that_ends_at_round_off_is_solved():
    """No tolerance is too small: what cannot come closer has arrived."""
    prediction = predict(TeacherStudent.at_scale(1 / 8, 0.1), theory="finite_size", stopping=Stopping(1e-15))
    assert int(prediction.status) == Status.SOLVED
    assert 1e-15 < float(prediction.residual) < 1e-10


@pytest.mark.medium
def test_noise_in_the_targets_tilts_neurons_and_no_more():
    """It is a random field: without the correction for samples, and at leading order, nothing feels it."""
    noisy = TeacherStudent.at_scale(1 / 8, 0.1, label_noise=jnp.array([0.0, 0.2]))
    finite = jax.jit(lambda system: predict(system, theory="finite_size"))(noisy)
    assert (finite.status == Status.SOLVED).all()
    assert abs(finite.overlap[1][1] - finite.overlap[1][0]) > 1e-3
    for options in ({"theory": "mean_field"}, {"theory": "finite_size", "corrections": ("norm", "readout")}):
        other = predict(noisy, **options)
        np.testing.assert_allclose(other.side_weight[0], other.side_weight[1], rtol=1e-9)
    assert other.range.noise_to_signal[1][1] > other.range.noise_to_signal[1][0]
