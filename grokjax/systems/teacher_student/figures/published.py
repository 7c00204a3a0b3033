"""The published figures, theory and experiment on top of each other. Everything drawn is given; nothing is solved here.

References:
    arXiv:2310.03789, figures 1 and 2.
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
from ....evidence.decomposition import Decomposition
from ....evidence.statistics import Estimate, is_estimate
from ....phases import PhaseDiagram
from ....results import Run
from ..experiment import negative_log_density
from ..order_parameters import OrderParameters
from ..system import SIDE_THRESHOLD
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
    """
    noise = np.asarray(run.system.noise_variance)
    teacher = {degree: float(np.ravel(c)[0]) for degree, c in run.system.teacher.items()}
    with plot.style():
        figure, (left, middle, right) = panels_of(axes, 3)
        _draw_actions(left, run, at_points, noise)
        ended = False
        for name, curve in curves.items():
            line = LINES[list(curves).index(name) % len(LINES)]
            grid = np.asarray(curve.law.system.noise_variance)
            shown = np.where(_speaks(curve), 1.0, np.nan)
            for index, (degree, coefficient) in enumerate(teacher.items()):
                plot.draw_theory(middle, grid, shown * curve.overlap[degree] / coefficient, index=index, line=line)
            plot.draw_theory(right, grid, shown * curve.side_weight, index=2, line=line)
            ended = _draw_bracket(middle, right, curve, grid, teacher) or ended
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
        middle.set_ylabel(r"overlap $\langle f, He_k\rangle/(k!\,c_k)$")
        published = np.all(np.asarray(run.system.side_threshold) == SIDE_THRESHOLD)
        right.set_ylabel(rf"side weight $P(|q|>{'1/2' if published else 'q_b'})$")
        middle.set_ylim(-0.05, 1.05)
        right.set_ylim(bottom=0)
        keys: list[Any] = [
            Line2D([], [], color="0.3", linestyle=style, label=THEORY_NAMES.get(name, name))
            for name, style in zip(curves, LINES, strict=False)
        ]
        if lazy is not None:
            keys.append(Line2D([], [], color="0.3", linestyle=LAZY, label="Gaussian process (NNGP)"))
        if transition is not None:
            keys.append(Line2D([], [], color="0.35", linestyle=":", label="sharp limit's transition"))
        if ended:
            keys.append(Patch(facecolor="none", edgecolor="0.6", hatch="////", label="beyond its range"))
        own = [ax.get_legend_handles_labels()[0] for ax in (middle, right)]
        plot.legend_below(middle, own[0])
        plot.legend_below(right, [*own[1], *keys])
        width, dimension, samples = (float(x) for x in (run.system.width, run.system.input_dim, run.system.num_samples))
        sizes = f"$N={width:g}$, $d={dimension:g}$, $n={samples:g}$"
        plot.legend_below(
            left, [Line2D([], [], linestyle="", label=f"{sizes}, {run.layout.num_members} networks a noise")]
        )
        for letter, ax in zip("abc", (left, middle, right), strict=True):
            plot.label_panel(ax, letter)
    return figure


def _speaks(curve: Prediction) -> np.ndarray:
    """Where a theory that knows its range is within it, or has a bracket; everywhere for the others."""
    trusted, bracket = np.asarray(curve.trustworthy), curve.bracket
    if bracket is None:
        return np.ones_like(trusted)
    return trusted | np.isfinite(bracket.side_weight)


def _draw_bracket(middle: Axes, right: Axes, curve: Prediction, grid: np.ndarray, teacher: Mapping[int, float]) -> bool:
    """Hatch where a theory that knows its range has left it, and show the bracket there; whether there was anything."""
    trusted, bracket = np.broadcast_to(curve.trustworthy, grid.shape), curve.bracket
    if bracket is None or trusted.all() or trusted[0]:
        return False
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
    return True


def caption_2(run: Run, curves: Mapping[str, Prediction], *, lazy: bool = False) -> str:
    """What figure 2 shows, in words."""
    theories = ", ".join(f"{THEORY_NAMES.get(name, name)} ({line})" for name, line in zip(curves, LINES, strict=False))
    if lazy:
        theories += ", and the Gaussian process of an infinitely wide student in (b), averaged over data sets (-..)"
    return (
        f"After figure 2 of arXiv:2310.03789, at N = {float(run.system.width):g}, d = {float(run.system.input_dim):g}, "
        f"n = {float(run.system.num_samples):g} with {run.layout.num_members} networks per noise on data sets of their "
        f"own. (a) Action of a neuron's alignment with the teacher per dimension; (b) learned share of the linear and "
        f"the cubic component; (c) fraction of specialised neurons. Lines: theory, {theories}; points: networks, one "
        "standard error. Hatched: where the theory of finite data leaves its own range; bands bracket the truth by its "
        "values with and without the random field that no profile follows, and below them it says nothing. Nothing is "
        "fitted."
    )


def decomposition(found: Decomposition, population: Prediction, *, axes: Sequence[Axes] | None = None) -> Figure:
    """What of networks less population theory is finite width and what is finite data, in per cent of the theory.

    Args:
        found: of `decompose`, a sweep over `noise_variance`.
        population: theory without data at the same points, such as `predict(system, perpendicular="chi2")`.
        axes: one per order parameter; a figure of a page's width unless given.
    """
    noise = np.asarray(found.runs[0].system.noise_variance)
    flat = lambda tree: jax.tree.leaves(tree, is_leaf=is_estimate)
    parts = {"finite width, paired": found.finite_width, "finite data": found.finite_data(population)}
    degrees = tuple(population.overlap)
    titles = [f"overlap $He_{degree}$" for degree in degrees] + ["side weight"]
    with plot.style():
        figure, axes = panels_of(axes, len(titles))
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


def panels_of(
    axes: Sequence[Axes] | None, count: int, *, rows: int = 1, height: float = 3.0
) -> tuple[Figure, Sequence[Axes]]:
    """The given axes and their figure, or new ones of a page's width."""
    if axes is None:
        return plot.subplots(rows, count // rows, width="page", height=height)
    return axes[0].get_figure(), axes  # pyright: ignore[reportReturnType]


def _draw_actions(ax: Axes, run: Run, at_points: Mapping[str, Prediction], noise: np.ndarray) -> None:
    dimension = float(run.system.input_dim)
    centres, estimate = negative_log_density(run)
    seen = np.isfinite(estimate.mean).any(axis=0)
    q = jnp.linspace(0.0, float(centres[seen].max()) + 0.05, 100)
    step, grey = 0.1, "0.25"
    ends = np.zeros(len(noise))
    for line, prediction in zip(LINES, at_points.values(), strict=False):
        density = np.asarray(jax.vmap(lambda law: law.log_density(q))(prediction.law))
        for index in np.flatnonzero(np.broadcast_to(_speaks(prediction), noise.shape)):
            action = -(density[index] - density[index][0]) / dimension + step * index
            ax.plot(np.asarray(q), action, line, color=grey, linewidth=1.1)
            ends[index] = action[-1]
    for index in range(len(noise)):
        level = estimate.mean[index][:3].mean()
        points = (estimate.mean[index] - level) / dimension + step * index
        thin = slice(None, None, 2)
        errors = Estimate(points[thin], estimate.error[index][thin] / dimension)
        plot.draw_experiment(ax, centres[thin], errors, colour=grey, hollow=True)
        label = f"${noise[index]:g}$" if index else rf"$\sigma^2={noise[index]:g}$"
        ax.annotate(
            label, (float(q[-1]), ends[index]), xytext=(3, 0), textcoords="offset points", fontsize=7, va="center"
        )
    ax.set_xlabel(r"alignment $|q|=|w\cdot w^*|$")
    ax.set_ylabel(rf"$-\log[p(q)/p(0)]/d$, shifted by {step:g}")
    ax.set_xlim(0, float(q[-1]) * 1.3)


def figure_1(
    diagram: PhaseDiagram,
    *,
    transition: tuple[Any, Any] | None = None,
    simulated: tuple[Any, Any] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """The phase diagram: noise on the horizontal axis, width or number of samples on the vertical one.

    Args:
        diagram: of `phase_diagram`.
        transition: (noises, second axis) of the sharp limit's transition, a line.
        simulated: (noises, second axis) of simulated points.
        ax: axes to draw on; a figure of a column's width unless given.
    """
    (x_name, x), (y_name, y) = diagram.axes.items()
    with plot.style():
        if ax is None:
            _, (ax,) = plot.subplots(height=2.9)
        ax.set(xscale="log", yscale="log")
        handles = plot.draw_phases(
            ax,
            x,
            y,
            np.asarray(diagram.labels).T,
            diagram.phases,
            status=np.asarray(diagram.status).T,
            x_label=AXES[x_name],
            y_label=AXES[y_name],
        )
        limits = ax.get_xlim(), ax.get_ylim()
        if transition is not None:
            handles += ax.plot(*map(np.asarray, transition), "k:", label="sharp limit")
        if simulated is not None:
            handles += ax.plot(*map(np.asarray, simulated), "kx", markersize=4, label="networks")
        ax.set(xlim=limits[0], ylim=limits[1])
        absent = [name for index, name in enumerate(diagram.phases) if not (np.asarray(diagram.labels) == index).any()]
        title = "one specialised neuron or more" + (f"; no {', '.join(absent)} here" if absent else "")
        plot.legend_below(ax, handles, title=title)
    return ax.get_figure()  # pyright: ignore[reportReturnType]
