"""The published figure 2, theory and networks on top of each other. Everything drawn is given; nothing is solved.

References:
    arXiv:2310.03789, figure 2.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from .... import plot
from ....evidence.statistics import Estimate, finite_mean
from ....results import Run
from ..experiment import negative_log_density
from ..order_parameters import OrderParameters
from ..system import SIDE_THRESHOLD, TeacherStudent
from ..theory import Prediction


THEORY_NAMES = {
    "mean_field": "leading order",
    "finite_size": "finite size",
    "field": "finite data and width",
    "best": "finite data and width",
}
LINES = ("-", "--", "-.")  # of theories, everywhere
LAZY = (0, (4, 1.5, 1, 1.5, 1, 1.5))  # the Gaussian process
AXES = {"noise_variance": r"noise variance $\sigma^2$", "width": "width $N$", "num_samples": "samples $n$"}


def figure_2(
    run: Run,
    at_points: Mapping[str, Prediction],
    curves: Mapping[str, Prediction],
    *,
    transition: float | None = None,
    lazy: tuple[Any, OrderParameters] | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""Action per dimension, overlaps and side weight against noise; after figure 2 of the paper.

    (a) $-\log p(q)$ at each simulated noise, shifted vertically so that curves do not hide each other, each noise named
    at its end. (b) Overlap as a share of the teacher's coefficient. (c) Side weight. Lines are theories, the same
    dashes in all panels; points are networks with one standard error.

    Args:
        run: a sweep over `noise_variance`, shape (point,).
        at_points: predictions at the noises of the run, by name, for (a).
        curves: predictions along a grid of noises, by name, for (b) and (c).
        transition: noise variance of the sharp limit.
        lazy: noises and what the Gaussian process of an infinitely wide student learns (`lazy_baseline`), for (b).
        axes: three axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> ladder = ts.simulate(
        ...     jax.random.key(0), system, exchange=grokjax.ReplicaExchange([0.3, 0.4]), num_members=2, num_steps=24,
        ...     num_witnesses=0, progress=False,
        ... )
        >>> from grokjax.systems.teacher_student import figures
        >>> theory = {"mean_field": ts.predict(ladder.system, theory="mean_field")}
        >>> [ax.get_title(loc="left") for ax in figures.figure_2(ladder, theory, theory).axes]
        ['(a)', '(b)', '(c)']
    """
    noise = np.asarray(run.system.noise_variance)
    teacher = {degree: float(np.ravel(c)[0]) for degree, c in run.system.teacher.items()}
    lines = lines_of(curves, at_points)
    with plot.style():
        figure, (left, middle, right) = plot.subplots(1, 3, width="page", height=3.0, axes=axes)
        _draw_actions(left, run, at_points, lines, noise)
        ended: list[Any] = []
        for name, curve in curves.items():
            grid = np.asarray(curve.law.system.noise_variance)
            shown = np.where(_speaks(curve), 1.0, np.nan)
            for index, (degree, coefficient) in enumerate(teacher.items()):
                share = shown * curve.overlap[degree] / coefficient
                plot.draw_theory(middle, grid, share, index=index, line=lines[name])
            plot.draw_theory(right, grid, shown * curve.side_weight, index=2, line=lines[name])
            ended += _draw_bracket(middle, right, curve, grid, teacher)
        if lazy is not None:
            for index, (degree, coefficient) in enumerate(teacher.items()):
                share = np.asarray(lazy[1].overlap[degree]) / coefficient
                middle.plot(np.asarray(lazy[0]), share, color=plot.COLOURS[index], linestyle=LAZY)
        for index, (degree, coefficient) in enumerate(teacher.items()):
            found = run.overlap[degree]
            share = Estimate(found.mean / coefficient, found.error / abs(coefficient))
            plot.draw_experiment(middle, noise, share, index=index, label=f"$He_{degree}$, networks")
        plot.draw_experiment(right, noise, run.side_weight, index=2, label="networks")
        for ax in (middle, right):
            if transition is not None:
                plot.draw_transition(ax, transition)
            ax.set_xlabel(AXES["noise_variance"])
            ax.set_xlim(0, 1.05 * noise.max())
        middle.set_ylabel(r"overlap $\langle f, He_k\rangle/(k!\,c_k)$")
        published = np.all(np.asarray(run.system.side_threshold) == SIDE_THRESHOLD)
        right.set_ylabel(rf"side weight $P(|q|>{'1/2' if published else 'q_b'})$")
        top = max(1.0, *(float(np.nanmax(run.overlap[k].mean / c)) for k, c in teacher.items()))
        middle.set_ylim(-0.05, top + 0.05)
        right.set_ylim(bottom=0)
        key = lambda style, label, grey="0.3": Line2D([], [], color=grey, linestyle=style, label=label)
        theories = [key(style, THEORY_NAMES.get(name, name)) for name, style in lines.items()]
        process = [] if lazy is None else [key(LAZY, "Gaussian process (NNGP)")]
        sharp = [] if transition is None else [key(":", "sharp limit's transition", "0.35")]
        own = [ax.get_legend_handles_labels()[0] for ax in (left, middle, right)]
        members = f"{run.layout.num_members} networks a noise"
        plot.legend_below(left, [*own[0], *theories], title=f"{sizes_of(run.system)}, {members}")
        plot.legend_below(middle, [*own[1], *process])
        plot.legend_below(right, [*own[2], *sharp, *ended])
        for letter, ax in zip("abc", (left, middle, right), strict=True):
            plot.label_panel(ax, letter)
    return figure


def lines_of(*predictions: Mapping[str, Prediction]) -> dict[str, str]:
    """The dashes of each theory, the same in all panels."""
    names = dict.fromkeys(name for each in predictions for name in each)
    return {name: LINES[index % len(LINES)] for index, name in enumerate(names)}


def sizes_of(system: TeacherStudent) -> str:
    width, dimension, samples = (float(np.ravel(x)[0]) for x in (system.width, system.input_dim, system.num_samples))
    return f"$N={width:g}$, $d={dimension:g}$, $n={samples:g}$"


def _speaks(curve: Prediction) -> np.ndarray:
    """Where a theory that knows its range is within it, or has a bracket; everywhere for the others."""
    trusted, bracket = np.asarray(curve.trustworthy), curve.bracket
    if bracket is None:
        return np.ones_like(trusted)
    return trusted | np.isfinite(bracket.side_weight)


def _draw_bracket(
    middle: Axes, right: Axes, curve: Prediction, grid: np.ndarray, teacher: Mapping[int, float]
) -> list[Patch]:
    """Hatch where a theory that knows its range has left it, and show the bracket there; what the legend says of it."""
    trusted, bracket = np.broadcast_to(curve.trustworthy, grid.shape), curve.bracket
    if bracket is None or trusted.all() or trusted[0]:
        return []
    last = int(np.argmax(trusted))
    edge = (grid[last - 1] + grid[last]) / 2 if trusted.any() else grid[-1]
    for ax in (middle, right):
        ax.axvspan(0, edge, facecolor="none", edgecolor="0.8", hatch="////", linewidth=0, zorder=0)
    fill = lambda ax, bare, whole, index: ax.fill_between(
        grid, np.asarray(bare), np.asarray(whole), color=plot.COLOURS[index], alpha=0.25, linewidth=0
    )
    for index, (degree, coefficient) in enumerate(teacher.items()):
        fill(middle, bracket.overlap[degree] / coefficient, curve.overlap[degree] / coefficient, index)
    fill(right, bracket.side_weight, curve.side_weight, 2)
    name = THEORY_NAMES[curve.theory[0]]
    hatched = Patch(facecolor="none", edgecolor="0.6", hatch="////", label=f"{name}: beyond its range")
    band = Patch(facecolor=plot.COLOURS[2], alpha=0.25, label=f"{name}: bracket")
    return [hatched, band] if np.isfinite(bracket.side_weight).any() else [hatched]


def _draw_actions(
    ax: Axes, run: Run, at_points: Mapping[str, Prediction], lines: Mapping[str, str], noise: np.ndarray
) -> None:
    dimension = float(run.system.input_dim)
    centres, estimate = negative_log_density(run)
    seen = np.isfinite(estimate.mean).any(axis=0)
    q = jnp.linspace(0.0, float(centres[seen].max()) + 0.05, 100)
    step, grey = 0.1, "0.25"
    points = (estimate.mean - level_of(estimate)) / dimension + step * np.arange(len(noise))[:, None]
    ends = [row[np.isfinite(row)][-1] if np.isfinite(row).any() else step * index for index, row in enumerate(points)]
    for name, prediction in at_points.items():
        density = np.asarray(jax.vmap(lambda law: law.log_density(q))(prediction.law))
        for index in np.flatnonzero(np.broadcast_to(_speaks(prediction), noise.shape)):
            action = -(density[index] - density[index][0]) / dimension + step * index
            ax.plot(np.asarray(q), action, lines[name], color=grey, linewidth=1.1)
            ends[index] = action[-1]
    thin = slice(None, None, 3)
    for index in range(len(noise)):
        errors = Estimate(points[index][thin], estimate.error[index][thin] / dimension)
        named = None if index else "networks"
        plot.draw_experiment(ax, centres[thin], errors, colour=grey, hollow=True, label=named)
        label = f"${noise[index]:g}$" if index else rf"$\sigma^2={noise[index]:g}$"
        ax.annotate(
            label, (float(q[-1]), ends[index]), xytext=(3, 0), textcoords="offset points", fontsize=7, va="center"
        )
    ax.set_xlabel(r"alignment $|q|=|w\cdot w^*|$")
    ax.set_ylabel(rf"$-\log[p(q)/p(0)]/d$, shifted by {step:g}")
    ax.set_xlim(0, float(q[-1]) * 1.3)


def level_of(estimate: Estimate) -> np.ndarray:
    """The action at the centre, from its first bins that were seen; shape (point, 1)."""
    return finite_mean(np.asarray(estimate.mean)[:, :3], axis=1)[:, None]
