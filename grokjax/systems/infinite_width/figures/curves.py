"""Displacements against the width, and measured against predicted exponents."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .... import plot
from ....evidence.statistics import LARGEST_Z, Estimate, z_score
from ..scaling import Scaling
from ._axes import NAMES, networks_of


def displacement(
    runs: Mapping[str, Scaling], predicted: Mapping[str, Mapping[str, float]], *, axes: Sequence[Axes] | None = None
) -> Figure:
    """RD against the width, one panel per layer; dashed lines have theory's slope and go through the largest width.

    Args:
        runs: one point each, by label.
        predicted: theory's exponents by label and layer.
        axes: one per layer.

    Examples:
        >>> from matplotlib import pyplot as plt
        >>> from grokjax.systems import infinite_width as iw
        >>> from grokjax.systems.infinite_width import figures
        >>> plane = iw.TwoLayer(gamma=jnp.array([[0.5, 1.75]]))
        >>> run = iw.simulate(jax.random.key(0), plane, widths=(10, 20, 40), num_members=2, progress=False)
        >>> figure = figures.displacement({"lazy": run.at(0, 0)}, {"lazy": {"input": -0.5}})
        >>> figure.axes[0].get_xlabel(), figure.axes[0].get_ylabel()
        ('width $m$', 'displacement RD of the input weights')
        >>> plt.close(figure)
    """
    layers = next(iter(runs.values())).system.layers
    with plot.style():
        figure, made = plot.subplots(1, len(layers), height=2.9, axes=axes)
        for ax, layer in zip(made, layers, strict=True):
            ax.set(xscale="log", yscale="log", xlabel="width $m$", ylabel=f"displacement RD of the {NAMES[layer]}")
            for index, (name, run) in enumerate(runs.items()):
                widths, found = np.asarray(run.widths), run.displacement[layer]
                theory, s = predicted[name][layer], run.exponent[layer]
                line = found.mean[-1] * (widths / widths[-1]) ** theory
                plot.draw_theory(ax, widths, line, index=index, dashed=True)
                label = f"{name}: $S={s}$, theory ${theory:.3g}$"
                plot.draw_experiment(ax, widths, Estimate(found.mean, found.error), index=index, label=label)
                ax.set_xticks(widths, [str(width) for width in widths])
                ax.minorticks_off()
            dashes = Line2D([], [], color="0.3", linestyle="--", label="theory's power, through the largest width")
            plot.legend_below(ax, [*ax.get_legend_handles_labels()[0], dashes])
        plot.label_panels(made)
    return figure


def caption_displacement(
    runs: Mapping[str, Scaling],
    predicted: Mapping[str, Mapping[str, float]],
    prefactor: tuple[Estimate, float] | None = None,
) -> str:
    """What the figure shows, and which slopes differ from theory, in words.

    Args:
        runs: as in `displacement`.
        predicted: likewise.
        prefactor: of the lazy regime, measured at the largest width and from the tangent kernel.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> from grokjax.systems.infinite_width import figures
        >>> plane = iw.TwoLayer(gamma=jnp.array([[0.5, 1.75]]))
        >>> run = iw.simulate(jax.random.key(0), plane, widths=(10, 20, 40), num_members=2, progress=False)
        >>> said = figures.caption_displacement({"lazy": run.at(0, 0)}, {"lazy": {"input": -5.0}})
        >>> "differ from theory" in said
        True
    """
    said = (
        "Displacement RD of a layer at the end of training, relative to its weights at the start, against the width: "
        f"geometric means with one standard error, from {networks_of(next(iter(runs.values())))}. Dashed: theory's "
        "power; its height is that of the largest width. S: slope of the least-squares line through all widths."
    )
    slopes = [
        (name, run.exponent[layer], predicted[name][layer]) for name, run in runs.items() for layer in run.exponent
    ]
    plain = lambda name: name.replace("$", "").replace("\\", "")
    far = [f"{plain(name)} (by {s.mean - theory:+.3f})" for name, s, theory in slopes if _differs(s, theory)]
    if far:
        said += (
            f" Slopes differ from theory by more than {LARGEST_Z:g} standard errors at {', '.join(far)}: theory is "
            "that of infinite width."
        )
    else:
        said += f" All slopes agree with theory within {LARGEST_Z:g} standard errors."
    if prefactor is not None:
        said += (
            f" In the lazy regime the height is theory's, too: RD m^(1/2) = {prefactor[0]} at the largest width, "
            f"{prefactor[1]:.4g} from the tangent kernel."
        )
    return said


def exponents(found: Mapping[str, tuple[Estimate, Any]], *, axes: Sequence[Axes] | None = None) -> Figure:
    """Measured against predicted exponents: points on the diagonal agree. Beside it, what is left of the difference.

    Args:
        found: arrays of measured exponents and theory's, by label.
        axes: two.

    Examples:
        >>> from matplotlib import pyplot as plt
        >>> from grokjax.systems.infinite_width import figures
        >>> measured = grokjax.Estimate(np.array([-0.5, 0.4]), np.array([0.02, 0.03]))
        >>> figure = figures.exponents({"two layers": (measured, np.array([-0.5, 0.375]))})
        >>> figure.axes[0].get_xlabel(), figure.axes[0].get_xlim() == figure.axes[0].get_ylim()
        ('exponent $S$, theory', True)
        >>> plt.close(figure)
    """
    with plot.style():
        figure, made = plot.subplots(1, 2, height=2.9, axes=axes)
        ends = []
        for index, (name, (estimate, theory)) in enumerate(found.items()):
            mean, error, theory = (np.ravel(values) for values in (estimate.mean, estimate.error, theory))
            for ax, subtracted in zip(made, (0.0, theory), strict=True):
                points = Estimate(mean - subtracted, error)
                plot.draw_experiment(ax, theory, points, index=index, label=name, hollow=True)
            ends += [np.nanmin(theory), np.nanmax(theory), np.nanmin(mean), np.nanmax(mean)]
        line = np.array([min(ends) - 0.1, max(ends) + 0.1])
        made[0].plot(line, line, color="black", linewidth=0.9, label="equal", zorder=0)
        made[0].set(xlabel="exponent $S$, theory", ylabel="exponent $S$, networks", xlim=line, ylim=line)
        made[0].axhline(0, color="0.7", linewidth=0.6, zorder=0)
        made[0].axvline(0, color="0.7", linewidth=0.6, zorder=0)
        made[1].axhline(0, color="black", linewidth=0.9, zorder=0)
        made[1].set(xlabel="exponent $S$, theory", ylabel="networks $-$ theory", xlim=line)
        plot.label_panels(made)
        handles = made[0].get_legend_handles_labels()[0]
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles))
    return figure


def caption_exponents(found: Mapping[str, tuple[Estimate, Any]]) -> str:
    """How far networks are from theory, in words.

    Args:
        found: as in `exponents`.

    Examples:
        >>> from grokjax.systems.infinite_width import figures
        >>> measured = grokjax.Estimate(np.array([-0.5, 0.4]), np.array([0.02, 0.004]))
        >>> said = figures.caption_exponents({"two layers": (measured, np.array([-0.5, 0.375]))})
        >>> "two layers: 1 of 2 differ" in said
        True
    """
    said = (
        "(a) Exponents S of all layers in Frobenius norm, measured against theory, and (b) the difference, with one "
        "standard error; black: equal. No number is fitted to both."
    )
    for name, (estimate, theory) in found.items():
        mean, error, theory = (np.ravel(values) for values in (estimate.mean, estimate.error, theory))
        known, distance = np.isfinite(error), np.abs(mean - theory)[np.isfinite(mean)]
        far = np.sum(_differs(Estimate(mean, error), theory) & known)
        differ = f"{far} of {known.sum()} differ by more than {LARGEST_Z:g} standard errors"
        said += (
            f" {name}: {differ if known.any() else 'single networks, without errors'}; the median distance is "
            f"{np.median(distance):.3f}, the largest {distance.max():.3f}."
        )
    return said + " Theory is that of infinite width; what wider networks would do was not measured."


def _differs(found: Estimate, theory: Any) -> Any:
    return np.abs(z_score(found, theory)) > LARGEST_Z
