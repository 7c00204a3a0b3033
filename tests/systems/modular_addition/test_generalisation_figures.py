"""Figures of generalisation on tiny ensembles, read back from their artists."""

import equinox as eqx
import jax
import matplotlib
import numpy as np
import pytest

from grokjax import plot, power_law
from grokjax.evidence.statistics import Estimate
from grokjax.systems import modular_addition as ma


matplotlib.use("Agg")
from matplotlib.colors import to_rgb

from grokjax.systems.modular_addition import figures


NORM = ma.ModularAddition(
    prime=5, width=30, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3.0, regulariser="norm"
)
OPTIONS = {"num_members": 2, "num_witnesses": 0, "warmup": 0, "num_steps": 30, "record_every": 3, "progress": False}


@pytest.fixture(scope="module")
def grid():
    noises, fractions = np.array([5e-4, 1e-3]), np.array([0.6, 0.8])
    system = NORM.replace(noise_variance=noises[:, None], training_fraction=fractions[None])
    return ma.simulate(jax.random.key(0), system, **OPTIONS)


@pytest.mark.medium
def test_learning_curve(legends_are_clear, legend_texts):
    run = ma.simulate(jax.random.key(0), NORM.replace(training_fraction=0.6), **OPTIONS)
    figure = figures.learning_curve(run)
    left, middle, right = figure.axes
    step = float(np.ravel(run.ensemble.sampler.step_size)[0])
    for ax, names in (
        (left, ("train_accuracy", "held_out_accuracy")),
        (middle, ("train_error", "held_out_error")),
        (right, ("single_frequency", "localised")),
    ):
        for line, name in zip(ax.lines, names, strict=False):
            np.testing.assert_allclose(line.get_xdata(), 3 * step * np.arange(1, 11))
            scale = 4 / 25 if "error" in name else 1
            np.testing.assert_allclose(line.get_ydata(), getattr(run.series, name).mean(axis=0) / scale, rtol=1e-6)
    assert left.get_ylim() == right.get_ylim() == (-0.03, 1.03)
    assert middle.get_yscale() == "log"
    assert left.get_xscale() == "log"
    for ax, level, label in ((left, 1 / 5, "chance, $1/P$"), (middle, 1, "output zero")):
        assert {float(np.ravel(line.get_ydata())[0]) for line in ax.lines if line.get_label() == label} == {level}
        assert legend_texts(ax) == ["training sums", "held-out sums", label]
    assert len(left.collections) == 2  # a band each
    edges = left.collections[0].get_paths()[0].vertices[:, 1]
    found = run.series.train_accuracy.astype(float)
    mean, error = found.mean(axis=0), found.std(axis=0, ddof=1) / 2**0.5
    for edge in (*(mean - error), *(mean + error)):
        assert np.abs(edges - edge).min() < 1e-6
    legends_are_clear(figure)
    words = figures.caption_learning_curve(run)
    for part in ("mod 5", "60%", "decay of the norms", "N = 30", "2 networks", "standard error", "chance"):
        assert part in words
    assert words.count("at time") + words.count("not in this run") == 2


@pytest.mark.medium
def test_accuracies_against_noise(grid, legends_are_clear):
    figure = figures.accuracies_against_noise(grid, grid, 4e-4, (1,))
    for ax, name in zip(figure.axes, ("held_out_accuracy", "held_out_learned", "localised"), strict=True):
        second = ax.containers[1]
        np.testing.assert_allclose(second[0].get_xdata(), [5e-4, 1e-3])
        np.testing.assert_allclose(second[0].get_ydata(), getattr(grid, name).mean[:, 1])
        assert len(ax.containers) == 4
        assert any(np.allclose(line.get_xdata(), 4e-4) for line in ax.lines if len(line.get_xdata()) == 2)
        assert "10^{-4}" in ax.get_xlabel()
        assert [text.get_text() for text in ax.get_xticklabels()] == ["5", "10"]
        faces = [container[0].get_markerfacecolor() == "none" for container in ax.containers]
        assert faces == [False, False, True, True]  # hollow: hot
    legends_are_clear(figure)
    words = figures.caption_accuracies_against_noise(grid, grid, (1,))
    for part in ("P = 5, N = 30", "80%", "decay of the norms", "2 training sets", "hollow", "agree from both starts"):
        assert part in words
    moved = eqx.tree_at(
        lambda run: run.order_parameters.held_out_learned, grid, Estimate(np.full((2, 2), 9.0), np.ones((2, 2)))
    )
    assert "in (b) at 0.0005, 0.001: there the runs are too short" in figures.caption_accuracies_against_noise(
        grid, moved, (1,)
    )


@pytest.mark.medium
def test_map(grid, legends_are_clear, legend_texts):
    axes = {"noise_variance": np.geomspace(1e-4, 3e-3, 4), "training_fraction": np.linspace(0.5, 0.95, 3)}
    diagram = ma.generalisation_diagram(NORM, axes)
    figure = figures.generalisation_map(diagram, grid, grid)
    (ax,) = figure.axes
    shown = np.asarray(ax.collections[0].get_array()).reshape(3, 4)
    np.testing.assert_array_equal(shown, np.asarray(diagram.labels).T)
    discs = [line for line in ax.lines if len(line.get_xdata()) == 1]
    assert len(discs) == 8
    left = [line for line in discs if line.get_fillstyle() == "left"]
    np.testing.assert_allclose([line.get_ydata()[0] for line in left], [0.6, 0.8, 0.6, 0.8], rtol=1e-6)
    legend = legend_texts(ax)
    assert legend[-1] == "networks: held-out accuracy 1"
    assert {ma.GENERALISATION_PHASES[label] for label in np.unique(diagram.labels)} <= set(legend)
    colour = np.asarray(to_rgb(plot.COLOURS[1]))
    shade = 1 - np.ravel(grid.held_out_accuracy.mean)[:, None] * (1 - colour)
    np.testing.assert_allclose([to_rgb(line.get_color()) for line in left], shade)
    legends_are_clear(figure)
    words = figures.caption_generalisation_map(grid, grid)
    for part in ("P = 5, N = 30", "2 networks", "c = 2.2", "left half", "agree from both starts"):
        assert part in words


def test_boundary(legends_are_clear):
    primes = np.array([7, 11, 17])
    crossings = {int(p): Estimate(2 * p**-0.5, 0.01) for p in primes}
    accuracies = {int(p): (np.array([0.5, 0.7]), Estimate(np.array([0.1, 0.9]), np.full(2, 0.05))) for p in primes}
    fit = power_law(primes, [c.mean for c in crossings.values()], [0.01] * 3)
    figure = figures.boundary_against_prime(accuracies, crossings, fit, ma.generalisation_boundary)
    left, right = figure.axes
    np.testing.assert_allclose(left.containers[1][0].get_xdata(), np.array([0.5, 0.7]) * 11**0.5)
    estimate = next(line for line in right.lines if "estimate" in str(line.get_label()))
    np.testing.assert_allclose(estimate.get_ydata(), np.sqrt(4.4 / estimate.get_xdata()))
    curve = next(line for line in right.lines if "fit" in str(line.get_label()))
    np.testing.assert_allclose(curve.get_ydata(), 2 * curve.get_xdata() ** -0.5, rtol=1e-6)
    for index, prime in enumerate((7, 11, 17)):  # a colour a prime, in both panels
        point = right.containers[index][0]
        np.testing.assert_allclose([point.get_xdata()[0], point.get_ydata()[0]], [prime, 2 * prime**-0.5])
        assert point.get_color() == left.containers[index][0].get_color() == plot.COLOURS[index]
    low, high = right.get_ylim()
    assert low < curve.get_ydata().min() < curve.get_ydata().max() < high < 1
    assert [text.get_text() for text in right.get_xticklabels()] == ["7", "11", "17"]
    assert [text.get_text() for text in right.get_yticklabels()] == ["0.5", "0.6", "0.7", "0.8"]
    legends_are_clear(figure)


@pytest.mark.medium
def test_the_caption_of_the_boundary(grid):
    crossings = {prime: Estimate(2 * prime**-0.5, 0.01) for prime in (7, 11, 17)}
    fit = power_law([7, 11, 17], [place.mean for place in crossings.values()], [0.01] * 3)
    words = figures.caption_boundary_against_prime(grid, crossings, fit)
    for part in (
        "N = 30",
        "decay of the norms",
        "2 training sets",
        "0.756(10) at P = 7",
        "agrees with that of",
        "runs of 30 steps",
        "c = 2.2",
    ):
        assert part in words
    steep = power_law([7, 11, 17], [prime**-0.9 for prime in (7, 11, 17)], [0.001] * 3)
    assert "standard errors from that of the estimate, -1/2" in figures.caption_boundary_against_prime(
        grid, crossings, steep
    )
    assert "none in this range" in figures.caption_boundary_against_prime(grid, {}, None)
