"""Generalisation to sums that were held out: in time, over noise and fraction, and against the size of the table.

Figures take runs and predictions, and solve nothing. Filled markers are networks from a cold start, hollow ones from a
hot start.

References:
    extends arXiv:2310.03789, section 4.2; the learning curve is that of arXiv:2301.02679 for a sampled posterior.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .... import plot
from ....evidence.power_law import PowerLaw
from ....evidence.statistics import LARGEST_Z, Estimate, z_score
from ....phases import PhaseDiagram
from ....results import Run
from ..theory.generalisation import LEFT_TO_A_MASK
from ._panels import AXES, draw_letters, open_up, panels_of, sizes_of


TRAIN, HELD_OUT, SINGLE, LOCALISED = range(4)  # colours
ACCURACIES = {"train_accuracy": ("training sums", TRAIN), "held_out_accuracy": ("held-out sums", HELD_OUT)}
DECAYS = {
    "fourier": "the published decay",
    "fourier0": "the published decay, of the mean too",
    "norm": "decay of the norms",
    "position": "decay of the positions",
    "gaussian": "plain weight decay",
}
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
        figure, axes = panels_of(axes, 3)
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
        draw_letters(axes)
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
        figure, axes = panels_of(axes, 3)
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
            _noise_axis(ax, noise)
            plot.legend_below(ax, ax.get_legend_handles_labels()[0])
        axes[0].axhline(1 / float(cold.system.prime), color="0.5", linestyle="--", linewidth=0.8, zorder=0)
        axes[0].set(ylabel="accuracy (dashed: chance)", ylim=(-0.03, 1.03))
        axes[1].set(ylabel=r"learned, $\langle f,y\rangle/\langle y,y\rangle$")
        axes[2].set(ylabel="share of the weight $|a||w||v|$", ylim=(-0.03, 1.03))
        draw_letters(axes)
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
        "the leading order of a large table. " + _starts(apart, [f"{value:.2g}" for value in noise], "in (b) at")
    )


def _starts(apart: np.ndarray, places: Sequence[str], what: str) -> str:
    """In words, where two starts differ."""
    named = [place for place, differs in zip(places, apart.ravel(), strict=True) if differs]
    if not named:
        return "Held-out sums agree from both starts."
    where = f"{what} {', '.join(named)}"
    return f"Held-out sums differ between the starts {where}: there the runs are too short for equilibrium."


def generalisation_map(diagram: PhaseDiagram, cold: Run, hot: Run, *, ax: Axes | None = None) -> Figure:
    """Phases of theory over noise and fraction, and held-out accuracy of networks on top.

    Args:
        diagram: of `generalisation_diagram`, with axes noise and fraction.
        cold: networks on a grid of noise and fraction, shown by the left half of each marker.
        hot: the same from single frequencies: the right half.
        ax: where to draw; a figure of a column's width unless given.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> noises = np.array([1e-3, 2e-3])
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=noises, readout_variance=4e-6, sextic_decay=3)
        >>> system = system.replace(training_fraction=0.6)
        >>> options = {"num_members": 2, "num_steps": 24, "num_witnesses": 0, "progress": False}
        >>> run = ma.simulate(jax.random.key(0), system, sampler=grokjax.UnderdampedLangevin(0.05), **options)
        >>> axes = {"noise_variance": [1e-4, 1e-3], "training_fraction": [0.5, 0.8]}
        >>> diagram = ma.generalisation_diagram(system.replace(noise_variance=1e-3, regulariser="norm"), axes)
        >>> figure = figures.generalisation_map(diagram, run, run)
        >>> figure.axes[0].get_ylabel()
        'training fraction $f$'
        >>> from matplotlib import pyplot as plt
        >>> plt.close(figure)
    """
    noise, fraction = diagram.axes["noise_variance"], diagram.axes["training_fraction"]
    places = [np.broadcast_to(getattr(cold.system, name), cold.layout.shape).ravel() for name in diagram.axes]
    halves = [np.ravel(run.held_out_accuracy.mean) for run in (cold, hot)]
    with plot.style():
        ax = plot.subplots(height=3.3)[1][0] if ax is None else ax
        ax.set(xscale="log")
        labels = {"y_label": "training fraction $f$"}
        status = np.asarray(diagram.status).T
        shown = np.asarray(diagram.labels).T
        handles = plot.draw_phases(ax, noise, fraction, shown, diagram.phases, status=status, **labels)
        _noise_axis(ax, noise)
        colour = plot.COLOURS[HELD_OUT]
        for x, y, left, right in zip(*places, *halves, strict=True):
            for side, value in (("left", left), ("right", right)):
                ax.plot(
                    x, y, "o", markersize=8, fillstyle=side, color=_shade(colour, value), markerfacecoloralt="none",
                    markeredgecolor="0.2", markeredgewidth=0.6, zorder=3,
                )  # fmt: skip
        for value in (0.0, 0.5, 1.0):
            marker = {"marker": "o", "linestyle": "", "markersize": 7, "markeredgecolor": "0.2"}
            name = f"networks: held-out accuracy {value:g}"
            handles.append(Line2D([], [], color=_shade(colour, value), markeredgewidth=0.6, label=name, **marker))
        title = f"$P={float(cold.system.prime):g}$, $N={float(cold.system.width):g}$; left half cold, right half hot"
        plot.legend_below(ax, handles, columns=2, title=title)
    return ax.get_figure(root=True)  # pyright: ignore[reportReturnType]


def caption_generalisation_map(cold: Run, hot: Run) -> str:
    """What `generalisation_map` shows, in words, with the points at which the starts differ.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> noises = np.array([1e-3, 2e-3])
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=noises, readout_variance=4e-6, sextic_decay=3)
        >>> system = system.replace(training_fraction=0.6)
        >>> options = {"num_members": 2, "num_steps": 24, "num_witnesses": 0, "progress": False}
        >>> run = ma.simulate(jax.random.key(0), system, sampler=grokjax.UnderdampedLangevin(0.05), **options)
        >>> words = figures.caption_generalisation_map(run, run)
        >>> "c = 2.2, an estimate" in words
        True
    """
    noise, fraction = (
        np.broadcast_to(np.asarray(getattr(cold.system, name)), cold.layout.shape).ravel()
        for name in ("noise_variance", "training_fraction")
    )
    apart = np.abs(z_score(cold.held_out_learned, hot.held_out_learned)) > LARGEST_Z
    places = [f"({x:.2g}, {y:.2g})" for x, y in zip(noise, fraction, strict=True)]
    return (
        f"Modular addition with {sizes_of(cold)} on a part of the table, with {DECAYS[cold.system.regulariser]}. Lazy: "
        "no specialised neuron. Memorising: neurons serve their mask. Generalising: neurons of one frequency. Areas "
        "are theory: specialised neurons below the noise f P sqrt(2 sigma_a^2/(N u_c)), neurons of one frequency from "
        f"the fraction sqrt(2c/P) on with c = {LEFT_TO_A_MASK:g}, an estimate inside of the computed range 1.7 to 2.6. "
        f"Discs: held-out accuracy of {cold.layout.num_members} networks from a cold (left half) and a hot start "
        "(right half), on the same training sets. " + _starts(apart, places, "at (noise, fraction)")
    )


def boundary_against_prime(
    accuracies: Mapping[int, tuple[Any, Estimate]],
    crossings: Mapping[int, Estimate],
    fit: PowerLaw | None,
    estimate: Any = None,
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""(a) Held-out accuracy against $f\sqrt P$, a colour a prime; (b) the fraction at accuracy one half, with a fit.

    Args:
        accuracies: by prime, fractions and held-out accuracy.
        crossings: by prime, the fraction at which the accuracy passes one half.
        fit: of a power law to these.
        estimate: a function of the prime, theory's estimate.
        axes: two axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> crossings = {7: grokjax.Estimate(0.83, 0.01), 11: grokjax.Estimate(0.66, 0.01)}
        >>> curve = np.array([0.6, 0.9]), grokjax.Estimate(np.array([0.0, 1.0]), np.zeros(2))
        >>> figure = figures.boundary_against_prime({7: curve, 11: curve}, crossings, None, ma.generalisation_boundary)
        >>> [text.get_text() for text in figure.axes[1].get_xticklabels()]
        ['7', '11']
        >>> from matplotlib import pyplot as plt
        >>> plt.close(figure)
    """
    with plot.style():
        figure, (left, right) = panels_of(axes, 2)
        for index, (prime, (fraction, accuracy)) in enumerate(accuracies.items()):
            x = np.asarray(fraction) * prime**0.5
            plot.draw_experiment(left, x, accuracy, index=index, label=f"$P={prime}$")
            left.plot(x, np.asarray(accuracy.mean), color=plot.COLOURS[index % len(plot.COLOURS)], linewidth=0.8)
            if prime in crossings:
                one = Estimate(np.array([crossings[prime].mean]), np.array([crossings[prime].error]))
                plot.draw_experiment(right, np.array([prime]), one, index=index)
        primes = np.array(sorted(accuracies), float)
        grid = np.geomspace(0.85 * primes[0], 1.15 * primes[-1], 60)
        if fit is not None:
            curve = fit(grid)
            label = f"fit: $f_c \\propto P^p$, $p={fit.exponent}$"
            right.plot(grid, curve.mean, color="0.2", label=label)
            right.fill_between(grid, curve.mean - curve.error, curve.mean + curve.error, color="0.85", linewidth=0)
        if estimate is not None:
            right.plot(grid, np.asarray(estimate(grid)), color="0.2", linestyle="--", label=r"estimate, $\sqrt{2c/P}$")
        left.set(xlabel=r"$f\sqrt{P}$", ylabel="held-out accuracy", ylim=(-0.03, 1.03))
        right.set(xscale="log", yscale="log", xlabel="prime $P$", ylabel="fraction $f_c$ at accuracy 1/2")
        right.set_xticks(primes, [f"{prime:.0f}" for prime in primes])
        ticks = [tick for tick in np.arange(1, 11) / 10 if right.get_ylim()[0] < tick < right.get_ylim()[1]]
        right.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
        right.minorticks_off()
        plot.legend_below(left, left.get_legend_handles_labels()[0], columns=2)
        if right.get_legend_handles_labels()[0]:
            plot.legend_below(right, right.get_legend_handles_labels()[0])
        draw_letters((left, right))
    return figure


def caption_boundary_against_prime(run: Run, crossings: Mapping[int, Estimate], fit: PowerLaw | None) -> str:
    """What `boundary_against_prime` shows, in words, with the fractions found.

    Args:
        run: one of those of the accuracies.
        crossings: as there.
        fit: as there.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> noises = np.array([1e-3, 2e-3])
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=noises, readout_variance=4e-6, sextic_decay=3)
        >>> system = system.replace(training_fraction=0.6)
        >>> options = {"num_members": 2, "num_steps": 24, "num_witnesses": 0, "progress": False}
        >>> run = ma.simulate(jax.random.key(0), system, sampler=grokjax.UnderdampedLangevin(0.05), **options)
        >>> words = figures.caption_boundary_against_prime(run, {5: grokjax.Estimate(0.83, 0.01)}, None)
        >>> "0.830(10) at P = 5" in words
        True
    """
    found = ", ".join(f"{place} at P = {prime}" for prime, place in crossings.items())
    words = (
        f"Modular addition with N = {float(run.system.width):g}, {DECAYS[run.system.regulariser]}, noise variance "
        f"{float(np.ravel(run.system.noise_variance)[0]):.2g}: (a) held-out accuracy against the training fraction "
        "times the root of P, a colour a prime, lines for the eye; (b) the fraction at which half of the held-out sums "
        f"are right, linear in between: {found or 'none in this range'}. Points: networks, one standard error over "
        f"{run.layout.num_members} training sets each, runs of {run.steps[-1]} steps. Dashed: theory's "
        f"estimate sqrt(2c/P), c = {LEFT_TO_A_MASK:g}, "
        "not fitted to these."
    )
    if fit is None:
        return words
    z = float((fit.exponent.mean + 0.5) / fit.exponent.error)
    verdict = "agrees with" if abs(z) < LARGEST_Z else f"is {abs(z):.2g} standard errors from"
    return (
        f"{words} Solid: fitted power law with a band of one standard error, chi^2 a degree of freedom "
        f"{fit.reduced_chi_squared:.2g}; its exponent {fit.exponent} {verdict} that of the estimate, -1/2."
    )


def _noise_axis(ax: Axes, noise: Any) -> None:
    """A logarithmic axis with plain labels, in a power of ten."""
    low, high, exponent = np.min(noise), np.max(noise), int(np.floor(np.log10(np.median(noise))))
    steps = [step * 10.0**power for power in range(exponent - 2, exponent + 3) for step in (1, 2, 5)]
    ticks = [tick for tick in steps if low * 0.999 <= tick <= high * 1.001]
    ax.set_xscale("log")
    ax.set_xlabel(rf"{AXES['noise_variance']} ($10^{{{exponent}}}$)", labelpad=1)
    ax.set_xticks(ticks, [f"{tick / 10.0**exponent:g}" for tick in ticks])
    ax.minorticks_off()


def _draw_band(ax: Axes, time: Any, values: Any, colour: str, label: str) -> None:
    """Mean over members with a band of one standard error."""
    mean, count = np.nanmean(values, axis=0), np.sqrt(len(values))
    error = np.nanstd(values, axis=0, ddof=1) / count if len(values) > 1 else np.zeros_like(mean)
    ax.plot(time, mean, color=colour, label=label)
    ax.fill_between(time, mean - error, mean + error, color=colour, alpha=0.25, linewidth=0)


def _shade(colour: str, value: float) -> tuple[float, float, float]:
    """White at 0, the colour at 1."""
    red, green, blue = (1 - float(np.clip(value, 0, 1)) * (1 - channel) for channel in to_rgb(colour))
    return red, green, blue
