"""Every figure draws what it is given, from small data, on its own axes or on those of the caller."""

from types import SimpleNamespace

import equinox as eqx
import jax
import matplotlib


matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from grokjax.ensemble.layout import Layout
from grokjax.evidence.statistics import Estimate
from grokjax.results import Run
from grokjax.systems import representation as rep
from grokjax.systems.representation import figures
from grokjax.systems.representation.figures.theory_and_networks import _class_colours


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


def points(ax):
    return np.asarray(ax.collections[0].get_offsets())


@pytest.mark.medium
def test_figure_2(run):
    """Numbered circles on the classes of the decoder, with a key to its colours; the best seed, and its words."""
    panels = {"one": run, "two": run}
    figure = figures.figure_2(panels, num_pixels=30)
    first, second, *bars = figure.axes
    assert [text.get_text() for text in second.texts] == list("0123456789")
    assert [ax.get_title() for ax in (first, second)] == ["one", "two"]
    best = int(np.argmax(run.members.accuracy))
    place = [text.get_position() for text in first.texts]
    np.testing.assert_allclose(place, rep.trained(run)[1].embedding[best])
    np.testing.assert_allclose(first.lines[0].get_xydata(), place)
    mesh = first.collections[0]
    centre = np.asarray(mesh.get_array()).reshape(30, 30)
    assert 0 <= centre.min() <= centre.max() < TASK.num_classes
    assert [bar.get_ylabel() for bar in bars] == 2 * ["class of the decoder"]
    colours = mesh.get_cmap()(np.arange(TASK.num_classes))
    assert len(np.unique(colours, axis=0)) == TASK.num_classes
    assert f"one: accuracy {run.members.accuracy[best]:.2f}" in figures.caption_2(panels)
    assert "6 seeds" in figures.caption_2(panels)


def test_a_cycle_of_classes_has_no_colour_twice():
    colours = _class_colours(11, cyclic=True)
    apart = np.linalg.norm(colours - np.roll(colours, 1, axis=0), axis=1)
    assert apart.min() > 0.02
    assert apart.max() < 3 * np.median(apart)


def test_figure_3(run, legend_texts, legends_are_clear):
    figure = figures.figure_3(run)
    left, right = figure.axes[:2]
    (line, squares) = (container.lines[0] for container in left.containers)
    np.testing.assert_allclose(line.get_xdata(), [20 / 55, 54 / 55])
    np.testing.assert_allclose(line.get_ydata(), run.members.accuracy.reshape(2, 3).mean(axis=1))
    np.testing.assert_allclose(squares.get_ydata(), run.members.represented_accuracy.reshape(2, 3).mean(axis=1))
    np.testing.assert_allclose(points(right).T, [run.members.represented_accuracy, run.members.accuracy])
    assert legend_texts(right) == ["networks", "equal"]
    legends_are_clear(left, right, inside=True)
    assert "20, 54 of 55 samples, 3 networks each, 10 steps" in figures.caption_3(run)


def test_figure_4a(run, legend_texts, legends_are_clear):
    probability = np.clip(np.arange(56) / 44, 0, 1)
    critical, isolated = {4: Estimate(0.72, 0.03), 10: 0.41}, {4: 0.7, 7: 0.5, 10: 0.4}
    figure = figures.figure_4a(probability, run, critical=critical, isolated=isolated, accuracy_one=probability**2)
    left, right = figure.axes
    assert "$r_c=0.400$" in legend_texts(left)
    np.testing.assert_allclose(left.lines[0].get_ydata(), probability)
    np.testing.assert_allclose(left.containers[0].lines[0].get_ydata(), [1 / 3, 2 / 3])
    points, _, (bars,) = right.containers[0].lines
    np.testing.assert_allclose(points.get_ydata(), [0.72, 0.41])
    np.testing.assert_allclose(bars.get_segments()[0][:, 1], [0.69, 0.75])
    dashed = next(line for line in right.lines if line.get_linestyle() == "--")
    np.testing.assert_allclose(dashed.get_ydata(), [0.7, 0.5, 0.4])
    assert legend_texts(right)[0].startswith("random orders") or legend_texts(right)[-1].startswith("random orders")
    legends_are_clear(left, right)
    assert "(b)" in figures.caption_4a(run, critical)
    assert "(b)" not in figures.caption_4a(run)
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
    assert [text.get_text() for text in right.texts] == ["0", "1", "2"]
    assert left.get_title(loc="left") == "(a)"
    assert "4c and 4d" in figures.CAPTION_4CD


def test_figure_5(run, bound, legends_are_clear):
    sizes = [25, 45]
    sets = rep.predict(TASK, rep.training_sets_of_sizes(KEY, TASK, sizes, 40).reshape(2, 40, 55))
    figure = figures.figure_5(np.array(sizes) / 55, sets, run, bound)
    left, right = figure.axes[:2]
    unique = np.where(sets.unique_structure, sets.third_eigenvalue, np.nan)
    np.testing.assert_allclose(left.lines[0].get_ydata(), np.nanmedian(unique, axis=1))
    kept = np.isfinite(REACHED) & np.asarray(bound.unique_structure)
    assert kept.sum() >= 2
    times = 1e3 / np.asarray(bound.third_eigenvalue)[kept]
    np.testing.assert_allclose(points(right)[:, 1], REACHED[kept])
    np.testing.assert_allclose(points(right)[:, 0], times)
    equal, faster = right.lines
    np.testing.assert_allclose(equal.get_xdata(), equal.get_ydata())
    ratio = np.exp(np.mean(np.log(times / REACHED[kept])))
    np.testing.assert_allclose(faster.get_xdata() / faster.get_ydata(), ratio)
    assert f"{ratio:.0f} times faster" in figures.caption_5(run, bound)
    legends_are_clear(left, right)
    assert len(figures.figure_5(np.array(sizes) / 55, sets).axes) == 1
    never = eqx.tree_at(lambda run: run.members.structure_step, run, np.full(6, np.nan))
    assert "No network" in figures.caption_5(never, bound)


def diagram_of(phase):
    """A diagram whose seeds have these phases, from made-up steps."""
    phase = np.asarray(phase)
    train = np.where(np.isin(phase, [0, 1, 2]), 10.0, np.nan)
    validation = np.select([phase == 0, phase == 1], [20.0, 5000.0], np.nan)
    names = ("quality", "accuracy", "structured", "represented_accuracy", "train_accuracy", "validation_accuracy")
    values = {name: np.zeros(phase.shape) for name in names}
    members = rep.OrderParameters(**values, train_step=train, validation_step=validation, structure_step=train)
    system = rep.ToyRepresentation(
        TASK, decoder_rate=np.array([[1e-4], [1e-3]]), weight_decay=np.array([0.0, 1.0, 2.0])
    )
    layout = Layout((2, 3), phase.shape[-1], phase.shape[-1])
    ensemble = SimpleNamespace(num_steps=6000)
    run = Run(
        system=system, experiment=rep.Training(), order_parameters=members, members=members, ensemble=ensemble,
        diverged=np.zeros(phase.shape, bool), layout=layout,
    )  # fmt: skip
    return rep.TrainingPhaseDiagram(run)


def test_figure_6(legend_texts, legends_are_clear):
    """Colours of the majority, letters of all seeds, every letter in the legend, ties hatched, shares that agree."""
    cells = [[[0, 0, 1], [0, 1, 2], [2, 2, 2]], [[3, 3, 3], [3, 2, 2], [3, 3, 0]]]
    diagram = diagram_of(cells)
    figure = figures.figure_6(diagram)
    left, right = figure.axes[:2]
    assert [text.get_text() for text in left.texts] == ["CCG", "CGM", "MMM", "XXX", "XMM", "XXC"]
    assert [text.get_position() for text in left.texts][:3] == [(-4, 0), (-4, 1), (-4, 2)]
    assert legend_texts(left) == ["C: comprehension", "G: grokking", "M: memorisation", "X: confusion", "tie of phases"]
    np.testing.assert_array_equal(
        np.ravel(left.collections[0].get_array()), np.transpose([[0, 0, 2], [3, 2, 3]]).ravel()
    )
    hatched = left.collections[1]
    assert hatched.get_hatch() == "//"
    assert np.ma.count(hatched.get_array()) == 1
    figure.canvas.draw()
    pixels = np.array(figure.canvas.buffer_rgba())
    hatched.set_visible(False)
    figure.canvas.draw()
    assert (np.asarray(figure.canvas.buffer_rgba()) != pixels).any()  # a hatch is seen, not only there
    shares = np.ravel(right.collections[0].get_array())
    np.testing.assert_allclose(shares, np.transpose([[2 / 3, 1 / 3, 1], [1, 2 / 3, 2 / 3]]).ravel())
    assert list(left.get_yticks()) == [0, 1, 2]
    legends_are_clear(left)
    caption = figures.caption_6(diagram)
    assert "2 x 3 cells, 3 seeds each, 6000 steps" in caption
    assert "comprehension 22%" in caption
    keep = np.array([True, True, False])
    letters = [text.get_text() for text in figures.figure_6(diagram, keep=keep).axes[0].texts]
    assert letters == ["CC", "CG", "MM", "XX", "XM", "XX"]


def test_figure_6_of_both_rates(legend_texts):
    """Rates on logarithmic axes, on both."""
    small = rep.ToyRepresentation(TASK, widths=(8,))
    options = {"num_members": 1, "num_steps": 4, "system": small, "progress": False}
    figure = figures.figure_6(rep.rate_diagram(KEY, TASK, [1e-4, 1e-3], [1e-5, 1e-3], **options))
    assert [text.get_position() for text in figure.axes[0].texts] == [(-4, -5), (-4, -3), (-3, -5), (-3, -3)]
    assert figure.axes[0].get_xlabel() == r"embedding learning rate $\eta_1$"
    assert figure.axes[0].get_ylabel() == r"decoder learning rate $\eta_2$"
    assert legend_texts(figure.axes[0]) == ["X: confusion"]


def test_figure_goldilocks(legend_texts, legends_are_clear):
    shares = {name: Estimate(0.1 * (index + 1), 0.02) for index, name in enumerate(rep.PHASES)}
    apart = Estimate(-0.5, 0.1)
    zone = rep.Goldilocks(shares, Estimate(0.3, 0.0), np.array([1.0, np.nan]), np.array([1.5, np.nan]), apart, 1)
    left, right = figures.figure_goldilocks({"one": zone, "two": zone}).axes
    np.testing.assert_allclose([bar.get_height() for bar in left.patches], 2 * [0.1, 0.2, 0.3, 0.4])
    np.testing.assert_allclose(right.lines[1].get_xdata(), [1.5, np.nan])
    np.testing.assert_allclose(right.lines[1].get_ydata(), [1.0, np.nan])
    assert [text.get_text() for text in left.get_xticklabels()] == list(rep.PHASES[:4])
    assert legend_texts(right) == ["a seed over one", "a seed over two", "equally far"]
    legends_are_clear(right)
    assert "one: the zone is 0.3 of the grid, grokking is nearer to comprehension by -0.50(10) cells (1 seeds)" in (
        figures.caption_goldilocks({"one": zone})
    )


def test_figure_10(run, bound, legends_are_clear):
    left, right = figures.figure_10(bound, run).axes[:2]
    np.testing.assert_allclose(points(left).T, [bound.quality, run.members.quality])
    np.testing.assert_allclose(points(right).T, [bound.predicted_accuracy, run.members.represented_accuracy])
    assert left.get_xlabel() == "RQI implied by the training set"
    legends_are_clear(left, right, inside=True)
    within = np.mean(run.members.quality <= np.asarray(bound.quality) + 1e-6)
    assert f"{within:.0%} lie on or below the dotted line in (a)" in figures.caption_10(bound, run)


def test_axes_must_fit(run):
    with pytest.raises(ValueError, match="axes"):
        figures.figure_3(run, axes=[plt.subplots()[1]])
