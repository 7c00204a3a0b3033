"""Code that is shown runs: that of the pages and of the systems' READMEs, and the examples of docstrings."""

import doctest
import importlib
import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest
import scripts

import grokjax


ROOT = Path(__file__).parent.parent.parent
SHOWN = [*sorted((ROOT / "docs").glob("*.md")), *sorted((ROOT / "grokjax" / "systems").glob("*/README.md"))]
PAGES = [path for path in SHOWN if "```python" in path.read_text()]
ROOMS = scripts.load("pages").reference()
GLOBALS = {"grokjax": grokjax, "jax": jax, "jnp": jnp, "np": np}
RUNNER = """
import re, sys, time, traceback, types
from pathlib import Path
import jax
root, *pages = sys.argv[1:]
failed = []
for page in pages:
    blocks = re.findall(r"^```python\\n(.*?)^```", Path(root, page).read_text(), flags=re.DOTALL | re.MULTILINE)
    started = time.perf_counter()
    module = sys.modules["__main__"] = types.ModuleType("__main__")  # a page knows nothing of another,
    jax.config.update("jax_enable_x64", False)  # nor of its 64-bit numbers
    try:
        for block in blocks:
            exec(compile(block, page, "exec"), module.__dict__)
    except Exception:
        failed.append(page)
        traceback.print_exc()
    print(f"page {page}: {len(blocks)} blocks, {time.perf_counter() - started:.0f} s", flush=True)
sys.exit(f"failed: {failed}" if failed else 0)
"""


@pytest.mark.docs
def test_the_code_of_all_pages_runs(tmp_path):
    """In one process, so that what one page compiled serves the next; from outside of the checkout."""
    names = [str(path.relative_to(ROOT)) for path in PAGES]
    environment = {**os.environ, "MPLBACKEND": "Agg", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-c", RUNNER, str(ROOT), *names]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
    assert len(re.findall(r"^page ", done.stdout, flags=re.MULTILINE)) == len(PAGES)


def explains_itself(thing):
    """Whether it is a function or a class; a constant has the docstring of its type, if any."""
    return inspect.isclass(thing) or (callable(thing) and inspect.getdoc(thing) not in (None, type(thing).__doc__))


@pytest.mark.docs
@pytest.mark.parametrize("room", ROOMS)
def test_the_examples_of_docstrings_run(room):
    """Every public function and class has one."""
    names = [(f"grokjax.{module}", name) for module, names in ROOMS[room].items() for name in names]
    things = {f"{module}.{name}": getattr(importlib.import_module(module), name) for module, name in names}
    things = {name: thing for name, thing in things.items() if explains_itself(thing)}
    finder = doctest.DocTestFinder(recurse=False)
    tests = {name: finder.find(thing, name, module=False, globs=dict(GLOBALS)) for name, thing in things.items()}
    missing = [name for name, found in tests.items() if not (found and found[0].examples)]
    assert things
    assert not missing, f"without an example: {', '.join(missing)}"
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    with jax.numpy_rank_promotion("allow"):  # a reader's functions broadcast as they like
        for (test,) in tests.values():
            runner.run(test, clear_globs=True)
            plt.close("all")
    assert not runner.failures, f"{runner.failures} of {runner.tries} lines; what they printed is above"


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
