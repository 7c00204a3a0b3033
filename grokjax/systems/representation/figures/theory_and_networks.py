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
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from .... import plot
from ....evidence.statistics import Estimate, wilson_interval
from ....results import Run
from ..experiment import train_masks, trained
from ..tasks import ModularAddition
from ..theory import Prediction
from ._panels import FRACTION, equality, over_sizes, scatter


def figure_2(panels: Mapping[str, Run], *, num_pixels: int = 240, axes: Sequence[Axes] | None = None) -> Figure:
    r"""Embeddings in the plane on top of the decoder's map: a lattice for addition, a circle modulo $p$.

    The colour at a point $x$ is the class that the decoder gives to the input $2x$, so that the mean of two symbols
    lies in the region of their result. Of the seeds of a run the most accurate one is shown.

    Args:
        panels: title and run of each panel, at one point of two-dimensional embeddings.
        num_pixels: resolution of the map.
        axes: one per panel.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> plane = rep.ToyRepresentation(rep.Addition(5), embedding_dim=2)
        >>> run = rep.simulate(jax.random.key(0), plane, num_members=2, num_steps=24, progress=False)
        >>> figure = figures.figure_2({"addition": run}, num_pixels=20)
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['0', '1', '2', '3', '4']
    """
    with plot.style():
        figure, places = plot.subplots(1, len(panels), height=2.9, axes=axes)
        for axis, (title, run) in zip(places, panels.items(), strict=True):
            best = best_seed(run)
            target, network = jax.tree.map(lambda leaf, best=best: jnp.asarray(leaf[best]), trained(run))
            points = np.asarray(network.embedding)
            centre, half = (points.min(axis=0) + points.max(axis=0)) / 2, 1.2 * np.ptp(points, axis=0).max() / 2
            line = np.linspace(-half, half, num_pixels)
            x, y = np.meshgrid(centre[0] + line, centre[1] + line)
            inputs = jnp.asarray(2 * np.stack([x.ravel(), y.ravel()], axis=1), points.dtype)
            classes = np.asarray(target.classes(network.decoder(inputs))).reshape(x.shape)
            count = target.task.num_classes
            colours = ListedColormap(_class_colours(count, cyclic=isinstance(target.task, ModularAddition)))
            norm = BoundaryNorm(np.arange(count + 1) - 0.5, count)
            mesh = axis.pcolormesh(x, y, classes, cmap=colours, norm=norm, rasterized=True)
            ticks = np.arange(0, count, 1 if count <= 12 else 5)
            axis.figure.colorbar(mesh, ax=axis, label="class of the decoder", ticks=ticks).minorticks_off()
            axis.plot(*points.T, "o", color="white", markeredgecolor="0.2", markeredgewidth=0.6, markersize=9)
            for symbol, point in enumerate(points):
                axis.annotate(str(symbol), point, ha="center", va="center_baseline", fontsize=6.5)
            axis.set(xlabel="$E_{k,1}$", ylabel="$E_{k,2}$", aspect="equal", title=title)
        plot.label_panels(places)
        return figure


def figure_3(run: Run, *, axes: Sequence[Axes] | None = None) -> Figure:
    r"""Accuracy on all samples against the training fraction, and what the representation alone predicts.

    (a) Means over networks with one standard error. (b) The two against each other, one point per network.

    Args:
        run: at one point of hyperparameters, on training sets of several sizes.
        axes: two.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> figures.figure_3(run).axes[0].get_xlabel()
        'training fraction $r$'
    """
    fraction, members = train_masks(run).mean(axis=1), run.members
    predicted = r"$\widehat{\mathrm{Acc}}$, predicted from its representation"
    with plot.style():
        figure, (left, right) = plot.subplots(1, 2, height=3.1, axes=axes)
        for index, (name, values) in enumerate(
            {"network": members.accuracy, predicted: members.represented_accuracy}.items()
        ):
            x, estimate = over_sizes(fraction, values)
            plot.draw_experiment(left, x, estimate, index=index, label=name, hollow=bool(index))
        equality(left, 0, 1, "training samples only")
        left.set(xlabel=FRACTION, ylabel="accuracy on all samples", ylim=(0, 1.04), xlim=(0, 1.02))
        plot.legend_below(left, left.get_legend_handles_labels()[0])
        scatter(right, members.represented_accuracy, members.accuracy, fraction)
        equality(right, 0, 1)
        label = r"predicted accuracy $\widehat{\mathrm{Acc}}$"
        right.set(xlabel=label, ylabel="accuracy of the network", aspect="equal", xlim=(0, 1.04), ylim=(0, 1.04))
        right.legend(loc="upper left")
        plot.label_panels((left, right))
        return figure


def figure_4a(
    probability: Any,
    run: Run | None = None,
    *,
    accuracy_one: Any = None,
    critical: Mapping[int, Any] | None = None,
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
        critical: $r_c$ for other numbers of symbols, numbers or estimates with errors; adds a second panel.
        isolated: the estimate of $r_c$ from isolated symbols, for the second panel.
        axes: one, or two with `critical`.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> figure = figures.figure_4a(rep.exact_unique_probability(4))
        >>> len(figure.axes)  # two with the critical fractions of other numbers of symbols
        1
    """
    probability = np.asarray(probability)
    fraction = np.arange(len(probability)) / (len(probability) - 1)
    above = int(np.argmax(probability >= 0.5))
    crossing = np.interp(0.5, probability[above - 1 : above + 1], fraction[above - 1 : above + 1])
    with plot.style():
        figure, panels = plot.subplots(1, 2 if critical else 1, height=3.1, axes=axes)
        left = panels[0]
        plot.draw_theory(left, fraction, probability, index=0, label="theory: unique structure, $n_0=2$")
        if accuracy_one is not None:
            label = r"theory: $\overline{\mathrm{Acc}}=1$"
            plot.draw_theory(left, fraction, accuracy_one, index=2, label=label, dashed=True)
        left.plot([crossing] * 2, [0, 1], ":", color="0.35", linewidth=1.0, label=f"$r_c={crossing:.3f}$", zorder=0)
        if run is not None:
            _draw_structured(left, run)
        left.set(xlabel=FRACTION, ylabel="probability", xlim=(0, 1), ylim=(-0.03, 1.03), yticks=np.linspace(0, 1, 6))
        plot.legend_below(left, left.get_legend_handles_labels()[0], columns=2)
        if critical:
            _draw_critical(panels[1], critical, isolated or {})
        plot.label_panels(panels)
        return figure


def figure_4cd(times: Any, flow: Any, steps: Any, embeddings: Any, *, axes: Sequence[Axes] | None = None) -> Figure:
    r"""One-dimensional embeddings on the way: the effective flow, and a network from the same start.

    Args:
        times: of the flow, in units of $1/\lambda_3$.
        flow: standardised embeddings, shape (time, symbol).
        steps: of the training.
        embeddings: standardised ones of the network, shape (step, symbol).
        axes: two.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> task = rep.Addition(num_symbols=5)
        >>> times, start = np.array([0.0, 1.0, 2.0]), np.array([[1.0], [0.0], [2.0], [1.0], [3.0]])
        >>> flow = rep.effective_flow(task, np.ones(task.num_samples, bool), start, times)[:, :, 0]
        >>> left, right = figures.figure_4cd(times, flow, times, flow).axes
        >>> len(left.lines)
        5
    """
    flow, embeddings = np.asarray(flow), np.asarray(embeddings)
    span = 1.05 * max(np.abs(flow).max(), np.abs(embeddings).max())
    with plot.style():
        figure, (left, right) = plot.subplots(1, 2, height=2.5, axes=axes)
        for axis, time, values in ((left, times, flow), (right, steps, embeddings)):
            for symbol, curve in enumerate(values.T):
                axis.plot(time, curve, color=colormaps["viridis"](symbol / values.shape[1]))
                end = (time[-1], curve[-1])
                axis.annotate(str(symbol), end, xytext=(3, 0), textcoords="offset points", va="center")
            axis.set(ylabel=r"standardised embedding $\tilde E_k$", ylim=(-span, span))
        left.set_xlabel(r"time of the effective flow, $\lambda_3 t$")
        right.set_xlabel("training step of the network")
        plot.label_panels((left, right))
        return figure


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

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> task = rep.Addition(num_symbols=5)
        >>> masks = rep.training_sets_of_sizes(jax.random.key(0), task, [12, 14], 20).reshape(2, 20, -1)
        >>> figure = figures.figure_5(np.array([12, 14]) / task.num_samples, rep.predict(task, masks))
        >>> len(figure.axes)  # two with networks that reached their structure
        1
    """
    fraction = np.asarray(fraction)
    eigenvalue = np.where(np.asarray(sets.unique_structure), np.asarray(sets.third_eigenvalue), np.nan)
    reached = None if run is None or bound is None else structured(run, bound)
    count = 2 if reached is not None and reached.any() else 1
    with plot.style():
        figure, panels = plot.subplots(1, count, height=2.9, axes=axes)
        left = panels[0]
        seen = np.isfinite(eigenvalue).sum(axis=1) >= 10
        low, middle, high = np.nanquantile(eigenvalue[seen], [0.1, 0.5, 0.9], axis=1)
        left.plot(fraction[seen], middle, color=plot.COLOURS[0], label=r"theory: median where $\lambda_3>0$")
        left.fill_between(
            fraction[seen], low, high, color=plot.COLOURS[0], alpha=0.2, lw=0, label="10-90 % of these sets"
        )
        left.set(xlabel=FRACTION, ylabel=r"grokking rate $\lambda_3$, dimensionless", xlim=(0, 1), ylim=(0, None))
        plot.legend_below(left, left.get_legend_handles_labels()[0])
        if count == 2:
            _draw_steps(panels[1], run, bound, reached)
        plot.label_panels(panels)
        return figure


def figure_10(bound: Prediction, run: Run, *, axes: Sequence[Axes] | None = None) -> Figure:
    r"""RQI and accuracy of networks against what their training sets imply, a bound for exact structures.

    RQI counts parallelograms that close approximately, so single networks lie above.

    Args:
        bound: predictions for the training sets of the run.
        run: at one point of hyperparameters.
        axes: two.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> bound = rep.predict(system.task, rep.train_masks(run))
        >>> figures.figure_10(bound, run).axes[0].get_xlabel()
        'RQI implied by the training set'
    """
    quantities = (
        ("RQI", bound.quality, run.members.quality),
        (r"$\widehat{\mathrm{Acc}}$", bound.predicted_accuracy, run.members.represented_accuracy),
    )
    with plot.style():
        figure, panels = plot.subplots(1, 2, height=2.9, axes=axes)
        for axis, (name, implied, measured) in zip(panels, quantities, strict=True):
            scatter(axis, implied, measured, train_masks(run).mean(axis=1), bar=axis is panels[-1])
            equality(axis, 0, 1)
            axis.set(xlabel=f"{name} implied by the training set", ylabel=f"{name} of the network", aspect="equal")
            axis.set(xlim=(-0.04, 1.04), ylim=(-0.04, 1.04), xticks=np.linspace(0, 1, 6), yticks=np.linspace(0, 1, 6))
            axis.legend(loc="upper left")
        plot.label_panels(panels)
        return figure


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
    predicted, steps = _flow_times(run, bound)[reached], run.members.structure_step[reached]
    scatter(ax, predicted, steps, train_masks(run).mean(axis=1)[reached])
    ends = np.array([predicted.min(), predicted.max()]) * [0.8, 1.25]
    equality(ax, *ends)
    ratio = slowness(run, bound)
    ax.plot(ends, ends / ratio, "-.", color="0.4", label=f"{ratio:.0f} times faster, the geometric mean", zorder=1)
    rate = float(run.system.embedding_rate)
    label = rf"theory $1/(\lambda_3\eta_1)$ at $\eta_1={rate:g}$ (steps)"
    ax.set(xscale="log", yscale="log", xlabel=label, ylabel=f"steps to RQI > {run.experiment.quality_threshold:g}")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
        axis.set_minor_formatter(NullFormatter())
    plot.legend_below(ax, ax.get_legend_handles_labels()[0], columns=2)


def _draw_critical(ax: Axes, critical: Mapping[int, Any], isolated: Mapping[int, float]) -> None:
    symbols = np.array(sorted(critical))
    found = [critical[p] if isinstance(critical[p], Estimate) else Estimate(critical[p], np.nan) for p in symbols]
    mean, error = np.array([[float(each.mean), float(each.error)] for each in found]).T
    plot.draw_experiment(ax, symbols, Estimate(mean, error), label="random orders: $P(n_0=2)=1/2$")
    if isolated:
        line = sorted(isolated)
        label = "estimate: every symbol in an equation"
        plot.draw_theory(ax, line, [isolated[p] for p in line], index=1, label=label, dashed=True)
    fine = np.geomspace(symbols[0], symbols[-1], 50)
    ax.plot(fine, (np.log(fine) + 1.33) / fine, ":", color="0.35", label=r"$(\ln p + 1.33)/p$")
    ax.set(xscale="log", yscale="log", xlabel="number of symbols $p$", ylabel="critical training fraction $r_c$")
    ax.set_xticks(symbols, labels=[str(p) for p in symbols])
    ax.set_yticks([0.1, 0.2, 0.4, 0.8], labels=["0.1", "0.2", "0.4", "0.8"])
    ax.minorticks_off()
    plot.legend_below(ax, ax.get_legend_handles_labels()[0])


def best_seed(run: Run) -> int:
    """The seed whose network is right most often."""
    return int(np.argmax(run.members.accuracy))


def structured(run: Run, bound: Prediction) -> np.ndarray:
    """Which networks reached a structure that their training set makes unique."""
    return np.isfinite(run.members.structure_step) & np.asarray(bound.unique_structure)


def slowness(run: Run, bound: Prediction) -> float:
    """Time of the flow over the steps of those networks, geometric mean."""
    reached = structured(run, bound)
    return float(np.exp(np.mean(np.log((_flow_times(run, bound) / run.members.structure_step)[reached]))))


def _flow_times(run: Run, bound: Prediction) -> np.ndarray:
    """$1/(\\lambda_3\\eta_1)$, in steps; infinite without a unique structure."""
    with np.errstate(divide="ignore"):
        return 1 / (float(run.system.embedding_rate) * np.asarray(bound.third_eigenvalue))


def _class_colours(count: int, *, cyclic: bool) -> np.ndarray:
    """Light ones, so that numbers on them are read; a cycle closes."""
    places = np.arange(count) / count if cyclic else np.linspace(0, 1, count)
    return 0.45 * colormaps["twilight" if cyclic else "viridis"](places)[:, :3] + 0.55
