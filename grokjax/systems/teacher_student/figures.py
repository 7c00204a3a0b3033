"""The published figures, theory and experiment on top of each other.

References:
    arXiv:2310.03789, figures 1 and 2.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.figure import Figure

from ... import plot
from ...phases import PhaseDiagram
from ...statistics import Estimate
from .experiment import Run
from .sharp_limit import sharp_limit
from .system import TeacherStudent
from .theory import predict


CURVES = {"mean_field": 41, "finite_size": 13}
THEORY_NAMES = {"mean_field": "leading order", "finite_size": "finite size"}


def figure_2(run: Run, *, theories: Mapping[str, int] = CURVES) -> Figure:
    r"""Action per dimension and overlaps against noise.

    Left: $-\log p(q)$ at each simulated noise, shifted vertically so that curves do not hide each other. Middle: linear
    and cubic overlap, as a share of the teacher's coefficient. Right: side weight.

    Args:
        run: a sweep over `noise_variance`, shape (point,).
        theories: values of `predict`'s `theory` and the number of noises on its curve; the first is drawn solid, the
            second dashed.
    """
    system = run.system
    noise = np.asarray(system.noise_variance)
    one = system.replace(noise_variance=float(noise[0]))
    margin = 0.1 * np.ptp(noise)
    transition = float(sharp_limit(one).noise_variance)
    with plot.style():
        figure, (left, middle, right) = plot.subplots(1, 3, width="page", height=2.7)
        _draw_actions(left, run, one, noise)
        for style, (theory, num_noises) in enumerate(theories.items()):
            grid = jnp.linspace(noise.min() - margin, noise.max() + margin, num_noises)
            curve = predict(one.replace(noise_variance=grid), theory=theory)
            for index, (degree, coefficient) in enumerate(system.teacher.items()):
                plot.draw_theory(middle, grid, curve.overlap[degree] / coefficient, index=index, dashed=bool(style))
            label = THEORY_NAMES[theory]
            plot.draw_theory(right, grid, curve.side_weight, index=2, label=label, dashed=bool(style))
        for index, (degree, coefficient) in enumerate(system.teacher.items()):
            found = run.overlap[degree]
            share = Estimate(found.mean / float(coefficient), found.error / abs(float(coefficient)))
            plot.draw_experiment(middle, noise, share, index=index, label=f"$He_{degree}$")
        plot.draw_experiment(right, noise, run.side_weight, index=2, label="networks")
        for ax in (middle, right):
            plot.draw_transition(ax, transition, "sharp limit" if ax is right else None)
            ax.set_xlabel(r"noise variance $\sigma^2$")
        middle.set_ylabel(r"overlap $\langle f, He_k\rangle/(k!\,c_k)$")
        right.set_ylabel(r"side weight $P(|q|>1/2)$")
        middle.set_ylim(-0.05, 1.05)
        right.set_ylim(bottom=0)
        middle.legend(loc="center left", bbox_to_anchor=(0.62, 0.36))
        right.legend(loc="lower left")
        for letter, ax in zip("abc", (left, middle, right), strict=True):
            plot.label_panel(ax, letter)
    return figure


def _draw_actions(ax: Any, run: Run, one: TeacherStudent, noise: np.ndarray) -> None:
    dimension = float(one.input_dim)
    centres, estimate = run.negative_log_density()
    seen = np.isfinite(estimate.mean).any(axis=0)
    q = jnp.linspace(0.0, min(1.35, float(centres[seen].max()) + 0.05), 300)
    density = jax.vmap(lambda s: predict(one.replace(noise_variance=s)).log_density(q))(jnp.asarray(noise))
    step = 0.1
    for index in range(len(noise)):
        shift = step * index
        theory = -(np.asarray(density[index]) - float(density[index][0])) / dimension + shift
        level = estimate.mean[index][:3].mean()
        points = Estimate((estimate.mean[index] - level) / dimension + shift, estimate.error[index] / dimension)
        thin = slice(None, None, 2)
        plot.draw_theory(ax, q, theory, index=index)
        plot.draw_experiment(
            ax, centres[thin], Estimate(points.mean[thin], points.error[thin]), index=index, hollow=True
        )
        ax.annotate(
            f"$\\sigma^2={noise[index]:g}$", (float(q[-1]), theory[-1]), xytext=(3, 0), textcoords="offset points",
            fontsize=6.5, va="center", color=plot.COLOURS[index % len(plot.COLOURS)],
        )  # fmt: skip
    ax.set_xlabel(r"alignment $|q|=|w\cdot w^*|$")
    ax.set_ylabel(rf"$-\log[p(q)/p(0)]/d$  (shifted by {step:g})")
    ax.set_xlim(0, float(q[-1]) * 1.22)


def figure_1(diagram: PhaseDiagram) -> Figure:
    """The phase diagram, computed: noise on the horizontal axis, width or number of samples on the vertical one."""
    (x_name, x), (y_name, y) = diagram.axes.items()
    labels = {"noise_variance": r"noise variance $\sigma^2$", "width": "width $N$", "num_samples": "samples $n$"}
    with plot.style():
        figure, (ax,) = plot.subplots()
        ax.set(xscale="log", yscale="log")
        plot.draw_phases(
            ax,
            x,
            y,
            np.asarray(diagram.labels).T,
            diagram.phases,
            status=np.asarray(diagram.status).T,
            x_label=labels[x_name],
            y_label=labels[y_name],
        )
    return figure
