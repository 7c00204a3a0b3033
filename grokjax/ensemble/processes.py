"""One run on the devices of several processes: what is placed, brought home and agreed on.

After `jax.distributed.initialize(...)` the same script runs in every process, and no process holds the whole of an
array on a mesh of all devices. Steps communicate nothing; between chunks the processes exchange the observables'
carries and two flags. A mesh of one process' own devices (or none) needs no exchange.
"""

import contextlib
import hashlib
import itertools
import signal
import threading
from collections.abc import Iterator, Sequence
from typing import Any, TypeGuard

import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental.multihost_utils import process_allgather
from jax.sharding import Mesh, NamedSharding, PartitionSpec, Sharding
from jaxtyping import PyTree

from .._checks import argument_error


def spans(mesh: Mesh | None) -> TypeGuard[Mesh]:
    """Whether the mesh has devices of several processes."""
    return mesh is not None and mesh.is_multi_process


def leads(mesh: Mesh | None) -> bool:
    """Whether this process is the one that writes files and shows progress."""
    return not spans(mesh) or jax.process_index() == 0


def in_turn(devices: Sequence[Any]) -> list[Any]:
    """The first device of each process, then the second of each, and so on."""
    owned: dict[int, list[Any]] = {}
    for device in devices:
        owned.setdefault(device.process_index, []).append(device)
    return [device for turn in itertools.zip_longest(*owned.values()) for device in turn if device is not None]


def check_owners(devices: Sequence[Any], num_used: int, num_members: int) -> None:
    """Raise unless the devices are this process' own, or every process owns one of the first `num_used`.

    Raises:
        ValueError: a process would have nothing to do, or devices of some processes only were given.
    """
    count = jax.process_count()
    owners = {device.process_index for device in devices}
    if owners == {jax.process_index()}:
        return
    if len(owners) < count:
        raise argument_error(
            "devices",
            f"of this process ({jax.process_index()}) only, or of all {count} processes",
            f"devices of processes {sorted(owners)}",
            "Give jax.devices() for one run over all processes, jax.local_devices() for a run of each.",
        )
    if len({device.process_index for device in devices[:num_used]}) < count:
        raise argument_error(
            "num_members",
            f"a multiple of a number of devices from {count}, one for each process, to {len(devices)}",
            num_members,
            f"Take a multiple of {count} members, or give devices=jax.local_devices() for a run of each process.",
        )


def place(tree: PyTree, sharding: Sharding) -> PyTree:
    """Arrays that every process holds whole, put on the devices of a sharding; each process puts its own part."""
    if sharding.is_fully_addressable:
        return jax.device_put(tree, sharding)

    def put(leaf):
        if isinstance(leaf, jax.Array) and jnp.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            return jax.random.wrap_key_data(put(jax.random.key_data(leaf)), impl=jax.random.key_impl(leaf))
        whole = np.asarray(leaf)
        return jax.make_array_from_callback(whole.shape, sharding, lambda index: whole[index])

    return jax.tree.map(put, tree)


def to_host(tree: PyTree, mesh: Mesh | None) -> PyTree:
    """The whole arrays as numpy, on every process."""
    if spans(mesh):
        tree = jax.jit(_same, out_shardings=NamedSharding(mesh, PartitionSpec()))(tree)
    return jax.device_get(tree)


def anywhere(mesh: Mesh | None, *flags: bool) -> tuple[bool, ...]:
    """Each flag as true if it is true on any process."""
    if not spans(mesh):
        return flags
    return tuple(process_allgather(np.asarray(flags)).any(axis=0).tolist())


def check_same(mesh: Mesh | None, name: str, expected: str, value: Any, remedy: str) -> None:
    """Raise, on all processes alike, unless `value` prints the same on all of them.

    Raises:
        ValueError: it does not.
    """
    if not spans(mesh):
        return
    digests = process_allgather(np.frombuffer(hashlib.sha256(repr(value).encode()).digest(), np.uint8))
    others = np.flatnonzero((digests != digests[0]).any(axis=1)).tolist()
    if others:
        raise argument_error(name, expected, f"another one on processes {others} than on process 0", remedy)


@contextlib.contextmanager
def deferred_signals(mesh: Mesh | None) -> Iterator[threading.Event]:
    """SIGTERM, which schedulers send before they kill, and Ctrl-C as an event.

    A chunk that has begun is let end: its states are overwritten, and of several processes one that stops alone leaves
    the others waiting for it. A second SIGTERM ends the process at once, a second Ctrl-C is a `KeyboardInterrupt`.
    Handlers that the program has set itself stay; but Ctrl-C is an event wherever several processes run.
    """
    asked = threading.Event()
    usual = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}
    deferred = [number for number, handler in usual.items() if signal.getsignal(number) is handler]
    if spans(mesh) and signal.SIGINT not in deferred:
        deferred.append(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread():
        deferred = []

    def ask(number, _):
        asked.set()
        signal.signal(number, usual[number])

    previous = {number: signal.signal(number, ask) for number in deferred}
    try:
        yield asked
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _same(tree: PyTree) -> PyTree:
    return tree
