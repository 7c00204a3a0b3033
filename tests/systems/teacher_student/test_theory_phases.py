"""Phases: labels, thresholds, wells, and a diagram in one compiled call."""

import chex
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import phases as engine
from grokjax.phases import PhasePoint, sweep
from grokjax.status import Status, choose_status
from grokjax.systems.teacher_student.order_parameters import OrderParameters
from grokjax.systems.teacher_student.phases import PHASES, classify, phase_diagram, wells
from grokjax.systems.teacher_student.sharp_limit import sharp_limit
from grokjax.systems.teacher_student.system import TeacherStudent
from grokjax.systems.teacher_student.theory import predict


BASE = TeacherStudent.at_scale(1)


def test_labels():
    at = lambda side: OrderParameters(overlap={}, side_weight=jnp.asarray(side))
    np.testing.assert_array_equal(classify(at([0.0, 0.009, 0.011, 0.985, 0.995]), 0.01), [0, 0, 1, 1, 2])
    assert PHASES == ("GFL", "GMFL-I", "GMFL-II")


def test_a_diagram_agrees_with_its_points():
    noises, widths = jnp.linspace(0.05, 0.4, 8), jnp.array([200.0, 700.0, 3000.0])
    diagram = phase_diagram(BASE, noises, widths=widths)
    assert diagram.labels.shape == (8, 3)
    assert diagram.converged.all()
    for i, j in ((0, 0), (3, 1), (7, 2)):
        p = predict(BASE.replace(noise_variance=noises[i], width=widths[j]), theory="mean_field")
        np.testing.assert_allclose(diagram.order_parameters.side_weight[i, j], p.side_weight, rtol=1e-6)
        np.testing.assert_allclose(diagram.order_parameters.overlap[3][i, j], p.overlap[3], atol=1e-8)
        assert diagram.labels[i, j] == classify(p.order_parameters, 1 / widths[j])
    np.testing.assert_array_equal(np.unique(diagram.names()), ["GFL", "GMFL-I"])
    assert "GMFL-I" in str(diagram)


def test_the_boundary_nears_the_sharp_transition():
    beta = 64.0
    limit = sharp_limit(BASE).noise_variance
    system = TeacherStudent.at_scale(beta)
    diagram = phase_diagram(system, limit * jnp.array([0.9, 0.97, 1.03, 1.1]), num_samples=[3000 * beta], num_nodes=640)
    np.testing.assert_array_equal(diagram.labels[:, 0], [1, 1, 0, 0])


def test_threshold_is_a_parameter():
    few = phase_diagram(BASE, [0.15], num_samples=[3000.0], threshold=0.5)
    many = phase_diagram(BASE, [0.15], num_samples=[3000.0], threshold=1e-6)
    assert (few.labels[0, 0], many.labels[0, 0]) == (0, 1)


def test_specialised_phase_without_a_centre():
    # A small network with a strong cubic target: the droplets are the majority and the centre dies out.
    system = BASE.replace(width=20.0, teacher={1: 1.0, 3: -3.0}, readout_variance=0.05)
    diagram = phase_diagram(system, [0.02], num_samples=[3000.0], threshold=1 / 20)
    assert diagram.names()[0, 0] == "GMFL-II"


def test_diagram_traces_once(monkeypatch):
    chex.clear_trace_counter()
    counted = chex.assert_max_traces(engine._evaluate.__wrapped__, n=1)
    monkeypatch.setattr(engine, "_evaluate", eqx.filter_jit(counted))
    for noise in (0.1, 0.2):
        phase_diagram(BASE.replace(weight_variance=0.4 + noise), jnp.array([noise, 2 * noise]), widths=[500.0, 900.0])


def test_wells_of_a_sharp_system_are_a_gaussian_mixture():
    p = predict(TeacherStudent.at_scale(64, 0.17), theory="mean_field")
    points = jax.tree.map(np.asarray, wells(p))
    assert points.exists.sum() == 3
    order = np.argsort(points.position[:3])
    np.testing.assert_allclose(points.position[:3][order][1], 0, atol=1e-9)
    np.testing.assert_allclose(points.position[:3][order][[0, 2]], [-0.72, 0.72], atol=0.02)
    np.testing.assert_allclose(points.weight[:3].sum(), 1)
    side = points.weight[:3][order][0] + points.weight[:3][order][2]
    np.testing.assert_allclose(side, p.side_weight, rtol=0.05)
    assert points.gap[0] == 0
    assert (points.gap[1:3] > 0).all()


def test_a_point_that_ran_away_is_in_its_phase():
    class Point(eqx.Module):
        def __call__(self, x):
            status = choose_status((x < 0, Status.COLLAPSED), otherwise=Status.SOLVED)
            return PhasePoint({"square": x**2}, jnp.asarray(x > 0, int), status)

    diagram = sweep(Point(), {"x": [-1.0, 0.0, 1.0, 2.0]}, ("collapse", "right"))
    np.testing.assert_array_equal(diagram.names(), ["collapse", "collapse", "right", "right"])
    assert repr(diagram) == "PhaseDiagram(x 4; collapse 50.0%, right 50.0%; 3 solved, 1 collapsed)"


def test_an_unsolved_point_does_not_end_a_sweep():
    class Point(eqx.Module):
        def __call__(self, x):
            status = choose_status((x < -0.5, Status.STUCK), otherwise=Status.SOLVED)
            return PhasePoint({"square": x**2}, jnp.asarray(x > 0, int), status)

    diagram = sweep(Point(), {"x": [-1.0, 0.0, 1.0]}, ("left", "right"))
    np.testing.assert_array_equal(diagram.names(), ["stuck", "left", "right"])
    assert diagram.fraction("right") == 0.5
    assert repr(diagram) == str(diagram) == "PhaseDiagram(x 3; left 50.0%, right 50.0%; 2 solved, 1 stuck)"
    with pytest.raises(ValueError, match="phase"):
        diagram.fraction("middle")


def test_a_point_that_overflows_is_not_finite_and_its_neighbour_is_solved():
    diagram = phase_diagram(BASE, [0.18, 1e-300], widths=[700.0])
    np.testing.assert_array_equal(diagram.status[:, 0], [Status.SOLVED, Status.NOT_FINITE])
    np.testing.assert_array_equal(diagram.names()[:, 0], ["GMFL-I", "not finite"])


def test_a_point_that_only_tells_yes_or_no_is_refused():
    point = lambda x: PhasePoint({}, jnp.asarray(x > 0, int), x > 0)
    with pytest.raises(ValueError, match="returns a PhasePoint with a Status"):
        sweep(point, {"x": [0.0, 1.0]}, ("left", "right"))


def test_bad_axes():
    for axes in ({}, {"widths": [1.0], "num_samples": [2.0]}):
        with pytest.raises(ValueError, match="widths"):
            phase_diagram(BASE, [0.1], **axes)
    with pytest.raises(ValueError, match="noise_variance"):
        phase_diagram(BASE, 0.1, widths=[1.0])
    with pytest.raises(ValueError, match="axes"):
        sweep(lambda: None, {}, ())
    with jax.enable_x64(False), pytest.raises(ValueError, match="jax_enable_x64"):
        phase_diagram(BASE, [0.1], widths=[1.0])
