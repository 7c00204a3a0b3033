"""Phase diagrams, capacity against threshold, and recall: results of both roads in, figures out."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from ....phases import PhaseDiagram
from ....plot import (
    COLOURS,
    draw_experiment,
    draw_phases,
    draw_theory,
    label_panel,
    legend_below,
    plain_log,
    style,
    subplots,
)
from ....results import Run
from ..capacity import Capacity
from ..experiment import final_magnetisation
from ..free_energy import Branch
from ..system import AssociativeMemory


ASIDE = 0.015  # runs from the same share of flipped spins are drawn side by side

Theory = Mapping[str, tuple[AssociativeMemory, Branch]]
"""By the name of a run: a system on a fine grid of what the run sweeps, and its prediction."""


def phase_row(
    diagrams: Mapping[str, PhaseDiagram],
    lines: Mapping[str, Capacity],
    freezing: Mapping[str, tuple[Any, Any]],
    mixtures: Mapping[str, Capacity] | None = None,
    breaking: Mapping[str, tuple[Any, Any]] | None = None,
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Phase diagrams of several priors side by side, each as by `draw_diagram`, with one legend.

    Args:
        diagrams: by the title of their panel.
        lines: capacity at the temperatures of each diagram, by the same titles.
        freezing: loads, and the temperatures at which the paramagnet freezes; priors without such a line are absent.
        mixtures: capacity for mixtures of three patterns, of the priors for which it is drawn.
        breaking: loads, and the temperatures at which replica symmetry breaks without recall, of priors that are a
            random field.
        axes: one a diagram; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> diagram = hop.phase_diagram(hop.GaussianHidden(), [0.02, 0.2], [0.3, 2.0])
        >>> lines = hop.capacity(hop.GaussianHidden(), jnp.array([0.3, 2.0]))
        >>> figure = figures.phase_row({"Gaussian": diagram}, {"Gaussian": lines}, {})
        >>> figure.axes[0].get_title(loc="left")
        '(a) Gaussian'
    """
    with style():
        figure, axes = subplots(1, len(diagrams), height=2.6, axes=axes)
        entries: dict[str, Any] = {}
        for ax, (title, diagram), letter in zip(axes, diagrams.items(), "abcdef", strict=False):
            more = (mixtures or {}).get(title), (breaking or {}).get(title)
            draw_diagram(diagram, lines[title], freezing.get(title), *more, ax=ax)
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
        figure.legend(list(entries.values()), list(entries), loc="outside lower center", ncols=3)
    return figure


def draw_diagram(
    diagram: PhaseDiagram,
    lines: Capacity,
    freezing: tuple[Any, Any] | None = None,
    mixtures: Capacity | None = None,
    breaking: tuple[Any, Any] | None = None,
    *,
    ax: Axes | None = None,
) -> Figure:
    """One phase diagram on the plane of load and temperature, with its lines.

    Args:
        diagram: of `phase_diagram`.
        lines: `capacity` at the temperatures of the diagram.
        freezing: loads, and the `glass_temperature` at each; None for a prior whose paramagnet does not freeze.
        mixtures: `capacity` of three patterns at once, at these temperatures.
        breaking: loads, and the `replicon_temperature` at each.
        ax: axes to draw on, a figure of its own unless given.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> diagram = hop.phase_diagram(hop.GaussianHidden(), [0.02, 0.2], [0.3, 2.0])
        >>> lines = hop.capacity(hop.GaussianHidden(), jnp.array([0.3, 2.0]))
        >>> (ax,) = figures.draw_diagram(diagram, lines).axes
        >>> [line.get_label() for line in ax.lines]
        ['spinodal', 'equal free energies']
    """
    with style():
        figure, (ax,) = subplots(axes=ax)
        loads, temperatures = (np.asarray(diagram.axes[name]) for name in ("load", "temperature"))
        draw_phases(
            ax, loads, temperatures, diagram.labels, diagram.phases,
            status=diagram.status, x_label=r"load $\alpha$", y_label=r"temperature $T$",
        )  # fmt: skip
        positive = lambda line: np.where(np.asarray(line) > 0, line, np.nan)
        for name, line, dashes in (("spinodal", lines.spinodal, "-"), ("equal free energies", lines.stable, "--")):
            ax.plot(positive(line), temperatures, dashes, color="black", label=name)
        if mixtures is not None:
            line = positive(mixtures.stable)
            ax.plot(line, temperatures, ":", color="black", label="mixtures of three, locally stable")
        if freezing is not None:
            ax.plot(*map(np.asarray, freezing), "-.", color=COLOURS[1], label="freezing of the paramagnet")
        if breaking is not None:
            label = "replica symmetry breaks in a random field"
            ax.plot(*map(np.asarray, breaking), "-.", color=COLOURS[0], label=label)
        first = [max(0.0, float(1.5 * axis[0] - 0.5 * axis[1])) for axis in (loads, temperatures)]
        last = [float(1.5 * axis[-1] - 0.5 * axis[-2]) for axis in (loads, temperatures)]
        ax.set(xlim=(first[0], last[0]), ylim=(first[1], last[1]))  # where the cells end
        ax.xaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 5, 10]))
        ax.xaxis.set_major_formatter("{x:g}")
        return figure


def threshold_figure(
    thresholds: Any,
    curves: Mapping[str, Any],
    best: Mapping[str, tuple[float, float]],
    biases: Any,
    relu: Mapping[str, Any],
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Capacity against threshold: groups of ternary units, which have a best one, and rectified units.

    Args:
        thresholds: $\\theta$, shape (point,).
        curves: capacity at each threshold, by the name of the curve.
        best: threshold and capacity where the derivative vanishes, by the same names.
        biases: $\\eta$, shape (bias,).
        relu: capacity of rectified units at each bias, by the name of the curve.
        axes: two axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> biases = jnp.array([-1.0, -0.5, 0.0])
        >>> relu = {"$T=0$": [hop.capacity(hop.ReLUHidden(bias), 0.0).spinodal for bias in biases]}
        >>> figure = figures.threshold_figure([0.0, 0.5, 1.0], {"$T=0.3$": [0.005, 0.02, 0.01]}, {}, biases, relu)
        >>> figure.axes[1].get_ylabel() == figure.axes[0].get_ylabel()
        True
    """
    with style():
        figure, (left, right) = subplots(1, 2, height=2.9, axes=axes)
        for index, (name, values) in enumerate(curves.items()):
            draw_theory(left, thresholds, values, index=index, label=name)
            if name in best:
                left.plot(*best[name], "*", color=COLOURS[index], markersize=8, zorder=3)
        left.set(xlabel=r"threshold $\theta$", ylabel=r"capacity $\alpha_M$", yscale="log")
        name = r"best, $\partial\alpha_M/\partial\theta=0$"
        star = Line2D([], [], color="0.3", linestyle="", marker="*", markersize=8, label=name)
        legend_below(left, [*left.get_legend_handles_labels()[0], star], columns=3, title="groups of ternary units")
        for index, (name, values) in enumerate(relu.items()):
            draw_theory(right, biases, values, index=len(curves) + index, label=name)
        right.set(xlabel=r"bias $\eta$, a threshold where negative", ylabel=r"capacity $\alpha_M$", yscale="log")
        legend_below(right, right.get_legend_handles_labels()[0], columns=3, title="rectified units")
        for ax, letter in ((left, "a"), (right, "b")):
            label_panel(ax, letter)
            plain_log(ax.yaxis)
    return figure


def recall_figure(
    by_load: Mapping[str, Run],
    by_temperature: Mapping[str, Run],
    basins: Mapping[str, list[tuple[float, Run]]],
    theory: Theory,
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Magnetisation against load, temperature and corruption: theory as lines, simulations with error bars.

    Args:
        by_load: runs swept over load at one temperature, by name.
        by_temperature: runs swept over temperature at one load, by name.
        basins: pairs of a fraction of flipped spins and the run that started from it, by name.
        theory: predictions by the names of the runs of the first two.
        axes: three axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> run = hop.simulate(jax.random.key(0), memory, num_spins=100, num_members=2, num_steps=24, progress=False)
        >>> theory = {"Hopfield": (memory, hop.predict(memory))}
        >>> figure = figures.recall_figure({"Hopfield": run}, {"Hopfield": run}, {"load 0.05": [(0.0, run)]}, theory)
        >>> len(figure.axes)
        3
    """
    with style():
        figure, axes = subplots(1, 3, height=2.8, axes=axes)
        draw_recall(by_load, theory, "load", ax=axes[0])
        draw_recall(by_temperature, theory, "temperature", ax=axes[1])
        for index, (name, pairs) in enumerate(basins.items()):
            flipped = np.array([fraction for fraction, _ in pairs]) + ASIDE * (index - (len(basins) - 1) / 2)
            ends = [run.estimate(final_magnetisation(run).mean(axis=-1)) for _, run in pairs]
            ends = jax.tree.map(lambda *leaves: np.stack(leaves), *ends)
            draw_experiment(axes[2], flipped, ends, index=2 + index, label=name)
        axes[2].set(xlabel="fraction of spins flipped at the start", ylabel=r"final magnetisation $m$")
        lowest = min(0.0, *(ax.dataLim.y0 for ax in axes))
        for ax, letter in zip(axes, "abc", strict=True):
            ax.set_ylim(lowest - 0.05, 1.05)
            keys = ax.get_legend_handles_labels()[0]
            if ax is not axes[2]:
                keys.append(Line2D([], [], color="0.35", label="replica theory"))
            legend_below(ax, keys)
            label_panel(ax, letter)
        axes[2].margins(x=0.08)
    return figure


def draw_recall(runs: Mapping[str, Run], theory: Theory, field: str, *, ax: Axes | None = None) -> Figure:
    """Magnetisation against one parameter.

    Args:
        runs: swept over this parameter, by name.
        theory: by the same names.
        field: "load" or "temperature".
        ax: axes to draw on, a figure of its own unless given.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> run = hop.simulate(jax.random.key(0), memory, num_spins=100, num_members=2, num_steps=24, progress=False)
        >>> theory = {"Hopfield": (memory, hop.predict(memory))}
        >>> figures.draw_recall({"Hopfield": run}, theory, "load").axes[0].get_ylabel()
        'magnetisation $m$'
    """
    symbol = {"load": r"load $\alpha$", "temperature": r"temperature $T$"}[field]
    with style():
        figure, (ax,) = subplots(axes=ax)
        for index, (name, run) in enumerate(runs.items()):
            if name in theory:
                system, prediction = theory[name]
                draw_theory(ax, getattr(system, field), prediction.magnetisation, index=index)
            draw_experiment(ax, np.asarray(getattr(run.system, field)), run.magnetisation, index=index, label=name)
        ax.set(xlabel=symbol, ylabel=r"magnetisation $m$")
        return figure
