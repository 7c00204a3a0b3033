"""Roots by scan and by Newton, and their implicit derivatives."""

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.theory import largest_root, newton_root


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


def test_newton_without_a_root_does_not_raise():
    root = newton_root(lambda x: x**2 + 1, jnp.array([0.7]), max_steps=20)
    assert not root.converged
