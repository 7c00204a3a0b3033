"""Figures draw what they are given: read off their artists, without any solver."""

from types import SimpleNamespace

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from grokjax import PhaseDiagram, Status
from grokjax.evidence.statistics import Estimate
from grokjax.systems import mean_variance as mv
from grokjax.systems.mean_variance import figures
from grokjax.systems.mean_variance.figures.regions import NETWORK_PHASES
from grokjax.theory.continuation import Continuation, Way


GRID = np.array([1e-3, 0.1, 0.5, 0.9, 0.999])
ODDS = np.log10(GRID / (1 - GRID))
ALPHA = 1e-2
COLLAPSE = r"exact collapse of the field theory, $\gamma=\alpha_c\,\rho/(1-\rho)$"
NAMES = ("mse", "sd_mse", "mean_energy", "precision_energy", "population_nll")


def orders(shape, estimates=False, seed=0):
    rng = np.random.default_rng(seed)
    values = {name: rng.uniform(0.1, 1, shape) for name in NAMES}
    if estimates:
        values = {name: Estimate(each, 0.1 * each) for name, each in values.items()}
    return SimpleNamespace(**values)


def squares():
    collapsed = np.add.outer(np.arange(5), -np.arange(5)) > 2
    theory = figures.Square(GRID, GRID, orders((5, 5)), collapsed)
    return {"field theory": theory, "networks": figures.Square(GRID, GRID, orders((5, 5), True, 1))}


def test_heat_maps_of_both_roads_with_the_collapse_line(legend_texts, legends_are_clear):
    rows = squares()
    figure = figures.figure_2(rows, alpha=ALPHA)
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    assert len(panels) == 8
    assert panels[0].get_title() == figures.METRICS["mse"]
    shown = np.asarray(panels[0].collections[0].get_array()).reshape(5, 5)
    np.testing.assert_allclose(shown, np.log10(rows["field theory"].values("mse")).T)
    for ax in panels:
        (line,) = ax.lines
        odds_rho, odds_gamma = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        rho, gamma = (1 / (1 + 10.0**-odds) for odds in (odds_rho, odds_gamma))
        np.testing.assert_allclose(gamma, ALPHA * 10.0**odds_rho, rtol=1e-9)
        assert (rho > 0).all()
    assert [ax.get_title(loc="left") for ax in panels] == [f"({letter})" for letter in "abcdefgh"]
    assert [panels[i].get_ylabel().split("\n")[0] for i in (0, 4)] == list(rows)
    first, second = (panels[i].collections[0].get_clim() for i in (0, 4))
    assert first == second  # one bar for a column
    for bar in figure.axes[8:]:
        assert len(bar.get_xticks()) >= 3
    legends_are_clear(figure)
    assert legend_texts(figure) == ["collapsed", COLLAPSE]
    for index, ax in enumerate(panels):  # the networks of this test have not collapsed
        hatched = [patch for patch in ax.patches if patch.get_hatch()]
        assert len(hatched) == (index < 4)
        for patch in hatched:
            inside = [[patch.get_path().contains_point((x, y)) for y in ODDS] for x in ODDS]
            np.testing.assert_array_equal(inside, rows["field theory"].collapsed)
    said = figures.caption_2(mv.sine(8), 3, 100)
    assert "n = 8" in said
    assert "Networks: 3 seeds per cell, 100 steps" in said
    assert "Networks" not in figures.caption_2(mv.sine(8))
    _, own = plt.subplots(2, 4)
    assert figures.figure_2(rows, axes=list(own.flat)) is own[0, 0].figure


def test_rows_of_other_cells_share_their_frame():
    rows = squares()
    few = np.array([0.01, 0.5, 0.99])
    rows["networks"] = figures.Square(few, few, orders((3, 3), True, 1))
    panels = figures.figure_2(rows).axes[:8]
    assert len({ax.get_xlim() for ax in panels}) == len({ax.get_ylim() for ax in panels}) == 1
    step = 0.5 * (np.log10(0.999 / 0.001) - np.log10(9))
    np.testing.assert_allclose(panels[4].get_xlim(), np.array([-1, 1]) * (np.log10(999) + step))


def test_phases_with_their_borders(legend_texts, legends_are_clear):
    labels = jnp.asarray(np.arange(25).reshape(5, 5) % 5)
    status = jnp.where(labels == 3, int(Status.COLLAPSED), int(Status.SOLVED))
    axis = jnp.asarray(GRID)
    diagram = PhaseDiagram(("rho", "gamma"), (axis, axis), orders((5, 5)), labels, status, mv.PHASES)
    borders = SimpleNamespace(collapse=1e-2, fit=0.5, adapt=0.1)
    figure = figures.figure_1(diagram, borders)
    (ax,) = figure.axes
    np.testing.assert_array_equal(np.asarray(ax.collections[0].get_array()).reshape(5, 5), labels.T)
    for line, strength, precision in zip(ax.lines, (1e-2, 0.5, 0.1), (False, False, True), strict=True):
        rho, gamma = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
        share = 1 / (1 + 10.0 ** (gamma if precision else -gamma))
        np.testing.assert_allclose(share, strength * 10.0**rho, rtol=1e-9)
    legends_are_clear(figure)
    texts = legend_texts(figure)
    assert texts[:5] == list(NETWORK_PHASES)
    assert [text.get_text() for text in ax.texts] == list(NETWORK_PHASES)
    for index, text in enumerate(ax.texts):  # each in a cell of its own
        column, row = (int(np.argmin(np.abs(place - ODDS))) for place in text.get_position())
        assert int(labels[column, row]) == index
    assert texts[5:] == [r"$\alpha_c$, collapse", "mean fits 5 %", "precision adapts by 5 %"]
    assert len({line.get_linestyle() for line in ax.lines}) == 3
    ticks = [tick.get_text() for tick in ax.get_xticklabels()]
    assert len(ticks) >= 3
    assert "1/2" in ticks
    said = figures.caption_1(mv.sine(8), diagram, borders)
    assert "on 5 x 5 points of the square (U_I 5, U_II 5, S 5, O_I 5, O_II 5)" in said
    assert "alpha_c = 0.01" in said
    _, own = plt.subplots()
    assert figures.figure_1(diagram, borders, ax=own) is own.figure


def slices(found, status, estimates=False):
    order = SimpleNamespace(**vars(orders((7,), estimates)), test=SimpleNamespace(nll=found))
    return SimpleNamespace(order_parameters=order, converged=status)


T = np.linspace(0.1, 0.9, 7)
HELD = np.arange(7) < 5
NLL = np.array([3.0, 2.0, 1.5, 1.2, 1.4, 0.1, 0.0])


def test_slices_leave_collapsed_fits_out_and_star_the_minimum():
    figure = figures.figure_3({"theory": (T, slices(NLL, HELD))}, collapse=0.85)
    last = figure.axes[2]
    curve, star = last.lines[0], last.lines[1]
    assert np.isnan(curve.get_ydata()[5:]).all()
    np.testing.assert_allclose(star.get_ydata(), [1.2])
    np.testing.assert_allclose(star.get_xdata(), [0.0], atol=1e-12)
    np.testing.assert_allclose(last.get_ylim(), (1.1, 2.7))
    dotted = [line for ax in figure.axes for line in ax.lines if line.get_linestyle() == ":"]
    np.testing.assert_allclose([line.get_xdata()[0] for line in dotted], [np.log10(0.85 / 0.15)] * 3)
    assert [ax.get_yscale() for ax in figure.axes] == ["log", "log", "linear"]


def test_slices_of_two_theories_with_networks(legend_texts, legends_are_clear):
    networks = slices(Estimate(NLL, 0.1 * np.ones(7)), HELD, estimates=True)
    theories = {"joint": (T, slices(NLL, HELD)), "marginal": (T, slices(NLL + 1, HELD))}
    figure = figures.figure_3(theories, (T, networks), collapse=0.85)
    for ax, name in ((figure.axes[0], "mse"), (figure.axes[1], "mean_energy")):
        bars, others = ax.containers
        mean = getattr(networks.order_parameters, name).mean
        np.testing.assert_allclose(bars[0].get_ydata(), mean)  # all of them: seeds tell for themselves
        ends = np.array(bars[2][0].get_segments())[:, :, 1]
        np.testing.assert_allclose(ends, mean[:, None] * np.array([[0.9, 1.1]]))
        solid, dashed = (next(line for line in ax.lines if line.get_linestyle() == style) for style in ("-", "--"))
        assert solid.get_color() == dashed.get_color() == bars[0].get_color()  # one quantity, one colour
        assert others[0].get_color() != bars[0].get_color()
    colours = [{line.get_color() for line in ax.lines if line.get_linestyle() == "-"} for ax in figure.axes]
    assert colours[0] == colours[1]
    assert not colours[0] & colours[2]
    legends_are_clear(figure)
    texts = legend_texts(figure)
    assert texts[:5] == ["joint", "marginal", "minimum of theory", "networks", "collapse of the field theory"]
    assert figures.METRICS["mse"] in texts
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["(a)", "(b)", "(c)"]
    said = figures.caption_3(mv.sine(8), list(theories), 3, 100)
    assert "solid for the joint, dashed for the marginal" in said
    assert "3 seeds, 100 steps" in said
    _, own = plt.subplots(1, 3)
    assert figures.figure_3(theories, axes=list(own)) is own[0].figure


def test_the_hysteresis_loop(legend_texts, legends_are_clear):
    mode = mv.Mode(signal=1.0, noise=0.01, curvature=100.0)
    alphas = np.geomspace(0.05, 0.005, 9)
    branch = lambda energy: Way(
        SimpleNamespace(order_parameters=SimpleNamespace(mean_energy=np.full(9, energy))), jnp.zeros(9, int)
    )
    way = Continuation(jnp.asarray(alphas), branch(25.0), branch(100.0), jnp.ones(9, bool))
    ax = figures.hysteresis(way, mode, 100.0).axes[0]
    up = next(line for line in ax.lines if "falling" in str(line.get_label()))
    np.testing.assert_allclose(up.get_ydata(), 0.5)
    dotted = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == ":"]
    np.testing.assert_allclose(sorted(dotted), np.asarray(mode.spinodals))
    exact = next(line for line in ax.lines if "exact" in str(line.get_label()))
    z = np.asarray(exact.get_ydata()) / (1 - np.asarray(exact.get_ydata()))
    np.testing.assert_allclose(exact.get_xdata(), mode.alpha(z), rtol=1e-9)
    np.testing.assert_allclose(ax.get_xlim(), (0.005, 0.05))
    assert len(ax.get_xticks()) >= 3
    labels = ["exact, one mode", r"lattice, falling $\alpha$", r"lattice, rising $\alpha$", "spinodals"]
    legends_are_clear(ax)
    assert legend_texts(ax) == labels
    said = figures.caption_hysteresis(mode, 64)
    low, high = (float(spinodal) for spinodal in mode.spinodals)
    assert f"alpha = {low:.6f} and {high:.6f}" in said


def test_the_map_of_the_spread_over_seeds(legend_texts, legends_are_clear):
    square, spread = squares()["networks"], orders((5, 5))
    square.collapsed[4, 0] = True
    figure = figures.spread_map(square, spread, alpha=ALPHA)
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    assert [ax.get_title() for ax in panels][-1] == "expected NLL"
    for ax, name in zip(panels, NAMES, strict=True):
        shown = np.asarray(ax.collections[0].get_array()).reshape(5, 5)
        np.testing.assert_allclose(shown, np.log10(getattr(spread, name)).T)
        assert len(ax.lines) == 1
        assert ax.yaxis.get_tick_params()["labelleft"] == (ax is panels[0])
    legends_are_clear(figure)
    assert legend_texts(figure) == ["collapsed", COLLAPSE]
    said = figures.caption_spread_map(mv.sine(8), 3, 100)
    assert "3 seeds" in said
    assert "100 steps" in said
    _, own = plt.subplots(1, 5)
    assert figures.spread_map(square, spread, axes=list(own)) is own[0].figure
