"""Targets that can be compiled for here, and the ensemble's program for each of them, compiled once."""

import functools
import sys
from importlib.util import find_spec
from pathlib import Path

import jax
import pytest


sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
WHEELS = {"h100": ("jax_cuda12_plugin", "cuda-aot"), "v5e": ("libtpu", "tpu-aot")}


def devices_or_skip(target: str, count: int = 1):
    """Devices to compile for; the test is skipped where their compiler is not installed or makes none."""
    wheel, extra = WHEELS[target]
    if find_spec(wheel) is None:
        pytest.skip(f"{wheel} is not installed: pip install grokjax[{extra}]")
    import _ahead

    try:
        return _ahead.devices_of(target, count)
    except (RuntimeError, ValueError, NotImplementedError) as error:
        pytest.skip(f"no description of {target} can be made here: {str(error)[:200]}")


@pytest.fixture(scope="session")
def devices():
    """A function of a target's name and a number."""
    return devices_or_skip


@pytest.fixture(scope="session")
def compiled():
    """Of a target, a number of devices and a precision: the chunk, the compiled program and its text."""

    @functools.cache
    def one(target, count, precision, gradient):
        devices = devices_or_skip(target, count)
        import _ahead

        from grokjax.systems import teacher_student as ts

        with jax.enable_x64(False):  # what users run
            chunk = _ahead.chunk(devices, precision=precision, students=ts.Students(gradient=gradient))
            program = chunk.lowered.compile()
        return chunk, program, program.as_text()

    return lambda target, count=1, precision="highest", gradient="auto": one(target, count, precision, gradient)
