r"""The initial values of the released runs, drawn without torch.

The authors seed two generators with one integer: numpy's for targets and split, torch's for the network. Both are
MT19937. A torch float is $u = (x \bmod 2^{24})\,2^{-24}$ of a 32-bit output $x$, mapped to $u(b-a)+a$ in float32.

References:
    The code released with arXiv:2205.10343 (MIT licence); this reproduces its random streams, not its text.
"""

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ..._checks import argument_error, check_choice
from .experiment import Seeds
from .system import Decoder, ToyNetwork, ToyRepresentation
from .tasks import check_sum_task
from .training_sets import check_train_size, default_train_size


ORDERS = ("rerun", "published")


def released_start(
    system: ToyRepresentation, seeds: Sequence[int], *, train_size: int | None = None, order: str = "rerun"
) -> Seeds:
    """Splits, targets and networks of the authors' seeds, bit by bit: `simulate(key, system, seeds=...)`.

    Args:
        system: a sum of symbols; sizes must be theirs to reproduce their runs.
        seeds: their seeds, such as 58.
        train_size: samples per training set, 9/11 of all unless given.
        order: of the draws: "rerun", the released script; "published", the older one behind Fig. 6b and 6c.

    Raises:
        ValueError: the task is not a sum, no seed is given, or the order is unknown.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> system = rep.ToyRepresentation(task=rep.Addition(5))
        >>> start = rep.released_start(system, [58])
        >>> int(start.train_mask.sum()), float(abs(start.networks.embedding).max()) <= 0.5
        (12, True)
    """
    check_sum_task(system.task)
    check_choice("order", order, ORDERS)
    size = check_train_size(system.task, default_train_size(system.task) if train_size is None else train_size)
    if not len(seeds):
        raise argument_error("seeds", "at least one whole number", seeds, "The paper's is 58.")
    starts = [_one_start(system, seed, size, order) for seed in seeds]
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *starts)


def _one_start(system: ToyRepresentation, seed: int, train_size: int, order: str) -> Seeds:
    task = system.task
    stream = np.random.RandomState(seed)
    outputs = system.decoder_sizes[-1]
    templates = np.eye(task.num_classes, outputs)
    if order == "published":
        stream.normal(0, 1, (task.num_symbols, outputs))
    if order == "rerun" or system.loss == "mse":
        templates = stream.normal(0, 1, (task.num_classes, outputs))
    mask = np.zeros(task.num_samples, bool)
    mask[stream.choice(task.num_samples, train_size, replace=False)] = True

    draw = _TorchUniform(seed)
    if order == "published":
        draw.decoder((10, 200, 200, 1))
        decoder = draw.decoder(system.decoder_sizes)
        embedding = draw.uniform(task.embedding_shape(system.embedding_dim), 0.0, 1.0)
    else:
        embedding = draw.uniform(task.embedding_shape(system.embedding_dim), 0.0, 1.0)
        decoder = draw.decoder(system.decoder_sizes)
    network = ToyNetwork(jnp.asarray(embedding - np.float32(0.5)), decoder)
    return Seeds(jnp.asarray(mask), jnp.asarray(templates, jnp.float32), network)


class _TorchUniform:
    """Torch's CPU stream of uniform float32 numbers."""

    def __init__(self, seed: int):
        self.generator = np.random.RandomState(seed)._bit_generator

    def uniform(self, shape: tuple[int, ...], low: float, high: float) -> np.ndarray:
        bits = self.generator.random_raw(int(np.prod(shape))) & (2**24 - 1)
        unit = bits.astype(np.float32) * np.float32(2.0**-24)
        return (unit * np.float32(high - low) + np.float32(low)).reshape(shape)

    def decoder(self, sizes: tuple[int, ...]) -> Decoder:
        weights, biases = [], []
        for fan_in, fan_out in itertools.pairwise(sizes):
            bound = fan_in**-0.5
            weights.append(jnp.asarray(self.uniform((fan_out, fan_in), -bound, bound)))
            biases.append(jnp.asarray(self.uniform((fan_out,), -bound, bound)))
        return Decoder(tuple(weights), tuple(biases))
