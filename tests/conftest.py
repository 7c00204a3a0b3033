"""Switches that every test runs under: a quick compiler, 64-bit floats, and no silent rank promotion."""

import os
from importlib.metadata import version
from pathlib import Path


# Most programs of a test run once, so that compiling them is what tests cost: with few optimisations it takes half.
# A variable set outside wins: `XLA_FLAGS= make test` tests what users run, and so do the long tests.
# Later jaxlibs than 0.10 have no such emitters to leave out, and end at a flag that they do not know.
os.environ.setdefault(
    "XLA_FLAGS",
    "--xla_backend_optimization_level=1"
    + (" --xla_cpu_use_fusion_emitters=false" if version("jaxlib").startswith("0.10.") else ""),
)

import jax
import pytest


jax.config.update("jax_enable_x64", True)
jax.config.update("jax_numpy_rank_promotion", "raise")

MANY_REGIONS = 25_000  # Linux allows a process 65 530 mapped regions of memory and kills it beyond.


@pytest.fixture(autouse=True, scope="module")
def forget_programs():
    """A compiled program maps about ten regions, and a worker of this suite compiles thousands of programs."""
    yield
    regions = Path("/proc/self/maps")
    if regions.exists() and regions.read_text().count("\n") > MANY_REGIONS:
        jax.clear_caches()
