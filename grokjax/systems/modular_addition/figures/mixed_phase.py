"""What the published figure lacks: real networks on top of the theory, against noise, pair by pair, and against width.

Figures take what `predict`, `transitions` and `simulate` return, and solve nothing.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .... import plot
from ....evidence.statistics import LARGEST_Z, Estimate, z_score
from ....results import Run
from ..phases import Transitions
from ..theory import Prediction
from ._panels import AXES, PANELS, draw_borders, open_up, sizes_of


def mixed_phase(
    curve: Prediction,
    borders: Transitions,
    cold: Run,
    hot: Run | None = None,
    *,
    corrected: Prediction | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Discrepancy, side weight and single-frequency neurons against noise: networks on top of the exact theory.

    Args:
        curve: predictions at many noises.
        borders: of the sharp limit.
        cold: a sweep over `noise_variance`, shape (point,), started from the prior.
        hot: the same, started from single-frequency neurons.
        corrected: the predictions with their width correction.
        axes: three axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> noises = np.array([1e-3, 2e-3])
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=noises, readout_variance=4e-6, sextic_decay=3)
        >>> options = {"num_members": 2, "num_steps": 24, "num_witnesses": 0, "progress": False}
        >>> run = ma.simulate(jax.random.key(0), system, sampler=grokjax.UnderdampedLangevin(0.05), **options)
        >>> figure = figures.mixed_phase(ma.predict(system), ma.transitions(system.replace(noise_variance=1e-3)), run)
        >>> [ax.get_title('left') for ax in figure.axes]
        ['(a)', '(b)', '(c)']
        >>> from matplotlib import pyplot as plt
        >>> plt.close(figure)
    """
    noise, grid = np.asarray(cold.system.noise_variance), np.asarray(curve.law.system.noise_variance)
    exponent = int(np.floor(np.log10(noise.max())))
    unit = 10.0**exponent
    with plot.style():
        figure, axes = plot.subplots(1, 3, width="page", height=2.9, axes=axes)
        for ax, name in zip(axes, PANELS, strict=False):
            plot.draw_theory(ax, grid / unit, getattr(curve, name), label="theory, leading order in $1/N$")
            if corrected is not None and name != "specialised_once":  # of which it knows nothing
                label = "theory, one loop in $1/N$"
                plot.draw_theory(ax, grid / unit, getattr(corrected, name), dashed=True, label=label)
            plot.draw_experiment(ax, noise / unit, getattr(cold, name), index=1, label="networks, cold start")
            if hot is not None:
                label = "networks, hot start"
                plot.draw_experiment(ax, noise / unit, getattr(hot, name), index=2, label=label, hollow=True)
                open_up(ax)
            keys = draw_borders(ax, borders, unit)
            ax.set(xlabel=rf"{AXES['noise_variance']} ($10^{{{exponent}}}$)", ylabel=PANELS[name])
            ax.set_ylim(bottom=-0.03 * ax.get_ylim()[1])  # points at zero are not cut
        sizes = f"$P={float(cold.system.prime):g}$, $N={float(cold.system.width):g}$"
        plot.legend_below(axes[0], axes[0].get_legend_handles_labels()[0])
        plot.legend_below(axes[1], keys, title="sharp limit")
        empty = Line2D([], [], linestyle="", label=f"{sizes}, {cold.layout.num_members} networks a noise")
        plot.legend_below(axes[2], [empty])
        plot.label_panels(axes)
    return figure


def caption_mixed_phase(
    cold: Run, hot: Run | None = None, theory: Prediction | None = None, corrected: Prediction | None = None
) -> str:
    """What `mixed_phase` shows, in words, with the points that are not in equilibrium and what theory misses elsewhere.

    Args:
        cold: as there.
        hot: as there.
        theory: predictions of the runs' points, leading order.
        corrected: of the same points, with the width correction.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> noises = np.array([1e-3, 2e-3])
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=noises, readout_variance=4e-6, sextic_decay=3)
        >>> options = {"num_members": 2, "num_steps": 24, "num_witnesses": 0, "progress": False}
        >>> run = ma.simulate(jax.random.key(0), system, sampler=grokjax.UnderdampedLangevin(0.05), **options)
        >>> words = figures.caption_mixed_phase(run, run, ma.predict(system))
        >>> "The two starts agree in (b) at all noises." in words
        True
    """
    words = (
        f"Modular addition with {sizes_of(cold)}, read-out variance {float(cold.system.readout_variance):.2g}: (a) "
        "part of the target that is not learned, (b) share of specialised pairs, (c) fraction of neurons specialised "
        "at exactly one frequency, which theory takes for independent: true for wide networks, and the excess falls as "
        "1/N. Solid: theory, leading order in 1/N, exact at any P; dashed: with the first correction; dotted and "
        f"dash-dotted: borders of the limit of sharp wells. Points: {cold.layout.num_members} networks a noise from "
        "their prior (filled) or from single frequencies (hollow), one standard error. Nothing is fitted."
    )
    apart = np.zeros(cold.layout.shape, bool)
    if hot is not None:
        apart = np.abs(z_score(cold.side_weight, hot.side_weight)) > LARGEST_Z
        noises = ", ".join(f"{noise:.3g}" for noise in np.asarray(cold.system.noise_variance)[apart])
        words += (
            f" The two starts differ by more than {LARGEST_Z:g} standard errors in (b) at the noises {noises}: these "
            "points are not in equilibrium."
            if noises
            else " The two starts agree in (b) at all noises."
        )
    for name, found in (("Leading order", theory), ("One loop", corrected)):
        if found is not None and not apart.all():
            a, side = (_largest_miss(found, cold, each, ~apart) for each in ("discrepancy", "side_weight"))
            words += f" {name} is off by up to {a:.2g} % in (a) and {side:.2g} % in (b) in equilibrium."
    return words


def _largest_miss(theory: Prediction, run: Run, name: str, kept: np.ndarray) -> float:
    """Of theory from networks, in percent of these."""
    networks = getattr(run, name).mean[kept]
    return 100 * float(np.max(np.abs(np.asarray(getattr(theory, name))[kept] / networks - 1)))


def pair_densities(
    theory: Prediction, run: Run, point: int | tuple[int, ...] = (), *, axes: Sequence[Axes] | None = None
) -> Figure:
    """The law of (X, V): (a) theory beside (b) the networks' histogram, on one logarithmic colour scale.

    Args:
        theory: of the run's system.
        run: a simulation.
        point: which point of a sweep, on both roads.
        axes: two axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> noises = np.array([1e-3, 2e-3])
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=noises, readout_variance=4e-6, sextic_decay=3)
        >>> options = {"num_members": 2, "num_steps": 24, "num_witnesses": 0, "progress": False}
        >>> run = ma.simulate(jax.random.key(0), system, sampler=grokjax.UnderdampedLangevin(0.05), **options)
        >>> figure = figures.pair_densities(ma.predict(system), run, point=0)
        >>> figure.axes[0].get_xlabel()
        '$X$ (units of $x^*$)'
        >>> from matplotlib import pyplot as plt
        >>> plt.close(figure)
    """
    law, pairs = jax.tree.map(lambda leaf: leaf[point], theory.law), run.observed["pairs"]
    well, noise = float(law.system.well_position), float(law.system.noise_variance)
    x, v = jnp.meshgrid(pairs.centres * well, pairs.centres * well, indexing="ij")
    expected = np.exp(np.asarray(law.log_density(x, v))) * well**2
    counts = np.where(run.diverged[..., None, None], 0, pairs.counts)[point].sum(axis=0)
    networks = counts / counts.sum() / np.diff(pairs.edges)[0] ** 2
    norm = LogNorm(networks[networks > 0].min(), max(networks.max(), expected.max()))
    seen = np.flatnonzero((np.maximum(networks, expected) >= norm.vmin).any(axis=0))
    reach = float(pairs.edges[seen[-1] + 1])
    with plot.style():
        figure, axes = plot.subplots(1, 2, width="page", height=2.9, axes=axes)
        names = (
            f"theory, $P={float(law.system.prime):g}$",
            f"{len(run.diverged[point])} networks, $N={float(law.system.width):g}$",
        )
        for ax, density, name in zip(axes, (expected, networks), names, strict=True):
            shown = np.ma.masked_less(density, float(networks[networks > 0].min()))
            mesh = ax.pcolormesh(pairs.edges, pairs.edges, shown.T, norm=norm, cmap="cividis", rasterized=True)
            ax.set(xlabel="$X$ (units of $x^*$)", ylabel="$V$ (units of $x^*$)", aspect="equal")
            ax.set(xlim=(0, reach), ylim=(0, reach), xticks=np.arange(0, reach, 0.5), yticks=np.arange(0, reach, 0.5))
            ax.set_title(rf"{name}, $\sigma^2={noise:g}$")
        figure.colorbar(mesh, ax=list(axes), label=r"probability density (units of $x^{*-2}$)", shrink=0.9)
        plot.label_panels(axes)
    return figure


def caption_pair_densities(theory: Prediction, run: Run, point: int | tuple[int, ...] = ()) -> str:
    """What `pair_densities` shows, in words, with the share of specialised pairs on both roads.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> noises = np.array([1e-3, 2e-3])
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=noises, readout_variance=4e-6, sextic_decay=3)
        >>> options = {"num_members": 2, "num_steps": 24, "num_witnesses": 0, "progress": False}
        >>> run = ma.simulate(jax.random.key(0), system, sampler=grokjax.UnderdampedLangevin(0.05), **options)
        >>> words = figures.caption_pair_densities(ma.predict(system), run, point=0)
        >>> words[:41]
        'Law of the powers X and V of a neuron at '
    """
    at = lambda values: float(np.asarray(values)[point])
    networks = Estimate(at(run.side_weight.mean), at(run.side_weight.error))
    z = (at(theory.side_weight) - networks.mean) / networks.error
    miss = f"{100 * (at(theory.side_weight) / networks.mean - 1):+.2g} %, {abs(z):.2g} standard errors"
    verdict = "they agree" if abs(z) < LARGEST_Z else f"theory is off by {miss}, and knows no finite width"
    noise = float(np.broadcast_to(run.system.noise_variance, run.layout.shape)[point])
    return (
        f"Law of the powers X and V of a neuron at one frequency, in modular addition with {sizes_of(run)}, noise "
        f"variance {noise:.3g}: (a) theory, leading order in 1/N, (b) histogram over neurons, frequencies and time of "
        f"{len(run.diverged[point])} networks; colour: probability density, white: less than one count. Lower left: "
        f"ordinary neurons; around X = V = x*: specialised ones. Beyond x*/2 in both lie {at(theory.side_weight):.3g} "
        f"of the pairs in theory and {networks} in networks: {verdict}."
    )


def width_convergence(
    widths: Any,
    gaps: dict[str, tuple[Any, Any]],
    series: dict[str, tuple[float, float]],
    *,
    ax: Axes | None = None,
) -> Figure:
    """Gap between networks and exact theory against width, with the fitted expansion in 1/N.

    Args:
        widths: shape (width,).
        gaps: by name, (theory - networks)/theory and its error, shape (width,).
        series: by name, coefficients of 1/N and 1/N^2.
        ax: where to draw; a new figure of a column's width unless given.

    Examples:
        >>> from grokjax.systems.modular_addition import figures
        >>> gaps = {"side_weight": (np.array([0.2, 0.1]), np.array([0.01, 0.01]))}
        >>> figure = figures.width_convergence([250, 500], gaps, {"side_weight": (50.0, 0.0)})
        >>> figure.axes[0].get_xlabel()
        'width $N$'
        >>> from matplotlib import pyplot as plt
        >>> plt.close(figure)
    """
    widths = np.asarray(widths, float)
    curve = np.geomspace(widths.min(), widths.max(), 100)
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.9, axes=ax)
        for index, (name, (gap, error)) in enumerate(gaps.items()):
            first, second = series[name]
            plot.draw_theory(ax, curve, np.abs(first / curve + second / curve**2), index=index)
            estimate = Estimate(np.abs(gap), error)
            plot.draw_experiment(ax, widths, estimate, index=index, label=PANELS.get(name, name).replace("\n", " "))
        ax.set(xscale="log", yscale="log", xlabel="width $N$", ylabel="|theory $-$ networks| / theory")
        ax.set_xticks(widths, [f"{width:.0f}" for width in widths])
        ax.minorticks_off()
        plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2, title="curves: $c_1/N + c_2/N^2$")
    return figure


def caption_width_convergence(series: Mapping[str, tuple[float, float]]) -> str:
    """What `width_convergence` shows, in words, with the coefficients of the expansion.

    Examples:
        >>> from grokjax.systems.modular_addition import figures
        >>> words = figures.caption_width_convergence({"side_weight": (50.0, 0.0)})
        >>> "side weight: 50/N + 0/N^2" in words
        True
    """
    found = "; ".join(
        f"{name.replace('_', ' ')}: {first:.3g}/N + {second:.3g}/N^2" for name, (first, second) in series.items()
    )
    return (
        "Gap between networks and theory of leading order over theory, against width at one mean field, on logarithmic "
        "axes: points are networks with one standard error, a colour a quantity, curves two terms of an expansion in "
        f"1/N fitted to the gaps, (theory - networks)/theory = {found}. It goes to zero: the gap is finite width."
    )
