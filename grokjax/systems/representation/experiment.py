r"""The experiment's road: train an ensemble over any grid of hyperparameters and many seeds in one compiled call.

A *seed* fixes the split into training and validation samples, the targets and the initial network; it is the same at
every point of the grid, as in the paper. Accuracies and RQI are read after every step, from the forward pass that
training needs anyway, and only the first step at which each reaches its threshold is kept.

Steps are numbered from 0: step $t$ is the state after $t+1$ updates.

References:
    arXiv:2205.10343, section 4 and appendix G.
"""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, Key

from ... import ensemble
from ..._checks import argument_error, check_whole, is_concrete
from ...observables import NEVER, HittingTime, Series
from ...samplers import GradientDescent
from .order_parameters import OrderParameters
from .start import Start, random_start
from .system import ToyNetwork, ToyRepresentation, TrainingLoss, two_adams
from .tasks import AbstractTask


_SLACK = 1e-6  # float32 fractions such as 9/10 may fall short of the threshold they equal


class Training(eqx.Module):
    """What an ensemble of trained networks shows; axes are those of the swept hyperparameters, then the seed.

    Attributes:
        train_step: first step with training accuracy at its threshold; -1 if never.
        validation_step: the same for validation accuracy.
        structure_step: the same for RQI.
        train_accuracy: at the end.
        validation_accuracy: at the end.
        accuracy: at the end, on all samples.
        quality: RQI at the end.
        represented_accuracy: $\\widehat{\\mathrm{Acc}}$ at the end, the accuracy on all samples that the realised
            parallelograms alone predict (appendix D of the paper).
        diverged: whether the loss is not finite.
        train_mask: the training set of each seed.
        networks: the trained networks, or None once dropped.
        quality_threshold: what RQI must exceed.
        num_steps: length of the training.
        seconds: wall time, compilation included.
    """

    train_step: Int[np.ndarray, "*grid seeds"]
    validation_step: Int[np.ndarray, "*grid seeds"]
    structure_step: Int[np.ndarray, "*grid seeds"]
    train_accuracy: Float[np.ndarray, "*grid seeds"]
    validation_accuracy: Float[np.ndarray, "*grid seeds"]
    accuracy: Float[np.ndarray, "*grid seeds"]
    quality: Float[np.ndarray, "*grid seeds"]
    represented_accuracy: Float[np.ndarray, "*grid seeds"]
    diverged: Bool[np.ndarray, "*grid seeds"]
    train_mask: Bool[np.ndarray, "seeds samples"]
    networks: ToyNetwork | None
    quality_threshold: float = eqx.field(static=True)
    num_steps: int = eqx.field(static=True)
    seconds: float = eqx.field(static=True)

    def without_networks(self) -> "Training":
        """A copy small enough to keep: everything but the trained networks."""
        return dataclasses.replace(self, networks=None)

    @property
    def order_parameters(self) -> OrderParameters:
        """Per member, in the form of the theory's upper bounds; diverged members are NaN."""
        kept = lambda values: np.where(self.diverged, np.nan, values)
        return OrderParameters(
            kept(self.quality), kept(self.accuracy), kept(self.quality > self.quality_threshold + _SLACK)
        )


def simulate(
    key: Key[Array, ""],
    system: ToyRepresentation,
    *,
    num_seeds: int = 3,
    num_steps: int = 10_000,
    train_size: int | None = None,
    train_mask: Bool[Array | np.ndarray, "..."] | None = None,
    start: Start | None = None,
    accuracy_threshold: float = 0.9,
    quality_threshold: float = 0.95,
    record_every: int = 1,
    progress: bool = True,
) -> Training:
    """Train every point of a grid with every seed, all members in one compiled call.

    The grid is the common broadcast shape of the leaves of `system`: give `decoder_rate` the shape (rates, 1) and
    `weight_decay` the shape (decays,), and results have the axes (rate, decay, seed). Other values of the same shape
    do not compile again.

    Args:
        key: random key of splits, targets and networks.
        system: the parameters, scalars or arrays.
        num_seeds: seeds at each point.
        num_steps: updates.
        train_size: see `random_start`.
        train_mask: see `random_start`.
        start: splits, targets and networks made beforehand, instead of the arguments above.
        accuracy_threshold: training and validation accuracy reach it at `>=`.
        quality_threshold: RQI reaches it at `>`.
        record_every: steps between looks at the accuracies; hitting times are resolved to this.
        progress: whether to show a progress bar.

    Raises:
        ValueError: a threshold is outside (0, 1), or as `random_start`.
    """
    check_threshold("accuracy_threshold", accuracy_threshold)
    check_threshold("quality_threshold", quality_threshold)
    num_steps = check_whole("num_steps", num_steps)
    if start is None:
        start = random_start(key, system, num_seeds=num_seeds, train_size=train_size, train_mask=train_mask)
    grid, members = _members(system, start)
    target, networks = members.target, members.networks
    run = ensemble.run(
        key,
        GradientDescent(two_adams, **members.hyperparameters),
        target,
        networks,
        num_steps=num_steps,
        num_chunks=max(chunks for chunks in range(1, 21) if num_steps % chunks == 0),
        record_every=record_every,
        observables={
            "train": HittingTime(_TrainAccuracy(target), accuracy_threshold - _SLACK),
            "validation": HittingTime(_ValidationAccuracy(target), accuracy_threshold - _SLACK),
            "structure": HittingTime(_Quality(target.task), quality_threshold + _SLACK),
        },
        progress=progress,
        label="training",
    )
    shape = (*grid, start.num_seeds)
    on_grid = lambda values: np.asarray(values).reshape(shape + np.shape(values)[1:])
    step = lambda name: on_grid(np.where(run.results[name] == NEVER, NEVER, run.results[name] - 1))
    train_accuracy, validation_accuracy, accuracy, quality, represented = jax.device_get(
        _read_off(target, run.states.position)
    )
    return Training(
        train_step=step("train"),
        validation_step=step("validation"),
        structure_step=step("structure"),
        train_accuracy=on_grid(train_accuracy),
        validation_accuracy=on_grid(validation_accuracy),
        accuracy=on_grid(accuracy),
        quality=on_grid(quality),
        represented_accuracy=on_grid(represented),
        diverged=on_grid(run.diverged),
        train_mask=np.asarray(start.train_mask),
        networks=jax.tree.map(on_grid, jax.device_get(run.states.position)),
        quality_threshold=quality_threshold,
        num_steps=run.num_steps,
        seconds=float(run.chunk_seconds.sum()),
    )


def trajectory(
    system: ToyRepresentation, start: Start, *, num_steps: int = 2000, record_every: int = 10
) -> Float[np.ndarray, "seeds records symbols ..."]:
    """The embeddings along the training of each seed, at the start and then every `record_every` steps.

    Raises:
        ValueError: `system` is swept, or a size is not a whole number.
    """
    grid, members = _members(system, start)
    if grid:
        raise argument_error("system", "one point", f"a grid of shape {grid}", "Take one value of each field.")
    run = ensemble.run(
        jax.random.key(0),
        GradientDescent(two_adams, **members.hyperparameters),
        members.target,
        members.networks,
        num_steps=num_steps,
        num_chunks=1,
        record_every=record_every,
        observables={"embedding": Series(_embedding)},
        progress=False,
    )
    return np.concatenate([np.asarray(members.networks.embedding)[:, None], run.results["embedding"]], axis=1)


def check_threshold(name: str, value: float) -> None:
    """Raise unless `value` lies inside (0, 1)."""
    if not is_concrete(value) or not 0 < float(value) < 1:
        raise argument_error(name, "inside (0, 1)", value, "Thresholds are fractions.")


class _Members(eqx.Module):
    target: TrainingLoss
    networks: ToyNetwork
    hyperparameters: dict[str, Array]


def _members(system: ToyRepresentation, start: Start) -> tuple[tuple[int, ...], _Members]:
    """The shape of the grid, and everything in it with one flat axis member."""
    names = ("embedding_rate", "decoder_rate", "weight_decay", "embedding_decay", "init_scale", "embedding_penalty")
    leaves = {name: np.asarray(getattr(system, name), np.float32) for name in names}
    try:
        grid = np.broadcast_shapes(*(leaf.shape for leaf in leaves.values()))
    except ValueError:
        shapes = {name: leaf.shape for name, leaf in leaves.items()}
        raise argument_error("system", "of leaves that broadcast", shapes, "Give axes of length 1.") from None
    shape = (*grid, start.num_seeds)
    flat = {name: jnp.asarray(np.broadcast_to(leaf[..., None], shape).reshape(-1)) for name, leaf in leaves.items()}
    repeats = int(np.prod(grid))
    tile = lambda leaf: jnp.tile(leaf, (repeats,) + (1,) * (leaf.ndim - 1))
    mask, templates, networks = jax.tree.map(tile, (start.train_mask, start.templates, start.networks))
    scale = flat.pop("init_scale").reshape((-1,) + (1,) * (networks.embedding.ndim - 1))
    networks = eqx.tree_at(lambda network: network.embedding, networks, networks.embedding * scale)
    target = TrainingLoss(system.task, system.loss, mask, templates, flat.pop("embedding_penalty"))
    return grid, _Members(target, networks, flat)


def _embedding(key, state):
    return state.position.embedding


class _TrainAccuracy(eqx.Module):
    target: TrainingLoss

    def __call__(self, key, state):
        return self.target.train_accuracy(state.position)


class _ValidationAccuracy(eqx.Module):
    target: TrainingLoss

    def __call__(self, key, state):
        return self.target.validation_accuracy(state.position)


class _Quality(eqx.Module):
    task: AbstractTask

    def __call__(self, key, state):
        return self.task.quality(state.position.embedding)


@eqx.filter_jit
def _read_off(target: TrainingLoss, networks: ToyNetwork):
    def one(target, network):
        realised = target.task.realised_parallelograms(network.embedding)
        reached = target.task.reachable_samples(target.train_mask, realised)
        return (
            target.train_accuracy(network),
            target.validation_accuracy(network),
            target.accuracy(network),
            target.task.quality(network.embedding),
            jnp.mean(reached, dtype=jnp.float32),
        )

    return eqx.filter_vmap(one)(target, networks)
