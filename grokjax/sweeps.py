"""How a sweep of a system is laid out as an ensemble: points x members on one axis, there and back.

A system whose fields are scalars is one point; fields of shape (point,) make a sweep. `Layout` repeats the parameters
of each point for its members, hands out random keys and folds results back to (point, member, ...).

Beside the members that enter the averages a point may have witnesses, who enter none: they repeat some of the members
from the other start, or at half the step, on the same data sets, and are the evidence of a `Certificate`.
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


OTHER_START, HALF_STEP = "other start", "half step"


class Layout(eqx.Module):
    """Points x members on one leading axis, witnesses after the members.

    In a ladder the points are the rungs of a replica exchange: they share data sets, and rungs run fastest.

    Attributes:
        shape: () for a single system, (point,) for a sweep.
        num_members: networks per point.
        num_datasets: independent data sets per point; member m of a point has data set m modulo this.
        roles: what the witnesses do differently: OTHER_START, HALF_STEP, both or nothing.
        num_witnesses: witnesses per point and role; witness w repeats member w.
        ladder: whether the points are rungs of a ladder.
    """

    shape: tuple[int, ...] = eqx.field(static=True)
    num_members: int = eqx.field(static=True)
    num_datasets: int = eqx.field(static=True)
    roles: tuple[str, ...] = eqx.field(static=True, default=())
    num_witnesses: int = eqx.field(static=True, default=0)
    ladder: bool = eqx.field(static=True, default=False)

    @staticmethod
    def of(
        system: PyTree,
        num_members: int,
        num_datasets: int | None = None,
        *,
        roles: tuple[str, ...] = (),
        num_witnesses: int | None = None,
        ladder: bool = False,
    ) -> "Layout":
        """The layout of `num_members` networks at each point of `system`.

        Raises:
            ValueError: the fields do not broadcast to one axis of points, the data sets do not divide the members, or
                there are more witnesses than members.
        """
        num_members = check_whole("num_members", num_members)
        num_datasets = check_whole("num_datasets", num_members if num_datasets is None else num_datasets)
        if num_members % num_datasets:
            raise argument_error(
                "num_datasets", f"a divisor of num_members = {num_members}", num_datasets, "Change one of the two."
            )
        if num_witnesses is None:
            num_witnesses = min(num_members, max(2, num_members // 8))
        if check_whole("num_witnesses", num_witnesses, 0) > num_members:
            raise argument_error("num_witnesses", f"at most num_members = {num_members}", num_witnesses, "Take fewer.")
        shapes = [leaf.shape for leaf in jax.tree.leaves(system)]
        try:
            shape = np.broadcast_shapes(*shapes)
        except ValueError:
            raise argument_error(
                "system", "made of fields that broadcast", shapes, "Give every array one length."
            ) from None
        if len(shape) > 1:
            raise argument_error("system", "made of scalars and arrays of shape (point,)", shape, "Ravel the sweep.")
        roles = roles if num_witnesses else ()
        return Layout(shape, num_members, num_datasets, roles, num_witnesses if roles else 0, ladder)

    @property
    def num_points(self) -> int:
        """Number of points."""
        return self.shape[0] if self.shape else 1

    @property
    def per_point(self) -> int:
        """Members and witnesses of a point."""
        return self.num_members + len(self.roles) * self.num_witnesses

    @property
    def point(self) -> np.ndarray:
        """The point of every entry of the ensemble's axis."""
        if self.ladder:
            return np.tile(np.arange(self.num_points), self.per_point)
        members = np.repeat(np.arange(self.num_points), self.num_members)
        return np.concatenate([members, np.repeat(np.arange(self.num_points), self.per_point - self.num_members)])

    @property
    def member(self) -> np.ndarray:
        """The member that an entry is, or repeats as a witness."""
        witnesses = np.tile(np.arange(self.num_witnesses), len(self.roles))
        return self._along(np.arange(self.num_members), witnesses)

    def has_role(self, role: str) -> np.ndarray:
        """Which entries are witnesses of this role."""
        witnesses = np.repeat([each == role for each in self.roles], self.num_witnesses).astype(bool)
        return self._along(np.zeros(self.num_members, bool), witnesses)

    def _along(self, members: np.ndarray, witnesses: np.ndarray) -> np.ndarray:
        if self.ladder:
            return np.repeat(np.concatenate([members, witnesses]), self.num_points)
        return np.concatenate([np.tile(members, self.num_points), np.tile(witnesses, self.num_points)])

    def probes(self, count: int) -> np.ndarray:
        """Indices of the first members of every point, shape (point, probe)."""
        member, index = np.arange(min(count, self.num_members)), np.arange(self.num_points)[:, None]
        return index + self.num_points * member if self.ladder else index * self.num_members + member

    def members(self, system: PyTree, dtype: Any) -> PyTree:
        """`system` with every leaf of shape (entry,)."""
        return jax.tree.map(lambda leaf: self.repeat(leaf).astype(dtype), system)

    def repeat(self, leaf: Array) -> Array:
        """A number, or an array of shape (point, ...), for every entry."""
        return jnp.broadcast_to(leaf, (self.num_points, *jnp.shape(leaf)[1:]))[self.point]

    def member_keys(self, key: Key[Array, ""]) -> Key[Array, " members"]:
        """One key per member; a witness has that of the member it repeats."""
        return _keys(key, self.point * self.num_members + self.member)

    def dataset_keys(self, key: Key[Array, ""]) -> Key[Array, " members"]:
        """One key per member, equal for members that share a data set."""
        point = 0 * self.point if self.ladder else self.point
        return _keys(key, point * self.num_datasets + self.member % self.num_datasets)

    def fold(self, tree: PyTree) -> PyTree:
        """Arrays (entry, ...) as (point, member, ...), or (member, ...) for a single system; without witnesses."""
        return jax.tree.map(lambda leaf: self._cut(leaf, slice(0, self.num_members), (self.num_members,)), tree)

    def fold_witnesses(self, tree: PyTree, role: str) -> PyTree:
        """The witnesses of a role as (point, witness, ...), or (witness, ...)."""
        first = self.num_members + self.roles.index(role) * self.num_witnesses
        chosen = slice(first, first + self.num_witnesses)
        return jax.tree.map(lambda leaf: self._cut(leaf, chosen, (self.num_witnesses,)), tree)

    def _cut(self, leaf: Any, chosen: slice, count: tuple[int]) -> np.ndarray:
        leaf, rest = np.asarray(leaf), np.shape(leaf)[1:]
        if self.ladder:
            by_point = np.moveaxis(leaf.reshape(self.per_point, self.num_points, *rest), 0, 1)[:, chosen]
        else:
            border = self.num_points * self.num_members
            members = leaf[:border].reshape(self.num_points, self.num_members, *rest)
            witnesses = leaf[border:].reshape(self.num_points, self.per_point - self.num_members, *rest)
            by_point = np.concatenate([members, witnesses], axis=1)[:, chosen]
        return by_point.reshape(*self.shape, *count, *rest)

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


def _keys(key: Key[Array, ""], index: np.ndarray) -> Key[Array, " members"]:
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.asarray(index))
