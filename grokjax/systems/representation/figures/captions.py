"""What the figures show, in words: one caption a figure, with the sizes and numbers of the results it is given."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ....results import Run
from ..experiment import train_masks
from ..goldilocks import Goldilocks
from ..phases import PHASES, TrainingPhaseDiagram, share_within_bounds
from ..theory import Prediction
from .phase_diagrams import LABELS, LETTERS
from .theory_and_networks import best_seed, slowness, structured


QUALITY = "RQI, the representation quality index, is the share of parallelograms that close within the tolerance"


def caption_2(panels: Mapping[str, Run]) -> str:
    """Words for `figure_2`.

    Args:
        panels: as drawn.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> plane = rep.ToyRepresentation(rep.Addition(5), embedding_dim=2)
        >>> run = rep.simulate(jax.random.key(0), plane, num_members=2, num_steps=24, progress=False)
        >>> figures.caption_2({"addition": run})[:23]
        'Embeddings in the plane'
    """
    shown = []
    for title, run in panels.items():
        accuracy, best = run.members.accuracy, best_seed(run)
        most = f"{np.median(accuracy):.2f} in the median of {len(accuracy)} seeds"
        shown.append(f"{title}: accuracy {accuracy[best]:.2f} on all samples ({most}), RQI {_best(run, best):.2f}")
    return (
        "Embeddings in the plane (numbered circles) on top of the decoder's map, after figure 2 of arXiv:2205.10343. "
        "The colour at a point x is the class that the decoder gives to the input 2x, so that the mean of two symbols "
        f"lies in the region of their result. {'; '.join(shown)}. Of the seeds the most accurate one is shown. What "
        "differs from the paper, whose embeddings are an even lattice and a circle: networks generalise on curved and "
        f"on broken rows as well, where few parallelograms close. {QUALITY}."
    )


def caption_3(run: Run) -> str:
    """Words for `figure_3`.

    Args:
        run: as drawn.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> "5 symbols, 12 of 15 samples, 2 networks each, 24 steps" in figures.caption_3(run)
        True
    """
    return (
        "Accuracy on all samples against the training fraction, and what the representation alone predicts (figure 3 "
        f"of arXiv:2205.10343). {_sweep(run)} (a) Means over networks with one standard error: circles count what the "
        "network gets right, squares what follows from the training samples and the parallelograms that its "
        "embeddings close; dotted, nothing but the training samples. (b) The two against each other, one point a "
        "network."
    )


def caption_4a(run: Run, critical: Mapping[int, Any] | None = None) -> str:
    """Words for `figure_4a` with networks.

    Args:
        run: as drawn.
        critical: likewise.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> "RQI > 0.95" in figures.caption_4a(run)
        True
    """
    second = (
        " (b) Where the probability of a unique structure is 1/2 against the number of symbols p: random orders of "
        "the samples with one standard error, mostly smaller than the circles; dashed, the estimate that every symbol "
        "occurs in an equation; dotted, the law for many symbols, whose constant 1.33 is fitted (to 30 symbols and "
        "more)."
    )
    return (
        "Probability of a linear structure against the training fraction (figure 4a of arXiv:2205.10343). (a) Solid: "
        "training sets that fix a unique linear structure; dashed: those from which every sample follows; dotted: the "
        f"critical fraction. Squares: share of networks that reach RQI > {run.experiment.quality_threshold:g} within "
        f"the run, with Wilson's interval of one sigma. {_sweep(run)} Networks succeed later and less often than "
        "training sets allow; the theory is a bound and tells nothing of how often training finds what it allows. "
        f"{QUALITY}.{second if critical else ''}"
    )


CAPTION_4CD = (
    "One-dimensional embeddings on the way, ten symbols (figure 4c and 4d of arXiv:2205.10343, seed 58 of the "
    "released code). (a) The effective flow of the parallelograms of the training set, in units of its slowest rate; "
    "(b) a network trained by Adam from the same start and on the same training set. Both are standardised and end in "
    "the order of the symbols; the flow knows nothing of the decoder, and the two clocks are not compared."
)


def caption_5(run: Run, bound: Prediction) -> str:
    """Words for `figure_5` with networks.

    Args:
        run: as drawn.
        bound: likewise.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> bound = rep.predict(system.task, rep.train_masks(run))
        >>> "No network of the run reached such a structure" in figures.caption_5(run, bound)
        True
    """
    reached = structured(run, bound)
    first = (
        "The grokking rate, third eigenvalue of the parallelograms' energy, against the training fraction (figure 5 of "
        "arXiv:2205.10343). (a) Median and 10-90 % of the random training sets whose structure is unique."
    )
    if not reached.any():
        return f"{first} No network of the run reached such a structure. {_sweep(run)}"
    return (
        f"{first} (b) Steps of the {reached.sum()} networks that reached the structure against the time of the flow at "
        f"the learning rate of the embeddings. Dotted: equal; they come {slowness(run, bound):.0f} times faster in the "
        "geometric mean (dash-dotted), as a step of Adam is no step of a gradient flow. Theory tells which "
        f"come first, not when. {_sweep(run)}"
    )


def caption_6(diagram: TrainingPhaseDiagram) -> str:
    """Words for `figure_6`.

    Args:
        diagram: as drawn.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> options = {"num_members": 2, "num_steps": 24, "progress": False}
        >>> diagram = rep.phase_diagram(jax.random.key(0), rep.Addition(5), [1e-4, 1e-3], [0.0, 1.0], **options)
        >>> "2 x 2 cells, 2 seeds each, 24 steps" in figures.caption_6(diagram)
        True
    """
    phase, run = diagram.phase, diagram.run
    shares = ", ".join(f"{name} {np.mean(phase == index):.0%}" for index, name in enumerate(PHASES[:4]))
    names = " and ".join(LABELS[name].split(" $")[0] for name in diagram.axis_names)
    letters = ", ".join(f"{letter} {name}" for letter, name in zip(LETTERS, PHASES[:4], strict=False))
    rows, columns, seeds = phase.shape
    return (
        f"Phases of trained networks over {names} (after figure 6 of arXiv:2205.10343): {rows} x {columns} cells, "
        f"{seeds} seeds each, {run.ensemble.num_steps} steps; each cell is one pair of values, at its centre. (a) The "
        f"majority of the seeds, and the phase of each by its letter where there is room ({letters}); hatched where "
        "phases tie, with the colour of the first one of the legend. (b) Share of the seeds that agree with the "
        f"majority. Over all runs: {shares}. Validation {run.experiment.lag_threshold:g} or more steps after training "
        "is grokking. The paper has 1e5 steps: with fewer, slow cells count as confusion or memorisation."
    )


def caption_goldilocks(zones: Mapping[str, Goldilocks]) -> str:
    """Words for `figure_goldilocks`.

    Args:
        zones: as drawn.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> options = {"num_members": 2, "num_steps": 24, "progress": False}
        >>> diagram = rep.phase_diagram(jax.random.key(0), rep.Addition(5), [1e-4, 1e-3], [0.0, 1.0], **options)
        >>> "(0 seeds)" in figures.caption_goldilocks({"decoder rate, weight decay": rep.goldilocks(diagram)})
        True
    """
    words = "; ".join(
        f"{name}: the zone is {zone.zone} of the grid, grokking is nearer to comprehension by "
        f"{zone.nearer_comprehension} cells ({zone.num_seeds} seeds)"
        for name, zone in zones.items()
    )
    return (
        "The Goldilocks zone, counted. (a) Share of the grid in each phase, mean over seeds with one standard error; "
        "comprehension and grokking together are the zone in which a representation is learned. (b) Mean distance of "
        "the grokking cells of a seed, in cells of its grid, from the nearest cell of memorisation against that from "
        "the nearest cell of comprehension: below the dotted line grokking is closer to memorisation, as the paper "
        f"says of transformers, above it to comprehension. {words}. Seeds without one of the three phases are left "
        "out, so the difference is not resolved where fewer than two are left."
    )


def caption_10(bound: Prediction, run: Run) -> str:
    """Words for `figure_10`.

    Args:
        bound: as drawn.
        run: likewise.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> from grokjax.systems.representation import figures
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> bound = rep.predict(system.task, rep.train_masks(run))
        >>> "lie on or below the dotted line" in figures.caption_10(bound, run)
        True
    """
    within = share_within_bounds(bound.order_parameters, run)
    return (
        "(a) RQI of networks and (b) accuracy predicted from their embeddings against what their training sets imply "
        f"(figure 10 of arXiv:2205.10343). {_sweep(run)} What is implied bounds networks whose training loss is zero "
        "and whose parallelograms close exactly. RQI counts those that close approximately, so it is no bound for a "
        f"single network: {within.quality:.0%} lie on or below the dotted line in (a), "
        f"{within.represented_accuracy:.0%} in (b). {QUALITY}."
    )


def _best(run: Run, best: int) -> float:
    return float(run.members.quality[best])


def _sweep(run: Run) -> str:
    sizes, counts = np.unique(train_masks(run).sum(axis=1), return_counts=True)
    each = f"{counts[0]} networks each" if (counts == counts[0]).all() else f"{counts.sum()} networks"
    samples = ", ".join(map(str, sizes))
    return (
        f"{run.system.task.num_symbols} symbols, {samples} of {train_masks(run).shape[1]} samples, {each}, "
        f"{run.ensemble.num_steps} steps."
    )
