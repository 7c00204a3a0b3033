"""The phases over the square with their borders. Nothing is solved here.

References:
    arXiv:2306.16717, figure 1.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .... import plot
from ....phases import PhaseDiagram
from ..phases import counts
from ..theory import iso_alpha, iso_beta
from ._axes import draw_curve, odds, odds_axes
from .squares import GAMMA, RHO, Square


NETWORK_PHASES = ("U$_\\mathrm{I}$", "U$_\\mathrm{II}$", "S", "O$_\\mathrm{I}$", "O$_\\mathrm{II}$")


def figure_1(diagram: PhaseDiagram, borders: Any, *, ax: Axes | None = None) -> Figure:
    """The phases, computed, with their analytic borders.

    Args:
        diagram: over rho and gamma.
        borders: of `borders(system)`.
        ax: to draw on; a figure of a column's width unless given.

    Examples:
        >>> from matplotlib import pyplot as plt
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> diagram = mv.phase_diagram(system, {"rho": [0.2, 0.8, 0.999], "gamma": [0.2, 0.8]})
        >>> figure = figures.figure_1(diagram, mv.borders(system))
        >>> len(figure.axes[0].lines)  # collapse, mean, precision
        3
        >>> plt.close(figure)
    """
    square = Square.of(diagram)
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.9, axes=ax)
        labels = np.asarray(diagram.labels).T
        handles = plot.draw_phases(ax, odds(square.rho), odds(square.gamma), labels, NETWORK_PHASES)
        lines = {
            r"$\alpha_c$, collapse": (iso_alpha, borders.collapse, "-"),
            "mean fits 5 %": (iso_alpha, borders.fit, "--"),
            "precision adapts by 5 %": (iso_beta, borders.adapt, ":"),
        }
        for label, (curve, strength, style) in lines.items():
            handles.append(draw_curve(ax, curve, float(strength), style, label))
        _name_regions(ax, odds(square.rho), odds(square.gamma), labels)
        odds_axes(ax)
        ax.set(xlabel=RHO, ylabel=GAMMA)
        plot.legend_below(ax, handles, columns=2)
    return figure


def caption_1(data: Any, diagram: PhaseDiagram, borders: Any) -> str:
    """What figure 1 shows, in words.

    Args:
        data: what is learned.
        diagram: as in `figure_1`.
        borders: likewise.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> diagram = mv.phase_diagram(system, {"rho": [0.2, 0.8, 0.999], "gamma": [0.2, 0.8]})
        >>> "on 3 x 2 points" in figures.caption_1(system.data, diagram, mv.borders(system))
        True
    """
    number = ", ".join(f"{name} {cells}" for name, cells in counts(diagram).items())
    shape = " x ".join(map(str, diagram.labels.shape))
    collapse, fit, adapt = (float(strength) for strength in (borders.collapse, borders.fit, borders.adapt))
    return (
        f"After figure 1 of arXiv:2306.16717, computed: phases of the field theory on {data.name!r}, n = "
        f"{data.num_samples}, on {shape} points of the square ({number}); axes are logarithmic in the odds. U_I: mean "
        "and precision flat; U_II: the precision adapts; S: both adapt; O_I: the mean runs through the data, and the "
        "precision has collapsed; O_II: it follows every residual. Lines are analytic, nothing is fitted: collapse of "
        f"the last fit of constant precision (alpha_c = {collapse:.3g}, exact at large beta; at small beta, at the "
        f"top, fits hold beyond it), a mean that explains 5 % of the variance (alpha = {fit:.3g}), and a spread of the "
        f"log precision of 5 % at a flat mean (beta = {adapt:.3g})."
    )


def _name_regions(ax: Axes, x: np.ndarray, y: np.ndarray, labels: np.ndarray) -> None:
    """Each phase's name in the cell of its own that is nearest to its middle: colours alone are alike in grey."""
    for index, name in enumerate(NETWORK_PHASES):
        rows, columns = np.nonzero(labels == index)
        if rows.size:
            place = np.stack([x[columns], y[rows]])
            nearest = np.argmin(np.sum((place - place.mean(axis=1, keepdims=True)) ** 2, axis=0))
            ax.text(float(place[0, nearest]), float(place[1, nearest]), name, ha="center", va="center")
