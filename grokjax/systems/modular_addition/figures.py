"""The published figure in both conventions, and what it lacks: real networks on top of the theory.

References:
    arXiv:2310.03789, figure 3.
"""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure

from ... import plot
from ...phases import PhaseDiagram
from ...statistics import Estimate, z_score
from .experiment import Run
from .measurements import HISTOGRAM_REACH
from .phases import transitions
from .system import ModularAddition
from .theory import predict


def paper_system(noise_variance: Any = 0.2) -> ModularAddition:
    """The parameters of the published figure 3."""
    return ModularAddition(
        prime=401, width=1000, noise_variance=noise_variance, readout_variance=2e-6, sextic_decay=1e-4
    )


def figure_3(
    system: ModularAddition | None = None,
    *,
    action_noises: Sequence[float] = (0.3, 0.227, 0.15, 0.1),
    noises: Any = None,
) -> Figure:
    r"""Action along $X=V$ and the discrepancy against noise, as printed and exact.

    In the printed convention the mixed phase ends where side wells hold all weight, and the action tilts beyond; in the
    exact one the same parameters stay mixed, with next to no weight in the wells.

    Args:
        system: the paper's parameters unless given.
        action_noises: noise variances of the actions.
        noises: noise variances of the discrepancy.
    """
    system = paper_system() if system is None else system
    noises = np.linspace(0.05, 0.32, 109) if noises is None else np.asarray(noises)
    well, sharpness = float(system.well_position), float(system.prime * system.well_position)
    x = jnp.linspace(0, 2.2, 300)
    with plot.style():
        figure, (left, middle, right) = plot.subplots(1, 3, width="page", height=2.6)
        for ax, convention, per_pair in ((left, "paper", 0.5), (middle, "exact", 1.0)):
            for index, noise in enumerate(action_noises):
                law = predict(system.replace(noise_variance=noise), convention).law
                action = per_pair * law.action(x * well, x * well) / sharpness
                plot.draw_theory(ax, x, action, index=index, label=rf"$\sigma^2={noise:g}$", dashed=index % 2 == 1)
            ax.axhline(0, color="0.6", linewidth=0.7, zorder=0)
            ax.set(xlabel="$X=V$ (units of $x^*$)", xlim=(0, 2.2))
        left.set_ylim(-0.18, 0.38)
        middle.set_ylim(-0.6, 0.76)
        left.set_ylabel(r"action as printed, $S_k/(Px^*)$")
        middle.set_ylabel(r"action of a pair, $S/(Px^*)$")
        middle.legend(loc="lower left", title="both panels", title_fontsize=7)
        for index, convention in enumerate(("paper", "exact")):
            curve = predict(system.replace(noise_variance=noises), convention)
            label = "as printed" if convention == "paper" else "exact"
            plot.draw_theory(right, noises, curve.discrepancy, index=index, label=label, dashed=index == 1)
        borders = transitions(system, "paper")
        plot.draw_transition(right, float(borders.start), "borders, printed")
        plot.draw_transition(right, float(borders.end))
        right.set(xlabel=r"noise variance $\sigma^2$", ylabel="discrepancy $a$", ylim=(0, 1.05))
        right.legend(loc="lower right", handlelength=1.3, fontsize=6.5)
        for letter, ax in zip("abc", (left, middle, right), strict=True):
            plot.label_panel(ax, letter)
    return figure


def mixed_phase(cold: Run, hot: Run | None = None, *, num_curve: int = 81) -> Figure:
    """Discrepancy, side weight and single-frequency neurons against noise: networks on top of the exact theory.

    Args:
        cold: a sweep over `noise_variance`, shape (point,), started from the prior.
        hot: the same, started from single-frequency neurons.
        num_curve: noises on the theory curves.
    """
    noise = np.asarray(cold.system.noise_variance)
    one = cold.system.replace(noise_variance=float(noise[0]))
    grid = np.linspace(0.6 * noise.min(), 1.05 * noise.max(), num_curve)
    curve = predict(one.replace(noise_variance=grid))
    borders = transitions(one)
    with plot.style():
        figure, axes = plot.subplots(1, 3, width="page", height=2.6)
        panels = (
            ("discrepancy", "discrepancy $a$"),
            ("side_weight", r"side weight $P(X,V>x^*/2)$"),
            ("single_frequency", "neurons with one frequency"),
        )
        unit, label = _noise_unit(noise)
        for ax, (name, title) in zip(axes, panels, strict=True):
            plot.draw_theory(ax, grid / unit, getattr(curve, name), label="theory")
            plot.draw_experiment(ax, noise / unit, getattr(cold, name), index=1, label="networks, cold start")
            if hot is not None:
                plot.draw_experiment(
                    ax, noise / unit, getattr(hot, name), index=2, label="networks, hot start", hollow=True
                )
                _mark_disagreement(ax, noise / unit, getattr(cold, name), getattr(hot, name))
            plot.draw_transition(ax, float(borders.start) / unit)
            plot.draw_transition(ax, float(borders.end) / unit)
            ax.set(xlabel=label, ylabel=title)
            ax.set_ylim(bottom=0)
        _name_phases(axes[1], float(borders.end) / unit, float(borders.start) / unit)
        _legend_of_all(axes)
        for letter, ax in zip("abc", axes, strict=True):
            plot.label_panel(ax, letter)
    return figure


def pair_densities(run: Run, point: int | None = None) -> Figure:
    """The law of (X, V): theory beside the networks' histogram, on one logarithmic colour scale.

    Args:
        run: a simulation.
        point: which point of a sweep; None for a single system.
    """
    at = lambda values: values if point is None else values[point]
    fields = {name: np.broadcast_to(leaf, run.layout.shape) for name, leaf in vars(run.system).items()}
    system = ModularAddition(**{name: float(at(values)) for name, values in fields.items()})
    well = float(system.well_position)
    edges = np.asarray(run.counts.edges)
    centres = (edges[1:] + edges[:-1]) / 2
    x, v = jnp.meshgrid(centres * well, centres * well, indexing="ij")
    theory = np.exp(np.asarray(predict(system).law.log_density(x, v))) * well**2
    counts = np.where(at(run.diverged)[:, None, None], 0, at(run.counts.counts)).sum(axis=0)
    networks = counts / counts.sum() / np.diff(edges)[0] ** 2
    seen = networks[networks > 0]
    lowest = float(seen.min())
    norm = LogNorm(lowest, float(seen.max()))
    with plot.style():
        figure, axes = plot.subplots(1, 2, width="page", height=2.9)
        for ax, density, title in zip(axes, (theory, networks), ("theory", "networks"), strict=True):
            shown = np.ma.masked_less(density, lowest)
            mesh = ax.pcolormesh(edges, edges, shown.T, norm=norm, cmap="cividis", rasterized=True)
            ax.set(xlabel="$X$ (units of $x^*$)", ylabel="$V$ (units of $x^*$)", title=title, aspect="equal")
            ax.set(xlim=(0, 0.8 * HISTOGRAM_REACH), ylim=(0, 0.8 * HISTOGRAM_REACH))
        figure.colorbar(mesh, ax=axes, label=r"probability density (units of $x^{*-2}$)", shrink=0.9)
    return figure


def phase_diagrams(system: ModularAddition, over_variances: PhaseDiagram, over_sizes: PhaseDiagram) -> Figure:
    """Phases over noise and read-out variance, and over width and prime, with the borders of the sharp limit.

    Args:
        system: the fields that are not swept.
        over_variances: axes `noise_variance` and `readout_variance`.
        over_sizes: axes `width` and `prime`.
    """
    labels = {
        "noise_variance": r"noise variance $\sigma^2$",
        "readout_variance": r"read-out variance $\sigma_a^2$",
        "width": "width $N$",
        "prime": "prime $P$",
    }
    with plot.style():
        figure, axes = plot.subplots(1, 2, width="page", height=2.8)
        for letter, ax, diagram in zip("ab", axes, (over_variances, over_sizes), strict=True):
            (x_name, x), (y_name, y) = diagram.axes.items()
            ax.set(xscale="log", yscale="log")
            plot.draw_phases(
                ax,
                x,
                y,
                np.asarray(diagram.labels).T,
                diagram.phases,
                status=np.asarray(diagram.status).T,
                x_label=labels.get(x_name, x_name),
                y_label=labels.get(y_name, y_name),
            )
            plot.label_panel(ax, letter)
            grid = dict(zip((x_name, y_name), np.meshgrid(x, y), strict=True))
            sharp = transitions(system.replace(**{name: values for name, values in grid.items() if name != "prime"}))
            if "prime" in grid:  # values between primes would be refused, and the borders are simple in P
                sharp = transitions(eqx.tree_at(lambda s: s.prime, system.replace(width=grid["width"]), grid["prime"]))
            noise = grid.get("noise_variance", np.asarray(system.noise_variance))
            for border, line in ((sharp.start, "-"), (sharp.end, "--")):
                level = np.nan_to_num(np.asarray(border), nan=0.0) - noise
                ax.contour(x, y, level, levels=[0.0], colors="0.2", linewidths=0.9, linestyles=line)
    return figure


def width_convergence(widths: Any, gaps: dict[str, tuple[Any, Any]], series: dict[str, tuple[float, float]]) -> Figure:
    """Gap between networks and exact theory against width, with the fitted expansion in 1/N.

    Args:
        widths: shape (width,).
        gaps: by name, (theory - networks)/theory and its error, shape (width,).
        series: by name, coefficients of 1/N and 1/N^2.
    """
    widths = np.asarray(widths, float)
    curve = np.geomspace(widths.min(), widths.max(), 100)
    labels = {
        "discrepancy": "discrepancy $a$",
        "side_weight": "side weight",
        "overlap_moment": r"$\langle XV\rangle$",
        "single_frequency": "one frequency",
    }
    with plot.style():
        figure, (ax,) = plot.subplots(1, 1, width="column", height=2.9)
        for index, (name, (gap, error)) in enumerate(gaps.items()):
            first, second = series[name]
            plot.draw_theory(ax, curve, np.abs(first / curve + second / curve**2), index=index)
            estimate = Estimate(np.abs(gap), error)
            plot.draw_experiment(ax, widths, estimate, index=index, label=labels.get(name, name))
        ax.set(xscale="log", yscale="log", xlabel="width $N$", ylabel="|theory $-$ networks| / theory")
        ax.set_xticks(widths, [f"{width:.0f}" for width in widths])
        ax.minorticks_off()
        ax.legend(title="curves: $c_1/N + c_2/N^2$", loc="lower left", fontsize=6.5, title_fontsize=6.5)
    return figure


def _legend_of_all(axes: Sequence[Axes]) -> None:
    """One legend, in the first panel, for what any of the panels shows."""
    found = {}
    for ax in axes:
        for handle, label in zip(*ax.get_legend_handles_labels(), strict=True):
            found.setdefault(label, handle)
    axes[0].legend(list(found.values()), list(found), loc="lower right", fontsize=6.5)


def _mark_disagreement(ax: Axes, x: np.ndarray, cold: Estimate, hot: Estimate, threshold: float = 5.0) -> None:
    """A cross above points at which the two starts differ: not in equilibrium."""
    differ = np.abs(z_score(cold, hot)) > threshold
    if differ.any():
        height = np.maximum(cold.mean, hot.mean)[differ]
        shift = 0.06 * (ax.get_ylim()[1] - ax.get_ylim()[0])
        ax.plot(x[differ], height + shift, "x", color="0.2", markersize=4, label="starts differ")


def _noise_unit(noise: np.ndarray) -> tuple[float, str]:
    exponent = int(np.floor(np.log10(noise.max())))
    return 10.0**exponent, rf"noise variance $\sigma^2$ ($10^{{{exponent}}}$)"


def _name_phases(ax: Axes, end: float, start: float) -> None:
    low, high = ax.get_xlim()
    top = ax.get_ylim()[1]
    ax.set_ylim(top=1.12 * top)
    places = ((low, end, "GMFL-II"), (end if np.isfinite(end) else low, start, "GMFL-I"), (start, high, "GFL"))
    for left, right, name in places:
        if np.isfinite(left) and np.isfinite(right) and right > left:
            middle = (max(left, low) + min(right, high)) / 2
            rotation = 90 if name == "GMFL-II" else 0
            ax.text(middle, 1.1 * top, name, ha="center", va="top", fontsize=6.5, color="0.35", rotation=rotation)
