"""Phases of trained networks over hyperparameters, and the Goldilocks zone counted.

References:
    arXiv:2205.10343, figure 6.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import MultipleLocator, StrMethodFormatter

from .... import plot
from ....plot.phase_diagram import CLEAR
from ....plot.style import PHASE_COLOURS
from ..goldilocks import Goldilocks
from ..phases import PHASES, Phase, TrainingPhaseDiagram
from ._panels import equality


LETTERS = "CGMXU"
LETTERS_UP_TO = (64, 4)  # cells of a phase diagram, and seeds, that still have room for a letter per seed
LABELS = {
    "embedding_rate": r"embedding learning rate $\eta_1$",
    "decoder_rate": r"decoder learning rate $\eta_2$",
    "weight_decay": r"weight decay $\gamma$",
}


def figure_6(diagram: TrainingPhaseDiagram, *, keep: Any = None, axes: Sequence[Axes] | None = None) -> Figure:
    """The phase diagram over two hyperparameters: (a) the majority of the seeds, (b) how many of them agree.

    Small grids show the phase of every seed by its letter. Where several phases have equally many seeds the cell is
    hatched, and has the colour of the first one of the legend.

    Args:
        diagram: phases of trained networks.
        keep: runs to count, such as those whose training set has predicted accuracy 1.
        axes: two.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> options = {"num_members": 2, "num_steps": 24, "progress": False}
        >>> diagram = rep.phase_diagram(jax.random.key(0), rep.Addition(5), [1e-4, 1e-3], [0.0, 1.0], **options)
        >>> figure = figures.figure_6(diagram)
        >>> [text.get_text() for text in figure.axes[0].texts]  # two seeds a cell, all confused
        ['XX', 'XX', 'XX', 'XX']
    """
    x, y = (np.log10(v) if is_rate(name) else np.asarray(v) for name, v in diagram.diagram(keep=keep).axes.items())
    majority, agreement, phase = diagram.majority(keep=keep), diagram.agreement(keep=keep), diagram.phase
    kept = np.broadcast_to(True if keep is None else keep, phase.shape)
    tied = np.sum([diagram.probability(each, keep=keep) == agreement for each in Phase], axis=0) > 1
    labels = dict(zip(("x_label", "y_label"), (LABELS[name] for name in diagram.axis_names), strict=True))
    with plot.style():
        figure, (left, right) = plot.subplots(1, 2, height=3.3, axes=axes)
        plot.draw_phases(left, x, y, majority.T, PHASES, **labels)
        _separate(left.collections[0])
        entries = [
            Patch(facecolor=PHASE_COLOURS[index], label=f"{letter}: {name}")
            for index, (letter, name) in enumerate(zip(LETTERS, PHASES, strict=True))
            if (phase[kept] == index).any()
        ]
        if tied.any():
            cells = np.ma.masked_where(~tied.T, tied.T)
            left.pcolor(x, y, cells, cmap=CLEAR, hatch="//", edgecolor="0.6", linewidth=0, shading="nearest")
            entries.append(Patch(facecolor="white", edgecolor="0.6", hatch="//", label="tie of phases"))
        plot.legend_below(left, entries, columns=2)
        mesh = right.pcolormesh(x, y, agreement.T, cmap="cividis", shading="nearest", vmin=0, vmax=1)
        _separate(mesh)
        right.set(xlabel=labels["x_label"], ylabel=labels["y_label"])
        right.figure.colorbar(mesh, ax=right, label="share of seeds in the majority's phase")
        if majority.size <= LETTERS_UP_TO[0] and phase.shape[-1] <= LETTERS_UP_TO[1]:
            letters = np.array(list(LETTERS))[phase]
            for index in np.ndindex(majority.shape):
                word, place = "".join(letters[index][kept[index]]), (x[index[0]], y[index[1]])
                left.annotate(word, place, ha="center", va="center", fontsize=7)
        for axis in (left, right):
            for name, values, one in zip(diagram.axis_names, (x, y), (axis.xaxis, axis.yaxis), strict=True):
                if is_rate(name):
                    one.set_major_locator(MultipleLocator(1))
                    one.set_major_formatter(StrMethodFormatter("$10^{{{x:.0f}}}$"))
                else:
                    one.set_ticks(values[:: 1 + len(values) // 12])  # a cell is one value, and that is where it has one
        plot.label_panels((left, right))
        return figure


def figure_goldilocks(zones: dict[str, Goldilocks], *, axes: Sequence[Axes] | None = None) -> Figure:
    """The Goldilocks zone, counted: (a) shares of the phases, (b) what grokking lies next to, seed by seed.

    Args:
        zones: of the diagrams, by their name.
        axes: two.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> options = {"num_members": 2, "num_steps": 24, "progress": False}
        >>> diagram = rep.phase_diagram(jax.random.key(0), rep.Addition(5), [1e-4, 1e-3], [0.0, 1.0], **options)
        >>> figure = figures.figure_goldilocks({"decoder rate, weight decay": rep.goldilocks(diagram)})
        >>> [text.get_text() for text in figure.axes[0].get_xticklabels()]
        ['comprehension', 'grokking', 'memorisation', 'confusion']
    """
    with plot.style():
        figure, (left, right) = plot.subplots(1, 2, height=3.3, axes=axes)
        width, names = 0.8 / len(zones), PHASES[:4]
        for index, (name, zone) in enumerate(zones.items()):
            place = np.arange(len(names)) + width * (index - (len(zones) - 1) / 2)
            shares = [zone.shares[phase] for phase in names]
            means, errors = ([float(getattr(share, part)) for share in shares] for part in ("mean", "error"))
            colour = plot.COLOURS[index]
            left.bar(place, means, width, yerr=np.nan_to_num(errors), color=colour, ecolor="0.2", label=name)
            right.plot(
                zone.from_comprehension, zone.from_memorisation, plot.MARKERS[index], color=colour, zorder=3,
                fillstyle="none" if index else "full", markersize=4 + 4 * index, label=f"a seed over {name}",
            )  # fmt: skip
        left.set_xticks(range(len(names)), names, rotation=20)
        left.set(ylabel="share of the grid", ylim=(0, 1))
        reach = 1.1 * max(1.5, right.get_xlim()[1], right.get_ylim()[1])
        equality(right, 0, reach, "equally far")
        words = "from grokking to {} (cells)"
        right.set(xlabel=words.format("comprehension"), ylabel=words.format("memorisation"), aspect="equal")
        right.set(xlim=(0, reach), ylim=(0, reach))
        for axis in (left, right):
            plot.legend_below(axis, axis.get_legend_handles_labels()[0])
        plot.label_panels((left, right))
        return figure


def is_rate(name: str) -> bool:
    """Whether a field is drawn on a logarithmic axis."""
    return name.endswith("rate")


def _separate(mesh: Any) -> None:
    """White lines between cells, each of which is one value of both fields."""
    mesh.set(edgecolor="white", linewidth=0.6)
