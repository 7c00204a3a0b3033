"""Where training starts: everything that a seed decides, made beforehand so that any of it can be chosen."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Key

from ..._checks import argument_error, check_whole
from .system import ToyNetwork, ToyRepresentation
from .training_sets import default_train_size, random_training_sets


class Start(eqx.Module):
    """Everything random about a seed, leading axis seed.

    Attributes:
        train_mask: which samples are trained on.
        templates: the target vector of each class.
        networks: initial networks, embeddings on the unit scale.
    """

    train_mask: Bool[Array, "seeds samples"]
    templates: Float[Array, "seeds classes outputs"]
    networks: ToyNetwork

    @property
    def num_seeds(self) -> int:
        """Number of seeds."""
        return len(self.train_mask)


def random_start(
    key: Key[Array, ""],
    system: ToyRepresentation,
    *,
    num_seeds: int = 3,
    train_size: int | None = None,
    train_mask: Bool[Array | np.ndarray, "..."] | None = None,
) -> Start:
    """Fresh splits, targets and networks.

    Args:
        key: random key.
        system: the parameters.
        num_seeds: how many.
        train_size: samples per training set; by default 9/11 of sums (45 of 55) and 2/3 of permutations.
        train_mask: training sets instead of random ones, one for all seeds or one per seed.

    Raises:
        ValueError: both `train_size` and `train_mask` are given, a split is empty on one side, or a size is wrong.
    """
    task = system.task
    num_seeds = check_whole("num_seeds", num_seeds)
    split_key, template_key, network_key = jax.random.split(key, 3)
    if train_mask is None:
        size = default_train_size(task) if train_size is None else train_size
        masks = random_training_sets(split_key, task, size, num_seeds)
    else:
        if train_size is not None:
            raise argument_error("train_size", "None where `train_mask` is given", train_size, "Give one of the two.")
        masks = jnp.asarray(train_mask)
        task.check_train_mask(masks, need_split=True)
        if masks.shape not in ((task.num_samples,), (num_seeds, task.num_samples)):
            raise argument_error(
                "train_mask", f"one set, or one for each of {num_seeds} seeds", masks.shape, "Change `num_seeds`."
            )
        masks = jnp.broadcast_to(masks, (num_seeds, task.num_samples))
    shape = (num_seeds, task.num_classes, system.decoder_sizes[-1])
    networks = jax.vmap(system.random_network)(jax.random.split(network_key, num_seeds))
    return Start(masks, jax.random.normal(template_key, shape, jnp.float32), networks)
