"""Fill the gallery: run examples and put their cells, figures, captions and printed tables into docs/gallery.

    python .ci/gallery.py              every example, at its default size
    python .ci/gallery.py 05 06        these
    python .ci/gallery.py --smoke 01   small; the page says so
    python .ci/gallery.py --workers 1  one after the other, with all cores; else each example has a core of its own
    python .ci/gallery.py --index      the list alone

What is made is kept in the repository, with figures at the size of a screen, so that the pages build without running
anything. Figures at full size stay under output/gallery.
"""

import argparse
import math
import os
import re
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from queue import Queue

from PIL import Image


ROOT = Path(__file__).parent.parent
GALLERY = ROOT / "docs" / "gallery"
EXAMPLES = sorted((ROOT / "examples").glob("[0-9]*.py"))
WIDTH = 1000  # pixels of a figure on a page
COLOURS = 128  # a palette, which makes a small file and shows no bands in line drawings
MOST_LINES = 250  # of what an example prints


def cells_of(path: Path) -> list[tuple[str, str]]:
    """(heading, text) of every cell; the first is the introduction, whose heading is "markdown"."""
    parts = re.split(r"^# %%[ ]?(.*)$", path.read_text(), flags=re.MULTILINE)[1:]
    headings = [heading.strip(" []") for heading in parts[::2]]
    return [(heading, text.strip("\n")) for heading, text in zip(headings, parts[1::2], strict=True)]


def introduction(path: Path) -> tuple[str, str, str]:
    """Title, text and commands of an example."""
    text = textwrap.dedent("\n".join(line[1:] for line in cells_of(path)[0][1].splitlines()))
    title, _, body = text.partition("\n")
    commands = [line.strip() for line in body.splitlines() if line.startswith("    ")]
    return (
        title.removeprefix("# ").strip(),
        re.sub(r"^    .*\n?", "", body, flags=re.MULTILINE).strip(),
        "\n".join(commands),
    )


def seconds_before(path: Path) -> float:
    """What an example took when its page was made; those that took long are begun first."""
    page = GALLERY / f"{path.stem}.md"
    found = re.search(r"^\*Made by .* in (\d+) s", page.read_text(), re.MULTILINE) if page.exists() else None
    return float(found[1]) if found else math.inf


def run(path: Path, smoke: bool, cores: Queue) -> tuple[str, float]:
    """What an example prints on the cores that are free, and its seconds."""
    output = ROOT / "output" / "gallery" / path.stem
    output.mkdir(parents=True, exist_ok=True)
    for old in (*output.glob("*.png"), *output.glob("*.txt")):
        old.unlink()
    command = [sys.executable, str(path), "--output", str(output), *(["--smoke"] if smoke else [])]
    environment, own = {**os.environ, "MPLBACKEND": "Agg"}, cores.get()
    started = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as example:
        if own:
            os.sched_setaffinity(example.pid, own)
        printed, _ = example.communicate()
    seconds = time.perf_counter() - started
    cores.put(own)
    if example.returncode:
        raise SystemExit(f"{path.name} failed")
    return printed.replace(f"{output}{os.sep}", "").replace(str(output), "output"), seconds


def place_figures(path: Path) -> list[str]:
    """The figures of an example at the size of a screen, in the order in which it made them, with captions."""
    made, folder, lines = ROOT / "output" / "gallery" / path.stem, GALLERY / path.stem, []
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.png"):
        old.unlink()
    for figure in sorted(made.glob("*.png"), key=lambda file: file.stat().st_mtime):
        with Image.open(figure) as image:
            flat = Image.new("RGB", image.size, "white")
            flat.paste(image, mask=image.getchannel("A") if "A" in image.getbands() else None)
        if flat.width > WIDTH:
            flat = flat.resize((WIDTH, round(flat.height * WIDTH / flat.width)), Image.Resampling.LANCZOS)
        flat.quantize(COLOURS, dither=Image.Dither.NONE).save(folder / figure.name, optimize=True)
        caption = figure.with_suffix(".txt")
        words = caption.read_text().strip() if caption.exists() else ""
        lines += [f"![{figure.stem}]({path.stem}/{figure.name})", "", *([words, ""] if words else [])]
    return lines


def write_page(path: Path, printed: str, seconds: float, smoke: bool, num_cores: int) -> None:
    """One page: introduction, figures, what was printed, and the cells."""
    title, text, commands = introduction(path)
    size = "a tiny run (`--smoke`) whose numbers mean nothing," if smoke else "a run at its default size"
    cores = "one CPU core" if num_cores == 1 else f"{num_cores} CPU cores"
    about = f"Made by {size} in {seconds:.0f} s on {cores}, with grokjax {version('grokjax')} and jax {version('jax')}."
    shown = printed.strip().splitlines()
    shown = shown[:MOST_LINES] + (["..."] if len(shown) > MOST_LINES else [])
    lines = [f"# {title}", "", text, "", "```bash", commands, "```", "", f"*{about}*", ""]
    lines += ["## Figures", "", *place_figures(path), "## Printed", "", "```text", *shown, "```", "", "## Cells", ""]
    for heading, code in cells_of(path)[1:]:
        lines += [f"### {heading}", ""] if heading and heading != "markdown" else []
        lines += ["```py", code, "```", ""]
    (GALLERY / f"{path.stem}.md").write_text("\n".join(lines))


def write_index() -> None:
    """The list of examples, with the first figure of those that have a page."""
    lines = [
        "# Gallery",
        "",
        "Every figure is made by a script in `examples/`, which is a notebook, too: open it with jupytext,",
    ]
    lines += ["or cell by cell in an editor. `make gallery` runs them all and writes these pages.", ""]
    for path in EXAMPLES:
        title, text, _ = introduction(path)
        page = GALLERY / f"{path.stem}.md"
        lines += [f"## [{title}]({path.stem}.md)" if page.exists() else f"## {title}", ""]
        lines += [re.split(r"(?<=[.?])\s", text.replace("\n", " "))[0], ""]
        figure = re.search(r"!\[.*?\]\((.*?)\)", page.read_text()) if page.exists() else None
        lines += [f"[![{title}]({figure[1]}){{ width=600 }}]({path.stem}.md)", ""] if figure else []
        lines += [] if page.exists() else [f"`python examples/{path.name}`; its page is not in this build.", ""]
    (GALLERY / "index.md").write_text("\n".join(lines).rstrip() + "\n")


def main() -> None:
    made = argparse.ArgumentParser(description="Fill the gallery.")
    made.add_argument("numbers", nargs="*", help="of examples, all unless given")
    made.add_argument("--smoke", action="store_true", help="tiny runs")
    made.add_argument("--index", action="store_true", help="write the list alone")
    made.add_argument("--workers", type=int, help="examples at a time, one for each core unless given")
    args = made.parse_args()
    GALLERY.mkdir(exist_ok=True)
    total = time.perf_counter()
    wanted = [] if args.index else [p for p in EXAMPLES if not args.numbers or p.name.split("_")[0] in args.numbers]
    all_cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    workers = args.workers or max(1, min(len(all_cores), len(wanted)))
    cores = Queue()
    for index in range(workers):
        cores.put(set(all_cores[index::workers]))

    def make(path: Path) -> None:
        printed, seconds = run(path, args.smoke, cores)
        write_page(path, printed, seconds, args.smoke, len(all_cores[::workers]) or os.cpu_count())
        print(f"{path.stem}: {seconds:.0f} s", flush=True)

    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(make, sorted(wanted, key=seconds_before, reverse=True)))
    write_index()
    print(f"docs/gallery after {time.perf_counter() - total:.0f} s")


if __name__ == "__main__":
    main()
