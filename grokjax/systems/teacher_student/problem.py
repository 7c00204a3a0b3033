"""What an ensemble samples: a posterior, a first position and a teacher direction for every member."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ..._checks import argument_error, check_choice, check_whole
from ...networks import TwoLayer, activation_function, standard_normal_two_layer
from ...posterior import Posterior
from ...sweeps import OTHER_START, Layout
from ...tasks import single_index, unit_vector
from .system import TeacherStudent


class Problem(eqx.Module):
    """Leading axis of every array: member.

    Attributes:
        target: the posteriors, each on its own data set.
        positions: first positions in whitened coordinates.
        directions: the teachers $w^*$.
    """

    target: Posterior
    positions: TwoLayer
    directions: Float[Array, "members inputs"]


def prepare(
    key: Key[Array, ""],
    system: TeacherStudent,
    layout: Layout,
    *,
    start: str = "prior",
    droplet_fraction: float = 0.2,
    droplet_overlap: float = 0.75,
    dtype: Any = jnp.float32,
    row_tile: int | None = None,
) -> Problem:
    """Draw data sets and first positions for every member of a layout.

    Args:
        key: random key.
        system: concrete sizes; other fields may have shape (point,).
        layout: `Layout.of(system, num_members, num_datasets)`.
        start: "prior" (cold) or "droplets" (hot: some neurons aligned with the teacher); witnesses of the other start
            take the other one.
        droplet_fraction: fraction of aligned neurons in a hot start.
        droplet_overlap: their |q|.
        dtype: float type of the networks.
        row_tile: samples per tile of the gradient, see `Posterior`.

    Raises:
        ValueError: a size is not concrete and whole, the start is unknown, or the fraction is outside [0, 1].
    """
    check_choice("start", start, ("prior", "droplets"))
    if not 0 <= droplet_fraction <= 1:
        raise argument_error("droplet_fraction", "in [0, 1]", droplet_fraction, "Give a fraction of the neurons.")
    sizes = tuple(check_whole(name, getattr(system, name)) for name in ("width", "num_samples", "input_dim"))
    data_key, position_key = jax.random.split(key)
    hot = layout.has_role(OTHER_START) ^ (start == "droplets")
    return _prepare(
        layout.dataset_keys(data_key),
        layout.member_keys(position_key),
        layout.members(system, dtype),
        jnp.where(hot, jnp.asarray(droplet_fraction, dtype), 0),
        sizes,
        row_tile,
        droplet_overlap,
    )


@eqx.filter_jit
def _prepare(task_keys, position_keys, members, droplet_fractions, sizes, row_tile, droplet_overlap):
    width, num_samples, input_dim = sizes
    activation = activation_function(members.activation)
    dtype = members.noise_variance.dtype

    def one(task_key, position_key, system: TeacherStudent, droplet_fraction):
        direction_key, sample_key = jax.random.split(task_key)
        direction = unit_vector(direction_key, input_dim, dtype)
        data = single_index(sample_key, direction, system.teacher, num_samples)
        scales = TwoLayer(
            jnp.sqrt(system.weight_variance / input_dim), jnp.sqrt(system.readout_variance / width), activation
        )
        target = Posterior(data.inputs, data.targets, system.noise_variance, scales, row_tile=row_tile)
        position = standard_normal_two_layer(
            position_key, width=width, num_inputs=input_dim, num_outputs=1, activation=activation, dtype=dtype
        )
        return target, _with_droplets(position, scales, direction, droplet_fraction, droplet_overlap), direction

    return Problem(*jax.vmap(one)(task_keys, position_keys, members, droplet_fractions))


def _with_droplets(position: TwoLayer, scales: TwoLayer, direction: Array, fraction, overlap) -> TwoLayer:
    """The first neurons get |q| = overlap along the teacher, and a read-out of the same sign."""
    width = position.read_in.shape[0]
    chosen = jnp.arange(width) < fraction * width
    q = position.read_in @ direction
    wanted = jnp.where(chosen, jnp.copysign(overlap / scales.read_in, q), q)
    read_in = position.read_in + jnp.outer(wanted - q, direction)
    read_out = jnp.where(chosen[None], jnp.copysign(position.read_out, q[None]), position.read_out)
    return TwoLayer(read_in.astype(q.dtype), read_out.astype(q.dtype), position.activation)
