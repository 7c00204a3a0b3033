"""What every benchmark shares: a table on the screen and a JSON file that says where its numbers come from."""

import argparse
import json
import math
import platform
import subprocess
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax


RESULTS = Path(__file__).parent / "results"


def run_parts(description: str, parts: dict[str, Any], *, default: list[str] | None = None, **options: Any) -> None:
    """The command line of a benchmark of several parts, each a function of the arguments: run and time those named.

    Args:
        description: of the benchmark.
        parts: functions by name.
        default: those that run unless others are named; all of them unless given.
        **options: of integers, by name: default and help; a list of integers where the default is one.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", choices=list(parts), default=default or list(parts))
    for name, (value, words) in options.items():
        nargs = "+" if isinstance(value, list) else None
        parser.add_argument(f"--{name}", type=int, nargs=nargs, default=value, help=words)
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    for part in args.parts:
        started = time.perf_counter(), time.process_time()
        parts[part](args)
        spent = time.perf_counter() - started[0], time.process_time() - started[1]
        print(f"{part}: {spent[0]:.0f} s, {spent[1]:.0f} of a processor", flush=True)


def table(rows: list[dict[str, Any]]) -> None:
    """Print rows of equal keys in aligned columns."""
    show = lambda value: f"{value:.4g}" if isinstance(value, float) else str(value)
    cells = [list(rows[0])] + [[show(value) for value in row.values()] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    for row in cells:
        print("  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)))


def write(
    name: str, rows: list[dict[str, Any]], *, folder: Path | None = None, fresh: bool = True, **extra: Any
) -> Path:
    """Write `results/<name>-<backend>.json` with versions, device, commit and date.

    Args:
        name: of the benchmark.
        rows: what was measured.
        folder: another one than `results`.
        fresh: whether a file that is there is written over.
        **extra: kept beside the rows.
    """
    folder = RESULTS if folder is None else folder
    path = folder / f"{name}-{jax.default_backend()}.json"
    if path.exists() and not fresh:
        return path
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=RESULTS.parent, check=False
    )
    where = {
        "device": str(jax.devices()[0].device_kind),
        "cpu": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "versions": {package: version(package) for package in ("grokjax", "jax", "equinox", "numpy")},
        "commit": commit.stdout.strip() or None,
        "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    }
    folder.mkdir(exist_ok=True, parents=True)
    finite = lambda value: None if isinstance(value, float) and not math.isfinite(value) else value
    rows = [{name: finite(value) for name, value in row.items()} for row in rows]
    path.write_text(json.dumps({**where, **extra, "rows": rows}, indent=2, default=lambda value: value.item()) + "\n")
    return path
