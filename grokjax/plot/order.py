"""Figures on the order of a transition: energies, distributions, profiles, scaling. Everything drawn is given.

Points with error bars are networks, lines are theory; a colour is a size or a system and means the same in all panels.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from .style import COLOURS, MARKERS, label_panel, plain_log, style, subplots


NOISE = r"noise variance $\sigma^2$"


def energy_and_capacity(
    measured: Mapping[str, Any], theory: Mapping[str, tuple[Any, Any, Any]], *, kink: Any = None
) -> Figure:
    r"""Energy and heat capacity per sample over the noise.

    Args:
        measured: free energies by label.
        theory: (noise, E/n, C/n) by label; a label that is measured, too, has its colour.
        kink: noise of the transition in the limit of large networks, and E/n there.
    """
    colour = dict(zip([*theory, *(name for name in measured if name not in theory)], COLOURS, strict=False))
    with style():
        figure, (left, right) = subplots(1, 2, width="page", height=2.8)
        for name, (noise, energy, capacity) in theory.items():
            solid = "-" if name in measured else "--"
            left.plot(noise, energy, solid, color=colour[name], label=f"theory, {name}")
            right.plot(noise, capacity, solid, color=colour[name])
        for marker, (name, free) in zip(MARKERS, measured.items(), strict=False):
            options: dict[str, Any] = {"color": colour[name], "marker": marker, "linestyle": "none", "zorder": 3}
            n = free.num_samples
            for ax, value in ((left, free.energy), (right, free.heat_capacity)):
                label = f"networks, {name}" if ax is left else None
                ax.errorbar(free.noise_variance, value.mean / n, value.error / n, label=label, **options)
        if kink is not None:
            noise, energy = kink
            left.plot([noise], [energy], "*", color="black", markersize=7, label="onset, infinite size")
            right.axvline(noise, color="black", linestyle=":", linewidth=1)
        left.set(xlabel=NOISE, ylabel=r"energy per sample $\langle S\rangle/n$")
        right.set(xlabel=NOISE, ylabel=r"heat capacity per sample $C/n$")
        figure.legend(loc="outside lower center", ncols=3)
        for letter, ax in zip("ab", (left, right), strict=True):
            label_panel(ax, letter)
    return figure


def distributions(evidence: Mapping[str, Any], droplets: Mapping[str, tuple[Any, Any, Any]] | None = None) -> Figure:
    """Law of the data energy where the heat capacity is largest, and the profile of the number of droplets.

    Args:
        evidence: what a ladder says at one size, by label.
        droplets: by label, numbers of specialised neurons, $F(k)$ and its error.
    """
    with style():
        figure, axes = subplots(1, 2 if droplets else 1, width="page" if droplets else "column", height=2.8)
        x = np.linspace(-3.5, 3.5, 200)
        axes[0].plot(x, np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi), "--", color="0.5", label="Gaussian")
        for marker, colour, (name, each) in zip(MARKERS, COLOURS, evidence.items(), strict=False):
            density = each.density
            axes[0].errorbar(
                each.positions, density.mean, density.error, color=colour, marker=marker, linewidth=0.8, label=name
            )
        axes[0].set(
            xlabel=r"data energy $(S-\langle S\rangle)/\mathrm{sd}$, per data set", ylabel="density", ylim=(0, None)
        )
        axes[0].legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
        if droplets:
            for marker, colour, (name, (number, profile, error)) in zip(
                MARKERS, COLOURS[2:], droplets.items(), strict=False
            ):
                axes[1].errorbar(number, profile, error, color=colour, marker=marker, linewidth=0.8, label=name)
            axes[1].set(xlabel="specialised neurons $k$", ylabel=r"$F(k)=-\log p(k)$, nats")
            axes[1].xaxis.set_major_locator(MaxNLocator(integer=True))
            axes[1].legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
            for letter, ax in zip("ab", axes, strict=False):
                label_panel(ax, letter)
    return figure


def neuron_profiles(measured: Mapping[str, Any], theory: Mapping[str, tuple[Any, Any]], *, top: float = 14) -> Figure:
    """$F(q)$ of one neuron with the action of theory on top, zero at its minimum.

    Args:
        measured: profiles by label.
        theory: (q, action) by label; none is fitted.
        top: end of the vertical axis, in nats.
    """
    with style():
        figure, (ax,) = subplots(height=2.9)
        for marker, colour, (name, each) in zip(MARKERS, COLOURS, measured.items(), strict=False):
            seen = np.isfinite(each.values.mean)
            ax.errorbar(
                each.positions[seen], each.values.mean[seen], each.values.error[seen], color=colour, marker=marker,
                linestyle="none", markersize=2.5, elinewidth=0.7, capsize=0, label=f"networks, {name}",
            )  # fmt: skip
            if name in theory:
                q, action = theory[name]
                ax.plot(q, action - np.min(action), color=colour, label=f"theory, {name}")
        ax.set(
            xlabel="alignment with the teacher $|q|$",
            ylabel=r"$F(q)=-\log p(q)$, nats",
            ylim=(-0.5, top),
            xlim=(0, 1.3),
        )
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    return figure


def evidence_per_dataset(measured: Mapping[str, Any], theory: Mapping[str, Mapping[str, Any]]) -> Figure:
    """Evidence of networks less that of theory, data set by data set: coldest rung relative to the hottest.

    Args:
        measured: by label, an array over data sets of $L$, coldest less hottest.
        theory: by label, and by name of the theory, the same of theory.
    """
    names = list(next(iter(theory.values())))
    with style():
        figure, (ax,) = subplots(height=2.6)
        ax.axhline(0, color="0.5", linewidth=0.8)
        start = 0
        ticks, labels = [], []
        for label, values in measured.items():
            index = start + np.arange(len(values))
            for marker, colour, name in zip(MARKERS, COLOURS, names, strict=False):
                ax.plot(
                    index, values - np.asarray(theory[label][name]), marker, color=colour,
                    label=name if not start else None,
                )  # fmt: skip
            ticks.append(index.mean())
            scatter = f", sd {values.std(ddof=1):.0f}" if len(values) > 1 else ""
            labels.append(f"{label}\n$L={values.mean():.0f}$" + scatter)
            start = index[-1] + 3
        ax.set_xticks(ticks, labels)
        ax.set(ylabel="$L$ of networks minus theory, nats", xlabel="data sets, one point each")
        ax.legend(loc="upper center", bbox_to_anchor=(0.5, 1.22), ncols=2)
    return figure


def growth(evidence: Mapping[str, Sequence[Any]], exact: Mapping[str, tuple[Any, Any, Any]]) -> Figure:
    r"""Largest heat capacity and its steepest slope, per sample, over the size: what tells the orders apart.

    Args:
        evidence: what ladders of several sizes say, by label.
        exact: (size, C_max/n, slope/n) by label.
    """
    with style():
        figure, axes = subplots(1, 2, width="page", height=2.6)
        for marker, colour, (name, sizes) in zip(MARKERS, COLOURS, evidence.items(), strict=False):
            n = [each.size for each in sizes]
            for index, ax in enumerate(axes):
                value = [each.capacity if index == 0 else each.slope for each in sizes]
                mean, error = [float(v.mean) for v in value], [float(v.error) for v in value]
                ax.errorbar(
                    n, mean, error, color=colour, marker=marker, linestyle="none", label=None if index else name
                )
                if name in exact:
                    ax.plot(exact[name][0], exact[name][1 + index], color=colour)
        for ax, label in zip(axes, (r"$C_{\max}/n$", r"$\max|dC/d\ln b|/n$"), strict=True):
            ax.set(xscale="log", yscale="log", xlabel="number of samples $n$", ylabel=label)
            plain_log(ax.xaxis)
            plain_log(ax.yaxis)
        figure.legend(loc="outside lower center", ncols=4)
        for letter, ax in zip("ab", axes, strict=True):
            label_panel(ax, letter)
    return figure


def draw_collapse(ax: Axes, found: Any) -> Axes:
    """Scaled heat capacities of several sizes on one axis.

    Args:
        ax: the axis.
        found: a `Collapse`.
    """
    for colour, size, x, y in zip(COLOURS, found.sizes, *found.scaled(), strict=False):
        ax.plot(x, y, color=colour, label=f"$n={size}$")
    ax.set(xlabel=r"$(b/b_c-1)\,n^y$", ylabel=r"$C/n^{1+x}$")
    ax.legend()
    return ax


def kinetics(
    escapes: Mapping[str, tuple[Sequence[Any], Sequence[Any]]],
    exact: Mapping[str, tuple[Any, Any]],
    loops: Mapping[str, Sequence[Any]],
    works: Mapping[str, tuple[Any, Any]],
) -> Figure:
    r"""Escape times against measured barriers, and the work of a loop of the noise against its rate.

    Args:
        escapes: by label, barriers with errors and `EscapeTimes`.
        exact: by label, (barrier, time) of theory; a label that is measured, too, has its colour.
        loops: by label, `Ramp`s.
        works: by label, (rate, work) of theory.
    """
    colour = dict(zip(dict.fromkeys([*escapes, *exact, *loops, *works]), COLOURS, strict=False))
    with style():
        figure, (left, right) = subplots(1, 2, width="page", height=2.9)
        for marker, (name, (barriers, times)) in zip(MARKERS, escapes.items(), strict=False):
            place, spread = np.transpose([(float(b.mean), float(b.error)) for b in barriers])
            tau, error = np.transpose([(float(t.mean_time.mean), float(t.mean_time.error)) for t in times])
            left.errorbar(
                place,
                tau,
                error,
                spread,
                color=colour[name],
                marker=marker,
                linestyle="none",
                label=f"measured, {name}",
            )
        for name, (barrier, time) in exact.items():
            mark = "-" if np.size(barrier) > 1 else "*"
            left.plot(barrier, time, mark, color=colour[name], label=f"theory, {name}")
        for marker, (name, ramps) in zip(MARKERS, loops.items(), strict=False):
            rate, work, error = np.transpose([(r.rate, float(r.work.mean), float(r.work.error)) for r in ramps])
            right.errorbar(
                rate, work, error, color=colour[name], marker=marker, linestyle="none", label=f"measured, {name}"
            )
        for name, (rate, work) in works.items():
            right.plot(rate, work, color=colour[name], label=f"theory, {name}")
        left.set(yscale="log", xlabel="barrier $B$, nats", ylabel=r"escape time $\tau$, dimensionless")
        right.set(xscale="log", yscale="log", xlabel=r"rate $|db/dt|$ of the loop", ylabel="work of the loop, nats")
        for letter, ax in zip("ab", (left, right), strict=True):
            ax.legend(loc="upper center", bbox_to_anchor=(0.5, -0.24), ncols=1)
            label_panel(ax, letter)
    return figure
