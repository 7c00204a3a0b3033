"""Roots by bisection, by scan and by Newton, how they end, and their implicit derivatives."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.status import Status
from grokjax.theory import bisect, first_true, largest_root, last_true, narrow, newton_root, saddle_points


def test_bisection_is_elementwise_and_free_of_orientation():
    squares = jnp.array([2.0, 3.0, 50.0])
    root = lambda inside, outside: bisect(lambda x: x**2 < squares, inside, outside)
    np.testing.assert_allclose(root(0.0, jnp.array([2.0, 4.0, 9.0])), np.sqrt(squares), rtol=1e-14)
    np.testing.assert_allclose(root(0.0, jnp.array([-2.0, -4.0, -9.0])), -np.sqrt(squares), rtol=1e-14)
    above = jax.jit(jax.vmap(lambda square: bisect(lambda x: x**2 > square, 10.0, 0.0)))
    np.testing.assert_allclose(above(squares), np.sqrt(squares), rtol=1e-14)


def test_bisection_has_no_derivative_and_keeps_whole_numbers():
    assert jax.grad(lambda a: bisect(lambda x: x < a, 0.0, 4 * a))(2.0) == 0
    assert jax.grad(lambda a: bisect(lambda x: x < jnp.sin(a), -a, a))(2.0) == 0
    inside, outside = narrow(lambda n: n**3 >= 1000, 64, 0, 6)
    assert (int(inside), int(outside)) == (10, 9)
    assert jnp.issubdtype(inside.dtype, jnp.integer)


@pytest.mark.parametrize(("find", "places"), [(first_true, [1, 0, 0]), (last_true, [3, 3, 3])])
def test_scan_for_a_place(find, places):
    masks = jnp.array([[0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]], bool)
    index, found = jax.vmap(find)(masks)
    np.testing.assert_array_equal(index, places)
    np.testing.assert_array_equal(found, [True, True, False])


def test_largest_of_several_roots():
    root, found = largest_root(lambda x: jnp.sin(x), 1.0, 10.0)
    assert found
    np.testing.assert_allclose(root, 3 * np.pi, atol=1e-12)


def test_no_root_is_said():
    _, found = largest_root(lambda x: 1 + x**2, -1.0, 1.0)
    assert not found


def test_newton_root_and_its_derivatives():
    @jax.jit
    def crossing(a):
        return newton_root(lambda x: jnp.stack([x[0] ** 2 + x[1] ** 2 - a, x[0] - x[1] ** 3]), jnp.array([1.0, 1.0]))

    root = crossing(2.5)
    assert root.converged
    x, y = root.position
    np.testing.assert_allclose([x**2 + y**2, x], [2.5, y**3], atol=1e-12)
    first = lambda a: crossing(a).position[0]
    slope = 3 * y / (2 * (3 * x * y + 1))  # from x = y^3 and x^2 + y^2 = a
    np.testing.assert_allclose(jax.grad(first)(2.5), slope, rtol=1e-10)
    second = (jax.grad(first)(2.5 + 1e-5) - jax.grad(first)(2.5 - 1e-5)) / 2e-5
    np.testing.assert_allclose(jax.grad(jax.grad(first))(2.5), second, rtol=1e-6)


def test_one_equation_needs_no_vector():
    root = lambda a: newton_root(lambda x: x**3 - a, jnp.asarray(1.0)).position
    np.testing.assert_allclose(root(8.0), 2, rtol=1e-12)
    np.testing.assert_allclose(jax.grad(root)(8.0), 1 / 12, rtol=1e-10)


def test_newton_says_how_it_ended():
    @jax.jit
    @jax.vmap
    def statuses(offset):
        return newton_root(lambda x: x**2 + offset, jnp.array(0.7), max_steps=500).status

    np.testing.assert_array_equal(
        statuses(jnp.array([-2.0, 1.0, jnp.nan])), [Status.SOLVED, Status.STUCK, Status.NOT_FINITE]
    )
    assert newton_root(lambda x: x**2 - 2, jnp.array(100.0), max_steps=3).status == Status.OUT_OF_STEPS


def test_an_action_without_minima_has_no_solution():
    statuses = jax.vmap(lambda a: saddle_points(lambda q: jnp.sqrt(a) * (q + a * q**2), -1.0, 1.0).status)
    np.testing.assert_array_equal(
        statuses(jnp.array([2.0, 0.1, -1.0])), [Status.SOLVED, Status.NO_SOLUTION, Status.NOT_FINITE]
    )
