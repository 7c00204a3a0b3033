"""The walls of the house: no road imports the other, no system imports another, matplotlib stays in its rooms."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import grokjax


ROOT = Path(grokjax.__file__).parent
EXPERIMENT = {"samplers", "ensemble", "experiment", "observables"}
FILES = sorted(path for path in ROOT.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Absolute dotted names of everything a file imports, anywhere in it."""
    package = ("grokjax", *path.relative_to(ROOT).parts[:-1])
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(part for part in (base, node.module or "") if part)
            names |= {module} | {f"{module}.{alias.name}" for alias in node.names}
    return names


def rooms(path: Path) -> set[str]:
    return {part for name in imported(path) if name.startswith("grokjax.") for part in name.split(".")}


def is_theory(path: Path) -> bool:
    """Files of theory/, theory.py of a system, and every file that one imports from its own folder."""
    return "theory" in path.relative_to(ROOT).parts or path.stem == "theory"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_walls(path):
    parts, found = path.relative_to(ROOT).parts, rooms(path)
    if is_theory(path):
        assert not found & EXPERIMENT, f"theory must not see the simulation: {found & EXPERIMENT}"
    if path.stem == "experiment":
        assert "theory" not in found, "the simulation must not see the theory"
    if parts[0] == "systems" and len(parts) > 2:
        others = {
            name.split(".")[2] for name in imported(path) if name.startswith("grokjax.systems.") and name.count(".") > 1
        }
        assert others <= {parts[1]}, f"a system must not import another: {others - {parts[1]}}"
    uses_matplotlib = any(name.split(".")[0] == "matplotlib" for name in imported(path))
    assert not uses_matplotlib or parts[0] == "plot" or path.stem == "figures"


def test_theory_helpers_of_a_system_do_not_see_the_simulation():
    """Whatever a theory.py imports from its own folder is theory too, at any depth."""
    for start in ROOT.glob("systems/*/theory.py"):
        queue, seen = [start], set()
        while queue:
            path = queue.pop()
            if path in seen:
                continue
            seen.add(path)
            assert not rooms(path) & EXPERIMENT, path
            home = "grokjax.systems." + start.parent.name + "."
            stems = {name[len(home) :].split(".")[0] for name in imported(path) if name.startswith(home)}
            queue += [start.parent / f"{stem}.py" for stem in stems if (start.parent / f"{stem}.py").exists()]


def test_importing_the_library_touches_neither_matplotlib_nor_x64():
    code = (
        "import sys, jax, grokjax, grokjax.systems.teacher_student;"
        "assert 'matplotlib' not in sys.modules; assert not jax.config.jax_enable_x64"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env={"PATH": "", "JAX_PLATFORMS": "cpu"})
