"""Curves from theory with points from experiment on top."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..evidence.statistics import Estimate
from .style import COLOURS, MARKERS


def draw_theory(
    ax: Axes,
    x: Any,
    values: Any,
    *,
    index: int = 0,
    label: str | None = None,
    dashed: bool = False,
    line: str | None = None,
) -> None:
    """A theory curve.

    Args:
        ax: axes to draw on.
        x: shape (points,).
        values: likewise.
        index: picks the colour, which points of the same quantity share.
        label: for the legend.
        dashed: the dashes of a second theory.
        line: any other line style of matplotlib.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from grokjax import plot
        >>> ax = Figure().subplots()
        >>> plot.draw_theory(ax, [0.1, 0.2, 0.3], [1.0, 0.5, 0.2], dashed=True, label="theory")
        >>> ax.lines[0].get_linestyle(), ax.get_legend_handles_labels()[1]
        ('--', ['theory'])
    """
    style = line or ("--" if dashed else "-")
    ax.plot(np.asarray(x), np.asarray(values), linestyle=style, color=COLOURS[index % len(COLOURS)], label=label)


def draw_experiment(
    ax: Axes,
    x: Any,
    estimate: Estimate,
    *,
    index: int = 0,
    label: str | None = None,
    hollow: bool = False,
    colour: str | None = None,
) -> None:
    """Points with error bars of one standard error; entries that are not finite are left out.

    Args:
        ax: axes to draw on.
        x: shape (points,).
        estimate: of the same shape.
        index: picks colour and marker.
        label: for the legend.
        hollow: whether markers are white inside.
        colour: instead of that of the index.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from grokjax import plot
        >>> ax = Figure().subplots()
        >>> points = grokjax.Estimate(np.array([1.0, np.nan, 0.2]), np.array([0.1, np.nan, 0.1]))
        >>> plot.draw_experiment(ax, [0.1, 0.2, 0.3], points, label="networks")
        >>> ax.lines[0].get_xdata().tolist()  # what was not measured is left out
        [0.1, 0.3]
    """
    x, mean, error = (np.asarray(values, float) for values in (x, estimate.mean, estimate.error))
    seen = np.isfinite(mean)
    colour = colour or COLOURS[index % len(COLOURS)]
    ax.errorbar(
        x[seen],
        mean[seen],
        np.nan_to_num(error[seen]),
        fmt=MARKERS[index % len(MARKERS)],
        color=colour,
        markerfacecolor="white" if hollow else colour,
        elinewidth=0.9,
        label=label,
        zorder=3,
    )


def draw_transition(ax: Axes, x: float, label: str | None = None) -> None:
    """A vertical dotted line at a transition point.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from grokjax import plot
        >>> ax = Figure().subplots()
        >>> plot.draw_transition(ax, 0.2)
        >>> plot.draw_transition(ax, float("nan"))  # there is none
        >>> len(ax.lines)
        1
    """
    if np.isfinite(x):
        ax.axvline(float(x), color="0.35", linestyle=":", linewidth=1.0, label=label, zorder=0)
