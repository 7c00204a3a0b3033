"""What the figures share: axes, points by training fraction, lines of equality."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .... import plot
from ...._checks import argument_error
from ....evidence.statistics import Estimate, over_members


FRACTION = "training fraction $r$"


def panels_of(axes: Sequence[Axes] | None, count: int, *, width: str = "page", height: float) -> Sequence[Axes]:
    """The given axes, or those of a new figure."""
    if axes is None:
        return plot.subplots(1, count, width=width, height=height)[1]
    if len(axes) != count:
        raise argument_error("axes", f"{count}, one per panel", len(axes), "Give None for a new figure.")
    return axes


def finished(panels: Sequence[Axes]) -> Figure:
    if len(panels) > 1:
        for letter, axis in zip("abcdefgh", panels, strict=False):
            plot.label_panel(axis, letter)
    return panels[0].get_figure()  # pyright: ignore[reportReturnType]


def scatter(ax: Axes, x: Any, y: Any, fraction: np.ndarray, *, bar: bool = True) -> None:
    """One point per run, coloured by its training fraction."""
    look = {"s": 14, "cmap": "viridis", "edgecolors": "white", "linewidths": 0.3, "zorder": 3}
    points = ax.scatter(np.asarray(x), np.asarray(y), c=fraction, vmin=fraction.min(), vmax=1, label="networks", **look)
    if bar:
        ax.figure.colorbar(points, ax=ax, label=FRACTION)


def equality(ax: Axes, low: float, high: float, label: str = "equal") -> None:
    """The dotted diagonal."""
    ax.plot([low, high], [low, high], ":", color="0.4", label=label, zorder=1)


def over_sizes(fraction: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, Estimate]:
    """Mean and error over the runs at each training fraction."""
    sizes = np.unique(fraction)
    groups = [over_members(values[fraction == size]) for size in sizes]
    return sizes, Estimate(np.array([g.mean for g in groups]), np.array([g.error for g in groups]))
