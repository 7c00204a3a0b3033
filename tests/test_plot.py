"""Figures show what they are given: cells where they belong, failures hatched, nothing lost at the edges."""

import numpy as np

from grokjax import plot
from grokjax.evidence.statistics import Estimate
from grokjax.status import Status


def test_phase_cells_cover_a_log_axis_and_failures_are_hatched(tmp_path):
    x, y = np.geomspace(0.01, 1, 5), np.linspace(1, 3, 3)
    labels = np.array([[0, 0, 1, 1, 1]] * 3)
    status = np.full((3, 5), Status.SOLVED)
    status[0, 0], status[1, 1] = Status.OUT_OF_STEPS, Status.NOT_FINITE
    with plot.style():
        figure, (ax,) = plot.subplots()
        ax.set_xscale("log")
        plot.draw_phases(ax, x, y, labels, ("A", "B", "C"), status=status)
    figure.canvas.draw()
    (low, high), (bottom, top) = ax.get_xlim(), ax.get_ylim()
    np.testing.assert_allclose([low, high], [0.01 / 10**0.25, 10**0.25], rtol=1e-6)
    np.testing.assert_allclose([bottom, top], [0.5, 3.5])
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["A", "B", "out of steps", "not finite"]
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
