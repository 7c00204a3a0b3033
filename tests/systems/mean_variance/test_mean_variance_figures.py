"""Figures draw what they are given: read off their artists, without any solver."""

from types import SimpleNamespace

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest

from grokjax import PhaseDiagram, Status
from grokjax.evidence.statistics import Estimate
from grokjax.systems import mean_variance as mv
from grokjax.systems.mean_variance import figures
from grokjax.theory.continuation import Continuation, Way


GRID = np.array([1e-3, 0.1, 0.5, 0.9, 0.999])
ALPHA = 1e-2
NAMES = ("mse", "sd_mse", "mean_energy", "precision_energy", "population_nll")


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


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


def test_heat_maps_of_both_roads_with_the_collapse_line():
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
    hatched = [c for ax in panels for c in ax.collections if getattr(c, "get_hatch", lambda: None)()]
    assert len(hatched) == 4  # the networks of this test have not collapsed
    assert "hatched" in figures.caption_2(mv.sine(8), 3, 100).lower()


def test_phases_with_their_borders():
    labels = jnp.asarray(np.arange(25).reshape(5, 5) % 5)
    status = jnp.where(labels == 3, int(Status.COLLAPSED), int(Status.SOLVED))
    axis = jnp.asarray(GRID)
    diagram = PhaseDiagram(("rho", "gamma"), (axis, axis), orders((5, 5)), labels, status, mv.PHASES)
    figure = figures.figure_1(diagram, SimpleNamespace(collapse=1e-2, fit=0.5, adapt=0.1))
    texts = [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
    assert any("collapse" in text for text in texts)
    assert "S" in texts
    assert len(figure.axes[0].lines) == 3


def slices(found, status):
    order = SimpleNamespace(**vars(orders((7,))), test=SimpleNamespace(nll=found))
    return SimpleNamespace(order_parameters=order, converged=status)


def test_slices_leave_collapsed_fits_out_and_star_the_minimum():
    t = np.linspace(0.1, 0.9, 7)
    nll = np.array([3.0, 2.0, 1.5, 1.2, 1.4, 0.1, 0.0])
    held = np.arange(7) < 5
    figure = figures.figure_3({"theory": (t, slices(nll, held))}, collapse=0.85)
    last = figure.axes[2]
    curve, star = last.lines[0], last.lines[1]
    assert np.isnan(curve.get_ydata()[5:]).all()
    np.testing.assert_allclose(star.get_ydata(), [1.2])
    np.testing.assert_allclose(star.get_xdata(), [0.0])
    assert figure.axes[0].get_yscale() == "log"
    assert len(figure.axes) == 3


def test_the_hysteresis_loop():
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


def test_the_map_of_the_spread_over_seeds():
    figure = figures.spread_map(squares()["networks"], orders((5, 5)), alpha=ALPHA)
    panels = [ax for ax in figure.axes if ax.get_label() != "<colorbar>"]
    assert [ax.get_title() for ax in panels][-1] == "expected NLL"
    assert len(panels) == 5
