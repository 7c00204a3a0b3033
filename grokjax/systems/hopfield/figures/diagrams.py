"""The figures of the associative memory: results of both roads in, figures out; nothing is solved here."""

from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ....phases import PhaseDiagram
from ....plot import COLOURS, draw_experiment, draw_phases, draw_theory, label_panel, style, subplots
from ....results import Run
from ..capacity import Capacity
from ..experiment import final_magnetisation
from ..free_energy import Branch
from ..system import AssociativeMemory


Theory = Mapping[str, tuple[AssociativeMemory, Branch]]
"""By the name of a run: a system on a fine grid of what the run sweeps, and its prediction."""


def phase_row(
    diagrams: Mapping[str, PhaseDiagram],
    lines: Mapping[str, Capacity],
    freezing: Mapping[str, Any],
    mixtures: Mapping[str, Capacity] | None = None,
) -> Figure:
    """Phase diagrams of several priors side by side, each as by `draw_diagram`, with one legend.

    Args:
        diagrams: by the title of their panel.
        lines: capacity at the temperatures of each diagram, by the same titles.
        freezing: load at which the paramagnet freezes, at the same temperatures; priors without such a line are absent.
        mixtures: capacity for mixtures of three patterns, of the priors for which it is drawn.
    """
    with style():
        figure, axes = subplots(1, len(diagrams), width="page", height=2.3)
        entries: dict[str, Any] = {}
        for ax, (title, diagram), letter in zip(axes, diagrams.items(), "abcdef", strict=False):
            draw_diagram(diagram, lines[title], freezing.get(title), (mixtures or {}).get(title), ax=ax)
            ax.set_title(f"({letter}) {title}", loc="left")
            if ax is not axes[0]:
                ax.set_ylabel("")
            legend = ax.get_legend()
            handles, names = ax.get_legend_handles_labels()
            if legend is not None:
                handles = [*legend.legend_handles, *handles]
                names = [*(text.get_text() for text in legend.get_texts()), *names]
                legend.remove()
            entries |= dict(zip(names, handles, strict=True))
        figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=4)
    return figure


def draw_diagram(
    diagram: PhaseDiagram,
    lines: Capacity,
    freezing: Any = None,
    mixtures: Capacity | None = None,
    *,
    ax: Axes | None = None,
) -> Figure:
    """One phase diagram on the plane of load and temperature, with its lines.

    Args:
        diagram: of `phase_diagram`.
        lines: `capacity` at the temperatures of the diagram.
        freezing: `glass_load` at these temperatures, None for a prior whose paramagnet does not freeze.
        mixtures: `capacity` of three patterns at once, at these temperatures.
        ax: axes to draw on, a figure of its own unless given.
    """
    with style():
        ax = subplots()[1][0] if ax is None else ax
        loads, temperatures = (np.asarray(diagram.axes[name]) for name in ("load", "temperature"))
        draw_phases(
            ax, loads, temperatures, diagram.labels, diagram.phases,
            status=diagram.status, x_label=r"load $\alpha$", y_label=r"temperature $T$",
        )  # fmt: skip
        for name, line, dashes in (("spinodal", lines.spinodal, "-"), ("equal free energies", lines.stable, "--")):
            line = np.asarray(line)
            ax.plot(np.where(line > 0, line, np.nan), temperatures, dashes, color="black", label=name)
        if mixtures is not None:
            line = np.asarray(mixtures.stable)
            ax.plot(np.where(line > 0, line, np.nan), temperatures, ":", color="black", label="mixtures of three")
        if freezing is not None:
            line = np.asarray(freezing)
            seen = np.where((line > 0) & (line <= loads[-1]), line, np.nan)
            ax.plot(seen, temperatures, "-.", color=COLOURS[1], label="freezing of the paramagnet")
        ax.set(xlim=(0, float(loads[-1])), ylim=(0, float(temperatures[-1])))
        return figure_of(ax)


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
    by_load: Mapping[str, Run],
    by_temperature: Mapping[str, Run],
    basins: Mapping[str, list[tuple[float, Run]]],
    theory: Theory,
) -> Figure:
    """Magnetisation against load, temperature and corruption: theory as lines, simulations with error bars.

    Args:
        by_load: runs swept over load at one temperature, by name.
        by_temperature: runs swept over temperature at one load, by name.
        basins: pairs of a fraction of flipped spins and the run that started from it, by name.
        theory: predictions by the names of the runs of the first two.
    """
    with style():
        figure, axes = subplots(1, 3, width="page", height=2.4)
        draw_recall(by_load, theory, "load", ax=axes[0])
        draw_recall(by_temperature, theory, "temperature", ax=axes[1])
        for index, (name, pairs) in enumerate(basins.items()):
            flipped = [fraction for fraction, _ in pairs]
            ends = [run.estimate(final_magnetisation(run).mean(axis=-1)) for _, run in pairs]
            ends = jax.tree.map(lambda *leaves: np.stack(leaves), *ends)
            draw_experiment(axes[2], flipped, ends, index=index, label=name)
            axes[2].plot(flipped, ends.mean, ":", color=COLOURS[index], linewidth=0.8)
        axes[2].set(xlabel="fraction of spins flipped at the start", ylabel=r"final magnetisation $m$")
        for ax, letter in zip(axes, "abc", strict=True):
            ax.set_ylim(-0.05, 1.05)
            ax.legend(loc="center left", frameon=True)
            label_panel(ax, letter)
    return figure


def draw_recall(runs: Mapping[str, Run], theory: Theory, field: str, *, ax: Axes | None = None) -> Figure:
    """Magnetisation against one parameter.

    Args:
        runs: swept over this parameter, by name.
        theory: by the same names.
        field: "load" or "temperature".
        ax: axes to draw on, a figure of its own unless given.
    """
    symbol = {"load": r"load $\alpha$", "temperature": r"temperature $T$"}[field]
    with style():
        ax = subplots()[1][0] if ax is None else ax
        for index, (name, run) in enumerate(runs.items()):
            if name in theory:
                system, prediction = theory[name]
                draw_theory(ax, getattr(system, field), prediction.magnetisation, index=index)
            draw_experiment(ax, np.asarray(getattr(run.system, field)), run.magnetisation, index=index, label=name)
        ax.set(xlabel=symbol, ylabel=r"magnetisation $m$")
        return figure_of(ax)


def figure_of(ax: Axes) -> Figure:
    """The figure that axes are on."""
    figure = ax.figure
    assert isinstance(figure, Figure)
    return figure
