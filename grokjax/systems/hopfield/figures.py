"""The figures of the associative memory; only here do both roads and matplotlib meet."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from ...phases import PhaseDiagram
from ...plot import COLOURS, draw_experiment, draw_phases, draw_theory, label_panel, style, subplots
from .capacity import Capacity, capacity
from .experiment import Run
from .free_energy import hidden_noise
from .hidden import AbstractHidden
from .phases import glass_load, phase_diagram
from .theory import predict


def phase_row(hidden: Mapping[str, AbstractHidden], max_loads: Sequence[float], size: int = 60) -> Figure:
    """Phase diagrams of several priors side by side, with the spinodal, the stable-recall line and the glass line.

    Args:
        hidden: priors by the title of their panel.
        max_loads: right end of the load axis of each panel.
        size: points along each axis.
    """
    with style():
        figure, axes = subplots(1, len(hidden), width="page", height=2.3)
        for ax, (title, unit), max_load, letter in zip(axes, hidden.items(), max_loads, "abcdef", strict=False):
            temperatures = jnp.linspace(1.6 / size, 1.6, size)
            diagram = phase_diagram(unit, jnp.linspace(max_load / size, max_load, size), temperatures)
            draw_diagram(ax, diagram, capacity(unit, temperatures), unit)
            ax.set_title(f"({letter}) {title}", loc="left")
            if ax is not axes[0]:
                ax.set_ylabel("")
        entries: dict[Any, Any] = {}
        for ax in axes:
            legend = ax.get_legend()
            if legend is not None:
                names = (text.get_text() for text in legend.get_texts())
                entries |= dict(zip(names, legend.legend_handles, strict=True))
                legend.remove()
        handles, names = axes[0].get_legend_handles_labels()
        entries |= dict(zip(names, handles, strict=True))
        figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=4)
    return figure


def draw_diagram(ax: Any, diagram: PhaseDiagram, lines: Capacity, hidden: AbstractHidden) -> None:
    """One phase diagram on the plane of load and temperature, with its lines."""
    loads, temperatures = diagram.axes["load"], diagram.axes["temperature"]
    draw_phases(
        ax, loads, temperatures, diagram.labels, diagram.phases,
        status=diagram.status, x_label=r"load $\alpha$", y_label=r"temperature $T$",
    )  # fmt: skip
    fine = jnp.linspace(float(temperatures[0]), float(temperatures[-1]), 400)
    freezing = np.array(jax.vmap(lambda t: glass_load(hidden, t))(fine))
    random_field = float(hidden_noise(hidden, jnp.zeros(()), 1 / fine[-1]).noise)
    freezing[(freezing <= 0) | (freezing > loads[-1]) | (random_field > 1e-12)] = np.nan
    for name, line, dashes in (("spinodal", lines.spinodal, "-"), ("equal free energies", lines.stable, "--")):
        there = np.array(jnp.where(line > 0, line, jnp.nan))
        ax.plot(there, temperatures, dashes, color="black", label=name)
    ax.plot(freezing, fine, "-.", color=COLOURS[1], label="freezing of the paramagnet")
    ax.set(xlim=(0, float(loads[-1])), ylim=(0, float(temperatures[-1])))


def threshold_figure(
    thresholds: Any, curves: Mapping[str, Any], best: Mapping[str, tuple[float, float]], biases: Any, relu: Mapping
) -> Figure:
    """Capacity against threshold: groups of ternary units, which have a best one, and rectified units.

    Args:
        thresholds: $\\theta$, shape (point,).
        curves: capacity at each threshold, by the name of the curve.
        best: threshold and capacity where the derivative vanishes, by the same names.
        biases: $\\eta$, shape (bias,).
        relu: capacity of rectified units at each bias, by the name of the curve.
    """
    with style():
        figure, (left, right) = subplots(1, 2, width="page", height=2.4)
        for index, (name, values) in enumerate(curves.items()):
            draw_theory(left, thresholds, values, index=index, label=name)
            if name in best:
                left.plot(*best[name], "*", color=COLOURS[index], markersize=8, zorder=3)
        left.set(xlabel=r"threshold $\theta$", ylabel=r"capacity $\alpha_M$", yscale="log")
        left.plot([], [], "*", color="0.3", markersize=8, label=r"$\partial\alpha_M/\partial\theta=0$")
        left.legend(title="groups of ternary units")
        for index, (name, values) in enumerate(relu.items()):
            draw_theory(right, -np.asarray(biases), values, index=index, label=name)
        right.set(xlabel=r"threshold $-\eta$", ylabel=r"capacity $\alpha_M$", yscale="log")
        right.legend(title="rectified units")
        for ax, letter in ((left, "a"), (right, "b")):
            label_panel(ax, letter)
    return figure


def recall_figure(
    by_load: Mapping[str, Run], by_temperature: Mapping[str, Run], basins: Mapping[str, list[tuple[float, Run]]]
) -> Figure:
    """Magnetisation against load, temperature and corruption: theory as lines, simulations with error bars.

    Args:
        by_load: runs swept over load at one temperature, by name.
        by_temperature: runs swept over temperature at one load, by name.
        basins: pairs of a fraction of flipped spins and the run that started from it, by name.
    """
    with style():
        figure, axes = subplots(1, 3, width="page", height=2.4)
        for ax, runs, field in ((axes[0], by_load, "load"), (axes[1], by_temperature, "temperature")):
            for index, (name, run) in enumerate(runs.items()):
                values = np.asarray(getattr(run.system, field))
                fine = jnp.linspace(values.min() / 2, values.max(), 400)
                theory = predict(run.system.replace(**{field: fine}))
                draw_theory(ax, fine, theory.magnetisation, index=index)
                draw_experiment(ax, values, run.magnetisation, index=index, label=name)
        axes[0].set(xlabel=r"load $\alpha$", ylabel=r"magnetisation $m$")
        axes[1].set(xlabel=r"temperature $T$", ylabel=r"magnetisation $m$")
        for index, (name, pairs) in enumerate(basins.items()):
            flipped = [fraction for fraction, _ in pairs]
            ends = [run.layout.estimate(run.final_magnetisation.mean(axis=-1), run.diverged) for _, run in pairs]
            ends = jax.tree.map(lambda *leaves: np.stack(leaves), *ends)
            draw_experiment(axes[2], flipped, ends, index=index, label=name)
            axes[2].plot(flipped, ends.mean, ":", color=COLOURS[index], linewidth=0.8)
        axes[2].set(xlabel="fraction of spins flipped at the start", ylabel=r"final magnetisation $m$")
        for ax, letter in zip(axes, "abc", strict=True):
            ax.set_ylim(-0.05, 1.05)
            ax.legend(loc="center left", frameon=True)
            label_panel(ax, letter)
    return figure
