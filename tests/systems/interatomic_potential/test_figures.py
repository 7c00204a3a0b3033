"""Figures read back: what is drawn is what was given."""

import matplotlib as mpl
import numpy as np
import pytest

from grokjax.evidence.statistics import Estimate


mpl.use("Agg")
from grokjax.systems.interatomic_potential import figures


def test_gibbs_energies_and_the_line():
    temperature = np.linspace(1000.0, 1300.0, 4)
    curves = {"before": np.full(4, 8.8), "refined": 0.04 * (1155 - temperature)}
    measured = {name: (1155.0, Estimate(values[1], 0.1)) for name, values in curves.items()}
    figure = figures.gibbs_energies(temperature, curves, measured, (1155.0, 0.0377))
    (ax,) = figure.axes
    drawn = {line.get_label(): line for line in ax.lines}
    np.testing.assert_array_equal(drawn["bcc, refined"].get_ydata(), curves["refined"])
    assert drawn["experiment"].get_xdata()[0] == 1155.0
    pressure = np.arange(3.0)
    tangents = {"tangent": (Estimate(1155.0, 2.0), Estimate(100.0, 3.0))}
    lines = {"refined": (pressure, Estimate(1155 - 29 * pressure, np.full(3, 2.0)))}
    (ax,) = figures.transition_line(lines, (pressure, 1155 - 30 * pressure), tangents).axes
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), 1155 - 29 * pressure)
    assert ax.lines[-1].get_ydata()[-1] == pytest.approx(1355)
    assert ax.get_ylim()[1] < 1200, "a steep tangent leaves the frame"


@pytest.mark.medium
def test_a_refinement_in_figures(refined):
    figure = figures.effective_samples(refined)
    drawn = {line.get_label(): line for line in figure.axes[0].lines}
    np.testing.assert_allclose(drawn["perplexity"].get_ydata(), [each.perplexity for each in refined.history])
    figure = figures.trap_and_cure(refined, refined)
    path = figure.axes[0].lines[0]
    assert path.get_xdata()[0] == pytest.approx(refined.anchor.free_energy_difference.mean)
    assert len(path.get_xdata()) == len(refined.history)
    assert "rounds" in figures.caption(refined)
