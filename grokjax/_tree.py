"""Small operations on pytrees of arrays that the samplers share."""

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Key, PyTree, Scalar

from ._checks import argument_error, as_scalar


Tree = TypeVar("Tree")


def over_points(solve: Callable[[Any], Any], system: Any, batch_size: int | None = None) -> Any:
    """`solve(system)`, or its `vmap` over a system whose leaves are scalars and arrays of shape (point,).

    Args:
        solve: function of one point.
        system: any pytree.
        batch_size: points solved together; few stay in cache, and stop together. All of them unless given.

    Raises:
        ValueError: leaves have more than one axis.
    """
    shape = jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(system)))
    if len(shape) > 1:
        raise argument_error("system", "made of scalars and arrays of shape (point,)", shape, "Ravel the sweep.")
    if not shape:
        return solve(system)
    points = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape), system)
    return jax.vmap(solve)(points) if batch_size is None else jax.lax.map(solve, points, batch_size=batch_size)


def normal_like(key: Key[Array, ""], tree: Tree) -> Tree:
    """Independent N(0, 1) numbers in the shape of `tree`.

    One flat draw, cut into leaves: threefry vectorises along the last axis, and a draw per leaf costs up to twice
    as much to run and to compile. Nor is a draw ever split over devices (members are), so it need not be partitionable,
    which costs 40 %.
    """
    flat, unravel = ravel_pytree(tree)
    with jax.threefry_partitionable(False):
        return unravel(jax.random.normal(key, flat.shape, flat.dtype))


def standard_normal(key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """N(0, 1) numbers of a shape, drawn flat."""
    return drawn_flat(jax.random.normal, key, shape, dtype)


def drawn_flat(
    draw: Callable[[Any, Any, Any], Array], key: Key[Array, ""], shape: tuple[int, ...], dtype: Any = jnp.float32
) -> Array:
    """`draw(key, shape, dtype)`, the same numbers: under `vmap` a draw of several axes compiles many times slower.

    Args:
        draw: such as `jax.random.uniform`.
        key: random key.
        shape: of the draw.
        dtype: of its numbers.
    """
    return draw(key, (math.prod(shape),), dtype).reshape(shape)


def tree_add(a: Tree, *scaled: tuple[Any, Tree]) -> Tree:
    """`a + sum of c * b` over the pairs `(c, b)`, leaf by leaf, in the dtype of `a`.

    Each `c` is a number, or a pytree of one per leaf.
    """
    leaves, structure = jax.tree.flatten(a)
    for c, b in scaled:
        factors = jax.tree.leaves(c)
        factors = factors * len(leaves) if len(factors) == 1 else factors
        others = structure.flatten_up_to(b)
        leaves = [x + jnp.asarray(f, x.dtype) * y for x, f, y in zip(leaves, factors, others, strict=True)]
    return structure.unflatten(leaves)


def as_layers(value: Any) -> Any:
    """A hyperparameter, or a mapping from layers to hyperparameters, as floating-point array leaves."""
    return {name: as_scalar(each) for name, each in value.items()} if isinstance(value, Mapping) else as_scalar(value)


class Shared(eqx.Module):
    """Marks a part of a pytree whose arrays all members share, whatever their axes.

    Attributes:
        value: that part.
    """

    value: Any


def leading_axes(tree: PyTree) -> PyTree:
    """What `eqx.filter_vmap` maps over: 0 for arrays; None for scalars, what is `Shared`, and everything else."""
    return _over_parts(lambda leaf: 0 if eqx.is_array(leaf) and leaf.ndim else None, lambda _: None, tree)


def map_members(function: Callable[[Any], Any], tree: PyTree) -> PyTree:
    """`function` of every array with a leading axis member; scalars and what is `Shared` stay."""
    return _over_parts(lambda leaf: function(leaf) if eqx.is_array(leaf) and leaf.ndim else leaf, lambda x: x, tree)


def _over_parts(of_leaf: Callable[[Any], Any], of_shared: Callable[[Any], Any], tree: PyTree) -> PyTree:
    one = lambda part: jax.tree.map(of_shared, part) if isinstance(part, Shared) else of_leaf(part)
    return jax.tree.map(one, tree, is_leaf=lambda part: isinstance(part, Shared))


def partition_members(axes: PyTree, tree: PyTree) -> tuple[PyTree, PyTree]:
    """The arrays whose prefix in `axes` is 0, and the rest; `eqx.combine` puts them together again."""
    over = lambda axis, part: jax.tree.map(lambda leaf: axis == 0 and eqx.is_array(leaf), part)
    return eqx.partition(tree, jax.tree.map(over, axes, tree, is_leaf=lambda axis: axis is None))


def layer_name(path: tuple) -> str:
    """The last name of a leaf's path: of an attribute, a dictionary's key or an index."""
    return str(getattr(path[-1], "name", getattr(path[-1], "key", path[-1]))) if path else "position"


def layer_names(tree: PyTree) -> list[str]:
    """A name for every leaf: the last one of its path, or the whole path where these are not unique."""
    paths = [path for path, _ in jax.tree_util.tree_leaves_with_path(tree)]
    names = [layer_name(path) for path in paths]
    unique = len(set(names)) == len(names)
    return names if unique else [leaf_name(path) for path in paths]


def per_layer(name: str, value: Any, tree: PyTree) -> PyTree:
    """`value` for every leaf of `tree`: itself, or the entry of a mapping under the leaf's name (`layer_names`).

    Raises:
        ValueError: the names of the mapping are not those of the leaves.
    """
    structure = jax.tree.structure(tree)
    if not isinstance(value, Mapping):
        return structure.unflatten([value] * structure.num_leaves)
    layers = layer_names(tree)
    if set(layers) != set(value):
        raise argument_error(name, f"one number, or one for each of {layers}", sorted(value), "Name every layer once.")
    return structure.unflatten([value[layer] for layer in layers])


def tree_dot(a: PyTree[Float[Array, "..."]], b: PyTree[Float[Array, "..."]]) -> Scalar:
    """Sum over all entries of `a * b`."""

    def dot(x, y):
        # Down the columns first, all lanes at once: XLA adds up a whole array one by one on a CPU.
        columns = jnp.sum(x * y, axis=0)
        return jnp.sum(jax.lax.optimization_barrier(columns)) if columns.ndim else columns

    products: list[Any] = jax.tree.leaves(jax.tree.map(lambda x, y: dot(x, y) if x.ndim else x * y, a, b))
    total: Any = sum(products[1:], start=products[0]) if products else jnp.zeros(())
    return total


def tree_size(tree: PyTree) -> int:
    """Number of entries in all leaves."""
    return sum(leaf.size for leaf in jax.tree.leaves(tree))


def leaf_name(path: tuple) -> str:
    """What a reader would type: `overlap[1]`, also where `overlap` is the key of a dictionary."""
    if path and isinstance(path[0], jax.tree_util.DictKey):
        return f"{path[0].key}{jax.tree_util.keystr(path[1:])}"
    return jax.tree_util.keystr(path).lstrip(".")


def named_leaves(tree: PyTree, is_leaf: Any = None) -> dict[str, Any]:
    """The leaves of a pytree under their names."""
    return {leaf_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree, is_leaf=is_leaf)}
