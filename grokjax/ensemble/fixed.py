"""What the loop runs on, the same from chunk to chunk: arguments with their axes, their devices and their memory."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.sharding import Mesh

from .. import kernels
from .._tree import leading_axes
from ..observables import AbstractObservable
from ..precision import precision_name
from ..samplers.base import AbstractSampler
from ..samplers.ending import UntilFinished
from .devices import available
from .memory import WORTH_SAYING, Memory, arrays_of, check_memory, memory_needed, memory_of
from .placement import count_members, in_dtype, mesh_of, place_members, platform_of
from .plan import Compute, Plan
from .programs import start_members


class Loop(eqx.Module):
    """What stays the same from chunk to chunk."""

    sampler: AbstractSampler
    target: Any
    start: Any
    keys: Any
    observables: dict[str, AbstractObservable]  # as given, for the host
    on_devices: dict[str, AbstractObservable]
    axes: Any
    member_block: int | None
    mesh: Mesh | None
    platform: str
    dtype: Any
    num_members: int

    @staticmethod
    def of(key, sampler, target, start, measured, target_axes, compute: Compute) -> "Loop":
        """From arguments, not yet placed on devices."""
        num_members = count_members(start)
        positions = getattr(start, "position", start)  # of states, if these are what it starts from
        dtype = jnp.result_type(*jax.tree.leaves(eqx.filter(positions, eqx.is_inexact_array)), jnp.float32)
        sampler = in_dtype(dtype, sampler)
        if sampler.about.ends and not isinstance(sampler, UntilFinished):
            sampler = UntilFinished(sampler)
        keys = jax.vmap(lambda member: jax.random.split(jax.random.fold_in(key, member), 3))(jnp.arange(num_members))
        axes = (leading_axes(sampler), target_axes, 0, 0)
        mesh = mesh_of(num_members, compute.devices)
        where = compute.member_block, mesh, platform_of(mesh, compute.devices)
        return Loop(sampler, target, start, keys, measured, measured, axes, *where, dtype, num_members)

    def placed(self) -> "Loop":
        """With its arrays on their devices."""
        fields = lambda loop: (loop.sampler, loop.target, loop.start, loop.keys)
        arrays = place_members(self.mesh, self.axes, fields(self))
        observables = place_members(self.mesh, leading_axes(self.observables), self.observables)
        is_leaf = lambda node: node is None
        return eqx.tree_at(lambda loop: (*fields(loop), loop.on_devices), self, (*arrays, observables), is_leaf=is_leaf)

    @property
    def fused(self) -> bool:
        """Whether the gradient is a kernel's."""
        return getattr(self.target, "compute", None) == "fused"

    def precision(self, compute: Compute) -> str:
        """Of the matrix products, by name."""
        if self.fused:
            return f"{kernels.kernel_precision(compute.precision, self.platform)} in fused kernels"
        return precision_name(compute.precision)

    def first_states(self) -> Any:
        """Of all members, on their devices."""
        arguments = (self.sampler, self.target, self.start, self.keys)
        return start_members(*arguments, self.axes, self.member_block, self.mesh)

    def memory(self, plan: Plan, *, fresh: bool) -> Memory | None:
        """What the run needs on each device; None for a small one on a CPU, which has no limit to tell of.

        Raises:
            ValueError: the devices have less.
        """
        if self.platform == "cpu" and arrays_of((self.target, self.start)) < WORTH_SAYING:
            return None
        states = eqx.filter_eval_shape(self.first_states) if fresh else self.start
        arguments = (self.sampler, self.target, self.observables, self.keys, states)
        axes = (*self.axes[:2], leading_axes(self.observables), 0)
        needed = memory_needed(arguments, axes, plan.capacity, self.member_block, self.mesh)
        devices = available()[:1] if self.mesh is None else self.mesh.local_devices
        check_memory(needed, memory_of(devices), self.num_members)
        return needed
