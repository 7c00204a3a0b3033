"""Every example runs, small (`make smoke`); the code of README and pages runs as printed."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest


ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))


def run(*arguments, cwd=ROOT):
    environment = {**os.environ, "MPLBACKEND": "Agg", "JAX_PLATFORMS": "cpu"}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, cwd=cwd)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.mark.smoke
@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.stem)
def test_example(example, tmp_path):
    run(str(example), "--smoke", "--output", str(tmp_path))
    assert any(file.suffix == ".png" for file in tmp_path.rglob("*")), "an example leaves figures"


@pytest.mark.smoke
def test_the_code_of_the_readme_runs_from_outside(tmp_path):
    """That of the pages is run with the documentation (`make test-docs`)."""
    snippets = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert snippets, "the page shows code"
    script = tmp_path / "snippet.py"
    script.write_text("\n".join(snippets))
    printed = run(str(script), cwd=tmp_path)
    assert "overlap" in printed


CELL_BY_CELL = """
import sys
sys.ps1 = ">>> "  # as in a console, so that the command line is not read
import jupytext
for cell in jupytext.read(sys.argv[1]).cells:
    if cell.cell_type == "code":
        exec(compile(cell.source, sys.argv[1], "exec"), globals())
"""


@pytest.mark.smoke
def test_an_example_runs_cell_by_cell(tmp_path, monkeypatch):
    pytest.importorskip("jupytext")
    monkeypatch.setenv("GROKJAX_ARGUMENTS", f"--smoke --output {tmp_path}")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT / "examples"), os.environ.get("PYTHONPATH", "")]))
    printed = run("-c", CELL_BY_CELL, str(ROOT / "examples" / "05_your_own_system.py"))
    assert "overlap" in printed
    assert (tmp_path / "overlap.png").exists()


@pytest.mark.smoke
def test_the_day_of_a_gpu_is_resumed(tmp_path):
    """One command, all steps; what is done is not done again, and numbers are kept with where they come from."""
    command = (str(ROOT / "benchmarks" / "gpu_day.py"), "--smoke", "--output", str(tmp_path))
    printed = run(*command)
    assert "nothing to compare" in printed
    written = json.loads((tmp_path / "gpu_day-cpu.json").read_text())
    assert {row["step"] for row in written["rows"]} == set("ABCDE")
    assert written["versions"]["jax"]
    timed = [row for row in written["rows"] if "ms/step" in row]
    assert len(timed) == 2
    for row in timed:
        assert row["finite"]
        assert 0 < row["roofline_share"]
        assert row["GB/step"] > 0
    assert (tmp_path / "gpu_day-cpu.png").exists()
    assert run(*command).count("done before") == len({(row["step"], row["name"]) for row in written["rows"]})


def test_the_table_of_claims_is_what_its_sources_say():
    run("benchmarks/claims.py", "--check")
