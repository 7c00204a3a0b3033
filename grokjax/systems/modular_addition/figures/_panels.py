"""What the figures share: names of axes, panels and decays, colours, borders, words on sizes and starts."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ....results import Run
from ..phases import Transitions


BORDERS: dict[str, tuple[str, Any]] = {"start": ("mixed phase starts", ":"), "end": ("mixed phase ends", "-.")}
AXES = {
    "noise_variance": r"noise variance $\sigma^2$",
    "readout_variance": r"read-out variance $\sigma_a^2$",
    "width": "width $N$",
    "prime": "prime $P$",
}
PANELS = {
    "discrepancy": "discrepancy $a$",
    "side_weight": r"side weight $P(X,V>x^*/2)$",
    "specialised_once": "fraction of neurons specialised\nat exactly one frequency",
    "overlap_moment": r"$\langle XV\rangle$",
}
DECAYS = {
    "fourier": "the published decay",
    "fourier0": "the published decay, of the mean too",
    "norm": "decay of the norms",
    "position": "decay of the positions",
    "gaussian": "plain weight decay",
}
TRAIN, HELD_OUT, SINGLE, LOCALISED = range(4)  # colours


def open_up(ax: Axes) -> None:
    """Make the last points drawn large and hollow, so that points below them are seen."""
    ax.containers[-1][0].set(markerfacecolor="none", markersize=7.0, markeredgewidth=0.8)


def draw_borders(ax: Axes, borders: Transitions, unit: float = 1.0) -> list[Line2D]:
    """Vertical lines at the borders that there are, and keys to them."""
    keys = []
    for name, (label, line) in BORDERS.items():
        place = float(getattr(borders, name)) / unit
        if np.isfinite(place):
            ax.axvline(place, color="0.35", linestyle=line, linewidth=1.0, zorder=0)
            keys.append(Line2D([], [], color="0.35", linestyle=line, linewidth=1.0, label=label))
    return keys


def sizes_of(run: Run) -> str:
    """P and N in words."""
    return f"P = {float(run.system.prime):g}, N = {float(run.system.width):g}"


def noise_axis(ax: Axes, noise: Any) -> None:
    """A logarithmic axis with plain labels, in a power of ten."""
    low, high, exponent = np.min(noise), np.max(noise), int(np.floor(np.log10(np.median(noise))))
    steps = [step * 10.0**power for power in range(exponent - 2, exponent + 3) for step in (1, 2, 5)]
    ticks = [tick for tick in steps if low * 0.999 <= tick <= high * 1.001]
    ax.set_xscale("log")
    ax.set_xlabel(rf"{AXES['noise_variance']} ($10^{{{exponent}}}$)", labelpad=1)
    ax.set_xticks(ticks, [f"{tick / 10.0**exponent:g}" for tick in ticks])
    ax.minorticks_off()


def where_starts_differ(apart: np.ndarray, places: Sequence[str], what: str) -> str:
    """In words, where two starts differ."""
    named = [place for place, differs in zip(places, apart.ravel(), strict=True) if differs]
    if not named:
        return "Held-out sums agree from both starts."
    where = f"{what} {', '.join(named)}"
    return f"Held-out sums differ between the starts {where}: there the runs are too short for equilibrium."
