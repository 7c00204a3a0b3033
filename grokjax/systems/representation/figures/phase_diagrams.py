"""Phases of trained networks over hyperparameters, and the Goldilocks zone counted.

References:
    arXiv:2205.10343, figure 6.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MultipleLocator, StrMethodFormatter

from .... import plot
from ..goldilocks import Goldilocks
from ..phases import PHASES, TrainingPhaseDiagram
from ._panels import finished, panels_of


LETTERS = "CGMXU"
LETTERS_UP_TO = 64  # cells of a phase diagram that still have room for a letter per seed
LABELS = {
    "embedding_rate": r"embedding learning rate $\eta_1$",
    "decoder_rate": r"decoder learning rate $\eta_2$",
    "weight_decay": r"weight decay $\gamma$",
}


def figure_6(diagram: TrainingPhaseDiagram, *, keep: Any = None, axes: Sequence[Axes] | None = None) -> Figure:
    """The phase diagram over two hyperparameters: (a) the majority of the seeds, (b) how many of them agree.

    Small grids show the phase of every seed by its letter. Of several phases with equally many seeds the first one of
    the legend is drawn.

    Args:
        diagram: phases of trained networks.
        keep: runs to count, such as those whose training set has predicted accuracy 1.
        axes: two.
    """
    x, y = (np.log10(v) if is_rate(name) else np.asarray(v) for name, v in diagram.diagram(keep=keep).axes.items())
    majority, agreement = diagram.majority(keep=keep), diagram.agreement(keep=keep)
    labels = dict(zip(("x_label", "y_label"), (LABELS[name] for name in diagram.axis_names), strict=True))
    names = [f"{letter}: {name}" for letter, name in zip(LETTERS, PHASES, strict=True)]
    with plot.style():
        left, right = panels = panels_of(axes, 2, height=3.0)
        plot.draw_phases(left, x, y, majority.T, names, **labels)
        legend = left.get_legend()
        assert legend is not None
        left.legend(handles=legend.legend_handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        mesh = right.pcolormesh(x, y, agreement.T, cmap="cividis", shading="nearest", vmin=0, vmax=1)
        right.set(xlabel=labels["x_label"], ylabel=labels["y_label"])
        right.figure.colorbar(mesh, ax=right, label="share of seeds in the majority's phase")
        if majority.size <= LETTERS_UP_TO:
            letters = np.array(list(LETTERS))[diagram.phase]
            for index in np.ndindex(majority.shape):
                place = (x[index[0]], y[index[1]])
                left.annotate("".join(letters[index]), place, ha="center", va="center", fontsize=6.5)
        for axis in panels:
            for name, one in zip(diagram.axis_names, (axis.xaxis, axis.yaxis), strict=True):
                if is_rate(name):
                    one.set_major_locator(MultipleLocator(1))
                    one.set_major_formatter(StrMethodFormatter("$10^{{{x:.0f}}}$"))
        return finished(panels)


def figure_goldilocks(zones: dict[str, Goldilocks], *, axes: Sequence[Axes] | None = None) -> Figure:
    """The Goldilocks zone, counted: (a) shares of the phases, (b) what grokking lies next to, seed by seed.

    (a) Mean over seeds with one standard error; comprehension and grokking are the zone in which a representation is
    learned. (b) Mean distance of the grokking cells of a seed, in cells of its grid, from the nearest cell of
    memorisation against that from the nearest cell of comprehension: below the dotted line grokking is closer to
    memorisation, above it closer to comprehension. Seeds without one of the three phases are left out.

    Args:
        zones: of the diagrams, by their name.
        axes: two.
    """
    with plot.style():
        left, right = panels = panels_of(axes, 2, height=2.9)
        width, names = 0.8 / len(zones), PHASES[:4]
        for index, (name, zone) in enumerate(zones.items()):
            place = np.arange(len(names)) + width * (index - (len(zones) - 1) / 2)
            shares = [zone.shares[phase] for phase in names]
            means, errors = ([float(getattr(share, part)) for share in shares] for part in ("mean", "error"))
            colour = plot.COLOURS[index]
            left.bar(place, means, width, yerr=np.nan_to_num(errors), color=colour, ecolor="0.2", label=name)
            right.plot(zone.from_comprehension, zone.from_memorisation, plot.MARKERS[index], color=colour, label=name)
        left.set_xticks(range(len(names)), [f"{LETTERS[i]}: {name}" for i, name in enumerate(names)], rotation=20)
        left.set(ylabel="share of the grid", ylim=(0, 1))
        reach = 1.1 * max(1.5, right.get_xlim()[1], right.get_ylim()[1])
        right.plot([0, reach], [0, reach], ":", color="0.4")
        words = "distance of grokking from {} (cells)"
        right.set(xlabel=words.format("comprehension"), ylabel=words.format("memorisation"), aspect="equal")
        right.set(xlim=(0, reach), ylim=(0, reach))
        left.legend(loc="upper right")
        return finished(panels)


def is_rate(name: str) -> bool:
    """Whether a field is drawn on a logarithmic axis."""
    return name.endswith("rate")
