"""Minima of an action: known polynomials, an exact mixture, padding, derivatives."""

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.theory import saddle_points


def test_double_well():
    points = saddle_points(lambda q: 3 * (q**2 - 1) ** 2 + 0.1 * q, -3.0, 3.0)
    assert points.exists.sum() == 2
    np.testing.assert_allclose(np.sort(points.position[:2]), np.sort(np.roots([12, 0, -12, 0.1]))[[0, 2]], atol=1e-12)
    assert points.position[0] < 0  # the tilt favours the left well
    assert points.gap[0] == 0
    np.testing.assert_allclose(points.width[:2], (36 * points.position[:2] ** 2 - 12) ** -0.5, rtol=1e-12)
    assert np.isnan(points.position[2:]).all()
    assert (points.weight[2:] == 0).all()
    np.testing.assert_allclose(points.weight.sum(), 1)


def test_a_sharp_gaussian_mixture_comes_back():
    weights, positions, widths = np.array([0.6, 0.3, 0.1]), np.array([0.1, -1.0, 1.3]), np.array([0.02, 0.03, 0.01])

    def action(q):
        return -jax.nn.logsumexp(-((q - positions) ** 2) / (2 * widths**2) + jnp.log(weights / widths))

    points = jax.jit(lambda: saddle_points(action, -2.0, 2.0, num_grid=2001))()
    order = np.argsort(-points.weight[:3])
    np.testing.assert_allclose(points.weight[:3][order], weights, rtol=1e-8)
    np.testing.assert_allclose(points.position[:3][order], positions, atol=1e-8)
    np.testing.assert_allclose(points.width[:3][order], widths, rtol=1e-8)


def test_vmap_with_different_numbers_of_minima():
    find = jax.jit(jax.vmap(lambda a: saddle_points(lambda q: q**4 + a * q**2, -2.0, 2.0)))
    points = find(jnp.array([-1.0, 1.0]))
    np.testing.assert_array_equal(points.exists.sum(axis=1), [2, 1])


def test_positions_and_gaps_carry_derivatives():
    find = lambda a: saddle_points(lambda q: (q**2 - a) ** 2 + 0.2 * q, -3.0, 3.0)
    shallow = jax.jit(lambda a: [getattr(find(a), field)[1] for field in ("position", "gap", "width", "weight")])
    plus, minus = shallow(1.2 + 1e-5), shallow(1.2 - 1e-5)
    expected = (np.array(plus) - np.array(minus)) / 2e-5
    np.testing.assert_allclose(jax.jit(jax.jacfwd(shallow))(1.2), expected, rtol=1e-6)
