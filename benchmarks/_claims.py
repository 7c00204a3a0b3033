"""What the tables of claims share: a row, where its numbers come from, and the rule of verdicts."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from _report import RESULTS


ROOT = Path(__file__).parent.parent
HOLDS, IN_PART, DOES_NOT, OPEN = "holds", "holds in part", "does not hold", "open"


class Claim(NamedTuple):
    """One row."""

    claim: str
    where: str
    theory: str
    networks: str
    verdict: str


def results_of(name: str) -> dict[str, Any]:
    """A results file, or nothing."""
    path = RESULTS / f"{name}-cpu.json"
    return json.loads(path.read_text()) if path.exists() else {}


def rows_of(name: str) -> list[dict[str, Any]]:
    """Rows of a results file, or none."""
    return results_of(name).get("rows", [])


def measured(
    name: str, where: str, titles: list[str], made: Callable[[list[dict[str, Any]]], list[Any]]
) -> list[Claim]:
    """Claims from the rows of a results file, or open ones where it is missing.

    Args:
        name: of the file.
        where: the script that writes it.
        titles: of the claims.
        made: of the rows, (theory, networks, verdict) of each claim.
    """
    rows = rows_of(name)
    found = made(rows) if rows else [("", "not measured yet", OPEN)] * len(titles)
    return [Claim(title, where, *shown) for title, shown in zip(titles, found, strict=True)]


def quoted(text: str, page: str) -> str:
    """`text`, which must be on the page."""
    if text not in (ROOT / page).read_text():
        raise SystemExit(f"{page} does not say {text!r} any more; correct the claim.")
    return text


def compared(theory: float, mean: float, error: float, *, close: float = 0.1) -> str:
    """The rule of verdicts: within `close` or three errors it holds, within a factor of two in part."""
    if abs(mean - theory) <= max(3 * error, close * abs(theory)):
        return HOLDS
    return IN_PART if 0.5 * abs(theory) < abs(mean) < 2 * abs(theory) and mean * theory > 0 else DOES_NOT


def worst(verdicts: list[str]) -> str:
    """It holds where all do, and does not where one does not."""
    if set(verdicts) == {OPEN}:
        return OPEN
    return HOLDS if set(verdicts) == {HOLDS} else DOES_NOT if DOES_NOT in verdicts else IN_PART


def number(mean: float, error: float | None = None) -> str:
    """Three digits, with the error's first."""
    return f"{mean:.3g}" if error is None else f"{mean:.3g} ± {error:.1g}"


def series(rows: list[dict[str, Any]], key: str, by: float = 1.0) -> str:
    """A column as a list of numbers."""
    return ", ".join(f"{by * row[key]:.3g}" for row in rows)
