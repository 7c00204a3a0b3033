r"""The four phases of toy grokking, and their diagram over learning rate and weight decay from one compiled call.

With $t_{\mathrm{tr}}$, $t_{\mathrm{va}}$ the first steps with 90 % training and validation accuracy:

| phase | training reached | validation reached | $t_{\mathrm{va}}-t_{\mathrm{tr}} < 1000$ |
|---|---|---|---|
| comprehension | yes | yes | yes |
| grokking | yes | yes | no |
| memorisation | yes | no | |
| confusion | no | no | |
| unclassified | no | yes | |

The paper's table has no name for the last row (it happens, rarely); diverged runs are put there, too.

References:
    arXiv:2205.10343, Table 1 and Fig. 6.
"""

import dataclasses
import enum
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key, Shaped

from ..._checks import argument_error, check_at_least
from ..._doors import flat
from ...driver import simulate
from ...ensemble import Compute, Schedule
from ...experiment import Design
from ...phases import PhaseDiagram
from ...results import Run, member_estimate
from ...status import Status, choose_status
from .experiment import Training
from .order_parameters import OrderParameters
from .system import ToyRepresentation
from .tasks import AbstractTask


class Phase(enum.IntEnum):
    """Labels of the phases.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> rep.Phase(1).name
        'GROKKING'
    """

    COMPREHENSION = 0
    GROKKING = 1
    MEMORISATION = 2
    CONFUSION = 3
    UNCLASSIFIED = 4


PHASES = tuple(phase.name.lower() for phase in Phase)


def classify(
    train_step: Shaped[np.ndarray, "*grid"],
    validation_step: Shaped[np.ndarray, "*grid"],
    *,
    lag_threshold: float = 1000,
) -> Int[np.ndarray, "*grid"]:
    r"""The phase of each run from its two hitting times, -1 or NaN for never.

    Args:
        train_step: $t_{\mathrm{tr}}$.
        validation_step: $t_{\mathrm{va}}$.
        lag_threshold: a validation lag of this many steps or more is grokking.

    Raises:
        ValueError: the threshold is negative.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> phase = rep.classify(np.array([10.0, 10.0, np.nan]), np.array([20.0, 5000.0, np.nan]))
        >>> [rep.PHASES[index] for index in phase]
        ['comprehension', 'grokking', 'confusion']
    """
    check_at_least("lag_threshold", lag_threshold, 0)
    train_step, validation_step = np.asarray(train_step), np.asarray(validation_step)
    trained, validated = train_step >= 0, validation_step >= 0
    prompt = validation_step - train_step < lag_threshold
    conditions = [trained & validated & prompt, trained & validated, trained & ~validated, ~trained & ~validated]
    return np.select(conditions, [int(phase) for phase in list(Phase)[:4]], int(Phase.UNCLASSIFIED))


class TrainingPhaseDiagram(eqx.Module):
    """A sweep over two fields seen as phases: those of every seed, and `diagram` of their majority.

    A method's `keep` are the runs to count, a mask that broadcasts to `phase`. Phases are comparable among seeds whose
    training set has predicted accuracy 1 (`predict(task, train_masks(diagram.run))`).

    Attributes:
        run: with the axes (first field, second field, seed).
        axis_names: of the two fields.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> options = {"num_members": 2, "num_steps": 24, "progress": False}
        >>> diagram = rep.phase_diagram(jax.random.key(0), rep.Addition(5), [1e-4, 1e-3], [0.0, 1.0], **options)
        >>> diagram.phase.shape, diagram.majority().shape
        ((2, 2, 2), (2, 2))
    """

    run: Run
    axis_names: tuple[str, str] = eqx.field(static=True, default=("decoder_rate", "weight_decay"))

    @property
    def phase(self) -> Int[np.ndarray, "*grid seeds"]:
        """The `Phase` of each run."""
        steps, lag = self.run.members, self.run.experiment.lag_threshold
        phase = classify(steps.train_step, steps.validation_step, lag_threshold=lag)
        return np.where(np.asarray(self.run.diverged), int(Phase.UNCLASSIFIED), phase)

    def probability(
        self, phase: Phase | int, *, keep: Bool[np.ndarray, "..."] | None = None
    ) -> Float[np.ndarray, "rates decays"]:
        """Share of the seeds in `phase`."""
        phases = self.phase
        kept = np.broadcast_to(True if keep is None else keep, phases.shape)
        with np.errstate(invalid="ignore"):
            return np.sum((phases == phase) & kept, axis=-1) / np.sum(kept, axis=-1)

    def majority(self, *, keep: Bool[np.ndarray, "..."] | None = None) -> Int[np.ndarray, "rates decays"]:
        """The most frequent phase of the seeds; of several the first in the order of `Phase`."""
        return np.argmax(np.nan_to_num([self.probability(phase, keep=keep) for phase in Phase]), axis=0)

    def agreement(self, *, keep: Bool[np.ndarray, "..."] | None = None) -> Float[np.ndarray, "rates decays"]:
        """Share of the seeds that show the majority's phase."""
        return np.max([self.probability(phase, keep=keep) for phase in Phase], axis=0)

    def diagram(self, *, keep: Bool[np.ndarray, "..."] | None = None) -> PhaseDiagram:
        """The majority's phases in the library's form, with order parameters averaged over seeds."""
        kept = ~np.asarray(self.run.diverged) & (True if keep is None else keep)
        average = lambda values: member_estimate(self.run.layout, values, ~kept)
        system = self.run.system
        status = choose_status(
            (kept.any(axis=-1), Status.SOLVED),
            (np.asarray(self.run.diverged).all(axis=-1), Status.NOT_FINITE),
            otherwise=Status.NO_SOLUTION,
        )
        return PhaseDiagram(
            axis_names=self.axis_names,
            axis_values=tuple(jnp.ravel(getattr(system, name)) for name in self.axis_names),
            order_parameters=jax.tree.map(average, self.run.members),
            labels=jnp.asarray(self.majority(keep=keep)),
            status=status,
            phases=PHASES,
        )

    def without_states(self) -> "TrainingPhaseDiagram":
        """A copy small enough to keep: everything but the trained networks."""
        return dataclasses.replace(self, run=self.run.without_states())

    def __repr__(self) -> str:
        phase = self.phase
        shares = ", ".join(f"{name} {np.mean(phase == index):.1%}" for index, name in enumerate(PHASES))
        sizes = [*phase.shape]
        words = [*(f"{name.replace('_', ' ')}s" for name in self.axis_names), "seeds"]
        grid = " x ".join(f"{size} {word}" for size, word in zip(sizes, words, strict=True))
        return f"TrainingPhaseDiagram({grid}; {shares})"


def _phase_diagram(
    key: Key[Array, ""],
    task: AbstractTask,
    decoder_rates: Any,
    weight_decays: Any,
    *,
    system: ToyRepresentation | None = None,
    experiment: Training,
    design: Design,
    schedule: Schedule,
    compute: Compute,
) -> TrainingPhaseDiagram:
    """Train the whole grid (decoder rate x weight decay x seed) in one compiled call and name the phases.

    The fields of `Training`, `Design`, `Schedule` and `Compute` are keywords, too: `num_members=3`, splits, targets
    and first networks, the same ones at every point of the grid; `num_steps=10_000`, also the budget within which
    accuracies must be reached; `train_mask`, `accuracy_threshold`, `lag_threshold`.

    Args:
        key: random key.
        task: the operation.
        decoder_rates: learning rates of the decoder, 1-d.
        weight_decays: decoupled weight decays of the decoder, 1-d.
        system: everything else about network and training; the paper's settings unless given.
        experiment: see `Training`.
        design: see `grokjax.Design`.
        schedule: see `grokjax.Schedule`.
        compute: see `grokjax.Compute`.

    Raises:
        ValueError: an axis is not 1-d or has a negative entry, a keyword is not known, or as `simulate`.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> options = {"num_members": 2, "num_steps": 24, "progress": False}
        >>> diagram = rep.phase_diagram(jax.random.key(0), rep.Addition(5), [1e-4, 1e-3], [0.0, 1.0], **options)
        >>> diagram
        TrainingPhaseDiagram(2 decoder rates x 2 weight decays x 2 seeds; ...confusion 100.0%...)
    """
    axes = {"decoder_rates": decoder_rates, "weight_decays": weight_decays}
    return _on_grid(key, task, axes, system, experiment, design=design, schedule=schedule, compute=compute)


def _rate_diagram(
    key: Key[Array, ""],
    task: AbstractTask,
    embedding_rates: Any,
    decoder_rates: Any,
    *,
    system: ToyRepresentation | None = None,
    experiment: Training,
    design: Design,
    schedule: Schedule,
    compute: Compute,
) -> TrainingPhaseDiagram:
    """The phases over the two learning rates, embedding x decoder, of figure 6a; keywords are those of `phase_diagram`.

    Args:
        key: random key.
        task: the operation.
        embedding_rates: learning rates of the embeddings, 1-d.
        decoder_rates: learning rates of the decoder, 1-d.
        system: everything else, its weight decay too; the paper's settings unless given.
        experiment: see `Training`.
        design: see `grokjax.Design`.
        schedule: see `grokjax.Schedule`.
        compute: see `grokjax.Compute`.

    Raises:
        ValueError: as `phase_diagram`.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> options = {"num_members": 2, "num_steps": 24, "progress": False}
        >>> diagram = rep.rate_diagram(jax.random.key(0), rep.Addition(5), [1e-4, 1e-3], [1e-4, 1e-3], **options)
        >>> diagram.axis_names
        ('embedding_rate', 'decoder_rate')
    """
    axes = {"embedding_rates": embedding_rates, "decoder_rates": decoder_rates}
    return _on_grid(key, task, axes, system, experiment, design=design, schedule=schedule, compute=compute)


def _on_grid(
    key: Key[Array, ""],
    task: AbstractTask,
    axes: dict[str, Any],
    system: ToyRepresentation | None,
    experiment: Training,
    **groups: Any,
) -> TrainingPhaseDiagram:
    """Train on the grid of two fields, each named in the plural."""
    for name, given in axes.items():
        values = np.asarray(given, float)
        if values.ndim != 1 or values.size == 0:
            raise argument_error(name, "a non-empty 1-d array", f"shape {values.shape}", "Use numpy.geomspace.")
        check_at_least(name, values, 0, "Rates and decays are not negative.")
    (first, rows), (second, columns) = ((name.removesuffix("s"), np.asarray(v, float)) for name, v in axes.items())
    system = ToyRepresentation.paper(task) if system is None else system.replace(task=task)
    system = system.replace(**{first: rows[:, None], second: columns})
    return TrainingPhaseDiagram(simulate(key, system, experiment, **groups), (first, second))


_GROUPS = {"experiment": Training(), "design": Design(), "schedule": Schedule(), "compute": Compute()}
phase_diagram = flat(_phase_diagram, name="phase_diagram", **_GROUPS)
"""The door of `_phase_diagram`."""
rate_diagram = flat(_rate_diagram, name="rate_diagram", **_GROUPS)
"""The door of `_rate_diagram`."""


def share_within_bounds(bound: OrderParameters, run: Run) -> OrderParameters:
    r"""Share of the runs that respect each upper bound of their training sets; diverged runs are left out.

    RQI counts parallelograms that close *approximately*, and a wrong prediction may be right by luck, so single runs
    may exceed what is a bound for exact structures only. The accuracy that the theory predicts bounds both that of a
    network and the one its representation predicts.

    Args:
        bound: `predict(task, train_masks(run)).order_parameters`.
        run: at one point or on a grid.

    References:
        arXiv:2205.10343, appendix E, Fig. 10.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> bound = rep.predict(system.task, rep.train_masks(run))
        >>> share = rep.share_within_bounds(bound.order_parameters, run)
        >>> 0 <= share.quality <= 1
        True
    """
    kept = ~np.asarray(run.diverged)
    within = lambda found, highest: float(np.mean((found <= np.asarray(highest, float) + 1e-6)[kept]))
    return OrderParameters(
        quality=within(run.members.quality, bound.quality),
        accuracy=within(run.members.accuracy, bound.accuracy),
        structured=within(run.members.structured, bound.structured),
        represented_accuracy=within(run.members.represented_accuracy, bound.accuracy),
    )
