"""Small operations on pytrees of arrays that the samplers share."""

import math
from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Key, PyTree, Scalar

from ._checks import argument_error


Tree = TypeVar("Tree")


def over_points(solve: Callable[[Any], Any], system: Any) -> Any:
    """`solve(system)`, or its `vmap` over a system whose leaves are scalars and arrays of shape (point,).

    Raises:
        ValueError: leaves have more than one axis.
    """
    shape = jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(system)))
    if len(shape) > 1:
        raise argument_error("system", "made of scalars and arrays of shape (point,)", shape, "Ravel the sweep.")
    if not shape:
        return solve(system)
    return jax.vmap(solve)(jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape), system))


def normal_like(key: Key[Array, ""], tree: Tree) -> Tree:
    """Independent N(0, 1) numbers in the shape of `tree`.

    One flat draw, cut into leaves: threefry vectorises along the last axis, and a draw per leaf costs up to twice
    as much to run and to compile.
    """
    flat, unravel = ravel_pytree(tree)
    return unravel(jax.random.normal(key, flat.shape, flat.dtype))


def standard_normal(key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """N(0, 1) numbers of a shape, drawn flat: under `vmap` a draw of several axes compiles many times slower."""
    return jax.random.normal(key, (math.prod(shape),), dtype).reshape(shape)


def tree_add(a: Tree, *scaled: tuple[float | Scalar, Tree]) -> Tree:
    """`a + sum of c * b` over the pairs `(c, b)`, leaf by leaf, in the dtype of `a`."""

    def add(leaf, *others):
        for (c, _), other in zip(scaled, others, strict=True):
            leaf = leaf + jnp.asarray(c, leaf.dtype) * other
        return leaf

    return jax.tree.map(add, a, *(tree for _, tree in scaled))


def tree_dot(a: PyTree[Float[Array, "..."]], b: PyTree[Float[Array, "..."]]) -> Scalar:
    """Sum over all entries of `a * b`."""
    products = jax.tree.map(lambda x, y: jnp.sum(x * y), a, b)
    return sum(jax.tree.leaves(products), start=jnp.zeros(()))


def tree_size(tree: PyTree) -> int:
    """Number of entries in all leaves."""
    return sum(leaf.size for leaf in jax.tree.leaves(tree))
