"""What a step of an ensemble costs on this device, beside what the device can do: parts of `gpu_day.py`."""

import contextlib
import functools
import time
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import _ahead
import jax
import jax.numpy as jnp
import numpy as np
from ahead_of_time import read_out_as_product
from ensemble_throughput import REPEATS, products

from grokjax import Design, UnderdampedLangevin, ensemble, kernels
from grokjax.driver import first_positions
from grokjax.kernels import reference, triton
from grokjax.precision import dot_precision, precisions_of
from grokjax.systems import teacher_student as ts


WEIGHT_ARRAYS = 12  # of a BAOAB step that are read or written if nothing stays on the chip between its parts


class Size(NamedTuple):
    """Sizes of an ensemble of teacher-student networks."""

    scale: float
    members: int

    @property
    def system(self) -> ts.TeacherStudent:
        return ts.TeacherStudent.at_scale(self.scale, 0.18)

    @property
    def shape(self) -> tuple[int, int, int]:
        """Width, samples, input dimension."""
        system = self.system
        return int(system.width), int(system.num_samples), int(system.input_dim)

    @property
    def flops(self) -> float:
        """Of the two products of a gradient."""
        width, samples, dim = self.shape
        return 4.0 * width * samples * dim * self.members

    @property
    def least_bytes(self) -> float:
        """Data once, weights and what belongs to them as often as the integrator needs them."""
        width, samples, dim = self.shape
        return 4.0 * self.members * (samples * (dim + 1) + WEIGHT_ARRAYS * width * (dim + 1))


def platform() -> str:
    """Of the device in use."""
    return ensemble.devices.available()[0].platform


def fastest(run: Callable[[], Any], rounds: int = 5) -> float:
    """The median of the seconds of a call that has been compiled."""
    jax.block_until_ready(run())
    seconds = []
    for _ in range(rounds):
        started = time.perf_counter()
        jax.block_until_ready(run())
        seconds.append(time.perf_counter() - started)
    return float(np.median(seconds))


def copy_rate(num_bytes: int) -> float:
    """Bytes per second that memory moves in a copy, reads and writes counted."""
    repeats, array = 10, jnp.ones(num_bytes // 4, jnp.float32)
    scaled = jax.jit(lambda x: jax.lax.fori_loop(0, repeats, lambda _, x: 1.0001 * x, x))
    return 2 * repeats * array.nbytes / fastest(functools.partial(scaled, array))


def product_rate(size: Size, precision: str) -> float:
    """Floating-point operations per second of W X^T and D X in the shapes of a step, and nothing else."""
    width, samples, dim = size.shape
    members = max(1, size.members // 4)  # a quarter fills any device, and leaves room for all the operands
    shapes = ((width, dim), (samples, dim), (width, samples))
    keys = jax.random.split(jax.random.key(0), 3)
    arrays = [jax.random.normal(key, (members, *shape)) for key, shape in zip(keys, shapes, strict=True)]
    with jax.default_matmul_precision(dot_precision(precision, platform())):
        run = jax.jit(products).lower(*arrays).compile()
    return REPEATS * size.flops * members / size.members / fastest(functools.partial(run, *arrays))


class Variant(NamedTuple):
    """One way to compute a step.

    Attributes:
        precision: of the products.
        gradient: "xla" or "fused".
        read_out: "sum" or "product".
        tiles: of fused kernels on a GPU.
    """

    precision: str
    gradient: str = "xla"
    read_out: str = "sum"
    tiles: Any = None

    @property
    def name(self) -> str:
        """What a row is called."""
        tiles = "" if self.tiles is None else " " + "x".join(map(str, self.tiles))
        return f"{self.gradient} {self.precision} read-out as {self.read_out}{tiles}"


@contextlib.contextmanager
def computing(variant: Variant) -> Iterator[None]:
    """The program of a variant is traced inside."""
    plain = triton.energy_and_gradient
    with read_out_as_product() if variant.read_out == "product" else contextlib.nullcontext():
        if variant.tiles is not None:
            triton.energy_and_gradient = functools.partial(plain, tiles=variant.tiles)
        try:
            yield
        finally:
            triton.energy_and_gradient = plain


class Stepper:
    """An ensemble of one variant that can be advanced again and again.

    Its program is traced afresh: jax would take that of another variant, from which it differs by nothing that jax
    sees.

    Args:
        size: of the ensemble.
        variant: how it computes.
        steps: in a round.
    """

    def __init__(self, size: Size, variant: Variant, steps: int):
        self.size, self.variant, self.steps = size, variant, steps
        students, design = ts.Students(gradient=variant.gradient), Design(num_members=size.members)
        problem, self.positions = first_positions(jax.random.key(0), size.system, students, design)
        self.target = problem.target
        self.program: Any = None
        self.run: Any = None
        self.compile_seconds = 0.0
        self.seconds: list[float] = []
        jax.clear_caches()
        self.round()
        self.seconds.clear()  # the first steps of a program

    def round(self) -> None:
        """Two chunks, of which the second is timed."""
        plain = ensemble.loop.advance_members

        def compiled(*arguments):
            if self.program is None:
                started = time.perf_counter()
                self.program = plain.lower(*arguments).compile()
                self.compile_seconds = time.perf_counter() - started
            return self.program(*arguments)

        ensemble.loop.advance_members = compiled
        try:
            with computing(self.variant):
                self.run = ensemble.run(
                    jax.random.key(1),
                    UnderdampedLangevin(0.1, 1.0),
                    self.target,
                    self.positions,
                    states=None if self.run is None else self.run.states,
                    num_steps=2 * self.steps,
                    num_chunks=2,
                    record_every=self.steps,
                    precision=self.variant.precision,
                    progress=False,
                )
        finally:
            ensemble.loop.advance_members = plain
        self.seconds.append(float(self.run.chunk_seconds[1]) / self.steps)

    def row(self, copy: float, rate: float) -> dict[str, Any]:
        """Milliseconds a step, and shares of what the device can do."""
        program = self.program.compiled
        memory, step = program.memory_analysis(), _ahead.step_of(program.as_text())
        seconds, size = float(np.median(self.seconds)), self.size
        bound = max(size.flops / rate, size.least_bytes / copy)
        peak = (ensemble.devices.available()[0].memory_stats() or {}).get("peak_bytes_in_use", 0)
        error = self.run.force_error
        return {
            "beta": size.scale,
            "members": size.members,
            "shape": list(size.shape),
            "precision": self.run.precision,
            "gradient": self.variant.gradient,
            "ms/step": 1e3 * seconds,
            "least ms": 1e3 * min(self.seconds),
            "most ms": 1e3 * max(self.seconds),
            "compile_s": self.compile_seconds,
            "GFLOP/step": size.flops / 1e9,
            "GB/step": step.num_bytes / 1e9,
            "kernels": step.kernels,
            "temp GB": memory.temp_size_in_bytes / 1e9,
            "peak GB": peak / 1e9,
            "roofline_share": bound / seconds,
            "traffic_share": step.num_bytes / copy / seconds,
            "largest force error": None if error is None else max(error.rms.values()),
            "finite": bool(np.isfinite(np.asarray(self.run.states.energy)).all()),
        }


def kernel_errors(size: Size, precision: str) -> dict[str, float]:
    """Of the fused gradient of one member against float64, over the largest entry of each result."""
    problem, positions = first_positions(jax.random.key(0), size.system, ts.Students(), Design(num_members=1))
    target, position = jax.tree.map(lambda leaf: leaf[0], (problem.target, positions))
    network = target.network(position)
    arrays = network.read_in, network.read_out[0], target.inputs, target.targets[0]
    with jax.default_matmul_precision(dot_precision(precision, platform())):
        data = kernels.padded(target.inputs, target.targets)
        found = jax.jit(kernels._energy_and_gradient)(*arrays[:2], *data)
    with jax.enable_x64(True), jax.default_matmul_precision("highest"):
        double = [jnp.asarray(np.asarray(array), jnp.float64) for array in arrays]
        expected = jax.jit(reference.energy_and_gradient)(*double)
    pairs = [(np.asarray(a, np.float64), np.asarray(b)) for a, b in zip(found, expected, strict=True)]
    names = ("energy", "read_in", "read_out")
    return {name: float(np.abs(a - b).max() / np.abs(b).max()) for name, (a, b) in zip(names, pairs, strict=True)}


def precisions_here(names: tuple[str, ...]) -> list[str]:
    """Those of the names that this device has."""
    return [name for name in names if name in precisions_of(platform())]
