"""The square and lines through it on axes of odds: both ends of (0, 1) are far away."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

from ..theory import iso_beta


def odds(t: Any) -> Any:
    """Decades of odds: the axis on which both ends of (0, 1) are far away."""
    t = np.asarray(t, float)
    return np.log10(t / (1 - t))


def draw_curve(ax: Axes, curve: Any, strength: float, style: str, label: str, colour: str = "black") -> Any:
    limits = ax.get_xlim(), ax.get_ylim()
    # Along gamma, by its odds: the curve of alpha ends upright, and 1 - gamma loses no digits.
    y = np.linspace(*limits[1], 2000)
    share = 1 / (1 + 10.0 ** (y if curve is iso_beta else -y))
    (line,) = ax.plot(np.log10(share / strength), y, style, color=colour, linewidth=1.2, label=label)
    ax.set(xlim=limits[0], ylim=limits[1])
    return line


def odds_axes(ax: Axes) -> None:
    for axis in (ax.xaxis, ax.yaxis):
        odds_ticks(axis)


def odds_ticks(axis: Any) -> None:
    low, high = axis.get_view_interval()
    reach = 3 * int(min(-low, high) // 3)  # three labels, which fit under a narrow panel
    ticks = [-reach, 0, reach] if reach > 0 else [tick for tick in (-2, 0, 2) if low <= tick <= high]
    name = lambda tick: "1/2" if tick == 0 else (f"$10^{{{tick}}}$" if tick < 0 else f"$1-10^{{-{tick}}}$")
    axis.set_ticks(ticks, [name(tick) for tick in ticks])
