"""Figures along a line: slices through the square, and the loop of the population theory. Nothing is solved here.

References:
    arXiv:2306.16717, figure 3.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .... import plot
from ....evidence.statistics import Estimate, is_estimate
from ....theory.continuation import Continuation
from ..theory import Mode
from ._axes import odds, odds_ticks, panels
from .squares import LOWEST, METRICS


def figure_3(
    theory: Mapping[str, tuple[Any, Any]], networks: tuple[Any, Any] | None = None, *, collapse: float | None = None
) -> Figure:
    r"""Slices along a line through the square: errors, energies, and the likelihood of held-out samples.

    Args:
        theory: by name, the points t of a line and the predictions there; the first is drawn solid, others dashed.
            Points that have collapsed are not drawn.
        networks: t and the run there.
        collapse: t at which the diagonal meets the collapse.
    """
    groups = (("mse", "sd_mse"), ("mean_energy", "precision_energy"), ("test_nll",))
    titles = {**METRICS, "test_nll": "negative log likelihood, held out"}
    with plot.style():
        figure, axes = plot.subplots(1, 3, width="page", height=3.5)
        for letter, ax, names in zip("abc", axes, groups, strict=True):
            for index, name in enumerate(names):
                for line, (t, found) in zip(("-", "--", "-."), theory.values(), strict=False):
                    held = np.asarray(found.converged)
                    values = np.where(held, _metric(found, name)[0], np.nan)
                    plot.draw_theory(ax, odds(t), values, index=index, line=line)
                    _star(ax, odds(t), values, index, name)
                if networks is not None:
                    mean, error = _metric(networks[1], name)
                    plot.draw_experiment(ax, odds(networks[0]), Estimate(mean, error), index=index)
            if names != ("test_nll",):
                ax.set_yscale("log")
            if "mean_energy" in names:
                ax.set_ylim(bottom=LOWEST)
            if collapse is not None:
                plot.draw_transition(ax, float(odds(collapse)))
            keys = [Line2D([], [], color=plot.COLOURS[i], label=titles[name]) for i, name in enumerate(names)]
            if letter == "c":
                keys += [
                    Line2D([], [], color="0.3", linestyle=line, label=name)
                    for line, name in zip(("-", "--", "-."), theory, strict=False)
                ]
                keys.append(Line2D([], [], color="0.3", marker="*", linestyle="", label="minimum"))
                if networks is not None:
                    keys.append(Line2D([], [], color="0.3", marker="o", linestyle="", label="networks"))
                if collapse is not None:
                    keys.append(Line2D([], [], color="0.35", linestyle=":", label="collapse of the field theory"))
                seen = [line.get_ydata() for line in ax.lines if np.size(line.get_ydata()) > 2]
                low = min(np.nanmin(np.asarray(each, float)) for each in seen)
                ax.set_ylim(low - 0.1, low + 1.5)
            odds_ticks(ax.xaxis)
            ax.set_xlabel("position $t$ on the line")
            plot.legend_below(ax, keys)
            plot.label_panel(ax, letter)
    return figure


def caption_3(data: Any) -> str:
    """What figure 3 shows, in words."""
    return (
        f"After figure 3 of arXiv:2306.16717 on {data.name!r}, n = {data.num_samples}: along a line through the square "
        "(the diagonal is rho = t, gamma = 1 - t). (a) Errors of mean and standard deviation on training samples; (b) "
        "Dirichlet energies; (c) likelihood of held-out samples. Lines: field theory, drawn where its fit has not "
        "collapsed; points: networks, one standard error over seeds; stars: minima of the theory. Nothing is fitted."
    )


def hysteresis(way: Continuation, mode: Mode, true_energy: float, *, ax: Axes | None = None) -> Figure:
    r"""The loop of the population theory: the fitted amplitude as $\alpha$ falls and rises again.

    Args:
        way: the population theory followed along falling $\alpha$ and back.
        mode: the exact theory of one mode.
        true_energy: $D(m)$ of the truth, the energy of a full fit.
        ax: to draw on; a figure of a column's width unless given.
    """
    with plot.style():
        figure, (ax,) = panels(None if ax is None else [ax], 1, 1, width="column", height=2.7)
        assert ax is not None
        z = np.geomspace(1e-2, 1e3, 600)
        exact = np.asarray(mode.alpha(z)), np.asarray(mode.amplitude(z))
        ax.plot(*exact, color="0.75", linewidth=3, label="exact, one mode", zorder=0)
        for index, (label, branch, style) in enumerate(
            (("lattice, falling $\\alpha$", way.up, "-"), ("lattice, rising $\\alpha$", way.down, "--"))
        ):
            amplitude = np.sqrt(np.asarray(branch.solution.order_parameters.mean_energy) / true_energy)
            plot.draw_theory(ax, way.values, amplitude, index=index, label=label, line=style)
        for index, spinodal in enumerate(np.asarray(mode.spinodals)):
            plot.draw_transition(ax, spinodal, None if index else "spinodals")
        ax.set(xscale="log", xlabel=r"regularisation of the mean $\alpha$", ylabel="fitted share of the true mean")
        ax.set_xlim(float(np.min(way.values)), float(np.max(way.values)))
        ax.set_ylim(0, 1.02)
        ticks = [t for t in (0.006, 0.008, 0.01, 0.015, 0.02, 0.03) if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]]
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure


def caption_hysteresis(mode: Mode, num_samples: int) -> str:
    """What the loop shows, in words.

    Args:
        mode: the exact theory of one mode.
        num_samples: sites of the lattice.
    """
    low, high = (float(x) for x in mode.spinodals)
    return (
        f"Population theory of one mode at signal-to-noise ratio {float(mode.signal / mode.noise):g} on {num_samples} "
        f"sites, beta = infinity. Beyond a ratio of 27 the fit sets in at a jump: spinodals at alpha = {low:.6f} and "
        f"{high:.6f} (dotted). The lattice's solver, begun from its neighbour, jumps there."
    )


def _metric(found: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    value = found.order_parameters
    value = getattr(value.test, name.removeprefix("test_")) if name.startswith("test_") else getattr(value, name)
    if is_estimate(value):
        return np.asarray(value.mean, float), np.asarray(value.error, float)
    return np.asarray(value, float), np.zeros(np.shape(value))


def _star(ax: Axes, x: np.ndarray, values: np.ndarray, index: int, name: str) -> None:
    if not name.endswith("energy") and np.isfinite(values).any():
        best = int(np.nanargmin(values))
        ax.plot(x[best], values[best], "*", color=plot.COLOURS[index], markersize=9, markeredgecolor="white", zorder=4)
