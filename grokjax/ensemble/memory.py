"""What a run needs of a device's memory, said before it starts, and an error in words where it is too little.

Arrays of the problems, states and what observables carry are counted from their shapes. Activations are estimated: the
largest array that one step of one member makes, times the members advanced together, and `COPIES` of it. The compilers
for an H100 and a TPU v5e ask for 1.1 and 1.7 of them (`benchmarks/ahead_of_time.py`).
"""

import contextlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import equinox as eqx
import jax
import numpy as np
from jax.sharding import Mesh

from .._checks import argument_error
from .._tree import partition_members


COPIES = 2
GB = 1e9
WORTH_SAYING = 10**8  # bytes of arrays from which a run on a CPU says it, too
REMEDY = (
    "Advance fewer members at once: `member_block=`, or several runs with keys of their own. Series of many records "
    "shrink with a larger `num_chunks`, activations with a `row_tile`."
)


class Memory(NamedTuple):
    """Bytes on each device.

    Attributes:
        arrays: of the problems, the sampler and the observables.
        states: of the members.
        carries: of the observables within a chunk.
        activations: the estimate; 0 where it was not made.
    """

    arrays: int
    states: int
    carries: int
    activations: int = 0

    @property
    def certain(self) -> int:
        """What is there whatever the compiler makes of a step."""
        return self.arrays + self.states + self.carries

    @property
    def total(self) -> int:
        """All of it."""
        return self.certain + self.activations

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {size / GB:.2g}" for name, size in zip(self._fields, self, strict=True) if size)
        return f"{self.total / GB:.2g} GB ({parts})"


def arrays_of(tree: Any) -> int:
    """Bytes of all arrays in a tree, or of their shapes."""
    return sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(tree) if _has_shape(leaf))


def memory_needed(arguments: Any, axes: Any, capacity: int, member_block: int | None, mesh: Mesh | None) -> Memory:
    """What a run needs on each device.

    Args:
        arguments: sampler, target, observables and keys, and the states of all members or their shapes.
        axes: of the first four, which of their arrays lead with the member.
        capacity: records of a chunk.
        member_block: members advanced together.
        mesh: of the devices.
    """
    *fixed, states = arguments
    batched, shared = partition_members(axes, tuple(fixed))
    devices = 1 if mesh is None else mesh.size
    members = len(jax.tree.leaves(fixed[3])[0]) // devices
    sampler, target, observables, keys = eqx.combine(jax.tree.map(_of_a_member, batched), shared)
    state = jax.tree.map(lambda leaf: _of_a_member(leaf) if _has_shape(leaf) else leaf, states)
    empty = lambda each, key, state: {name: one.init(key[2], state, capacity) for name, one in each.items()}
    carries = members * arrays_of(eqx.filter_eval_shape(empty, observables, keys, state))
    one_step = lambda sampler, target, key, state: sampler.step(key[1], target, state)
    step, _, _ = eqx.filter_make_jaxpr(one_step)(sampler, target, keys, state)
    together = members if member_block is None else min(member_block, members)
    arrays = arrays_of(batched) // devices + arrays_of(shared)
    return Memory(arrays, arrays_of(states) // devices, carries, COPIES * together * _largest(step.jaxpr))


def memory_of(devices: Any) -> int | None:
    """Bytes that the smallest of this process' devices has, None where it does not say, as a CPU."""
    limits = [(device.memory_stats() or {}).get("bytes_limit") for device in devices]
    return min((limit for limit in limits if limit), default=None)


def check_memory(needed: Memory, limit: int | None, num_members: int) -> None:
    """Raise if what is certainly needed is more than there is.

    Raises:
        ValueError: it is.
    """
    if limit is not None and needed.certain > limit:
        raise _too_little(num_members, f"need {needed} on each device, which has {limit / GB:.3g} GB")


@contextlib.contextmanager
def out_of_memory_in_words(num_members: int, needed: Memory | None = None) -> Iterator[None]:
    """A device's own error as one that says what to do."""
    try:
        yield
    except jax.errors.JaxRuntimeError as error:
        if "RESOURCE_EXHAUSTED" not in str(error) and "out of memory" not in str(error).lower():
            raise
        about = "do not fit" if needed is None else f"were expected to need {needed} on each device"
        raise _too_little(num_members, f"{about}: {str(error)[:200]}") from error


def _too_little(num_members: int, why: str) -> ValueError:
    return argument_error("num_members", "as many as the memory holds", f"{num_members} members, which {why}", REMEDY)


def _of_a_member(leaf: Any) -> Any:
    return jax.ShapeDtypeStruct(leaf.shape[1:], leaf.dtype)


def _has_shape(leaf: Any) -> bool:
    return eqx.is_array(leaf) or isinstance(leaf, jax.ShapeDtypeStruct)


def _largest(jaxpr: Any) -> int:
    """Bytes of the largest array that a program makes, those of its inner programs included."""
    sizes = [0]
    for equation in jaxpr.eqns:
        sizes += [int(np.prod(out.aval.shape)) * out.aval.dtype.itemsize for out in equation.outvars]
        for value in jax.tree.leaves(equation.params, is_leaf=lambda node: hasattr(node, "eqns")):
            inner = getattr(value, "jaxpr", value)
            if hasattr(inner, "eqns"):
                sizes.append(_largest(inner))
    return max(sizes)
