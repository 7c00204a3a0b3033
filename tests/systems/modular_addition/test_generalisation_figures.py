"""Figures of generalisation on tiny ensembles, read back from their artists."""

import jax
import matplotlib
import numpy as np
import pytest

from grokjax import power_law
from grokjax.evidence.statistics import Estimate
from grokjax.systems import modular_addition as ma


matplotlib.use("Agg")
from matplotlib import pyplot as plt

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
def test_learning_curve():
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
    words = figures.caption_learning_curve(run)
    assert "mod 5" in words
    assert "60%" in words
    assert "norm" in words
    plt.close(figure)


@pytest.mark.medium
def test_accuracies_against_noise(grid):
    figure = figures.accuracies_against_noise(grid, grid, 4e-4, (1,))
    for ax, name in zip(figure.axes, ("held_out_accuracy", "held_out_learned", "localised"), strict=True):
        second = ax.containers[1]
        np.testing.assert_allclose(second[0].get_xdata(), [5e-4, 1e-3])
        np.testing.assert_allclose(second[0].get_ydata(), getattr(grid, name).mean[:, 1])
        assert len(ax.containers) == 4
        assert any(np.allclose(line.get_xdata(), 4e-4) for line in ax.lines if len(line.get_xdata()) == 2)
    plt.close(figure)


@pytest.mark.medium
def test_map(grid):
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
    assert "c = 2.2" in figures.CAPTION_MAP
    plt.close(figure)


def test_boundary():
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
    plt.close(figure)
