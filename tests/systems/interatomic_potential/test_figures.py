"""Figures read back: what is drawn is what was given, captions say it, and no legend covers a line."""

import dataclasses

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from grokjax.evidence.statistics import Estimate


mpl.use("Agg")
from grokjax.systems.interatomic_potential import figures


PRESSURE = np.arange(3.0)
EXPERIMENT = PRESSURE, 1155 - 30 * PRESSURE
LINES = {"refined": (PRESSURE, Estimate(1155 - np.array([0.0, 29.0, 40.0]), np.full(3, 2.0)))}


def by_label(ax):
    return {line.get_label(): line for line in ax.lines}


def test_gibbs_energies_as_drawn(legend_texts, legends_are_clear):
    temperature = np.linspace(1000.0, 1300.0, 4)
    curves = {"before": np.full(4, 8.8), "refined": 0.04 * (1155 - temperature)}
    measured = {name: (1155.0, Estimate(values[1], 0.1)) for name, values in curves.items()}
    (ax,) = figures.gibbs_energies(temperature, curves, measured, (1155.0, 0.0377)).axes
    drawn = by_label(ax)
    for label, values in curves.items():
        np.testing.assert_array_equal(drawn[f"bcc, {label}"].get_ydata(), values)
    assert drawn["experiment"].get_xdata()[0] == 1155.0
    slope = drawn["experiment, slope of its entropy"]
    assert np.diff(slope.get_ydata()) / np.diff(slope.get_xdata()) == pytest.approx(-0.0377)
    points = [bars.lines[0] for bars in ax.containers]
    assert [point.get_ydata()[0] for point in points] == [values[1] for values in curves.values()]
    assert all(point.get_zorder() > drawn["experiment"].get_zorder() for point in points), "the star hides a point"
    assert "absolute, measured" in legend_texts(ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("temperature (K)", r"$G - G_{\mathrm{hcp}}$ (meV per atom)")
    legends_are_clear(ax)


def test_the_line_as_drawn(legend_texts, legends_are_clear):
    tangents = {"tangent": (Estimate(1155.0, 2.0), Estimate(100.0, 3.0))}
    figure, ax = plt.subplots()
    assert figures.transition_line(LINES, EXPERIMENT, tangents, ax=ax) is figure
    drawn = by_label(ax)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), LINES["refined"][1].mean)
    np.testing.assert_array_equal(drawn["experiment"].get_ydata(), EXPERIMENT[1])
    assert drawn["tangent"].get_ydata()[-1] == pytest.approx(1355)
    assert ax.get_ylim()[1] < 1200, "a steep tangent leaves the frame"
    (bars,) = ax.containers
    assert [np.ptp(segment[:, 1]) for segment in bars.lines[2][0].get_segments()] == pytest.approx([4, 4, 4])
    assert set(legend_texts(ax)) == {"refined", "experiment", "tangent"}
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("pressure (GPa)", "transition temperature (K)")
    legends_are_clear(ax, inside=True)


@pytest.mark.medium
def test_a_refinement_in_figures(refined, legends_are_clear):
    (ax,) = figures.effective_samples(refined).axes
    drawn = by_label(ax)
    for label, name in (("perplexity", "perplexity"), ("Kish", "kish")):
        np.testing.assert_allclose(drawn[label].get_ydata(), [getattr(each, name) for each in refined.history])
    renewed = [line.get_xdata()[0] for line in ax.lines if line.get_color() == "0.7"]
    assert renewed == [
        i for i in range(1, len(refined.history)) if refined.history[i].round > refined.history[i - 1].round
    ]
    assert (drawn["bound of perplexity, 0.9"].get_ydata()[0], ax.get_ylim()) == (0.9, (0, 1.05))
    legends_are_clear(ax)

    (ax,) = figures.trap_and_cure(refined, refined, 6.5).axes
    path = ax.lines[0]
    assert path.get_xdata()[0] == pytest.approx(refined.anchor.free_energy_difference.mean)
    assert len(path.get_xdata()) == len(refined.history)
    assert by_label(ax)["target"].get_xydata().tolist() == [[0.0, 6.5]]
    ends = [bars.lines[0].get_xydata()[0] for bars in ax.containers]
    found = refined.verified.order_parameters
    np.testing.assert_allclose(ends[:2], [[found.free_energy_difference.mean, found.enthalpy_difference.mean]] * 2)
    assert ends[2][0] == pytest.approx(refined.anchor.free_energy_difference.mean)
    assert "units of energy per atom" in ax.get_xlabel()
    legends_are_clear(ax)


@pytest.mark.medium
def test_captions_say_what_was_found(refined):
    end = figures.caption(refined)
    assert end.startswith(f"1 atoms a phase, 4 replicas of 300 frames, refined in {refined.rounds} rounds to T = 0.3")
    assert str(refined.verified.order_parameters.free_energy_difference) in end
    assert figures.caption_gibbs_energies(refined).endswith(end)
    assert figures.caption_effective_samples(refined).endswith(end)
    both = figures.caption_trap_and_cure(dataclasses.replace(refined, flags=("entropy collapsed",)), refined)
    assert "Flags: entropy collapsed." in both
    line = figures.caption_transition_line(refined, LINES, EXPERIMENT)
    assert "2 of 3 points agree" in line
    assert "differs by 20.0(20) K, at 2 GPa" in line
    nothing = {"lost": (PRESSURE, Estimate(np.full(3, np.nan), np.full(3, np.nan)))}
    assert "lost: no transition within the frames." in figures.caption_transition_line(refined, nothing, EXPERIMENT)
