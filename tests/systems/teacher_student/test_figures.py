"""What figures show is what they are given, read back from their artists; and what captions say."""

import re
from types import SimpleNamespace

import equinox as eqx
import jax
import jax.numpy as jnp
import matplotlib


matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from grokjax import Estimate, PhaseDiagram, Status, compare
from grokjax.evidence.decomposition import Decomposition
from grokjax.systems import teacher_student as ts
from grokjax.systems.teacher_student import OrderParameters, Prediction, Range, figures
from grokjax.systems.teacher_student.figures.captions import in_words
from grokjax.systems.teacher_student.figures.published import _draw_bracket, _speaks


BASE = ts.TeacherStudent.at_scale(1 / 64)
GRID = np.array([0.02, 0.05, 0.1, 0.2])


def curve(exponents):
    """A prediction at four noises with these rest exponents."""
    points = jnp.zeros(4)
    side = jnp.array([0.08, 0.07, 0.05, 0.01])
    overlap = {1: points + 0.8, 3: points - 0.05}
    return Prediction(
        discrepancy=overlap,
        overlap=overlap,
        side_weight=side,
        log_evidence=None,
        kernel=None,
        residual=points,
        quadrature_error=None,
        iterations=jnp.zeros(4, int),
        status=jnp.zeros(4, int),
        law=SimpleNamespace(system=BASE.replace(noise_variance=GRID)),
        range=Range({1: points, 3: points + 2.0}, jnp.array(exponents), points, points, points + 10.0),
        theory=("field",),
        without_rest=OrderParameters(overlap, side + 0.01),
    )


def drawn(prediction):
    _, (middle, right) = plt.subplots(1, 2)
    found = _draw_bracket(middle, right, prediction, GRID, {1: 1.0, 3: -0.3})
    return [patch.get_label() for patch in found], middle, right


def test_noises_beyond_the_range_are_hatched():
    found, _, right = drawn(curve([1.8, 1.2, 0.9, 0.4]))
    assert found == ["finite data and width: beyond its range", "finite data and width: bracket"]
    (span,) = right.patches
    np.testing.assert_allclose(span.get_extents().transformed(right.transData.inverted()).x1, 0.075)
    (band,) = right.collections  # between the values with and without the rest
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.max() <= 0.09 + 1e-9


def test_where_the_theory_declines_it_draws_nothing():
    declined = curve([2.7, 1.2, 0.9, 0.4])
    np.testing.assert_array_equal(_speaks(declined), [False, True, True, True])
    _, _, right = drawn(declined)
    (band,) = right.collections
    assert band.get_paths()[0].vertices[:, 0].min() >= 0.05 - 1e-9


def test_nothing_is_hatched_within_the_range():
    found, middle, right = drawn(curve([0.9, 0.8, 0.7, 0.4]))
    assert not found
    assert not right.patches
    assert not middle.collections


NOISES, COEFFICIENTS = np.array([0.1, 0.3]), np.array([-0.5, -0.3, -0.2])


@pytest.fixture(scope="module")
def run():
    system = BASE.replace(noise_variance=NOISES[:, None], teacher={1: 1.0, 3: COEFFICIENTS[None]})
    return ts.simulate(jax.random.key(0), system, num_members=2, num_steps=10, num_witnesses=0, progress=False)


@pytest.mark.medium
def test_maps_of_overlaps(run, legend_texts, legends_are_clear):
    """Cells of theory and of networks are the shares of the teacher's coefficients; the line is as given."""
    noise, coefficient = (grid.ravel() for grid in np.meshgrid(NOISES, COEFFICIENTS))
    system = BASE.replace(noise_variance=noise, teacher={1: 1.0, 3: coefficient})
    theory = ts.predict(system, theory="mean_field")
    line = [0.12, 0.28], [-0.2, -0.5]
    figure = figures.overlap_maps(theory, run, line)
    cells = [np.asarray(ax.collections[0].get_array()).reshape(3, 2) for ax in figure.axes[:4]]
    np.testing.assert_allclose(cells[0].ravel(), theory.overlap[1])
    np.testing.assert_allclose(cells[2].ravel(), theory.overlap[3] / coefficient)
    np.testing.assert_allclose(cells[1], run.overlap[1].mean.T)
    np.testing.assert_allclose(cells[3], (run.overlap[3].mean / COEFFICIENTS).T)
    assert [ax.get_title() for ax in figure.axes[:4]] == [f"$He_{k}$, {by}" for k in (1, 3) for by in ROADS]
    for ax in figure.axes[:4]:
        np.testing.assert_allclose(ax.lines[0].get_data(), line)
        assert ax.get_xlim() == (0.1, 0.3)
        assert ax.get_ylim() == (-0.5, -0.2)
        assert ax.collections[0].get_clim() == (0, 1)
        assert ax.get_xlabel() == r"noise variance $\sigma^2$"
    assert legend_texts(figure.axes[2]) == ["sharp limit's transition"]
    assert "N=11" in figure.axes[2].get_legend().get_title().get_text()
    legends_are_clear(figure)
    caption = figures.caption_overlap_maps(run)
    assert "2 a cell" in caption
    assert f"{max(np.ravel(run.overlap[1].error)):.2g} of He_1" in caption
    assert "certified" in caption


ROADS = ("theory", "networks")


@pytest.fixture(scope="module")
def swept():
    system = BASE.replace(noise_variance=NOISES)
    return ts.simulate(jax.random.key(0), system, num_members=5, num_steps=20, num_witnesses=0, progress=False)


@pytest.fixture(scope="module")
def leading(swept):
    return ts.predict(swept.system, theory="mean_field")


@pytest.mark.medium
def test_figure_2(swept, leading, legend_texts, legends_are_clear):
    """Lines are the theory's numbers, points the run's, in each panel's units."""
    lazy = ts.lazy_baseline(swept.system)
    named = {"mean_field": leading}
    figure = figures.figure_2(swept, named, named, transition=0.17, lazy=(NOISES, lazy))
    left, middle, right = figure.axes
    for index, (degree, coefficient) in enumerate({1: 1.0, 3: -0.3}.items()):
        np.testing.assert_allclose(middle.lines[index].get_data(), [NOISES, leading.overlap[degree] / coefficient])
        process = [line for line in middle.lines if line._unscaled_dash_pattern[1] == figures.LAZY[1]]
        np.testing.assert_allclose(process[index].get_data(), [NOISES, lazy.overlap[degree] / coefficient])
        assert process[index].get_color() == middle.lines[index].get_color()
        points, _, (bars,) = middle.containers[index]
        np.testing.assert_allclose(points.get_data(), [NOISES, swept.overlap[degree].mean / coefficient])
        lengths = [segment[1, 1] - segment[0, 1] for segment in bars.get_segments()]
        np.testing.assert_allclose(lengths, 2 * swept.overlap[degree].error / abs(coefficient), rtol=1e-5)
    np.testing.assert_allclose(right.lines[0].get_data(), [NOISES, leading.side_weight])
    np.testing.assert_allclose(right.containers[0][0].get_data(), [NOISES, swept.side_weight.mean])
    for ax in (middle, right):
        (dotted,) = (line for line in ax.lines if line.get_linestyle() == ":")
        assert dotted.get_xdata()[0] == 0.17
        assert ax.get_xlim() == (0, pytest.approx(0.315))
        assert ax.get_xlabel() == r"noise variance $\sigma^2$"
    assert middle.get_ylim()[1] > max(1, float(np.max(swept.overlap[1].mean)))
    network = lambda label: f"{label}, networks"
    assert legend_texts(left) == ["networks", "leading order"]
    assert legend_texts(middle) == [network("$He_1$"), network("$He_3$"), "Gaussian process (NNGP)"]
    assert legend_texts(right) == ["networks", "sharp limit's transition"]
    assert left.get_legend().get_title().get_text() == "$N=11$, $d=19$, $n=47$, 5 networks a noise"
    legends_are_clear(figure)


@pytest.mark.medium
def test_actions_of_figure_2(swept, leading):
    left = figures.figure_2(swept, {"mean_field": leading}, {"mean_field": leading}).axes[0]
    d, (centres, estimate) = float(BASE.input_dim), ts.negative_log_density(swept)
    for index, line in enumerate(left.lines[:2]):
        law = jax.tree.map(lambda leaf, i=index: leaf[i], leading.law)
        q = jnp.asarray(line.get_xdata())
        expected = (law.log_density(jnp.zeros(())) - law.log_density(q)) / d + 0.1 * index
        np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-6)
        points = left.containers[index][0]
        seen = np.flatnonzero(np.isfinite(estimate.mean[index]))
        seen = seen[seen % 3 == 0]
        np.testing.assert_allclose(points.get_xdata(), centres[seen])
        expected = (estimate.mean[index] - estimate.mean[index][:3].mean())[seen] / d + 0.1 * index
        np.testing.assert_allclose(points.get_ydata(), expected)
    assert [text.get_text() for text in left.texts] == [r"$\sigma^2=0.1$", "$0.3$"]


@pytest.mark.medium
def test_a_theory_has_the_same_dashes_in_all_panels(swept, leading, legend_texts, legends_are_clear):
    """Also where (a) has fewer of them; and a range and a bracket have words."""
    ranged = curve([1.8, 1.2, 0.9, 0.4])
    figure = figures.figure_2(swept, {"best": leading}, {"mean_field": leading, "best": ranged})
    left, middle, right = figure.axes
    assert left.lines[0].get_linestyle() == "--"
    assert [line.get_linestyle() for line in middle.lines[:4]] == ["-", "-", "--", "--"]
    assert [line.get_linestyle() for line in right.lines[:2]] == ["-", "--"]
    assert legend_texts(left) == ["networks", "leading order", "finite data and width"]
    assert legend_texts(right)[-2:] == ["finite data and width: beyond its range", "finite data and width: bracket"]
    legends_are_clear(figure)


@pytest.mark.medium
def test_the_caption_of_figure_2(swept, leading):
    named = {"mean_field": leading}
    found = compare(leading, swept, theory_name="leading order")
    caption = figures.caption_2(swept, named, lazy=True, at_points=named, comparisons=[found])
    for said in ("N = 11, d = 19, n = 47", "5 networks", "leading order (solid)", "Gaussian process", in_words(found)):
        assert said in caption
    failed = np.asarray(swept.certificate.failed_at)
    assert ("Not certified to be in equilibrium: noise 0.1, 0.3." in caption) == failed.all()
    assert "farthest" not in caption, "this theory is outside of its range"
    wide = Range({1: 0 * NOISES, 3: 0 * NOISES}, 0 * NOISES, NOISES, 0 * NOISES, 1 + NOISES)
    inside = eqx.tree_at(lambda each: each.range, leading, wide)
    caption = figures.caption_2(swept, named, at_points={"mean_field": inside})
    place = re.search(r"at noise (\S+) and \|q\| = (\S+): by (\S+), with", caption)
    index, q, by = list(NOISES).index(float(place[1])), float(place[2]), float(place[3])
    centres, estimate = ts.negative_log_density(swept)
    at = np.argmin(np.abs(centres - q))
    law = jax.tree.map(lambda leaf: leaf[index], leading.law)
    theory = law.log_density(jnp.asarray(centres[0])) - law.log_density(jnp.asarray(centres[at]))
    difference = estimate.mean[index][at] - estimate.mean[index][:3].mean() - theory
    assert by == pytest.approx(float(difference) / 19, abs=0.0051)


def test_a_comparison_in_words():
    numbers = {"a": 1.0, "b": 1.0, "c": 1.0}
    measured = {"a": Estimate(1.01, 0.01), "b": Estimate(1.5, 0.1), "c": Estimate(1.2, 0.8)}
    said = in_words(compare(numbers, measured, theory_name="leading order"))
    assert said == ("Leading order: 1 of 3 numbers agree within 3 sigma; differing: 1, most b (+50%); not resolved: 1.")
    unsure = SimpleNamespace(order_parameters=numbers, trustworthy=np.array(False))
    said = in_words(compare(unsure, measured))
    assert said.endswith("outside of its range or not certified: 3, of these within errors: 2.")


def made_diagram(scale=0.2, **changes):
    """The border at noise = scale (100/N)^(1/2)."""
    noise, width = np.geomspace(0.01, 1.0, 25), np.geomspace(20, 5000, 15)
    side = np.minimum((scale / noise[:, None]) ** 2 * (100 / width) / width, 0.9)
    orders = OrderParameters({}, jnp.asarray(side))
    labels = ts.classify(orders, 1 / width[None])
    status = np.full(side.shape, int(Status.SOLVED))
    fields = {"order_parameters": orders, "labels": labels, "status": status} | changes
    return PhaseDiagram(("noise_variance", "width"), (noise, width), phases=ts.PHASES, **fields)


def test_figure_1(legend_texts, legends_are_clear, tick_labels):
    """Cells are the labels; the border is where N P is one, and lies between cells of different labels."""
    diagram, line, points = made_diagram(), ([0.1, 0.3], [400.0, 50.0]), ([0.1, 0.2], [88.0, 88.0])
    figure = figures.figure_1(diagram, system=BASE, transition=line, simulated=points)
    (ax,) = figure.axes
    cells, border = ax.collections
    np.testing.assert_array_equal(np.asarray(cells.get_array()).reshape(15, 25), np.asarray(diagram.labels).T)
    noise, width = border.get_paths()[0].vertices.T
    np.testing.assert_allclose(noise, 0.2 * np.sqrt(100 / width), rtol=0.03)
    assert width.max() == pytest.approx(5000)
    np.testing.assert_allclose(ax.lines[0].get_data(), line)
    np.testing.assert_allclose(ax.lines[1].get_data(), points)
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    assert (ax.get_xlabel(), ax.get_ylabel()) == (r"noise variance $\sigma^2$", "width $N$")
    said = legend_texts(ax)
    assert [each.split(":")[0] for each in said] == ["GFL", "GMFL-I", "border", *said[3:]]
    assert said[2:] == ["border: side weight $P=1/N$", "sharp limit's transition", "networks were sampled here"]
    assert ax.get_legend().get_title().get_text() == "$d=19$, $n=47$; no GMFL-II here"
    legends_are_clear(figure)
    for axis in (ax.xaxis, ax.yaxis):
        assert len(tick_labels(axis)) >= 3


def test_borders_of_figure_1_follow_the_threshold(legend_texts, legends_are_clear):
    diagram = made_diagram()
    ax = figures.figure_1(diagram, threshold=0.05).axes[0]
    noise, width = ax.collections[1].get_paths()[0].vertices.T
    np.testing.assert_allclose(noise, 0.2 * 10 / width / np.sqrt(0.05), rtol=0.03)
    assert "border: side weight $P=0.05$" in legend_texts(ax)
    legends_are_clear(ax)
    none = figures.figure_1(made_diagram(scale=1e-6)).axes[0]
    assert len(none.collections) == 1
    assert not any("border" in word for word in legend_texts(none))
    legends_are_clear(none)
    side = jnp.where(jnp.arange(25)[:, None] < 12, 1 - 1e-9, 0.5) * jnp.ones((25, 15))
    mixed = made_diagram(order_parameters=OrderParameters({}, side))
    ax = figures.figure_1(mixed).axes[0]
    noise = ax.collections[1].get_paths()[0].vertices[:, 0]  # what is left of the centre is one neuron
    assert (mixed.axes["noise_variance"][11] < noise).all()
    assert (noise < mixed.axes["noise_variance"][12]).all()


def test_figure_1_over_samples_and_its_caption(legend_texts, legends_are_clear):
    noise, samples = np.geomspace(0.01, 1.0, 5), np.geomspace(100, 1000, 4)
    side = OrderParameters({}, jnp.asarray(np.repeat(0.009 / noise[:, None], 4, axis=1)))
    status = np.full((5, 4), int(Status.SOLVED))
    status[0] = int(Status.UNRELIABLE)
    axes = ("noise_variance", "num_samples"), (noise, samples)
    diagram = PhaseDiagram(*axes, side, ts.classify(side, 1 / 11), status, ts.PHASES)
    (ax,) = figures.figure_1(diagram, system=BASE).axes
    assert ax.get_ylabel() == "samples $n$"
    assert "unreliable" in legend_texts(ax)
    assert ax.get_legend().get_title().get_text() == "$N=11$, $d=19$; no GMFL-II here"
    np.testing.assert_allclose(ax.collections[-1].get_paths()[0].vertices[:, 0], 0.099, rtol=0.05)
    legends_are_clear(ax)
    caption = figures.caption_1(diagram, system=BASE)
    for said in ("over noise and samples at N=11, d=19", "P = 1/N", "GMFL-II is not reached", "At 20% of the points"):
        assert said in caption
    beyond = eqx.tree_at(lambda each: each.status, diagram, np.full((5, 4), int(Status.UNRELIABLE)))
    (ax,) = figures.figure_1(beyond, system=BASE).axes
    assert "unreliable" not in legend_texts(ax)
    legends_are_clear(ax)
    assert "beyond the theory's own range: 100% of the points" in ax.get_legend().get_title().get_text()
    with pytest.raises(ValueError, match="`system` must be given"):
        figures.figure_1(diagram)


@pytest.mark.medium
def test_decomposition(swept, leading, legend_texts, legends_are_clear):
    """Both parts in per cent of the size of theory; the cubic overlap is negative."""
    part = lambda value: OrderParameters(
        {k: Estimate(np.full(2, value), np.full(2, 0.01)) for k in (1, 3)},
        Estimate(np.full(2, value), np.full(2, 0.02)),
    )
    found = Decomposition((1.0, 4.0), (part(0.4), part(0.5)), part(0.1), part(0.3), (swept, swept))
    figure = figures.decomposition(found, leading)
    for ax, value in zip(figure.axes, (*leading.overlap.values(), leading.side_weight), strict=True):
        width, data = (container[0] for container in ax.containers)
        np.testing.assert_allclose(width.get_data(), [NOISES, 100 * 0.1 / np.abs(value)])
        np.testing.assert_allclose(data.get_data(), [NOISES, 100 * (0.3 - value) / np.abs(value)])
        assert ax.lines[-1].get_ydata()[0] == 0
        assert ax.get_xlim() == (0, pytest.approx(0.33))
    titles = ["overlap $He_1$", "overlap $He_3$", "side weight"]
    assert [ax.get_ylabel() for ax in figure.axes] == [f"{each}: networks less theory (%)" for each in titles]
    assert legend_texts(figure.axes[1]) == ["finite width, paired", "finite data"]
    legends_are_clear(figure)
    caption = figures.caption_decomposition(found)
    for said in ("N = 11, d = 19, n = 47", "5 data sets", "m = 1, 4"):
        assert said in caption
