"""What the figures share: axes, points by training fraction, lines of equality."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ....evidence.statistics import Estimate, over_members


FRACTION = "training fraction $r$"


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
