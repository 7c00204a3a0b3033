"""Theory against experiment: both roads end in one pytree, so a comparison is a tree-map and a table."""

from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._checks import argument_error
from .statistics import Estimate, as_estimate, is_estimate, z_score


class Row(eqx.Module):
    """One number from both roads."""

    name: str
    theory: float
    experiment: Estimate
    z_score: float

    @property
    def relative(self) -> float:
        """(experiment - theory)/|theory|."""
        return float((self.experiment.mean - self.theory) / abs(self.theory)) if self.theory else float("nan")


class Comparison(eqx.Module):
    """Rows of a table; `str` prints it.

    Attributes:
        rows: one per number.
        threshold: the largest |z| that counts as agreement.
        theory_name: heading of the theory's column.
    """

    rows: list[Row]
    threshold: float
    theory_name: str

    @property
    def largest(self) -> float:
        """The largest |z|; nan if theory or experiment failed anywhere."""
        return float(np.max([abs(row.z_score) for row in self.rows]))

    @property
    def agree(self) -> bool:
        """Whether every row agrees within the threshold."""
        return bool(self.largest <= self.threshold)

    def verdict(self, row: Row) -> str:
        """ "agree", or by how much experiment exceeds theory."""
        if not np.isfinite(row.z_score):
            return "no comparison"
        if abs(row.z_score) <= self.threshold:
            return "agree"
        if not row.theory:
            return f"off by {float(row.experiment.mean):+.2g}"
        return f"off by {row.relative:+.0%}"

    def __str__(self) -> str:
        head = ("order parameter", self.theory_name, "experiment", "std. error", "z", "verdict")
        lines: list[tuple[str, ...]] = [head]
        for row in self.rows:
            mean, error = float(row.experiment.mean), float(row.experiment.error)
            cells = (f"{row.theory:.5f}", f"{mean:.5f}", f"{error:.5f}", f"{row.z_score:+.1f}")
            lines.append((row.name, *cells, self.verdict(row)))
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        justify = lambda line: "  ".join(
            cell.ljust(w) if i in (0, len(head) - 1) else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        return "\n".join([justify(lines[0]).rstrip(), rule, *(justify(line).rstrip() for line in lines[1:])])


def compare(
    theory: Any,
    experiment: Any,
    *,
    points: list[str] | None = None,
    threshold: float = 3.0,
    theory_name: str = "theory",
) -> Comparison:
    """Compare two pytrees of order parameters.

    Args:
        theory: numbers, or arrays of shape (point,).
        experiment: the same pytree with `Estimate`s for leaves.
        points: labels of the points of a sweep, such as "noise 0.10".
        threshold: the largest |z| that counts as agreement.
        theory_name: heading of the theory's column.

    Raises:
        ValueError: the two pytrees, or the shapes of two leaves, differ.
    """
    structure = jax.tree.structure(theory)
    if jax.tree.structure(jax.tree.map(lambda _: 0, experiment, is_leaf=is_estimate)) != structure:
        raise argument_error("experiment", f"of the structure {structure}", experiment, "Compare like with like.")
    pairs = zip(
        jax.tree_util.tree_leaves_with_path(theory), jax.tree.leaves(experiment, is_leaf=is_estimate), strict=True
    )
    rows = []
    for (path, expected), found in pairs:
        name, found = jax.tree_util.keystr(path).lstrip("."), as_estimate(found)
        expected, mean, error = np.asarray(expected, float), np.asarray(found.mean), np.asarray(found.error)
        if expected.shape != mean.shape or expected.ndim > 1:
            raise argument_error(name, f"of shape {expected.shape} on both roads", mean.shape, "Sweep alike.")
        z = z_score(found, expected)
        for i in np.ndindex(expected.shape):
            label = f"{points[i[0]]}  {name}" if points and i else f"{name}{list(i) if i else ''}"
            rows.append(Row(label, float(expected[i]), Estimate(mean[i], error[i]), float(z[i])))
    return Comparison(rows, threshold, theory_name)
