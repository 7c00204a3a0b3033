r"""Theory of training sets beside trained networks: figures of the paper but its phase diagrams.

References:
    arXiv:2205.10343, figures 2, 3, 4, 5 and 10.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from .... import plot
from ....evidence.statistics import wilson_interval
from ....results import Run
from ..experiment import train_masks, trained
from ..tasks import ModularAddition
from ..theory import Prediction
from ._panels import FRACTION, finished, over_sizes, panels_of, scatter


def figure_2(panels: Mapping[str, Run], *, num_pixels: int = 240, axes: Sequence[Axes] | None = None) -> Figure:
    r"""Embeddings in the plane on top of the decoder's map: a lattice for addition, a circle modulo $p$.

    The colour at a point $x$ is the class that the decoder gives to the input $2x$, so that the mean of two symbols
    lies in the region of their result. Of the seeds of a run the most accurate one is shown.

    Args:
        panels: title and run of each panel, at one point of two-dimensional embeddings.
        num_pixels: resolution of the map.
        axes: one per panel.
    """
    with plot.style():
        places = panels_of(axes, len(panels), width="page" if len(panels) > 1 else "column", height=3.2)
        for axis, (title, run) in zip(places, panels.items(), strict=True):
            best = int(np.argmax(run.members.accuracy))
            target, network = jax.tree.map(lambda leaf, best=best: jnp.asarray(leaf[best]), trained(run))
            points = np.asarray(network.embedding)
            centre, half = points.mean(axis=0), 1.25 * np.ptp(points, axis=0).max() / 2
            line = np.linspace(-half, half, num_pixels)
            x, y = np.meshgrid(centre[0] + line, centre[1] + line)
            inputs = jnp.asarray(2 * np.stack([x.ravel(), y.ravel()], axis=1), points.dtype)
            classes = np.asarray(target.classes(network.decoder(inputs))).reshape(x.shape)
            cyclic = isinstance(target.task, ModularAddition)
            axis.pcolormesh(x, y, classes, cmap="twilight" if cyclic else "viridis", alpha=0.45, rasterized=True)
            for symbol, point in enumerate(points):
                axis.annotate(str(symbol), point, ha="center", va="center", fontweight="bold")
            axis.set(xlabel="$E_{k,1}$", ylabel="$E_{k,2}$", aspect="equal", title=title)
        return finished(places)


def figure_3(run: Run, *, axes: Sequence[Axes] | None = None) -> Figure:
    r"""Accuracy on all samples against the training fraction, and what the representation alone predicts.

    (a) Means over networks with one standard error. (b) The two against each other, one point per network.

    Args:
        run: at one point of hyperparameters, on training sets of several sizes.
        axes: two.
    """
    fraction, members = train_masks(run).mean(axis=1), run.members
    predicted = "predicted from its representation"
    with plot.style():
        left, right = panels = panels_of(axes, 2, height=2.6)
        for index, (name, values) in enumerate(
            {"network": members.accuracy, predicted: members.represented_accuracy}.items()
        ):
            x, estimate = over_sizes(fraction, values)
            plot.draw_experiment(left, x, estimate, index=index, label=name, hollow=bool(index))
            left.plot(x, estimate.mean, color=plot.COLOURS[index], linewidth=0.8)
        left.plot([0, 1], [0, 1], ":", color="0.4", label="training samples only")
        left.set(xlabel=FRACTION, ylabel="accuracy on all samples", ylim=(0, 1.04), xlim=(0, 1))
        left.legend(loc="lower right")
        scatter(right, members.represented_accuracy, members.accuracy, fraction)
        right.plot([0, 1], [0, 1], ":", color="0.4")
        label = r"predicted accuracy $\widehat{\mathrm{Acc}}$"
        right.set(xlabel=label, ylabel="accuracy of the network", aspect="equal")
        return finished(panels)


def figure_4a(
    probability: Any,
    run: Run | None = None,
    *,
    accuracy_one: Any = None,
    critical: Mapping[int, float] | None = None,
    isolated: Mapping[int, float] | None = None,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""Probability of a unique linear structure against the training fraction, theory and networks in one picture.

    (a) Share of networks with RQI above its threshold, with Wilson's one-sigma interval, next to what training sets
    fix. (b) Where the probability is 1/2 against the number of symbols; the dotted line's constant is fitted to it.

    Args:
        probability: $P(n_0=2)$ at sizes $0..N$, from random orders or exact counts.
        run: trained networks on training sets of several sizes.
        accuracy_one: $P(\overline{\mathrm{Acc}}=1)$ at sizes $0..N$.
        critical: $r_c$ for other numbers of symbols; adds a second panel.
        isolated: the estimate of $r_c$ from isolated symbols, for the second panel.
        axes: one, or two with `critical`.
    """
    probability = np.asarray(probability)
    fraction = np.arange(len(probability)) / (len(probability) - 1)
    above = int(np.argmax(probability >= 0.5))
    crossing = np.interp(0.5, probability[above - 1 : above + 1], fraction[above - 1 : above + 1])
    with plot.style():
        panels = panels_of(axes, 2 if critical else 1, width="page" if critical else "column", height=2.7)
        left = panels[0]
        plot.draw_theory(left, fraction, probability, index=0, label="theory: unique structure, $n_0=2$")
        if accuracy_one is not None:
            label = r"theory: $\overline{\mathrm{Acc}}=1$"
            plot.draw_theory(left, fraction, accuracy_one, index=2, label=label, dashed=True)
        left.plot([crossing] * 2, [0, 1], ":", color="0.35", linewidth=1.0, label=f"$r_c={crossing:.3f}$", zorder=0)
        if run is not None:
            _draw_structured(left, run)
        left.set(xlabel=FRACTION, ylabel="probability", xlim=(0, 1), ylim=(-0.03, 1.5), yticks=np.linspace(0, 1, 6))
        left.legend(loc="upper left")
        if critical:
            _draw_critical(panels[1], critical, isolated or {})
        return finished(panels)


def figure_4cd(times: Any, flow: Any, steps: Any, embeddings: Any, *, axes: Sequence[Axes] | None = None) -> Figure:
    r"""One-dimensional embeddings on the way: the effective flow, and a network from the same start.

    Args:
        times: of the flow, in units of $1/\lambda_3$.
        flow: standardised embeddings, shape (time, symbol).
        steps: of the training.
        embeddings: standardised ones of the network, shape (step, symbol).
        axes: two.
    """
    flow, embeddings = np.asarray(flow), np.asarray(embeddings)
    span = 1.05 * max(np.abs(flow).max(), np.abs(embeddings).max())
    with plot.style():
        left, right = panels = panels_of(axes, 2, height=2.5)
        for axis, time, values in ((left, times, flow), (right, steps, embeddings)):
            for symbol, curve in enumerate(values.T):
                axis.plot(time, curve, color=colormaps["viridis"](symbol / values.shape[1]))
                end = (time[-1], curve[-1])
                axis.annotate(str(symbol), end, xytext=(3, 0), textcoords="offset points", va="center")
            axis.set(ylabel=r"standardised embedding $\tilde E_k$", ylim=(-span, span))
        left.set_xlabel(r"time of the effective flow, $\lambda_3 t$")
        right.set_xlabel("training step of the network")
        return finished(panels, "cd")


def figure_5(
    fraction: Any,
    sets: Prediction,
    run: Run | None = None,
    bound: Prediction | None = None,
    *,
    axes: Sequence[Axes] | None = None,
) -> Figure:
    r"""The grokking rate $\lambda_3$ against the training fraction; steps to structure against $1/(\lambda_3\eta_1)$.

    (b) One point per network that reached the structure; a step of Adam is no step of the gradient flow.

    Args:
        fraction: training fractions.
        sets: predictions for many random training sets at each of them, axes (fraction, set).
        run: trained networks, for the second panel; it is left out if none of them reached a structure.
        bound: predictions for the training sets of the run.
        axes: one, or two with a run.
    """
    fraction = np.asarray(fraction)
    eigenvalue = np.where(np.asarray(sets.unique_structure), np.asarray(sets.third_eigenvalue), np.nan)
    reached = None
    if run is not None and bound is not None:
        reached = np.isfinite(run.members.structure_step) & np.asarray(bound.unique_structure)
    count = 2 if reached is not None and reached.any() else 1
    with plot.style():
        panels = panels_of(axes, count, width="column" if count == 1 else "page", height=2.6)
        left = panels[0]
        seen = np.isfinite(eigenvalue).sum(axis=1) >= 10
        low, middle, high = np.nanquantile(eigenvalue[seen], [0.1, 0.5, 0.9], axis=1)
        left.fill_between(fraction[seen], low, high, color=plot.COLOURS[0], alpha=0.2, label="10-90 % of sets")
        left.plot(fraction[seen], middle, color=plot.COLOURS[0], label=r"median of $\lambda_3>0$")
        left.set(xlabel=FRACTION, ylabel=r"grokking rate $\lambda_3$", xlim=(0, 1), ylim=(0, None))
        left.legend(loc="upper left")
        if count == 2:
            _draw_steps(panels[1], run, bound, reached)
        return finished(panels)


def figure_10(bound: Prediction, run: Run, *, axes: Sequence[Axes] | None = None) -> Figure:
    r"""RQI and accuracy of networks against what their training sets imply, a bound for exact structures.

    RQI counts parallelograms that close approximately, so single networks lie above.

    Args:
        bound: predictions for the training sets of the run.
        run: at one point of hyperparameters.
        axes: two.
    """
    quantities = (
        ("RQI", bound.quality, run.members.quality),
        (r"$\widehat{\mathrm{Acc}}$", bound.predicted_accuracy, run.members.represented_accuracy),
    )
    with plot.style():
        panels = panels_of(axes, 2, height=2.8)
        for axis, (name, implied, measured) in zip(panels, quantities, strict=True):
            scatter(axis, implied, measured, train_masks(run).mean(axis=1), bar=axis is panels[-1])
            axis.plot([0, 1], [0, 1], ":", color="0.4")
            axis.set(xlabel=f"{name} implied by the training set", ylabel=f"{name} of the network", aspect="equal")
        return finished(panels)


def _draw_structured(ax: Axes, run: Run) -> None:
    fraction = train_masks(run).mean(axis=1)
    sizes, share = over_sizes(fraction, np.isfinite(run.members.structure_step))
    found, counts = share.mean, np.unique(fraction, return_counts=True)[1]
    low, high = wilson_interval(found, counts)
    ax.errorbar(
        sizes,
        found,
        np.maximum(0, [found - low, high - found]),
        fmt=plot.MARKERS[1],
        color=plot.COLOURS[1],
        elinewidth=0.9,
        label=f"networks: RQI > {run.experiment.quality_threshold:g}",
    )


def _draw_steps(ax: Axes, run: Any, bound: Any, reached: Any) -> None:
    rate = float(run.system.embedding_rate)
    predicted = 1 / (rate * np.asarray(bound.third_eigenvalue)[reached])
    steps = run.members.structure_step[reached]
    scatter(ax, predicted, steps, train_masks(run).mean(axis=1)[reached])
    ends = [min(predicted.min(), steps.min()), max(predicted.max(), steps.max())]
    ax.plot(ends, ends, ":", color="0.4", label="equal")
    label = rf"theory $1/(\lambda_3\eta_1)$, $\eta_1={rate:g}$ (steps)"
    ax.set(xscale="log", yscale="log", xlabel=label, ylabel=f"steps to RQI > {run.experiment.quality_threshold:g}")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    ax.legend(loc="upper left")


def _draw_critical(ax: Axes, critical: Mapping[int, float], isolated: Mapping[int, float]) -> None:
    symbols = np.array(sorted(critical))
    ax.loglog(symbols, [critical[p] for p in symbols], "o", color=plot.COLOURS[0], label="$P(n_0=2)=1/2$")
    if isolated:
        line = sorted(isolated)
        label = "no isolated symbol, $P=1/2$"
        ax.loglog(line, [isolated[p] for p in line], "--", color=plot.COLOURS[1], label=label)
    fine = np.geomspace(symbols[0], symbols[-1], 50)
    ax.loglog(fine, (np.log(fine) + 1.33) / fine, ":", color="0.35", label=r"$(\ln p + 1.33)/p$")
    ax.set(xlabel="number of symbols $p$", ylabel="critical training fraction $r_c$")
    ax.set_xticks(symbols, labels=[str(p) for p in symbols])
    ax.set_yticks([0.1, 0.2, 0.4, 0.8], labels=["0.1", "0.2", "0.4", "0.8"])
    ax.minorticks_off()
    ax.legend(loc="lower left")
