"""Figures show what they are given: cells where they belong, failures hatched, nothing lost at the edges."""

import matplotlib.pyplot as plt
import numpy as np
import pytest

from grokjax import plot
from grokjax.evidence.statistics import Estimate
from grokjax.plot.style import plain_log
from grokjax.status import Status


def test_phase_cells_cover_a_log_axis_and_failures_are_hatched(tmp_path, legend_texts, legends_are_clear):
    x, y = np.geomspace(0.01, 1, 5), np.linspace(1, 3, 3)
    labels = np.array([[0, 0, 1, 1, 1]] * 3)
    status = np.full((3, 5), Status.SOLVED)
    status[0, 0], status[1, 1] = Status.OUT_OF_STEPS, Status.NOT_FINITE
    with plot.style():
        figure, (ax,) = plot.subplots()
        ax.set_xscale("log")
        plot.draw_phases(ax, x, y, labels, ("A", "B", "C"), status=status)
    legends_are_clear(figure)
    (low, high), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    np.testing.assert_allclose([low, high], [0.01 / 10**0.25, 10**0.25], rtol=1e-6)
    np.testing.assert_allclose([bottom, top], [0.5, 3.5])
    assert legend_texts(ax) == ["A", "B", "out of steps", "not finite"]
    hatches = [entry.get_hatch() for entry in ax.get_legend().legend_handles]
    drawn = [mesh.get_hatch() for mesh in ax.collections]
    assert hatches[2:] == drawn[1:]
    assert len(set(drawn[1:])) == 2
    pixels = np.array(figure.canvas.buffer_rgba())
    for mesh in ax.collections[1:]:
        mesh.set_visible(False)
    figure.canvas.draw()
    assert (np.asarray(figure.canvas.buffer_rgba()) != pixels).any()  # a hatch is seen, not only there
    assert plot.save(figure, tmp_path / "phases").exists()


def test_points_that_were_not_seen_are_left_out():
    with plot.style():
        _, (ax,) = plot.subplots()
        plot.draw_experiment(ax, [1, 2, 3], Estimate(np.array([1.0, np.inf, 2.0]), np.array([0.1, np.nan, 0.1])))
        plot.draw_theory(ax, [1, 2, 3], [1, 2, 3])
        plot.draw_transition(ax, float("nan"))
    assert len(ax.lines[0].get_xdata()) == 2
    assert not [line for line in ax.lines if line.get_linestyle() == ":"]
    assert ax.lines[-1].get_linestyle() == "-"


def test_the_marks_of_theory_of_networks_and_of_a_transition():
    with plot.style():
        _, (ax,) = plot.subplots()
        plot.draw_theory(ax, [1, 2], [3, 4], index=1, label="a", dashed=True)
        plot.draw_experiment(ax, [1, 2], Estimate(np.array([3.0, 4.0]), np.array([0.5, 0.1])), index=1, hollow=True)
        plot.draw_transition(ax, 1.5, "onset")
    line, points, border = ax.lines[0], ax.containers[0], ax.lines[-1]
    assert (line.get_linestyle(), line.get_label(), line.get_color()) == ("--", "a", plot.COLOURS[1])
    assert points.lines[0].get_color() == line.get_color()
    assert points.lines[0].get_markerfacecolor() == "white"
    np.testing.assert_allclose(points.lines[2][0].get_segments()[0][:, 1], [2.5, 3.5])  # one standard error
    assert (border.get_xdata()[0], border.get_linestyle(), border.get_label()) == (1.5, ":", "onset")


@pytest.mark.parametrize("low", [0.7, 3.2])
@pytest.mark.parametrize("factor", [1.3, 2.5, 6, 40, 900, 40_000])
def test_logarithmic_axes_have_three_numbers(low, factor, tick_labels):
    with plot.style():
        _, (ax,) = plot.subplots()
    ax.plot([low, low * factor], [1, 1])
    ax.set_xscale("log")
    plain_log(ax.xaxis)
    assert len(tick_labels(ax.xaxis)) >= 3


def test_numbers_on_logarithmic_axes():
    with plot.style():
        _, axes = plot.subplots(1, 2, width="page")
    for ax, high in zip(axes, (40, 40_000), strict=True):
        ax.plot([1, high], [1, 1])
        ax.set_xscale("log")
        plain_log(ax.xaxis)
    shown = [label.get_text() for label in axes[0].get_xticklabels()]
    assert {"1", "2", "5", "10", "20"} <= set(shown)
    powers = [label.get_text() for label in axes[1].get_xticklabels()]
    assert sum("10^" in text for text in powers) >= 3
    assert not {"20", "50"} & set(powers)


UNDER_A_LEGEND = {
    "line between its points": lambda ax: ax.plot([0, 1], [0, 1]),
    "dot": lambda ax: ax.scatter([0.5], [0.5]),
    "error bar": lambda ax: ax.errorbar([0.5], [0.1], [0.8]),
    "text": lambda ax: ax.text(0.5, 0.5, "here"),
    "label": lambda ax: (ax.set_xlabel("x"), ax.xaxis.set_label_coords(0.5, 0.5)),
    "legend": lambda ax: (ax.add_artist(ax.get_legend()), ax.legend(ax.lines, ["again"], loc="center")),
    "other axes": lambda ax: ax.figure.add_axes((0.4, 0.4, 0.2, 0.2)),
}


@pytest.mark.parametrize("thing", UNDER_A_LEGEND)
def test_what_a_legend_covers_is_seen(thing, legends_are_clear):
    _, ax = plt.subplots()
    ax.plot([0, 1], [0, 0])
    ax.set(xlim=(0, 1), ylim=(0, 1))
    ax.legend(ax.lines, ["key"], loc="center")
    legends_are_clear(ax, inside=True)
    with pytest.raises(AssertionError, match="key"):
        legends_are_clear(ax)
    UNDER_A_LEGEND[thing](ax)
    with pytest.raises(AssertionError, match=r"key|again"):
        legends_are_clear(ax, inside=True)


def test_a_figure_its_caption_and_axes_of_ones_own(tmp_path):
    with plot.style():
        figure, axes = plot.subplots(1, 2, width="page", height=2.0)
    assert figure.get_size_inches().tolist() == [7.0, 2.0]
    assert plot.subplots(1, 2, axes=axes) == (figure, axes)
    assert plot.subplots(axes=axes[1]) == (figure, [axes[1]])
    with pytest.raises(ValueError, match="`axes`"):
        plot.subplots(axes=axes)
    plot.label_panels(axes)
    assert [ax.get_title(loc="left") for ax in axes] == ["(a)", "(b)"]
    plot.label_panel(axes[0], "a")
    assert axes[0].get_title(loc="left") == "(a)"
    path = plot.save(figure, tmp_path / "one", caption="What is seen.")
    assert path == tmp_path / "one.png"
    assert (tmp_path / "one.txt").read_text() == "What is seen.\n"
    assert (tmp_path / "one.pdf").exists()
    assert not plt.get_fignums()
