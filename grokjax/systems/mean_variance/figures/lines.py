"""Figures along a line: slices through the square, and the loop of the population theory. Nothing is solved here.

References:
    arXiv:2306.16717, figure 3.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from .... import plot
from ....evidence.statistics import Estimate, is_estimate
from ....theory.continuation import Continuation
from ..theory import Mode
from ._axes import odds, odds_ticks
from .squares import LOWEST, METRICS, NOT_CELL_BY_CELL


DASHES = ("-", "--", "-.")  # of theories


def figure_3(
    theory: Mapping[str, tuple[Any, Any]],
    networks: tuple[Any, Any] | None = None,
    *,
    collapse: float | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""Slices along a line through the square: errors, energies, and the likelihood of held-out samples.

    Args:
        theory: by name, the points t of a line and the predictions there; the first is drawn solid, others dashed.
            Points that have collapsed are not drawn.
        networks: t and the run there.
        collapse: t at which the diagonal meets the collapse.
        axes: three to draw on; a figure of a page's width unless given.

    Examples:
        >>> from matplotlib import pyplot as plt
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> t = [0.2, 0.8, 0.999]
        >>> figure = figures.figure_3({"field theory": (t, mv.predict(mv.path(mv.sine(16), t)))})
        >>> np.isnan(figure.axes[0].lines[0].get_ydata()).tolist()  # a fit that has collapsed is not drawn
        [False, False, True]
        >>> plt.close(figure)
    """
    groups = (("mse", "sd_mse"), ("mean_energy", "precision_energy"), ("test_nll",))
    colours = {"mse": 0, "sd_mse": 1, "mean_energy": 0, "precision_energy": 1, "test_nll": 2}  # mean, precision, both
    titles = {**METRICS, "test_nll": "mean over held-out samples"}
    quantities = ("error on training samples", "Dirichlet energy", "negative log likelihood")
    with plot.style():
        figure, made = plot.subplots(1, 3, width="page", height=3.0, axes=axes)
        for letter, ax, names, quantity in zip("abc", made, groups, quantities, strict=True):
            for name in names:
                for line, (t, found) in zip(DASHES, theory.values(), strict=False):
                    held = np.asarray(found.converged)
                    values = np.where(held, _metric(found, name)[0], np.nan)
                    plot.draw_theory(ax, odds(t), values, index=colours[name], line=line)
                    _star(ax, odds(t), values, colours[name], name)
                if networks is not None:
                    mean, error = _metric(networks[1], name)
                    plot.draw_experiment(ax, odds(networks[0]), Estimate(mean, error), index=colours[name])
            lowest = np.nanmin(np.concatenate([np.asarray(each.get_ydata(), float) for each in ax.lines]))
            if letter == "c":  # it diverges towards the collapse
                ax.set_ylim(lowest - 0.1, lowest + 1.5)
            else:  # from a whole decade on, so that there are labels enough
                ax.set_yscale("log")
                ax.set_ylim(bottom=10 ** np.floor(np.log10(lowest)) if letter == "a" else LOWEST)
            if collapse is not None:
                plot.draw_transition(ax, float(odds(collapse)))
            odds_ticks(ax.xaxis)
            ax.set(xlabel="position $t$ on the line", ylabel=quantity)
            keys = [Line2D([], [], color=plot.COLOURS[colours[name]], label=titles[name]) for name in names]
            plot.legend_below(ax, keys)
            plot.label_panel(ax, letter)
        key = lambda label, **look: Line2D([], [], color="0.3", label=label, **look)
        shared = [key(name, linestyle=line) for line, name in zip(DASHES, theory, strict=False)]
        shared.append(key("minimum of theory", marker="*", linestyle=""))
        if networks is not None:
            shared.append(key("networks", marker="o", linestyle=""))
        if collapse is not None:
            shared.append(key("collapse of the field theory", linestyle=":"))
        figure.legend(handles=shared, loc="outside lower center", ncols=len(shared))
    return figure


def caption_3(data: Any, theory: Sequence[str] = (), members: int | None = None, steps: int | None = None) -> str:
    """What figure 3 shows, in words.

    Args:
        data: what was learned.
        theory: names of the theories, in the order of `figure_3`.
        members: networks per point.
        steps: of training.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> figures.caption_3(mv.sine(16))[:56]
        "After figure 3 of arXiv:2306.16717 on 'sine', n = 16: al"
    """
    dashes = zip(("solid", "dashed", "dash-dotted"), theory, strict=False)
    lines = "".join(f", {line} for the {name}" for line, name in dashes)
    trained = f" Points: networks, {members} seeds, {steps} steps, one standard error over seeds. {NOT_CELL_BY_CELL}"
    return (
        f"After figure 3 of arXiv:2306.16717 on {data.name!r}, n = {data.num_samples}: along a line through the square "
        "(the diagonal is rho = t, gamma = 1 - t). (a) Errors of mean and standard deviation on training samples; (b) "
        f"Dirichlet energies, from {LOWEST:g} on; (c) likelihood of held-out samples. Lines: field theory, drawn where "
        f"its fit has not collapsed{lines}; stars: minima of the theory. Nothing is fitted."
        f"{'' if members is None else trained}"
    )


def hysteresis(way: Continuation, mode: Mode, true_energy: float, *, ax: Axes | None = None) -> Figure:
    r"""The loop of the population theory: the fitted amplitude as $\alpha$ falls and rises again.

    Args:
        way: the population theory followed along falling $\alpha$ and back.
        mode: the exact theory of one mode.
        true_energy: $D(m)$ of the truth, the energy of a full fit.
        ax: to draw on; a figure of a column's width unless given.

    Examples:
        >>> from matplotlib import pyplot as plt
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> wave = np.sqrt(2) * np.cos(4 * np.pi * (np.arange(16) + 0.5) / 16)
        >>> data = mv.RegressionData(np.linspace(0, 1, 16), wave, wave, np.full(16, 0.1))
        >>> mode = mv.Mode(signal=1.0, noise=0.01, curvature=mv.spectrum(16)[4])
        >>> system = mv.MeanVariance(data, alpha=1e-2, beta=1e4)
        >>> way = mv.continuation(system, jnp.geomspace(0.05, 0.006, 9), "population")
        >>> figure = figures.hysteresis(way, mode, float(mode.signal * mode.curvature))
        >>> plt.close(figure)
    """
    with plot.style():
        figure, (ax,) = plot.subplots(height=2.7, axes=ax)
        assert ax is not None
        z = np.geomspace(1e-2, 1e3, 600)
        exact = np.asarray(mode.alpha(z)), np.asarray(mode.amplitude(z))
        ax.plot(*exact, color="0.75", linewidth=3, label="exact, one mode", zorder=0)
        for index, (label, branch, style) in enumerate(
            (("lattice, falling $\\alpha$", way.up, "-"), ("lattice, rising $\\alpha$", way.down, "--"))
        ):
            amplitude = np.sqrt(np.asarray(branch.solution.order_parameters.mean_energy) / true_energy)
            plot.draw_theory(ax, way.values, amplitude, index=index, label=label, line=style)
        for index, spinodal in enumerate(np.asarray(mode.spinodals)):
            plot.draw_transition(ax, spinodal, None if index else "spinodals")
        ax.set(xscale="log", xlabel=r"regularisation of the mean $\alpha$", ylabel="fitted share of the true mean")
        ax.set_xlim(float(np.min(way.values)), float(np.max(way.values)))
        ax.set_ylim(0, 1.02)
        ticks = [t for t in (0.006, 0.008, 0.01, 0.015, 0.02, 0.03) if ax.get_xlim()[0] <= t <= ax.get_xlim()[1]]
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.minorticks_off()
        plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure


def caption_hysteresis(mode: Mode, num_samples: int) -> str:
    """What the loop shows, in words.

    Args:
        mode: the exact theory of one mode.
        num_samples: sites of the lattice.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> from grokjax.systems.mean_variance import figures
        >>> mode = mv.Mode(signal=1.0, noise=0.01, curvature=100.0)
        >>> "spinodals at alpha = 0.019" in figures.caption_hysteresis(mode, num_samples=64)
        True
    """
    low, high = (float(x) for x in mode.spinodals)
    return (
        f"Population theory of one mode at signal-to-noise ratio {float(mode.signal / mode.noise):g} on {num_samples} "
        f"sites, beta = infinity. Beyond a ratio of 27 the fit sets in at a jump: spinodals at alpha = {low:.6f} and "
        f"{high:.6f} (dotted). The lattice's solver, begun from its neighbour, jumps there."
    )


def _metric(found: Any, name: str) -> tuple[np.ndarray, np.ndarray]:
    value = found.order_parameters
    value = getattr(value.test, name.removeprefix("test_")) if name.startswith("test_") else getattr(value, name)
    if is_estimate(value):
        return np.asarray(value.mean, float), np.asarray(value.error, float)
    return np.asarray(value, float), np.zeros(np.shape(value))


def _star(ax: Axes, x: np.ndarray, values: np.ndarray, index: int, name: str) -> None:
    if not name.endswith("energy") and np.isfinite(values).any():
        best = int(np.nanargmin(values))
        ax.plot(x[best], values[best], "*", color=plot.COLOURS[index], markersize=9, markeredgecolor="white", zorder=4)
