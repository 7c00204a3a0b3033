"""Diagrams over the square: phases, metrics of both roads, and the spread over seeds. Nothing is solved here.

References:
    arXiv:2306.16717, figures 1 and 2.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .... import plot
from ....evidence.statistics import is_estimate
from ....phases import PhaseDiagram
from ..theory import iso_alpha, iso_beta
from ._axes import draw_curve, edges, odds, odds_axes, panels


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
        figure, cells = panels(axes, *shape, height=1.75)
        grid = np.array(cells, dtype=object).reshape(shape)
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
                    ax.set_title(label, x=0.6, fontsize=7.5)
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
        figure, (ax,) = panels(None if ax is None else [ax], 1, 1, width="column", height=2.9)
        assert ax is not None
        labels = np.asarray(diagram.labels).T
        handles = plot.draw_phases(ax, odds(square.rho), odds(square.gamma), labels, NETWORK_PHASES)
        lines = {
            r"$\alpha_c$, collapse": (iso_alpha, borders.collapse, "-"),
            "mean fits 5 %": (iso_alpha, borders.fit, "--"),
            "precision adapts by 5 %": (iso_beta, borders.adapt, ":"),
        }
        for label, (curve, strength, style) in lines.items():
            handles.append(draw_curve(ax, curve, float(strength), style, label))
        odds_axes(ax)
        ax.set(xlabel=RHO, ylabel=GAMMA)
        plot.legend_below(ax, handles, columns=2)
    return figure


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
            ax.set(xlabel=r"$\rho$", ylabel=r"$\gamma$" if letter == "a" else "")
            figure.colorbar(image, ax=ax, location="bottom", label=r"$\log_{10}$ sd over seeds", pad=0.03)
            plot.label_panel(ax, letter)
            ax.set_title(label, fontsize=7, y=1.14)  # above the letters: panels are narrow
    return figure


def _heat(ax: Axes, square: Square, logs: np.ndarray, limits: tuple[Any, Any]) -> Any:
    borders = edges(odds(square.rho)), edges(odds(square.gamma))
    image = ax.pcolormesh(*borders, logs.T, vmin=limits[0], vmax=limits[1], cmap="viridis", rasterized=True)
    if square.collapsed.any():
        cells = np.ma.masked_where(~square.collapsed.T, np.ones(logs.T.shape))
        ax.pcolor(*borders, cells, cmap="Greys", vmin=0, vmax=30, hatch="/////", edgecolor="0.45", linewidth=0)
    odds_axes(ax)
    return image


def _collapse_line(ax: Axes, alpha: float | None) -> None:
    if alpha is not None:
        draw_curve(ax, iso_alpha, float(alpha), "-", r"$\alpha_c$", colour="#D55E00")


def _key(figure: Figure, alpha: float | None) -> None:
    handles: list[Any] = [Patch(facecolor="white", edgecolor="0.45", hatch="/////", label="collapsed")]
    if alpha is not None:
        handles.append(Line2D([], [], color="#D55E00", label=r"exact collapse line $\gamma=\alpha_c\,\rho/(1-\rho)$"))
    figure.legend(handles=handles, loc="outside lower center", ncols=2)
