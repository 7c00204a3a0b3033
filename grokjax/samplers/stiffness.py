"""The largest curvature of an energy by power iteration, which sets the largest stable step."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree, Scalar

from .._checks import argument_error
from .._tree import map_members, normal_like, partition_members, per_layer, tree_add, tree_dot
from .base import AbstractLangevin, AbstractSampler, Energy
from .force_error import twice_differentiable


def largest_curvature(
    key: Key[Array, ""],
    energy: Energy,
    position: PyTree,
    num_iterations: int = 30,
    *,
    scale: Any = 1.0,
    shift: Any = 0.0,
) -> Scalar:
    r"""The eigenvalue of largest modulus of the Hessian of `energy` at `position`, less a shift.

    Overdamped steps are stable for $h < 2/\lambda_{max}$, BAOAB for $h < 2/\sqrt{\lambda_{max}}$. Costs two gradients
    per iteration. With a scale (one number, or one per layer) the Hessian is that of $U(s\,\theta)$ in $\theta$.

    Examples:
        >>> energy = lambda x: (x[0] ** 2 + 4 * x[1] ** 2 + 9 * x[2] ** 2) / 2
        >>> round(float(grokjax.samplers.largest_curvature(jax.random.key(0), energy, jnp.ones(3))), 3)
        9.0
    """
    gradient = jax.grad(twice_differentiable(energy))
    stretch = lambda vector: jax.tree.map(
        lambda s, leaf: jnp.asarray(s, leaf.dtype) * leaf, per_layer("scale", scale, vector), vector
    )

    def hessian_times(vector):
        _, pull = jax.vjp(gradient, position)  # reverse over reverse: a tiled energy has no forward derivative
        return stretch(pull(stretch(vector))[0])

    def iterate(_, carry):
        vector, _ = carry
        image = tree_add(hessian_times(vector), (-shift, vector))
        eigenvalue = tree_dot(vector, image)
        norm = jnp.sqrt(tree_dot(image, image))
        return jax.tree.map(lambda leaf: leaf / norm.astype(leaf.dtype), image), eigenvalue

    start = normal_like(key, position)
    norm = jnp.sqrt(tree_dot(start, start))
    start = jax.tree.map(lambda leaf: leaf / norm.astype(leaf.dtype), start)
    dtype = tree_dot(start, start).dtype
    _, eigenvalue = jax.lax.fori_loop(0, num_iterations, iterate, (start, jnp.zeros((), dtype)))
    return eigenvalue


@eqx.filter_jit
def largest_curvatures(
    key: Key[Array, ""], targets: Any, positions: PyTree, scale: Any = 1.0, target_axes: Any = 0, softest: bool = False
) -> Array:
    """`largest_curvature` of every member of an ensemble.

    Args:
        key: random key of the iterations.
        targets: energies, leading axis member.
        positions: likewise.
        scale: leaves are shared scalars or have one entry per member.
        target_axes: 0, or a prefix of `targets` with None where members share the arrays below.
        softest: whether the smallest curvature is wanted instead.

    Examples:
        >>> quartic = lambda x: jnp.sum(x**4)
        >>> curvatures = grokjax.samplers.largest_curvatures(jax.random.key(0), quartic, jnp.array([[1.0], [2.0]]))
        >>> jnp.round(curvatures, 3).tolist()
        [12.0, 48.0]
    """
    target_axes = jax.tree.map(
        lambda axis, part: jax.tree.map(lambda leaf: axis if eqx.is_array(leaf) else None, part),
        target_axes,
        targets,
        is_leaf=lambda axis: axis is None,
    )
    axes = (None, target_axes, eqx.if_array(0), lambda leaf: 0 if jnp.ndim(leaf) else None)

    def one(key, target, position, scale):
        largest = largest_curvature(key, target, position, scale=scale)
        if not softest:
            return largest
        return jnp.abs(largest) + largest_curvature(key, target, position, scale=scale, shift=jnp.abs(largest))

    return eqx.filter_vmap(one, in_axes=axes)(key, targets, positions, scale)


def stability_limits(
    key: Key[Array, ""],
    sampler: AbstractLangevin,
    target: Any,
    positions: PyTree,
    chosen: Any = slice(None),
    target_axes: Any = 0,
) -> np.ndarray:
    """The largest stable step of the chosen members (indices) at their positions.

    Args:
        key: random key of the power iteration.
        sampler: leaves are shared scalars or have one entry per member.
        target: energies, leading axis member.
        positions: likewise.
        chosen: which members.
        target_axes: 0, or a prefix of `target` with None where members share the arrays below.

    Examples:
        >>> energy = lambda x: (x[0] ** 2 + 4 * x[1] ** 2 + 9 * x[2] ** 2) / 2
        >>> sampler, positions = grokjax.UnderdampedLangevin(0.1), jnp.ones((2, 3))
        >>> limits = grokjax.samplers.stability_limits(jax.random.key(0), sampler, energy, positions)
        >>> limits.round(3).tolist()  # 2 over the largest frequency
        [0.667, 0.667]
    """
    curvature = jnp.abs(_curvatures(key, sampler, target, positions, chosen, target_axes))
    return np.asarray(sampler.largest_stable_step(curvature), float)


def soft_limits(
    key: Key[Array, ""],
    sampler: AbstractLangevin,
    target: Any,
    positions: PyTree,
    chosen: Any = slice(None),
    target_axes: Any = 0,
) -> np.ndarray:
    """The step that the softest modes would bear, of the chosen members; arguments as for `stability_limits`.

    A target may declare its `softest_curvature`, as a posterior in whitened coordinates does; otherwise it is measured.
    Where the curvature is not above zero there is no limit.
    """
    declared = getattr(target, "softest_curvature", None)
    if declared is None:
        curvature = _curvatures(key, sampler, target, positions, chosen, target_axes, softest=True)
    else:
        count = len(jax.tree.leaves(positions)[0][chosen])
        scale = jax.tree.leaves(_some(sampler.scaling, chosen))
        curvature = declared * np.min([np.broadcast_to(np.asarray(leaf, float) ** 2, count) for leaf in scale], axis=0)
    curvature = np.asarray(curvature, float)
    limits = np.asarray(sampler.largest_stable_step(jnp.where(curvature > 0, curvature, 1.0)), float)
    return np.where(curvature > 0, limits, np.inf)


def _some(tree: PyTree, chosen: Any) -> PyTree:
    return map_members(lambda leaf: leaf[chosen], tree)


def _curvatures(key, sampler, target, positions, chosen, target_axes, softest: bool = False) -> Array:
    """`largest_curvatures` of the chosen members, in the coordinates of their sampler."""
    batched, shared = partition_members(target_axes, target)
    energies = eqx.combine(_some(batched, chosen), shared)
    scale = _some(sampler.scaling, chosen)
    return largest_curvatures(key, energies, _some(positions, chosen), scale, target_axes, softest)


def check_step_size(
    key: Key[Array, ""],
    sampler: AbstractSampler,
    target: Any,
    positions: PyTree,
    chosen: np.ndarray,
    target_axes: Any = 0,
) -> None:
    """Raise if the step of a Langevin sampler is unstable at the first positions.

    The curvature is measured on the chosen members (indices), such as the first one of each point of a sweep; it may
    still grow during the run, which shows as diverged members.

    Raises:
        ValueError: `step_size` is at or above the stability limit.

    Examples:
        >>> energy = lambda x: (x[0] ** 2 + 4 * x[1] ** 2 + 9 * x[2] ** 2) / 2
        >>> sampler, positions = grokjax.UnderdampedLangevin(0.7), jnp.ones((2, 3))
        >>> grokjax.samplers.check_step_size(jax.random.key(0), sampler, energy, positions, np.array([0]))
        Traceback (most recent call last):
            ...
        ValueError: Argument `step_size` must be below 0.667, the stability limit ...
    """
    if not isinstance(sampler, AbstractLangevin) or sampler.step_size is None:
        return
    limit = stability_limits(key, sampler, target, positions, chosen, target_axes)
    num_members = jax.tree.leaves(positions)[0].shape[0]
    step_size = np.broadcast_to(np.asarray(sampler.step_size), (num_members,))[chosen]
    if (step_size >= limit).any():
        worst = int(np.argmax(step_size / limit))
        raise argument_error(
            "step_size",
            f"below {limit[worst]:.3g}, the stability limit at the largest curvature of the energy",
            float(step_size[worst]),
            f"Try {0.4 * limit[worst]:.2g}, or None for an automatic step.",
        )
