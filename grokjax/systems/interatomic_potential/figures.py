"""Figures of two phases and of refinements. Everything drawn is given; nothing is solved here.

Blue is the potential to begin with, orange the refined one, green a refinement with the free energy alone, pink one
with the change of volume, too. Stars are targets or experiments. Error bars are one standard error.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ... import plot
from ...evidence.statistics import Estimate
from .outcome import Refinement
from .steps import RENEW


BEFORE, AFTER, ALONE, VOLUME = plot.COLOURS[:4]
STAR = {"marker": "*", "markersize": 9, "linestyle": "none", "color": "black", "zorder": 5}


def gibbs_energies(
    temperature: Any,
    differences: Mapping[str, Any],
    measured: Mapping[str, tuple[float, Estimate]],
    target: tuple[float, float],
    *,
    names: tuple[str, str] = ("hcp", "bcc"),
    ax: Axes | None = None,
) -> Figure:
    """Gibbs energies of both phases against temperature, the first phase for zero, before and after refinement.

    Args:
        temperature: points.
        differences: $\\Delta G$ at the points by label: before, after; nan beyond the frames.
        measured: temperature and absolute free energy difference by the same labels.
        target: temperature of the transition and the entropy wanted, meV per kelvin and atom, drawn as a slope.
        names: of the phases.
        ax: where to draw; a figure of a column's width unless given.
    """
    with plot.style():
        ax, figure = _axes(ax)
        ax.axhline(0, color="0.5", linewidth=0.9, label=f"{names[0]} (zero by convention)")
        for colour, (label, values) in zip((BEFORE, AFTER), differences.items(), strict=False):
            ax.plot(temperature, values, color=colour, label=f"{names[1]}, {label}")
            where, found = measured[label]
            ax.errorbar(where, found.mean, found.error, fmt="o", color=colour)
        x = np.array([temperature[0], temperature[-1]])
        ax.plot(
            x, -target[1] * (x - target[0]), ":", color="black", linewidth=1.0, label="experiment, slope of its entropy"
        )
        ax.plot(target[0], 0, label="experiment", **STAR)
        ax.set(xlabel="temperature (K)", ylabel=f"$G - G_{{\\mathrm{{{names[0]}}}}}$ (meV per atom)")
        ax.legend(loc="best")
    return figure


def effective_samples(refinement: Refinement, *, ax: Axes | None = None) -> Figure:
    """Both shares of effective samples over the iterations of a refinement; vertical lines are renewals of the frames.

    Args:
        refinement: with its history.
        ax: where to draw.
    """
    with plot.style():
        ax, figure = _axes(ax)
        steps = np.arange(len(refinement.history))
        for name, marker, label in (("perplexity", "o", "perplexity"), ("kish", "s", "Kish")):
            ax.plot(steps, [getattr(each, name) for each in refinement.history], marker + "-", label=label)
        ax.axhline(RENEW, color="black", linestyle="--", linewidth=0.9, label=f"bound of perplexity, {RENEW:g}")
        rounds = np.array([each.round for each in refinement.history])
        for index, step in enumerate(steps[1:][np.diff(rounds) > 0]):
            ax.axvline(step, color="0.7", linewidth=0.8, zorder=0, label="" if index else "frames renewed")
        ax.set(xlabel="iteration", ylabel="effective samples / frames", ylim=(0, 1.05))
        ax.set_xticks(steps[:: max(1, len(steps) // 8)])
        plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure


def trap_and_cure(alone: Refinement, cured: Refinement, *, ax: Axes | None = None) -> Figure:
    """Paths of two refinements through free energy and enthalpy, with what was verified at their ends.

    Args:
        alone: with the free energy for its only target.
        cured: with the latent heat, too.
        ax: where to draw.
    """
    with plot.style():
        ax, figure = _axes(ax)
        for colour, label, each in ((ALONE, r"$\Delta G$ alone", alone), (AFTER, r"$\Delta G$ and latent heat", cured)):
            path = [(r.free_energy_difference, r.enthalpy_difference) for r in each.history]
            ax.plot(*zip(*path, strict=True), ".-", color=colour, linewidth=0.9, label=f"{label}, tracked")
            if each.verified is not None and each.verified.phases is not None:
                _point(ax, each.verified, colour, f"{label}, verified")
        _point(ax, cured.anchor, BEFORE, "to begin with")
        unit = cured.system.units.name
        ax.axvline(0, color="0.7", linewidth=0.8, zorder=0)
        ax.axhline(0, color="0.7", linewidth=0.8, zorder=0)
        ax.set(xlabel=rf"$\Delta G$ ({unit} per atom)", ylabel=rf"$\Delta H$ ({unit} per atom)")
        plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure


def transition_line(
    lines: Mapping[str, tuple[Any, Estimate]],
    experiment: tuple[Any, Any],
    tangents: Mapping[str, tuple[Estimate, Estimate]] | None = None,
    *,
    ax: Axes | None = None,
) -> Figure:
    """Transition temperature against pressure.

    Args:
        lines: pressures and temperatures by label; nan where no transition was found within the frames.
        experiment: pressures and temperatures.
        tangents: transition temperatures at zero pressure and slopes there, drawn dashed with a band of one error;
            they may leave the frame, whose height is that of lines and experiment.
        ax: where to draw.
    """
    with plot.style():
        ax, figure = _axes(ax)
        for colour, marker, (label, (pressure, temperature)) in zip(
            (VOLUME, BEFORE, ALONE), plot.MARKERS, lines.items(), strict=False
        ):
            bars = {"markersize": 4, "linewidth": 1.0}
            ax.errorbar(
                pressure, temperature.mean, temperature.error, fmt=marker + "-", color=colour, label=label, **bars
            )
        ax.plot(*experiment, label="experiment", **STAR)
        low, high = ax.get_ylim()
        ax.set_ylim(low, high + 0.25 * (high - low))
        p = np.linspace(0.0, np.max(experiment[0]), 20)
        for label, (temperature, slope) in (tangents or {}).items():
            middle, error = temperature.mean + slope.mean * p, np.hypot(temperature.error, slope.error * p)
            ax.plot(p, middle, "--", color=AFTER, label=label)
            ax.fill_between(p, middle - error, middle + error, color=AFTER, alpha=0.2, linewidth=0)
        ax.set(xlabel="pressure (GPa)", ylabel="transition temperature (K)")
        ax.legend(loc="best")
    return figure


def caption(refinement: Refinement) -> str:
    """What a refinement did, in words.

    Args:
        refinement: what to tell.
    """
    system, verified = refinement.system, refinement.verified
    head = (
        f"{system.num_atoms} atoms a phase, refined in {refinement.rounds} rounds to T = {float(system.temperature):g}."
    )
    flags = f" Flags: {'; '.join(refinement.flags)}." if refinement.flags else ""
    if verified is None:
        return head + flags
    found = verified.order_parameters
    return (
        f"{head} Measured again: free energy difference {found.free_energy_difference}, enthalpy difference "
        f"{found.enthalpy_difference} {system.units.name} per atom, transition temperature "
        f"{verified.transition_temperature}.{flags}"
    )


def _point(ax: Axes, run: Any, colour: str, label: str) -> None:
    x, y = run.order_parameters.free_energy_difference, run.order_parameters.enthalpy_difference
    ax.errorbar(x.mean, y.mean, yerr=y.error, xerr=x.error, fmt="s", color=colour, label=label)


def _axes(ax: Axes | None) -> tuple[Axes, Figure]:
    if ax is None:
        figure, axes = plot.subplots(height=2.7)
        return axes[0], figure
    figure = ax.get_figure()
    assert isinstance(figure, Figure)
    return ax, figure
