"""Linear systems on a line, against dense algebra and where dense algebra fails."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import mean_variance as mv
from grokjax.systems.mean_variance.theory import lattice
from grokjax.systems.mean_variance.theory.solver import Fields, FreeEnergy, minimise


def path(stiffness):
    n = len(stiffness) + 1
    matrix = np.zeros((n, n))
    for edge, t in enumerate(stiffness):
        matrix[edge : edge + 2, edge : edge + 2] += t * np.array([[1, -1], [-1, 1]])
    return matrix


def numbers(seed, *shape):
    return jnp.asarray(np.random.default_rng(seed).uniform(0.2, 3.0, shape))


def test_a_line_against_dense_algebra():
    d, t, b = numbers(0, 9), numbers(1, 8), numbers(2, 9)
    matrix = np.diag(d) + path(t)
    np.testing.assert_allclose(lattice.solve_path(d, t, b), np.linalg.solve(matrix, b), rtol=1e-13)
    np.testing.assert_allclose(lattice.log_determinant(d, t), np.linalg.slogdet(matrix)[1], rtol=1e-13)
    np.testing.assert_allclose(lattice.inverse_diagonal(d, t), np.diag(np.linalg.inv(matrix)), rtol=1e-13)


def test_the_constant_mode_survives_where_a_banded_solver_loses_it():
    from scipy.linalg import solveh_banded

    n, t = 512, 1e12
    y = np.random.default_rng(0).standard_normal(n) + 1
    x = np.asarray(lattice.solve_path(jnp.ones(n), jnp.full(n - 1, t), jnp.asarray(y)))
    banded = np.zeros((2, n))
    banded[0, 1:] = -t
    banded[1] = 1 + t * np.r_[1, np.full(n - 2, 2), 1]
    lost = abs(np.mean(solveh_banded(banded, y)) - np.mean(y))
    assert abs(np.mean(x) - np.mean(y)) < 1e-13  # the sum of all equations
    assert lost > 1e-8


def test_two_fields_against_dense_algebra():
    blocks = jnp.stack([numbers(0, 7), numbers(1, 7) - 1.5, numbers(2, 7)], axis=1)
    t, b = numbers(3, 6, 2), numbers(4, 7, 2)
    a, off, d = np.asarray(blocks).T
    dense = np.block([[np.diag(a) + path(t[:, 0]), np.diag(off)], [np.diag(off), np.diag(d) + path(t[:, 1])]])
    smallest = np.linalg.eigvalsh(dense)[0]
    x, positive = lattice.solve_pairs(blocks, t, b)
    np.testing.assert_allclose(np.asarray(x).T.ravel(), np.linalg.solve(dense, np.asarray(b).T.ravel()), rtol=1e-10)
    assert bool(positive) == bool(lattice.is_positive(blocks, t)) == (smallest > 0)
    np.testing.assert_allclose(lattice.smallest_eigenvalue(blocks, t), smallest, rtol=1e-9)


def test_modes_of_equal_spacing_are_cosines(sine64):
    exact = lattice.modes(sine64.targets)
    dense = lattice.modes(sine64.targets, sine64.inputs)
    for one, other in zip(exact, dense, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8)
    energy = lattice.Lattice.of(sine64.inputs).energy(sine64.targets)
    np.testing.assert_allclose(jnp.mean(exact[0] * exact[1]), energy, rtol=1e-12)


def test_energy_of_a_straight_line_is_its_slope_squared():
    x = jnp.asarray([0.3, -0.2, 1.1, 0.45, 0.9])
    for weighting, length in (("density", 1.0), ("lebesgue", 1.3)):
        line = lattice.Lattice.of(x, weighting)
        np.testing.assert_allclose(line.energy(3 * line.positions - 1), 9 * length, rtol=1e-12)
        np.testing.assert_allclose(line.unsort(x[line.order]), x)
        f = jnp.sin(5 * line.positions)
        np.testing.assert_allclose(line.force(f), jax.grad(line.energy)(f) / 2, rtol=1e-12, atol=1e-12)


@pytest.mark.medium
def test_thirty_two_bits_survive_twelve_decades_of_regularisation(sine64):
    strengths = np.array([1e-3, 1.0, 1e3, 1e6])
    alpha, beta = (each.ravel() for each in np.meshgrid([1e-6, *strengths], [1e-5, *strengths]))

    def solved(dtype):
        line = lattice.Lattice.of(sine64.inputs)
        line = lattice.Lattice(line.positions.astype(dtype), line.stiffness.astype(dtype), line.order)
        y = sine64.targets.astype(dtype)

        def one(a, b):
            energy = FreeEnergy(line, y, jnp.zeros_like(y), a, b)
            return minimise(energy, energy.cold(), tolerance=1e-10 if dtype == jnp.float64 else 1e-5, max_sweeps=400)

        return jax.jit(jax.vmap(one))(jnp.asarray(alpha, dtype), jnp.asarray(beta, dtype))

    exact, single = solved(jnp.float64), solved(jnp.float32)
    assert single.fields.mean.dtype == jnp.float32
    assert np.isfinite(single.fields.mean).all()
    assert np.isfinite(single.fields.precision).all()
    np.testing.assert_array_equal(exact.status == 3, single.status == 3)
    held = np.asarray(exact.converged)
    assert held.sum() == 20  # alpha = 1e-6 has collapsed at every beta
    error = np.abs(np.log(single.fields.precision) - np.log(exact.fields.precision))[held].max()
    assert error < 2e-4  # relative; the softest fit, at alpha = 1 and beta = 1e-5, loses a thousand roundings


def test_two_sites_have_a_fit_in_closed_form():
    exact = mv.two_sites(1.0)
    line = lattice.Lattice.of(jnp.asarray([0.0, 1.0]))
    y = jnp.asarray([-1.0, 1.0])
    for beta, stable in ((exact.pitchfork * 1.01, True), (exact.pitchfork * 0.99, False)):
        energy = FreeEnergy(line, y, jnp.zeros(2), jnp.asarray(1.0), beta)
        symmetric = Fields(exact.mean * y, exact.precision * jnp.ones(2))
        np.testing.assert_allclose(energy.residual(symmetric), 0, atol=1e-14)
        smallest = lattice.smallest_eigenvalue(*energy.hessian(symmetric))
        assert (float(smallest) > 0) == stable
    energy = FreeEnergy(line, y, jnp.zeros(2), jnp.asarray(1.0), jnp.asarray(1.0))
    found = minimise(energy, energy.cold()).fields
    np.testing.assert_allclose(found.mean, exact.mean * y, rtol=1e-10)
    np.testing.assert_allclose(found.precision, exact.precision, rtol=1e-10)
    np.testing.assert_allclose(exact.mean, (2 - np.sqrt(2)) / 4, rtol=1e-12)
    np.testing.assert_allclose(exact.precision, 24 - 16 * np.sqrt(2), rtol=1e-12)


def test_unknown_weighting_is_refused(sine64):
    with pytest.raises(ValueError, match="weighting"):
        mv.predict(mv.MeanVariance(sine64, alpha=1.0, beta=1.0), weighting="counting")
