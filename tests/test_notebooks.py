"""Every example is a script and a notebook: cells at top level, and jupytext reads and writes it unchanged."""

import ast
import re
from pathlib import Path

import pytest
import scripts


jupytext = pytest.importorskip("jupytext")

ROOT = Path(__file__).parent.parent
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_a_notebook(path):
    text = path.read_text()
    notebook = jupytext.reads(text, fmt="py:percent")
    assert jupytext.writes(notebook, fmt="py:percent").split("# ---\n")[-1].strip() == text.strip()
    again = jupytext.reads(jupytext.writes(notebook, fmt="ipynb"), fmt="ipynb")
    assert [cell.source for cell in again.cells] == [cell.source for cell in notebook.cells]
    first, *code = notebook.cells
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    for cell in code:
        if cell.cell_type == "code":
            ast.parse(cell.source)  # whole statements, so that a cell runs by itself


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_the_cells_of_an_example_are_at_top_level(path):
    text = path.read_text()
    assert not re.search(r"^[ \t]+# %%", text, flags=re.MULTILINE), "a cell within a function is none"
    tree = ast.parse(text)
    assert not any(isinstance(node, ast.FunctionDef) and node.name == "main" for node in tree.body)
    assert len(re.findall(r"^# %%", text, flags=re.MULTILINE)) > 4


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_introduces_its_page_of_the_gallery(path):
    title, text, commands = scripts.load("gallery").introduction(path)
    assert title
    assert not title.startswith("#")
    assert len(text) > 100
    assert all(line.startswith("python examples/") for line in commands.splitlines())
    assert f"python examples/{path.name}" in commands
