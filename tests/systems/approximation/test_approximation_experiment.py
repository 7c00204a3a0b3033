"""Slopes against predicted exponents, in both variables; figures read back."""

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest

import grokjax
from grokjax import io
from grokjax.evidence import power_law
from grokjax.results import Run
from grokjax.systems import approximation as ap
from grokjax.systems.approximation import experiment, families, figures


@pytest.fixture(scope="module")
def by_depth():
    alphas = jnp.array([0.0, 0.25, 0.5, 0.75, 1.0])
    return ap.simulate(ap.Approximation(target="kink", depth_exponent=alphas))


def test_depth_buys_rate(by_depth):
    """At the default sizes, which differ from point to point; 0.15 allows for the logarithms of small networks."""
    assert isinstance(by_depth, Run)
    theory = ap.predict(by_depth.system)
    assert by_depth.errors.shape == (5, 6)
    assert abs(float(by_depth.rate.mean[0]) - 1) < 0.01
    np.testing.assert_allclose(by_depth.rate.mean, theory.rate, atol=0.15)
    np.testing.assert_allclose(by_depth.depth_exponent.mean, theory.depth_exponent, atol=0.15)
    np.testing.assert_allclose(by_depth.growing_rate.mean, theory.rate, atol=0.1)
    np.testing.assert_allclose(by_depth.resolution_rate.mean, 1, atol=1e-9)  # the kink is exact: (4/3) h, (4/9) h
    np.testing.assert_allclose(by_depth.errors[1:] * by_depth.resolutions[1:], 4 / 3, rtol=1e-9)
    np.testing.assert_allclose(by_depth.errors[0] * by_depth.resolutions[0], 4 / 9, rtol=1e-9)


def test_one_run_prints_compares_and_is_kept(tmp_path):
    system = ap.Approximation(target="zigzag", order=1, dim=1, depth_exponent=1.0)
    run = ap.simulate(system, sizes=[64, 128, 256, 512])
    assert abs(float(run.rate.mean) - 2) < 0.15
    assert run.rate_interval[0] < run.rate.mean < run.rate_interval[1]
    assert "rate" in str(run)
    table = grokjax.compare(ap.predict(system), run)
    assert [row.name for row in table.rows] == ["rate", "depth_exponent", "growing_rate", "resolution_rate"]
    again = io.load(io.save(tmp_path / "run", run))
    np.testing.assert_array_equal(again.errors, run.errors)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("fields", "sizes", "construction", "rate"),
    [
        ({"order": 2, "target": "parabola", "depth_exponent": 0}, [16, 64, 256], "auto", 2),
        ({"order": 2, "target": "sine"}, [64, 128, 256, 512], "auto", 4),
        ({"order": 3, "target": "sine", "depth_exponent": 0}, [64, 128, 256], "auto", 3),
        (
            {"order": 3, "target": "sine", "depth_exponent": 0, "activation": "piecewise_polynomial"},
            [16, 64],
            "auto",
            3,
        ),
        ({"order": 3, "target": "sine"}, [64, 128, 256], "auto", 6),
        ({"order": 1}, [8, 16, 32, 64], "fixed_width", 2),
    ],
)
def test_rates_of_all_constructions(fields, sizes, construction, rate):
    """Against the growing part of W, within 0.3 at sizes of seconds (0.15 at the default sizes; slow test)."""
    sizes = sizes if len(sizes) > 2 else [*sizes, 2 * sizes[-1]]
    run = ap.simulate(ap.Approximation(**fields), sizes=sizes, construction=construction)
    assert abs(float(run.growing_rate.mean) - rate) < 0.3
    assert abs(float(run.resolution_rate.mean) - fields["order"]) < 0.15


def test_a_function_of_ones_own():
    run = ap.simulate(ap.Approximation(target=lambda x: np.exp(-x), order=1), sizes=[8, 16, 32])
    assert float(run.rate.mean) > 1.7


def test_dimension_two_is_shallow():
    run = ap.simulate(ap.Approximation(order=1, dim=2, depth_exponent=0), sizes=[16, 32, 64])
    assert abs(float(run.rate.mean) - 0.5) < 0.05


def test_periodic_error_falls_exponentially():
    run = ap.simulate(ap.Approximation(activation="periodic"), sizes=[2**m for m in range(3, 15)])
    slope = np.polyfit(run.num_weights, np.log(run.errors), 1)[0]
    np.testing.assert_allclose(-slope, np.log(2) / (32 + 22), rtol=1e-6)


def test_precision_leads_back_to_the_shallow_rate():
    """53 bits in float64: M = 53 - log2 N; the range W = 3.8e3 .. 2.5e4 of the specification, slope -1.05 there."""
    run = ap.simulate(ap.Approximation(weight_bits=53), sizes=[512, 1024, 2048, 4096])
    assert run.num_weights[[0, -1]].tolist() == [3761, 25241]
    assert abs(float(run.rate.mean) - 1.05) < 0.08
    free = ap.simulate(ap.Approximation(), sizes=[128, 256, 512])
    assert float(free.rate.mean) > 1.9
    few = [families.fine_cells("two_scale", 512, 1.0, 1.0, bits) for bits in (8, 24, 53)]
    assert few == [2, 15, 44]
    assert families.fine_cells("two_scale", 512, 1.0, 1.0) > 80


def test_crossover_with_interpolation_at_equal_weights():
    """Ratio of the kink's errors, (4/9)/((W-1)/3) over (4/3)/(NM): doubles with W; the table of the specification."""
    f = ap.target("kink")
    for cells, weights, ratio in (
        (64, 817, 2.1),
        (128, 1599, 4.4),
        (256, 3143, 9.0),
        (512, 6211, 18),
        (1024, 12369, 36),
    ):
        net = ap.two_scale(f, cells, round(6 * cells / 14), backend="exact")
        assert net.num_weights == weights
        if cells <= 256:
            error = ap.sup_error(net, f)
            assert error == pytest.approx(4 / 3 / net.lattice.num_nodes, rel=1e-9)
            assert abs((4 / 9) / ((weights - 1) / 3) / error - ratio) < 0.05 * ratio


def test_capacity():
    deep, flat = ap.capacity([32, 128, 512]), ap.capacity([32, 128, 512], "interpolant")
    assert deep.num_weights.tolist() == [195, 353, 663]
    assert deep.num_growing.tolist() == [152, 304, 608]  # 6N + 14M with NM = 2K: doubles with 4K, exactly
    assert float(deep.growing_exponent.mean) == pytest.approx(0.5, abs=1e-12)
    assert 0.4 < float(deep.exponent.mean) < 0.5  # 6 log2 N + 19 beside it
    assert abs(float(flat.exponent.mean) - 1) < 0.01


def test_quantiles():
    assert experiment.student_quantile(4) == pytest.approx(2.776445, abs=1e-5)
    assert experiment.student_quantile(1) == pytest.approx(12.7062, abs=1e-3)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("fields", "construction", "rate"),
    [
        ({"target": "zigzag"}, "auto", 2),
        ({"order": 0.5, "target": "weierstrass"}, "auto", 1),
        ({"order": 2, "target": "sine"}, "auto", 4),
        ({"order": 2, "target": "rough"}, "auto", 4),
        ({"order": 3, "target": "sine"}, "auto", 6),
    ],
)
def test_slopes_at_the_default_sizes(fields, construction, rate):
    run = ap.simulate(ap.Approximation(**fields), construction=construction, num_seeds=2 if "order" in fields else 1)
    judged = run.growing_rate if rate == 6 else run.rate  # r = 3 has thousands of weights in products: logarithms
    assert abs(float(judged.mean) - rate) < 0.15


def test_between_the_depths_the_slope_is_that_of_the_counts():
    """The limit is (1+alpha) r = 4.5; here decoders, which grow like N^(1/2), have a good part of the growing weights.

    So the rate in W is r d(ln NM)/d(ln W) of the counts, and these tend to 1 + alpha where nobody can measure.
    """
    run = ap.simulate(ap.Approximation(order=3, target="sine", depth_exponent=0.5))
    assert abs(float(run.resolution_rate.mean) - 3) < 0.15
    assert float(run.growing_rate.mean) == pytest.approx(3 * slope_of_counts(run.resolutions), abs=0.15)


def slope_of_counts(resolutions):
    """Slope of ln NM in ln W, W = 22N + 98M for r = 3, with the fine cells of the family at alpha = 1/2."""
    coarse = [2**k for k in range(1, 60)]
    fine = {n: families.fine_cells("taylor_code", n, 3.0, 0.5) for n in coarse}
    chosen = [n for n in coarse if n * fine[n] in np.asarray(resolutions).tolist()]
    assert len(chosen) == len(resolutions)
    weights = [22 * n + 98 * fine[n] for n in chosen]
    return float(power_law(np.array(weights, float), np.array(resolutions, float)).exponent.mean)


def test_counts_tend_to_the_exponent_of_depth():
    large = [2**k * families.fine_cells("taylor_code", 2**k, 3.0, 0.5) for k in range(40, 56, 4)]
    assert abs(slope_of_counts(large) - 1.5) < 1e-3


@pytest.fixture(scope="module")
def families_of_two_phases():
    sizes = [16, 32, 64]
    return {
        "shallow": ap.simulate(ap.Approximation(depth_exponent=0), sizes=sizes),
        "deep": ap.simulate(ap.Approximation(), sizes=sizes),
    }


def test_the_phase_diagram_as_drawn(families_of_two_phases, legend_texts, legends_are_clear):
    runs = {name: [run] for name, run in families_of_two_phases.items()}
    diagram = ap.phase_diagram(jnp.linspace(0.1, 2, 20), jnp.linspace(0.1, 4, 20))
    ax = figures.phase_diagram(diagram, runs).axes[0]
    borders = [line for line in ax.lines if len(line.get_xdata()) == 2]
    assert [line.get_ydata()[1] / line.get_xdata()[1] for line in borders] == [1, 2]
    points = [bars.lines[0].get_xydata()[0] for bars in ax.containers]
    np.testing.assert_allclose(points, [(1, run.growing_rate.mean) for run in families_of_two_phases.values()])
    assert set(legend_texts(ax)) == {"shallow", "deep", "$p=r/d$", "$p=2r/d$"}
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xlim(), ax.get_ylim()) == ("$r/d$", "rate $p$", (0, 2), (0, 4))
    legends_are_clear(ax)
    furthest = figures.caption_phase_diagram(runs)
    assert furthest.startswith(figures.CAPTIONS["phase_diagram"])
    assert f"deep at r/d = 1, rate {float(families_of_two_phases['deep'].growing_rate.mean):.3g} where 2" in furthest


def test_depth_as_drawn(by_depth, legends_are_clear):
    curve = ap.predict(ap.Approximation(depth_exponent=jnp.linspace(0, 1, 5)))
    figure, ax = plt.subplots()
    assert figures.depth(curve, {"kink": by_depth}, ax=ax) is figure
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 1 + np.linspace(0, 1, 5))
    drawn = {line.get_label(): line for line in ax.lines}
    growing = drawn["kink, growing part of $W$"]
    np.testing.assert_array_equal(growing.get_xdata(), by_depth.depth_exponent.mean)
    np.testing.assert_array_equal(growing.get_ydata(), by_depth.growing_rate.mean)
    (bars,) = ax.containers
    np.testing.assert_allclose(bars.lines[0].get_ydata(), by_depth.rate.mean)
    reach = np.array([np.ptp(segment[:, 1]) for segment in bars.lines[2][0].get_segments()])
    np.testing.assert_allclose(reach, np.diff(by_depth.rate_interval, axis=1)[:, 0])
    assert ax.get_xlim() == (-0.05, 1.05)
    assert "measured" in ax.get_xlabel()
    legends_are_clear(ax, inside=True)


def test_errors_as_drawn(families_of_two_phases, legend_texts, legends_are_clear):
    runs = families_of_two_phases
    ax = figures.errors(runs, {name: ap.predict(run.system) for name, run in runs.items()}).axes[0]
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), runs["shallow"].num_weights)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), runs["shallow"].errors)
    dashed = ax.lines[3]
    slope = np.diff(np.log(dashed.get_ydata()[[0, -1]])) / np.diff(np.log(dashed.get_xdata()[[0, -1]]))
    np.testing.assert_allclose(slope, -2)
    assert [text.get_text() for text in ax.texts] == ["$W^{-1}$", "$W^{-2}$"]
    assert legend_texts(ax) == ["shallow", "deep"]
    assert (ax.get_xscale(), ax.get_yscale()) == ("log", "log")
    legends_are_clear(ax)
    lookup = ap.simulate(ap.Approximation(activation="periodic"), sizes=[8, 16, 32])
    (ax,) = figures.errors({"look-up": lookup}, {"look-up": ap.predict(lookup.system)}).axes
    assert ax.texts[0].get_text() == "$e^{-cW}$"
    np.testing.assert_allclose(ax.lines[1].get_ydata()[[0, -1]], lookup.errors[[0, -1]])


def test_precision_as_drawn(families_of_two_phases, legend_texts, legends_are_clear):
    ax = figures.precision({"8 bits": families_of_two_phases["shallow"], "unlimited": families_of_two_phases["deep"]})
    ax = ax.axes[0]
    assert legend_texts(ax) == ["8 bits", "unlimited", "slope $-1$", "slope $-2$"]
    np.testing.assert_array_equal(ax.lines[1].get_ydata(), families_of_two_phases["deep"].errors)
    for line, slope in zip(ax.lines[2:], (-1, -2), strict=True):
        found = np.diff(np.log(line.get_ydata()[[0, -1]])) / np.diff(np.log(line.get_xdata()[[0, -1]]))
        np.testing.assert_allclose(found, slope)
    legends_are_clear(ax)


def test_budget_and_capacity_as_drawn(legend_texts, legends_are_clear):
    grid = ap.grid(ap.Approximation(), [4, 8, 16], [2, 4])
    figure = figures.budget(grid, size=20)
    ax, bar = figure.axes
    mesh = ax.collections[0].get_array()
    assert np.ma.compressed(mesh).min() == grid.errors.min()
    assert (np.diff(np.ma.filled(mesh, np.inf).reshape(20, 20)[-1]) <= 0).all()
    assert (bar.get_ylabel(), legend_texts(ax)) == ("least error", ["$6N=14M$"])
    np.testing.assert_allclose(ax.get_xlim(), [grid.num_weights.min(), grid.num_weights.max()])
    np.testing.assert_allclose(ax.get_ylim(), [2, grid.depths.max()])

    found = ap.capacity([8, 16, 32, 64])
    ax = figures.capacity({"two-scale": (found, 0.5)}).axes[0]
    np.testing.assert_array_equal(ax.lines[0].get_xdata(), found.num_bumps)
    np.testing.assert_array_equal(ax.lines[0].get_ydata(), found.num_weights)
    law = ax.lines[1].get_ydata()
    np.testing.assert_allclose(law / law[-1], np.sqrt(np.asarray(found.num_bumps) / 64))
    assert legend_texts(ax) == [f"two-scale: $K^{{{float(found.exponent.mean):.2f}}}$", "theory: $K^{0.5}$"]
    legends_are_clear(ax, inside=True)


def test_logarithmic_axes_are_labelled(tick_labels):
    """At the sizes of the example, three numbers on each axis at least."""
    run = ap.simulate(ap.Approximation(), sizes=[32, 64, 128, 256, 512])
    found = ap.capacity([32, 128, 512, 2048])
    for figure in (
        figures.errors({"deep": run}, {"deep": ap.predict(run.system)}),
        figures.precision({"unlimited": run}),
        figures.capacity({"two-scale": (found, 0.5)}),
        figures.budget(ap.grid(ap.Approximation(), [4, 8, 16, 32], [2, 5, 13, 34])),
    ):
        for axis in (figure.axes[0].xaxis, figure.axes[0].yaxis):
            assert len(tick_labels(axis)) >= 3, (figure.axes[0].get_ylabel(), tick_labels(axis))


def test_every_figure_has_a_caption():
    drawn = {name for name, each in vars(figures).items() if getattr(each, "__module__", "") == figures.__name__}
    drawn = {name for name in drawn if not name.startswith(("_", "caption"))}
    assert set(figures.CAPTIONS) == drawn
    assert all(len(words) > 100 for words in figures.CAPTIONS.values())


@pytest.mark.parametrize(
    ("call", "name"),
    [
        (lambda: ap.simulate(ap.Approximation(), sizes=[8, 16]), "sizes"),
        (lambda: ap.simulate(ap.Approximation(), sizes=[1, 8, 16]), "sizes"),
        (lambda: ap.simulate(ap.Approximation(), construction="deep"), "construction"),
        (lambda: ap.simulate(ap.Approximation(dim=2)), "dim"),
        (lambda: ap.simulate(ap.Approximation(activation="piecewise_polynomial")), "depth_exponent"),
        (lambda: ap.simulate(ap.Approximation(target=lambda x: x / 0 * np.inf), sizes=[4, 8, 16]), "f"),
        (lambda: ap.capacity([4, 8], "taylor"), "construction"),
        (lambda: ap.grid(ap.Approximation(order=2.0), [4], [2]), "order"),
    ],
)
def test_bad_input(call, name):
    with pytest.raises(ValueError, match=f"`{name}`"), np.errstate(all="ignore"):
        call()
