"""What all examples are told on the command line."""

import argparse
import os
import shlex
import sys
from pathlib import Path
from typing import Any


def parser(description: str, output: str, **defaults: Any) -> argparse.ArgumentParser:
    """`--seed`, `--device`, `--output` and `--smoke`; an example adds its own.

    Args:
        description: of the example.
        output: folder under `output/` for figures and data.
        **defaults: of integer options, by name: `members=32` adds `--members`.
    """
    made = argparse.ArgumentParser(description=description)
    for name, default in defaults.items():
        made.add_argument(f"--{name.replace('_', '-')}", type=int, default=default, help=f"{default} unless given")
    made.add_argument("--seed", type=int, default=0)
    made.add_argument("--device", default=None, help="cpu, gpu or tpu; jax's first choice unless given")
    made.add_argument("--output", type=Path, default=Path("output") / output, help="folder for figures and data")
    made.add_argument("--smoke", action="store_true", help="a tiny run that touches everything")
    return made


def read(made: argparse.ArgumentParser) -> argparse.Namespace:
    """What the command line says; in a notebook, or cell by cell in an editor, what GROKJAX_ARGUMENTS says.

    Args:
        made: by `parser`.
    """
    in_cells = hasattr(sys, "ps1") or "ipykernel" in sys.modules
    return made.parse_args(shlex.split(os.environ.get("GROKJAX_ARGUMENTS", ""))) if in_cells else made.parse_args()
