r"""The road of simulation: train ensembles of networks by two Adams, and see when they memorise and generalise.

A *seed* fixes the split into training and validation samples, the targets and the initial network; it is the same at
every point of a sweep, as in the paper. Accuracies and RQI are read after every step, from the forward pass that
training needs anyway, and only the first step at which each reaches its threshold is kept. Nothing here knows the
theory.

References:
    arXiv:2205.10343, section 4 and appendix G.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from ..._checks import argument_error, check_at_least, check_fraction, check_instance, check_whole
from ...driver import door
from ...experiment import AbstractExperiment, Problem, Settings
from ...observables import NEVER, AbstractObservable, HittingTime, Series
from ...parameters import sweep_shape
from ...results import Run
from ...samplers import GradientDescent
from ...status import Status
from .order_parameters import OrderParameters
from .system import ToyNetwork, ToyRepresentation, TrainingLoss, two_adams
from .tasks import AbstractTask, check_set_sizes
from .training_sets import default_train_size, random_training_sets


NUM_SEEDS = 3
NUM_CHUNKS = 20
SLACK = 1e-6  # float32 fractions such as 9/10 may fall short of the threshold they equal


def _as_array(value: Any) -> Any:
    return value if value is None or isinstance(value, str) else jnp.asarray(value)


class Seeds(eqx.Module):
    """Everything random about seeds, made beforehand; leading axis seed.

    Attributes:
        train_mask: which samples are trained on.
        templates: the target vector of each class.
        networks: initial networks, embeddings on the unit scale.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> seeds = rep.released_start(system, [58, 59])
        >>> seeds.train_mask.shape, seeds.networks.embedding.shape
        ((2, 15), (2, 5, 1))
    """

    train_mask: Bool[Array, "*seeds samples"]
    templates: Float[Array, "*seeds classes outputs"]
    networks: ToyNetwork


class Training(AbstractExperiment):
    """Networks trained on a part of the table; a member is a seed.

    A member's status is `REACHED` if its validation accuracy reached its threshold at some step, `NOT_FINITE` if its
    loss is no number, `OUT_OF_STEPS` otherwise. None is ever called stuck: that a network which has memorised
    generalises much later is what grokking means.

    Attributes:
        train_size: samples per training set; by default 9/11 of sums (45 of 55) and 2/3 of permutations.
        train_mask: training sets instead of random ones, one for all seeds or one per seed.
        seeds: splits, targets and networks made beforehand, instead of random ones.
        accuracy_threshold: training and validation accuracy reach it at `>=`.
        quality_threshold: RQI reaches it at `>`.
        lag_threshold: a validation accuracy that comes this many steps after the training accuracy, or more, is
            grokking (see `classify`).
        followed: whether order parameters and loss are kept at every record, and embeddings, as
            `observed["embedding"]`. Hitting times are resolved to `record_every` steps: to a single one unless
            followed.

    Raises:
        ValueError: a threshold is outside (0, 1), the lag is negative, a training set is empty or leaves nothing for
            validation, or two of `train_size`, `train_mask` and `seeds` are given.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> masks = rep.random_training_sets(jax.random.key(0), rep.Addition(5), 12, 4)
        >>> rep.Training(train_mask=masks).num_members  # one a training set
        4
    """

    train_size: int | None = eqx.field(static=True, default=None)
    train_mask: Array | None = eqx.field(converter=_as_array, default=None)
    seeds: Seeds | None = None
    accuracy_threshold: float = eqx.field(static=True, default=0.9)
    quality_threshold: float = eqx.field(static=True, default=0.95)
    lag_threshold: float = eqx.field(static=True, default=1000)
    followed: bool = eqx.field(static=True, default=False)  # pyright: ignore[reportIncompatibleVariableOverride]

    systems = ToyRepresentation
    num_steps = 10_000
    shared = "everything"

    def __check_init__(self):
        for name in ("accuracy_threshold", "quality_threshold"):
            check_fraction(name, getattr(self, name), inside=True, remedy="Thresholds are fractions.")
        check_at_least("lag_threshold", self.lag_threshold, 0)
        chosen = [name for name in ("seeds", "train_mask", "train_size") if getattr(self, name) is not None]
        for name in chosen[1:]:
            remedy = "Give one of the two."
            raise argument_error(name, f"None where `{chosen[0]}` is given", getattr(self, name), remedy)
        if self.train_mask is not None:
            check_instance("train_mask", self.train_mask, jax.Array, "See `task.pairs` for the order of the samples.")
            check_set_sizes(self.train_mask, need_split=True)

    @property
    def num_members(self) -> int:  # pyright: ignore[reportIncompatibleVariableOverride]
        """As many as seeds are given, three otherwise."""
        return self.num_given or NUM_SEEDS

    @property
    def num_given(self) -> int | None:
        """Number of seeds made beforehand, None where any number fits."""
        masks = self.train_mask if self.seeds is None else self.seeds.train_mask
        return None if masks is None or masks.ndim < 2 else len(masks)

    def for_member(self, member: Int[Array, ""], num_members: int) -> "Training":
        """With the training set, or everything else, of this seed.

        Raises:
            ValueError: the number of members is not the number of seeds given.
        """
        if self.num_given is None:
            return self
        if self.num_given != num_members:
            name = "train_mask" if self.seeds is None else "seeds"
            expected = f"one for all members, or one for each of {num_members}"
            raise argument_error(name, expected, f"{self.num_given} of them", "Change `num_members`.")
        own = lambda leaf: jnp.asarray(leaf)[member]
        made = lambda experiment: (experiment.train_mask, experiment.seeds)
        return eqx.tree_at(made, self, jax.tree.map(own, made(self)), is_leaf=lambda node: node is None)

    def draw(self, data_key: Key[Array, ""], start_key: Key[Array, ""], system: ToyRepresentation) -> Problem:
        """A split, a target vector for each class, and a network."""
        task, dtype = system.task, system.init_scale.dtype
        split_key, template_key = jax.random.split(data_key)
        if self.seeds is None:
            shape = (task.num_classes, system.decoder_sizes[-1])
            network, templates = system.random_network(start_key, dtype), jax.random.normal(template_key, shape, dtype)
            train_mask = self._train_mask(split_key, task)
        else:
            in_dtype = lambda leaf: leaf.astype(dtype)
            network, templates = jax.tree.map(in_dtype, (self.seeds.networks, self.seeds.templates))
            train_mask = self.seeds.train_mask
        task.check_train_mask(train_mask, need_split=True)
        network = ToyNetwork(network.embedding * system.init_scale, network.decoder)
        target = TrainingLoss(task, system.loss, train_mask, templates, system.embedding_penalty)
        return Problem(target, {"uniform": network})

    def measure(self, key: Key[Array, ""], problem: Problem, state: Any) -> OrderParameters:
        """Accuracies, RQI, and what the realised parallelograms predict."""
        del key
        target, network = problem.target, state.position
        realised = target.task.realised_parallelograms(network.embedding)
        reached = target.task.reachable_samples(target.train_mask, realised)
        quality = target.quality(network)
        return OrderParameters(
            quality=quality,
            accuracy=target.accuracy(network),
            structured=quality > self.quality_threshold + SLACK,
            represented_accuracy=jnp.mean(reached, dtype=quality.dtype),
            train_accuracy=target.train_accuracy(network),
            validation_accuracy=target.validation_accuracy(network),
        )

    def observables(self, problem: Problem) -> dict[str, AbstractObservable]:
        """Hitting times, and the embeddings on the way where they are followed."""
        target = problem.target
        observables: dict[str, AbstractObservable] = {
            "train": HittingTime(_Reading(target, "train_accuracy"), self.accuracy_threshold - SLACK),
            "validation": HittingTime(_Reading(target, "validation_accuracy"), self.accuracy_threshold - SLACK),
            "structure": HittingTime(_Reading(target, "quality"), self.quality_threshold + SLACK),
        }
        return observables | {"embedding": Series(_embedding)} if self.followed else observables

    def summarise(self, averages: OrderParameters, observed: dict[str, Any]) -> OrderParameters:
        """With the steps at which thresholds were reached."""
        step = lambda name: np.where(observed[name] == NEVER, np.nan, observed[name] - 1.0)
        return dataclasses.replace(
            averages,
            train_step=step("train"),
            validation_step=step("validation"),
            structure_step=step("structure"),
        )

    def outcome(self, measured: OrderParameters, observed: dict[str, Any]) -> np.ndarray:
        """Whether the validation accuracy reached its threshold."""
        del measured
        return np.where(observed["validation"] == NEVER, int(Status.OUT_OF_STEPS), int(Status.REACHED))

    def sampler(self, key: Key[Array, ""], system: ToyRepresentation) -> GradientDescent:
        """Adam for the embeddings, AdamW for the decoder."""
        del key
        names = ("embedding_rate", "decoder_rate", "weight_decay", "embedding_decay")
        return GradientDescent(two_adams, **{name: getattr(system, name) for name in names})

    def prepared(self, system: ToyRepresentation, settings: Settings) -> tuple[Any, ToyRepresentation, Settings]:
        """A look at every step, and twenty looks of the host, unless the user says otherwise."""
        schedule = settings.schedule
        every = 1 if schedule.record_every is None and not self.followed else schedule.record_every
        schedule = dataclasses.replace(schedule, record_every=every, num_chunks=schedule.num_chunks or NUM_CHUNKS)
        return self, system, settings._replace(schedule=schedule)

    def _train_mask(self, key: Key[Array, ""], task: AbstractTask) -> Array:
        if self.train_mask is not None:
            return self.train_mask
        size = default_train_size(task) if self.train_size is None else self.train_size
        return random_training_sets(key, task, size, 1)[0]


simulate = door(
    Training(),
    """Train every point of a sweep with every seed, all members in one compiled call.

    `simulate(key, system, num_members=3, num_steps=10_000, ...)`: keywords are those of `grokjax.simulate` and the
    fields of `Training`.

    The sweep is the common broadcast shape of the parameters of `system`: give `decoder_rate` the shape (rates, 1) and
    `weight_decay` the shape (decays,), and results have the axes (rate, decay, member). Other values of the same shape
    do not compile again.

    Args:
        key: random key of splits, targets and networks.
        system: the parameters, scalars or arrays.

    Returns:
        A `Run` of `OrderParameters`; `run.members` has them member by member.

    Raises:
        ValueError: a keyword is not known, or as `Training`.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> run.status.shape
        (2,)
    """,
)


def trained(run: Run) -> tuple[TrainingLoss, ToyNetwork]:
    """What a run trained and the networks it ended with, both with the axes (*sweep, member) on every array.

    Raises:
        ValueError: the run is a copy without its states.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> target, network = rep.trained(run)
        >>> network.embedding.shape
        (2, 5, 1)
    """
    if run.problem is None or run.layout is None:
        raise argument_error("run", "one with its problems and states", "a copy without them", "Use the whole run.")
    return run.layout.fold((run.problem.target, run.ensemble.states.position))


def train_masks(run: Run) -> Bool[np.ndarray, "members samples"]:
    """The training set of each seed, as `predict` takes it; the same at all points of a sweep.

    Raises:
        ValueError: the run is a copy without its states.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> run = rep.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> rep.train_masks(run).sum(axis=1).tolist()  # of 15
        [12, 12]
    """
    masks = trained(run)[0].train_mask
    return np.asarray(masks).reshape(-1, *masks.shape[-2:])[0]


def trajectory(
    system: ToyRepresentation, seeds: Seeds, *, num_steps: int = 2000, record_every: int = 10
) -> Float[np.ndarray, "seeds records symbols ..."]:
    """The embeddings along the training of each seed, at the start and then every `record_every` steps.

    Args:
        system: one point.
        seeds: with their first networks.
        num_steps: updates.
        record_every: steps between records.

    Raises:
        ValueError: `system` is swept, or a size is not a whole number.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> seeds = rep.released_start(system, [58])
        >>> rep.trajectory(system, seeds, num_steps=20, record_every=10).shape  # the start, and two records
        (1, 3, 5, 1)
    """
    if sweep_shape(system):
        grid = f"a grid of shape {sweep_shape(system)}"
        raise argument_error("system", "one point", grid, "Take one value of each field.")
    run = simulate(
        jax.random.key(0),
        system,
        seeds=seeds,
        followed=True,
        num_steps=check_whole("num_steps", num_steps),
        record_every=check_whole("record_every", record_every),
        progress=False,
    )
    first = np.asarray(seeds.networks.embedding * system.init_scale.astype(jnp.float32))
    return np.concatenate([first[:, None], run.observed["embedding"]], axis=1)


def _embedding(key: Any, state: Any) -> Float[Array, "symbols ..."]:
    return state.position.embedding


class _Reading(eqx.Module):
    """One of the target's readings of a network, as a measurement."""

    target: TrainingLoss
    name: str = eqx.field(static=True)

    def __call__(self, key, state):
        return getattr(self.target, self.name)(state.position)
