"""Heat maps of what is learned over noise and the teacher's cubic coefficient: theory beside networks.

References:
    arXiv:2310.03789, version 1: overlaps over (noise, epsilon) with the line of the transition.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import Normal, Stroke

from .... import plot
from ....results import Run
from ..theory import Prediction
from .published import AXES, sizes_of


# White in a dark seam, to be seen on every colour and on paper.
LINE: dict[str, Any] = {
    "color": "white",
    "linestyle": ":",
    "linewidth": 1.6,
    "path_effects": [Stroke(linewidth=3.0, foreground="0.15"), Normal()],
}


def overlap_maps(
    theory: Prediction,
    run: Run,
    transition: tuple[Any, Any] | None = None,
    *,
    degree: int = 3,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""Learned share of the linear (a, b) and of the higher component (c, d) over noise and its coefficient.

    Args:
        theory: one point per cell of a grid, in any order: every noise with every coefficient.
        run: a sweep over the same two fields, on a grid of its own.
        transition: (noises, coefficients) of the sharp limit's transition, a line.
        degree: of the component whose coefficient is varied.
        axes: four axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> from grokjax.systems.teacher_student import figures
        >>> small = ts.TeacherStudent.at_scale(1 / 64)
        >>> at = lambda noise, cubic: small.replace(noise_variance=noise, teacher={1: 1.0, 3: jnp.array(cubic)})
        >>> theory = ts.predict(at(jnp.array([0.2, 0.2, 0.3, 0.3]), [-0.4, -0.2, -0.4, -0.2]), theory="mean_field")
        >>> sweep = at(jnp.array([[0.2], [0.3]]), [[-0.4, -0.2]])
        >>> run = ts.simulate(jax.random.key(0), sweep, num_members=2, num_steps=24, progress=False)
        >>> figures.overlap_maps(theory, run).axes[1].get_title()
        '$He_1$, networks'
    """
    degrees = (min(theory.overlap), degree)
    with plot.style():
        figure, axes = plot.subplots(2, 2, width="page", height=2.3, axes=axes)
        limits, mesh = None, None
        for row, shown in enumerate(degrees):
            for column, (name, found) in enumerate((("theory", theory), ("networks", run))):
                ax, (noise, coefficient, share) = axes[2 * row + column], _shares(found, shown, degree)
                mesh = ax.pcolormesh(
                    noise, coefficient, share, cmap="cividis", vmin=0, vmax=1, shading="nearest", rasterized=True
                )
                limits = limits or ((noise[0], noise[-1]), (coefficient[0], coefficient[-1]))
                if transition is not None:
                    ax.plot(*map(np.asarray, transition), label="sharp limit's transition", **LINE)
                ax.set(xlim=limits[0], ylim=limits[1], xlabel=AXES["noise_variance"])
                ax.set_ylabel(rf"coefficient $\epsilon$ of $He_{degree}$")
                plot.label_panel(ax, "abcd"[2 * row + column])
                ax.set_title(f"$He_{shown}$, {name}")
        plot.legend_below(axes[2], axes[2].get_legend_handles_labels()[0], title=sizes_of(run.system))
        networks = f"{run.layout.num_members} networks a cell"
        plot.legend_below(axes[3], [], title=networks)
        label = r"learned share $\langle f, He_k\rangle/(k!\,c_k)$"
        figure.colorbar(mesh, ax=list(axes), label=label, extend="both", shrink=0.8)  # pyright: ignore[reportArgumentType]
    return figure


def caption_overlap_maps(run: Run) -> str:
    """What `overlap_maps` shows, in words.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> from grokjax.systems.teacher_student import figures
        >>> small = ts.TeacherStudent.at_scale(1 / 64)
        >>> at = lambda noise, cubic: small.replace(noise_variance=noise, teacher={1: 1.0, 3: jnp.array(cubic)})
        >>> sweep = at(jnp.array([[0.2], [0.3]]), [[-0.4, -0.2]])
        >>> run = ts.simulate(jax.random.key(0), sweep, num_members=2, num_steps=24, progress=False)
        >>> "2 a cell" in figures.caption_overlap_maps(run)
        True
    """
    width, dimension, samples = (float(x) for x in (run.system.width, run.system.input_dim, run.system.num_samples))
    largest = {
        degree: float(np.nanmax(run.overlap[degree].error / np.abs(c))) for degree, c in run.system.teacher.items()
    }
    errors = " and ".join(f"{error:.2g} of He_{degree}" for degree, error in largest.items())
    return (
        "After the heat maps of arXiv:2310.03789, version 1: learned share of the linear component (a, b) and of the "
        "cubic one (c, d) over noise and cubic coefficient. Left: leading-order theory; right: networks, "
        f"{run.layout.num_members} a cell on data sets of their own, N = {width:g}, d = {dimension:g}, "
        f"n = {samples:g}; standard errors of a cell are up to {errors}{_doubt(run)}. Dotted: transition of the "
        "sharp limit. Colours end at 0 and 1. Nothing is fitted."
    )


def _doubt(run: Run) -> str:
    """Whether the certificate holds, in words."""
    if run.certificate is None:
        return ", and no second start vouches for equilibrium"
    failed = np.asarray(run.certificate.failed_at)
    return f", and {failed.sum()} of {failed.size} cells are not certified to be in equilibrium" if failed.any() else ""


def _shares(found: Any, shown: int, varied: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Noises, coefficients, and the learned share of a component, one row per coefficient."""
    system = found.law.system if isinstance(found, Prediction) else found.system
    overlap = found.overlap[shown]
    overlap = overlap if isinstance(found, Prediction) else overlap.mean
    parts = (system.noise_variance, system.teacher[varied], overlap, system.teacher[shown])
    noise, coefficient, overlap, own = (part.ravel() for part in np.broadcast_arrays(*map(np.asarray, parts)))
    x, column = np.unique(noise, return_inverse=True)
    y, row = np.unique(coefficient, return_inverse=True)
    share = np.full((len(y), len(x)), np.nan)
    share[row, column] = overlap / own
    return x, y, share
