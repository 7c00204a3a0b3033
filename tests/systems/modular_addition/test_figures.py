"""Figures of a tiny ensemble, read back from their artists."""

import jax
import jax.numpy as jnp
import matplotlib
import numpy as np
import pytest

from grokjax import plot
from grokjax.systems import modular_addition as ma


matplotlib.use("Agg")
from matplotlib import pyplot as plt

from grokjax.systems.modular_addition import figures


NOISES = np.array([1e-3, 2e-3])


@pytest.fixture(scope="module")
def run():
    system = ma.ModularAddition(prime=5, width=40, noise_variance=NOISES, readout_variance=4e-6, sextic_decay=3.0)
    return ma.simulate(jax.random.key(0), system, num_members=3, num_steps=40, num_witnesses=0, progress=False)


@pytest.fixture(scope="module")
def theory(run):
    return ma.predict(run.system)


def test_figure_3():
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
    plt.close(figure)


@pytest.mark.medium
def test_mixed_phase(run, theory):
    borders = ma.transitions(run.system.replace(noise_variance=1e-3))
    figure = figures.mixed_phase(theory, borders, run, run)
    for ax, name in zip(figure.axes, ("discrepancy", "side_weight", "specialised_once"), strict=True):
        curve = next(line for line in ax.lines if line.get_label() == "theory, exact")
        np.testing.assert_allclose(curve.get_ydata(), getattr(theory, name))
        cold, hot = ax.containers
        assert [cold.get_label(), hot.get_label()] == ["networks, cold start", "networks, hot start"]
        np.testing.assert_allclose(cold[0].get_xdata(), [1.0, 2.0])  # in units of the label
        np.testing.assert_allclose(cold[0].get_ydata(), getattr(run, name).mean)
        vertical = [line.get_xdata()[0] for line in ax.lines if len(set(np.ravel(line.get_xdata()))) == 1]
        np.testing.assert_allclose(vertical, [1e3 * float(x) for x in (borders.start, borders.end) if np.isfinite(x)])
    assert "agree" in figures.caption_mixed_phase(run, run)
    plt.close(figure)


@pytest.mark.medium
def test_pair_densities(run, theory):
    figure = figures.pair_densities(theory, run, 1)
    left, right = figure.axes[:2]
    assert "0.002" in left.get_title()
    pairs = run.observed["pairs"]
    counts = pairs.counts[1].sum(axis=0)
    shown = np.asarray(right.collections[0].get_array()).reshape(60, 60).T
    np.testing.assert_allclose(shown, counts / counts.sum() / np.diff(pairs.edges)[0] ** 2)
    middle = jnp.full(2, pairs.centres[0])  # of the first cell; x* = 1
    expected = np.exp(theory.law.log_density(middle, middle))[1]
    np.testing.assert_allclose(np.asarray(left.collections[0].get_array()).reshape(60, 60)[0, 0], expected)
    plt.close(figure)


@pytest.mark.medium
def test_phase_diagrams(run):
    base = run.system.replace(noise_variance=1e-3)
    diagrams, borders = [], []
    for axes in (
        {"noise_variance": np.array([1e-4, 1e-3, 1e-2]), "readout_variance": np.array([1e-7, 1e-6])},
        {"width": np.array([20.0, 200.0, 2000.0]), "prime": np.array([5, 11])},
    ):
        diagrams.append(ma.phase_diagram(base, axes, panel_order=4))
        grid = dict(zip(axes, np.meshgrid(*axes.values(), indexing="ij"), strict=True))
        borders.append(ma.transitions(base.replace(**grid)))
    figure = figures.phase_diagrams(diagrams, borders, noise_variance=1e-3)
    for ax, diagram in zip(figure.axes, diagrams, strict=True):
        shown = np.asarray(ax.collections[0].get_array()).reshape(2, 3)
        np.testing.assert_array_equal(shown, np.asarray(diagram.labels).T)
        words = [text.get_text() for text in ax.get_legend().get_texts()]
        assert "mixed phase starts, sharp" in words
    line = figure.axes[1].collections[1].get_paths()[0].vertices[0]  # at P = 5 the noise is the border's at this width
    at = base.replace(width=float(line[0]), prime=5)
    np.testing.assert_allclose(line[1], 5)
    np.testing.assert_allclose(ma.transitions(at).start, 1e-3, rtol=0.3)  # linear between cells of a factor of ten
    plt.close(figure)


def test_width_convergence_draws_where_it_is_told(tmp_path):
    gaps = {"discrepancy": (np.array([-0.02, -0.01]), np.array([1e-3, 1e-3]))}
    figure, (ax, _) = plot.subplots(1, 2)
    assert figures.width_convergence([100, 200], gaps, {"discrepancy": (-2.0, 0.0)}, ax=ax) is figure
    np.testing.assert_allclose(ax.containers[0][0].get_ydata(), [0.02, 0.01])
    assert plot.save(figure, tmp_path / "gaps").exists()
