"""The published figure, in both conventions.

References:
    arXiv:2310.03789, figure 3.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .... import plot
from ..phases import Transitions
from ..system import ModularAddition
from ..theory import Prediction
from ._panels import AXES, PANELS, draw_borders


CONVENTIONS: dict[str, tuple[str, Any]] = {
    "paper": ("as printed", "-"),
    "exact": ("exact", "--"),
}  # their names and lines
WELL = (0.75, 1.5), (-0.08, 0.06)  # what the inset shows of the action: X = V in units of x*, and the action


def paper_system(noise_variance: Any = 0.2) -> ModularAddition:
    """The parameters of the published figure 3.

    Examples:
        >>> from grokjax.systems.modular_addition import figures
        >>> paper = figures.paper_system(np.array([0.3, 0.15]))
        >>> int(paper.prime), paper.noise_variance.shape
        (401, (2,))
    """
    return ModularAddition(
        prime=401, width=1000, noise_variance=noise_variance, readout_variance=2e-6, sextic_decay=1e-4
    )


def figure_3(
    actions: Mapping[str, Prediction],
    curves: Mapping[str, Prediction],
    borders: Transitions,
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""Action along $X=V$ (a) as printed and (b) exact, one colour a noise, and (c) discrepancy against noise.

    In the printed convention the mixed phase ends where side wells hold all weight, and the action tilts beyond; in the
    exact one the same parameters stay mixed, with next to no weight in the wells, and all actions of the mixed phase
    are one curve. The inset of (a) looks at the side wells: level with the centre in the mixed phase, above it before
    and below it beyond.

    Args:
        actions: predictions in the conventions "paper" and "exact", each for a few noises of one system.
        curves: likewise, for many noises: the discrepancy.
        borders: of the printed mixed phase.
        axes: three axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> paper = figures.paper_system(np.array([0.3, 0.15]))
        >>> found = {name: ma.predict(paper, name) for name in ("paper", "exact")}
        >>> figure = figures.figure_3(found, found, ma.transitions(figures.paper_system(), "paper"))
        >>> [line.get_label() for line in figure.axes[2].lines[:2]]
        ['as printed', 'exact']
        >>> from matplotlib import pyplot as plt
        >>> plt.close(figure)
    """
    x = jnp.linspace(0, 2.2, 300)
    with plot.style():
        figure, (left, middle, right) = plot.subplots(1, 3, width="page", height=2.9, axes=axes)
        for ax, convention, per_pair in ((left, "paper", 0.5), (middle, "exact", 1.0)):
            law, line = actions[convention].law, CONVENTIONS[convention][1]
            noises = np.asarray(law.system.noise_variance)
            for index, noise in enumerate(noises):
                one = jax.tree.map(lambda leaf, index=index: leaf[index], law)
                well, sharpness = one.system.well_position, one.system.prime * one.system.well_position
                action = per_pair * one.action(x * well, x * well) / sharpness
                plot.draw_theory(ax, x, action, index=index, label=rf"$\sigma^2={noise:g}$", line=line)
                ax.lines[-1].set_linewidth(1.2 + 0.9 * (len(noises) - 1 - index))  # curves that coincide all show
            ax.axhline(0, color="0.6", linewidth=0.7, zorder=0)
            ax.set(xlabel="$X=V$ (units of $x^*$)", xlim=(0, 2.2))
            plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
        left.set(ylabel=r"action as printed, $S_k/(Px^*)$", ylim=(-0.18, 0.38))
        left.set(xlim=(0, 4.6), xticks=[0, 1, 2])  # room for the inset, where no curve is
        _inset(left)
        middle.set(ylabel=r"exact action of a pair, $S/(Px^*)$", ylim=(-0.1, 0.76))
        for convention, (name, line) in CONVENTIONS.items():
            curve = curves[convention]
            right.plot(
                np.asarray(curve.law.system.noise_variance),
                np.asarray(curve.discrepancy),
                line,
                color="0.2",
                label=name,
            )
        keys = draw_borders(right, borders)
        right.set(xlabel=AXES["noise_variance"], ylabel=PANELS["discrepancy"], ylim=(0, 1.05))
        plot.legend_below(right, [*right.get_legend_handles_labels()[0], *keys], columns=2, title="borders as printed")
        plot.label_panels((left, middle, right))
    return figure


CAPTION_3 = (
    "After figure 3 of arXiv:2310.03789: modular addition with P = 401, N = 1000, read-out variance 2e-6 and sextic "
    "decay 1e-4; theory, without networks. Action of a neuron's power at one frequency along X = V, (a) as printed, "
    "solid, (b) with the constants that networks obey, dashed; a colour a noise, thinner as it falls, since curves of "
    "one phase coincide in (b). Inset: the rectangle close up. In the mixed phase their bottom is level with the "
    "centre, zero; it is above before and, as printed, below beyond its end; that of the lowest noise is below the "
    "frame. (c) Part of the target that is not learned against noise; dotted and dash-dotted: where the mixed phase "
    "starts and ends as printed. With the exact constants it has no end: its line in (c) goes on."
)


def _inset(ax: Axes) -> None:
    """The curves of these axes near the side wells, again, beside them."""
    inset = ax.inset_axes((0.6, 0.5, 0.38, 0.48))
    for line in list(ax.lines):
        inset.plot(*line.get_data(), color=line.get_color(), linestyle=line.get_linestyle(), linewidth=0.9)
    inset.set(xlim=WELL[0], ylim=WELL[1])
    inset.tick_params(labelsize=6)
    inset.axhline(0, color="0.4", linestyle="--", linewidth=0.7, zorder=0)
    (left, right), (bottom, top) = WELL
    ax.indicate_inset((left, bottom, right - left, top - bottom), edgecolor="0.4", linewidth=0.6)
