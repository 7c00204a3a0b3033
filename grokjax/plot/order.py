"""Figures on the order of a transition: energies, distributions, profiles, scaling. Everything drawn is given.

Points with error bars are networks, lines are theory; a colour is a size or a system and means the same in all panels.
`plot.captions` says what is seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from .style import COLOURS, MARKERS, label_panel, legend_below, plain_log, style, subplots


NOISE = r"noise variance $\sigma^2$"


def energy_and_capacity(
    measured: Mapping[str, Any],
    theory: Mapping[str, tuple[Any, Any, Any]],
    *,
    kink: tuple[float, float] | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""Energy and heat capacity per sample over the noise.

    Args:
        measured: free energies by label.
        theory: (noise, E/n, C/n) by label; a label that is measured, too, has its colour.
        kink: noise of the transition in the limit of large networks, and E/n there.
        axes: two axes; a figure of a page's width unless given.

    Examples:
        >>> from grokjax import plot
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> free = grokjax.free_energy(run)
        >>> figure = plot.order.energy_and_capacity({"M = 20": free}, {})
        >>> figure.axes[0].containers[0].lines[0].get_xdata().tolist()  # a point for each noise
        [2.0, 4.0, 8.0]
    """
    colour = _colours([*theory, *measured])
    with style():
        figure, (left, right) = subplots(1, 2, width="page", height=2.9, axes=axes)
        for name, (noise, energy, capacity) in theory.items():
            dash = "-" if name in measured else "--"
            left.plot(noise, energy, dash, color=colour[name], label=f"theory, {name}")
            right.plot(noise, capacity, dash, color=colour[name])
        for marker, (name, free) in zip(MARKERS, measured.items(), strict=False):
            options: dict[str, Any] = {"color": colour[name], "marker": marker, "linestyle": "none", "zorder": 3}
            n = free.num_samples
            for ax, value in ((left, free.energy), (right, free.heat_capacity)):
                label = f"networks, {name}" if ax is right else None
                ax.errorbar(free.noise_variance, value.mean / n, value.error / n, label=label, **options)
        if kink is not None:
            noise, energy = kink
            left.plot([noise], [energy], "*", color="black", markersize=7, label="kink, infinite size")
            for ax in (left, right):
                label = "onset, infinite size" if ax is right else None
                ax.axvline(noise, color="black", linestyle=":", linewidth=1, zorder=0, label=label)
        left.set(xlabel=NOISE, ylabel=r"energy per sample $\langle S\rangle/n$")
        right.set(xlabel=NOISE, ylabel=r"heat capacity per sample $C/n$")
        for letter, ax in zip("ab", (left, right), strict=True):
            legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
            label_panel(ax, letter)
    return figure


def distributions(
    evidence: Mapping[str, Any],
    droplets: Mapping[str, tuple[Any, Any, Any]] | None = None,
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    """Law of the data energy where the heat capacity is largest, and the profile of the number of droplets.

    Args:
        evidence: what a ladder says at one size, by label.
        droplets: by label, numbers of specialised neurons less their mean, $F(k)$ and its error.
        axes: an axis, or two with droplets; a new figure unless given.

    Examples:
        >>> from grokjax import plot
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> free = grokjax.free_energy(run)
        >>> sizes = grokjax.order_of_transition(free).sizes
        >>> figure = plot.order.distributions({"cubic unit": sizes[0]})
        >>> [text.get_text() for text in figure.axes[0].get_legend().get_texts()]
        ['Gaussian', 'cubic unit']
    """
    droplets = droplets or {}
    colour = _colours([*evidence, *droplets])
    with style():
        figure, axes = subplots(1, 2 if droplets else 1, width="page" if droplets else "column", height=2.8, axes=axes)
        x = np.linspace(-3.5, 3.5, 200)
        axes[0].plot(x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), "--", color="0.5", label="Gaussian")
        for marker, (name, each) in zip(MARKERS, evidence.items(), strict=False):
            density = each.density
            axes[0].errorbar(
                each.positions,
                density.mean,
                density.error,
                color=colour[name],
                marker=marker,
                linewidth=0.8,
                label=name,
            )
        axes[0].set(
            xlabel=r"data energy $(S-\langle S\rangle)/\mathrm{sd}$, per data set", ylabel="density", ylim=(0, None)
        )
        for marker, (name, (number, profile, error)) in zip(MARKERS, droplets.items(), strict=False):
            axes[1].errorbar(number, profile, error, color=colour[name], marker=marker, linewidth=0.8, label=name)
        if droplets:
            label = r"specialised neurons less their mean, $k-\langle k\rangle$"
            axes[1].set(xlabel=label, ylabel=r"$F(k)=-\log p(k)$, nats")
            axes[1].xaxis.set_major_locator(MaxNLocator(integer=True))
        for letter, ax in zip("ab", axes, strict=False):
            legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
            if droplets:
                label_panel(ax, letter)
    return figure


def neuron_profiles(
    measured: Mapping[str, Any], theory: Mapping[str, tuple[Any, Any]], *, top: float = 14, ax: Axes | None = None
) -> Figure:
    """$F(q)$ of one neuron with the action of theory on top, zero at its minimum.

    A colour is a noise; the second profile of a noise has hollow markers. Bins whose error is longer than the axis are
    left out.

    Args:
        measured: profiles by label.
        theory: (q, action) by label; none is fitted.
        top: end of the vertical axis, in nats.
        ax: the axis; a figure of a column's width unless given.

    Examples:
        >>> from grokjax import plot
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> free = grokjax.free_energy(run)
        >>> from grokjax.evidence.profile import profiles
        >>> figure = plot.order.neuron_profiles({"noise 2": profiles(free)[0]}, {})
        >>> [float(end) for end in figure.axes[0].get_ylim()]
        [-0.5, 14.0]
    """
    noise = {name: f"{each.noise_variance:.3g}" for name, each in measured.items()}
    colour = _colours(noise.values())
    drawn: set[str] = set()
    with style():
        figure, (ax,) = subplots(height=2.9, axes=ax)
        for marker, (name, each) in zip(MARKERS, measured.items(), strict=False):
            shade = colour[noise[name]]
            seen = np.isfinite(each.values.mean) & ~(np.asarray(each.values.error) > top)
            ax.errorbar(
                each.positions[seen], each.values.mean[seen], each.values.error[seen], color=shade, marker=marker,
                markerfacecolor="white" if noise[name] in drawn else shade, linestyle="none", markersize=2.8,
                elinewidth=0.7, markeredgewidth=0.7, capsize=0, label=f"networks, {name}",
            )  # fmt: skip
            drawn.add(noise[name])
            if name in theory:
                q, action = theory[name]
                ax.plot(q, action - np.min(action), color=shade, label=f"theory, {name}")
        ax.set(xlabel="alignment with the teacher $|q|$", ylabel=r"$F(q)=-\log p(q)$, nats")
        ax.set(ylim=(-0.5, top), xlim=(0, 1.3))
        legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)
    return figure


def evidence_per_dataset(
    measured: Mapping[str, Any], theory: Mapping[str, Mapping[str, Any]], *, ax: Axes | None = None
) -> Figure:
    """Evidence of networks less that of theory, data set by data set: coldest rung relative to the hottest.

    Args:
        measured: by label, an array over data sets of $L$, coldest less hottest.
        theory: by label, and by name of the theory, the same of theory.
        ax: the axis; a figure of a column's width unless given.

    Examples:
        >>> from grokjax import plot
        >>> measured, theory = {"N = 22": np.array([-5.0, -7.0])}, {"N = 22": {"one loop": np.array([-4.0, -7.5])}}
        >>> figure = plot.order.evidence_per_dataset(measured, theory)
        >>> figure.axes[0].lines[1].get_ydata().tolist()  # networks minus theory
        [-1.0, 0.5]
    """
    names = list(next(iter(theory.values())))
    with style():
        figure, (ax,) = subplots(height=2.6, axes=ax)
        ax.axhline(0, color="0.5", linewidth=0.8)
        start, ticks, labels = 0, [], []
        for label, values in measured.items():
            index = start + np.arange(len(values))
            for marker, colour, name in zip(MARKERS, COLOURS, names, strict=False):
                gap = values - np.asarray(theory[label][name])
                ax.plot(index, gap, marker, color=colour, label=None if start else name)
            ticks.append(index.mean())
            scatter = f", sd {values.std(ddof=1):.0f}" if len(values) > 1 else ""
            labels.append(f"{label}\n$L={values.mean():.0f}$" + scatter)
            start = int(index[-1]) + 3
        ax.set_xticks(ticks, labels)
        ax.set(ylabel="$L$ of networks minus theory, nats", xlabel="data sets, one point each")
        ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return figure


def growth(
    evidence: Mapping[str, Sequence[Any]],
    exact: Mapping[str, tuple[Any, Any, Any]],
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""Largest heat capacity and its steepest slope, per sample, over the size: what tells the orders apart.

    Args:
        evidence: what ladders of several sizes say, by label.
        exact: (size, C_max/n, slope/n) by label.
        axes: two axes; a figure of a page's width unless given.

    Examples:
        >>> from grokjax import plot
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> free = grokjax.free_energy(run)
        >>> sizes = grokjax.order_of_transition(free).sizes
        >>> figure = plot.order.growth({"cubic unit": sizes}, {})
        >>> figure.axes[0].containers[0].lines[0].get_xdata().tolist()  # number of samples
        [20]
    """
    with style():
        figure, axes = subplots(1, 2, width="page", height=2.7, axes=axes)
        for marker, colour, (name, sizes) in zip(MARKERS, COLOURS, evidence.items(), strict=False):
            n = [each.size for each in sizes]
            for index, ax in enumerate(axes):
                value = [each.capacity if index == 0 else each.slope for each in sizes]
                mean, error = [float(v.mean) for v in value], [float(v.error) for v in value]
                ax.errorbar(n, mean, error, color=colour, marker=marker, linestyle="none", label=name)
                if name in exact:
                    ax.plot(exact[name][0], exact[name][1 + index], color=colour)
        for ax, label in zip(axes, (r"$C_{\max}/n$", r"$\max\,|dC/d\ln b|\,/n$"), strict=True):
            ax.set(xscale="log", yscale="log", xlabel="number of samples $n$", ylabel=label)
            plain_log(ax.xaxis)
            plain_log(ax.yaxis)
        legend_below(axes[0], axes[0].get_legend_handles_labels()[0], columns=2)
        legend_below(axes[1], [Line2D([], [], color="0.3", label="exact")] if exact else [])
        for letter, ax in zip("ab", axes, strict=True):
            label_panel(ax, letter)
    return figure


def draw_collapse(ax: Axes, found: Any) -> Axes:
    """Scaled heat capacities of several sizes on one axis.

    Args:
        ax: the axis.
        found: a `Collapse`.

    Examples:
        >>> from matplotlib.figure import Figure
        >>> from grokjax import plot
        >>> one, b, curves = grokjax.Estimate(1.0, 0.1), np.full((2, 5), np.linspace(0.8, 1.2, 5)), np.ones((2, 5))
        >>> found = grokjax.Collapse(one, one, one, rest=0.1, sizes=(25, 50), inverse_noise=b, curves=curves)
        >>> ax = plot.order.draw_collapse(Figure().subplots(), found)
        >>> [round(float(line.get_xdata()[-1]), 6) for line in ax.lines]  # larger sizes reach further
        [5.0, 10.0]
    """
    for colour, size, x, y in zip(COLOURS, found.sizes, *found.scaled(), strict=False):
        ax.plot(x, y, color=colour, label=f"$n={size}$")
    ax.set(xlabel=r"$(b/b_c-1)\,n^y$", ylabel=r"$C/n^{1+x}$")
    legend_below(ax, ax.get_legend_handles_labels()[0], columns=3)
    return ax


def kinetics(
    escapes: Mapping[str, tuple[Sequence[Any], Sequence[Any]]],
    exact: Mapping[str, tuple[Any, Any]],
    loops: Mapping[str, Sequence[Any]],
    works: Mapping[str, tuple[Any, Any]],
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""Escape times against measured barriers, and the work of a loop of the noise against its rate.

    Args:
        escapes: by label, barriers with errors and `EscapeTimes`.
        exact: by label, (barrier, time) of theory, a line or, for a single one, a star; a label that is measured, too,
            has its colour.
        loops: by label, `Ramp`s.
        works: by label, (rate, work) of theory.
        axes: two axes; a figure of a page's width unless given.

    Examples:
        >>> from grokjax import plot
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=1.0)
        >>> waited = pu.escapes(jax.random.key(0), system, beyond=0.8, num_members=64, num_steps=2000)
        >>> once = pu.loop(jax.random.key(0), system, low=0.4, high=2.5, rate=0.3, num_members=16)
        >>> escapes, loops = {"cubic unit": ([grokjax.Estimate(1.0, 0.1)], [waited])}, {"cubic unit": [once]}
        >>> figure = plot.order.kinetics(escapes, {}, loops, {})
        >>> [ax.get_yscale() for ax in figure.axes]
        ['log', 'log']
    """
    colour = _colours([*escapes, *exact, *loops, *works])
    numbers = lambda values: np.transpose([(float(value.mean), float(value.error)) for value in values])
    with style():
        figure, (left, right) = subplots(1, 2, width="page", height=3.0, axes=axes)
        for marker, (name, (barriers, times)) in zip(MARKERS, escapes.items(), strict=False):
            (place, spread), (tau, error) = numbers(barriers), numbers([each.mean_time for each in times])
            left.errorbar(
                place, tau, error, spread, color=colour[name], marker=marker, linestyle="none",
                label=f"measured, {name}",
            )  # fmt: skip
        for name, (barrier, time) in exact.items():
            mark = "-" if np.size(barrier) > 1 else "*"
            left.plot(barrier, time, mark, color=colour[name], markersize=7, label=f"theory, {name}")
        for marker, (name, ramps) in zip(MARKERS, loops.items(), strict=False):
            work, error = numbers([each.work for each in ramps])
            rate = [each.rate for each in ramps]
            right.errorbar(
                rate, work, error, color=colour[name], marker=marker, linestyle="none", label=f"measured, {name}"
            )
        for name, (rate, work) in works.items():
            right.plot(rate, work, color=colour[name], label=f"theory, {name}")
        left.set(yscale="log", xlabel="barrier $B$, nats", ylabel=r"escape time $\tau$, dimensionless")
        plain_log(left.yaxis)
        right.set(xscale="log", yscale="log", xlabel=r"rate $|db/dt|$ of the loop", ylabel="work of the loop, nats")
        for letter, ax in zip("ab", (left, right), strict=True):
            legend_below(ax, ax.get_legend_handles_labels()[0])
            label_panel(ax, letter)
    return figure


def _colours(names: Iterable[str]) -> dict[str, str]:
    """A colour for every name, in order."""
    return dict(zip(dict.fromkeys(names), COLOURS, strict=False))
