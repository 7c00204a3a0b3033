"""The field theory of the reference set: numbers that are known exactly."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Status
from grokjax.systems import mean_variance as mv
from grokjax.systems.mean_variance.phases import counts
from grokjax.systems.mean_variance.theory.lattice import Lattice
from grokjax.systems.mean_variance.theory.solver import Fields, FreeEnergy


ALPHA_C = 4.7186e-4  # of the reference set, to the digits known beforehand


def at(inputs, targets, *strengths):
    """Fits of targets on a line at up to four pairs of strengths: one program for all tests that need a few of them."""
    alpha, beta = np.array([*strengths, *[strengths[-1]] * (4 - len(strengths))]).T
    found = mv.predict(mv.MeanVariance(mv.RegressionData(inputs, targets), alpha=alpha, beta=beta))
    return [jax.tree.map(lambda leaf, i=i: leaf[i], found) for i in range(len(strengths))]


def test_the_reference_set(sine64):
    first = [0.94652350, 0.41519171, 1.10118415, 2.49714550, 2.41899813]
    np.testing.assert_allclose(sine64.targets[:5], first, atol=5e-9)
    np.testing.assert_allclose(sine64.targets[-1], -1.00048003, atol=5e-9)
    np.testing.assert_allclose(jnp.mean(sine64.noise**2), 0.40919001, atol=5e-9)
    np.testing.assert_allclose([jnp.mean(sine64.targets), jnp.std(sine64.targets)], [0, 1], atol=1e-12)


@pytest.mark.medium
def test_every_cell_of_the_square_has_its_phase(square):
    _, found = square
    collapsed = found.status == Status.COLLAPSED
    labels = np.asarray(mv.classify(found.order_parameters, collapsed))
    numbers = dict(zip(mv.PHASES, np.bincount(labels.ravel()), strict=True))
    assert numbers == {"U_I": 110, "U_II": 38, "S": 91, "O_I": 95, "O_II": 27}
    assert int(collapsed.sum()) == 95
    assert bool((found.converged | collapsed).all())


@pytest.mark.slow
def test_a_finer_lattice_has_its_own_phases():
    axis = mv.PAPER_SQUARE
    diagram = mv.phase_diagram(mv.MeanVariance(mv.sine(512), alpha=1.0, beta=1.0), {"rho": axis, "gamma": axis})
    assert counts(diagram) == {"U_I": 137, "U_II": 46, "S": 117, "O_I": 46, "O_II": 15}
    assert int(diagram.collapsed.sum()) == 46


@pytest.mark.medium
def test_fits_are_stationary_minima(square):
    _, found = square
    held = np.asarray(found.converged)
    assert np.abs(np.asarray(found.identities)[held]).max() < 1e-12
    assert np.asarray(found.smallest_eigenvalue)[held].min() > 0
    assert np.asarray(found.chi2)[held].max() <= 1 + 1e-12


def test_collapsed_fits_are_a_status_and_have_finite_numbers(square):
    _, found = square
    for leaf in jax.tree.leaves((found.order_parameters, found.mean, found.precision, found.free_energy)):
        assert np.isfinite(np.asarray(leaf)).all()


def test_the_collapse_is_an_iso_alpha_line(square, sine64):
    system, found = square
    stiff = np.asarray(system.beta) >= 1e-2
    below = np.asarray(system.alpha < mv.critical_alpha(sine64.targets))
    np.testing.assert_array_equal(below[stiff], np.asarray(found.status == Status.COLLAPSED)[stiff])


def test_a_diagram_is_the_same_theory(square, sine64):
    _, found = square
    rows, columns = slice(None, None, 6), slice(2, None, 6)
    grid = np.array(mv.PAPER_SQUARE)
    diagram = mv.phase_diagram(
        mv.MeanVariance(sine64, alpha=1.0, beta=1.0), {"rho": grid[rows], "gamma": grid[columns]}
    )
    collapsed = np.asarray(found.status == Status.COLLAPSED)[rows, columns]
    np.testing.assert_array_equal(diagram.collapsed, collapsed)
    held = ~collapsed
    np.testing.assert_allclose(
        np.asarray(diagram.order_parameters.mse)[held], np.asarray(found.mse)[rows, columns][held], rtol=1e-7
    )
    assert sum(counts(diagram).values()) == diagram.labels.size


def test_critical_alpha(sine64):
    alpha = mv.critical_alpha(sine64.targets)
    np.testing.assert_allclose(alpha, ALPHA_C, atol=5e-9)
    # The maximum by brute force over a dense spectrum: a grid of 1e-4 in log s misses it by 1e-9.
    n, y = 64, np.asarray(sine64.targets)
    laplacian = np.diag(np.r_[1, np.full(n - 2, 2), 1]) - np.eye(n, k=1) - np.eye(n, k=-1)
    kappa, modes = np.linalg.eigh(n * (n - 1.0) * laplacian)
    s = np.geomspace(1e2, 1e5, 70_000)[:, None]
    largest = (s[:, 0] * ((kappa / (s + kappa)) ** 2 @ (modes.T @ y) ** 2) / n).max()
    np.testing.assert_allclose(alpha, 1 / (2 * largest), rtol=1e-6)
    np.testing.assert_allclose(mv.critical_alpha(sine64.targets, sine64.inputs), alpha, rtol=1e-9)
    slope = jax.grad(lambda scale: mv.critical_alpha(scale * sine64.targets))(1.0)
    np.testing.assert_allclose(slope, -2 * alpha, rtol=1e-9)  # scale covariance: alpha / c^2
    np.testing.assert_allclose(mv.diagonal_collapse(alpha), 0.9785, atol=5e-5)


def test_critical_alpha_of_white_noise():
    np.testing.assert_allclose(mv.white_noise_critical_alpha(2, 1.0) * 2, 1.052645059, rtol=1e-9)
    n, noise = 4096, np.random.default_rng(0).standard_normal(4096)
    found = float(mv.critical_alpha(jnp.asarray(noise)) / mv.white_noise_critical_alpha(n, 1.0))
    assert abs(found - 1) < 5 * np.sqrt(2 / n)  # the variance of the noise is known to sqrt(2/n)


@pytest.mark.medium
def test_both_sides_of_the_fold(sine64):
    fold = mv.fold(sine64.targets)
    below, above = at(sine64.inputs, sine64.targets, *((float(factor * fold.alpha), 1e4) for factor in (0.999, 1.001)))
    assert int(below.status) == Status.COLLAPSED
    assert int(above.status) == Status.SOLVED


def test_the_solution_set_is_scale_covariant(sine64):
    c, alpha, beta = 3.0, 2e-2, 5e-3
    (one,) = at(sine64.inputs, sine64.targets, (alpha, beta))
    (other,) = at(sine64.inputs, c * sine64.targets, (alpha / c**2, beta * c**4))
    np.testing.assert_allclose(other.mean, c * one.mean, rtol=1e-8, atol=1e-9)
    np.testing.assert_allclose(other.precision, one.precision / c**2, rtol=1e-8)


def test_corners_and_edges(sine64):
    reversed_order = sine64.inputs[::-1], sine64.targets[::-1]  # the order of the data does not matter
    flat, one = at(*reversed_order, (1e8, 1e8), (1e-2, 1e-3))
    np.testing.assert_allclose(flat.mean, 0, atol=1e-7)
    np.testing.assert_allclose(flat.precision, 1, rtol=1e-7)
    (other,) = at(sine64.inputs, sine64.targets, (1e-2, 1e-3))
    np.testing.assert_allclose(one.mean[::-1], other.mean, rtol=1e-9, atol=1e-12)
    # No regularisation of the precision: no stable fit at any alpha, its curvature falls like beta.
    betas = np.array([1e-3, 1e-4, 1e-5, 1e-6])
    soft = at(sine64.inputs, sine64.targets, *((1.0, beta) for beta in betas))
    curvature = np.array([float(each.smallest_eigenvalue) for each in soft]) / betas
    assert ((curvature > 1) & (curvature < 2.5)).all()


def test_the_free_energy_has_no_global_minimum(sine64):
    alpha, y = jnp.asarray(1.0), sine64.targets
    energy = FreeEnergy(Lattice.of(sine64.inputs), y, jnp.zeros_like(y), alpha, jnp.asarray(1.0))
    for c in (1e3, 1e6, 1e9):
        through = energy(Fields(y, jnp.full_like(y, c)))
        np.testing.assert_allclose(through, 4461.757863 - np.log(c) / 2, rtol=1e-9)


@pytest.mark.medium
def test_derivatives_go_through_the_stationary_point(sine64):
    system = mv.MeanVariance(sine64, alpha=1e-2, beta=1e-3)

    def metric(logs):
        found = mv.predict(system.replace(alpha=jnp.exp(logs[0]), beta=jnp.exp(logs[1])))
        return found.mse + found.calibration_error + found.precision_spread + found.test.nll

    logs, step = jnp.log(jnp.asarray([1e-2, 1e-3])), 1e-4
    shifts = step * jnp.eye(2)
    differences = [(metric(logs + s) - metric(logs - s)) / (2 * step) for s in shifts]
    np.testing.assert_allclose(jax.grad(metric)(logs), differences, rtol=1e-5)


@pytest.mark.medium
@pytest.mark.parametrize(("beta", "known"), [(1e-4, 3.665e-4)])
def test_spinodal(sine64, beta, known):
    found = mv.spinodal(mv.MeanVariance(sine64, alpha=1.0, beta=beta), tolerance=1e-4)
    np.testing.assert_allclose(found, known, rtol=3e-4)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("beta", "known"),
    [(1.0, 4.7186e-4), (0.1, 4.7177e-4), (1e-2, 4.7098e-4), (1e-3, 4.6290e-4), (1e-5, 6.46e-5), (1e-6, 3.50e-5)],
)
def test_spinodals(sine64, beta, known):
    found = mv.spinodal(mv.MeanVariance(sine64, alpha=1.0, beta=beta))
    np.testing.assert_allclose(found, known, rtol=2e-3 if beta < 1e-4 else 1e-4)


def test_cusp_and_spinodals_of_the_population():
    mode = mv.Mode(signal=1.0, noise=0.01, curvature=mv.spectrum(64)[4])
    np.testing.assert_allclose(mode.spinodals, [0.01239035, 0.01805531], atol=5e-9)
    cusp = mv.Mode(signal=27.0, noise=1.0, curvature=3.0)
    np.testing.assert_allclose(cusp.spinodals, cusp.cusp_alpha, rtol=1e-6)
    assert np.isnan(mv.Mode(signal=26.9, noise=1.0, curvature=1.0).spinodals).all()


@pytest.mark.medium
@pytest.mark.parametrize(("ratio", "jumps"), [(100.0, True), (20.0, False)])
def test_the_lattice_jumps_at_the_spinodals_of_the_population(ratio, jumps):
    n = 64
    wave = np.sqrt(2) * np.cos(4 * np.pi * (np.arange(n) + 0.5) / n)
    data = mv.RegressionData(np.linspace(0, 1, n), wave, wave, np.full(n, ratio**-0.5))
    mode = mv.Mode(signal=1.0, noise=1 / ratio, curvature=mv.spectrum(n)[4])
    alphas = jnp.geomspace(0.05, 0.006, 40)
    way = mv.continuation(mv.MeanVariance(data, alpha=1.0, beta=1e5), alphas, "population")
    assert bool(way.up.converged.all())
    assert bool(way.down.converged.all())
    assert bool(way.differs.any()) == jumps
    if jumps:
        step = float(alphas[0] / alphas[1])
        low, high = (float(end) for end in way.window)
        first, last = (float(x) for x in mode.spinodals)
        assert first <= low < first * step
        assert last / step < high <= last


def test_without_regularisation_the_population_finds_the_truth(sine64):
    """Weak penalties displace it by their first order, known in closed form, and by about its square beyond that."""
    strength, n, line = 1e-11, 64, Lattice.of(sine64.inputs)
    found = mv.predict(mv.MeanVariance(sine64, alpha=strength, beta=strength), "population")
    assert int(found.status) == Status.SOLVED
    variance = sine64.noise**2
    mean = sine64.mean - 2 * strength * n * line.force(sine64.mean) * variance
    shift = 4 * strength * n * line.force(1 / variance) / variance
    assert 1e-4 < float(jnp.abs(shift).max()) < 1e-3
    np.testing.assert_allclose(found.mean, mean, atol=1e-13)
    np.testing.assert_allclose(1 / found.precision / variance, 1 + shift, atol=5 * float(jnp.abs(shift).max()) ** 2)


@pytest.mark.slow
def test_the_marginal_theory_is_finite_where_the_lattice_collapses(sine64):
    np.testing.assert_allclose(mv.marginal_precision(sine64.targets, 1e-4), 7.2301, atol=5e-5)
    np.testing.assert_allclose(mv.marginal_precision(sine64.targets, 1e-2), 1.72217413, atol=5e-7)
    found = mv.predict(mv.MeanVariance(sine64, alpha=jnp.asarray([1e-4, 1e-2]), beta=1e5), "marginal")
    assert bool(found.converged.all())
    assert np.abs(found.identities).max() < 1e-12
    np.testing.assert_allclose(found.precision.mean(axis=1), [7.2301, 1.72217413], rtol=1e-5)
    assert np.asarray(found.smallest_eigenvalue).min() > 0
    joint = mv.predict(mv.MeanVariance(sine64, alpha=jnp.asarray([1e-4, 1e-2]), beta=1e5))
    assert int(joint.status[0]) == Status.COLLAPSED
    np.testing.assert_allclose(joint.precision[1], 1.91290945, rtol=1e-6)
    # Towards infinite precision it tends to a constant: a flat prior there could not be normalised.
    far = [float(mv.marginal_free_energy(sine64.targets, 1e-4, c)) for c in (1e6, 1e8, 1e10)]
    assert abs(far[2] - far[1]) < abs(far[1] - far[0]) / 50 < 1e-6


def test_depth_makes_the_transition_of_networks_first_order():
    np.testing.assert_allclose(mv.depth_transition(3), (0.595275, 0.5), atol=1e-6)
    np.testing.assert_allclose(mv.depth_transition(4), (0.544331, 2 / 3), atol=1e-6)
    assert mv.depth_transition(2)[1] == 0
    strength, jump = mv.depth_transition(3)
    energy = lambda s: (1 - s) ** 2 / 2 + strength * s ** (2 / 3)
    s = np.linspace(0, 1, 2001)
    assert energy(s).min() >= 0.5 - 1e-9
    assert abs(energy(jump) - 0.5) < 1e-12


@pytest.mark.medium
def test_borders_lie_where_the_labels_change(square):
    system, found = square
    border = mv.borders(system)
    alpha, beta, fitted = (np.asarray(x) for x in (system.alpha, system.beta, found.fitted))
    stiff = beta > 10
    np.testing.assert_array_equal((fitted > 0.05)[stiff], (alpha < border.fit)[stiff])
    flat = alpha > 10
    spread = np.asarray(found.precision_spread)
    near = np.abs(np.log(beta / float(border.adapt))) < 0.2  # a linear response decides up to a fifth
    np.testing.assert_array_equal((spread > 0.05)[flat & ~near], (beta < border.adapt)[flat & ~near])
