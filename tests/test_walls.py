"""The walls of the house, by allow-list and followed transitively: no fitted number can leak from road to road.

Theory may see jax, numpy and the few rooms named below, and nothing that these do not see either. An experiment may see
anything of the engine but its theory. No system imports another, and matplotlib stays in its rooms. Violations are
planted in a copy of the package, and must be caught.
"""

import ast
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import grokjax


ROOT = Path(grokjax.__file__).parent
OUTSIDE = {"jax", "jaxtyping", "numpy", "equinox", "math", "functools", "itertools", "collections", "abc"}
OUTSIDE |= {"chex", "typing", "warnings", "dataclasses", "enum", "operator", "fractions"}
OUTSIDE |= {"html", "inspect", "types"}  # of the standard library, for printing
ROOMS = {"theory", "parameters", "status", "tasks", "networks", "phases", "_checks", "_tree", "_printing"}
FIGURES = {"plot", "figures"}


def modules(root: Path) -> dict[str, Path]:
    """Dotted names of all files of the package, without `grokjax.`"""
    named = {}
    for path in root.rglob("*.py"):
        parts = path.relative_to(root).with_suffix("").parts
        named[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return named


def imports(root: Path, known: dict[str, Path], name: str) -> tuple[set[str], set[str]]:
    """(modules of the package that a file imports, top-level names of everything else), anywhere in it."""
    path = known[name]
    package = path.relative_to(root).parts[:-1]
    inside, outside = set(), set()

    def add(dotted: str):
        while dotted and dotted not in known:
            dotted = dotted.rpartition(".")[0]
        inside.add(dotted)

    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if alias.name.split(".")[0] == "grokjax":
                    add(alias.name.removeprefix("grokjax").lstrip("."))
                else:
                    outside.add(alias.name.split(".")[0])
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0 and (node.module or "").split(".")[0] != "grokjax":
                outside.add((node.module or "").split(".")[0])
                continue
            base = package[: len(package) - node.level + 1] if node.level else ()
            module = (node.module or "").removeprefix("grokjax").strip(".") if not node.level else node.module or ""
            for alias in node.names:
                add(".".join(part for part in (*base, module, alias.name) if part))
    return inside, outside


def place(name: str) -> tuple[str, str]:
    """(system or "", room): `systems.hopfield.theory.roots` is ("hopfield", "theory")."""
    parts = name.split(".")
    if parts[0] == "systems" and len(parts) > 2:
        return parts[1], parts[2]
    return "", parts[0]


def violations(root: Path) -> list[str]:
    known = modules(root)
    seen = {name: imports(root, known, name) for name in known}
    found = []
    for name, (inside, outside) in seen.items():
        system, room = place(name)
        others = {place(other)[0] for other in inside} - {"", system}
        if system and others:
            found.append(f"{name} imports the systems {sorted(others)}")
        if "matplotlib" in outside and room not in FIGURES:
            found.append(f"{name} imports matplotlib")
    for name in known:
        system, room = place(name)
        if room == "theory" or (room in ROOMS and not system):  # what theory may see is theory itself
            found += theory_violations(seen, name, system)
        if room == "experiment":
            found += experiment_violations(seen, name, system)
    return found


def theory_violations(seen, start: str, system: str) -> list[str]:
    """Everything that a theory reaches is theory: allowed rooms, and files of its own folder that are clean as well."""
    found, queue, done = [], [start], set()
    while queue:
        name = queue.pop()
        if name in done:
            continue
        done.add(name)
        inside, outside = seen[name]
        found += [
            f"{start} reaches {each}, which is not theory's, through {name}" for each in sorted(outside - OUTSIDE)
        ]
        for other in inside:
            where, room = place(other)
            if other in ("", f"systems.{where}", "systems"):
                found.append(f"{start} reaches the package {other or 'grokjax'} through {name}")
            elif where == system and where:
                if room in ("experiment", *FIGURES):
                    found.append(f"{start} reaches {other} through {name}")
                else:
                    queue.append(other)
            elif where or room not in ROOMS:
                found.append(f"{start} reaches {other} through {name}")
            else:
                queue.append(other)
    return found


def experiment_violations(seen, start: str, system: str) -> list[str]:
    """Nothing that an experiment reaches is theory, of the engine or of its own folder."""
    found, queue, done = [], [start], set()
    while queue:
        name = queue.pop()
        if name in done:
            continue
        done.add(name)
        for other in seen[name][0]:
            where, room = place(other)
            if room == "theory" or room in FIGURES or (where and where != system):
                found.append(f"{start} reaches {other} through {name}")
            elif other not in ("", "systems"):
                queue.append(other)
    return found


def test_the_walls_hold():
    assert violations(ROOT) == []


SMUGGLED = {
    "theory imports the simulation": (
        "systems/teacher_student/theory/prediction.py",
        "from ....driver import simulate",
    ),
    "theory reads a certificate": ("systems/teacher_student/theory/prediction.py", "from .... import evidence"),
    "theory takes the whole package": ("systems/hopfield/free_energy.py", "import grokjax"),
    "a helper of theory samples": ("systems/teacher_student/quadrature.py", "from ...samplers import Langevin"),
    "theory reads a file": ("theory/adaptive_kernel.py", "import json"),
    "theory reads its own experiment": ("systems/modular_addition/pair_measure.py", "from .experiment import simulate"),
    "an engine room of theory samples": ("tasks.py", "from .samplers import Langevin"),
    "experiment imports theory": ("systems/teacher_student/experiment.py", "from .theory import predict"),
    "experiment imports the engine's theory": ("systems/teacher_student/experiment.py", "from ... import theory"),
    "a helper of an experiment imports theory": ("systems/modular_addition/network.py", "from .theory import predict"),
    "the engine imports theory": ("results.py", "from .theory.saddle_points import saddle_points"),
    "a system imports another": ("systems/hopfield/system.py", "from ..teacher_student.system import TeacherStudent"),
    "figures in a phase file": ("systems/hopfield/phases.py", "import matplotlib.pyplot"),
}


@pytest.mark.parametrize("smuggled", SMUGGLED, ids=lambda name: name.replace(" ", "_"))
def test_a_planted_violation_is_caught(smuggled, tmp_path):
    file, line = SMUGGLED[smuggled]
    copy = tmp_path / "grokjax"
    shutil.copytree(ROOT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    target = copy / file
    target.write_text(target.read_text() + f"\n{line}\n")
    assert violations(copy), f"{line} in {file} was not seen"


def test_importing_the_library_touches_neither_matplotlib_nor_x64():
    code = (
        "import sys, jax, grokjax, grokjax.systems.teacher_student;"
        "assert 'matplotlib' not in sys.modules; assert not jax.config.jax_enable_x64"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, env={"PATH": "", "JAX_PLATFORMS": "cpu"})
