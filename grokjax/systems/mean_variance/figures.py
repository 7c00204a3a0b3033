"""The published diagrams and slices, theory and networks side by side. All that is drawn is given; nothing is solved.

References:
    arXiv:2306.16717, figures 1, 2 and 3.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from ... import plot
from ...evidence.statistics import Estimate, is_estimate
from ...phases import PhaseDiagram
from ...theory.continuation import Continuation
from .theory import Mode, iso_alpha, iso_beta


METRICS = {
    "mse": r"$\langle r^2\rangle$",
    "sd_mse": r"$\langle(\Lambda^{-1/2}-|r|)^2\rangle$",
    "mean_energy": r"$\int p\,|\nabla\mu|^2$",
    "precision_energy": r"$\int p\,|\nabla\Lambda|^2$",
}
LOWEST = 1e-6  # what is below it counts as flat, and has its colour
RHO, GAMMA = r"weight of the likelihood $\rho$", r"mean's share $\gamma$"
NETWORK_PHASES = ("U$_\\mathrm{I}$", "U$_\\mathrm{II}$", "S", "O$_\\mathrm{I}$", "O$_\\mathrm{II}$")


class Square:
    """Order parameters over the square, from either road.

    Attributes:
        rho: values of the horizontal axis.
        gamma: values of the vertical axis.
        order_parameters: arrays or estimates of shape (rho, gamma).
        collapsed: which cells to hatch.
    """

    def __init__(self, rho: Any, gamma: Any, order_parameters: Any, collapsed: Any = None):
        self.rho, self.gamma = np.asarray(rho, float), np.asarray(gamma, float)
        self.order_parameters = order_parameters
        shape = (self.rho.size, self.gamma.size)
        self.collapsed = np.zeros(shape, bool) if collapsed is None else np.asarray(collapsed)

    @classmethod
    def of(cls, diagram: PhaseDiagram) -> "Square":
        """Of the theory's diagram over rho and gamma."""
        return cls(diagram.axes["rho"], diagram.axes["gamma"], diagram.order_parameters, diagram.collapsed)

    def values(self, name: str) -> np.ndarray:
        """One order parameter, or its mean over networks."""
        value = getattr(self.order_parameters, name)
        return np.asarray(value.mean if is_estimate(value) else value, float)


def figure_2(
    squares: Mapping[str, Square], *, alpha: float | None = None, axes: Sequence[Axes] | None = None
) -> Figure:
    r"""The published heat maps: one row for each road, one column for each metric, colours shared by the column.

    Args:
        squares: by the name of their row, such as "theory" and "networks".
        alpha: $\alpha_c$, whose curve is drawn on top.
        axes: to draw on, row by row; a figure of a page's width unless given.
    """
    with plot.style():
        shape = (len(squares), len(METRICS))
        figure, panels = _panels(axes, *shape, height=1.75)
        grid = np.array(panels, dtype=object).reshape(shape)
        for column, (name, label) in enumerate(METRICS.items()):
            logs = [np.log10(np.maximum(square.values(name), LOWEST)) for square in squares.values()]
            limits = (
                np.log10(LOWEST),
                max(np.max(log[~s.collapsed]) for log, s in zip(logs, squares.values(), strict=True)),
            )
            for row, (title, square) in enumerate(squares.items()):
                ax = grid[row, column]
                image = _heat(ax, square, logs[row], limits)
                _collapse_line(ax, alpha)
                ax.set_xlabel(RHO if row == shape[0] - 1 else "")
                ax.set_ylabel(f"{title}\n{GAMMA}" if column == 0 else "")
                plot.label_panel(ax, "abcdefghijkl"[row * shape[1] + column])
                if row == 0:
                    ax.set_title(label)
            figure.colorbar(
                image, ax=list(grid[:, column]), location="bottom", label=r"$\log_{10}$", shrink=0.9, pad=0.03
            )
        _key(figure, alpha)
    return figure


def caption_2(data: Any, members: int | None = None, steps: int | None = None) -> str:
    """What figure 2 shows, in words.

    Args:
        data: what was learned.
        members: networks per cell.
        steps: of training.
    """
    trained = "" if members is None else f" Networks: {members} seeds per cell, {steps} steps, mean over seeds."
    return (
        f"After figure 2 of arXiv:2306.16717 on {data.name!r} with n = {data.num_samples} samples: error of the mean, "
        "error of the standard deviation, and Dirichlet energies of mean and precision, on training samples. Hatched: "
        "collapsed fits, whose precision diverges. Line: the exact threshold of the field theory at infinite beta, "
        f"gamma = alpha_c rho / (1 - rho). Values below {LOWEST:g} have the darkest colour.{trained}"
    )


def figure_1(diagram: PhaseDiagram, borders: Any, *, ax: Axes | None = None) -> Figure:
    """The phases, computed, with their analytic borders.

    Args:
        diagram: over rho and gamma.
        borders: of `borders(system)`.
        ax: to draw on; a figure of a column's width unless given.
    """
    square = Square.of(diagram)
    with plot.style():
        figure, (ax,) = _panels(None if ax is None else [ax], 1, 1, width="column", height=2.9)
        labels = np.asarray(diagram.labels).T
        handles = plot.draw_phases(ax, _logit(square.rho), _logit(square.gamma), labels, NETWORK_PHASES)
        lines = {
            r"$\alpha_c$, collapse": (iso_alpha, borders.collapse, "-"),
            "mean fits 5 %": (iso_alpha, borders.fit, "--"),
            "precision adapts by 5 %": (iso_beta, borders.adapt, ":"),
        }
        for label, (curve, strength, style) in lines.items():
            handles.append(_curve(ax, curve, float(strength), style, label))
        _logit_axes(ax)
        ax.set(xlabel=RHO, ylabel=GAMMA)
        plot.legend_below(ax, handles, columns=2)
    return figure


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
        figure, axes = plot.subplots(1, 3, width="page", height=3.0)
        for letter, ax, names in zip("abc", axes, groups, strict=True):
            for index, name in enumerate(names):
                for line, (t, found) in zip(("-", "--", "-."), theory.values(), strict=False):
                    held = np.asarray(found.converged)
                    values = np.where(held, _metric(found, name)[0], np.nan)
                    plot.draw_theory(ax, _logit(t), values, index=index, line=line)
                    _star(ax, _logit(t), values, index, name)
                if networks is not None:
                    mean, error = _metric(networks[1], name)
                    plot.draw_experiment(ax, _logit(networks[0]), Estimate(mean, error), index=index)
            if names != ("test_nll",):
                ax.set_yscale("log")
            if "mean_energy" in names:
                ax.set_ylim(bottom=LOWEST)
            if collapse is not None:
                plot.draw_transition(ax, float(_logit(collapse)))
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
                seen = [line.get_ydata() for line in ax.lines if len(line.get_ydata()) > 2]
                low = min(np.nanmin(np.asarray(each, float)) for each in seen)
                ax.set_ylim(low - 0.1, low + 1.5)
            _logit_ticks(ax.xaxis)
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
        figure, (ax,) = _panels(None if ax is None else [ax], 1, 1, width="column", height=2.7)
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


def spread_map(square: Square, spread: Any, *, alpha: float | None = None) -> Figure:
    r"""Standard deviation over seeds across the square: the paper's substantial variability.

    Args:
        square: of the networks.
        spread: of `seed_spread(run)`.
        alpha: $\alpha_c$, whose curve is drawn on top.
    """
    names = {**METRICS, "population_nll": "expected NLL"}
    names = {name: label for name, label in names.items() if getattr(spread, name) is not None}
    with plot.style():
        figure, axes = plot.subplots(1, len(names), width="page", height=2.3)
        for letter, ax, (name, label) in zip("abcdef", axes, names.items(), strict=False):
            logs = np.log10(np.maximum(np.asarray(getattr(spread, name), float), LOWEST))
            image = _heat(ax, square, logs, (np.log10(LOWEST), logs.max()))
            _collapse_line(ax, alpha)
            ax.set(xlabel=r"$\rho$", ylabel=r"$\gamma$" if letter == "a" else "", title=label)
            figure.colorbar(image, ax=ax, location="bottom", label=r"$\log_{10}$ sd over seeds", pad=0.03)
            plot.label_panel(ax, letter)
    return figure


def _panels(axes: Sequence[Axes] | None, rows: int, columns: int, *, width: str = "page", height: float):
    if axes is None:
        return plot.subplots(rows, columns, width=width, height=height)
    return axes[0].get_figure(), list(axes)


def _logit(t: Any) -> Any:
    """Decades of odds: the axis on which both ends of (0, 1) are far away."""
    t = np.asarray(t, float)
    return np.log10(t / (1 - t))


def _edges(centres: np.ndarray) -> np.ndarray:
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _heat(ax: Axes, square: Square, logs: np.ndarray, limits: tuple[Any, Any]) -> Any:
    edges = _edges(_logit(square.rho)), _edges(_logit(square.gamma))
    image = ax.pcolormesh(*edges, logs.T, vmin=limits[0], vmax=limits[1], cmap="viridis", rasterized=True)
    if square.collapsed.any():
        cells = np.ma.masked_where(~square.collapsed.T, np.ones(logs.T.shape))
        ax.pcolor(*edges, cells, cmap="Greys", vmin=0, vmax=30, hatch="/////", edgecolor="0.45", linewidth=0)
    _logit_axes(ax)
    return image


def _collapse_line(ax: Axes, alpha: float | None) -> None:
    if alpha is not None:
        _curve(ax, iso_alpha, float(alpha), "-", r"$\alpha_c$", colour="#D55E00")


def _curve(ax: Axes, curve: Any, strength: float, style: str, label: str, colour: str = "black") -> Any:
    limits = ax.get_xlim(), ax.get_ylim()
    odds = np.linspace(*limits[0], 2000)
    rho = 1 / (1 + 10.0**-odds)
    # 1 - rho from the odds: the difference would lose digits near one.
    gamma = np.asarray(curve(strength, rho)) if curve is iso_beta else strength * 10.0**odds
    inside = (gamma > 0) & (gamma < 1)
    (line,) = ax.plot(odds[inside], _logit(gamma[inside]), style, color=colour, linewidth=1.2, label=label)
    ax.set(xlim=limits[0], ylim=limits[1])
    return line


def _logit_axes(ax: Axes) -> None:
    for axis in (ax.xaxis, ax.yaxis):
        _logit_ticks(axis)


def _logit_ticks(axis: Any) -> None:
    low, high = axis.get_view_interval()
    ticks = [tick for tick in (-9, -6, -3, 0, 3, 6, 9) if low <= tick <= high]
    ticks = ticks if len(ticks) > 2 else [tick for tick in (-2, -1, 0, 1, 2) if low <= tick <= high]
    name = lambda tick: "1/2" if tick == 0 else (f"$10^{{{tick}}}$" if tick < 0 else f"$1-10^{{-{tick}}}$")
    axis.set_ticks(ticks, [name(tick) for tick in ticks])


def _key(figure: Figure, alpha: float | None) -> None:
    handles: list[Any] = [Patch(facecolor="white", edgecolor="0.45", hatch="/////", label="collapsed")]
    if alpha is not None:
        handles.append(Line2D([], [], color="#D55E00", label=r"exact collapse line $\gamma=\alpha_c\,\rho/(1-\rho)$"))
    figure.legend(handles=handles, loc="outside lower center", ncols=2)


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
