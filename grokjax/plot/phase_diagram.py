"""Phase diagrams: one colour per phase, and a hatch for each way in which a solver failed."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.patches import Patch

from ..status import Status, succeeded
from .style import PHASE_COLOURS, legend_below


CLEAR = ListedColormap(["none"])
HATCHES = ("////", "\\\\\\\\", "xxxx", "....", "----", "||||", "++++", "oooo")


def draw_phases(
    ax: Axes,
    x: Any,
    y: Any,
    labels: Any,
    names: Sequence[str],
    *,
    status: Any = None,
    x_label: str = "",
    y_label: str = "",
) -> list[Any]:
    """Fill the (x, y) plane with phases.

    Args:
        ax: axes to draw on; scales (log or linear) may be set before.
        x: horizontal axis, shape (columns,).
        y: vertical axis, shape (rows,).
        labels: phase index of each cell, shape (rows, columns).
        names: names of the phases, in the order of their indices.
        status: a `Status` of the same shape; cells that were not solved are hatched, each status in its own way.
        x_label: label of the horizontal axis, with units.
        y_label: label of the vertical axis, with units.

    Returns:
        The entries of the legend, which is below, for one elsewhere.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from grokjax import plot
        >>> ax = Figure().subplots()
        >>> labels, status = np.array([[0, 1], [0, 1]]), np.array([[0, 0], [0, grokjax.Status.NO_SOLUTION]])
        >>> entries = plot.draw_phases(ax, [0.1, 0.2], [1.0, 2.0], labels, ["lazy", "rich"], status=status)
        >>> [entry.get_label() for entry in entries]
        ['lazy', 'rich', 'no solution']
    """
    x, y, labels = np.asarray(x), np.asarray(y), np.asarray(labels)
    colours = ListedColormap(PHASE_COLOURS[: len(names)])
    norm = BoundaryNorm(np.arange(len(names) + 1) - 0.5, len(names))
    borders = cell_edges(x, ax.get_xscale()), cell_edges(y, ax.get_yscale())
    ax.pcolormesh(*borders, labels, cmap=colours, norm=norm, rasterized=True)
    handles = [Patch(facecolor=PHASE_COLOURS[i], label=name) for i, name in enumerate(names) if (labels == i).any()]
    status = np.zeros(labels.shape, int) if status is None else np.asarray(status)
    for code in np.unique(status[~succeeded(status)]):
        failed, hatch = np.ma.masked_where(status != code, np.ones(labels.shape)), HATCHES[code % len(HATCHES)]
        ax.pcolor(*borders, failed, cmap=CLEAR, hatch=hatch, edgecolor="0.4", linewidth=0)
        handles.append(Patch(facecolor="white", edgecolor="0.4", hatch=hatch, label=Status(code).text))
    ax.set(xlabel=x_label, ylabel=y_label)
    legend_below(ax, handles, columns=2)
    return handles


def cell_edges(centres: Any, scale: str = "linear") -> np.ndarray:
    """Edges of the cells around `centres`, midway on the axis as it is drawn; shape (centre + 1,).

    Args:
        centres: in order.
        scale: of the axis, "linear" or "log".

    Examples:
        >>> from grokjax import plot
        >>> plot.cell_edges([1.0, 2.0, 4.0]).tolist()
        [0.5, 1.5, 3.0, 5.0]
    """
    centres = np.asarray(centres, float)
    if len(centres) < 2:
        return np.array([centres[0] - 0.5, centres[0] + 0.5])
    there, back = (np.log, np.exp) if scale == "log" else (lambda t: t, lambda t: t)
    t = there(centres)
    middle = (t[1:] + t[:-1]) / 2
    return back(np.concatenate([[2 * t[0] - middle[0]], middle, [2 * t[-1] - middle[-1]]]))
