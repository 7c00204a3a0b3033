"""Figures on learning over time, and over the number of samples or neurons. Everything drawn is given.

Lines with bands are means and standard deviations over an ensemble of networks, points are networks with standard
errors; a colour is a size and means the same in all panels.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from .style import COLOURS, MARKERS, label_panel, plain_log, style, subplots


DASHES = ("-", "--", ":")


def learning_curves(
    time: Mapping[str, Any],
    losses: Mapping[str, Any],
    overlaps: Mapping[str, Any],
    theory: Mapping[str, Mapping[str, float]] | None = None,
) -> Figure:
    """Training and test loss, and the overlap with each component of the target, against the log of time.

    Args:
        time: of every record, by label of a size.
        losses: by label, {"training": (member, record), "test": likewise}.
        overlaps: by label, {name of a component: (member, record)}, each in units of its target.
        theory: by label, {name of a component: overlap in equilibrium}.
    """
    components = list(next(iter(overlaps.values())))
    with style():
        figure, axes = subplots(1, 1 + len(components), width="page", height=2.7)
        for colour, name in zip(COLOURS, time, strict=False):

            def draw(ax, values, dash="-", label=None, name=name, colour=colour):
                mean, spread = np.mean(values, axis=0), np.std(values, axis=0, ddof=1)
                ax.plot(time[name], mean, dash, color=colour, label=label)
                ax.fill_between(time[name], mean - spread, mean + spread, color=colour, alpha=0.15, linewidth=0)

            for dash, (kind, values) in zip(DASHES, losses[name].items(), strict=False):
                draw(axes[0], values, dash, f"{name}, {kind}")
            for ax, kind in zip(axes[1:], components, strict=True):
                draw(ax, overlaps[name][kind])
                if theory is not None:
                    ax.axhline(theory[name][kind], color=colour, linestyle=":", linewidth=1)
        axes[0].set(yscale="log", ylabel="mean squared error")
        plain_log(axes[0].yaxis)
        for ax, kind in zip(axes[1:], components, strict=True):
            ax.set(ylabel=f"{kind} overlap in units of the target")
            ax.axhline(0, color="0.5", linewidth=0.8)
        for letter, ax in zip("abcdef", axes, strict=False):
            ax.set(xscale="log", xlabel="time $t$, dimensionless")
            label_panel(ax, letter)
        if theory is not None:
            axes[1].plot([], [], ":", color="0.3", label="theory, in equilibrium")
        figure.legend(loc="outside lower center", ncols=4)
    return figure


def learned_over_size(
    measured: Mapping[str, tuple[Any, Any, Any]], theory: Mapping[str, tuple[Any, Any]], *, label: str
) -> Figure:
    """The learned share of a component over the number of samples, or of neurons.

    Args:
        measured: (size, share, error) by label.
        theory: (size, share) by label; a label that is measured, too, has its colour and a solid line.
        label: of the abscissa.
    """
    colour = dict(zip(dict.fromkeys([*measured, *theory]), COLOURS, strict=False))
    with style():
        figure, (ax,) = subplots(height=2.7)
        for marker, (name, (size, share, error)) in zip(MARKERS, measured.items(), strict=False):
            ax.errorbar(
                size, share, error, color=colour[name], marker=marker, linestyle="none", label=f"networks, {name}"
            )
        for name, (size, share) in theory.items():
            ax.plot(size, share, "-" if name in measured else "--", color=colour[name], label=f"theory, {name}")
        ax.set(xscale="log", xlabel=label, ylabel="learned share of the cubic component")
        plain_log(ax.xaxis)
        ax.axhline(0, color="0.5", linewidth=0.8)
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return figure


def symmetry_breaking(measured: Mapping[str, tuple[Any, Any, Any]], strengths: Mapping[str, float]) -> Figure:
    r"""$\log p(q)/p(-q)$ in a field, which is $2hq$ exactly.

    Args:
        measured: (q, log ratio, error) by label.
        strengths: $h$ by label.
    """
    with style():
        figure, (ax,) = subplots(height=2.6)
        for marker, colour, (name, (q, ratio, error)) in zip(MARKERS, COLOURS, measured.items(), strict=False):
            ax.errorbar(q, ratio, error, color=colour, marker=marker, linestyle="none", label=f"networks, {name}")
            ax.plot(q, 2 * strengths[name] * np.asarray(q), color=colour, label=f"exact, {name}")
        ax.set(xlabel="alignment with the teacher $q$", ylabel=r"$\log\,p(q)/p(-q)$")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return figure
