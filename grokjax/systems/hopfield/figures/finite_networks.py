"""Finite networks: recall against load for several sizes, and what a local bias on the spins does."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .... import plot
from ....results import Run
from ..capacity import Capacity
from ..experiment import recalled
from ..free_energy import Branch
from ..system import AssociativeMemory


def finite_size_figure(
    runs: Mapping[int, Run],
    theory: tuple[AssociativeMemory, Branch],
    spinodal: float,
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """(a) Magnetisation and (b) fraction of networks that recall, against load, for several numbers of spins.

    Args:
        runs: sweeps over load at one temperature, by the number of spins.
        theory: a system on a fine grid of loads, and its prediction: infinitely many spins.
        spinodal: load at which theory loses recall.
        axes: two axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> run = hop.simulate(jax.random.key(0), memory, num_spins=100, num_members=2, num_steps=24, progress=False)
        >>> figure = figures.finite_size_figure({100: run}, (memory, hop.predict(memory)), 0.103)
        >>> [ax.get_ylabel() for ax in figure.axes]
        ['magnetisation $m$', 'fraction that recalls']
    """
    system, branch = theory
    with plot.style():
        figure, (left, right) = plot.subplots(1, 2, height=2.9, axes=axes)
        left.plot(np.asarray(system.load), np.asarray(branch.magnetisation), color="0.2", label=r"theory, $N\to\infty$")
        for index, (spins, run) in enumerate(runs.items()):
            load = np.asarray(run.system.load)
            plot.draw_experiment(left, load, run.magnetisation, index=index, label=f"$N={spins}$")
            found = recalled(run)
            plot.draw_experiment(right, load, found, index=index, label=f"$N={spins}$")
        for ax, letter, name in ((left, "a", "magnetisation $m$"), (right, "b", "fraction that recalls")):
            plot.draw_transition(ax, spinodal, "spinodal of theory")
            ax.set(xlabel=r"load $\alpha$", ylabel=name, xlim=left.get_xlim(), ylim=(-0.05, 1.05))
            plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=3)
            plot.label_panel(ax, letter)
        return figure


def caption_finite_size(runs: Mapping[int, Run]) -> str:
    """What `finite_size_figure` shows, in words.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> run = hop.simulate(jax.random.key(0), memory, num_spins=100, num_members=2, num_steps=24, progress=False)
        >>> "T = 0.3" in figures.caption_finite_size({100: run})
        True
    """
    run = next(iter(runs.values()))
    members, temperature = run.layout.num_members, float(np.ravel(run.system.temperature)[0])
    return (
        f"Hopfield model at T = {temperature:g}, started at the pattern: (a) magnetisation, (b) fraction of networks "
        f"that end at their pattern, for several numbers of spins N, {members} draws of the patterns a point. Line: "
        "replica-symmetric theory; dotted: its spinodal. Near it the smaller networks lose the pattern first in some "
        "draws; beyond it a remnant ages slowly."
    )


def field_figure(
    by_field: Mapping[str, Run],
    theory: Mapping[str, tuple[AssociativeMemory, Branch]],
    fields: Any,
    lines: Mapping[str, Sequence[Capacity]],
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """A local bias on the spins: (a) magnetisation and (b) overlap against it, (c) the capacity.

    Args:
        by_field: runs swept over the field at one load and temperature, by name.
        theory: a system on a fine grid of fields and its prediction, by the same names.
        fields: shape (field,).
        lines: capacities at these fields, by the name of the curve.
        axes: three axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3, field=jnp.array([0.0, 0.2]))
        >>> run = hop.simulate(jax.random.key(0), memory, num_spins=100, num_members=2, num_steps=24, progress=False)
        >>> theory = {"Hopfield": (memory, hop.predict(memory))}
        >>> lines = {"$T=0$": [hop.capacity(hop.GaussianHidden(), 0.0)]}
        >>> len(figures.field_figure({"Hopfield": run}, theory, [0.0], lines).axes)
        3
    """
    with plot.style():
        figure, panels = plot.subplots(1, 3, height=2.9, axes=axes)
        for index, (name, run) in enumerate(by_field.items()):
            system, branch = theory[name]
            for ax, quantity in zip(panels, ("magnetisation", "overlap"), strict=False):
                plot.draw_theory(ax, system.field, getattr(branch, quantity), index=index)
                plot.draw_experiment(ax, np.asarray(run.system.field), getattr(run, quantity), index=index, label=name)
        for index, (name, found) in enumerate(lines.items()):
            shown = np.array([float(one.spinodal) for one in found])
            other = len(by_field) + index  # a colour is one thing in all panels
            plot.draw_theory(panels[2], fields, np.where(shown > 0, shown, np.nan), index=other, label=name)
        names = ("magnetisation $m$", "overlap $q$", r"capacity $\alpha_M$")
        for ax, letter, name in zip(panels, "abc", names, strict=True):
            ax.set(xlabel="field $g$ on every spin", ylabel=name)
            keys = ax.get_legend_handles_labels()[0]
            if ax is panels[2]:
                ax.set_ylim(bottom=0)
            else:
                ax.set_ylim(-0.03, 1.05)
                keys.append(Line2D([], [], color="0.35", label="replica theory"))
            plot.legend_below(ax, keys)
            plot.label_panel(ax, letter)
        return figure


CAPTION_FIELD = (
    "Visible local biases: a field on every spin of the Hopfield model. Patterns are fair signs, so the field works "
    "against half of the spins of each. (a) Magnetisation with the pattern that is recalled and (b) overlap of two "
    "replicas, lines: replica-symmetric theory, points: Gibbs sampling, one standard error over draws of the patterns; "
    "(c) capacity, theory: such a bias costs capacity. Close to where recall ends some draws keep their pattern and "
    "others lose it, and beyond it a remnant ages: there means differ from theory, by up to the height of the jump."
)
