"""Theory against experiment: both roads end in one pytree, so a comparison is a tree-map and a table.

A row says "agree" only if both sides are fit to be compared: theory solved and inside of its range, the run certified
at this point, the error small enough to tell. Where a theory knows two values only that bracket the truth, the row says
whether the experiment is within them. With few data sets the standard error is itself uncertain, and deviations count
in Student's t: `sigma` is the deviation of a Gaussian that is as unlikely.
"""

import math
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np

from .._checks import argument_error, check_instance, check_positive, real_numbers
from .._printing import html_table
from .._tree import named_leaves
from ..status import Status, succeeded
from .statistics import Estimate, as_estimate, is_estimate, z_score


RESOLVED = 0.5  # an error above this part of theory's value cannot tell it from zero


class Row(eqx.Module):
    """One number from both roads.

    Attributes:
        name: of the order parameter, and of the point of a sweep.
        theory: what it says.
        experiment: what was measured.
        z_score: the difference in standard errors.
        sigma: the same as a Gaussian deviation of equal probability; smaller where data sets are few.
        reservation: why the row is no fair comparison, or nothing.
        bracket: the two values that theory has here, or nothing.

    Examples:
        >>> experiment = {"overlap": grokjax.Estimate(np.float64(0.52), np.float64(0.02))}
        >>> row = grokjax.compare({"overlap": 0.5}, experiment).rows[0]
        >>> round(row.z_score, 6), round(row.relative, 6), row.bracket
        (1.0, 0.04, None)
    """

    name: str
    theory: float
    experiment: Estimate
    z_score: float
    sigma: float
    reservation: str = ""
    bracket: tuple[float, float] | None = None

    @property
    def outside(self) -> float:
        """How far the experiment is beyond the nearer end of the bracket, in standard errors; 0 within."""
        low, high = sorted(self.bracket or (self.theory, self.theory))
        value = float(self.experiment.mean)
        return float(z_score(self.experiment, min(max(value, low), high)))

    @property
    def relative(self) -> float:
        """(experiment - theory)/|theory|."""
        return float((self.experiment.mean - self.theory) / abs(self.theory)) if self.theory else float("nan")


class Comparison(eqx.Module):
    """Rows of a table; `print` shows it.

    Attributes:
        rows: one per number.
        threshold: the largest deviation, in sigma, that counts as agreement.
        theory_name: heading of the theory's column.
        note: what the errors do not know, or nothing.

    Examples:
        >>> experiment = {"overlap": grokjax.Estimate(np.float64(0.52), np.float64(0.02))}
        >>> comparison = grokjax.compare({"overlap": 0.4}, experiment)
        >>> round(comparison.largest, 6), comparison.verdict(comparison.rows[0])
        (6.0, 'off by +30%')
    """

    rows: list[Row]
    threshold: float
    theory_name: str
    note: str = ""

    @property
    def largest(self) -> float:
        """The largest |sigma|; nan if theory or experiment failed anywhere."""
        return float(np.max([abs(row.sigma) for row in self.rows]))

    @property
    def agree(self) -> bool:
        """Whether every row agrees within the threshold, without reservation."""
        return all(self.verdict(row) == "agree" for row in self.rows)

    def verdict(self, row: Row) -> str:
        """ "agree", by how much experiment exceeds theory, or why nothing can be said."""
        if not np.isfinite(row.theory) or np.isnan(row.sigma):
            return row.reservation or "no comparison"
        off = f"off by {float(row.experiment.mean):+.2g}" if not row.theory else f"off by {row.relative:+.0%}"
        within = abs(row.sigma) <= self.threshold
        if row.bracket is not None:
            low, high = (_digits(value, row.experiment.error) for value in sorted(row.bracket))
            inside = (
                "within errors of it" if abs(row.outside) <= self.threshold else f"{row.outside:+.1f} errors off it"
            )
            return f"{row.reservation}: a bracket {low} to {high}, {inside}"
        if row.reservation:
            return f"{row.reservation} ({'within errors' if within else off})"
        if within and abs(float(row.experiment.error)) > RESOLVED * abs(row.theory) > 0:
            return "not resolved"
        return "agree" if within else off

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        head, *lines = self._lines()
        return html_table("theory and experiment", head, lines, self.note)

    def _lines(self) -> list[tuple[str, ...]]:
        """The cells of the table, its head first."""
        lines: list[tuple[str, ...]] = [("order parameter", self.theory_name, "experiment", "sigma", "verdict")]
        for row in self.rows:
            cells = (_digits(row.theory, row.experiment.error), str(row.experiment), f"{row.sigma:+.1f}")
            lines.append((row.name, *cells, self.verdict(row)))
        return lines

    def __str__(self) -> str:
        lines = self._lines()
        head = lines[0]
        widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
        justify = lambda line: "  ".join(
            cell.ljust(w) if i in (0, len(head) - 1) else cell.rjust(w)
            for i, (cell, w) in enumerate(zip(line, widths, strict=True))
        )
        rule = "-" * (sum(widths) + 2 * (len(widths) - 1))
        table = [justify(lines[0]).rstrip(), rule, *(justify(line).rstrip() for line in lines[1:])]
        return "\n".join([*table, self.note] if self.note else table)


def compare(
    theory: Any,
    experiment: Any,
    *,
    points: Sequence[str] | None = None,
    threshold: float = 3.0,
    theory_name: str = "theory",
) -> Comparison:
    """Compare a prediction with a run, or two pytrees of order parameters.

    What only one of the two roads knows (None, or absent, on the other) has no row. Of whole results the status and
    range of the theory and the certificate of the run are taken into account.

    Args:
        theory: a prediction with `order_parameters`, or the pytree itself; numbers or arrays of the sweep's shape.
        experiment: a `Run`, or the pytree with `Estimate`s for leaves.
        points: labels of the points of a sweep, such as "noise 0.10".
        threshold: the largest deviation, in sigma, that counts as agreement.
        theory_name: heading of the theory's column.

    Raises:
        ValueError: the two share no number, or the shapes of two leaves differ.

    Examples:
        >>> experiment = {"overlap": grokjax.Estimate(np.float64(0.52), np.float64(0.02))}
        >>> grokjax.compare({"overlap": 0.5}, experiment).agree
        True
        >>> grokjax.compare({"overlap": 0.8}, experiment).agree
        False
    """
    check_positive("threshold", threshold)
    check_instance("theory_name", theory_name, str, "It is the heading of a column.")
    if points is not None and (not isinstance(points, Sequence) or isinstance(points, str)):
        raise argument_error("points", "a label for every point", points, 'Try ["noise 0.1", "noise 0.2"].')
    expected, found = _leaves(theory), _leaves(experiment)
    if not any(expected):
        raise argument_error("theory", "a prediction, or a pytree with names", theory, 'Try {"side_weight": 0.1}.')
    for name, value in expected.items():
        real_numbers("theory", value, f"`{name or 'it'}` is none.")
    names = [name for name in expected if name in found]
    if not names:
        raise argument_error(
            "experiment", f"with some of {sorted(expected)}", sorted(found) or experiment, "Compare like with like."
        )
    doubts, second = _reservations(theory, experiment), _leaves(getattr(theory, "bracket", None))
    freedom = _degrees_of_freedom(experiment)
    rows = []
    for name in names:
        value, estimate = np.asarray(expected[name], float), as_estimate(found[name])
        mean, error = np.asarray(estimate.mean, float), np.asarray(estimate.error, float)
        if value.shape != mean.shape:
            raise _shape_error(name, value.shape, mean.shape)
        z = z_score(estimate, value)
        for i in np.ndindex(value.shape):
            label = _label(name, i, value.shape, points)
            doubt = "; ".join(text for test, text in doubts if np.any(_at(test, i)))
            end = float(np.asarray(second[name])[i]) if name in second else math.nan
            bracket = (float(value[i]), end) if math.isfinite(end) else None
            measured = Estimate(mean[i], error[i])
            rows.append(Row(label, float(value[i]), measured, float(z[i]), _sigma(z[i], freedom), doubt, bracket))
    source = getattr(experiment, "errors_from", "data sets")
    note = "" if source == "data sets" else f"one data set: errors from its {source}, not over other data sets"
    return Comparison(rows, threshold, theory_name, note)


def _leaves(result: Any) -> dict[str, Any]:
    """Order parameters by name; what is None is not there."""
    return named_leaves(getattr(result, "order_parameters", result), is_estimate)


def _reservations(theory: Any, experiment: Any) -> list[tuple[Any, str]]:
    """Tests of a point, and what to say where they hold."""
    doubts: list[tuple[Any, str]] = []
    status = getattr(theory, "status", None)
    if status is not None:
        for code in np.unique(np.asarray(status)):
            if not succeeded(code):
                doubts.append((np.asarray(status) == code, f"theory {Status(int(code)).text}"))
    elif getattr(theory, "converged", None) is not None:
        doubts.append((~np.asarray(theory.converged), "theory not converged"))
    if getattr(theory, "trustworthy", None) is not None:
        doubts.append((~np.asarray(theory.trustworthy), "outside of the theory's range"))
    certificate = getattr(experiment, "certificate", None)
    if certificate is not None and certificate.failed:
        doubts.append((certificate.failed_at, "not certified"))
    return doubts


def _degrees_of_freedom(experiment: Any) -> float:
    """Independent numbers behind an error, less one: data sets, or what a single one has of them."""
    layout = getattr(experiment, "layout", None)
    if layout is None:
        return math.inf
    if layout.num_datasets > 1:
        return layout.num_datasets - 1
    certificate = getattr(experiment, "certificate", None)
    return max((layout.num_members if certificate is None else float(np.min(certificate.ess))) - 1, 1)


def _sigma(z: Any, freedom: float) -> float:
    """The Gaussian deviation that is as unlikely as Student's t = z."""
    if not np.isfinite(z) or math.isinf(freedom):
        return float(z)
    if freedom >= 200:
        return float(z)
    # Wallace's transform: better than 1 % of the deviation for all degrees of freedom from 2 up.
    scale = (8 * freedom + 1) / (8 * freedom + 3)
    return float(np.sign(z) * scale * math.sqrt(freedom * math.log1p(float(z) ** 2 / freedom)))


def _shape_error(name: str, theory: tuple[int, ...], experiment: tuple[int, ...]) -> ValueError:
    """Says which axis differs."""
    if len(theory) != len(experiment):
        remedy = f"Theory has {len(theory)} sweep axes, the experiment {len(experiment)}: sweep alike."
    else:
        axis = next(i for i, (a, b) in enumerate(zip(theory, experiment, strict=True)) if a != b)
        remedy = f"Sweep axis {axis} has {theory[axis]} points in theory and {experiment[axis]} in the experiment."
    return argument_error(name, f"of shape {theory} on both roads", experiment, remedy)


def _label(name: str, index: tuple[int, ...], shape: tuple[int, ...], points: Sequence[str] | None) -> str:
    if not index:
        return name
    if points:
        return f"{points[int(np.ravel_multi_index(index, shape))]}  {name}"
    return f"{name}{list(index)}"


def _at(test: Any, index: tuple[int, ...]) -> Any:
    """The entry of a test at a point; a test of the whole run holds everywhere."""
    test = np.asarray(test)
    return test[index[: test.ndim]] if test.ndim else test


def _digits(value: float, error: Any) -> str:
    """Theory's number with as many digits as the error can resolve, and one more."""
    error = float(np.asarray(error))
    if not np.isfinite(value) or not np.isfinite(error) or error <= 0:
        return f"{value:.5g}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(error)))}f}"
