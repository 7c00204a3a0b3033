"""The published figures, measured exponents with theory on top. Everything drawn is given; nothing is solved here.

Red is an exponent above zero (condensed), blue one below (linear), in all diagrams. Solid black lines are theory's
borders. White circles are where the measured exponent crosses zero.

References:
    arXiv:2007.07497, phase diagram of two layers, displacement against width, orientation against amplitude;
    arXiv:2205.12101, the same for three layers.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ... import plot
from ...evidence.statistics import Estimate
from .scaling import Scaling


COLOUR_RANGE = 1.0  # of exponents; beyond it cells keep the last colour
NAMES = {"input": "input weights", "layer1": "first layer", "layer2": "second layer", "layer3": "third layer"}
AXES = {
    "gamma": r"$\gamma$",
    "gamma_prime": r"$\gamma'$",
    "gamma_2": r"$\gamma_2$",
    "gamma_3": r"$\gamma_3$",
}


def phase_diagram(
    measured: Scaling,
    x_name: str,
    y_name: str,
    borders: Mapping[str, Any],
    *,
    schemes: Mapping[str, tuple[float, float]] | None = None,
    crossings: Mapping[str, tuple[Any, Any]] | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Measured exponents as colour, one panel per layer, theory's borders as lines, initialisations marked.

    Args:
        measured: a sweep of shape (y, x).
        x_name: coordinate on the horizontal axis, of shape (1, x) in the system.
        y_name: coordinate on the vertical axis, of shape (y, 1).
        borders: (x, y) of theory's border by layer; all are drawn in every panel, the panel's own one solid.
        schemes: positions of initialisations by name.
        crossings: (x, y) of the measured sign changes by layer.
        axes: one per layer; a figure of a page's width (of a column's for one layer) unless given.
    """
    x, y = (np.ravel(getattr(measured.system, name)) for name in (x_name, y_name))
    layers = measured.system.layers
    with plot.style():
        panels, figure = _panels(axes, len(layers), 2.9)
        for letter, ax, layer in zip("abc", panels, layers, strict=False):
            exponent = np.ma.masked_invalid(np.asarray(measured.exponent[layer].mean))
            mesh = ax.pcolormesh(
                _edges(x), _edges(y), exponent, cmap="RdBu_r", vmin=-COLOUR_RANGE, vmax=COLOUR_RANGE, rasterized=True
            )
            ax.set_facecolor("0.6")
            for other, (bx, by) in borders.items():
                own = other == layer
                ax.plot(bx, by, "-" if own else "--", color="black", linewidth=1.4 if own else 0.9)
            if crossings is not None and layer in crossings:
                cx, cy = crossings[layer]
                ax.plot(cx, cy, "o", markerfacecolor="white", markeredgecolor="black", markersize=4, linestyle="none")
            for index, (name, (px, py)) in enumerate((schemes or {}).items()):
                ax.plot(px, py, "*", color="#F0E442", markeredgecolor="black", markersize=9)
                shift = (5, 4) if index % 2 else (5, -11)  # below and above in turn, so that neighbours do not overlap
                ax.annotate(
                    name, (px, py), xytext=shift, textcoords="offset points", fontsize=7,
                    bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "alpha": 0.75, "linewidth": 0},
                )  # fmt: skip
            ax.set(xlabel=AXES[x_name], ylabel=AXES[y_name], xlim=_edges(x)[[0, -1]], ylim=_edges(y)[[0, -1]])
            label = rf"exponent $S$ of the {NAMES[layer]}"
            figure.colorbar(mesh, ax=ax, extend="both", label=label, ticks=[-1, -0.5, 0, 0.5, 1])
            if len(layers) > 1:
                plot.label_panel(ax, letter)
        own = "theory's border" if len(borders) == 1 else "theory's border of this layer"
        handles = [Line2D([], [], color="black", linewidth=1.4, label=own)]
        if len(borders) > 1:
            handles.append(
                Line2D([], [], color="black", linestyle="--", linewidth=0.9, label="border of the other one")
            )
        if crossings:
            handles.append(_key("o", "white", "measured $S=0$"))
        if schemes:
            handles.append(_key("*", "#F0E442", "initialisations"))
        plot.legend_below(panels[0], handles, columns=2)
    return figure


def caption_phase_diagram(measured: Scaling) -> str:
    """What the diagram shows, in words."""
    members = measured.status.shape[-1]
    return (
        f"Exponent S of the displacement RD ~ m^S at the end of training, from widths {_widths(measured)} with "
        f"{members} networks each ({measured.counts}). Red: condensed, blue: linear, white: critical; colours end at "
        f"|S| = {COLOUR_RANGE:g}; grey: fewer than two widths with a network that reached its goal. Circles: where S, "
        "interpolated along a column, is zero; at these widths they scatter about the border, which they reach from "
        "widths of 800 on."
    )


def displacement(
    runs: Mapping[str, Scaling], predicted: Mapping[str, Mapping[str, float]], *, axes: Sequence[Axes] | None = None
) -> Figure:
    """RD against the width, one panel per layer; dashed lines have theory's slope and go through the largest width.

    Args:
        runs: one point each, by label.
        predicted: theory's exponents by label and layer.
        axes: one per layer.
    """
    layers = next(iter(runs.values())).system.layers
    with plot.style():
        panels, figure = _panels(axes, len(layers), 2.9)
        for letter, ax, layer in zip("abc", panels, layers, strict=False):
            ax.set(xscale="log", yscale="log", xlabel="width $m$", ylabel=f"displacement RD of the {NAMES[layer]}")
            for index, (name, run) in enumerate(runs.items()):
                widths, found = np.asarray(run.widths), run.displacement[layer]
                theory, s = predicted[name][layer], run.exponent[layer]
                line = found.mean[-1] * (widths / widths[-1]) ** theory
                plot.draw_theory(ax, widths, line, index=index, dashed=True)
                label = f"{name}: $S$ = {s}, theory {theory:.3g}"
                plot.draw_experiment(ax, widths, Estimate(found.mean, found.error), index=index, label=label)
                ax.set_xticks(widths, [str(width) for width in widths])
                ax.minorticks_off()
            plot.legend_below(ax, ax.get_legend_handles_labels()[0])
            if len(layers) > 1:
                plot.label_panel(ax, letter)
    return figure


def caption_displacement(runs: Mapping[str, Scaling]) -> str:
    """What the figure shows, in words."""
    run = next(iter(runs.values()))
    return (
        "Relative displacement of a layer at the end of training against the width: geometric means over "
        f"{run.status.shape[-1]} networks with one standard error. Dashed: theory's exponent, through the largest "
        "width. S: slope of the least-squares line through all widths."
    )


def regimes(
    names: Sequence[str],
    curves: tuple[Any, Any],
    data: tuple[Any, Any],
    neurons: Sequence[tuple[tuple[Any, Any], tuple[Any, Any]]],
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""One network of each regime: what it puts out (above), and orientation and amplitude of its neurons (below).

    Args:
        names: of the regimes, for titles.
        curves: inputs, and the outputs of each network there.
        data: inputs and targets of the training set.
        neurons: for each network $(\phi, A)$ at the start and at the end.
        axes: two rows of one per regime.
    """
    count = len(names)
    with plot.style():
        if axes is None:
            figure, made = plot.subplots(2, count, width="page", height=2.1)
        else:
            made, figure = _panels(axes, 2 * count, 2.1)
        x, outputs = curves
        largest = 1.3 * max(np.abs(amplitude).max() for pair in neurons for _, amplitude in pair)
        for index, (name, ax, below) in enumerate(zip(names, made[:count], made[count:], strict=True)):
            ax.plot(np.asarray(x), np.asarray(outputs[index]), color=plot.COLOURS[0], label="output")
            ax.plot(np.ravel(data[0]), np.asarray(data[1]), "o", color="black", label="training points", zorder=3)
            ax.set(xlabel="input $x$", ylabel="output $f$" if index == 0 else "")
            ax.set_title(name)
            plot.label_panel(ax, "abcdef"[index])
            for (phi, amplitude), colour, label in zip(
                neurons[index],
                ("0.65", plot.COLOURS[1]),
                ("neurons at the start", "neurons after training"),
                strict=True,
            ):
                below.plot(np.asarray(phi), np.asarray(amplitude), ".", color=colour, markersize=2, label=label)
            below.set_yscale("symlog", linthresh=10)
            below.set(
                xlabel=r"orientation $\phi$", ylabel=r"contribution $a\|w\|$" if index == 0 else "",
                xlim=(-np.pi, np.pi), xticks=[-np.pi, 0, np.pi], xticklabels=[r"$-\pi$", "0", r"$\pi$"],
                ylim=(-largest, largest),
            )  # fmt: skip
            plot.label_panel(below, "abcdef"[count + index])
        handles = [*made[0].get_legend_handles_labels()[0], *made[count].get_legend_handles_labels()[0]]
        figure.legend(handles=handles, loc="outside lower center", ncols=4, markerscale=1.5)
    return figure


def exponents(found: Mapping[str, tuple[Estimate, Any]], *, ax: Axes | None = None) -> Figure:
    """Measured against predicted exponents; points on the diagonal agree.

    Args:
        found: arrays of measured exponents and theory's, by label.
        ax: axes to draw on.
    """
    with plot.style():
        panels, figure = _panels(None if ax is None else [ax], 1, 3.0)
        ends = []
        for index, (name, (estimate, theory)) in enumerate(found.items()):
            plot.draw_experiment(
                panels[0], np.ravel(theory), Estimate(np.ravel(estimate.mean), np.ravel(estimate.error)), index=index,
                label=name, hollow=True,
            )  # fmt: skip
            ends += [np.nanmin(theory), np.nanmax(theory), np.nanmin(estimate.mean), np.nanmax(estimate.mean)]
        line = np.array([min(ends) - 0.1, max(ends) + 0.1])
        panels[0].plot(line, line, color="black", linewidth=0.9, label="equal", zorder=0)
        panels[0].set(xlabel="exponent $S$, theory", ylabel="exponent $S$, networks", xlim=line, ylim=line)
        panels[0].axhline(0, color="0.7", linewidth=0.6, zorder=0)
        panels[0].axvline(0, color="0.7", linewidth=0.6, zorder=0)
        plot.legend_below(panels[0], panels[0].get_legend_handles_labels()[0], columns=2)
    return figure


def _panels(axes: Sequence[Axes] | None, count: int, height: float) -> tuple[list[Axes], Any]:
    if axes is not None:
        return list(axes), axes[0].get_figure()
    figure, made = plot.subplots(1, count, width="page" if count > 1 else "column", height=height)
    return made, figure


def _key(marker: str, colour: str, label: str) -> Line2D:
    return Line2D([], [], marker=marker, linestyle="none", markerfacecolor=colour, markeredgecolor="black", label=label)


def _edges(centres: np.ndarray) -> np.ndarray:
    if len(centres) == 1:
        return centres[0] + np.array([-0.5, 0.5])
    middle = (centres[1:] + centres[:-1]) / 2
    return np.concatenate([[2 * centres[0] - middle[0]], middle, [2 * centres[-1] - middle[-1]]])


def _widths(measured: Scaling) -> str:
    return ", ".join(map(str, measured.widths))
