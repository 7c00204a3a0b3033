"""How a sweep of a system is laid out as an ensemble: points x members on one axis, there and back.

A system whose fields are scalars is one point; fields of shape (point,) make a sweep. `Layout` repeats the parameters
of each point for its members, hands out random keys and folds results back to (point, member, ...).
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from . import statistics
from ._checks import argument_error, check_whole
from .statistics import Estimate


class Layout(eqx.Module):
    """Points x members on one leading axis.

    Attributes:
        shape: () for a single system, (point,) for a sweep.
        num_members: networks per point.
        num_datasets: independent data sets per point; member m of a point has data set m modulo this.
    """

    shape: tuple[int, ...] = eqx.field(static=True)
    num_members: int = eqx.field(static=True)
    num_datasets: int = eqx.field(static=True)

    @staticmethod
    def of(system: PyTree, num_members: int, num_datasets: int | None = None) -> "Layout":
        """The layout of `num_members` networks at each point of `system`.

        Raises:
            ValueError: the fields do not broadcast to one axis of points, or the data sets do not divide the members.
        """
        num_members = check_whole("num_members", num_members)
        num_datasets = check_whole("num_datasets", num_members if num_datasets is None else num_datasets)
        if num_members % num_datasets:
            raise argument_error(
                "num_datasets", f"a divisor of num_members = {num_members}", num_datasets, "Change one of the two."
            )
        shapes = [leaf.shape for leaf in jax.tree.leaves(system)]
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            raise argument_error(
                "system", "made of fields that broadcast", shapes, "Give every array one length."
            ) from None
        if len(shape) > 1:
            raise argument_error("system", "made of scalars and arrays of shape (point,)", shape, "Ravel the sweep.")
        return Layout(shape, num_members, num_datasets)

    @property
    def num_points(self) -> int:
        """Number of points."""
        return self.shape[0] if self.shape else 1

    def members(self, system: PyTree, dtype: Any) -> PyTree:
        """`system` with every leaf of shape (points x members,)."""
        return jax.tree.map(lambda leaf: self._repeat(leaf).astype(dtype), system)

    def sampler(self, sampler: PyTree) -> PyTree:
        """`sampler` with its leaves of shape (point,) repeated for the members; scalars stay shared."""
        swept = lambda leaf: self._repeat(leaf) if self.shape and jnp.shape(leaf) == self.shape else leaf
        return jax.tree.map(swept, sampler)

    def member_keys(self, key: Key[Array, ""]) -> Key[Array, " members"]:
        """One key per member."""
        return _keys(key, np.arange(self.num_points * self.num_members))

    def dataset_keys(self, key: Key[Array, ""]) -> Key[Array, " members"]:
        """One key per member, equal for members that share a data set."""
        point, member = np.divmod(np.arange(self.num_points * self.num_members), self.num_members)
        return _keys(key, point * self.num_datasets + member % self.num_datasets)

    def fold(self, tree: PyTree) -> PyTree:
        """Arrays (points x members, ...) as (point, member, ...), or (member, ...) for a single system."""
        fold = lambda leaf: np.asarray(leaf).reshape(*self.shape, self.num_members, *np.shape(leaf)[1:])
        return jax.tree.map(fold, tree)

    def estimate(self, values: np.ndarray, diverged: np.ndarray) -> Estimate:
        """Mean and error from member values (..., member): seeds of a data set averaged, errors over data sets.

        Members that diverged are left out, and so are data sets without a finite value.
        """
        shape = (*values.shape[:-1], -1, self.num_datasets)
        grouped = values.reshape(shape)
        keep = ~np.broadcast_to(diverged, values.shape).reshape(shape)
        with np.errstate(invalid="ignore", divide="ignore"):
            per_dataset = np.where(keep, grouped, 0).sum(axis=-2) / keep.sum(axis=-2)
        return statistics.over_members(per_dataset, axis=-1, keep=np.asarray(keep.any(axis=-2)))

    def check_survivors(self, diverged: np.ndarray, sampler: Any) -> None:
        """Raise if all members of a point diverged."""
        if diverged.all(axis=-1).any():
            raise argument_error(
                "step_size",
                "small enough that some members of every point survive",
                getattr(sampler, "step_size", sampler),
                "All members of a point diverged: use a smaller step.",
            )

    def _repeat(self, leaf: Array) -> Array:
        return jnp.repeat(jnp.broadcast_to(leaf, (self.num_points,)), self.num_members)


def _keys(key: Key[Array, ""], index: np.ndarray) -> Key[Array, " members"]:
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.asarray(index))
