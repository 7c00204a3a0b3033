r"""The published figures and their theory, one function each; the data come from both roads.

References:
    arXiv:2205.10343, figures 2, 3, 4, 5, 6 and 10.
"""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MultipleLocator, NullFormatter, StrMethodFormatter

from ... import plot
from ...evidence.statistics import Estimate, over_members
from ...observables import NEVER
from .compare import Bounds
from .critical_fraction import critical_fraction
from .effective_flow import effective_flow
from .experiment import Training
from .phases import PHASES, TrainingPhaseDiagram, wilson_interval
from .start import Start
from .system import ToyNetwork, ToyRepresentation, TrainingLoss
from .tasks import AbstractSumTask, ModularAddition
from .theory import Prediction, predict


FRACTION = "training fraction $r$"
LETTERS_UP_TO = 64  # cells of a phase diagram that still have room for a letter per seed


def figure_2(panels: dict[str, tuple[ToyRepresentation, Start, Training]], *, num_pixels: int = 240) -> Figure:
    r"""Embeddings in the plane on top of the decoder's map: a lattice for addition, a circle modulo $p$.

    The colour at a point $x$ is the class that the decoder gives to the input $2x$, so that the mean of two symbols
    lies in the region of their result.

    Args:
        panels: title and (system, start, training) of each panel, at one point of two-dimensional embeddings; the
            seed with the best accuracy is shown.
        num_pixels: resolution of the map.
    """
    with plot.style():
        figure, axes = plot.subplots(1, len(panels), width="page" if len(panels) > 1 else "column", height=3.2)
        for letter, ax, (title, runs) in zip("abcdefgh", axes, panels.items(), strict=False):
            target, network = _best_member(*runs)
            points = np.asarray(network.embedding)
            centre, half = points.mean(axis=0), 1.25 * np.ptp(points, axis=0).max() / 2
            line = np.linspace(-half, half, num_pixels)
            x, y = np.meshgrid(centre[0] + line, centre[1] + line)
            inputs = jnp.asarray(2 * np.stack([x.ravel(), y.ravel()], axis=1), points.dtype)
            classes = np.asarray(target.classes(network.decoder(inputs))).reshape(x.shape)
            cyclic = isinstance(target.task, ModularAddition)
            ax.pcolormesh(x, y, classes, cmap="twilight" if cyclic else "viridis", alpha=0.45, rasterized=True)
            for symbol, point in enumerate(points):
                ax.annotate(str(symbol), point, ha="center", va="center", fontweight="bold")
            ax.set(xlabel="$E_{k,1}$", ylabel="$E_{k,2}$", aspect="equal")
            plot.label_panel(ax, letter)
            ax.set_title(title)
    return figure


def figure_3(training: Training) -> Figure:
    r"""Accuracy on all samples against the training fraction, and what the representation alone predicts.

    Args:
        training: runs at one point of hyperparameters on training sets of several sizes.
    """
    fraction = training.train_mask.mean(axis=1)
    with plot.style():
        figure, (left, right) = plot.subplots(1, 2, width="page", height=2.6)
        for index, (name, values) in enumerate(
            {"network": training.accuracy, "predicted from its representation": training.represented_accuracy}.items()
        ):
            x, estimate = _over_sizes(fraction, values)
            plot.draw_experiment(left, x, estimate, index=index, label=name, hollow=bool(index))
            left.plot(x, estimate.mean, color=plot.COLOURS[index], linewidth=0.8)
        left.plot([0, 1], [0, 1], ":", color="0.4", label="training samples only")
        left.set(xlabel=FRACTION, ylabel="accuracy on all samples", ylim=(0, 1.04), xlim=(0, 1))
        left.legend(loc="lower right")
        scatter = right.scatter(training.represented_accuracy, training.accuracy, c=fraction, s=12, cmap="viridis")
        right.plot([0, 1], [0, 1], ":", color="0.4")
        right.set(
            xlabel=r"predicted accuracy $\widehat{\mathrm{Acc}}$", ylabel="accuracy of the network", aspect="equal"
        )
        figure.colorbar(scatter, ax=right, label=FRACTION)
        for letter, ax in zip("ab", (left, right), strict=True):
            plot.label_panel(ax, letter)
    return figure


def figure_4a(
    task: AbstractSumTask,
    probability: Any,
    training: Training | None = None,
    *,
    accuracy_one: Any = None,
    critical: dict[int, float] | None = None,
) -> Figure:
    r"""Probability of a unique linear structure against the training fraction, theory and networks in one picture.

    Args:
        task: the operation.
        probability: $P(n_0=2)$ at sizes $0..N$, from random orders or exact counts.
        training: trained networks on training sets of several sizes; the fraction with RQI above its threshold is
            drawn with Wilson's one-sigma interval.
        accuracy_one: $P(\overline{\mathrm{Acc}}=1)$ at sizes $0..N$.
        critical: $r_c$ for other numbers of symbols; adds a second panel.
    """
    probability = np.asarray(probability)
    fraction = np.arange(len(probability)) / (len(probability) - 1)
    above = int(np.argmax(probability >= 0.5))
    crossing = np.interp(0.5, probability[above - 1 : above + 1], fraction[above - 1 : above + 1])
    with plot.style():
        figure, axes = plot.subplots(1, 2 if critical else 1, width="page" if critical else "column", height=2.7)
        left = axes[0]
        plot.draw_theory(left, fraction, probability, index=0, label="theory: unique structure, $n_0=2$")
        if accuracy_one is not None:
            label = r"theory: $\overline{\mathrm{Acc}}=1$"
            plot.draw_theory(left, fraction, accuracy_one, index=2, label=label, dashed=True)
        plot.draw_transition(left, float(crossing), f"$r_c={crossing:.3f}$")
        if training is not None:
            shares = training.train_mask.mean(axis=1)
            seen, share = _over_sizes(shares, training.structure_step != NEVER)
            found, counts = share.mean, np.unique(shares, return_counts=True)[1]
            low, high = wilson_interval(found, counts)
            left.errorbar(
                seen,
                found,
                np.maximum(0, [found - low, high - found]),
                fmt=plot.MARKERS[1],
                color=plot.COLOURS[1],
                elinewidth=0.9,
                label=f"networks: RQI > {training.quality_threshold:g}",
            )
        left.set(xlabel=FRACTION, ylabel="probability", xlim=(0, 1), ylim=(-0.03, 1.5), yticks=np.linspace(0, 1, 6))
        left.legend(loc="upper left")
        if critical:
            _draw_critical(axes[1], critical)
            for letter, ax in zip("ab", axes, strict=True):
                plot.label_panel(ax, letter)
    return figure


def figure_4cd(task: AbstractSumTask, train_mask: Any, embeddings: Any, record_every: int) -> Figure:
    r"""One-dimensional embeddings on the way: the effective flow, and a network from the same start.

    Both are standardised. The flow's time is shown in units of $1/\lambda_3$.

    Args:
        task: the operation.
        train_mask: its training set.
        embeddings: of the network, shape (record, symbol, 1), the start first.
        record_every: steps between records.
    """
    embeddings = jnp.asarray(np.asarray(embeddings), float)
    standardised = jax.vmap(task.standardise)
    begin = task.standardise(embeddings[0])
    prediction = predict(task, train_mask)
    rate = float(prediction.third_eigenvalue) * task.num_symbols / float(jnp.sum(begin**2))
    scaled = np.linspace(0, 8, 161)
    flow = standardised(effective_flow(task, jnp.asarray(train_mask), begin, scaled / rate))
    with plot.style():
        figure, (left, right) = plot.subplots(1, 2, width="page", height=2.5)
        steps = record_every * np.arange(len(embeddings))
        for ax, time, values in ((left, scaled, flow), (right, steps, standardised(embeddings))):
            for symbol, curve in enumerate(np.asarray(values)[..., 0].T):
                ax.plot(time, curve, color=colormaps["viridis"](symbol / task.num_symbols))
                ax.annotate(str(symbol), (time[-1], curve[-1]), xytext=(3, 0), textcoords="offset points", va="center")
            ax.set_ylabel(r"standardised embedding $\tilde E_k$")
        left.set_xlabel(r"time of the effective flow, $\lambda_3 t$")
        right.set_xlabel("training step of the network")
        for letter, ax in zip("cd", (left, right), strict=True):
            plot.label_panel(ax, letter)
    return figure


def figure_5(
    task: AbstractSumTask,
    fraction: Any,
    sets: Prediction,
    training: Training | None = None,
    *,
    learning_rate: float = 1e-3,
) -> Figure:
    r"""The grokking rate $\lambda_3$ against the training fraction; steps to structure against $1/(\lambda_3\eta)$.

    Args:
        task: the operation.
        fraction: training fractions.
        sets: predictions for many random training sets at each of them, axes (fraction, set).
        training: trained networks, for the second panel; it is left out if none of them reached a structure.
        learning_rate: $\eta$ of the embeddings.
    """
    fraction = np.asarray(fraction)
    eigenvalue = np.where(np.asarray(sets.unique_structure), np.asarray(sets.third_eigenvalue), np.nan)
    with plot.style():
        if training is not None and not np.any(training.structure_step != NEVER):
            training = None
        panels = 1 if training is None else 2
        figure, axes = plot.subplots(1, panels, width="column" if panels == 1 else "page", height=2.6)
        seen = np.isfinite(eigenvalue).sum(axis=1) >= 10
        low, middle, high = np.nanquantile(eigenvalue[seen], [0.1, 0.5, 0.9], axis=1)
        axes[0].fill_between(fraction[seen], low, high, color=plot.COLOURS[0], alpha=0.2, label="10-90 % of sets")
        axes[0].plot(fraction[seen], middle, color=plot.COLOURS[0], label=r"median of $\lambda_3>0$")
        axes[0].set(xlabel=FRACTION, ylabel=r"grokking rate $\lambda_3$", xlim=(0, 1), ylim=(0, None))
        axes[0].legend(loc="upper left")
        if training is not None:
            rates = predict(task, training.train_mask)
            reached = (training.structure_step != NEVER) & np.asarray(rates.unique_structure)
            predicted = 1 / (learning_rate * np.asarray(rates.third_eigenvalue)[reached])
            share = training.train_mask.mean(axis=1)[reached]
            scatter = axes[1].scatter(predicted, training.structure_step[reached], c=share, s=12, cmap="viridis")
            axes[1].set(xscale="log", yscale="log", xlabel=r"theory $1/(\lambda_3\eta)$ (steps)")
            for axis in (axes[1].xaxis, axes[1].yaxis):
                axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
                axis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
                axis.set_minor_formatter(NullFormatter())
            axes[1].set_ylabel(f"steps to RQI > {training.quality_threshold:g}")
            figure.colorbar(scatter, ax=axes[1], label=FRACTION)
            for letter, ax in zip("ab", axes, strict=True):
                plot.label_panel(ax, letter)
    return figure


def figure_6(diagram: TrainingPhaseDiagram, *, keep: Any = None) -> Figure:
    """The phase diagram: the majority of the seeds, and how many of them agree.

    Small grids show the phase of every seed by its letter.

    Args:
        diagram: phases of trained networks.
        keep: runs to count, such as those whose training set has predicted accuracy 1.
    """
    x, y = np.log10(diagram.decoder_rates), diagram.weight_decays  # log-spaced rates make cells of one width
    majority, agreement = diagram.majority(keep=keep), diagram.agreement(keep=keep)
    labels = {"x_label": r"decoder learning rate $\eta_2$", "y_label": r"weight decay $\gamma$"}
    with plot.style():
        figure, (left, right) = plot.subplots(1, 2, width="page", height=3.0)
        plot.draw_phases(left, x, y, majority.T, PHASES, **labels)
        legend = left.get_legend()
        assert legend is not None
        left.legend(handles=legend.legend_handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
        mesh = right.pcolormesh(x, y, agreement.T, cmap="cividis", shading="nearest", vmin=0, vmax=1)
        right.set(xlabel=labels["x_label"], ylabel=labels["y_label"])
        figure.colorbar(mesh, ax=right, label="share of seeds in the majority's phase")
        if majority.size <= LETTERS_UP_TO:
            for index in np.ndindex(majority.shape):
                word = "".join(diagram.letters()[index])
                left.annotate(word, (x[index[0]], y[index[1]]), ha="center", va="center", fontsize=6.5)
        for letter, ax in zip("ab", (left, right), strict=True):
            plot.label_panel(ax, letter)
            ax.xaxis.set_major_locator(MultipleLocator(1))
            ax.xaxis.set_major_formatter(StrMethodFormatter("$10^{{{x:.0f}}}$"))
    return figure


def figure_10(bounds: Bounds, train_fraction: Any) -> Figure:
    r"""RQI and accuracy of networks against their upper bounds from the training set alone.

    Args:
        bounds: of runs at one point of hyperparameters.
        train_fraction: one number per seed.
    """
    panels = (
        ("RQI", bounds.bound.quality, bounds.measured.quality),
        (r"$\widehat{\mathrm{Acc}}$", bounds.bound.accuracy, bounds.represented_accuracy),
    )
    with plot.style():
        figure, axes = plot.subplots(1, 2, width="page", height=2.8)
        for letter, ax, (name, bound, measured) in zip("ab", axes, panels, strict=True):
            scatter = ax.scatter(bound, measured, c=np.asarray(train_fraction), s=12, cmap="viridis")
            ax.plot([0, 1], [0, 1], ":", color="0.4")
            ax.set(xlabel=f"upper bound of {name}", ylabel=f"{name} of the network", aspect="equal")
            plot.label_panel(ax, letter)
        figure.colorbar(scatter, ax=axes, label=FRACTION)
    return figure


def _draw_critical(ax: Axes, critical: dict[int, float]) -> None:
    symbols = np.array(sorted(critical))
    ax.loglog(symbols, [critical[p] for p in symbols], "o", color=plot.COLOURS[0], label="$P(n_0=2)=1/2$")
    fine = np.unique(np.geomspace(symbols[0], symbols[-1], 30).astype(int))
    isolated = [_crossing(int(p)) for p in fine]
    ax.loglog(fine, isolated, "--", color=plot.COLOURS[1], label="isolated symbol")
    ax.loglog(fine, (np.log(fine) + 1.33) / fine, ":", color="0.35", label=r"$(\ln p + 1.33)/p$")
    ax.set(xlabel="number of symbols $p$", ylabel="critical training fraction $r_c$")
    ax.set_xticks(symbols, labels=[str(p) for p in symbols])
    ax.set_yticks([0.1, 0.2, 0.4, 0.8], labels=["0.1", "0.2", "0.4", "0.8"])
    ax.minorticks_off()
    ax.legend(loc="lower left")


def _best_member(system: ToyRepresentation, start: Start, training: Training) -> tuple[TrainingLoss, ToyNetwork]:
    member = int(np.argmax(training.accuracy))
    choose = lambda leaf: jnp.asarray(leaf[member])
    mask, templates, network = jax.tree.map(choose, (start.train_mask, start.templates, training.networks))
    return TrainingLoss(system.task, system.loss, mask, templates, jnp.zeros((), jnp.float32)), network


def _crossing(num_symbols: int) -> float:
    return critical_fraction(num_symbols, method="isolated_symbol")


def _over_sizes(fraction: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, Estimate]:
    """Mean and error over the runs at each training fraction."""
    sizes = np.unique(fraction)
    groups = [over_members(values[fraction == size]) for size in sizes]
    return sizes, Estimate(np.array([g.mean for g in groups]), np.array([g.error for g in groups]))
