"""What the figures share: panels, names of layers, numbers in words."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from .... import plot
from ..scaling import Scaling


NAMES = {"input": "input weights", "layer1": "first layer", "layer2": "second layer", "layer3": "third layer"}


def panels(axes: Sequence[Axes] | None, count: int, height: float) -> tuple[list[Axes], Any]:
    """New axes in one row, as wide as a page where there are several, or the given ones; and their figure."""
    if axes is not None:
        return list(axes), axes[0].get_figure()
    figure, made = plot.subplots(1, count, width="page" if count > 1 else "column", height=height)
    return made, figure


def networks_of(run: Scaling) -> str:
    """Widths, networks, and how they ended."""
    widths = ", ".join(map(str, run.widths))
    return f"widths {widths} with {run.status.shape[-1]} networks each ({run.counts})"
