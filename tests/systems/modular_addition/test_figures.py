"""Figures of a tiny ensemble, read back from their artists."""

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest

from grokjax import plot
from grokjax.evidence.statistics import Estimate
from grokjax.systems import modular_addition as ma


matplotlib.use("Agg")

from grokjax.systems.modular_addition import figures


NOISES = np.array([1e-3, 2e-3])


@pytest.fixture(scope="module")
def run():
    system = ma.ModularAddition(prime=5, width=40, noise_variance=NOISES, readout_variance=4e-6, sextic_decay=3.0)
    return ma.simulate(jax.random.key(0), system, num_members=3, num_steps=40, num_witnesses=0, progress=False)


@pytest.fixture(scope="module")
def theory(run):
    return ma.predict(run.system)


def test_figure_3(legends_are_clear, legend_texts):
    paper = figures.paper_system(np.array([0.3, 0.15]))
    found = {convention: ma.predict(paper, convention) for convention in ("paper", "exact")}
    figure = figures.figure_3(found, found, ma.transitions(figures.paper_system(), "paper"))
    printed, exact, discrepancy = figure.axes[:3]
    (inset,) = printed.child_axes
    for line, close in zip(printed.lines[:2], inset.lines[:2], strict=True):  # the same curves, near the side wells
        np.testing.assert_allclose(close.get_data(), line.get_data())
        assert close.get_color() == line.get_color()
    (left, right), (bottom, top) = inset.get_xlim(), inset.get_ylim()
    assert left < 1 < right
    assert bottom < 0 < top
    for ax, convention, per_pair in ((printed, "paper", 0.5), (exact, "exact", 1.0)):
        for index, line in enumerate(ax.lines[:2]):
            assert line.get_label() == rf"$\sigma^2={[0.3, 0.15][index]:g}$"
            law = jax.tree.map(lambda leaf, i=index: leaf[i], found[convention].law)
            well = law.system.well_position
            at = jnp.asarray(line.get_xdata()[100] * well)
            expected = per_pair * law.action(at, at) / (401 * well)
            np.testing.assert_allclose(line.get_ydata()[100], expected, rtol=1e-6)
    for line, convention in zip(discrepancy.lines[:2], ("paper", "exact"), strict=True):
        np.testing.assert_allclose(line.get_xdata(), [0.3, 0.15])
        np.testing.assert_allclose(line.get_ydata(), found[convention].discrepancy)
    places = [line.get_xdata()[0] for line in discrepancy.lines[2:]]
    np.testing.assert_allclose(places, [0.236015, 0.176015], atol=1e-6)
    assert [ax.get_title("left") for ax in (printed, exact, discrepancy)] == ["(a)", "(b)", "(c)"]
    assert {line.get_linestyle() for line in printed.lines[:2]} == {"-"}  # dashes: the exact constants, in (b) and (c)
    assert {line.get_linestyle() for line in exact.lines[:2]} == {"--"} == {discrepancy.lines[1].get_linestyle()}
    names = ["as printed", "exact", "mixed phase starts", "mixed phase ends"]
    assert legend_texts(discrepancy) == names
    assert "sigma" in discrepancy.get_xlabel()
    assert discrepancy.get_ylim() == (0, 1.05)
    for words in ("figure 3 of arXiv:2310.03789", "P = 401", "N = 1000", "solid", "dashed", "dash-dotted"):
        assert words in figures.CAPTION_3
    legends_are_clear(figure)


@pytest.mark.medium
def test_mixed_phase(run, theory, legends_are_clear, legend_texts):
    borders = ma.transitions(run.system.replace(noise_variance=1e-3))
    corrected = ma.predict(run.system, width_correction=True)
    figure = figures.mixed_phase(theory, borders, run, run, corrected=corrected)
    for ax, name in zip(figure.axes, ("discrepancy", "side_weight", "specialised_once"), strict=True):
        curves = {line.get_label(): line for line in ax.lines if str(line.get_label()).startswith("theory")}
        np.testing.assert_allclose(curves["theory, leading order in $1/N$"].get_ydata(), getattr(theory, name))
        if name != "specialised_once":
            loop = curves["theory, one loop in $1/N$"]
            np.testing.assert_allclose(loop.get_ydata(), getattr(corrected, name))
            assert loop.get_linestyle() == "--"
        cold, hot = ax.containers
        assert [cold.get_label(), hot.get_label()] == ["networks, cold start", "networks, hot start"]
        for points in (cold, hot):
            np.testing.assert_allclose(points[0].get_xdata(), [1.0, 2.0])  # in units of the label
            np.testing.assert_allclose(points[0].get_ydata(), getattr(run, name).mean)
        assert cold[0].get_markerfacecolor() != "none" == hot[0].get_markerfacecolor()
        (bars,) = cold[2]
        lengths = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
        np.testing.assert_allclose(lengths, getattr(run, name).error, atol=1e-12)
        vertical = [line.get_xdata()[0] for line in ax.lines if len(set(np.ravel(line.get_xdata()))) == 1]
        np.testing.assert_allclose(vertical, [1e3 * float(x) for x in (borders.start, borders.end) if np.isfinite(x)])
        assert ax.get_ylim()[0] < 0  # points at zero are whole
        assert "10^{-3}" in ax.get_xlabel()
    assert "exactly one" in figure.axes[2].get_ylabel()
    assert "$P=5$, $N=40$, 3 networks a noise" in legend_texts(figure.axes[2])
    legends_are_clear(figure)


@pytest.mark.medium
def test_the_caption_of_the_mixed_phase(run, theory):
    words = figures.caption_mixed_phase(run, run, theory)
    for part in ("P = 5, N = 40", "3 networks", "dashed", "dotted", "hollow", "agree in (b) at all noises"):
        assert part in words
    miss = 100 * np.max(np.abs(theory.discrepancy / run.discrepancy.mean - 1))
    assert f"Leading order is off by up to {miss:.2g} % in (a)" in words
    first, second = (
        eqx.tree_at(lambda run: run.order_parameters.side_weight, run, Estimate(np.array(means), np.full(2, 0.01)))
        for means in ([0.2, 0.1], [0.2, 0.2])
    )
    assert "in (b) at the noises 0.002: these points are not in equilibrium" in figures.caption_mixed_phase(
        first, second
    )


@pytest.mark.medium
def test_pair_densities(run, theory, tick_labels):
    figure = figures.pair_densities(theory, run, 1)
    left, right, bar = figure.axes
    assert left.get_title() == right.get_title().replace("3 networks, $N=40$", "theory, $P=5$") != ""
    assert "0.002" in left.get_title()
    assert left.get_xlim() == right.get_xlim() == left.get_ylim()
    assert "density" in bar.get_ylabel()
    assert len(tick_labels(bar.yaxis)) >= 3
    pairs = run.observed["pairs"]
    counts = pairs.counts[1].sum(axis=0)
    shown = np.asarray(right.collections[0].get_array()).reshape(60, 60).T
    np.testing.assert_allclose(shown, counts / counts.sum() / np.diff(pairs.edges)[0] ** 2)
    middle = jnp.full(2, pairs.centres[0])  # of the first cell; x* = 1
    expected = np.exp(theory.law.log_density(middle, middle))[1]
    np.testing.assert_allclose(np.asarray(left.collections[0].get_array()).reshape(60, 60)[0, 0], expected)
    words = figures.caption_pair_densities(theory, run, 1)
    for part in ("P = 5, N = 40", "noise variance 0.002", "3 networks", f"{float(theory.side_weight[1]):.3g} of the"):
        assert part in words


@pytest.fixture(scope="module")
def diagrams(run):
    base, found = run.system.replace(noise_variance=1e-3), []
    for axes in (
        {"noise_variance": np.array([1e-4, 1e-3, 1e-2]), "readout_variance": np.array([1e-7, 1e-6, 1e-4])},
        {"width": np.array([20.0, 200.0, 2000.0]), "prime": np.array([5, 11])},
    ):
        grid = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
        found.append((ma.phase_diagram(base, axes, panel_order=4), ma.transitions(base.replace(**grid))))
    return base, *zip(*found, strict=True)


@pytest.mark.medium
def test_phase_diagrams(diagrams, legends_are_clear, tick_labels, legend_texts):
    base, phases, borders = diagrams
    figure = figures.phase_diagrams(phases, borders, system=base)
    for ax, diagram in zip(figure.axes, phases, strict=True):
        x, y = diagram.axes.values()
        shown = np.asarray(ax.collections[0].get_array()).reshape(len(y), len(x))
        np.testing.assert_array_equal(shown, np.asarray(diagram.labels).T)
        words = legend_texts(ax)
        assert {"border at finite $P$", "mixed phase starts, sharp"} <= set(words)
        present = [name for index, name in enumerate(diagram.phases) if (diagram.labels == index).any()]
        assert words[: len(present)] == present
        assert len(tick_labels(ax.xaxis)) >= 3
    assert tick_labels(figure.axes[1].yaxis, "both") == ["5", "11"]
    assert [ax.get_title("left") for ax in figure.axes] == ["(a)", "(b)"]
    legends_are_clear(figure)
    words = figures.caption_phase_diagrams(phases, base)
    assert "(a) at width 40, prime 5; (b) at noise variance 0.001, readout variance 4e-06" in words
    for name in (*ma.PHASES, "1/N", "dash-dotted"):
        assert name in words


@pytest.mark.medium
def test_borders_of_a_phase_diagram(diagrams):
    base, (_, diagram), (_, borders) = diagrams
    figure, (ax, _) = plot.subplots(1, 2)
    assert figures.phase_diagram(diagram, borders, system=base, ax=ax) is figure
    solid, dotted = (next(each for each in ax.collections[1:] if each.linestyles == line) for line in "-:")
    width, prime = dotted.get_paths()[0].vertices[0]  # at P = 5 the noise is the border's at this width
    np.testing.assert_allclose(prime, 5)
    at = base.replace(width=float(width), prime=5)
    np.testing.assert_allclose(ma.transitions(at).start, 1e-3, rtol=0.3)  # linear between cells of a factor of ten
    widths, corners = np.array([20.0, 200.0, 2000.0]), np.concatenate([path.vertices for path in solid.get_paths()])
    level = np.log(np.asarray(diagram.order_parameters.side_weight) * widths[:, None])
    places = np.argwhere(level[1:] * level[:-1] < 0)
    assert len(places)
    for i, row in places:  # linear in between, too
        place = widths[i] + np.diff(widths)[i] * level[i, row] / (level[i, row] - level[i + 1, row])
        assert np.isclose(corners, [place, [5, 11][row]]).all(axis=1).any()


def test_width_convergence_draws_where_it_is_told(tmp_path, legends_are_clear, legend_texts):
    gaps = {"discrepancy": (np.array([-0.02, -0.01]), np.array([1e-3, 1e-3]))}
    with plot.style():
        figure, (ax, _) = plot.subplots(1, 2)
    series = {"discrepancy": (-2.0, 3.0)}
    assert figures.width_convergence([100, 200], gaps, series, ax=ax) is figure
    np.testing.assert_allclose(ax.containers[0][0].get_xdata(), [100, 200])
    np.testing.assert_allclose(ax.containers[0][0].get_ydata(), [0.02, 0.01])
    curve = ax.lines[0]
    np.testing.assert_allclose(curve.get_ydata(), 2 / curve.get_xdata() - 3 / curve.get_xdata() ** 2)
    assert curve.get_color() == ax.containers[0][0].get_color()
    assert [text.get_text() for text in ax.get_xticklabels()] == ["100", "200"]
    assert legend_texts(ax) == ["discrepancy $a$"]
    legends_are_clear(figure)
    assert "discrepancy: -2/N + 3/N^2" in figures.caption_width_convergence(series)
    assert plot.save(figure, tmp_path / "gaps").exists()
