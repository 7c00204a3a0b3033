"""The one enumeration of how solvers end: texts, counts, arrays under jit and vmap, files."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax.phases import PhaseDiagram
from grokjax.status import AbstractSolution, Status, choose_status, describe, first_failure, iterative_status, succeeded


def test_every_status_has_a_code_and_a_text_of_its_own():
    assert Status.SOLVED == 0
    assert Status.RUNNING == -1
    assert len({status.text for status in Status}) == len(Status)
    assert Status(int(Status.OUT_OF_STEPS)).text == "out of steps"


def test_counts_name_what_is_solved_first():
    status = jnp.array([Status.OUT_OF_STEPS] * 2 + [Status.SOLVED] * 398)
    assert describe(status) == "398 solved, 2 out of steps"
    assert describe([Status.STUCK] * 3 + [Status.REACHED]) == "1 goal reached, 3 stuck"
    assert describe(Status.NOT_FINITE) == "1 not finite"
    assert describe([]) == "no points"
    with pytest.raises(ValueError, match="42"):
        describe([42])


def test_the_first_case_that_holds_decides_under_jit_and_vmap():
    residual = jnp.array([jnp.nan, 1e-12, 1.0, 1.0])
    iterations = jnp.array([3, 3, 50, 3])
    expected = [Status.NOT_FINITE, Status.SOLVED, Status.OUT_OF_STEPS, Status.STUCK]
    found = jax.jit(jax.vmap(lambda r, i: iterative_status(r, 1e-10, i, 50)))(residual, iterations)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(succeeded(found), [False, True, False, False])
    low = choose_status((found == Status.STUCK, Status.NO_SOLUTION), otherwise=found)
    np.testing.assert_array_equal(low[-2:], [Status.OUT_OF_STEPS, Status.NO_SOLUTION])


def test_what_needs_two_solutions_reports_the_first_that_failed():
    first = jnp.array([Status.SOLVED, Status.STUCK, Status.SOLVED, Status.SOLVED])
    second = jnp.array([Status.SOLVED, Status.NOT_FINITE, Status.COLLAPSED, Status.REACHED])
    expected = [Status.SOLVED, Status.STUCK, Status.COLLAPSED, Status.REACHED]
    np.testing.assert_array_equal(first_failure(first, second), expected)
    assert first_failure(Status.SOLVED, Status.STUCK, Status.NOT_FINITE) == Status.STUCK  # plain codes, too


def test_a_status_survives_a_file(tmp_path):
    status = jnp.array([Status.SOLVED, Status.STUCK], jnp.int32)
    diagram = PhaseDiagram(("x",), (jnp.arange(2.0),), {}, jnp.array([0, 1]), status, ("A", "B"))
    path = grokjax.io.save(tmp_path / "diagram", {"diagram": diagram, "one": Status.STUCK})
    back = grokjax.io.load(path)
    np.testing.assert_array_equal(back["diagram"].converged, [True, False])
    assert back["diagram"].status.dtype == status.dtype
    assert Status(back["one"]) is Status.STUCK


def test_a_solution_of_ones_own_gets_converged():
    class Solution(AbstractSolution):
        root: float
        status: jax.Array

    assert eqx.tree_equal(Solution(1.0, jnp.asarray(Status.SOLVED)).converged, jnp.asarray(True))
