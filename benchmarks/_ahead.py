"""The ensemble's own program, compiled for accelerators that are not here.

The compilers of TPUs (libtpu) and NVIDIA GPUs (jax's CUDA plugin and nvcc, no driver) run on any machine. `chunk`
lowers the program that `ensemble.run` calls for each chunk, from shapes alone, for the devices of a description;
`step_of` reads off the compiled text what one step moves.
"""

import os
import re
from importlib.util import find_spec
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.experimental import topologies
from jax.sharding import Mesh, NamedSharding, PartitionSpec, SingleDeviceSharding

from grokjax import Design, UnderdampedLangevin
from grokjax._tree import leading_axes
from grokjax.driver import first_positions
from grokjax.ensemble.placement import in_dtype
from grokjax.ensemble.programs import advance_members
from grokjax.observables import Series
from grokjax.precision import dot_precision
from grokjax.systems import teacher_student as ts


os.environ.setdefault("TPU_SKIP_MDS_QUERY", "1")  # nobody to ask which machine this is
os.environ.setdefault("ALLOW_MULTIPLE_LIBTPU_LOAD", "1")  # workers of one test run

H100 = """
gpu_device_info {
  threads_per_block_limit: 1024 threads_per_warp: 32 shared_memory_per_block: 49152 shared_memory_per_core: 233472
  threads_per_core_limit: 2048 core_count: 132 fpus_per_core: 128 block_dim_limit_x: 2147483647
  block_dim_limit_y: 65535 block_dim_limit_z: 65535 memory_bandwidth: 3352320000000 l2_cache_size: 52428800
  clock_rate_ghz: 1.98 device_memory_size: 84929347584 shared_memory_per_block_optin: 232448
  cuda_compute_capability { major: 9 feature_extension: ACCELERATED_FEATURES }
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
}
platform_name: "CUDA"
dnn_version_info { major: 9 minor: 8 }
runtime_version { major: 12 minor: 9 patch: 0 }
device_description_str: "NVIDIA H100 80GB HBM3"
"""
TPUS = {"v5e": "v5e:2x2", "v5p": "v5p:2x2x1"}
TARGETS = ("h100", *TPUS)
WHEELS = {"h100": "jax_cuda12_plugin", "v5e": "libtpu"}
RECORD_EVERY = 50
CAPACITY = 3


def targets_here() -> list[str]:
    """One target for every compiler that is installed."""
    return [target for target, wheel in WHEELS.items() if find_spec(wheel)]


def devices_of(target: str, count: int = 1) -> list[Any]:
    """Devices to compile for."""
    if target == "h100":
        found = topologies.get_topology_desc(platform="cuda", target_config=H100, topology=f"1x1x{count}").devices
    else:
        found = topologies.get_topology_desc(platform="tpu", topology_name=TPUS[target]).devices
    return list(found)[:count]


class Chunk(NamedTuple):
    """The lowered program.

    Attributes:
        traced: before it is lowered; has a `jaxpr`.
        lowered: for the devices.
        state_bytes: of the states of all members.
        sizes: width, samples, input dimension.
    """

    traced: Any
    lowered: Any
    state_bytes: int
    sizes: tuple[int, int, int]


def chunk(
    devices: list[Any],
    *,
    scale: float = 1 / 8,
    members: int = 8,
    students: ts.Students | None = None,
    precision: str | None = "highest",
    member_block: int | None = None,
    donate: bool = True,
) -> Chunk:
    """The chunk of teacher-student networks at a scale, each on its own data set.

    Args:
        devices: what it is lowered for; members are sharded over several.
        scale: beta of the paper's base point.
        members: networks.
        students: how they compute.
        precision: of the matrix products.
        member_block: members advanced together.
        donate: whether states are donated as the loop donates them; without, none are.
    """
    system = ts.TeacherStudent.at_scale(scale, 0.18)
    sampler = in_dtype(jnp.float32, UnderdampedLangevin(0.1, 1.0))
    mesh = None if len(devices) == 1 else Mesh(np.asarray(devices), ("member",))
    draw = lambda key: first_positions(key, system, students or ts.Students(), Design(num_members=members))
    problem, positions = eqx.filter_eval_shape(draw, jax.random.key(0))
    split = lambda member: jax.random.split(jax.random.fold_in(jax.random.key(0), member), 3)
    keys = jax.eval_shape(lambda: jax.vmap(split)(jnp.arange(members)))
    start = eqx.filter_vmap(lambda key, target, position: sampler.init(key[0], target, position))
    states = eqx.filter_eval_shape(start, keys, problem.target, positions)
    observables = {name: Series(measure) for name, measure in sampler.diagnostics.items()}
    whole = jax.ShapeDtypeStruct((), jnp.int32)
    fixed = (sampler, problem.target, observables, keys, whole, whole)

    over, shared = PartitionSpec("member"), PartitionSpec()
    sharding = (
        (lambda _: SingleDeviceSharding(devices[0])) if mesh is None else (lambda spec: NamedSharding(mesh, spec))
    )

    def placed(leaf):
        if not (isinstance(leaf, jax.ShapeDtypeStruct) or eqx.is_array(leaf)):
            return leaf
        leads = leaf.ndim and leaf.shape[0] == members
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=sharding(over if leads else shared))

    fixed, states = jax.tree.map(placed, (fixed, states))
    is_shape = lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct)
    (fixed, fixed_static), (states, states_static) = (eqx.partition(tree, is_shape) for tree in (fixed, states))
    cut = ((leading_axes(sampler), 0, 0, 0), CAPACITY, RECORD_EVERY, member_block, mesh)

    def advance(fixed, states):
        return advance_members.__wrapped__(eqx.combine(fixed, fixed_static), eqx.combine(states, states_static), *cut)

    donated = (1,) if donate and advance_members.donate_rest else ()
    with jax.default_matmul_precision(dot_precision(precision, devices[0].platform)):
        traced = jax.jit(advance, donate_argnums=donated).trace(fixed, states)
        lowered = traced.lower()
    size = sum(leaf.size * leaf.dtype.itemsize for leaf in jax.tree.leaves(states))
    sizes = (int(system.width), int(system.num_samples), int(system.input_dim))
    return Chunk(traced, lowered, size, sizes)


class Step(NamedTuple):
    """What the kernels of one step do.

    Attributes:
        kernels: their number.
        num_bytes: operands and outputs of all of them: what they move where nothing stays in a cache.
        cycles: the compiler's own estimate, 0 where it has none.
        largest: the most costly ones, name and bytes.
    """

    kernels: int
    num_bytes: int
    cycles: int
    largest: list[tuple[str, int]]


_BYTES = {"f64": 8, "s64": 8, "u64": 8, "f32": 4, "s32": 4, "u32": 4, "bf16": 2, "f16": 2, "pred": 1, "s8": 1, "u8": 1}
_SHAPE = re.compile(rf"\b({'|'.join(_BYTES)})\[([\d,]*)\]")
_INSTRUCTION = re.compile(r"(?:ROOT )?%?([\w.\-]+) = (.*?) ([\w\-]+)\((.*)")
_FREE = {"parameter", "get-tuple-element", "tuple", "constant", "bitcast", "while", "iota", "partition-id", "after-all"}
_FREE |= {"copy-done", "slice-done", "async-done"}


def step_of(text: str) -> Step:
    """Kernels of the loop body that moves most, which is the step, read off optimised HLO."""
    bodies = set(re.findall(r"body=%?([\w.\-]+)", text))
    rows = [_kernels(lines) for name, lines in _computations(text).items() if name in bodies]
    step = max(rows, key=lambda kernels: sum(moved for _, moved, _ in kernels))
    largest = sorted(((name, moved) for name, moved, _ in step), key=lambda kernel: -kernel[1])
    return Step(len(step), sum(moved for _, moved, _ in step), sum(cycles for *_, cycles in step), largest[:6])


def _computations(text: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    name = None
    for line in text.splitlines():
        head = re.match(r"^(?:ENTRY )?%?([\w.\-]+) (?:\(.*\) -> .*)?\{", line)
        if head:
            name = head[1]
            found[name] = []
        elif name and line.startswith("  "):
            found[name].append(line.strip())
    return found


def _kernels(lines: list[str]) -> list[tuple[str, int, int]]:
    """Name, bytes and estimated cycles of every instruction that does work."""
    shapes, rows = {}, []
    for line in lines:
        found = _INSTRUCTION.match(line)
        if not found:
            continue
        name, shape, operation, arguments = found.groups()
        shapes[name] = shape
        if operation not in _FREE:
            operands = re.findall(r"%([\w.\-]+)", arguments.split("), ")[0])
            moved = sum(_num_bytes(shapes.get(operand, "")) for operand in operands) + _num_bytes(shape)
            cycles = re.search(r'"estimated_cycles":"?(\d+)', line)
            rows.append((name, moved, int(cycles[1]) if cycles else 0))
    return rows


def _num_bytes(shapes: str) -> int:
    sizes = ((kind, [int(size) for size in axes.split(",") if size]) for kind, axes in _SHAPE.findall(shapes))
    return sum(_BYTES[kind] * int(np.prod(axes, dtype=np.int64)) for kind, axes in sizes)
