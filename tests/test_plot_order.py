"""The figures on the order of a transition, read back: what is drawn is what was given."""

import types

import matplotlib.pyplot as plt
import numpy as np

from grokjax import plot
from grokjax.evidence import DatasetEstimate, FreeEnergy


def values(mean):
    mean = np.asarray(mean, float)
    return DatasetEstimate(mean, 0.1 * mean, 0.1 * mean, mean[None])


def free_energy():
    noises = np.geomspace(0.5, 1.0, 4)
    rng = np.random.default_rng(0)
    return FreeEnergy.of(noises, 10 * noises[:, None, None, None] + rng.normal(size=(4, 3, 1, 60)), num_samples=10)


def test_energy_and_capacity():
    free = free_energy()
    theory = {"N = 3": (np.linspace(0.5, 1, 5), np.arange(5.0), np.arange(5.0))}
    figure = plot.order.energy_and_capacity({"N = 3": free}, theory, kink=(0.7, 1.0))
    left, right = figure.axes
    lines = {line.get_label(): line for line in left.lines}
    np.testing.assert_array_equal(lines["theory, N = 3"].get_ydata(), np.arange(5.0))
    points = left.containers[0].lines[0]
    np.testing.assert_allclose(points.get_ydata(), free.energy.mean / 10)
    assert points.get_color() == lines["theory, N = 3"].get_color()  # one colour, one size
    np.testing.assert_allclose(right.containers[0].lines[0].get_ydata(), free.heat_capacity.mean / 10)
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["(a)", "(b)"]
    plt.close(figure)


def test_distributions_and_growth():
    sizes = [
        types.SimpleNamespace(
            size=n,
            capacity=values(0.1 * n),
            slope=values(0.2 * n),
            positions=np.arange(3.0),
            density=values([0.1, 0.3, 0.2]),
        )
        for n in (10, 20)
    ]
    figure = plot.order.distributions({"unit": sizes[0]}, {"net": (np.arange(3), np.arange(3.0), np.ones(3))})
    np.testing.assert_array_equal(figure.axes[0].containers[0].lines[0].get_ydata(), [0.1, 0.3, 0.2])
    np.testing.assert_array_equal(figure.axes[1].containers[0].lines[0].get_ydata(), np.arange(3.0))
    plt.close(figure)
    figure = plot.order.growth({"unit": sizes}, {"unit": ([10, 20], [1.0, 2.0], [2.0, 4.0])})
    np.testing.assert_allclose(np.asarray(figure.axes[0].containers[0].lines[0].get_ydata(), float), [1.0, 2.0])
    np.testing.assert_allclose(np.asarray(figure.axes[1].lines[-1].get_ydata(), float), [2.0, 4.0])
    plt.close(figure)


def test_profiles_and_evidence():
    profile = types.SimpleNamespace(positions=np.arange(3.0), values=values([0.0, 1.0, np.inf]))
    figure = plot.order.neuron_profiles({"cold": profile}, {"cold": (np.arange(3.0), np.array([5.0, 6.0, 7.0]))})
    np.testing.assert_array_equal(figure.axes[0].containers[0].lines[0].get_xdata(), [0, 1])  # unseen bins are left out
    assert any(np.array_equal(line.get_ydata(), [0, 1, 2]) for line in figure.axes[0].lines)
    plt.close(figure)
    figure = plot.order.evidence_per_dataset({"N = 3": np.array([-5.0, -7.0])}, {"N = 3": {"one loop": [-4.0, -7.5]}})
    drawn = [line.get_ydata() for line in figure.axes[0].lines if line.get_label() == "one loop"]
    np.testing.assert_allclose(drawn[0], [-1.0, 0.5])
    plt.close(figure)


def test_kinetics():
    number = lambda mean: types.SimpleNamespace(mean=mean, error=0.1)
    times = [types.SimpleNamespace(mean_time=number(t)) for t in (3.0, 9.0)]
    ramps = [types.SimpleNamespace(rate=r, work=number(10 * r)) for r in (0.1, 0.01)]
    figure = plot.order.kinetics(
        {"unit": ([number(1.0), number(2.0)], times)}, {"unit": ([1.0, 2.0], [3.5, 8.5])}, {"net": ramps},
        {"net": ([0.1, 0.01], [1.1, 0.1])},
    )  # fmt: skip
    left, right = figure.axes
    points = left.containers[0].lines[0]
    np.testing.assert_array_equal(points.get_ydata(), [3.0, 9.0])
    line = next(line for line in left.lines if line.get_label() == "theory, unit")
    assert line.get_color() == points.get_color()
    np.testing.assert_array_equal(right.containers[0].lines[0].get_xdata(), [0.1, 0.01])
    plt.close(figure)


def test_learning_figures():
    values = np.arange(1.0, 9.0).reshape(2, 4)
    time = {"N = 3": np.arange(1.0, 5.0)}
    figure = plot.learning.learning_curves(
        time, {"N = 3": {"training": values, "test": 2 * values}}, {"N = 3": {"linear": values}}
    )
    np.testing.assert_array_equal(figure.axes[0].lines[1].get_ydata(), 2 * values.mean(axis=0))
    assert len(figure.axes[1].collections) == 1  # a band
    plt.close(figure)
    measured = {"d = 3": ([1, 2], [0.1, 0.4], [0.1, 0.1])}
    figure = plot.learning.learned_over_size(measured, {"d = 3": ([1, 2], [0.2, 0.5])}, label="n")
    np.testing.assert_array_equal(figure.axes[0].containers[0].lines[0].get_ydata(), [0.1, 0.4])
    plt.close(figure)
    figure = plot.learning.symmetry_breaking({"h": ([1.0, 2.0], [2.0, 4.1], [0.1, 0.1])}, {"h": 1.0})
    np.testing.assert_array_equal(figure.axes[0].lines[-1].get_ydata(), [2.0, 4.0])
    plt.close(figure)
