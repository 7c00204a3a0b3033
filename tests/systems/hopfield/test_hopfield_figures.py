"""Figures of the associative memory draw what they are given, from hand-made results, and their captions say it."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import matplotlib


matplotlib.use("Agg")

import numpy as np

import grokjax
from grokjax.ensemble.layout import Layout
from grokjax.evidence.statistics import Estimate
from grokjax.results import Run
from grokjax.systems import hopfield as hop
from grokjax.systems.hopfield import figures


LOADS = np.array([0.03, 0.08, 0.2])
RECALL = np.array([0.98, 0.9, 0.0])
ERRORS = np.array([0.01, 0.02, 0.05])


def run_of(means, field="load", values=LOADS, spins=1000):
    """Two draws and two replicas a point, with these magnetisations."""
    means = np.asarray(means, float)
    system = hop.AssociativeMemory(0.05, 0.3, field=0.1).replace(**{field: jnp.asarray(values)})
    shape = (*means.shape, 2, 4, 2)
    series = np.broadcast_to(means[..., None, None, None], shape)
    estimate = Estimate(means, np.resize(ERRORS, means.shape))
    run = Run(
        system=system, experiment=hop.Memories(num_spins=spins),
        order_parameters=hop.OrderParameters(estimate, Estimate(means**2, np.resize(ERRORS, means.shape)), estimate),
        series=hop.OrderParameters(series, series, series), ensemble=SimpleNamespace(num_steps=300),
        diverged=np.zeros(shape[:-2], bool), layout=Layout(means.shape, 2, 2),
    )  # fmt: skip
    return run


def theory_of(run, field="load"):
    """A system on a finer grid, and a branch that falls off a cliff."""
    values = np.asarray(getattr(run.system, field))
    fine = np.linspace(values.min(), values.max(), 50)
    m = jnp.where(fine < 0.5 * (values[-2] + values[-1]), 1 - fine / 2, 0)
    zero, whole = jnp.zeros(()), jnp.zeros((), int)
    one = lambda m: hop.Branch(hop.OrderParameters(m, m**2, zero), *4 * [zero], whole, whole, zero)
    return run.system.replace(**{field: jnp.asarray(fine)}), jax.vmap(one)(m)


def lines_of(spinodal, stable):
    zero, made = jnp.zeros(len(spinodal)), (jnp.asarray(each, float) for each in (spinodal, stable))
    return hop.Capacity(*made, zero, zero, zero, jnp.zeros(len(spinodal), int))


def diagram_of():
    temperatures, loads, labels = (
        np.array([0.25, 0.75, 1.25]),
        np.array([0.025, 0.075]),
        np.array([[3, 2], [1, 1], [0, 0]]),
    )
    axes = ("temperature", "load"), (temperatures, loads)
    return grokjax.PhaseDiagram(*axes, None, labels, np.zeros((3, 2), int), hop.PHASES)


def test_one_diagram(legend_texts, legends_are_clear, tick_labels):
    """Lines end where nothing is recalled, go on to the edge, and the frame ends where the cells do."""
    mixed, lines = lines_of([0, 0, 0], [0.02, 0, 0]), lines_of([0.08, 0, 0], [0.06, 0, 0])
    freezing, breaking = (np.array([0.0, 0.2]), np.array([1.0, 1.4])), (np.array([0.03, 0.09]), np.array([0.4, 0.5]))
    (ax,) = figures.draw_diagram(diagram_of(), lines, freezing, mixed, breaking).axes
    drawn = {line.get_label(): line.get_xdata() for line in ax.get_lines()}
    np.testing.assert_array_equal(drawn["spinodal"], np.float64([0.08, np.nan, np.nan]))
    np.testing.assert_array_equal(drawn["equal free energies"], [0.06, np.nan, np.nan])
    np.testing.assert_array_equal(drawn["freezing of the paramagnet"], [0.0, 0.2])  # over the edge
    np.testing.assert_array_equal(drawn["mixtures of three, locally stable"], [0.02, np.nan, np.nan])
    np.testing.assert_array_equal(drawn["replica symmetry breaks in a random field"], breaking[0])
    np.testing.assert_allclose([*ax.get_xlim(), *ax.get_ylim()], [0, 0.1, 0, 1.5], atol=1e-12)
    np.testing.assert_array_equal(np.ravel(ax.collections[0].get_array()), [3, 2, 1, 1, 0, 0])
    assert legend_texts(ax) == list(hop.PHASES)
    legends_are_clear(ax)
    ticks = tick_labels(ax.xaxis)
    assert {"0", "0.1"} <= set(ticks)
    assert len(ticks) >= 3


def test_diagrams_in_a_row(legend_texts, legends_are_clear):
    """One legend for all panels, every line in it once, and words."""
    diagrams = {"Gaussian": diagram_of(), "rectified": diagram_of()}
    lines = dict.fromkeys(diagrams, lines_of([0.08, 0, 0], [0.06, 0, 0]))
    freezing, breaking = {"Gaussian": ([0.0, 0.2], [1.0, 1.4])}, {"rectified": ([0.03, 0.09], [0.4, 0.5])}
    figure = figures.phase_row(diagrams, lines, freezing, None, breaking)
    legends_are_clear(figure)
    entries = legend_texts(figure)
    assert len(entries) == len(set(entries)) == 8
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["(a) Gaussian", "(b) rectified"]
    assert all(ax.get_legend() is None for ax in figure.axes)
    assert [len(ax.lines) for ax in figure.axes] == [3, 3]
    assert "3 x 2 points" in figures.caption_phase_row(diagrams)


def test_capacity_against_threshold(legend_texts, legends_are_clear):
    thresholds, biases = np.linspace(0, 1, 5), np.linspace(-2, 0, 3)
    curves, best = {"$T=0.3$": np.array([0.01, 0.02, 0.04, 0.03, np.nan])}, {"$T=0.3$": (0.6, 0.041)}
    figure = figures.threshold_figure(thresholds, curves, best, biases, {"$T=0$": [1.0, 0.5, 0.2]})
    left, right = figure.axes
    np.testing.assert_array_equal(left.lines[0].get_ydata(), curves["$T=0.3$"])
    np.testing.assert_allclose(left.lines[1].get_xydata(), [[0.6, 0.041]])
    np.testing.assert_allclose(right.lines[0].get_xdata(), biases)
    np.testing.assert_allclose(right.lines[0].get_ydata(), [1.0, 0.5, 0.2])
    assert legend_texts(left)[0] == "$T=0.3$"
    assert left.lines[0].get_color() != right.lines[0].get_color()  # a colour is a temperature of one prior
    figure.canvas.draw()
    for ax in figure.axes:
        inside = [y for y in ax.get_yticks() if ax.get_ylim()[0] <= y <= ax.get_ylim()[1]]
        assert len(inside) >= 3
    legends_are_clear(left, right)
    assert "T=0.3: 0.600 with capacity 0.0410" in figures.caption_threshold(best)


def test_recall_with_theory(legend_texts, legends_are_clear):
    """Points are the run and lines the theory, nothing is cut by the frame, and the caption counts the misses."""
    by_load, by_heat = run_of([0.96, 0.94, 0.15]), run_of([0.9, 0.8], "temperature", np.array([0.2, 0.4]))
    basins = {r"$\alpha=0.03$": [(0.0, run_of(0.97)), (0.5, run_of(-0.12))]}
    theory = {"loads": theory_of(by_load), "heats": theory_of(by_heat, "temperature")}
    given = {"loads": by_load}, {"heats": by_heat}, basins, theory
    figure = figures.recall_figure(*given)
    first, second, third = figure.axes
    np.testing.assert_allclose(first.lines[0].get_ydata(), theory["loads"][1].magnetisation)
    points, _, (bars,) = first.containers[0].lines
    np.testing.assert_allclose(points.get_xydata(), np.transpose([LOADS, [0.96, 0.94, 0.15]]))
    np.testing.assert_allclose(bars.get_segments()[0][:, 1], [0.95, 0.97])
    np.testing.assert_allclose(second.containers[0].lines[0].get_xdata(), [0.2, 0.4])
    np.testing.assert_allclose(third.containers[0].lines[0].get_xydata(), [[0.0, 0.97], [0.5, -0.12]], atol=1e-12)
    twice = figures.recall_figure(*given[:2], {**basins, "other": basins[r"$\alpha=0.03$"]}, theory).axes[2]
    one, other = (np.asarray(container.lines[0].get_xdata()) for container in twice.containers)
    assert (one < other).all()  # side by side
    assert third.get_ylim()[0] < -0.12
    assert third.get_xlim()[0] < 0 < 0.5 < third.get_xlim()[1]
    assert legend_texts(first) == ["loads", "replica theory"]
    legends_are_clear(*figure.axes)
    caption = figures.caption_recall(*given)
    assert "networks of 1000 spins, 2 draws of the patterns, 300 Gibbs sweeps" in caption
    assert "loads: within 2.5 standard errors where theory recalls, 0.15 to 0.15 where it says 0" in caption
    (alone,) = figures.draw_recall({"loads": by_load}, theory, "load").axes
    assert alone.get_xlabel() == r"load $\alpha$"


def low(m, f):
    m, f = jnp.asarray(m, float), jnp.asarray(f)
    return hop.LowLoad(m, m**2, f, *3 * [jnp.where(m > 0.5, 1.0, -1.0)], jnp.zeros(len(m), int))


def test_few_patterns(legend_texts, legends_are_clear):
    """Pure states with their networks; mixtures where both exist, dotted where no minimum."""
    heats = np.array([0.3, 0.6, 1.2])
    states = {1: low([0.9, 0.7, 0], [-1.0, -0.8, -0.7]), 3: low([0.6, 0.4, 0], [-1.1, -0.75, -0.7])}
    run = run_of([0.9, 0.8], "temperature", np.array([0.3, 0.5]))
    left, right = figures.low_load_figure(heats, {1.0: states[1]}, states, {1.0: run}).axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), states[1].magnetisation)
    np.testing.assert_allclose(left.lines[1].get_xdata(), 1.0)
    np.testing.assert_allclose(left.containers[0][0].get_ydata(), [0.9, 0.8])
    np.testing.assert_allclose(right.lines[0].get_ydata(), [-0.1, np.nan, np.nan], atol=1e-12)
    np.testing.assert_allclose(right.lines[1].get_ydata(), [np.nan, 0.05, np.nan], atol=1e-12)
    assert right.lines[1].get_linestyle() == ":"
    assert {"stable", "unstable", "$L=3$"} <= set(legend_texts(right))
    legends_are_clear(left, right)
    assert "standard error" in figures.CAPTION_LOW_LOAD


def test_several_sizes(legend_texts, legends_are_clear):
    run = run_of([0.96, 0.94, 0.15], spins=250)
    theory = theory_of(run)
    left, right = figures.finite_size_figure({250: run}, theory, 0.103).axes
    np.testing.assert_allclose(left.lines[0].get_ydata(), theory[1].magnetisation)
    np.testing.assert_allclose(left.containers[0][0].get_ydata(), [0.96, 0.94, 0.15])
    np.testing.assert_allclose(right.containers[0][0].get_ydata(), [1, 1, 0])
    assert all(0.103 in line.get_xdata() for line in (left.lines[-1], right.lines[-1]))
    assert "spinodal of theory" in legend_texts(left)
    legends_are_clear(left, right)
    assert "2 draws" in figures.caption_finite_size({250: run})


def test_a_field_on_the_spins(legends_are_clear):
    run = run_of([0.9, 0.8, 0.5], "field", np.array([0.0, 0.2, 0.4]))
    theory = theory_of(run, "field")
    lines = [hop.Capacity(jnp.asarray(load), *4 * [jnp.zeros(())], jnp.zeros((), int)) for load in (0.1, 0.0)]
    panels = figures.field_figure({"one": run}, {"one": theory}, [0.0, 1.0], {"T": lines}).axes
    np.testing.assert_allclose(panels[0].lines[0].get_xdata(), theory[0].field)
    np.testing.assert_allclose(panels[1].lines[0].get_ydata(), theory[1].overlap)
    np.testing.assert_allclose(panels[1].containers[0][0].get_ydata(), [0.81, 0.64, 0.25])
    np.testing.assert_array_equal(panels[2].lines[0].get_ydata(), [0.1, np.nan])
    assert [ax.get_ylabel() for ax in panels] == ["magnetisation $m$", "overlap $q$", r"capacity $\alpha_M$"]
    legends_are_clear(*panels)
    assert "biases" in figures.CAPTION_FIELD
