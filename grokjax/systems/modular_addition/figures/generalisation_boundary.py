"""Where networks generalise: over noise and fraction, and against the size of the table.

Figures take runs, diagrams and fits, and solve nothing. The boundary is the training fraction at which half of the
held-out sums are right.

References:
    extends arXiv:2310.03789, section 4.2.
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
from ._panels import DECAYS, HELD_OUT, noise_axis, sizes_of, where_starts_differ


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
        figure, (ax,) = plot.subplots(height=3.3, axes=ax)
        ax.set(xscale="log")
        labels = {"y_label": "training fraction $f$"}
        status = np.asarray(diagram.status).T
        shown = np.asarray(diagram.labels).T
        handles = plot.draw_phases(ax, noise, fraction, shown, diagram.phases, status=status, **labels)
        noise_axis(ax, noise)
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
    return figure


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
        "(right half), on the same training sets. " + where_starts_differ(apart, places, "at (noise, fraction)")
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
        figure, (left, right) = plot.subplots(1, 2, width="page", height=2.9, axes=axes)
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
        plot.label_panels((left, right))
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


def _shade(colour: str, value: float) -> tuple[float, float, float]:
    """White at 0, the colour at 1."""
    red, green, blue = (1 - float(np.clip(value, 0, 1)) * (1 - channel) for channel in to_rgb(colour))
    return red, green, blue
