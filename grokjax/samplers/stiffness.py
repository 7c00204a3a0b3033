"""The largest curvature of an energy by power iteration, which sets the largest stable step."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree, Scalar

from .._checks import argument_error
from .._tree import normal_like, tree_dot
from .base import AbstractSampler, Energy
from .langevin import Langevin, LeimkuhlerMatthews
from .underdamped import UnderdampedLangevin


def largest_curvature(key: Key[Array, ""], energy: Energy, position: PyTree, num_iterations: int = 30) -> Scalar:
    r"""The eigenvalue of largest modulus of the Hessian of `energy` at `position`.

    Overdamped steps are stable for $h < 2/\lambda_{max}$, BAOAB for $h < 2/\sqrt{\lambda_{max}}$. Costs two gradients
    per iteration.
    """
    gradient = jax.grad(energy)

    def hessian_times(vector):
        _, pull = jax.vjp(gradient, position)  # reverse over reverse: a tiled energy has no forward derivative
        return pull(vector)[0]

    def iterate(_, carry):
        vector, _ = carry
        image = hessian_times(vector)
        eigenvalue = tree_dot(vector, image)
        norm = jnp.sqrt(tree_dot(image, image))
        return jax.tree.map(lambda leaf: leaf / norm.astype(leaf.dtype), image), eigenvalue

    start = normal_like(key, position)
    norm = jnp.sqrt(tree_dot(start, start))
    start = jax.tree.map(lambda leaf: leaf / norm.astype(leaf.dtype), start)
    dtype = tree_dot(start, start).dtype
    _, eigenvalue = jax.lax.fori_loop(0, num_iterations, iterate, (start, jnp.zeros((), dtype)))
    return eigenvalue


def check_step_size(
    key: Key[Array, ""], sampler: AbstractSampler, target: Any, positions: PyTree, *, members_per_point: int
) -> None:
    """Raise if the step of an overdamped or underdamped sampler is unstable at the first positions.

    The curvature is measured on the first member of each point of a sweep; it may still grow during the run, which
    shows as diverged members.

    Raises:
        ValueError: `step_size` is at or above the stability limit.
    """
    if not isinstance(sampler, Langevin | LeimkuhlerMatthews | UnderdampedLangevin):
        return
    num_members = jax.tree.leaves(positions)[0].shape[0]
    chosen = np.arange(0, num_members, members_per_point)
    first = lambda tree: jax.tree.map(lambda leaf: leaf[chosen] if eqx.is_array(leaf) else leaf, tree)
    curvature = np.abs(largest_curvatures(key, first(target), first(positions)))
    limit = 2 / (np.sqrt(curvature) if isinstance(sampler, UnderdampedLangevin) else curvature)
    step_size = np.broadcast_to(np.asarray(sampler.step_size), (num_members,))[chosen]
    if (step_size >= limit).any():
        worst = int(np.argmax(step_size / limit))
        raise argument_error(
            "step_size",
            f"below {limit[worst]:.3g}, the stability limit at the largest curvature {curvature[worst]:.3g}",
            float(step_size[worst]),
            f"Try {0.4 * limit[worst]:.2g}.",
        )


@eqx.filter_jit
def largest_curvatures(key: Key[Array, ""], targets: Any, positions: PyTree) -> Array:
    """`largest_curvature` of every member of an ensemble."""
    return eqx.filter_vmap(largest_curvature, in_axes=(None, eqx.if_array(0), eqx.if_array(0)))(key, targets, positions)
