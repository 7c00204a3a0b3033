"""Rows that are printed and written at once, so that nothing is lost when the time of a machine is over."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from _report import write


Row = dict[str, Any]


class Journal:
    """A file of rows, each with a `step` and a `name`; what is there is not done again.

    Args:
        name: of the file in `folder`.
        folder: where it lies; that of the benchmarks unless given.
        minutes: after which nothing new is begun.
        about: kept beside the rows.
    """

    def __init__(self, name: str, folder: Path | None, minutes: float, about: Row):
        self.name, self.folder, self.about = name, folder, about
        self.deadline = time.monotonic() + 60 * minutes
        self.rows: list[Row] = []
        self.path = self._write()

    def _write(self) -> Path:
        path = write(self.name, self.rows, folder=self.folder, fresh=bool(self.rows), **self.about)
        if not self.rows:
            self.rows = json.loads(path.read_text())["rows"]
        return path

    def has(self, step: str, name: str) -> bool:
        """Whether a row is there, from this run or an earlier one."""
        return any(row["step"] == step and row["name"] == name for row in self.rows)

    def of(self, step: str) -> list[Row]:
        """The rows of a step."""
        return [row for row in self.rows if row["step"] == step]

    def add(self, step: str, name: str, **numbers: Any) -> Row:
        """Print a row and write the file."""
        row = {"step": step, "name": name, **numbers}
        self.rows.append(row)
        show = lambda value: f"{value:.4g}" if isinstance(value, float) else str(value)
        print(f"[{step}] {name}: " + ", ".join(f"{key} {show(value)}" for key, value in numbers.items()), flush=True)
        self._write()
        return row

    def todo(self, step: str, names: list[str]) -> Iterator[str]:
        """The names of a step that have no row yet, while there is time."""
        for name in names:
            if self.has(step, name):
                print(f"[{step}] {name}: done before", flush=True)
            elif time.monotonic() > self.deadline:
                print(f"[{step}] {name}: no time left", flush=True)
            else:
                yield name

    def attempt(self, step: str, name: str, measure: Callable[[], Row]) -> Row:
        """A row of what `measure` returns, or of the error that it ended in: one failure does not end the day."""
        try:
            return self.add(step, name, **measure())
        except Exception as error:
            return self.add(step, name, failed=f"{type(error).__name__}: {str(error)[:300]}")
