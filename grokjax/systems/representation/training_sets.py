"""Random training sets: which samples a network sees, and which are kept for validation."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Key

from ..._checks import argument_error, check_whole
from .tasks import AbstractTask


def check_train_size(task: AbstractTask, train_size: int) -> int:
    """`train_size` as an `int`, or an error unless it leaves samples on both sides of the split."""
    size = check_whole("train_size", train_size, 1, "An empty training set teaches nothing.")
    if size >= task.num_samples:
        raise argument_error("train_size", f"below {task.num_samples}", size, "Leave samples for validation.")
    return size


def random_training_sets(
    key: Key[Array, ""], task: AbstractTask, train_size: int, num_sets: int
) -> Bool[Array, "sets samples"]:
    """Uniformly random training sets of `train_size` samples.

    Raises:
        ValueError: the training set would be empty or leave nothing for validation.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> masks = rep.random_training_sets(jax.random.key(0), rep.Addition(num_symbols=10), 45, 7)
        >>> masks.shape, masks.sum(axis=1).tolist()
        ((7, 55), [45, 45, 45, 45, 45, 45, 45])
    """
    row = jnp.arange(task.num_samples) < check_train_size(task, train_size)
    rows = jnp.broadcast_to(row, (check_whole("num_sets", num_sets), task.num_samples))
    return jax.random.permutation(key, rows, axis=1, independent=True)


def training_sets_of_sizes(
    key: Key[Array, ""], task: AbstractTask, train_sizes: Sequence[int], num_sets: int
) -> Bool[Array, "sets samples"]:
    """`num_sets` random training sets of each size, one size after the other.

    Raises:
        ValueError: as `random_training_sets`, or no size is given.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> rep.training_sets_of_sizes(jax.random.key(0), task, [3, 6], 2).sum(axis=1).tolist()
        [3, 3, 6, 6]
    """
    if not len(train_sizes):
        raise argument_error("train_sizes", "at least one size", train_sizes, "Try [20, 30, 40].")
    keys = jax.random.split(key, len(train_sizes))
    sets = [random_training_sets(key, task, size, num_sets) for key, size in zip(keys, train_sizes, strict=True)]
    return jnp.concatenate(sets)


def default_train_size(task: AbstractTask) -> int:
    """The paper's split: 45 of 55 for sums, 24 of 36 for permutations, and their proportions at other sizes."""
    ordered = task.num_samples == task.num_symbols**2
    return check_train_size(task, round(task.num_samples * (2 / 3 if ordered else 9 / 11)))
