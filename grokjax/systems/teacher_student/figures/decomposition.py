"""Finite width apart from finite data, noise by noise."""

from collections.abc import Sequence

import jax
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .... import plot
from ....evidence.decomposition import Decomposition
from ....evidence.statistics import Estimate, is_estimate
from ..theory import Prediction
from .published import AXES


def decomposition(found: Decomposition, population: Prediction, *, axes: Sequence[Axes] | None = None) -> Figure:
    """What of networks less population theory is finite width and what is finite data, in per cent of the theory.

    Args:
        found: of `decompose`, a sweep over `noise_variance`.
        population: theory without data at the same points, such as `predict(system, perpendicular="chi2")`.
        axes: one per order parameter; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> from grokjax.systems.teacher_student import figures
        >>> found = ts.decompose(jax.random.key(0), system, widths=(1, 2), num_members=2, num_steps=24)
        >>> len(figures.decomposition(found, ts.predict(system, theory="mean_field")).axes)  # two overlaps, side weight
        3
    """
    noise = np.asarray(found.runs[0].system.noise_variance)
    flat = lambda tree: jax.tree.leaves(tree, is_leaf=is_estimate)
    parts = {"finite width, paired": found.finite_width, "finite data": found.finite_data(population)}
    degrees = tuple(population.overlap)
    titles = [f"overlap $He_{degree}$" for degree in degrees] + ["side weight"]
    with plot.style():
        figure, axes = plot.subplots(1, len(titles), width="page", height=3.0, axes=axes)
        for index, (label, part) in enumerate(parts.items()):
            for ax, estimate, value in zip(axes, flat(part), flat(population.order_parameters), strict=True):
                scale = 100 / np.abs(np.asarray(value))
                shown = Estimate(estimate.mean * scale, estimate.error * scale)
                plot.draw_experiment(ax, noise, shown, index=index, label=label)
        for ax, letter, title in zip(axes, "abcdefgh", titles, strict=False):
            ax.axhline(0, color="0.35", linestyle=":", linewidth=0.8)
            ax.set(xlabel=AXES["noise_variance"], ylabel=f"{title}: networks less theory (%)")
            ax.set_xlim(0, 1.1 * noise.max())
            plot.label_panel(ax, letter)
        plot.legend_below(axes[1], axes[1].get_legend_handles_labels()[0], columns=2)
    return figure


def caption_decomposition(found: Decomposition) -> str:
    """What `decomposition` shows, in words.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> from grokjax.systems.teacher_student import figures
        >>> found = ts.decompose(jax.random.key(0), system, widths=(1, 2), num_members=2, num_steps=24)
        >>> "widths of m = 1, 2 times N" in figures.caption_decomposition(found)
        True
    """
    run = found.runs[0]
    width, dimension, samples = (float(x) for x in (run.system.width, run.system.input_dim, run.system.num_samples))
    factors = ", ".join(f"{factor:g}" for factor in found.widths)
    return (
        f"Networks less population theory, in per cent of the size of what the theory says, at N = {width:g}, "
        f"d = {dimension:g}, n = {samples:g}. Circles: finite width, networks at N less those of infinite width on the "
        f"same {run.layout.num_datasets} data sets, by a straight line in 1/m through widths of m = {factors} times N. "
        "Squares: finite data, networks of infinite width less theory. Bars: one standard error over data sets. The "
        "cubic overlap is negative: above zero less of it is learned. Dotted: no difference. Nothing is fitted to the "
        "theory."
    )
