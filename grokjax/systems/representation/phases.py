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
from jaxtyping import Array, Bool, Float, Int, Key

from ..._checks import argument_error, check_at_least
from ...hitting_time import NEVER
from ...phases import PhaseDiagram
from ...statistics import over_members
from ...status import Status, choose_status
from .experiment import Training, simulate
from .system import ToyRepresentation
from .tasks import AbstractTask


class Phase(enum.IntEnum):
    """Labels of the phases."""

    COMPREHENSION = 0
    GROKKING = 1
    MEMORISATION = 2
    CONFUSION = 3
    UNCLASSIFIED = 4


PHASES = tuple(phase.name.lower() for phase in Phase)


def classify(
    train_step: Int[np.ndarray, "*grid"], validation_step: Int[np.ndarray, "*grid"], *, lag_threshold: float = 1000
) -> Int[np.ndarray, "*grid"]:
    """The phase of each run from its two hitting times (-1 for never).

    Args:
        train_step: $t_{\\mathrm{tr}}$.
        validation_step: $t_{\\mathrm{va}}$.
        lag_threshold: a validation lag of this many steps or more is grokking.

    Raises:
        ValueError: the threshold is negative.
    """
    check_at_least("lag_threshold", lag_threshold, 0)
    train_step, validation_step = np.asarray(train_step), np.asarray(validation_step)
    trained, validated = train_step != NEVER, validation_step != NEVER
    prompt = validation_step - train_step < lag_threshold
    conditions = [trained & validated & prompt, trained & validated, trained & ~validated, ~trained & ~validated]
    return np.select(conditions, [int(phase) for phase in list(Phase)[:4]], int(Phase.UNCLASSIFIED))


class TrainingPhaseDiagram(eqx.Module):
    """Phases of trained networks on a grid of (decoder rate, weight decay), one layer per seed.

    Attributes:
        decoder_rates: first axis.
        weight_decays: second axis.
        phase: integer label of each run, a `Phase`.
        training: hitting times and final accuracies of each run.
    """

    decoder_rates: Float[np.ndarray, " rates"]
    weight_decays: Float[np.ndarray, " decays"]
    phase: Int[np.ndarray, "rates decays seeds"]
    training: Training

    @property
    def train_step(self) -> Int[np.ndarray, "rates decays seeds"]:
        """First step with training accuracy at its threshold; -1 if never."""
        return self.training.train_step

    @property
    def validation_step(self) -> Int[np.ndarray, "rates decays seeds"]:
        """First step with validation accuracy at its threshold; -1 if never."""
        return self.training.validation_step

    @property
    def train_mask(self) -> Bool[np.ndarray, "seeds samples"]:
        """The training set of each seed, as `predict` takes it."""
        return self.training.train_mask

    def probability(
        self, phase: Phase | int, *, keep: Bool[np.ndarray, "..."] | None = None
    ) -> Float[np.ndarray, "rates decays"]:
        """Fraction of the seeds in `phase`.

        Args:
            phase: which one.
            keep: runs to count, a mask that broadcasts to `phase`; the phases are comparable among seeds whose training
                set has predicted accuracy 1 (`predict(task, diagram.train_mask)`).
        """
        kept = np.ones(self.phase.shape, bool) if keep is None else np.broadcast_to(keep, self.phase.shape)
        with np.errstate(invalid="ignore"):
            return np.sum((self.phase == phase) & kept, axis=-1) / np.sum(kept, axis=-1)

    def majority(self, *, keep: Bool[np.ndarray, "..."] | None = None) -> Int[np.ndarray, "rates decays"]:
        """The most frequent phase of the seeds; of several the first in the order of `Phase`."""
        return np.argmax(np.nan_to_num([self.probability(phase, keep=keep) for phase in Phase]), axis=0)

    def agreement(self, *, keep: Bool[np.ndarray, "..."] | None = None) -> Float[np.ndarray, "rates decays"]:
        """Fraction of the seeds that show the majority's phase."""
        return np.max([self.probability(phase, keep=keep) for phase in Phase], axis=0)

    def diagram(self, *, keep: Bool[np.ndarray, "..."] | None = None) -> PhaseDiagram:
        """The majority's phases in the library's form, with order parameters averaged over seeds."""
        measured = self.training.order_parameters
        kept = ~self.training.diverged & (True if keep is None else np.broadcast_to(keep, self.phase.shape))
        average = lambda values: over_members(values, axis=-1, keep=kept)
        status = choose_status(
            (kept.any(axis=-1), Status.SOLVED),
            (self.training.diverged.all(axis=-1), Status.NOT_FINITE),
            otherwise=Status.NO_SOLUTION,
        )
        return PhaseDiagram(
            axis_names=("decoder_rate", "weight_decay"),
            axis_values=(jnp.asarray(self.decoder_rates), jnp.asarray(self.weight_decays)),
            order_parameters=jax.tree.map(average, measured),
            labels=jnp.asarray(self.majority(keep=keep)),
            status=status,
            phases=PHASES,
        )

    def without_networks(self) -> "TrainingPhaseDiagram":
        """A copy small enough to keep: everything but the trained networks."""
        return dataclasses.replace(self, training=self.training.without_networks())

    def __str__(self) -> str:
        shares = ", ".join(f"{name} {np.mean(self.phase == index):.1%}" for index, name in enumerate(PHASES))
        rates, decays, seeds = self.phase.shape
        return f"TrainingPhaseDiagram({rates} rates x {decays} decays x {seeds} seeds; {shares})"

    def letters(self) -> np.ndarray:
        """C, G, M, X or U for each run: a row of seeds is a word."""
        return np.array(list("CGMXU"))[self.phase]


def phase_diagram(
    key: Key[Array, ""],
    task: AbstractTask,
    decoder_rates: Any,
    weight_decays: Any,
    *,
    num_seeds: int = 3,
    num_steps: int = 10_000,
    lag_threshold: float = 1000,
    system: ToyRepresentation | None = None,
    **options: Any,
) -> TrainingPhaseDiagram:
    """Train the whole grid (decoder rate x weight decay x seed) in one compiled call and name the phases.

    Args:
        key: random key.
        task: the operation.
        decoder_rates: learning rates of the decoder, 1-d.
        weight_decays: decoupled weight decays of the decoder, 1-d.
        num_seeds: splits, targets and initial networks, the same ones at every point of the grid.
        num_steps: updates; also the budget within which accuracies must be reached.
        lag_threshold: see `classify`.
        system: everything else about network and training; the paper's settings unless given.
        options: of `simulate`, such as `train_mask`, `start` or `accuracy_threshold`.

    Raises:
        ValueError: an axis is not 1-d or has a negative entry, a threshold is out of range, or as `simulate`.
    """
    check_at_least("lag_threshold", lag_threshold, 0)
    axes = {}
    for name, values in (("decoder_rates", decoder_rates), ("weight_decays", weight_decays)):
        axes[name] = np.asarray(values, float)
        if axes[name].ndim != 1 or axes[name].size == 0:
            raise argument_error(name, "a non-empty 1-d array", f"shape {axes[name].shape}", "Use numpy.geomspace.")
        check_at_least(name, axes[name], 0, "Rates and decays are not negative.")
    system = ToyRepresentation.paper(task) if system is None else system.replace(task=task)
    system = system.replace(decoder_rate=axes["decoder_rates"][:, None], weight_decay=axes["weight_decays"])
    training = simulate(key, system, num_seeds=num_seeds, num_steps=num_steps, **options)
    phase = classify(training.train_step, training.validation_step, lag_threshold=lag_threshold)
    phase = np.where(training.diverged, int(Phase.UNCLASSIFIED), phase)
    return TrainingPhaseDiagram(**axes, phase=phase, training=training)


def wilson_interval(
    fraction: Float[np.ndarray, "..."], trials: Any, z: float = 1.0
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Lower and upper end of Wilson's interval of a probability, `z` standard errors wide on each side.

    Unlike the plain binomial error it stays honest when all or none of the seeds agree.
    """
    fraction, trials = np.asarray(fraction, float), np.asarray(trials, float)
    centre = (fraction + z**2 / (2 * trials)) / (1 + z**2 / trials)
    half = z / (1 + z**2 / trials) * np.sqrt(fraction * (1 - fraction) / trials + z**2 / (4 * trials**2))
    return centre - half, centre + half
