"""Borders in closed form and at finite size, phase diagrams, the lazy baseline, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.status import Status
from grokjax.systems import modular_addition as ma


BASE = ma.ModularAddition(prime=11, width=500, noise_variance=5e-4, readout_variance=1e-4 / 121, sextic_decay=3.0)


def test_sharp_borders():
    borders = ma.transitions(BASE)
    np.testing.assert_allclose(borders.start, np.sqrt(2e-7), rtol=1e-12)
    np.testing.assert_allclose(borders.end, np.sqrt(2e-7) - 4e-4, rtol=1e-10)
    assert borders.converged
    always_mixed = ma.transitions(BASE.replace(readout_variance=1e-5))
    assert np.isnan(always_mixed.end)
    assert Status(int(always_mixed.status)) is Status.NO_SOLUTION


def test_theory_approaches_the_sharp_limit():
    """In the mixed phase a = noise / start, with an error that falls as P grows at fixed P^2 readout_variance."""
    errors = []
    for prime in (11, 101, 1009):
        system = BASE.replace(prime=prime, readout_variance=1e-4 / prime**2, noise_variance=2.5e-4)
        errors.append(abs(float(ma.predict(system).discrepancy) - 2.5e-4 / float(ma.transitions(system).start)))
    assert errors[0] > 3 * errors[1] > 9 * errors[2]
    assert errors[2] < 1e-3


@pytest.mark.medium
def test_finite_size_borders_are_where_the_weight_crosses_the_threshold():
    start = ma.finite_size_transitions(BASE).start
    np.testing.assert_allclose(
        ma.predict(BASE.replace(noise_variance=float(start))).side_weight, 1 / BASE.width, rtol=1e-5
    )


@pytest.mark.slow
def test_derivative_of_a_finite_size_border():
    slope = jax.grad(lambda system: ma.finite_size_transitions(system).start)(BASE).width
    at = lambda width: float(ma.finite_size_transitions(BASE.replace(width=width)).start)
    np.testing.assert_allclose(slope, at(500.5) - at(499.5), rtol=1e-3)


def test_classify():
    parameters = lambda side: ma.OrderParameters(0.5, jnp.asarray(side), 0.1, 0.1)
    assert ma.classify(parameters([0.0, 0.5, 0.9999]), 1e-3).tolist() == [0, 1, 2]


def test_phase_diagram_over_variances_and_over_sizes():
    noises, variances = np.geomspace(1e-5, 2e-3, 8), np.array([1e-7, 1e-6, 1e-5])
    diagram = ma.phase_diagram(BASE, {"noise_variance": noises, "readout_variance": variances}, panel_order=16)
    assert diagram.converged.all()
    assert set(diagram.names().ravel()) == set(ma.PHASES)
    one = ma.predict(BASE.replace(noise_variance=noises[3], readout_variance=variances[1]))
    np.testing.assert_allclose(diagram.order_parameters.discrepancy[3, 1], one.discrepancy, rtol=1e-9)

    sizes = ma.phase_diagram(BASE, {"width": [50.0, 500.0], "prime": [5, 11, 101]}, panel_order=16)
    assert sizes.labels.shape == (2, 3)
    one = ma.predict(BASE.replace(width=500, prime=5))
    np.testing.assert_allclose(sizes.order_parameters.discrepancy[1, 0], one.discrepancy, rtol=1e-9)
    with pytest.raises(ValueError, match="odd prime"):
        ma.phase_diagram(BASE, {"width": [50.0], "prime": [9]})
    with pytest.raises(ValueError, match="axes"):
        ma.phase_diagram(BASE, {"depth": [1.0]})


def test_lazy_kernel_has_three_eigenvalues():
    system = BASE.replace(prime=7, readout_variance=0.3)
    values, multiplicity = ma.nngp_eigenvalues(system)
    expected = np.sort(np.repeat(values, np.asarray(multiplicity, int)))
    np.testing.assert_allclose(np.linalg.eigvalsh(ma.nngp_kernel(system)), expected, rtol=1e-9)


def test_lazy_kernel_by_monte_carlo():
    rng = np.random.default_rng(1)
    w, v = rng.normal(size=(2, 200_000, 3))
    hidden = ((w[:, :, None] + v[:, None, :]) ** 2).reshape(len(w), -1)
    products = hidden[:, :, None] * hidden[:, None, :]
    kernel = ma.nngp_kernel(BASE.replace(prime=3, readout_variance=1.0))
    error = products.std(axis=0) / np.sqrt(len(w))
    assert (abs(products.mean(axis=0) - kernel) < 5 * error).all()


@pytest.mark.slow
def test_gaussian_process_learns_as_much_as_theory_says():
    """Regression with the explicit kernel on independent random pairs; at small noise repeated pairs would matter."""
    prime, noise = 13, 20.0
    system = BASE.replace(prime=prime, readout_variance=1.0, noise_variance=noise)
    kernel = np.asarray(ma.nngp_kernel(system))
    table = np.add.outer(np.arange(prime), np.arange(prime)).ravel() % prime
    target = (table[:, None] == np.arange(prime)) - 1 / prime
    rng = np.random.default_rng(2)
    for count in (60, 240):
        learned = []
        for _ in range(40):
            seen = rng.integers(0, prime**2, count)
            gram = kernel[np.ix_(seen, seen)] + noise * np.eye(count)
            outputs = kernel[:, seen] @ np.linalg.solve(gram, target[seen])
            learned.append((outputs * target).sum() / (target**2).sum())
        np.testing.assert_allclose(np.mean(learned), ma.gp_learned(system, count), rtol=0.02)


def test_gaussian_process_needs_a_finite_fraction_of_the_table():
    counts = [float(ma.gp_sample_complexity(BASE.replace(prime=p, noise_variance=1e-9))) for p in (11, 101, 1009)]
    ratios = np.array(counts) / np.array([11, 101, 1009]) ** 2
    np.testing.assert_allclose(ratios, 0.5, atol=0.1)
    half = ma.gp_sample_complexity(BASE, 0.3)
    np.testing.assert_allclose(ma.gp_learned(BASE, half), 0.3, rtol=1e-9)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"prime": 9}, "odd prime"),
        ({"prime": 2}, "odd prime"),
        ({"prime": 12}, "odd prime"),
        ({"prime": 11.5}, "odd prime"),
        ({"sextic_decay": 0.0}, "normalisable"),
        ({"sextic_decay": -1.0}, "normalisable"),
        ({"width": 0}, "at least 1"),
        ({"training_fraction": 0.0}, "training_fraction"),
        ({"training_fraction": 1.2}, "training_fraction"),
        ({"noise_variance": -1e-4}, "noise_variance"),
        ({"readout_variance": float("nan")}, "readout_variance"),
    ],
)
def test_bad_parameters(change, words):
    with pytest.raises(ValueError, match=words):
        BASE.replace(**change)


@pytest.mark.medium
def test_bad_options():
    with pytest.raises(ValueError, match="convention"):
        ma.predict(BASE, "printed")
    with pytest.raises(ValueError, match="start"):
        ma.simulate(jax.random.key(0), BASE, start="droplets")
    with pytest.raises(ValueError, match="Ravel"):
        ma.predict(BASE.replace(noise_variance=np.ones((2, 2))))
    with pytest.raises(ValueError, match="learned"):
        ma.gp_sample_complexity(BASE, 1.0)
