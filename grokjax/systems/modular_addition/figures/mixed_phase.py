"""What the published figure lacks: real networks on top of the theory, and phase diagrams.

Figures take what `predict`, `transitions`, `phase_diagram` and `simulate` return, and solve nothing.
"""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .... import plot
from ....evidence.statistics import LARGEST_Z, Estimate, z_score
from ....phases import PhaseDiagram
from ....results import Run
from ..phases import Transitions
from ..theory import Prediction


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
    "specialised_once": "fraction of neurons\nspecialised at one frequency",
    "overlap_moment": r"$\langle XV\rangle$",
}


def mixed_phase(
    curve: Prediction, borders: Transitions, cold: Run, hot: Run | None = None, *, axes: Sequence[Axes] | None = None
) -> Figure:
    """Discrepancy, side weight and single-frequency neurons against noise: networks on top of the exact theory.

    Args:
        curve: predictions at many noises.
        borders: of the sharp limit.
        cold: a sweep over `noise_variance`, shape (point,), started from the prior.
        hot: the same, started from single-frequency neurons.
        axes: three axes to draw on; a figure of a page's width unless given.
    """
    noise, grid = np.asarray(cold.system.noise_variance), np.asarray(curve.law.system.noise_variance)
    exponent = int(np.floor(np.log10(noise.max())))
    unit = 10.0**exponent
    with plot.style():
        figure, axes = panels_of(axes, 3)
        for ax, name in zip(axes, PANELS, strict=False):
            plot.draw_theory(ax, grid / unit, getattr(curve, name), label="theory, exact")
            plot.draw_experiment(ax, noise / unit, getattr(cold, name), index=1, label="networks, cold start")
            if hot is not None:
                label = "networks, hot start"
                plot.draw_experiment(ax, noise / unit, getattr(hot, name), index=2, label=label, hollow=True)
            keys = draw_borders(ax, borders, unit)
            ax.set(xlabel=rf"{AXES['noise_variance']} ($10^{{{exponent}}}$)", ylabel=PANELS[name])
            ax.set_ylim(bottom=0)
        sizes = f"$P={float(cold.system.prime):g}$, $N={float(cold.system.width):g}$"
        plot.legend_below(axes[0], axes[0].get_legend_handles_labels()[0])
        plot.legend_below(axes[1], keys, title="sharp limit")
        empty = Line2D([], [], linestyle="", label=f"{sizes}, {cold.layout.num_members} networks a noise")
        plot.legend_below(axes[2], [empty])
        draw_letters(axes)
    return figure


def caption_mixed_phase(cold: Run, hot: Run | None = None) -> str:
    """What `mixed_phase` shows, in words, with the points that are not in equilibrium."""
    words = (
        "Modular addition: (a) part of the target that is not learned, (b) share of specialised pairs, (c) fraction of "
        "neurons specialised at exactly one frequency, which theory takes for independent: true for wide networks, and "
        "the excess falls as 1/N. Lines: exact theory; points: networks with one standard error. Nothing is fitted."
    )
    if hot is None:
        return words
    apart = np.abs(z_score(cold.side_weight, hot.side_weight)) > LARGEST_Z
    noises = ", ".join(f"{noise:.3g}" for noise in np.asarray(cold.system.noise_variance)[apart])
    if not noises:
        return f"{words} The two starts agree in (b) at all noises."
    return (
        f"{words} The two starts differ by more than {LARGEST_Z:g} standard errors in (b) at the noises {noises}: "
        "these points are not in equilibrium."
    )


def pair_densities(
    theory: Prediction, run: Run, point: int | tuple[int, ...] = (), *, axes: Sequence[Axes] | None = None
) -> Figure:
    """The law of (X, V): (a) theory beside (b) the networks' histogram, on one logarithmic colour scale.

    Args:
        theory: of the run's system.
        run: a simulation.
        point: which point of a sweep, on both roads.
        axes: two axes to draw on; a figure of a page's width unless given.
    """
    law, pairs = jax.tree.map(lambda leaf: leaf[point], theory.law), run.observed["pairs"]
    well, noise = float(law.system.well_position), float(law.system.noise_variance)
    x, v = jnp.meshgrid(pairs.centres * well, pairs.centres * well, indexing="ij")
    expected = np.exp(np.asarray(law.log_density(x, v))) * well**2
    counts = np.where(run.diverged[..., None, None], 0, pairs.counts)[point].sum(axis=0)
    networks = counts / counts.sum() / np.diff(pairs.edges)[0] ** 2
    norm = LogNorm(networks[networks > 0].min(), max(networks.max(), expected.max()))
    seen = np.flatnonzero((np.maximum(networks, expected) >= norm.vmin).any(axis=0))
    reach = float(pairs.edges[seen[-1] + 1])
    with plot.style():
        figure, axes = panels_of(axes, 2)
        for ax, density, name in zip(axes, (expected, networks), ("theory", "networks"), strict=True):
            shown = np.ma.masked_less(density, float(networks[networks > 0].min()))
            mesh = ax.pcolormesh(pairs.edges, pairs.edges, shown.T, norm=norm, cmap="cividis", rasterized=True)
            ax.set(xlabel="$X$ (units of $x^*$)", ylabel="$V$ (units of $x^*$)", aspect="equal")
            ax.set(xlim=(0, reach), ylim=(0, reach), xticks=np.arange(0, reach, 0.5), yticks=np.arange(0, reach, 0.5))
            ax.set_title(rf"{name}, $\sigma^2={noise:g}$")
        figure.colorbar(mesh, ax=list(axes), label=r"probability density (units of $x^{*-2}$)", shrink=0.9)
        draw_letters(axes)
    return figure


def phase_diagram(
    diagram: PhaseDiagram, borders: Transitions, *, noise_variance: Any = None, ax: Axes | None = None
) -> Figure:
    """Phases over two fields, with the borders of the sharp limit.

    Args:
        diagram: with two axes, such as noise and read-out variance, or width and prime.
        borders: of the same points, in the shape of the grid.
        noise_variance: that of the system, where the noise is no axis.
        ax: where to draw; a figure of a column's width unless given.
    """
    (x_name, x), (y_name, y) = diagram.axes.items()
    noise = dict(zip(diagram.axes, np.meshgrid(x, y, indexing="ij"), strict=True)).get("noise_variance", noise_variance)
    with plot.style():
        ax = plot.subplots(height=2.9)[1][0] if ax is None else ax
        ax.set(xscale="log", yscale="log")
        labels = {"x_label": AXES.get(x_name, x_name), "y_label": AXES.get(y_name, y_name)}
        status = np.asarray(diagram.status).T
        handles = plot.draw_phases(ax, x, y, np.asarray(diagram.labels).T, diagram.phases, status=status, **labels)
        for name, (label, line) in BORDERS.items():
            level = np.nan_to_num(np.asarray(getattr(borders, name)), nan=0.0) - noise
            if level.min() < 0 < level.max():
                ax.contour(x, y, level.T, levels=[0.0], colors="0.2", linewidths=0.9, linestyles=line)
                handles.append(Line2D([], [], color="0.2", linewidth=0.9, ls=line, label=f"{label}, sharp"))
        if y_name == "prime":
            ax.set_yticks(np.asarray(y)[:: -(-len(y) // 6)], minor=False)
            ax.yaxis.set_major_formatter("{x:.0f}")
            ax.yaxis.set_minor_formatter("")
        plot.legend_below(ax, handles, columns=2, title="present: weight above $1/N$ a frequency")
    return ax.get_figure(root=True)  # pyright: ignore[reportReturnType]


def phase_diagrams(
    diagrams: Sequence[PhaseDiagram], borders: Sequence[Transitions], *, noise_variance: Any = None
) -> Figure:
    """Several of `phase_diagram` side by side.

    Args:
        diagrams: with two axes each.
        borders: of the same points, in the shape of each grid.
        noise_variance: that of the system, for diagrams without such an axis.
    """
    with plot.style():
        figure, axes = plot.subplots(1, len(diagrams), width="page", height=2.9)
        for ax, diagram, sharp in zip(axes, diagrams, borders, strict=True):
            phase_diagram(diagram, sharp, noise_variance=noise_variance, ax=ax)
        draw_letters(axes)
    return figure


CAPTION_PHASES = (
    "Phases of modular addition. GFL: Gaussian feature learning, no specialised pair; GMFL-I: Gaussian mixture feature "
    "learning, ordinary and specialised pairs; GMFL-II: specialised pairs only. A component counts as present above a "
    "weight of 1/N per frequency. At P = 5 the lazy law alone has a tail beyond x*/2 that exceeds 1/N in wide "
    "networks, and is shown as GMFL-I: no phase returns there. Lines: borders of the sharp limit."
)


def width_convergence(
    widths: Any,
    gaps: dict[str, tuple[Any, Any]],
    series: dict[str, tuple[float, float]],
    *,
    ax: Axes | None = None,
) -> Figure:
    """Gap between networks and exact theory against width, with the fitted expansion in 1/N.

    Args:
        widths: shape (width,).
        gaps: by name, (theory - networks)/theory and its error, shape (width,).
        series: by name, coefficients of 1/N and 1/N^2.
        ax: where to draw; a new figure of a column's width unless given.
    """
    widths = np.asarray(widths, float)
    curve = np.geomspace(widths.min(), widths.max(), 100)
    with plot.style():
        ax = plot.subplots(1, 1, width="column", height=2.9)[1][0] if ax is None else ax
        for index, (name, (gap, error)) in enumerate(gaps.items()):
            first, second = series[name]
            plot.draw_theory(ax, curve, np.abs(first / curve + second / curve**2), index=index)
            estimate = Estimate(np.abs(gap), error)
            plot.draw_experiment(ax, widths, estimate, index=index, label=PANELS.get(name, name).replace("\n", " "))
        ax.set(xscale="log", yscale="log", xlabel="width $N$", ylabel="|theory $-$ networks| / theory")
        ax.set_xticks(widths, [f"{width:.0f}" for width in widths])
        ax.minorticks_off()
        plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2, title="curves: $c_1/N + c_2/N^2$")
    return ax.get_figure(root=True)  # pyright: ignore[reportReturnType]


def panels_of(axes: Sequence[Axes] | None, count: int) -> tuple[Figure, Sequence[Axes]]:
    """The given axes and their figure, or new ones of a page's width."""
    if axes is None:
        return plot.subplots(1, count, width="page", height=2.9)
    return axes[0].get_figure(root=True), axes  # pyright: ignore[reportReturnType]


def draw_letters(axes: Sequence[Axes]) -> None:
    """(a), (b), ... in order."""
    for letter, ax in zip("abcdef", axes, strict=False):
        plot.label_panel(ax, letter)


def draw_borders(ax: Axes, borders: Transitions, unit: float = 1.0) -> list[Line2D]:
    """Vertical lines at the borders that there are, and keys to them."""
    keys = []
    for name, (label, line) in BORDERS.items():
        place = float(getattr(borders, name)) / unit
        if np.isfinite(place):
            ax.axvline(place, color="0.35", linestyle=line, linewidth=1.0, zorder=0)
            keys.append(Line2D([], [], color="0.35", linestyle=line, linewidth=1.0, label=label))
    return keys
