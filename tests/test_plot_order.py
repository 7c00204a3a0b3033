"""The figures on the order of a transition and on learning, read back: artists have what was given, captions say it."""

import types

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import to_hex, to_rgba

from grokjax import Collapse, Estimate, plot
from grokjax.evidence import DatasetEstimate, FreeEnergy


WHITE = to_rgba("white")


def values(mean):
    mean = np.asarray(mean, float)
    return DatasetEstimate(mean, 0.1 * mean, 0.1 * mean, mean[None])


def free_energy():
    noises = np.geomspace(0.5, 1.0, 4)
    rng = np.random.default_rng(0)
    return FreeEnergy.of(noises, 10 * noises[:, None, None, None] + rng.normal(size=(4, 3, 1, 60)), num_samples=10)


def size(n, valley=Estimate(-0.5, 0.1)):
    return types.SimpleNamespace(
        size=n,
        capacity=values(0.1 * n),
        slope=values(0.2 * n),
        positions=np.arange(3.0),
        density=values([0.1, 0.3, 0.2]),
        valley=valley,
    )


def profile(noise, mean, error=0.1, barrier=np.nan):
    mean = np.asarray(mean, float)
    errors = np.broadcast_to(np.asarray(error, float), mean.shape)
    return types.SimpleNamespace(
        noise_variance=noise,
        positions=np.arange(3.0) / 2,
        values=Estimate(mean, errors),
        from_centre=Estimate(barrier, 0.1),
    )


def points(ax, label):
    """The line of the points with a label."""
    return next(each for each in ax.containers if each.get_label() == label).lines[0]


def curve(ax, label):
    return next(line for line in ax.lines if line.get_label() == label)


def test_energy_and_capacity(legend_texts, legends_are_clear):
    free = free_energy()
    theory = {
        "N = 3": (np.linspace(0.5, 1, 5), np.arange(5.0), np.arange(5.0)),
        "N = 9": (np.linspace(0.5, 1, 5), np.ones(5), np.ones(5)),
    }
    figure = plot.order.energy_and_capacity({"N = 3": free}, theory, kink=(0.7, 1.5))
    left, right = figure.axes
    mine, larger = curve(left, "theory, N = 3"), curve(left, "theory, N = 9")
    np.testing.assert_array_equal(mine.get_ydata(), np.arange(5.0))
    assert [mine.get_linestyle(), larger.get_linestyle()] == ["-", "--"]  # solid at the size of networks
    energy, capacity = left.containers[0].lines[0], points(right, "networks, N = 3")
    np.testing.assert_allclose(energy.get_ydata(), free.energy.mean / 10)
    np.testing.assert_allclose(capacity.get_ydata(), free.heat_capacity.mean / 10)
    assert energy.get_color() == capacity.get_color() == mine.get_color() != larger.get_color()  # a colour, a size
    np.testing.assert_array_equal(curve(left, "kink, infinite size").get_xydata(), [[0.7, 1.5]])
    assert [ax.lines[-1].get_xdata()[0] for ax in (left, right)] == [0.7, 0.7]
    assert legend_texts(left) == ["theory, N = 3", "theory, N = 9", "kink, infinite size"]
    assert legend_texts(right) == ["onset, infinite size", "networks, N = 3"]
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["(a)", "(b)"]
    assert right.get_ylabel() == "heat capacity per sample $C/n$"
    legends_are_clear(figure)


def test_the_caption_of_energies_says_what_differs():
    free = free_energy()
    noise, far = np.asarray(free.noise_variance)[::-1], np.full(4, 100.0)
    energy, capacity = free.energy.mean[::-1] / 10, free.heat_capacity.mean[::-1] / 10
    words = plot.captions.energy_and_capacity({"N = 3": free}, {"N = 3": (noise, energy, far)}, kink=(0.7, 1.0))
    assert "N = 3 (n = 10, 3)" in words
    assert "at noise 0.7." in words
    assert "(a): within 5 standard errors of theory (at most 0.0)." in words
    assert "(b): theory differs by more than 5 standard errors, N = 3 by up to" in words
    assert "theory differs" not in plot.captions.energy_and_capacity(
        {"N = 3": free}, {"N = 3": (noise, energy, capacity)}
    )


def test_distributions(legend_texts, legends_are_clear):
    droplets = {"net": (np.arange(3) - 1, np.arange(3.0), np.ones(3))}
    figure = plot.order.distributions({"unit": size(10)}, droplets)
    left, right = figure.axes
    np.testing.assert_array_equal(points(left, "unit").get_ydata(), [0.1, 0.3, 0.2])
    np.testing.assert_array_equal(points(right, "net").get_xydata(), [[-1, 0], [0, 1], [1, 2]])
    assert points(left, "unit").get_color() != points(right, "net").get_color()
    assert legend_texts(left) == ["Gaussian", "unit"]
    assert "less their mean" in right.get_xlabel()
    normal = curve(left, "Gaussian")
    np.testing.assert_allclose(normal.get_ydata().max(), 1 / np.sqrt(2 * np.pi), rtol=1e-3)
    legends_are_clear(figure)
    (alone,) = plot.order.distributions({"unit": size(10)}).axes
    assert alone.get_title(loc="left") == ""  # a single panel has no letter
    two = {"unit": size(10, Estimate(0.7, 0.1)), "net": size(20)}
    assert plot.captions.distributions(two).endswith("in brackets: unit (0.70(10)).")
    assert "(b) Minus log" in plot.captions.distributions(two, droplets)


def test_growth(legend_texts, legends_are_clear):
    sizes = {"unit": [size(10), size(20)], "net": [size(15)]}
    exact = {"unit": ([10, 20], [1.0, 2.0], [2.0, 8.0])}
    figure = plot.order.growth(sizes, exact)
    left, right = figure.axes
    np.testing.assert_allclose(np.asarray(points(left, "unit").get_ydata(), float), [1.0, 2.0])
    np.testing.assert_allclose(np.asarray(points(right, "net").get_ydata(), float), [3.0])
    assert [2.0, 8.0] in [list(line.get_ydata()) for line in right.lines]
    assert (legend_texts(left), legend_texts(right)) == (["unit", "net"], ["exact"])
    assert left.get_xscale() == left.get_yscale() == "log"
    legends_are_clear(figure)
    words = plot.captions.growth(sizes, exact)
    assert "multiplied by: unit 2 (n from 10 to 20)." in words
    assert "(a): within 5 standard errors of theory (at most 0.0)." in words
    assert "(b): theory differs by more than 5 standard errors, unit by up to 10." in words


def test_profiles(legends_are_clear):
    measured = {
        "cold": profile(0.1, [0.0, 1.0, np.inf], barrier=3.2),
        "cold, windows": profile(0.1, [0.0, 1.2, 2.0], [0.1, 0.1, 50.0]),
        "hot": profile(0.3, [0.0, 2.0, 4.0]),
    }
    theory = {"cold": (np.arange(3.0) / 2, np.array([5.0, 6.0, 7.0]))}
    figure = plot.order.neuron_profiles(measured, theory)
    (ax,) = figure.axes
    cold, again, hot = (points(ax, f"networks, {name}") for name in measured)
    np.testing.assert_array_equal(cold.get_xdata(), [0, 0.5])  # unseen bins are left out
    np.testing.assert_array_equal(again.get_xdata(), [0, 0.5])  # and those that nothing is known of
    line = curve(ax, "theory, cold")
    np.testing.assert_array_equal(line.get_ydata(), [0, 1, 2])
    assert cold.get_color() == again.get_color() == line.get_color() != hot.get_color()  # a colour, a noise
    assert [to_rgba(each.get_markerfacecolor()) == WHITE for each in (cold, again, hot)] == [False, True, False]
    assert ax.get_ylim() == (-0.5, 14)
    legends_are_clear(figure)
    words = plot.captions.neuron_profiles(measured, theory)
    assert "cold: barrier 3.20(10) nats; cold, windows: one well resolved" in words
    assert "Profiles: within 5 standard errors of theory (at most 0.0)." in words


def test_evidence(legend_texts, legends_are_clear):
    measured = {"N = 3": np.array([-5.0, -7.0]), "N = 9": np.array([-1.0])}
    theory = {"N = 3": {"one loop": [-4.0, -7.5]}, "N = 9": {"one loop": [-1.5]}}
    figure = plot.order.evidence_per_dataset(measured, theory)
    (ax,) = figure.axes
    np.testing.assert_allclose(curve(ax, "one loop").get_ydata(), [-1.0, 0.5])
    np.testing.assert_allclose(ax.lines[-1].get_xydata(), [[4, 0.5]])
    assert [text.get_text() for text in ax.get_xticklabels()] == ["N = 3\n$L=-6$, sd 1", "N = 9\n$L=-1$"]
    assert legend_texts(ax) == ["one loop"]
    legends_are_clear(figure)
    words = plot.captions.evidence_per_dataset(measured, theory)
    assert "N = 3, one loop: -0.25(75) nats, median -0.2" in words


def test_kinetics(legends_are_clear):
    number = lambda mean: Estimate(mean, 0.1)
    times = [types.SimpleNamespace(mean_time=number(t)) for t in (3.0, 9.0)]
    ramps = [types.SimpleNamespace(rate=r, work=number(10 * r)) for r in (0.1, 0.01)]
    given = (
        {"unit": ([number(1.0), number(2.0)], times), "neuron": ([number(1.5)], times[:1])},
        {"unit": ([1.0, 2.0], [3.0, 10.0]), "neuron": ([1.4], [2.0])},
        {"net": ramps, "student": ramps[:1]},
        {"net": ([0.1, 0.01], [2.0, 0.1])},
    )
    figure = plot.order.kinetics(*given)
    left, right = figure.axes
    measured = points(left, "measured, unit")
    np.testing.assert_array_equal(measured.get_xydata(), [[1.0, 3.0], [2.0, 9.0]])
    assert curve(left, "theory, unit").get_color() == measured.get_color()
    assert curve(left, "theory, unit").get_linestyle() == "-"
    star = curve(left, "theory, neuron")
    assert (star.get_marker(), star.get_color()) == ("*", points(left, "measured, neuron").get_color())
    np.testing.assert_array_equal(points(right, "measured, net").get_xdata(), [0.1, 0.01])
    np.testing.assert_array_equal(curve(right, "theory, net").get_ydata(), [2.0, 0.1])
    legends_are_clear(figure)
    words = plot.captions.kinetics(*given)
    assert "in (a): unit 0.90 to 1.00, neuron 1.50;" in words
    assert "in (b): net 0.50 to 1.00, student without theory." in words


def test_a_collapse_on_an_axis(legend_texts, legends_are_clear):
    one, b, curves = Estimate(1.0, 0.1), np.full((2, 5), np.linspace(0.8, 1.2, 5)), np.full((2, 5), [[4.0], [8.0]])
    found = Collapse(one, one, one, rest=0.1, sizes=(4, 8), inverse_noise=b, curves=curves)
    with plot.style():
        figure, (ax,) = plot.subplots()
        assert plot.order.draw_collapse(ax, found) is ax
    for line, n in zip(ax.lines, (4, 8), strict=True):
        np.testing.assert_allclose(line.get_xdata(), (b[0] - 1) * n)
        np.testing.assert_allclose(line.get_ydata(), 1.0)
    assert legend_texts(ax) == ["$n=4$", "$n=8$"]
    legends_are_clear(figure)


def test_learning_curves(legend_texts, legends_are_clear):
    curves = np.arange(1.0, 9.0).reshape(2, 4)
    time = {"N = 3": np.arange(1.0, 5.0), "N = 9": np.arange(1.0, 5.0)}
    losses = {key: {"training": curves, "test": 2 * curves} for key in time}
    overlaps = {key: {"linear": curves, "cubic": -curves} for key in time}
    theory = {key: {"linear": 0.7, "cubic": 0.1} for key in time}
    figure = plot.learning.learning_curves(time, losses, overlaps, theory)
    error, linear, cubic = figure.axes
    np.testing.assert_array_equal(error.lines[1].get_ydata(), 2 * curves.mean(axis=0))
    assert [line.get_linestyle() for line in error.lines] == ["-", "--"] * 2
    assert error.lines[0].get_color() == linear.lines[0].get_color() != error.lines[2].get_color()
    band = linear.collections[0].get_paths()[0].vertices
    np.testing.assert_allclose(band[:, 1].max(), (curves.mean(axis=0) + curves.std(axis=0, ddof=1)).max())
    np.testing.assert_array_equal(cubic.lines[1].get_ydata(), [0.1, 0.1])
    assert (legend_texts(error), legend_texts(linear), legend_texts(cubic)) == (
        ["training", "test"],
        ["N = 3", "N = 9"],
        ["theory, in equilibrium"],
    )
    assert [to_hex(key.get_color()) for key in linear.get_legend().legend_handles] == [
        to_hex(linear.lines[0].get_color()),
        to_hex(linear.lines[2].get_color()),
    ]
    assert error.get_xscale() == "log"
    legends_are_clear(figure)
    words = plot.captions.learning_curves(time, losses, overlaps, theory)
    assert "over 2 networks" in words
    assert "N = 3 linear 6.0(20), theory 0.7; N = 3 cubic -6.0(20), theory 0.1;" in words
    assert "theory" not in plot.captions.learning_curves(time, losses, overlaps)


def test_learning_over_sizes_and_in_a_field(legends_are_clear):
    measured = {"d = 3": ([1, 2], [0.1, 0.4], [0.1, 0.1])}
    theory = {"d = 3": ([1, 2], [0.1, 1.4]), "d = 9": ([1, 2], [0.3, 0.3])}
    figure = plot.learning.learned_over_size(measured, theory, label="n")
    (ax,) = figure.axes
    np.testing.assert_array_equal(points(ax, "networks, d = 3").get_ydata(), [0.1, 0.4])
    assert curve(ax, "theory, d = 3").get_color() == points(ax, "networks, d = 3").get_color()
    assert [curve(ax, f"theory, {name}").get_linestyle() for name in theory] == ["-", "--"]
    assert ax.get_xlabel() == "n"
    legends_are_clear(figure)
    words = plot.captions.learned_over_size(measured, theory)
    assert words.endswith("Networks: theory differs by more than 5 standard errors, d = 3 by up to 10.")

    tilted = {"h = 1": ([1.0, 2.0], [2.0, 4.1], [0.1, 0.1])}
    figure = plot.learning.symmetry_breaking(tilted, {"h = 1": 1.0})
    (ax,) = figure.axes
    np.testing.assert_array_equal(curve(ax, "exact, h = 1").get_ydata(), [2.0, 4.0])
    np.testing.assert_array_equal(points(ax, "networks, h = 1").get_ydata(), [2.0, 4.1])
    legends_are_clear(figure)
    words = plot.captions.symmetry_breaking(tilted, {"h = 1": 1.0})
    assert words.endswith("Networks: within 5 standard errors of theory (at most 1.0).")


def test_figures_on_given_axes():
    """What draws on axes of one's own makes no other figure."""
    measured = {"d = 3": ([1, 2], [0.1, 0.4], [0.1, 0.1])}
    with plot.style():
        mine, axes = plot.subplots(1, 2, width="page")
    assert plot.learning.learned_over_size(measured, {}, label="n", ax=axes[0]) is mine
    assert plot.order.growth({"unit": [size(10), size(20)]}, {}, axes=axes) is mine
    assert plt.get_fignums() == [mine.number]
