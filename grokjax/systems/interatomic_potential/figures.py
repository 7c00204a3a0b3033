"""Figures of two phases and of refinements. Everything drawn is given; nothing is solved here.

Blue is the potential to begin with, orange the refined one, green a refinement with the free energy alone, pink one
with the change of volume, too. Stars are targets or experiments. Error bars are one standard error. Every figure has a
caption of its name, `caption_...`.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ... import plot
from ...evidence.statistics import Estimate
from .experiment import RESOLVED
from .outcome import Refinement
from .steps import RENEW


BEFORE, AFTER, ALONE, VOLUME = plot.COLOURS[:4]
SECOND = plot.COLOURS[5]
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

    Examples:
        >>> from grokjax.evidence import Estimate
        >>> from grokjax.systems.interatomic_potential import figures
        >>> temperature = np.array([1100.0, 1155.0, 1200.0])
        >>> curves, measured = {"before": np.array([9.0, 8.8, 8.6])}, {"before": (1155.0, Estimate(8.8, 0.1))}
        >>> ax = figures.gibbs_energies(temperature, curves, measured, (1155.0, 0.0377)).axes[0]
        >>> [text.get_text() for text in ax.get_legend().get_texts()][:2]
        ['hcp (zero by convention)', 'bcc, before']
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.7, axes=ax)
        ax.axhline(0, color="0.5", linewidth=0.9, label=f"{names[0]} (zero by convention)")
        for colour, (label, values) in zip((BEFORE, AFTER), differences.items(), strict=False):
            ax.plot(temperature, values, color=colour, label=f"{names[1]}, {label}")
            where, found = measured[label]
            ax.errorbar(where, found.mean, found.error, fmt="o", color=colour, zorder=6)  # on top of the star
        x = np.array([temperature[0], temperature[-1]])
        ax.plot(
            x, -target[1] * (x - target[0]), ":", color="black", linewidth=1.0, label="experiment, slope of its entropy"
        )
        ax.plot(target[0], 0, label="experiment", **STAR)
        ax.plot([], [], "o", color="0.5", label="absolute, measured")
        ax.set(xlabel="temperature (K)", ylabel=f"$G - G_{{\\mathrm{{{names[0]}}}}}$ (meV per atom)")
        plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure


def effective_samples(refinement: Refinement, *, ax: Axes | None = None) -> Figure:
    """Both shares of effective samples over the iterations of a refinement; vertical lines are renewals of the frames.

    Args:
        refinement: with its history.
        ax: where to draw.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> from grokjax.systems.interatomic_potential import figures
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> wanted = {"temperature": 1.0, "verify": False}
        >>> refined = ip.refine(jax.random.key(1), solid, **wanted, num_frames=100, num_witnesses=0)
        >>> lines = figures.effective_samples(refined).axes[0].lines
        >>> lines[0].get_label(), lines[0].get_ydata().tolist() == [each.perplexity for each in refined.history]
        ('perplexity', True)
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.7, axes=ax)
        steps = np.arange(len(refinement.history))
        for name, marker, colour, label in (("perplexity", "o", "black", "perplexity"), ("kish", "s", SECOND, "Kish")):
            values = [getattr(each, name) for each in refinement.history]
            ax.plot(steps, values, marker + "-", color=colour, label=label)
        ax.axhline(RENEW, color="black", linestyle="--", linewidth=0.9, label=f"bound of perplexity, {RENEW:g}")
        rounds = np.array([each.round for each in refinement.history])
        for index, step in enumerate(steps[1:][np.diff(rounds) > 0]):
            ax.axvline(step, color="0.7", linewidth=0.8, zorder=0, label="" if index else "frames renewed")
        ax.set(xlabel="iteration", ylabel="effective samples / frames", ylim=(0, 1.05))
        ax.set_xticks(steps[:: max(1, len(steps) // 8)])
        plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure


def trap_and_cure(
    alone: Refinement, cured: Refinement, latent_heat: float | None = None, *, ax: Axes | None = None
) -> Figure:
    """Paths of two refinements through free energy and enthalpy, with what was verified at their ends.

    Args:
        alone: with the free energy for its only target.
        cured: with the latent heat, too.
        latent_heat: that was wanted, drawn as a star where the free energies are equal.
        ax: where to draw.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> from grokjax.systems.interatomic_potential import figures
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> wanted = {"temperature": 1.0, "verify": False}
        >>> refined = ip.refine(jax.random.key(1), solid, **wanted, num_frames=100, num_witnesses=0)
        >>> print(figures.trap_and_cure(refined, refined).axes[0].get_xlabel())
        $\\Delta G$ (units of energy per atom)
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.7, axes=ax)
        for colour, label, each in ((ALONE, r"$\Delta G$ alone", alone), (AFTER, r"$\Delta G$ and latent heat", cured)):
            path = [(r.free_energy_difference, r.enthalpy_difference) for r in each.history]
            ax.plot(*zip(*path, strict=True), ".-", color=colour, linewidth=0.9, label=f"{label}, tracked")
            if each.verified is not None and each.verified.phases is not None:
                _point(ax, each.verified, colour, f"{label}, verified")
        _point(ax, cured.anchor, BEFORE, "to begin with")
        if latent_heat is not None:
            ax.plot(0.0, latent_heat, label="target", **{**STAR, "zorder": 1})
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

    Examples:
        >>> from grokjax.evidence import Estimate
        >>> from grokjax.systems.interatomic_potential import figures
        >>> pressure, experiment = np.arange(3.0), np.array([1155.0, 1125.0, 1095.0])
        >>> lines = {"refined": (pressure, Estimate(experiment + np.array([1.0, 2.0, 30.0]), np.full(3, 4.0)))}
        >>> figures.transition_line(lines, (pressure, experiment)).axes[0].get_xlabel()
        'pressure (GPa)'
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.7, axes=ax)
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


def caption_gibbs_energies(refinement: Refinement) -> str:
    """What `gibbs_energies` shows.

    Args:
        refinement: the later one of the figure.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> from grokjax.systems.interatomic_potential import figures
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> wanted = {"temperature": 1.0, "verify": False}
        >>> refined = ip.refine(jax.random.key(1), solid, **wanted, num_frames=100, num_witnesses=0)
        >>> figures.caption_gibbs_energies(refined)[:55]
        'Free energy of the second phase less that of the first,'
    """
    return (
        "Free energy of the second phase less that of the first, against temperature at the pressure of the "
        "refinement, before and after. Lines: frames at several temperatures, reweighted (MBAR). Points: absolute free "
        "energies with one standard error, often smaller than the symbol. Star and dotted line: the transition of the "
        f"experiment, and the slope that its entropy gives. {caption(refinement)}"
    )


def caption_effective_samples(refinement: Refinement) -> str:
    """What `effective_samples` shows.

    Args:
        refinement: that of the figure.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> from grokjax.systems.interatomic_potential import figures
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> wanted = {"temperature": 1.0, "verify": False}
        >>> refined = ip.refine(jax.random.key(1), solid, **wanted, num_frames=100, num_witnesses=0)
        >>> figures.caption_effective_samples(refined).endswith(figures.caption(refined))
        True
    """
    return (
        "Effective samples among the frames of a refinement, iteration by iteration, in the phase that has fewer: by "
        "perplexity (circles), which decides, and by Kish's number (squares). Below the dashed line frames are sampled "
        f"anew at the parameters of that iteration (grey lines). {caption(refinement)}"
    )


def caption_trap_and_cure(alone: Refinement, cured: Refinement) -> str:
    """What `trap_and_cure` shows.

    Args:
        alone: with the free energy for its only target.
        cured: with the latent heat, too.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> from grokjax.systems.interatomic_potential import figures
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> wanted = {"temperature": 1.0, "verify": False}
        >>> refined = ip.refine(jax.random.key(1), solid, **wanted, num_frames=100, num_witnesses=0)
        >>> "With the free energy alone: 8 atoms a phase" in figures.caption_trap_and_cure(refined, refined)
        True
    """
    return (
        "Two refinements of one potential in the plane of the free energy and enthalpy of its second phase less its "
        "first. Dots and lines: what reweighting follows, iteration by iteration. Squares: measured from scratch, with "
        "one standard error, to begin with and at both ends. Star: the transition that is wanted; grey lines: zero. "
        f"With the free energy alone: {caption(alone)} With the latent heat: {caption(cured)}"
    )


def caption_transition_line(
    refinement: Refinement, lines: Mapping[str, tuple[Any, Estimate]], experiment: tuple[Any, Any]
) -> str:
    """What `transition_line` shows, and where it differs from the experiment.

    Args:
        refinement: that of the line.
        lines: those of the figure.
        experiment: that of the figure.

    Examples:
        >>> from grokjax.evidence import Estimate
        >>> from grokjax.systems import interatomic_potential as ip
        >>> from grokjax.systems.interatomic_potential import figures
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> wanted = {"temperature": 1.0, "verify": False}
        >>> refined = ip.refine(jax.random.key(1), solid, **wanted, num_frames=100, num_witnesses=0)
        >>> pressure, experiment = np.arange(3.0), np.array([1155.0, 1125.0, 1095.0])
        >>> lines = {"refined": (pressure, Estimate(experiment + np.array([1.0, 2.0, 30.0]), np.full(3, 4.0)))}
        >>> "2 of 3 points agree" in figures.caption_transition_line(refined, lines, (pressure, experiment))
        True
    """
    words = []
    for label, (pressure, temperature) in lines.items():
        gap = np.asarray(temperature.mean) - np.interp(pressure, *experiment)
        found = np.isfinite(gap)
        if not found.any():
            words.append(f"{label}: no transition within the frames.")
            continue
        agree = int((np.abs(gap[found]) <= RESOLVED * np.asarray(temperature.error)[found]).sum())
        far = int(np.nanargmax(np.abs(gap)))
        most = Estimate(float(gap[far]), float(np.asarray(temperature.error)[far]))
        words.append(
            f"{label}: {agree} of {int(found.sum())} points agree with the experiment within {RESOLVED:g} standard "
            f"errors; the furthest differs by {most} K, at {float(np.asarray(pressure)[far]):g} GPa."
        )
    return (
        "Temperature of the transition against pressure. Circles: where the free energies of both phases cross, from "
        "reweighted frames at several pressures, with one standard error. Stars: experiment. Dashed, with a band of "
        "one standard error: slope at zero pressure of a refinement without the change of volume (Clausius and "
        f"Clapeyron), which leaves the frame. {' '.join(words)} Refined at zero pressure only: {caption(refinement)}"
    )


def caption(refinement: Refinement) -> str:
    """What a refinement did, in words.

    Args:
        refinement: what to tell.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> from grokjax.systems.interatomic_potential import figures
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> wanted = {"temperature": 1.0, "verify": False}
        >>> refined = ip.refine(jax.random.key(1), solid, **wanted, num_frames=100, num_witnesses=0)
        >>> figures.caption(refined)
        '8 atoms a phase, 4 replicas of 100 frames, refined in 1 round to T = 1.'
    """
    system, verified = refinement.system, refinement.verified
    replicas, frames = refinement.state.frames[0].energy.shape
    rounds = f"{refinement.rounds} round{'s' if refinement.rounds > 1 else ''}"
    head = (
        f"{system.num_atoms} atoms a phase, {replicas} replicas of {frames} frames, refined in {rounds} to "
        f"T = {float(system.temperature):g}."
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
