"""Maps over the square: metrics of both roads, and the spread over seeds. Nothing is solved here.

References:
    arXiv:2306.16717, figure 2.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path

from .... import plot
from ....evidence.statistics import is_estimate
from ....phases import PhaseDiagram
from ..theory import iso_alpha
from ._axes import draw_curve, odds, odds_axes


METRICS = {
    "mse": r"$\langle r^2\rangle$",
    "sd_mse": r"$\langle(\Lambda^{-1/2}-|r|)^2\rangle$",
    "mean_energy": r"$\int p\,|\nabla\mu|^2$",
    "precision_energy": r"$\int p\,|\nabla\Lambda|^2$",
}
LOWEST = 1e-6  # what is below it counts as flat, and has its colour
NOT_CELL_BY_CELL = (
    "Networks are penalised by their squared weights, fields by Dirichlet energies: the same phases at other strengths."
)
RHO, GAMMA = r"weight of the likelihood $\rho$", r"mean's share $\gamma$"


class Square:
    """Order parameters over the square, from either road.

    Attributes:
        rho: values of the horizontal axis.
        gamma: values of the vertical axis.
        order_parameters: arrays or estimates of shape (rho, gamma).
        collapsed: which cells to hatch.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> diagram = mv.phase_diagram(system, {"rho": [0.2, 0.8, 0.999], "gamma": [0.2, 0.8]})
        >>> square = figures.Square.of(diagram)
        >>> square.values("mse").shape, int(square.collapsed.sum())
        ((3, 2), 2)
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

    Examples:
        >>> from matplotlib import pyplot as plt
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> diagram = mv.phase_diagram(system, {"rho": [0.2, 0.8, 0.999], "gamma": [0.2, 0.8]})
        >>> figure = figures.figure_2({"field theory": figures.Square.of(diagram)}, alpha=1e-3)
        >>> [ax.get_title() for ax in figure.axes[:2]] == list(figures.METRICS.values())[:2]
        True
        >>> plt.close(figure)
    """
    with plot.style():
        shape = (len(squares), len(METRICS))
        figure, cells = plot.subplots(*shape, width="page", height=1.75, axes=axes)
        grid = np.array(cells, dtype=object).reshape(shape)
        frame = [  # one for all rows, whatever cells they have
            np.array([min(each[0] for each in ends), max(each[-1] for each in ends)])
            for ends in zip(
                *((plot.cell_edges(odds(s.rho)), plot.cell_edges(odds(s.gamma))) for s in squares.values()), strict=True
            )
        ]
        for column, (name, label) in enumerate(METRICS.items()):
            logs = [np.log10(np.maximum(square.values(name), LOWEST)) for square in squares.values()]
            limits = (
                np.log10(LOWEST),
                max(np.max(log[~s.collapsed]) for log, s in zip(logs, squares.values(), strict=True)),
            )
            for row, (title, square) in enumerate(squares.items()):
                ax = grid[row, column]
                image = _heat(ax, square, logs[row], limits, frame)
                _collapse_line(ax, alpha)
                ax.set_xlabel(RHO if row == shape[0] - 1 else "")
                ax.set_ylabel(f"{title}\n{GAMMA}" if column == 0 else "")
                ax.tick_params(labelbottom=row == shape[0] - 1, labelleft=column == 0)
                plot.label_panel(ax, "abcdefghijkl"[row * shape[1] + column])
                if row == 0:
                    ax.set_title(label, x=0.6, fontsize=7.5)
            figure.colorbar(
                image, ax=list(grid[:, column]), location="bottom", label=r"$\log_{10}$", shrink=0.9, pad=0.03,
                ticks=_whole(limits),
            )  # fmt: skip
        _key(figure, alpha, any(square.collapsed.any() for square in squares.values()))
    return figure


def caption_2(data: Any, members: int | None = None, steps: int | None = None) -> str:
    """What figure 2 shows, in words.

    Args:
        data: what was learned.
        members: networks per cell.
        steps: of training.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> "Networks: 3 seeds per cell" in figures.caption_2(mv.sine(16), members=3, steps=1000)
        True
    """
    trained = f" Networks: {members} seeds per cell, {steps} steps, mean over seeds. {NOT_CELL_BY_CELL}"
    return (
        f"After figure 2 of arXiv:2306.16717 on {data.name!r} with n = {data.num_samples} samples: error of the mean, "
        "error of the standard deviation, and Dirichlet energies of mean and precision, on training samples. Hatched: "
        "collapsed fits, whose precision diverges. Line: the exact threshold of the field theory at infinite beta, "
        f"gamma = alpha_c rho / (1 - rho). Values below {LOWEST:g} have the darkest colour."
        f"{'' if members is None else trained}"
    )


def spread_map(
    square: Square, spread: Any, *, alpha: float | None = None, axes: Sequence[Axes] | None = None
) -> Figure:
    r"""Standard deviation over seeds across the square: the paper's substantial variability.

    Args:
        square: of the networks.
        spread: of `seed_spread(run)`.
        alpha: $\alpha_c$, whose curve is drawn on top.
        axes: to draw on, one for each of `METRICS` and one for the expected likelihood where it is known; a figure of a
            page's width unless given.

    Examples:
        >>> from matplotlib import pyplot as plt
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> diagram = mv.phase_diagram(system, {"rho": [0.2, 0.8, 0.999], "gamma": [0.2, 0.8]})
        >>> spread = jax.tree.map(lambda each: 0.1 * each, diagram.order_parameters)  # of a run: `mv.seed_spread(run)`
        >>> figure = figures.spread_map(figures.Square.of(diagram), spread)
        >>> len(figure.axes)  # five maps and their bars
        10
        >>> plt.close(figure)
    """
    names = {**METRICS, "population_nll": "expected NLL"}
    names = {name: label for name, label in names.items() if getattr(spread, name) is not None}
    with plot.style():
        figure, made = plot.subplots(1, len(names), width="page", height=2.3, axes=axes)
        for letter, ax, (name, label) in zip("abcdef", made, names.items(), strict=False):
            logs = np.log10(np.maximum(np.asarray(getattr(spread, name), float), LOWEST))
            limits = (np.log10(LOWEST), logs.max())
            image = _heat(ax, square, logs, limits)
            _collapse_line(ax, alpha)
            ax.set(xlabel=r"$\rho$", ylabel=r"$\gamma$" if letter == "a" else "")
            ax.tick_params(labelleft=letter == "a")
            figure.colorbar(
                image, ax=ax, location="bottom", label=r"$\log_{10}$ sd over seeds", pad=0.03, ticks=_whole(limits)
            )
            plot.label_panel(ax, letter)
            ax.set_title(label, fontsize=7, y=1.14)  # above the letters: panels are narrow
        _key(figure, alpha, bool(square.collapsed.any()))
    return figure


def caption_spread_map(data: Any, members: int, steps: int) -> str:
    """What the map of spreads shows, in words.

    Args:
        data: what was learned.
        members: networks per cell.
        steps: of training.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> figures.caption_spread_map(mv.sine(16), members=3, steps=1000)[:34]
        'Standard deviation over 3 seeds of'
    """
    return (
        f"Standard deviation over {members} seeds of networks after {steps} steps on {data.name!r}, n = "
        f"{data.num_samples}, across the square: errors of mean and standard deviation, Dirichlet energies of mean and "
        "precision, expected negative log likelihood of fresh targets. Hatched: cells where most networks run through "
        "the data. Line: the exact threshold of the field theory, gamma = alpha_c rho / (1 - rho). Values below "
        f"{LOWEST:g} have the darkest colour."
    )


def _heat(ax: Axes, square: Square, logs: np.ndarray, limits: tuple[Any, Any], frame: Any = None) -> Any:
    borders = plot.cell_edges(odds(square.rho)), plot.cell_edges(odds(square.gamma))
    image = ax.pcolormesh(*borders, logs.T, vmin=limits[0], vmax=limits[1], cmap="viridis", rasterized=True)
    if square.collapsed.any():  # one patch of all cells: hatches have no seams between them
        x, y = borders
        corners = lambda i, j: [(x[i], y[j]), (x[i + 1], y[j]), (x[i + 1], y[j + 1]), (x[i], y[j + 1]), (x[i], y[j])]
        cells = [Path(corners(i, j), closed=True) for i, j in np.argwhere(square.collapsed)]
        style = {"facecolor": "white", "edgecolor": "0.45", "hatch": "/////", "linewidth": 0}
        ax.add_patch(PathPatch(Path.make_compound_path(*cells), **style))
    x, y = borders if frame is None else frame
    ax.set(xlim=(x[0], x[-1]), ylim=(y[0], y[-1]))
    odds_axes(ax)
    return image


def _collapse_line(ax: Axes, alpha: float | None) -> None:
    if alpha is not None:
        draw_curve(ax, iso_alpha, float(alpha), "-", r"$\alpha_c$", colour="#D55E00")


def _whole(limits: tuple[Any, Any]) -> np.ndarray:
    """Three whole numbers or more for a bar."""
    low, high = limits
    return np.arange(np.ceil(low), high + 1e-9, max(1, int((high - low) / 2)))


def _key(figure: Figure, alpha: float | None, collapsed: bool) -> None:
    handles: list[Any] = []
    if collapsed:
        handles.append(Patch(facecolor="white", edgecolor="0.45", hatch="/////", label="collapsed"))
    if alpha is not None:
        label = r"exact collapse of the field theory, $\gamma=\alpha_c\,\rho/(1-\rho)$"
        handles.append(Line2D([], [], color="#D55E00", label=label))
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
