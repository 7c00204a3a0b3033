"""Diagrams of exponents over two coordinates."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .... import plot
from ..scaling import Scaling
from ._axes import NAMES, networks_of


COLOUR_RANGE = 1.0  # of exponents; beyond it cells keep the last colour
YELLOW = "#F0E442"
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

    Examples:
        >>> from matplotlib import pyplot as plt
        >>> from grokjax.systems import infinite_width as iw
        >>> from grokjax.systems.infinite_width import figures
        >>> plane = iw.TwoLayer(gamma=jnp.array([[0.5, 1.75]]))
        >>> run = iw.simulate(jax.random.key(0), plane, widths=(10, 20, 40), num_members=2, progress=False)
        >>> line = np.linspace(-0.5, 0.5, 3)
        >>> figure = figures.phase_diagram(run, "gamma", "gamma_prime", {"input": (iw.two_layer_border(line), line)})
        >>> [float(end) for end in figure.axes[0].get_xlim()]  # that of the cells
        [-0.125, 2.375]
        >>> plt.close(figure)
    """
    x, y = (np.ravel(getattr(measured.system, name)) for name in (x_name, y_name))
    layers = measured.system.layers
    with plot.style():
        figure, made = plot.subplots(1, len(layers), height=2.9, axes=axes)
        for ax, layer in zip(made, layers, strict=True):
            exponent = np.ma.masked_invalid(np.asarray(measured.exponent[layer].mean))
            mesh = ax.pcolormesh(
                plot.cell_edges(x),
                plot.cell_edges(y),
                exponent,
                cmap="RdBu_r",
                vmin=-COLOUR_RANGE,
                vmax=COLOUR_RANGE,
                rasterized=True,
            )
            ax.set_facecolor("0.6")
            for other, (bx, by) in borders.items():
                own = other == layer
                ax.plot(bx, by, "-" if own else "--", color="black", linewidth=1.4 if own else 0.9)
            ax.set(
                xlabel=AXES[x_name],
                ylabel=AXES[y_name],
                xlim=plot.cell_edges(x)[[0, -1]],
                ylim=plot.cell_edges(y)[[0, -1]],
            )
            _mark_schemes(ax, schemes or {})
            if crossings is not None and layer in crossings:
                cx, cy = crossings[layer]  # above the stars: a measurement is not covered
                ax.plot(cx, cy, "o", markerfacecolor="white", markeredgecolor="black", markersize=4, zorder=4)
            label = rf"exponent $S$ of the {NAMES[layer]}"
            figure.colorbar(mesh, ax=ax, extend="both", label=label, ticks=[-1, -0.5, 0, 0.5, 1])
        plot.label_panels(made)
        own = "theory's border" if len(borders) == 1 else "theory's border of this layer"
        handles = [Line2D([], [], color="black", linewidth=1.4, label=own)]
        if len(borders) > 1:
            other = "theory's border of the other one"
            handles.append(Line2D([], [], color="black", linestyle="--", linewidth=0.9, label=other))
        if crossings:
            handles.append(_key("o", "white", "measured $S=0$"))
        if schemes:
            handles.append(_key("*", YELLOW, "initialisations"))
        if np.isnan(np.concatenate([np.ravel(measured.exponent[layer].mean) for layer in layers])).any():
            handles.append(_key("s", "0.6", "not measured"))
        if len(layers) == 1:
            plot.legend_below(made[0], handles, columns=2)
        else:
            figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def caption_phase_diagram(
    measured: Scaling,
    borders: Mapping[str, Any] | None = None,
    crossings: Mapping[str, tuple[Any, Any]] | None = None,
) -> str:
    """What the diagram shows, in words.

    Args:
        measured: as in `phase_diagram`.
        borders: likewise; with the crossings, how far these are from theory.
        crossings: likewise.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> from grokjax.systems.infinite_width import figures
        >>> plane = iw.TwoLayer(gamma=jnp.array([[0.5, 1.75]]))
        >>> run = iw.simulate(jax.random.key(0), plane, widths=(10, 20, 40), num_members=2, progress=False)
        >>> "from widths 10, 20, 40 with 2 networks each" in figures.caption_phase_diagram(run)
        True
    """
    said = (
        f"Exponent S of the displacement RD ~ m^S at the end of training, from {networks_of(measured)}. Red: "
        f"condensed, blue: linear, white: critical; colours end at |S| = {COLOUR_RANGE:g}; grey: fewer than two widths "
        "with a network that reached its goal. Black lines: where theory's S is zero, without a fitted number."
    )
    if not (borders and crossings):
        return said
    said += " Circles: where the measured S, interpolated along a column, is zero."
    for layer, (x, y) in crossings.items():
        distance = np.asarray(y, float) - np.interp(x, *borders[layer])
        distance = distance[np.isfinite(distance)]
        if distance.size:
            said += (
                f" For the {NAMES[layer]} they lie {np.median(distance):+.2f} from theory in the median "
                f"({distance.min():+.2f} to {distance.max():+.2f})."
            )
    return said + " Theory is that of infinite width; what wider networks would do was not measured."


def _mark_schemes(ax: Axes, schemes: Mapping[str, tuple[float, float]]) -> None:
    for index, (name, (x, y)) in enumerate(schemes.items()):
        ax.plot(x, y, "*", color=YELLOW, markeredgecolor="black", markersize=9)
        # Below and above in turn, so that neighbours do not overlap; in the right half from the star's left on.
        side = -8 if x > np.mean(ax.get_xlim()) else 5
        ax.annotate(
            name, (x, y), xytext=(side, 4 if index % 2 else -11), textcoords="offset points", fontsize=7,
            bbox={"boxstyle": "round,pad=0.12", "facecolor": "white", "alpha": 0.75, "linewidth": 0},
        )  # fmt: skip


def _key(marker: str, colour: str, label: str) -> Line2D:
    return Line2D([], [], marker=marker, linestyle="none", markerfacecolor=colour, markeredgecolor="black", label=label)
