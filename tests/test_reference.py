"""The reference has every public name, and every name says in a line what it is."""

import importlib
import inspect
import pkgutil
import re
from pathlib import Path
from types import ModuleType

import pytest
import scripts
from matplotlib.figure import Figure

import grokjax


ROOT = Path(__file__).parent.parent
SINGLE = [
    "driver",
    "experiment",
    "likelihoods",
    "networks",
    "parameters",
    "phases",
    "posterior",
    "precision",
    "results",
]
SINGLE += ["status", "tasks", "ensemble.devices"]
OPEN = ("evidence", "theory", "plot")  # packages whose modules are public, too


def public_modules():
    """Packages with `__all__`, rooms of one file, modules of the open packages, and figures."""
    found = [
        info.name for info in pkgutil.walk_packages(grokjax.__path__, "grokjax.")
        if not any(part.startswith("_") for part in info.name.split("."))
    ]  # fmt: skip
    for name in found:
        short = name.removeprefix("grokjax.")
        package = (ROOT / name.replace(".", "/") / "__init__.py").exists()
        opened = short.split(".")[0] in OPEN
        figures = short.startswith("systems.") and short.endswith(".figures")
        if (package and short != "systems") or short in SINGLE or opened or figures:
            yield importlib.import_module(name)


def public_things():
    """(module, name, thing) of every public name that is no module."""
    for module in [grokjax, *public_modules()]:
        own = lambda thing, module=module: getattr(thing, "__module__", "") == module.__name__
        names = getattr(module, "__all__", None)
        if names is None:
            kinds = lambda thing: inspect.isclass(thing) or inspect.isfunction(thing)
            names = [n for n, thing in vars(module).items() if n[0] != "_" and kinds(thing) and own(thing)]
        for name in names:
            thing = getattr(module, name)
            if not isinstance(thing, ModuleType):
                yield module, name, thing


def test_the_reference_has_every_public_name():
    named = scripts.load("pages").reference()
    documented = {
        (module, name): getattr(importlib.import_module(f"grokjax.{module}"), name)
        for page in named.values() for module, names in page.items() for name in names
    }  # fmt: skip
    things = {id(thing) for thing in documented.values()}
    public = list(public_things())
    missing = [f"{module.__name__}.{name}" for module, name, thing in public if id(thing) not in things]
    assert not missing, f"{len(missing)} of {len(public)} public names are in no page of the reference"
    assert len(documented) > 500


def test_every_public_name_has_a_docstring_of_its_own():
    lacking = [
        f"{module.__name__}.{name}"
        for module, name, thing in public_things()
        if (inspect.isclass(thing) or inspect.isroutine(thing)) and not (vars_doc(thing) or "").strip()
    ]
    assert not lacking


def vars_doc(thing):
    """The docstring without those of bases."""
    return thing.__dict__.get("__doc__") if inspect.isclass(thing) else thing.__doc__


@pytest.mark.parametrize("name", ["", ".evidence", ".samplers", ".theory", ".systems.teacher_student"])
def test_help_begins_with_a_line_for_every_name(name):
    package = importlib.import_module(f"grokjax{name}")
    lines = [line.split(maxsplit=1) for line in package.__doc__.splitlines() if line.startswith("    ")]
    assert {words[0] for words in lines} == set(package.__all__)
    assert all(len(words) == 2 for words in lines)


def test_links_between_files_become_links_between_pages():
    pages = scripts.load("pages")
    text = "[a](docs/sampling.md#x), [b](grokjax/systems/hopfield), [c](tests/conftest.py), [d](https://x.org)"
    made = pages.with_links(text, "README.md", "index.md")
    assert made == "[a](sampling.md#x), [b](systems/hopfield.md), c, [d](https://x.org)"
    assert pages.with_links("[t](../../../README.md)", "grokjax/systems/hopfield/README.md", "systems/hopfield.md") == (
        "[t](../index.md)"
    )
    with pytest.raises(SystemExit, match="not there"):
        pages.with_links("[a](docs/nothing.md)", "README.md", "index.md")


def test_every_figure_has_a_caption_and_a_test():
    """What returns a figure says in words what is seen (panels do not), and is drawn by a test."""
    tests = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    figures, captions = {}, {}
    for home, name, thing in public_things():
        module = home.__name__
        room = module.removesuffix(".figures") if module.endswith(".figures") else "grokjax.plot"
        kept = captions if name.lower().startswith("caption") or module.endswith(".captions") else figures
        drawn = inspect.isfunction(thing) and inspect.get_annotations(thing).get("return") in (Figure, "Figure")
        if kept is captions or (drawn and not name.startswith("draw_")):
            kept.setdefault(room, {})[re.sub(r"^(figure|caption)_|_figure$", "", name.lower())] = name
        captions.setdefault(room, {}).update(getattr(home, "CAPTIONS", {}))
    assert len(figures) == 9
    assert sum(map(len, figures.values())) > 50
    for room, drawn in figures.items():
        several = {key.removesuffix("s") for key in captions[room]}  # one for a panel and for a row of them
        assert not set(drawn) - set(captions[room]) - several, room
        assert all(re.search(rf"\b{name}\b", tests) for name in drawn.values()), room
