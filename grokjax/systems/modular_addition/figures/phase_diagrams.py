"""Phase diagrams, with the borders of the sharp limit.

Figures take what `transitions` and `phase_diagram` return, and solve nothing.
"""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import NullLocator

from .... import plot
from ....phases import PhaseDiagram
from ..phases import Transitions
from ..system import ModularAddition
from ._panels import AXES, BORDERS


def phase_diagram(
    diagram: PhaseDiagram, borders: Transitions, *, system: ModularAddition, ax: Axes | None = None
) -> Figure:
    """Phases over two fields, with the borders at finite P and those of the sharp limit.

    Args:
        diagram: with two axes, such as noise and read-out variance, or width and prime, at the default threshold.
        borders: of the same points, in the shape of the grid.
        system: the fields that are not swept.
        ax: where to draw; a figure of a column's width unless given.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> axes = {"noise_variance": np.array([1e-3, 4e-4]), "readout_variance": np.array([2e-7, 8e-7])}
        >>> diagram = ma.phase_diagram(system, axes)
        >>> x, y = np.meshgrid(*axes.values(), indexing="ij")
        >>> borders = ma.transitions(system.replace(noise_variance=x, readout_variance=y))
        >>> figure = figures.phase_diagram(diagram, borders, system=system)
        >>> figure.axes[0].get_xscale()
        'log'
        >>> from matplotlib import pyplot as plt
        >>> plt.close(figure)
    """
    (x_name, x), (y_name, y) = diagram.axes.items()
    swept = dict(zip(diagram.axes, np.meshgrid(x, y, indexing="ij"), strict=True))
    noise, width = (swept.get(name, float(getattr(system, name))) for name in ("noise_variance", "width"))
    side = np.asarray(diagram.order_parameters.side_weight)
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.9, axes=ax)
        ax.set(xscale="log", yscale="log")
        labels = {"x_label": AXES.get(x_name, x_name), "y_label": AXES.get(y_name, y_name)}
        status = np.asarray(diagram.status).T
        handles = plot.draw_phases(ax, x, y, np.asarray(diagram.labels).T, diagram.phases, status=status, **labels)
        finite = [("border at finite $P$", "-", np.log(np.maximum(part * width, 1e-30))) for part in (side, 1 - side)]
        sharp = [
            (f"{label}, sharp", line, np.nan_to_num(np.asarray(getattr(borders, name)), nan=0.0) - noise)
            for name, (label, line) in BORDERS.items()
        ]
        keys = {}
        for label, line, level in (*finite, *sharp):
            if level.min() < 0 < level.max():
                ax.contour(x, y, level.T, levels=[0.0], colors="0.2", linewidths=0.9, linestyles=line)
                keys[label] = Line2D([], [], color="0.2", linewidth=0.9, ls=line, label=label)
        if y_name == "prime":
            even = np.linspace(np.log(y[0]), np.log(y[-1]), 6)
            ax.set_yticks(np.asarray(y)[np.unique(np.abs(np.log(y)[:, None] - even).argmin(axis=0))], minor=False)
            ax.yaxis.set_major_formatter("{x:.0f}")
            ax.yaxis.set_minor_locator(NullLocator())
        plot.legend_below(ax, [*handles, *keys.values()], columns=2, title="present: weight above $1/N$ a frequency")
    return figure


def phase_diagrams(
    diagrams: Sequence[PhaseDiagram], borders: Sequence[Transitions], *, system: ModularAddition
) -> Figure:
    """Several of `phase_diagram` side by side.

    Args:
        diagrams: with two axes each.
        borders: of the same points, in the shape of each grid.
        system: the fields that are not swept.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> axes = {"noise_variance": np.array([1e-3, 4e-4]), "readout_variance": np.array([2e-7, 8e-7])}
        >>> diagram = ma.phase_diagram(system, axes)
        >>> x, y = np.meshgrid(*axes.values(), indexing="ij")
        >>> borders = ma.transitions(system.replace(noise_variance=x, readout_variance=y))
        >>> figure = figures.phase_diagrams([diagram, diagram], [borders, borders], system=system)
        >>> len(figure.axes)
        2
        >>> from matplotlib import pyplot as plt
        >>> plt.close(figure)
    """
    with plot.style():
        figure, axes = plot.subplots(1, len(diagrams), width="page", height=2.9)
        for ax, diagram, sharp in zip(axes, diagrams, borders, strict=True):
            phase_diagram(diagram, sharp, system=system, ax=ax)
        plot.label_panels(axes)
    return figure


def caption_phase_diagrams(diagrams: Sequence[PhaseDiagram], system: ModularAddition) -> str:
    """What `phase_diagram` and `phase_diagrams` show, in words, with the fields that are not swept.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> from grokjax.systems.modular_addition import figures
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> diagram = ma.phase_diagram(system, {"noise_variance": [1e-3, 4e-4], "readout_variance": [2e-7, 8e-7]})
        >>> words = figures.caption_phase_diagrams([diagram], system)
        >>> "(a) at width 500, prime 11" in words
        True
    """
    fixed = []
    for letter, diagram in zip("abcdef", diagrams, strict=False):
        names = [name for name in AXES if name not in diagram.axes]
        values = ", ".join(f"{name.replace('_', ' ')} {float(getattr(system, name)):.3g}" for name in names)
        fixed.append(f"({letter}) at {values}")
    return (
        f"Phases of modular addition, theory, with sextic decay {float(system.sextic_decay):g}: {'; '.join(fixed)}. "
        "GFL: Gaussian feature learning, no specialised pair; GMFL-I: Gaussian mixture feature learning, ordinary and "
        "specialised pairs; GMFL-II: specialised pairs only. A component counts as present above a weight of 1/N per "
        "frequency: solid lines. Dotted and dash-dotted: borders of the limit of sharp wells. At small P the lazy law "
        "alone has a tail beyond x*/2 that exceeds 1/N in wide networks, and is shown as GMFL-I: no phase returns "
        "there."
    )
