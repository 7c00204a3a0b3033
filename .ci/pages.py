"""Stage the pages of the documentation under output/docs: what `make docs` builds.

Pages are docs/**, the README as front page, the README of every system, CONTRIBUTING, CHANGELOG, and a reference with
every public name, read from the sources. Links between files of the repository become links between pages; a link to a
file without a page becomes its text, one to nothing is an error.
"""

import ast
import os
import re
import shutil
import sys
from pathlib import Path


ROOT = Path(__file__).parent.parent
OUT = ROOT / "output" / "docs"
SYSTEMS = ROOT / "grokjax" / "systems"

PAGES = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "CITATION.cff": "citing.md",
    "tests/exact/README.md": "exact.md",
    **{f"grokjax/systems/{path.parent.name}/README.md": f"systems/{path.parent.name}.md"
       for path in SYSTEMS.glob("*/README.md")},
}  # fmt: skip
"""Files of the repository that are pages; everything in docs/ is one under its own name."""

PARTS = ("", ".theory", ".constructions", ".figures")
"""Of a system; the names of a single file `theory.py` are those of the system."""

ROOMS = {
    "your_own": ("Systems of your own", ["experiment", "driver", "parameters", "results", "phases", "status"]),
    "posterior": ("Posteriors", ["posterior", "networks", "tasks", "likelihoods", "kernels", "precision"]),
    "samplers": ("Samplers", ["samplers"]),
    "ensemble": ("Ensembles", ["ensemble", "ensemble.devices"]),
    "observables": ("Observables", ["observables"]),
    "evidence": ("Evidence", ["evidence", "evidence.*"]),
    "theory": ("Theory", ["theory", "theory.*"]),
    "io": ("Files", ["io"]),
    "plot": ("Figures", ["plot", "plot.*"]),
    **{path.parent.name: (path.parent.name, [f"systems.{path.parent.name}{part}" for part in PARTS])
       for path in sorted(SYSTEMS.glob("*/__init__.py"))},
}  # fmt: skip
"""Pages of the reference: title and modules. `evidence.*` are the modules of a package that has names besides."""


def source_of(module: str) -> Path | None:
    """The file of a module of grokjax, None without one."""
    stem = ROOT.joinpath("grokjax", *module.split("."))
    found = [path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.exists()]
    return found[0] if found else None


def public_names(module: str) -> list[str]:
    """Names of a module: those in `__all__`, or what is defined in it without an underscore; no modules."""
    tree = ast.parse(source_of(module).read_text())
    modules = _imported_modules(tree)
    defined = []
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            listed = ast.literal_eval(node.value)
            return [name for name in listed if name not in modules]
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.append(node.name)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            if isinstance(node.value, ast.Call) and ast.unparse(node.value.func) in ("flat", "door"):
                defined.append(node.targets[0].id)
    return [name for name in defined if not name.startswith("_")]


def reference() -> dict[str, dict[str, list[str]]]:
    """Names by page of the reference and module; a name that a package re-exports stands with the package."""
    pages = {}
    for page, (_, modules) in ROOMS.items():
        named: dict[str, list[str]] = {}
        for module in modules:
            if module.endswith(".*"):
                package = module.removesuffix(".*")
                folder = source_of(package).parent
                inner = [f"{package}.{path.stem}" for path in sorted(folder.glob("*.py")) if path.stem[0] != "_"]
            else:
                inner = [module] if _is_room(module) else []
            for each in inner:
                home, _, last = each.rpartition(".")
                facade = set(named.get(home, ()))
                homes = _homes(home) if facade else {}
                named[each] = [n for n in public_names(each) if not (n in facade and homes.get(n) == last)]
        pages[page] = {module: names for module, names in named.items() if names}
    return pages


def place(module: str, name: str) -> str:
    """The full name under which something stands in the reference; a function behind a module of its name has two."""
    home = (
        f"{_homes(module)[name]}." if source_of(f"{module}.{name}") and source_of(module).name == "__init__.py" else ""
    )
    return f"grokjax.{module}.{home}{name}"


def _is_room(module: str) -> bool:
    """Whether a module stands on a page; `theory.py` of a system is behind the names of the system."""
    source = source_of(module)
    behind = module.startswith("systems.") and module.endswith(".theory") and source and source.name == "theory.py"
    return source is not None and not behind


def _imported_modules(tree: ast.Module) -> set[str]:
    """What a package imports by `from . import name`, and modules of other packages."""
    plain = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level and not node.module]
    return {alias.name for node in plain for alias in node.names} | {"devices", "statistics"}


def _homes(package: str) -> dict[str, str]:
    """Module of a package that each of its re-exported names comes from."""
    tree = ast.parse(source_of(package).read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom) and node.level == 1 and node.module]
    return {alias.name: node.module for node in imports for alias in node.names}


def first_line(module: str) -> str:
    """The first sentence of a module's docstring."""
    return (ast.get_docstring(ast.parse(source_of(module).read_text())) or "").split("\n\n")[0].replace("\n", " ")


def write_reference() -> None:
    """One page a room: every name in full."""
    pages, index = reference(), ["# Reference", ""]
    index += [
        "Public are the names that a package lists in `__all__`, those of rooms of a single file, and those of the",
        "modules of `evidence`, `theory`, `plot` and `figures`. The second table is what `import grokjax` brings.",
        "",
        "| room | what is in it |",
        "|---|---|",
    ]
    homes = _front_door(pages)
    for page, named in pages.items():
        title, lines = ROOMS[page][0], [f"# {ROOMS[page][0]}", ""]
        index.append(f"| [{title}]({page}.md) | {first_line(next(iter(named)))} |")
        for module, names in named.items():
            lines += [f"## `grokjax.{module}`", "", first_line(module), ""]
            for name in names:
                constant = ["    options:", "      show_if_no_docstring: true"] if name.isupper() else []
                lines += [f"::: {place(module, name)}", *constant, ""]
        (OUT / "api" / f"{page}.md").write_text("\n".join(lines))
    index += ["", "## `import grokjax`", "", "| name | in |", "|---|---|"]
    index += [f"| [`grokjax.{name}`][{home}] | [{ROOMS[page][0]}]({page}.md) |" for name, (page, home) in homes.items()]
    (OUT / "api" / "index.md").write_text("\n".join(index) + "\n")


def _front_door(pages: dict[str, dict[str, list[str]]]) -> dict[str, tuple[str, str]]:
    """Page and place of every name of `grokjax` itself."""
    found = {}
    for name in public_names(""):
        places = [(page, place(module, name)) for page, named in pages.items() if page not in SYSTEM_PAGES
                  for module, names in named.items() if name in names]  # fmt: skip
        if not places:
            raise SystemExit(f"grokjax.{name} stands on no page of the reference")
        found[name] = places[0]
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


SYSTEM_PAGES = {path.parent.name for path in SYSTEMS.glob("*/__init__.py")}


def page_of(path: str) -> str | None:
    """The page that a file or folder of the repository is, relative to the pages."""
    readme = f"{path}/README.md"
    if path in PAGES or readme in PAGES:
        return PAGES[path if path in PAGES else readme]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path == "grokjax/systems":
        return "systems/index.md"
    room = path.removeprefix("grokjax/").removesuffix(".py").replace("/", ".")
    for page, (_, modules) in ROOMS.items():
        if path.startswith("grokjax/") and room in modules:
            return f"api/{page}.md"
    example = re.fullmatch(r"examples/(\w+)\.py", path)
    if example and (ROOT / "docs" / "gallery" / f"{example[1]}.md").exists():
        return f"gallery/{example[1]}.md"
    return None


def with_links(text: str, source: str, page: str) -> str:
    """A page's text with links between files turned into links between pages."""

    def one(match: re.Match) -> str:
        text, target, anchor = match["text"], match["target"], match["anchor"] or ""
        if re.match(r"[a-z]+:", target) or not target:
            return match[0]
        path = os.path.normpath(os.path.join(os.path.dirname(source), target))
        if not (ROOT / path).exists():
            raise SystemExit(f"{source}: a link to {target}, which is not there")
        goal = page_of(path)
        if goal is None:
            return text if not match["image"] else match[0]
        return f"{match['image']}[{text}]({os.path.relpath(goal, os.path.dirname(page) or '.')}{anchor})"

    fences = re.split(r"(^ *```.*?^ *```$)", text, flags=re.MULTILINE | re.DOTALL)
    link = re.compile(r"(?P<image>!?)\[(?P<text>[^\[\]]*)\]\((?P<target>[^()\s#]*)(?P<anchor>#[^()\s]*)?\)")
    return "".join(part if i % 2 else link.sub(one, part) for i, part in enumerate(fences))


def write_systems() -> None:
    """The list of systems."""
    lines = ["# Systems", "", "One paper, one page: symbols, equations, conventions, figures, departures.", ""]
    lines += ["| system | what it is | reference |", "|---|---|---|"]
    for path in sorted(SYSTEMS.glob("*/README.md")):
        name = path.parent.name
        lines.append(f"| [{name}]({name}.md) | {first_line(f'systems.{name}')} | [names](../api/{name}.md) |")
    (OUT / "systems" / "index.md").write_text("\n".join(lines) + "\n")


def main() -> None:
    shutil.rmtree(OUT, ignore_errors=True)
    shutil.copytree(ROOT / "docs", OUT)
    for folder in ("api", "systems"):
        (OUT / folder).mkdir()
    sources = {source: page for source, page in PAGES.items() if source.endswith(".md")}
    sources |= {str(path.relative_to(ROOT)): str(path.relative_to(ROOT / "docs"))
                for path in (ROOT / "docs").rglob("*.md") if "assets" not in path.parts}  # fmt: skip
    for source, page in sources.items():
        text = (ROOT / source).read_text()
        text = text.replace("<!-- CITATION.cff -->", (ROOT / "CITATION.cff").read_text())
        (OUT / page).write_text(with_links(text, source, page))
    (OUT / "assets" / "katex" / "README.md").unlink(missing_ok=True)
    write_systems()
    write_reference()
    print(f"staged {sum(1 for _ in OUT.rglob('*.md'))} pages in {OUT.relative_to(ROOT)}", file=sys.stderr)


if __name__ == "__main__":
    main()
