"""One look for all figures: column widths of a journal, colours that colour-blind readers tell apart."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator
from matplotlib.transforms import ScaledTranslation


# Okabe & Ito's palette (jfly.uni-koeln.de/color): distinct under all common colour deficiencies.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
PHASE_COLOURS = ("#DCE6F2", "#F6CF9F", "#9FD3B7", "#E3BBD3", "#D9D9D9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
WIDTHS = {"column": 3.4, "page": 7.0}  # inches

STYLE: dict[Any, Any] = {
    "figure.dpi": 150,
    "savefig.dpi": 220,
    "font.family": "STIXGeneral",  # matches the italic mathematics
    "mathtext.fontset": "stix",
    "font.size": 8.5,
    "axes.labelsize": 8.5,
    "axes.titlesize": 8.5,
    "legend.fontsize": 7,
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": cycler(color=COLOURS),
    "lines.linewidth": 1.3,
    "lines.markersize": 4.0,
    "errorbar.capsize": 2.0,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


@contextmanager
def style() -> Iterator[None]:
    """Everything drawn inside has the house style; the user's own settings stay as they are."""
    with plt.rc_context(STYLE):
        yield


def subplots(
    num_rows: int = 1, num_columns: int = 1, *, width: str = "column", height: float = 2.5
) -> tuple[Figure, list[Axes]]:
    """A figure of a column's or page's width and its axes as a flat list; call it inside `style`."""
    figure, axes = plt.subplots(num_rows, num_columns, figsize=(WIDTHS[width], height * num_rows), squeeze=False)
    return figure, list(axes.flat)


def save(figure: Figure, path: str | Path, *, caption: str | None = None) -> Path:
    """Write a figure and close it.

    Args:
        figure: what to write.
        path: by its suffix; PNG and PDF side by side where it has none.
        caption: written to a text file beside the figure.

    Returns:
        The path of the figure (of the PNG, if there are two).
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    paths = [path] if path.suffix else [path.with_suffix(".png"), path.with_suffix(".pdf")]
    for each in paths:
        figure.savefig(each, bbox_inches="tight")
    plt.close(figure)
    if caption is not None:
        path.with_suffix(".txt").write_text(caption + "\n")
    return paths[0]


def plain_log(axis: Axis) -> None:
    """Numbers 1, 2, 5, 10, ... on a logarithmic axis of a decade or two, as one writes them."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def legend_below(ax: Axes, handles: Iterable[Any], *, columns: int = 1, title: str | None = None) -> None:
    """A legend under the axes, where it covers no data.

    Args:
        ax: the axes.
        handles: labelled artists.
        columns: of the legend.
        title: above it.
    """
    # In inches, as ticks and labels are: a share of the axes would shrink onto them as the legend grows.
    figure = ax.get_figure(root=True)
    assert figure is not None
    below = ax.transAxes + ScaledTranslation(0, -0.42, figure.dpi_scale_trans)
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "bbox_transform": below, "borderaxespad": 0.0}
    ax.legend(handles=list(handles), title=title, title_fontsize=7, ncols=columns, **place)


def label_panel(ax: Axes, letter: str) -> None:
    """A bold (a), (b), ... above the upper left corner."""
    ax.set_title(f"({letter})", loc="left", fontweight="bold")
