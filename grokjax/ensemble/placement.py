"""Members on devices: vmapped, in blocks, sharded over a mesh; which arrays lead with the member, which are shared."""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh, NamedSharding, PartitionSpec
from jaxtyping import PyTree

from .._checks import argument_error
from .._tree import partition_members
from ..samplers.base import AbstractSampler
from . import processes
from .devices import available
from .plan import divisor_near


def over_members(function, arguments, axes, member_block, mesh):
    """`vmap` of `function` over the leaves with axis 0, or a loop over blocks of members; on each device its own."""
    batched, shared = partition_members(axes, arguments)
    one = lambda batched: function(*eqx.combine(batched, shared))

    def local(batched):
        if member_block is None:
            return jax.vmap(one)(batched)
        count = jax.tree.leaves(batched)[0].shape[0]
        return jax.lax.map(one, batched, batch_size=divisor_near(count, member_block) or member_block)

    if mesh is None:
        return local(batched)
    over = PartitionSpec(*mesh.axis_names)
    return jax.shard_map(local, mesh=mesh, in_specs=over, out_specs=over, check_vma=False)(batched)


def mesh_of(num_members: int, devices: Sequence[Any] | None) -> Mesh | None:
    """As many of the devices as divide the members, taken from the processes in turn; None for a single one.

    Raises:
        ValueError: devices that were given do not divide the members, or processes are left without.
    """
    given = devices is not None
    devices = processes.in_turn(available() if devices is None else devices)
    count = max(n for n in range(1, len(devices) + 1) if num_members % n == 0)
    processes.check_owners(devices, count, num_members)
    if given and count < len(devices):
        remedy = f"Take a multiple of {len(devices)} members and witnesses, or {count} of the devices."
        raise argument_error("devices", f"of a number that divides the {num_members} members", len(devices), remedy)
    return None if count == 1 else Mesh(np.asarray(devices[:count]), ("member",))


def platform_of(mesh: Mesh | None, devices: Sequence[Any] | None) -> str:
    """The platform that members are advanced on: "cpu", "gpu" or "tpu"."""
    if mesh is not None:
        return mesh.devices.flat[0].platform
    return (devices or available())[0].platform


def place_members(mesh: Mesh | None, axes, arguments):
    """Members to their devices once, before the first step, and what they share to all devices."""
    if mesh is None:
        return arguments
    batched, rest = partition_members(axes, arguments)
    shared, static = eqx.partition(rest, eqx.is_array)
    put = lambda tree, *spec: processes.place(tree, NamedSharding(mesh, PartitionSpec(*spec)))
    return eqx.combine(put(batched, *mesh.axis_names), put(shared), static)


def count_members(positions: PyTree) -> int:
    sizes = {leaf.shape[0] if leaf.ndim else 0 for leaf in jax.tree.leaves(eqx.filter(positions, eqx.is_array))}
    if len(sizes) != 1 or 0 in sizes:
        raise argument_error(
            "positions", "arrays with one common leading axis, the member", sorted(sizes), "Stack or vmap positions."
        )
    return sizes.pop()


def in_dtype(dtype: Any, sampler: AbstractSampler) -> AbstractSampler:
    return jax.tree.map(lambda leaf: leaf.astype(dtype) if eqx.is_inexact_array(leaf) else leaf, sampler)
