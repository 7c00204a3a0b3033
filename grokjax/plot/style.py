"""One look for all figures: column widths of a journal, colours that colour-blind readers tell apart."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from string import ascii_lowercase
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import ScaledTranslation

from .._checks import argument_error


# Okabe & Ito's palette (jfly.uni-koeln.de/color): distinct under all common colour deficiencies.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
PHASE_COLOURS = ("#DCE6F2", "#F6CF9F", "#9FD3B7", "#E3BBD3", "#D9D9D9")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
NUMBERS = ((1, 2, 5), (1, 1.5, 2, 3, 5, 7), (1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9))  # of a decade, the fewest first
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
    """Everything drawn inside has the house style; the user's own settings stay as they are.

    Examples:
        >>> import matplotlib.pyplot as plt
        >>> from grokjax import plot
        >>> with plot.style():
        ...     plt.rcParams["mathtext.fontset"]
        'stix'
    """
    with plt.rc_context(STYLE):
        yield


def subplots(
    num_rows: int = 1,
    num_columns: int = 1,
    *,
    width: str | None = None,
    height: float = 2.5,
    axes: Axes | Sequence[Axes] | None = None,
) -> tuple[Figure, list[Axes]]:
    """A figure of a column's or page's width and its axes as a flat list; call it inside `style`.

    Args:
        num_rows: of axes.
        num_columns: of axes.
        width: "column" or "page"; that of a page for several columns of axes unless given.
        height: of a row, in inches.
        axes: as many to draw on instead, which come back with their figure.

    Raises:
        ValueError: there are more or fewer of them.

    Examples:
        >>> from grokjax import plot
        >>> with plot.style():
        ...     figure, (left, right) = plot.subplots(1, 2, height=2.8)
        >>> figure.get_size_inches().tolist()
        [7.0, 2.8]
    """
    if axes is not None:
        given = [axes] if isinstance(axes, Axes) else list(axes)
        if len(given) != num_rows * num_columns:
            expected = f"{num_rows * num_columns}, one per panel"
            raise argument_error("axes", expected, len(given), "Give None for a new figure.")
        figure = given[0].get_figure(root=True)
        assert figure is not None
        return figure, given
    inches = WIDTHS[width or ("page" if num_columns > 1 else "column")]
    figure, made = plt.subplots(num_rows, num_columns, figsize=(inches, height * num_rows), squeeze=False)
    return figure, list(made.flat)


def save(figure: Figure, path: str | Path, *, caption: str | None = None) -> Path:
    """Write a figure and close it.

    Args:
        figure: what to write.
        path: by its suffix; PNG and PDF side by side where it has none.
        caption: written to a text file beside the figure.

    Returns:
        The path of the figure (of the PNG, if there are two).

    Examples:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from grokjax import plot
        >>> figure, _ = plot.subplots()
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     _ = plot.save(figure, Path(folder) / "figure_1", caption="What is seen.")
        ...     sorted(path.name for path in Path(folder).iterdir())
        ['figure_1.pdf', 'figure_1.png', 'figure_1.txt']
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
    """Numbers 1, 2, 5, 10, ... on a logarithmic axis, as one writes them; powers of ten where it spans three of them.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from grokjax import plot
        >>> ax = Figure().subplots()
        >>> ax.set(xscale="log", xlim=(1, 20))
        [...]
        >>> plot.plain_log(ax.xaxis)
        >>> [f"{tick:g}" for tick in ax.get_xticks() if 0.9 < tick < 21]
        ['1', '2', '5', '10', '20']
    """
    low, high = axis.get_view_interval()
    if high > 1000 * low:
        return
    decades = 10.0 ** np.arange(np.floor(np.log10(low)), np.ceil(np.log10(high)))
    count = lambda subs: sum(low <= sub * decade <= high for sub in subs for decade in decades)
    subs = next((each for each in NUMBERS if count(each) >= 3), None)
    axis.set_major_locator(MaxNLocator(4) if subs is None else LogLocator(subs=subs))
    axis.set_major_formatter("{x:g}")
    axis.set_minor_locator(NullLocator())


def legend_below(ax: Axes, handles: Iterable[Any], *, columns: int = 1, title: str | None = None) -> None:
    """A legend under the axes, where it covers no data.

    Args:
        ax: the axes.
        handles: labelled artists.
        columns: of the legend.
        title: above it.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from grokjax import plot
        >>> ax = Figure().subplots()
        >>> plot.legend_below(ax, ax.plot([1, 2], [1, 2], label="theory"), title="noise")
        >>> ax.get_legend().get_title().get_text(), [text.get_text() for text in ax.get_legend().get_texts()]
        ('noise', ['theory'])
    """
    # In inches, as ticks and labels are: a share of the axes would shrink onto them as the legend grows.
    figure = ax.get_figure(root=True)
    assert figure is not None
    below = ax.transAxes + ScaledTranslation(0, -0.42, figure.dpi_scale_trans)
    place = {"loc": "upper center", "bbox_to_anchor": (0.5, 0.0), "bbox_transform": below, "borderaxespad": 0.0}
    ax.legend(handles=list(handles), title=title, title_fontsize=7, ncols=columns, **place)


def label_panel(ax: Axes, letter: str) -> None:
    """A bold (a), (b), ... above the upper left corner.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from grokjax import plot
        >>> ax = Figure().subplots()
        >>> plot.label_panel(ax, "b")
        >>> ax.get_title(loc="left")
        '(b)'
    """
    ax.set_title(f"({letter})", loc="left", fontweight="bold")


def label_panels(axes: Iterable[Axes]) -> None:
    """(a), (b), ... in order; a single one has no letter.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from grokjax import plot
        >>> axes = Figure().subplots(1, 2)
        >>> plot.label_panels(axes)
        >>> [ax.get_title(loc="left") for ax in axes]
        ['(a)', '(b)']
    """
    given = list(axes)
    for letter, ax in zip(ascii_lowercase, given if len(given) > 1 else [], strict=False):
        label_panel(ax, letter)
