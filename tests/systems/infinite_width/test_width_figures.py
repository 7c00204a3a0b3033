"""Figures of exponents and displacements, read off their artists; what they draw is made by hand."""

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from grokjax import Estimate, Status
from grokjax.systems import infinite_width as iw
from grokjax.systems.infinite_width import figures
from grokjax.systems.infinite_width.scaling import Scaling


WIDTHS = (10, 20, 40)
GAMMA, GAMMA_PRIME = np.array([0.5, 1.0, 2.0]), np.array([0.0, 0.5])


def scaled(system, exponents, error=0.01):
    """A power law of these exponents by layer, with one error at all widths, of four networks."""
    laws = {layer: np.multiply.outer(s, np.log(WIDTHS)) - 1.0 for layer, s in exponents.items()}
    measured = {layer: Estimate(law, np.full(law.shape, error)) for layer, law in laws.items()}
    shape = next(iter(laws.values())).shape
    found = iw.Displacement(measured, measured, {}, None, None, None, None, {})
    return Scaling(system, WIDTHS, found, np.full((*shape, 4), int(Status.REACHED)), np.ones(len(WIDTHS)))


def plane():
    system = iw.TwoLayer(gamma=jnp.asarray(GAMMA)[:, None], gamma_prime=jnp.asarray(GAMMA_PRIME)[None])
    exponents = np.array([[-0.5, -1.5], [0.0, -1.0], [0.5, 0.25]])
    exponents[0, 1] = np.nan
    return scaled(system, {"input": exponents}), exponents


def deep_plane():
    system = iw.ThreeLayer(gamma_3=jnp.asarray([1.0, 2.0])[:, None], gamma_2=jnp.asarray([[0.0, 1.0]]))
    first, second = np.array([[-0.5, -1.0], [0.5, 0.25]]), np.array([[-0.25, -0.5], [0.0, 0.75]])
    return scaled(system, {"layer1": first, "layer2": second}), (first, second)


def test_a_diagram_of_one_layer(legend_texts, legends_are_clear):
    run, exponents = plane()
    line = np.linspace(-0.5, 1, 5)
    border = line, iw.two_layer_border(line)
    schemes = {"NTK": (0.0, 0.5), "mean-field": (0.5, 1.0)}
    crossings = {"input": (GAMMA_PRIME, [0.9, 1.7])}
    figure = figures.phase_diagram(run, "gamma_prime", "gamma", {"input": border}, schemes=schemes, crossings=crossings)
    ax, bar = figure.axes
    cells = ax.collections[0].get_array()
    np.testing.assert_allclose(cells.filled(np.nan), exponents, atol=1e-12)
    assert ax.collections[0].get_clim() == (-1, 1)
    drawn, *stars, circles = ax.lines
    np.testing.assert_allclose(drawn.get_xydata(), np.transpose(border))
    np.testing.assert_allclose([star.get_xydata()[0] for star in stars], list(schemes.values()))
    np.testing.assert_allclose(circles.get_xydata(), np.transpose(crossings["input"]))
    assert circles.get_zorder() > max(star.get_zorder() for star in stars)
    np.testing.assert_allclose([ax.get_xlim(), ax.get_ylim()], [[-0.25, 0.75], [0.25, 2.5]])
    assert (ax.get_xlabel(), ax.get_ylabel()) == (r"$\gamma'$", r"$\gamma$")
    assert bar.get_ylabel() == "exponent $S$ of the input weights"
    assert legend_texts(figure) == ["theory's border", "measured $S=0$", "initialisations", "not measured"]
    legends_are_clear(figure)
    for label in ax.texts:  # names of initialisations stay inside
        box, frame = label.get_window_extent(), ax.bbox
        assert frame.x0 <= box.x0 < box.x1 <= frame.x1, label.get_text()


def test_a_diagram_of_two_layers(legend_texts, legends_are_clear):
    run, exponents = deep_plane()
    line = np.linspace(-0.5, 1.5, 5)
    borders = {"layer1": (line, iw.first_layer_border(line)), "layer2": (line, iw.second_layer_border(line))}
    figure = figures.phase_diagram(run, "gamma_2", "gamma_3", borders)
    panels = figure.axes[:2]
    for ax, layer, values in zip(panels, borders, exponents, strict=True):
        np.testing.assert_allclose(ax.collections[0].get_array(), values, atol=1e-12)
        (solid,) = (drawn for drawn in ax.lines if drawn.get_linestyle() == "-")
        (dashed,) = (drawn for drawn in ax.lines if drawn.get_linestyle() == "--")
        np.testing.assert_allclose(solid.get_ydata(), borders[layer][1])
        assert not np.allclose(dashed.get_ydata(), borders[layer][1])
    assert [ax.get_title(loc="left") for ax in panels] == ["(a)", "(b)"]
    assert legend_texts(figure) == ["theory's border of this layer", "theory's border of the other one"]
    legends_are_clear(figure)
    _, own = plt.subplots(1, 2)
    assert figures.phase_diagram(run, "gamma_2", "gamma_3", borders, axes=list(own)) is own[0].figure


def test_the_caption_of_a_diagram_tells_how_far_networks_are_from_the_border():
    run, _ = plane()
    line = np.linspace(-1, 1, 3)
    said = figures.caption_phase_diagram(
        run, {"input": (line, line + 1)}, {"input": ([0.0, 0.5, 1.0], [0.9, 1.7, np.nan])}
    )
    assert "widths 10, 20, 40 with 4 networks each (72 goal reached)" in said
    assert "+0.05 from theory in the median (-0.10 to +0.20)" in said
    assert "Circles" not in figures.caption_phase_diagram(run)


def lines_of(*exponents):
    """Networks of two layers at single points, by label."""
    return {f"S = {s}": scaled(iw.TwoLayer(gamma=1.0 + s), {"input": np.array(s)}) for s in exponents}


def test_displacement_against_the_width(legend_texts, legends_are_clear):
    runs = lines_of(-0.5, 0.25)
    figure = figures.displacement(runs, {"S = -0.5": {"input": -0.5}, "S = 0.25": {"input": 0.0}})
    (ax,) = figure.axes
    dashed = [line for line in ax.lines if line.get_linestyle() == "--"]
    for run, line, theory, bars in zip(runs.values(), dashed, (-0.5, 0.0), ax.containers, strict=True):
        found = run.displacement["input"]
        np.testing.assert_allclose(line.get_ydata(), found.mean[-1] * (np.array(WIDTHS) / 40) ** theory)
        points, _, (error,) = bars
        np.testing.assert_allclose(points.get_xydata(), np.transpose([WIDTHS, found.mean]))
        ends = np.array(error.get_segments())[:, :, 1]
        np.testing.assert_allclose(ends, found.mean[:, None] + np.outer(found.error, [-1, 1]))
        assert points.get_color() == line.get_color()
    assert [tick.get_text() for tick in ax.get_xticklabels()] == ["10", "20", "40"]
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.get_ylabel() == "displacement RD of the input weights"
    assert [text.split(":")[0] for text in legend_texts(figure)] == [*runs, "theory's power, through the largest width"]
    assert "theory $0$" in legend_texts(figure)[1]
    legends_are_clear(figure)


def test_the_caption_of_displacements_names_slopes_that_differ():
    runs = lines_of(-0.5, 0.25)
    near = figures.caption_displacement(runs, {"S = -0.5": {"input": -0.5}, "S = 0.25": {"input": 0.25}})
    assert "All slopes agree" in near
    runs = dict(zip((r"$\gamma=0.5$", r"$\gamma=1.25$"), runs.values(), strict=True))
    wrong = {name: {"input": theory} for name, theory in zip(runs, (-0.5, -1.0), strict=True)}
    far = figures.caption_displacement(runs, wrong, (Estimate(np.float64(1.15), np.float64(0.02)), 1.1468))
    assert "differ from theory by more than 5 standard errors at gamma=1.25 (by +1.250):" in far
    assert "RD m^(1/2) = 1.150(20) at the largest width, 1.147 from the tangent kernel" in far


def test_one_network_of_each_regime(legend_texts, legends_are_clear):
    phi, amplitude = np.linspace(-3, 3, 20), np.linspace(-1, 1, 20)
    neurons = [((phi, amplitude), (phi, 100 * factor * amplitude)) for factor in (0.01, 1)]
    x, outputs, targets = [0.0, 1.0], [[0.0, 1.0], [1.0, 0.5]], ([0.5], [0.2])
    figure = figures.regimes(["linear", "condensed"], (x, outputs), targets, neurons)
    above, below = figure.axes[:2], figure.axes[2:]
    for ax, output in zip(above, outputs, strict=True):
        np.testing.assert_allclose(ax.lines[0].get_ydata(), output)
        np.testing.assert_allclose(ax.lines[1].get_xydata(), [[0.5, 0.2]])
        np.testing.assert_allclose(ax.get_ylim(), above[0].get_ylim())
    for ax, pair in zip(below, neurons, strict=True):
        for line, (angles, values) in zip(ax.lines, pair, strict=True):
            np.testing.assert_allclose(line.get_xydata(), np.transpose([angles, values]))
        assert ax.get_yscale() == "symlog"
        assert ax.get_ylim() == (-130, 130)
    assert [ax.get_title() for ax in above] == ["linear", "condensed"]
    assert [ax.get_title(loc="left") for ax in figure.axes] == ["(a)", "(b)", "(c)", "(d)"]
    assert legend_texts(figure) == ["output", "training points", "20 neurons at the start", "after training"]
    legends_are_clear(figure)
    said = figures.caption_regimes(["linear", "condensed"], 20, "two neurons")
    assert "20 neurons" in said
    assert "linear up to 10" in said


def exponents_of_two_kinds():
    one = Estimate(np.array([-1.0, -0.4, np.nan]), np.array([0.01, 0.01, np.nan])), np.array([-1.0, -0.5, 0.0])
    other = Estimate(np.array([[0.5], [0.3]]), np.array([[0.1], [np.nan]])), np.array([[0.4], [0.1]])
    return {"two layers": one, "three layers": other}


def test_measured_against_predicted_exponents(legend_texts, legends_are_clear):
    found = exponents_of_two_kinds()
    figure = figures.exponents(found)
    left, right = figure.axes
    for bars, differences, (estimate, theory) in zip(left.containers, right.containers, found.values(), strict=True):
        mean, theory = np.ravel(estimate.mean), np.ravel(theory)
        seen = np.isfinite(mean)
        np.testing.assert_allclose(bars[0].get_xydata(), np.transpose([theory, mean])[seen])
        np.testing.assert_allclose(differences[0].get_xydata(), np.transpose([theory, mean - theory])[seen])
    assert left.get_xlim() == left.get_ylim() == right.get_xlim() == (-1.1, 0.6)
    (equal,) = (line for line in left.lines if line.get_label() == "equal")
    np.testing.assert_allclose(equal.get_xdata(), equal.get_ydata())
    assert right.get_ylabel() == "networks $-$ theory"
    assert legend_texts(figure) == ["equal", *found]
    legends_are_clear(figure)


def test_the_caption_of_exponents_counts_those_that_differ():
    said = figures.caption_exponents(exponents_of_two_kinds())
    assert (
        "two layers: 1 of 2 differ by more than 5 standard errors; the median distance is 0.050, the largest 0.100"
        in said
    )
    assert "three layers: 0 of 1 differ by more than 5 standard errors; the median distance is 0.150" in said
    alone = Estimate(np.array([0.5, 0.3]), np.array([np.nan, np.nan]))
    said = figures.caption_exponents({"four layers": (alone, np.array([0.4, 0.4]))})
    assert "four layers: single networks, without errors; the median distance is 0.100" in said
