"""Generalisation to sums that were held out: in time, and against noise.

Figures take runs, and solve nothing. Filled markers are networks from a cold start, hollow ones from a hot start.

References:
    extends arXiv:2310.03789, section 4.2; the learning curve is that of arXiv:2301.02679 for a sampled posterior.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .... import plot
from ....evidence.statistics import LARGEST_Z, Estimate, z_score
from ....results import Run
from ._panels import (
    DECAYS,
    HELD_OUT,
    LOCALISED,
    SINGLE,
    TRAIN,
    noise_axis,
    open_up,
    sizes_of,
    where_starts_differ,
)


ACCURACIES = {"train_accuracy": ("training sums", TRAIN), "held_out_accuracy": ("held-out sums", HELD_OUT)}
WEIGHTS = {"single_frequency": ("one frequency", SINGLE), "localised": ("one position", LOCALISED)}


def learning_curve(run: Run, *, axes: Sequence[Axes] | None = None) -> Figure:
    """Grokking in time: (a) accuracies, (b) errors, (c) what carries the weight of the network.

    Args:
        run: without a sweep, followed from the first step on (`warmup=0`).
        axes: three axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> system = system.replace(training_fraction=0.6)
        >>> run = ma.simulate(jax.random.key(0), system, warmup=0, num_steps=24, num_witnesses=0, progress=False)
        >>> figure = figures.learning_curve(run)
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['training sums', 'held-out sums', 'chance, $1/P$']
        >>> from matplotlib import pyplot as plt
        >>> plt.close(figure)
    """
    time = run.steps * float(np.ravel(run.ensemble.sampler.step_size)[0])
    chance = 1 / float(run.system.prime)
    errors = {"train_error": ("training sums", TRAIN), "held_out_error": ("held-out sums", HELD_OUT)}
    with plot.style():
        figure, axes = plot.subplots(1, 3, width="page", height=2.9, axes=axes)
        for ax, names in zip(axes, (ACCURACIES, errors, WEIGHTS), strict=True):
            for name, (label, colour) in names.items():
                values = getattr(run.series, name)
                if name.endswith("error"):
                    values = values / (chance * (1 - chance))  # of an output that is zero
                _draw_band(ax, time, values, plot.COLOURS[colour], label)
            ax.set(xscale="log", xlabel=r"time (steps $\times$ step size)", xlim=(time[0], time[-1]))
        axes[0].axhline(chance, color="0.5", linestyle=":", linewidth=0.9, label="chance, $1/P$")
        axes[1].axhline(1, color="0.5", linestyle=":", linewidth=0.9, label="output zero")
        axes[1].set_yscale("log")
        axes[0].set(ylabel="accuracy", ylim=(-0.03, 1.03))
        axes[1].set(ylabel="mean squared error, relative")
        axes[2].set(ylabel="share of the weight $|a||w||v|$", ylim=(-0.03, 1.03))
        for ax in axes:
            plot.legend_below(ax, ax.get_legend_handles_labels()[0])
        plot.label_panels(axes)
    return figure


def caption_learning_curve(run: Run) -> str:
    """What `learning_curve` shows, in words, with the two times at which half of the sums are right.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> system = system.replace(training_fraction=0.6)
        >>> run = ma.simulate(jax.random.key(0), system, warmup=0, num_steps=24, num_witnesses=0, progress=False)
        >>> words = figures.caption_learning_curve(run)
        >>> "(n + m) mod 5 on 60% of the table" in words
        True
    """
    system, steps = run.system, run.steps * float(np.ravel(run.ensemble.sampler.step_size)[0])
    times = {}
    for name in ACCURACIES:
        right = np.nanmean(getattr(run.series, name), axis=0) > 0.5
        times[name] = f"at time {steps[np.argmax(right)]:.2g}" if right.any() else "not in this run"
    return (
        f"Grokking in time: networks that start from their prior learn (n + m) mod {float(system.prime):g} on "
        f"{float(system.training_fraction):.0%} of the table, with {DECAYS[system.regulariser]}, N = "
        f"{float(system.width):g}, noise variance {float(system.noise_variance):.2g}, read-out variance "
        f"{float(system.readout_variance):.2g}; Langevin dynamics (BAOAB, friction 1), {run.layout.num_members} "
        f"networks on training sets of their own, lines: mean, bands: standard error. (a) Accuracies; dotted: chance. "
        f"Half of the training sums are right {times['train_accuracy']}, half of the held-out sums "
        f"{times['held_out_accuracy']}. "
        "(b) Squared errors in units of those of an output that is zero, dotted. (c) Weight |a||w||v| in neurons with "
        "more than 70 % of |w|^2 and |v|^2 at one frequency, or more than half at one position."
    )


def accuracies_against_noise(
    cold: Run, hot: Run, start: float, at: tuple[Any, ...] = (), *, axes: Sequence[Axes] | None = None
) -> Figure:
    """(a) Accuracies, (b) how much of the target is learned, (c) what carries the weight, against noise.

    Args:
        cold: a sweep over `noise_variance`.
        hot: the same from single frequencies.
        start: noise below which theory has specialised neurons.
        at: index of what else is swept, behind the noise.
        axes: three axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> noises = np.array([1e-3, 2e-3])
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=noises, readout_variance=4e-6, sextic_decay=3)
        >>> system = system.replace(training_fraction=0.6)
        >>> options = {"num_members": 2, "num_steps": 24, "num_witnesses": 0, "progress": False}
        >>> run = ma.simulate(jax.random.key(0), system, sampler=grokjax.UnderdampedLangevin(0.05), **options)
        >>> figure = figures.accuracies_against_noise(run, run, start=1.5e-3)
        >>> figure.axes[0].get_ylabel()
        'accuracy (dashed: chance)'
        >>> from matplotlib import pyplot as plt
        >>> plt.close(figure)
    """
    learned = {"train_learned": ("training sums", TRAIN), "held_out_learned": ("held-out sums", HELD_OUT)}
    pick = lambda values: np.asarray(values)[(slice(None), *at)]
    noise = pick(np.broadcast_to(np.asarray(cold.system.noise_variance), cold.layout.shape))
    with plot.style():
        figure, axes = plot.subplots(1, 3, width="page", height=2.9, axes=axes)
        for ax, names in zip(axes, (ACCURACIES, learned, WEIGHTS), strict=True):
            for run, hollow in ((cold, False), (hot, True)):
                for name, (label, colour) in names.items():
                    value = getattr(run, name)
                    words = f"{label}, {'hot' if hollow else 'cold'}"
                    estimate = Estimate(pick(value.mean), pick(value.error))
                    plot.draw_experiment(ax, noise, estimate, index=colour, label=words, hollow=hollow)
                    if hollow:
                        open_up(ax)
            ax.axhline(0, color="0.7", linewidth=0.7, zorder=0)
            plot.draw_transition(ax, start, "theory: specialised neurons to the left")
            noise_axis(ax, noise)
            plot.legend_below(ax, ax.get_legend_handles_labels()[0])
        axes[0].axhline(1 / float(cold.system.prime), color="0.5", linestyle="--", linewidth=0.8, zorder=0)
        axes[0].set(ylabel="accuracy (dashed: chance)", ylim=(-0.03, 1.03))
        axes[1].set(ylabel=r"learned, $\langle f,y\rangle/\langle y,y\rangle$")
        axes[2].set(ylabel="share of the weight $|a||w||v|$", ylim=(-0.03, 1.03))
        plot.label_panels(axes)
    return figure


def caption_accuracies_against_noise(cold: Run, hot: Run, at: tuple[Any, ...] = ()) -> str:
    """What `accuracies_against_noise` shows, in words, with the noises at which the starts differ.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> noises = np.array([1e-3, 2e-3])
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=noises, readout_variance=4e-6, sextic_decay=3)
        >>> system = system.replace(training_fraction=0.6)
        >>> options = {"num_members": 2, "num_steps": 24, "num_witnesses": 0, "progress": False}
        >>> run = ma.simulate(jax.random.key(0), system, sampler=grokjax.UnderdampedLangevin(0.05), **options)
        >>> words = figures.caption_accuracies_against_noise(run, run)
        >>> "agree from both starts" in words
        True
    """
    system, place = cold.system, (slice(None), *at)
    fraction, noise = (
        np.broadcast_to(np.asarray(getattr(system, name)), cold.layout.shape)[place]
        for name in ("training_fraction", "noise_variance")
    )
    apart = np.abs(z_score(cold.held_out_learned, hot.held_out_learned))[place] > LARGEST_Z
    return (
        f"Modular addition with {sizes_of(cold)} on {fraction[0]:.0%} of the table, with {DECAYS[system.regulariser]}, "
        "against noise: (a) accuracies, (b) how much of the target is learned, 1 all and -1 its opposite, (c) share of "
        "the weight |a||w||v| in neurons of one frequency and at one position. Filled: networks from the prior, "
        f"hollow: from single frequencies, on the same {cold.layout.num_members} training sets; one standard error; "
        "where all sums are right, squares cover discs. Dotted: theory's noise below which specialised neurons exist, "
        "the leading order of a large table. "
        + where_starts_differ(apart, [f"{value:.2g}" for value in noise], "in (b) at")
    )


def _draw_band(ax: Axes, time: Any, values: Any, colour: str, label: str) -> None:
    """Mean over members with a band of one standard error."""
    mean, count = np.nanmean(values, axis=0), np.sqrt(len(values))
    error = np.nanstd(values, axis=0, ddof=1) / count if len(values) > 1 else np.zeros_like(mean)
    ax.plot(time, mean, color=colour, label=label)
    ax.fill_between(time, mean - error, mean + error, color=colour, alpha=0.25, linewidth=0)
