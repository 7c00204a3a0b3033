"""The sharp limit and the spinodal: numbers, derivatives, and where they do not exist."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.status import Status
from grokjax.systems.teacher_student.sharp_limit import sharp_limit, spinodal
from grokjax.systems.teacher_student.system import TeacherStudent
from grokjax.systems.teacher_student.theory import predict


BASE = TeacherStudent.at_scale(1)


@pytest.mark.parametrize(
    ("cubic", "noise_variance", "interaction"),
    [(-0.3, 0.178719, 30.669), (-0.2, 0.122820, 64.94), (-0.5, 0.278980, 12.586)],
)
def test_transition_of_the_table(cubic, noise_variance, interaction):
    s = sharp_limit(BASE.replace(teacher={1: 1.0, 3: cubic}))
    assert s.converged
    np.testing.assert_allclose([s.noise_variance, s.effective_interaction], [noise_variance, interaction], rtol=1e-4)
    assert s.discrepancy[3] == cubic
    if cubic == -0.3:
        np.testing.assert_allclose([s.discrepancy[1], s.side_position], [0.29196, 0.72137], rtol=1e-4)


def test_large_systems_approach_it():
    limit = sharp_limit(BASE)
    errors = []
    for beta in (64.0, 1024.0):
        p = predict(
            TeacherStudent.at_scale(beta, limit.noise_variance, round_sizes=False), num_nodes=2560, theory="mean_field"
        )
        errors.append(abs(float(p.discrepancy[1] - limit.discrepancy[1])))
    assert errors[1] < errors[0] / 2
    assert errors[1] < 5e-3


def test_scale_drops_out():
    at = lambda beta: sharp_limit(TeacherStudent.at_scale(beta, alpha=0.5, round_sizes=False))
    small, large = at(0.3), at(20.0)
    np.testing.assert_allclose(small.effective_interaction, large.effective_interaction, rtol=1e-9)
    np.testing.assert_allclose(small.side_position, large.side_position, rtol=1e-9)


@pytest.mark.medium
@pytest.mark.parametrize("activation", ["erf", pytest.param("tanh", marks=pytest.mark.slow)])
def test_every_derivative_by_finite_differences(activation):
    system = BASE.replace(activation=activation)
    where = jax.jit(
        lambda system: jnp.stack([(s := sharp_limit(system)).noise_variance, s.discrepancy[1], s.side_position])
    )
    slopes = jax.jit(jax.jacrev(where))(system)
    leaves, structure = jax.tree.flatten(system)
    for i, slope in enumerate(jax.tree.leaves(slopes)):
        step = 1e-5 * (abs(leaves[i]) or 1.0)
        moved = lambda sign, i=i, step=step: structure.unflatten(
            [*leaves[:i], leaves[i] + sign * step, *leaves[i + 1 :]]
        )
        np.testing.assert_allclose(slope, (where(moved(1)) - where(moved(-1))) / (2 * step), rtol=1e-5, atol=1e-9)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("teacher", "activation"), [({1: 1.0}, "erf"), ({1: 1.0, 2: 0.5}, "erf"), ({1: 1.0, 3: 0.3}, "relu")]
)
def test_no_transition_is_an_error(teacher, activation):
    with pytest.raises(ValueError, match="first-order transition"):
        sharp_limit(BASE.replace(teacher=teacher, activation=activation))


def test_no_transition_inside_a_sweep_is_a_nan():
    s = jax.vmap(lambda cubic: sharp_limit(BASE.replace(teacher={1: 1.0, 3: cubic})))(jnp.array([-0.3, 0.0, -0.5]))
    np.testing.assert_array_equal(s.status, [Status.SOLVED, Status.NO_SOLUTION, Status.SOLVED])
    assert np.isnan(s.noise_variance[1])
    np.testing.assert_allclose(s.noise_variance[2], 0.278980, rtol=1e-4)


def test_a_lone_mode_has_a_closed_form():
    # k = 3 alone: q^2 = 1 + 2 weight_variance at coexistence, whatever the scale of the target.
    s = sharp_limit(BASE.replace(teacher={3: -0.3}))
    np.testing.assert_allclose(s.side_position, np.sqrt(2), rtol=1e-10)
    squashed = 2 / 6
    np.testing.assert_allclose(s.effective_interaction, 2 * np.pi / 2 / (squashed * (0.6 * squashed) ** 2), rtol=1e-10)


@pytest.mark.medium
@pytest.mark.parametrize("perpendicular", ["mean", pytest.param("chi2", marks=pytest.mark.slow)])
def test_spinodal_is_where_the_centre_softens(perpendicular):
    s = spinodal(BASE, perpendicular)
    assert s.converged
    assert s.noise_variance < sharp_limit(BASE).noise_variance
    curvature = lambda noise: jax.grad(
        jax.grad(predict(BASE.replace(noise_variance=noise), perpendicular).law.log_density)
    )
    assert abs(curvature(s.noise_variance)(0.0)) < 1e-4
    assert curvature(1.05 * s.noise_variance)(0.0) < -1  # log density: a maximum above the spinodal, a minimum below
    assert curvature(0.95 * s.noise_variance)(0.0) > 1


@pytest.mark.slow
def test_spinodal_derivative_by_finite_differences():
    at_width = jax.jit(lambda width: spinodal(BASE.replace(width=width), num_scan=24).noise_variance)
    expected = (at_width(700.5) - at_width(699.5)) / 1.0
    np.testing.assert_allclose(jax.jit(jax.grad(at_width))(700.0), expected, rtol=1e-5)
