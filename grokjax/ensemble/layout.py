"""How a sweep of a system is laid out as an ensemble: points x members on one axis, there and back.

A system whose parameters are scalars is one point; arrays make a sweep with any number of axes. `Layout` repeats the
parameters of each point for its members, hands out random keys and folds results back to (..., member, ...). On the
ensemble's one axis points run fastest, so that folding is a reshape.

Beside the members that enter the averages a point may have witnesses, who enter none: they repeat some of the members
from the other start, or at half the step, on the same data sets, and are the evidence of a `Certificate`.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from .._checks import argument_error, check_choice, check_whole
from .._tree import map_members


OTHER_START = "other start"
HALF_STEP = "half step"
SHARING = ("nothing", "data", "everything")


class Layout(eqx.Module):
    """Points x members on one leading axis, witnesses after the members, points fastest.

    Attributes:
        shape: the sweep's axes, () for a single system.
        num_members: members per point.
        num_datasets: independent data sets per point; member m of a point has data set m modulo this.
        roles: what the witnesses do differently: OTHER_START, HALF_STEP, both or nothing.
        num_witnesses: witnesses per point and role; witness w repeats member w.
        shared: what the points of a sweep have in common: "nothing", the "data" of a member (a ladder of replicas), or
            "everything" that is random (a seed that is the same all over a grid).

    Examples:
        >>> roles = (grokjax.ensemble.OTHER_START,)
        >>> layout = grokjax.ensemble.Layout.of((2,), num_members=3, roles=roles, num_witnesses=1)
        >>> layout.num_entries, layout.fold(np.arange(8)).tolist()
        (8, [[0, 2, 4], [1, 3, 5]])
        >>> layout.fold_witnesses(np.arange(8), grokjax.ensemble.OTHER_START).tolist()
        [[6], [7]]
    """

    shape: tuple[int, ...] = eqx.field(static=True)
    num_members: int = eqx.field(static=True)
    num_datasets: int = eqx.field(static=True)
    roles: tuple[str, ...] = eqx.field(static=True, default=())
    num_witnesses: int = eqx.field(static=True, default=0)
    shared: str = eqx.field(static=True, default="nothing")

    @staticmethod
    def of(
        shape: tuple[int, ...],
        num_members: int,
        num_datasets: int | None = None,
        *,
        roles: tuple[str, ...] = (),
        num_witnesses: int | None = None,
        shared: str = "nothing",
    ) -> "Layout":
        """The layout of `num_members` members at each point of a sweep.

        Args:
            shape: axes of the sweep.
            num_members: members per point.
            num_datasets: data sets per point, one for each member unless given; it must divide their number.
            roles: of witnesses.
            num_witnesses: per point and role; an eighth of the members unless given, and two at least.
            shared: what points have in common.

        Raises:
            ValueError: the data sets do not divide the members, or there are more witnesses than members.
        """
        check_choice("shared", shared, SHARING)
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
        roles = roles if num_witnesses else ()
        return Layout(tuple(shape), num_members, num_datasets, roles, num_witnesses if roles else 0, shared)

    @property
    def num_points(self) -> int:
        """Number of points."""
        return math.prod(self.shape)

    @property
    def per_point(self) -> int:
        """Members and witnesses of a point."""
        return self.num_members + len(self.roles) * self.num_witnesses

    @property
    def num_entries(self) -> int:
        """Length of the ensemble's axis."""
        return self.per_point * self.num_points

    @property
    def point(self) -> np.ndarray:
        """The point of every entry, an index into the raveled sweep."""
        return np.tile(np.arange(self.num_points), self.per_point)

    @property
    def member(self) -> np.ndarray:
        """The member that an entry is, or repeats as a witness."""
        witnesses = np.tile(np.arange(self.num_witnesses), len(self.roles))
        return np.repeat(np.concatenate([np.arange(self.num_members), witnesses]), self.num_points)

    def has_role(self, role: str) -> np.ndarray:
        """Which entries are witnesses of this role."""
        witnesses = np.repeat([each == role for each in self.roles], self.num_witnesses).astype(bool)
        return np.repeat(np.concatenate([np.zeros(self.num_members, bool), witnesses]), self.num_points)

    def probes(self, count: int) -> np.ndarray:
        """Indices of the first members of every point, shape (point, probe)."""
        member, index = np.arange(min(count, self.num_members)), np.arange(self.num_points)[:, None]
        return index + self.num_points * member

    def repeat(self, leaf: Any) -> Array:
        """A number, or an array over the sweep (it broadcasts against its shape), for every entry."""
        leaf = jnp.asarray(leaf)
        return jnp.broadcast_to(leaf, self.shape).reshape(-1)[self.point]

    def repeat_points(self, leaf: Any) -> Array:
        """An array whose leading axis is the raveled sweep (or of length one), for every entry."""
        leaf = jnp.asarray(leaf)
        return jnp.broadcast_to(leaf, (self.num_points, *leaf.shape[1:]))[self.point]

    def member_keys(self, key: Key[Array, ""]) -> Key[Array, " entries"]:
        """One key per entry; a witness has that of the member it repeats."""
        point = 0 * self.point if self.shared == "everything" else self.point
        return _keys(key, point * self.num_members + self.member)

    def dataset_keys(self, key: Key[Array, ""]) -> Key[Array, " entries"]:
        """One key per entry, equal for members that share a data set."""
        point = self.point if self.shared == "nothing" else 0 * self.point
        return _keys(key, point * self.num_datasets + self.member % self.num_datasets)

    def fold(self, tree: PyTree) -> PyTree:
        """Arrays (entry, ...) as (*sweep, member, ...), without witnesses."""
        return self._cut(tree, slice(0, self.num_members))

    def fold_witnesses(self, tree: PyTree, role: str) -> PyTree:
        """The witnesses of a role as (*sweep, witness, ...)."""
        first = self.num_members + self.roles.index(role) * self.num_witnesses
        return self._cut(tree, slice(first, first + self.num_witnesses))

    def _cut(self, tree: PyTree, chosen: slice) -> PyTree:
        def cut(leaf):
            leaf = np.asarray(leaf)
            rows = leaf.reshape(self.per_point, self.num_points, *leaf.shape[1:])[chosen]
            return np.moveaxis(rows, 0, 1).reshape(*self.shape, len(rows), *leaf.shape[1:])

        return jax.tree.map(cut, tree)

    def by_point(self, tree: PyTree) -> PyTree:
        """Arrays (entry, ...) as (row, point, ...), rows being members and witnesses: no copy."""
        return map_members(lambda leaf: leaf.reshape(self.per_point, self.num_points, *leaf.shape[1:]), tree)

    def check_survivors(self, diverged: np.ndarray, sampler: Any) -> None:
        """Raise if all members of a point diverged."""
        if diverged.all(axis=-1).any():
            raise argument_error(
                "step_size",
                "small enough that some members of every point survive",
                getattr(sampler, "step_size", sampler),
                "All members of a point diverged: use a smaller step.",
            )


def _keys(key: Key[Array, ""], index: np.ndarray) -> Key[Array, " entries"]:
    return jax.vmap(lambda i: jax.random.fold_in(key, i))(jnp.asarray(index))
