"""The phase diagram, with its borders as lines.

References:
    arXiv:2310.03789, figure 1.
"""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .... import plot
from ...._checks import argument_error
from ....phases import PhaseDiagram
from ....status import Status
from ..system import TeacherStudent
from .published import AXES


SPELT_OUT = {
    "GFL": "GFL: Gaussian feature learning",
    "GMFL-I": "GMFL-I: Gaussian mixture, droplets beside a centre",
    "GMFL-II": "GMFL-II: Gaussian mixture, no centre",
}
MOST_HATCHED = 0.5  # share of the points beyond which hatches would only grey the figure


def figure_1(
    diagram: PhaseDiagram,
    *,
    system: TeacherStudent | None = None,
    threshold: float | None = None,
    transition: tuple[Any, Any] | None = None,
    simulated: tuple[Any, Any] | None = None,
    ax: Axes | None = None,
) -> Figure:
    """The phase diagram: noise on the horizontal axis, width or number of samples on the vertical one.

    Args:
        diagram: of `phase_diagram`; where it marks the theory's range, points beyond it are hatched, or told by their
            share where they are most of all.
        system: what was not swept; its sizes are told.
        threshold: of `phase_diagram`, whose root is drawn as the border; $1/N$ unless given.
        transition: (noises, second axis) of the sharp limit's transition, a line.
        simulated: (noises, second axis) of simulated points.
        ax: axes to draw on; a figure of a column's width unless given.

    Raises:
        ValueError: neither widths are swept nor the system nor a threshold are given.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> from grokjax.systems.teacher_student import figures
        >>> diagram = ts.phase_diagram(system, jnp.geomspace(0.1, 1.0, 4), widths=jnp.geomspace(10, 100, 3))
        >>> figures.figure_1(diagram, system=system).axes[0].get_ylabel()
        'width $N$'
    """
    (x_name, x), (y_name, y) = diagram.axes.items()
    status, beyond = np.asarray(diagram.status), _beyond(diagram)
    if beyond > MOST_HATCHED:
        status = np.where(status == Status.UNRELIABLE, int(Status.SOLVED), status)
    with plot.style():
        figure, (ax,) = plot.subplots(height=3.3, axes=ax)
        ax.set(xscale="log", yscale="log")
        handles = plot.draw_phases(
            ax,
            x,
            y,
            np.asarray(diagram.labels).T,
            [SPELT_OUT.get(name, name) for name in diagram.phases],
            status=status.T,
            x_label=AXES[x_name],
            y_label=AXES[y_name],
        )
        limits = ax.get_xlim(), ax.get_ylim()
        handles += _draw_phase_borders(ax, diagram, system, threshold)
        if transition is not None:
            handles += ax.plot(*map(np.asarray, transition), "k:", label="sharp limit's transition")
        if simulated is not None:
            handles += ax.plot(*map(np.asarray, simulated), "kx", markersize=4, label="networks were sampled here")
        ax.set(xlim=limits[0], ylim=limits[1])
        for axis in (ax.xaxis, ax.yaxis):
            plot.plain_log(axis)
        told = [] if system is None else [_left(system, y_name)]
        absent = _absent(diagram)
        title = "; ".join(told + ([f"no {absent} here"] if absent else []))
        if beyond > MOST_HATCHED:
            title += f"\nbeyond the theory's own range: {beyond:.0%} of the points"
        plot.legend_below(ax, handles, title=title.strip() or None)
    return figure


def _draw_phase_borders(
    ax: Axes, diagram: PhaseDiagram, system: TeacherStudent | None, threshold: float | None
) -> list[Line2D]:
    """Where side weight or what is left of one is the threshold, as a line; its key."""
    x, y = (np.asarray(values, float) for values in diagram.axes.values())
    least = np.asarray(_one_neuron(diagram, system) if threshold is None else threshold)
    side = np.asarray(diagram.order_parameters.side_weight)
    drawn = False
    for share in (side, 1 - side):
        above = np.log(np.maximum(share, 1e-300) / least)
        if above.min() < 0 < above.max():  # there is a border
            ax.contour(x, y, above.T, levels=[0.0], colors="0.2", linewidths=1.0)
            drawn = True
    name = "1/N" if threshold is None else f"{threshold:g}"
    return [Line2D([], [], color="0.2", linewidth=1.0, label=f"border: side weight $P={name}$")] if drawn else []


def caption_1(diagram: PhaseDiagram, *, system: TeacherStudent | None = None, threshold: float | None = None) -> str:
    """What figure 1 shows, in words.

    Args:
        diagram: of `phase_diagram`.
        system: what was not swept.
        threshold: of `phase_diagram`.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> from grokjax.systems.teacher_student import figures
        >>> diagram = ts.phase_diagram(system, jnp.geomspace(0.1, 1.0, 4), widths=jnp.geomspace(10, 100, 3))
        >>> "at d=19, n=47" in figures.caption_1(diagram, system=system)
        True
    """
    y_name = diagram.axis_names[1]
    least = "one neuron in a network, P = 1/N" if threshold is None else f"P = {threshold:g}"
    at = f" at {_left(system, y_name).replace('$', '')}" if system is not None else ""
    absent = _absent(diagram)
    outside = _beyond(diagram)
    parts = [
        "After figure 1 of arXiv:2310.03789, there a sketch, here computed: phases of the leading order over noise "
        f"and {AXES[y_name].split(' $')[0]}{at}. GFL: the side weight P is below the threshold, {least}; GMFL-I: it is "
        "above, droplets beside a centre; GMFL-II: what is left in the centre is below it. Solid: the border, where P "
        "or 1 - P is the threshold. Dotted: the transition of the sharp limit, where droplets first pay for "
        "themselves; a finite network has a neuron beyond the threshold before. Crosses: where networks were sampled."
    ]
    if absent:
        parts.append(f"{absent} is not reached.")
    if outside:
        parts.append(f"At {outside:.0%} of the points the leading order is outside of its own range.")
    return " ".join(parts)


def _absent(diagram: PhaseDiagram) -> str:
    labels = np.asarray(diagram.labels)
    return ", ".join(name for index, name in enumerate(diagram.phases) if not (labels == index).any())


def _beyond(diagram: PhaseDiagram) -> float:
    """The share of points that are outside of the theory's range, where the diagram marks them."""
    return float(np.mean(np.asarray(diagram.status) == Status.UNRELIABLE))


def _left(system: TeacherStudent, swept: str) -> str:
    """The sizes that are not swept."""
    symbols = {"width": "N", "input_dim": "d", "num_samples": "n"}
    return ", ".join(
        f"${symbol}={float(np.ravel(getattr(system, name))[0]):g}$" for name, symbol in symbols.items() if name != swept
    )


def _one_neuron(diagram: PhaseDiagram, system: TeacherStudent | None) -> Any:
    """1/N of every point, to be broadcast over the noises."""
    if diagram.axis_names[1] == "width":
        return 1 / np.asarray(diagram.axis_values[1], float)
    if system is None:
        raise argument_error("system", "given where widths are not swept", None, "The threshold is 1/N.")
    return 1 / float(np.ravel(system.width)[0])
