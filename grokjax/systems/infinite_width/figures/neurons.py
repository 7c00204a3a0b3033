"""One network of each regime: its output and its neurons."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from .... import plot


LINEAR_UP_TO = 10  # contributions below it stand on a linear axis, larger ones on a logarithmic one


def regimes(
    names: Sequence[str],
    curves: tuple[Any, Any],
    data: tuple[Any, Any],
    neurons: Sequence[tuple[tuple[Any, Any], tuple[Any, Any]]],
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""One network of each regime: what it puts out (above), and orientation and amplitude of its neurons (below).

    Args:
        names: of the regimes, for titles.
        curves: inputs, and the outputs of each network there.
        data: inputs and targets of the training set.
        neurons: for each network $(\phi, A)$ at the start and at the end.
        axes: two rows of one per regime.

    Examples:
        >>> from matplotlib import pyplot as plt
        >>> from grokjax.systems import infinite_width as iw
        >>> from grokjax.systems.infinite_width import figures
        >>> network = iw.TwoLayer(gamma=jnp.array([0.5, 1.75]), width=10)
        >>> run = iw.train(jax.random.key(0), network, num_members=2, progress=False)
        >>> data, (start, end) = iw.four_points(), iw.first_layer(run)
        >>> neurons = [((start[0][i, 0], start[1][i, 0]), (end[0][i, 0], end[1][i, 0])) for i in range(2)]
        >>> curves = data.inputs[:, 0], iw.outputs(run, data.inputs)[:, 0]
        >>> figure = figures.regimes(["linear", "condensed"], curves, (data.inputs, data.targets), neurons)
        >>> len(figure.axes)
        4
        >>> plt.close(figure)
    """
    count = len(names)
    with plot.style():
        figure, made = plot.subplots(2, count, width="page", height=2.1, axes=axes)
        x, outputs = np.asarray(curves[0]), np.asarray(curves[1])
        seen = np.concatenate([np.ravel(outputs), np.ravel(data[1])])
        margin = 0.08 * np.ptp(seen)
        amplitudes = np.concatenate([np.ravel(amplitude) for pair in neurons for _, amplitude in pair])
        size = len(np.ravel(neurons[0][0][0]))
        for index, (name, ax, below) in enumerate(zip(names, made[:count], made[count:], strict=True)):
            ax.plot(x, outputs[index], color=plot.COLOURS[0], label="output")
            ax.plot(np.ravel(data[0]), np.asarray(data[1]), "o", color="black", label="training points", zorder=3)
            ax.set(xlabel="input $x$", ylabel="output $f$" if index == 0 else "")
            ax.set_ylim(seen.min() - margin, seen.max() + margin)
            ax.set_title(name)
            plot.label_panel(ax, "abcdef"[index])
            for (phi, amplitude), colour, label in zip(
                neurons[index],
                ("0.65", plot.COLOURS[1]),
                (f"{size} neurons at the start", "after training"),
                strict=True,
            ):
                below.plot(
                    np.asarray(phi), np.asarray(amplitude), ".", color=colour, markersize=2, label=label,
                    rasterized=True,
                )  # fmt: skip
            below.set_yscale("symlog", linthresh=LINEAR_UP_TO)
            below.set(
                xlabel=r"orientation $\phi$", ylabel=r"contribution $a\|w\|$" if index == 0 else "",
                xlim=(-np.pi, np.pi), xticks=[-np.pi, 0, np.pi], xticklabels=[r"$-\pi$", "0", r"$\pi$"],
                ylim=(1.3 * min(amplitudes.min(), -LINEAR_UP_TO), 1.3 * max(amplitudes.max(), LINEAR_UP_TO)),
            )  # fmt: skip
            plot.label_panel(below, "abcdef"[count + index])
        handles = [*made[0].get_legend_handles_labels()[0], *made[count].get_legend_handles_labels()[0]]
        figure.legend(handles=handles, loc="outside lower center", ncols=4, markerscale=1.5)
    return figure


def caption_regimes(names: Sequence[str], width: int, data: str) -> str:
    """What the figure shows, in words.

    Args:
        names: of the regimes, as in `regimes`.
        width: neurons of each network.
        data: name of the training set.

    Examples:
        >>> from grokjax.systems.infinite_width import figures
        >>> figures.caption_regimes(["linear", "condensed"], 8, "two neurons")[:62]
        'Two-layer networks of 8 neurons, one for each of 2 regimes, tr'
    """
    return (
        f"Two-layer networks of {width} neurons, one for each of {len(names)} regimes, trained on the data set "
        f"{data!r}. Above: training points and output. Below: orientation phi and contribution a |w| of every neuron "
        "at the start (grey) and after training (orange; where neurons stay, these cover the grey ones); the vertical "
        f"axis is linear up to {LINEAR_UP_TO} and logarithmic beyond. N_eff: effective number of orientations, of 90 "
        "bins."
    )
