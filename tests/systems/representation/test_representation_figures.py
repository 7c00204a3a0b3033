"""Every figure draws what it is given, from small data, on its own axes or on those of the caller."""

import equinox as eqx
import jax
import matplotlib


matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from grokjax.evidence.statistics import Estimate
from grokjax.systems import representation as rep
from grokjax.systems.representation import figures


TASK = rep.Addition(10)
KEY = jax.random.key(0)
SYSTEM = rep.ToyRepresentation(TASK, widths=(20, 20), embedding_dim=2)
REACHED = np.array([np.nan, np.nan, 300, 400, np.nan, 500])


@pytest.fixture(scope="module")
def run():
    masks = rep.training_sets_of_sizes(KEY, TASK, [20, 54], 3)
    run = rep.simulate(KEY, SYSTEM, train_mask=masks, num_steps=10, progress=False)
    return eqx.tree_at(lambda run: run.members.structure_step, run, REACHED)


@pytest.fixture(scope="module")
def bound(run):
    return rep.predict(TASK, rep.train_masks(run))


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


def points(ax):
    return np.asarray(ax.collections[0].get_offsets())


@pytest.mark.medium
def test_figure_2(run):
    figure = figures.figure_2({"one": run, "two": run}, num_pixels=30)
    assert [text.get_text() for text in figure.axes[1].texts] == list("0123456789")
    assert [ax.get_title() for ax in figure.axes] == ["one", "two"]
    best = int(np.argmax(run.members.accuracy))
    place = [text.get_position() for text in figure.axes[0].texts]
    np.testing.assert_allclose(place, rep.trained(run)[1].embedding[best])


def test_figure_3(run):
    figure = figures.figure_3(run)
    line = figure.axes[0].containers[0].lines[0]
    np.testing.assert_allclose(line.get_xdata(), [20 / 55, 54 / 55])
    np.testing.assert_allclose(line.get_ydata(), run.members.accuracy.reshape(2, 3).mean(axis=1))


def test_figure_4a(run):
    probability = np.clip(np.arange(56) / 44, 0, 1)
    critical, isolated = {4: 0.72, 10: 0.41}, {4: 0.7, 7: 0.5, 10: 0.4}
    figure = figures.figure_4a(probability, run, critical=critical, isolated=isolated, accuracy_one=probability**2)
    labels = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert "$r_c=0.400$" in labels
    np.testing.assert_allclose(figure.axes[0].containers[0].lines[0].get_ydata(), [1 / 3, 2 / 3])
    np.testing.assert_allclose(figure.axes[1].lines[0].get_ydata(), [0.72, 0.41])
    np.testing.assert_allclose(figure.axes[1].lines[1].get_ydata(), [0.7, 0.5, 0.4])
    _, ax = plt.subplots()
    assert figures.figure_4a(probability, axes=[ax]) is ax.figure
    assert len(ax.lines) == 2


def test_figure_4cd():
    flow, path = np.arange(12.0).reshape(4, 3), np.arange(6.0).reshape(2, 3)
    figure = figures.figure_4cd(np.arange(4), flow, [0, 10], path)
    left, right = figure.axes
    np.testing.assert_allclose([line.get_ydata() for line in left.lines], flow.T)
    np.testing.assert_allclose([line.get_ydata() for line in right.lines], path.T)
    assert left.get_ylim() == right.get_ylim()
    assert left.get_title(loc="left") == "(c)"


def test_figure_5(run, bound):
    sizes = [25, 45]
    sets = rep.predict(TASK, rep.training_sets_of_sizes(KEY, TASK, sizes, 40).reshape(2, 40, 55))
    figure = figures.figure_5(np.array(sizes) / 55, sets, run, bound)
    kept = np.isfinite(REACHED) & np.asarray(bound.unique_structure)
    assert kept.sum() >= 2
    np.testing.assert_allclose(points(figure.axes[1])[:, 1], REACHED[kept])
    np.testing.assert_allclose(points(figure.axes[1])[:, 0], 1e3 / np.asarray(bound.third_eigenvalue)[kept])
    assert len(figures.figure_5(np.array(sizes) / 55, sets).axes) == 1


@pytest.mark.medium
def test_figure_6():
    small = rep.ToyRepresentation(TASK, widths=(8,))
    rates, decays = [1e-4, 1e-3], [0.0, 1.0, 2.0]
    diagram = rep.phase_diagram(KEY, TASK, rates, decays, num_members=2, num_steps=4, system=small, progress=False)
    figure = figures.figure_6(diagram)
    assert [text.get_text() for text in figure.axes[0].texts] == ["XX"] * 6
    assert [text.get_text() for text in figure.axes[0].get_legend().get_texts()] == ["X: confusion"]
    assert [text.get_position() for text in figure.axes[0].texts][:3] == [(-4, 0), (-4, 1), (-4, 2)]


def test_figure_6_of_both_rates():
    """Rates on logarithmic axes, on both."""
    small = rep.ToyRepresentation(TASK, widths=(8,))
    options = {"num_members": 1, "num_steps": 4, "system": small, "progress": False}
    figure = figures.figure_6(rep.rate_diagram(KEY, TASK, [1e-4, 1e-3], [1e-5, 1e-3], **options))
    assert [text.get_position() for text in figure.axes[0].texts] == [(-4, -5), (-4, -3), (-3, -5), (-3, -3)]
    assert figure.axes[0].get_xlabel() == r"embedding learning rate $\eta_1$"
    assert figure.axes[0].get_ylabel() == r"decoder learning rate $\eta_2$"


def test_figure_goldilocks():
    shares = {name: Estimate(0.1 * (index + 1), 0.02) for index, name in enumerate(rep.PHASES)}
    apart = Estimate(-0.5, 0.1)
    zone = rep.Goldilocks(shares, Estimate(0.3, 0.0), np.array([1.0, np.nan]), np.array([1.5, np.nan]), apart, 1)
    left, right = figures.figure_goldilocks({"one": zone, "two": zone}).axes
    np.testing.assert_allclose([bar.get_height() for bar in left.patches], 2 * [0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(right.lines[1].get_xdata(), [1.5, np.nan])
    np.testing.assert_allclose(right.lines[1].get_ydata(), [1.0, np.nan])


def test_figure_10(run, bound):
    left, right = figures.figure_10(bound, run).axes[:2]
    np.testing.assert_allclose(points(left).T, [bound.quality, run.members.quality])
    np.testing.assert_allclose(points(right).T, [bound.predicted_accuracy, run.members.represented_accuracy])


def test_captions_are_the_docstrings():
    caption = figures.caption(figures.figure_10)
    assert caption.startswith("RQI and accuracy of networks")
    assert caption.endswith("lie above.")


def test_axes_must_fit(run):
    with pytest.raises(ValueError, match="axes"):
        figures.figure_3(run, axes=[plt.subplots()[1]])
