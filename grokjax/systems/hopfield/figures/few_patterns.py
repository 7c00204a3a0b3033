"""A few patterns: recall against temperature for groups of copies, and mixtures against pure states."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .... import plot
from ....results import Run
from ..low_load import LowLoad


def low_load_figure(
    temperatures: np.ndarray,
    pure: Mapping[float, LowLoad],
    mixtures: Mapping[int, LowLoad],
    runs: Mapping[float, Run] | None = None,
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""(a) Magnetisation of a pure state for several numbers of copies; (b) free energy of mixtures above the pure one.

    Args:
        temperatures: shape (point,).
        pure: states of one pattern at these temperatures, by the number of copies per spin $\alpha_h$.
        mixtures: states of $L$ patterns of one prior at these temperatures, by $L$; that of 1 among them.
        runs: sweeps over temperature of a few patterns, by the number of copies.
        axes: two axes to draw on; a figure of a page's width unless given.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> from grokjax.systems.hopfield import figures
        >>> heats = np.array([0.3, 0.6, 1.2])
        >>> states = {count: hop.low_load(hop.GaussianHidden(), heats, num_mixed=count) for count in (1, 3)}
        >>> figure = figures.low_load_figure(heats, {1.0: states[1]}, states)
        >>> figure.axes[1].get_ylabel()
        'free energy above the pure state, $f_L-f_1$'
    """
    with plot.style():
        figure, (left, right) = plot.subplots(1, 2, height=2.9, axes=axes)
        for index, (copies, state) in enumerate(pure.items()):
            plot.draw_theory(left, temperatures, state.magnetisation, index=index, label=rf"$\alpha_h={copies:g}$")
            left.axvline(copies**0.5, color=plot.COLOURS[index], linestyle=":", linewidth=0.8, zorder=0)
            if runs and copies in runs:
                run = runs[copies]
                plot.draw_experiment(left, np.asarray(run.system.temperature), run.magnetisation, index=index)
        left.set(xlabel="temperature $T$", ylabel="magnetisation $m$", ylim=(-0.03, 1.05))
        left.set_xlim(0, float(temperatures[-1]))
        keys = [Line2D([], [], color="0.35", linestyle=":", label=r"$T=\sqrt{\alpha_h}$")]
        if runs:
            keys.append(Line2D([], [], color="0.35", linestyle="", marker="o", label="networks"))
        plot.legend_below(left, [*left.get_legend_handles_labels()[0], *keys], columns=3)
        for index, (count, state) in enumerate((count, state) for count, state in mixtures.items() if count > 1):
            exists = np.asarray((state.magnetisation > 0) & (mixtures[1].magnetisation > 0))
            gap = np.where(exists, np.asarray(state.free_energy - mixtures[1].free_energy), np.nan)
            stable = np.asarray(state.stable)
            plot.draw_theory(right, temperatures, np.where(stable, gap, np.nan), index=index, label=f"$L={count}$")
            plot.draw_theory(right, temperatures, np.where(stable, np.nan, gap), index=index, line=":")
        right.axhline(0, color="0.5", linewidth=0.7, zorder=0)
        right.set(xlabel="temperature $T$", ylabel="free energy above the pure state, $f_L-f_1$")
        dashes = [Line2D([], [], color="0.35", ls=ls, label=name) for ls, name in (("-", "stable"), (":", "unstable"))]
        plot.legend_below(right, [*right.get_legend_handles_labels()[0], *dashes], columns=3)
        for ax, letter in ((left, "a"), (right, "b")):
            plot.label_panel(ax, letter)
        return figure


CAPTION_LOW_LOAD = (
    "A finite number of patterns. (a) Recall by groups of binary units with several copies per spin: a continuous "
    "transition at the root of their number; points: Gibbs sampling of three patterns, one standard error over draws. "
    "Close to the transition capacities are small, and three patterns in a finite network are more than they allow. "
    "(b) Free energy of symmetric mixtures of L patterns above that of one, one copy per spin; dotted where it is "
    "no local minimum. Below zero a mixture wins: binary units confuse their patterns at low temperature."
)
