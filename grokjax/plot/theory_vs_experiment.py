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
    """A vertical dotted line at a transition point."""
    if np.isfinite(x):
        ax.axvline(float(x), color="0.35", linestyle=":", linewidth=1.0, label=label, zorder=0)
