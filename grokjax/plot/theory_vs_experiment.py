"""Curves from theory with points from experiment on top."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..evidence.statistics import Estimate
from .style import COLOURS, MARKERS


def draw_theory(
    ax: Axes, x: Any, values: Any, *, index: int = 0, label: str | None = None, dashed: bool = False
) -> None:
    """A theory curve; `index` picks the colour that points of the same quantity share."""
    ax.plot(
        np.asarray(x), np.asarray(values), "--" if dashed else "-", color=COLOURS[index % len(COLOURS)], label=label
    )


def draw_experiment(
    ax: Axes, x: Any, estimate: Estimate, *, index: int = 0, label: str | None = None, hollow: bool = False
) -> None:
    """Points with error bars of one standard error; entries that are not finite are left out."""
    x, mean, error = (np.asarray(values, float) for values in (x, estimate.mean, estimate.error))
    seen = np.isfinite(mean)
    colour = COLOURS[index % len(COLOURS)]
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
