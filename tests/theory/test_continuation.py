"""Continuation on x^3 - x = h: three roots for |h| below the spinodals at 2/(3 sqrt 3), one root beyond."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.status import Status, choose_status
from grokjax.theory import continuation, newton_root


SPINODAL = 2 / (3 * np.sqrt(3))
FIELDS = np.linspace(-0.8, 0.8, 65)


def newton(field, guess):
    root = newton_root(lambda x: x**3 - x - field, guess)
    return root.position, root.status


def descent(field, guess):
    """Down the potential x^4/4 - x^2/2 - h x: beyond a spinodal it falls to the other side."""
    return newton(field, jax.lax.fori_loop(0, 1000, lambda _, x: x - 0.2 * (x**3 - x - field), guess))


@pytest.fixture(scope="module")
def loop():
    return jax.jit(lambda: continuation(descent, FIELDS, -1.0))()


def test_hysteresis_ends_at_the_spinodals(loop):
    assert loop.up.converged.all()
    assert loop.down.converged.all()
    np.testing.assert_array_equal(loop.differs, np.abs(FIELDS) < SPINODAL)
    for way, jump in ((loop.up, SPINODAL), (loop.down, -SPINODAL)):
        roots = [np.sort(np.roots([1, 0, -1, -field]).real)[[0, -1]] for field in FIELDS]
        expected = np.where(FIELDS < jump, *np.transpose(roots))
        np.testing.assert_allclose(way.solution, expected, atol=1e-9)
    low, high = loop.window
    np.testing.assert_allclose([low, high], [-0.375, 0.375])
    text = "Continuation(65 values; up 65 solved; down 65 solved; the ways differ from -0.375 to 0.375)"
    assert repr(loop) == str(loop) == text


def test_a_solver_that_does_not_jump_ends_the_branch():
    def stay(field, guess):
        root, status = newton(field, guess)
        return root, choose_status((root * guess < 0, Status.NO_SOLUTION), otherwise=status)

    found = jax.jit(lambda back: continuation(stay, FIELDS, -1.0, back=back))(1.0)
    np.testing.assert_array_equal(found.up.converged, FIELDS < SPINODAL)
    np.testing.assert_array_equal(found.down.converged, FIELDS > -SPINODAL)
    failures = {Status.STUCK, Status.OUT_OF_STEPS, Status.NO_SOLUTION}
    assert set(np.unique(found.up.status)) <= {Status.SOLVED, *failures}
    assert np.isnan(found.up.solution[~found.up.converged]).all()
    np.testing.assert_array_equal(found.differs, np.abs(FIELDS) < SPINODAL)


def test_a_bad_point_does_not_end_the_way():
    def solve(field, guess):
        root, status = newton(field, guess["x"])
        bad = jnp.abs(field) < 0.04
        return {"x": jnp.where(bad, jnp.nan, root)}, jnp.where(bad, Status.NOT_FINITE, status)

    fields = np.linspace(-0.3, 0.3, 13)
    found = continuation(solve, fields, {"x": -1.0})
    np.testing.assert_array_equal(found.up.status == Status.NOT_FINITE, np.abs(fields) < 0.04)
    assert found.up.converged.sum() == 12
    assert not found.differs.any()  # the way back begins on the branch of the way up
    assert "nowhere" in str(found)


def test_a_sweep_over_a_parameter_is_one_vmap():
    def window(linear):  # x^3 - a x = h has its spinodals at 2 (a/3)^(3/2)
        def slide(field, guess):
            fall = lambda _, x: x - 0.2 * (x**3 - linear * x - field)
            root = newton_root(lambda x: x**3 - linear * x - field, jax.lax.fori_loop(0, 1000, fall, guess))
            return root.position, root.status

        return continuation(slide, FIELDS, -1.0).window[1]

    linear = jnp.array([0.5, 1.0, 1.3])
    spinodal = 2 * (linear / 3) ** 1.5
    step = FIELDS[1] - FIELDS[0]
    found = jax.jit(jax.vmap(window))(linear)
    assert (found < spinodal).all()
    assert (found > spinodal - step).all()


@pytest.mark.parametrize("values", [0.5, [0.5], [[0.0, 1.0]], [0.0, 1.0, 0.5], [0.0, 0.0, 1.0], [0.0, np.nan, 1.0]])
def test_values_that_are_no_axis_are_refused(values):
    with pytest.raises(ValueError, match="`values` must be two or more numbers in order"):
        continuation(newton, jnp.asarray(values), 1.0)


def test_a_tolerance_must_be_positive():
    with pytest.raises(ValueError, match="tolerance"):
        continuation(newton, FIELDS, 1.0, tolerance=0.0)
