"""The five pictures of the phase diagram of rates; everything drawn is given, nothing is solved or built here.

References:
    arXiv:1906.09477, figure 1 (the phase diagram) and the theorems behind it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatterSciNotation, LogLocator

from ... import plot
from ...evidence.statistics import Estimate
from ...phases import PhaseDiagram
from ...results import Run
from .experiment import Capacity, Grid
from .phases import max_rate
from .theory import Prediction


CAPTIONS = {
    "phase_diagram": (
        "Phases of approximation by ReLU networks in the plane of r/d (smoothness over dimension) and the rate p of an "
        "error W^-p. Lines: p = r/d, up to which weights can depend continuously on the function, and p = 2r/d, beyond "
        "which nothing is possible. Points: slopes of constructed families against the part of W that grows like a "
        "size, with one standard error (smaller than most symbols). After figure 1 of arXiv:1906.09477, with "
        "measured points added."
    ),
    "depth": (
        "Depth against rate. Line: the best rate (1 + alpha) r/d at a depth L ~ W^alpha, necessary and sufficient. "
        "Points: rates in W (filled) and against the growing part of W (open), against measured depth exponents, with "
        "95 % intervals of the rate. Small networks overshoot, because their logarithmic overhead does not count yet."
    ),
    "errors": (
        "Sup-norm error against number of weights. Dashed: power laws and the exponential law of theory, drawn through "
        "the last point of each family; nothing else is fitted."
    ),
    "precision": (
        "Precision as a phase boundary. Encoding weights of 8, 24, 53 bits (including the bits that sums over N steps "
        "need), and unlimited. When the bits are used up, the rate returns from 2r to r, whatever the depth."
    ),
    "budget": (
        "Least measured error of all networks within a budget of weights W and depth L: interpolants and two-scale "
        "networks of all shapes N x M. Line: balanced weights, 6N = 14M; above it depth is no longer what is missing."
    ),
    "capacity": (
        "Least W that resolves K bumps of random signs to half their height. Lines: theory's exponents, through the "
        "last points. Measured exponents are in the legend; that of two-scale networks stays below 1/2 while a "
        "logarithm beside the growing part of W flattens small K."
    ),
}
LABELS = {"weights": "weights $W$", "error": r"error $\|f-f_W\|_\infty$"}


def phase_diagram(diagram: PhaseDiagram, measured: Mapping[str, Sequence[Run]], *, ax: Axes | None = None) -> Figure:
    """The plane of $r/d$ and p with measured rates on its lines.

    Args:
        diagram: of `approximation.phase_diagram`.
        measured: runs of single points, by what they are.
        ax: axes to draw on; a new figure unless given.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> from grokjax.systems.approximation import figures
        >>> run = ap.simulate(ap.Approximation(target="kink"), sizes=[8, 16, 32])
        >>> diagram = ap.phase_diagram(jnp.linspace(0.1, 3.0, 5), jnp.linspace(0.1, 6.0, 4))
        >>> ax = figures.phase_diagram(diagram, {"digits in weights": [run]}).axes[0]
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('$r/d$', 'rate $p$')
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=3.0, axes=ax)
        ratios, rates = (np.asarray(values) for values in diagram.axes.values())
        names = [name for name in diagram.phases if not name.startswith("boundary")]
        labels = np.asarray(diagram.labels)
        index = np.array([names.index(n) if n in names else names.index(_inner(n)) for n in diagram.phases])
        plot.draw_phases(ax, ratios, rates, index[labels].T, names)
        legend = ax.get_legend()
        if legend is not None:
            legend.remove()
        reach = np.array([0.0, ratios[-1]])
        ax.plot(reach, reach, "-", color="black")
        ax.plot(reach, 2 * reach, "--", color="black")
        for name, x, y in (("shallow\ncontinuous", 0.82, 0.27), ("deep discontinuous", 0.8, 0.6)):
            ax.annotate(name, (x * ratios[-1], y * rates[-1]), fontsize=7, ha="center", va="center")
        ax.annotate("infeasible", (0.2 * ratios[-1], 0.78 * rates[-1]), fontsize=7, ha="center")
        for position, (name, runs) in enumerate(measured.items()):
            x = [float(run.system.order) / float(run.system.dim) for run in runs]
            y = Estimate(*(np.array([_of(run, part) for run in runs]) for part in ("mean", "error")))
            plot.draw_experiment(ax, x, y, index=position, label=name)
        ax.set(xlabel="$r/d$", ylabel="rate $p$", xlim=(0, ratios[-1]), ylim=(0, rates[-1]))
        lines = [ax.plot([], [], style, color="black", label=text)[0] for style, text in _BORDERS]
        handles, _ = ax.get_legend_handles_labels()
        plot.legend_below(ax, dict.fromkeys([*handles, *lines]), columns=2)
    return figure


_BORDERS = (("-", "$p=r/d$"), ("--", "$p=2r/d$"))


def _inner(name: str) -> str:
    return "shallow continuous" if name.endswith(" r/d") else "deep discontinuous"


def _of(run: Run, part: str) -> float:
    return float(getattr(run.growing_rate, part))


def caption_phase_diagram(measured: Mapping[str, Sequence[Run]]) -> str:
    """What `phase_diagram` shows, and which point is furthest from its line.

    Args:
        measured: runs of single points, by what they are.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> from grokjax.systems.approximation import figures
        >>> run = ap.simulate(ap.Approximation(target="kink"), sizes=[8, 16, 32])
        >>> figures.caption_phase_diagram({"digits in weights": [run]}).split(". ")[-1]
        'Furthest from its line: digits in weights at r/d = 1, rate 1.86 where 2 is predicted.'
    """
    found = []
    for name, runs in measured.items():
        for run in runs:
            order, dim, alpha = (float(getattr(run.system, field)) for field in ("order", "dim", "depth_exponent"))
            found.append((name, order / dim, _of(run, "mean"), float(max_rate(alpha, order, dim))))
    name, ratio, rate, expected = max(found, key=lambda each: abs(each[2] / each[3] - 1))
    furthest = f"{name} at r/d = {ratio:g}, rate {rate:.3g} where {expected:g} is predicted"
    return f"{CAPTIONS['phase_diagram']} Furthest from its line: {furthest}."


def depth(curve: Prediction, runs: Mapping[str, Run], *, ax: Axes | None = None) -> Figure:
    """The plane of depth exponent and rate: the line $1 + \\alpha$ with measured slopes on it.

    Args:
        curve: a prediction along a grid of depth exponents.
        runs: sweeps over `depth_exponent`, by the name of their target.
        ax: axes to draw on; a new figure unless given.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> from grokjax.systems.approximation import figures
        >>> system = ap.Approximation(target="kink", depth_exponent=jnp.array([0.0, 0.5, 1.0]))
        >>> run = ap.simulate(system, sizes=[8, 16, 32])
        >>> print(figures.depth(ap.predict(system), {"kink": run}).axes[0].lines[0].get_label())
        theory, $1+\\alpha$
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.9, axes=ax)
        ratio = float(np.ravel(curve.rate)[0])
        plot.draw_theory(ax, curve.depth_exponent, np.asarray(curve.rate) / ratio, index=6, label=r"theory, $1+\alpha$")
        for position, (name, run) in enumerate(runs.items()):
            c = float(run.system.order) / float(run.system.dim)
            alpha = run.depth_exponent.mean
            reach = (run.rate_interval[..., 1] - run.rate_interval[..., 0]) / 2
            plot.draw_experiment(ax, alpha, Estimate(run.rate.mean / c, reach / c), index=position, label=name)
            ax.plot(
                alpha, run.growing_rate.mean / c, plot.MARKERS[position], color=plot.COLOURS[position],
                markerfacecolor="white", label=f"{name}, growing part of $W$",
            )  # fmt: skip
        ax.set(xlabel=r"depth exponent $\alpha$, measured", ylabel="rate $p\\,d/r$", xlim=(-0.05, 1.05))
        ax.legend(loc="upper left")
    return figure


def errors(runs: Mapping[str, Run], predictions: Mapping[str, Prediction], *, ax: Axes | None = None) -> Figure:
    """Error against weights for families of different phases.

    Args:
        runs: of single points, by name.
        predictions: theory of the same systems; a dashed line through the last point has its slope.
        ax: axes to draw on; a new figure unless given.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> from grokjax.systems.approximation import figures
        >>> run = ap.simulate(ap.Approximation(target="kink"), sizes=[8, 16, 32])
        >>> ax = figures.errors({"two-scale": run}, {"two-scale": ap.predict(run.system)}).axes[0]
        >>> bool((ax.lines[0].get_ydata() == run.errors).all()), ax.texts[0].get_text()
        (True, '$W^{-2}$')
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.9, axes=ax)
        for position, (name, run) in enumerate(runs.items()):
            weights, found = np.asarray(run.num_weights), np.asarray(run.errors)
            ax.plot(weights, found, plot.MARKERS[position], color=plot.COLOURS[position], label=name)
            rate = float(predictions[name].rate)
            line = np.geomspace(weights[0], weights[-1], 50)
            if np.isfinite(rate):
                law, text = found[-1] * (line / weights[-1]) ** -rate, rf"$W^{{-{rate:g}}}$"
            else:
                c = np.log(found[0] / found[-1]) / (weights[-1] - weights[0])
                law, text = found[-1] * np.exp(-c * (line - weights[-1])), "$e^{-cW}$"
            ax.plot(line, law, "--", color=plot.COLOURS[position], linewidth=0.9)
            ax.annotate(
                text, (line[-1], law[-1]), xytext=(5, 0), textcoords="offset points", fontsize=7, va="center",
                color=plot.COLOURS[position],
            )  # fmt: skip
        ax.set(xscale="log", yscale="log", xlabel=LABELS["weights"], ylabel=LABELS["error"])
        ax.set_xlim(right=ax.get_xlim()[1] * 1.6)
        _label_logs(ax.xaxis, ax.yaxis)
        plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure


def precision(runs: Mapping[str, Run], *, ax: Axes | None = None) -> Figure:
    """Error against weights for encoding weights of few and of many bits.

    Args:
        runs: of single points, by the name of their precision.
        ax: axes to draw on; a new figure unless given.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> from grokjax.systems.approximation import figures
        >>> run = ap.simulate(ap.Approximation(target="kink"), sizes=[8, 16, 32])
        >>> ax = figures.precision({"unlimited": run}).axes[0]
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['unlimited', 'slope $-1$', 'slope $-2$']
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.9, axes=ax)
        for position, (name, run) in enumerate(runs.items()):
            ax.plot(
                run.num_weights, run.errors, marker=plot.MARKERS[position], color=plot.COLOURS[position], label=name,
                linewidth=0.9,
            )  # fmt: skip
        deepest = list(runs.values())[-1]
        corner, order = np.array([deepest.num_weights[0], deepest.errors[0]]), float(deepest.system.order)
        widest = max(float(run.num_weights[-1]) for run in runs.values())
        line = np.geomspace(corner[0], widest, 20)
        for exponent, style in ((order, ":"), (2 * order, "--")):
            law = 0.6 * corner[1] * (line / corner[0]) ** -exponent
            ax.plot(line, law, style, color="0.35", linewidth=0.9, label=f"slope $-{exponent:g}$")
        ax.set(xscale="log", yscale="log", xlabel=LABELS["weights"], ylabel=LABELS["error"])
        ax.set_ylim(bottom=0.5 * min(float(np.min(run.errors)) for run in runs.values()))
        _label_logs(ax.xaxis, ax.yaxis)
        plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure


def budget(grid: Grid, *, size: int = 60, ax: Axes | None = None) -> Figure:
    """Least error within budgets of weights and depth.

    Args:
        grid: of `approximation.grid`.
        size: cells along an axis.
        ax: axes to draw on; a new figure unless given.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> from grokjax.systems.approximation import figures
        >>> found = ap.grid(ap.Approximation(), coarse=[4, 8], fine=[2, 4])
        >>> figures.budget(found).axes[0].get_xlabel()
        'weights, at most $W$'
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.8, axes=ax)
        weights = np.geomspace(grid.num_weights.min(), grid.num_weights.max(), size)
        depths = np.geomspace(2, grid.depths.max(), size)
        least = grid.best(weights[None, :], depths[:, None])
        mesh = ax.pcolormesh(weights, depths, least, norm=LogNorm(), cmap="viridis", rasterized=True, shading="nearest")
        figure.colorbar(mesh, ax=ax, label="least error")
        ax.plot(weights, 3 * weights / 28 + 6, "--", color="white", label="$6N=14M$")
        ax.set(xscale="log", yscale="log", xlabel=r"weights, at most $W$", ylabel=r"depth, at most $L$")
        ax.set(xlim=(weights[0], weights[-1]), ylim=(depths[0], depths[-1]))
        _label_logs(ax.xaxis, ax.yaxis)
        ax.legend(loc="lower right", labelcolor="white")  # the dark corner
    return figure


def capacity(measured: Mapping[str, tuple[Capacity, float]], *, ax: Axes | None = None) -> Figure:
    """Least weights against number of bumps.

    Args:
        measured: by name, what was found and theory's exponent.
        ax: axes to draw on; a new figure unless given.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> from grokjax.systems.approximation import figures
        >>> found = ap.capacity([32, 128, 512])
        >>> ax = figures.capacity({"two-scale": (found, 0.5)}).axes[0]
        >>> ax.lines[0].get_ydata().tolist() == found.num_weights.tolist()
        True
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.7, axes=ax)
        for position, (name, (found, exponent)) in enumerate(measured.items()):
            count, least = np.asarray(found.num_bumps, float), np.asarray(found.num_weights, float)
            label = f"{name}: $K^{{{float(found.exponent.mean):.2f}}}$"
            ax.plot(count, least, plot.MARKERS[position], color=plot.COLOURS[position], label=label)
            law = least[-1] * (count / count[-1]) ** exponent
            ax.plot(
                count, law, "--", color=plot.COLOURS[position], linewidth=0.9, label=f"theory: $K^{{{exponent:g}}}$"
            )
        ax.set(xscale="log", yscale="log", xlabel="bumps $K$", ylabel="least weights $W$")
        _label_logs(ax.xaxis, ax.yaxis)
        ax.legend(loc="upper left")
    return figure


def _label_logs(*log_axes: Any) -> None:
    """Labels at 1 and 3 of each decade, or at 1, 2 and 5, where an axis shows few of them."""
    for axis in log_axes:
        low, high = axis.get_view_interval()
        if high > 1e3 * low:
            continue
        axis.set_major_locator(LogLocator(subs=(1.0, 3.0) if high > 30 * low else (1.0, 2.0, 5.0)))
        axis.set_major_formatter(LogFormatterSciNotation(labelOnlyBase=False, minor_thresholds=(np.inf, np.inf)))
