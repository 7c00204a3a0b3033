"""Code that is shown runs: that of the pages, and the examples of docstrings."""

import doctest
import importlib
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax


ROOT = Path(__file__).parent.parent.parent
PAGES = sorted(path for path in (ROOT / "docs").glob("*.md") if "```python" in path.read_text())
GLOBALS = {"grokjax": grokjax, "jax": jax, "jnp": jnp, "np": np}
DOORS = {
    "driver.simulate", "ensemble.run", "evidence.compare", "evidence.free_energy",
    "evidence.order_of_transition", "evidence.power_law", "evidence.two_start", "io.load", "io.save", "io.to_xarray",
    "phases.sweep", "samplers.DropletMoves", "samplers.GradientDescent", "samplers.Langevin",
    "samplers.LeimkuhlerMatthews", "samplers.MALA", "samplers.ReplicaExchange", "samplers.UnderdampedLangevin",
    "systems.approximation.predict", "systems.approximation.simulate", "systems.hopfield.predict",
    "systems.hopfield.simulate", "systems.infinite_width.predict", "systems.interatomic_potential.predict",
    "systems.mean_variance.predict", "systems.modular_addition.predict", "systems.modular_addition.simulate",
    "systems.power_unit.predict", "systems.power_unit.simulate", "systems.representation.predict",
    "systems.representation.simulate", "systems.teacher_student.phase_diagram", "systems.teacher_student.predict",
    "systems.teacher_student.sharp_limit", "systems.teacher_student.simulate",
}  # fmt: skip
RUNNER = """
import re, sys, time, types
for page in sys.argv[1:]:
    blocks = re.findall(r"^```python\\n(.*?)^```", open(page).read(), flags=re.DOTALL | re.MULTILINE)
    started = time.perf_counter()
    module = sys.modules["__main__"] = types.ModuleType("__main__")  # a page knows nothing of another
    for block in blocks:
        exec(compile(block, page, "exec"), module.__dict__)
    print(f"page {page}: {len(blocks)} blocks, {time.perf_counter() - started:.0f} s", flush=True)
"""


@pytest.mark.docs
def test_the_code_of_all_pages_runs(tmp_path):
    """In one process, so that what one page compiled serves the next; from outside of the checkout."""
    command = [sys.executable, "-c", RUNNER, *map(str, PAGES)]
    environment = {**os.environ, "MPLBACKEND": "Agg", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert done.stdout.count("page ") >= len(PAGES)


def documented():
    spec = importlib.util.spec_from_file_location("pages", ROOT / ".ci" / "pages.py")
    pages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(pages)
    for page in pages.reference().values():
        for module, names in page.items():
            for name in names:
                yield f"{module}.{name}", getattr(importlib.import_module(f"grokjax.{module}"), name)


@pytest.mark.docs
def test_the_examples_of_docstrings_run(capsys):
    things = list(documented())
    finder = doctest.DocTestFinder(recurse=False)
    tests = {name: finder.find(thing, name, module=False, globs=dict(GLOBALS)) for name, thing in things}
    tests = {name: found[0] for name, found in tests.items() if found and found[0].examples}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    for test in tests.values():
        runner.run(test, clear_globs=True)
    with capsys.disabled():
        share = f"{len(tests)} of {len(things)} public names have an example in their docstring"
        print(f"\n{share}; {runner.tries} lines tried, {runner.failures} failed")
    assert not runner.failures
    assert set(tests) >= DOORS, DOORS - set(tests)


@pytest.mark.docs
def test_pages_speak_of_names_that_exist():
    """`grokjax.x.y` in the text of a page is there."""
    for path in (ROOT / "docs").glob("*.md"):
        for dotted in set(re.findall(r"`grokjax((?:\.\w+)+)", path.read_text())):
            thing = grokjax
            for part in dotted.split(".")[1:]:
                if not hasattr(thing, part):
                    importlib.import_module(f"{thing.__name__}.{part}")
                thing = getattr(thing, part)
