"""Figures on learning over time, and over the number of samples or neurons. Everything drawn is given.

Lines with bands are means and standard deviations over an ensemble of networks, points are networks with standard
errors; a colour is a size and means the same in all panels. `plot.captions` says what is seen.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .style import COLOURS, MARKERS, label_panel, legend_below, plain_log, style, subplots


DASHES = ("-", "--", ":")
THEORY: Any = (0, (1, 1.5))  # finer than the dots of a third loss


def learning_curves(
    time: Mapping[str, Any],
    losses: Mapping[str, Any],
    overlaps: Mapping[str, Any],
    theory: Mapping[str, Mapping[str, float]] | None = None,
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Training and test loss, and the overlap with each component of the target, against the log of time.

    Args:
        time: of every record, by label of a size.
        losses: by label, {"training": (member, record), "test": likewise}.
        overlaps: by label, {name of a component: (member, record)}, each in units of its target.
        theory: by label, {name of a component: overlap in equilibrium}.
        axes: one for the losses and one a component; a figure of a page's width unless given.

    Examples:
        >>> from grokjax import plot
        >>> time, curves = {"N = 22": np.geomspace(0.1, 10, 5)}, np.linspace(2.0, 1.0, 10).reshape(2, 5)
        >>> losses, overlaps = {"N = 22": {"training": curves, "test": 2 * curves}}, {"N = 22": {"linear": 1 / curves}}
        >>> figure = plot.learning.learning_curves(time, losses, overlaps, {"N = 22": {"linear": 0.9}})
        >>> [ax.get_ylabel() for ax in figure.axes]
        ['mean squared error', 'linear overlap in units of the target']
    """
    components, kinds = list(next(iter(overlaps.values()))), list(next(iter(losses.values())))
    with style():
        figure, axes = subplots(1, 1 + len(components), width="page", height=2.8, axes=axes)
        for colour, name in zip(COLOURS, time, strict=False):

            def draw(ax, values, dash="-", name=name, colour=colour):
                mean, spread = np.mean(values, axis=0), np.std(values, axis=0, ddof=1)
                ax.plot(time[name], mean, dash, color=colour)
                ax.fill_between(time[name], mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)

            for dash, kind in zip(DASHES, kinds, strict=False):
                draw(axes[0], losses[name][kind], dash)
            for ax, kind in zip(axes[1:], components, strict=True):
                draw(ax, overlaps[name][kind])
                if theory is not None:
                    ax.axhline(theory[name][kind], color=colour, linestyle=THEORY, linewidth=1)
        axes[0].set(yscale="log", ylabel="mean squared error")
        plain_log(axes[0].yaxis)
        for ax, kind in zip(axes[1:], components, strict=True):
            ax.set(ylabel=f"{kind} overlap in units of the target")
            ax.axhline(0, color="0.5", linewidth=0.8)
        for letter, ax in zip("abcdef", axes, strict=False):
            ax.set(xscale="log", xlabel="time $t$, dimensionless")
            label_panel(ax, letter)
        key = lambda label, dash: Line2D([], [], color="0.3", linestyle=dash, label=label)
        equilibrium = [] if theory is None else [key("theory, in equilibrium", THEORY)]
        sizes = [Line2D([], [], color=colour, label=name) for colour, name in zip(COLOURS, time, strict=False)]
        legend_below(axes[0], [key(kind, dash) for dash, kind in zip(DASHES, kinds, strict=False)])
        legend_below(axes[1], sizes if len(axes) > 2 else [*sizes, *equilibrium])
        if len(axes) > 2:
            legend_below(axes[2], equilibrium)
    return figure


def learned_over_size(
    measured: Mapping[str, tuple[Any, Any, Any]],
    theory: Mapping[str, tuple[Any, Any]],
    *,
    label: str,
    ax: Axes | None = None,
) -> Figure:
    """The learned share of a component over the number of samples, or of neurons.

    Args:
        measured: (size, share, error) by label.
        theory: (size, share) by label; a label that is measured, too, has its colour and a solid line.
        label: of the abscissa.
        ax: the axis; a figure of a column's width unless given.

    Examples:
        >>> from grokjax import plot
        >>> measured = {"d = 12": ([30, 60, 120], [0.1, 0.2, 0.3], [0.01, 0.01, 0.01])}  # n, share, error
        >>> theory = {"d = 12": ([30, 60, 120], [0.1, 0.2, 0.4])}
        >>> figure = plot.learning.learned_over_size(measured, theory, label="number of samples $n$")
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['theory, d = 12', 'networks, d = 12']
    """
    colour = dict(zip(dict.fromkeys([*measured, *theory]), COLOURS, strict=False))
    with style():
        figure, (ax,) = subplots(height=2.7, axes=ax)
        for marker, (name, (size, share, error)) in zip(MARKERS, measured.items(), strict=False):
            ax.errorbar(
                size, share, error, color=colour[name], marker=marker, linestyle="none", label=f"networks, {name}"
            )
        for name, (size, share) in theory.items():
            ax.plot(size, share, "-" if name in measured else "--", color=colour[name], label=f"theory, {name}")
        ax.set(xscale="log", xlabel=label, ylabel="learned share of the cubic component")
        plain_log(ax.xaxis)
        ax.axhline(0, color="0.5", linewidth=0.8)
        legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure


def symmetry_breaking(
    measured: Mapping[str, tuple[Any, Any, Any]], strengths: Mapping[str, float], *, ax: Axes | None = None
) -> Figure:
    r"""$\log p(q)/p(-q)$ in a field, which is $2hq$ exactly.

    Args:
        measured: (q, log ratio, error) by label.
        strengths: $h$ by label.
        ax: the axis; a figure of a column's width unless given.

    Examples:
        >>> from grokjax import plot
        >>> measured = {"h = 1": ([0.1, 0.2], [0.21, 0.38], [0.02, 0.02])}  # q, log ratio, error
        >>> figure = plot.learning.symmetry_breaking(measured, {"h = 1": 1.0})
        >>> [round(float(y), 6) for y in figure.axes[0].lines[-1].get_ydata()]  # 2 h q
        [0.2, 0.4]
    """
    with style():
        figure, (ax,) = subplots(height=2.6, axes=ax)
        for marker, colour, (name, (q, ratio, error)) in zip(MARKERS, COLOURS, measured.items(), strict=False):
            ax.errorbar(q, ratio, error, color=colour, marker=marker, linestyle="none", label=f"networks, {name}")
            ax.plot(q, 2 * strengths[name] * np.asarray(q), color=colour, label=f"exact, {name}")
        ax.set(xlabel="alignment with the teacher $q$", ylabel=r"$\log\,[p(q)/p(-q)]$")
        legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure
