r"""One number that carries many: binary codes of what a coarse grid misses, and how exactly they have to be kept.

Along each coarse cell a function is followed by a walk of fixed step; each binary digit of the cell's encoding weight
says whether the walk goes up or down. First order: the value makes steps $\pm s$ (delta modulation). Second order:
the slope does. A number of B digits is exact in float64 as long as $B + \lceil\log_2 N\rceil\le53$; beyond, digits
are kept as integers.
"""

import math
from fractions import Fraction
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from ...._checks import argument_error, check_choice, check_whole
from .base import Function, look


BACKENDS = ("float64", "exact")


def check_sizes(num_cells: Any, num_fine: Any, num_bits: Any, backend: str) -> tuple[int, int]:
    """Whole sizes, and the guard of the float64 road.

    Args:
        num_cells: $N$, at least 2.
        num_fine: $M$, at least 2.
        num_bits: function from M to the digits of one encoding weight.
        backend: `"float64"` or `"exact"`.

    Raises:
        ValueError: a size is no whole number of at least 2, or float64 cannot hold the code.
    """
    check_choice("backend", backend, BACKENDS)
    num_cells, num_fine = check_whole("num_cells", num_cells, 2), check_whole("num_fine", num_fine, 2)
    needed = num_bits(num_fine) + math.ceil(math.log2(num_cells))
    if backend == "float64" and needed > 53:
        raise argument_error(
            "num_fine",
            "so small that digits plus ceil(log2 num_cells) are at most 53 on the float64 road",
            f"{num_fine}, which needs {needed}",
            'Use a smaller num_fine, or backend="exact".',
        )
    return num_cells, num_fine


def residuals(f: Function, num_cells: int, num_fine: int) -> tuple[np.ndarray, np.ndarray]:
    """Values at coarse nodes, and what the coarse interpolant misses at fine nodes, read along the tent coordinate.

    Args:
        f: the function.
        num_cells: $N$.
        num_fine: $M$.

    Returns:
        Values of shape (N+1,) and residuals $Y$ of shape (N, M+1), from right to left in odd cells.
    """
    size = num_cells * num_fine
    values = look(f, np.arange(size + 1) / size)
    nodes, fraction = values[::num_fine], np.arange(num_fine + 1) / num_fine
    rows = np.stack([values[j : size - num_fine + j + 1 : num_fine] for j in range(num_fine + 1)], axis=1)
    rows = rows - (nodes[:-1, None] * (1 - fraction) + nodes[1:, None] * fraction)
    rows[:, 0] = rows[:, -1] = 0
    rows[1::2] = rows[1::2, ::-1]
    return nodes, rows


def first_order(rows: np.ndarray, step: float, tie: float) -> np.ndarray:
    """Delta modulation: digit k is 1 where the walk has not passed $Y_k$ yet; it stays within `step` of $Y$.

    Args:
        rows: residuals, shape (cells, M+1).
        step: at least the largest increment along a row.
        tie: differences below it are rounding and count as none.

    Returns:
        Digits of shape (cells, M).
    """
    walk = np.zeros(len(rows))
    digits = np.empty((len(rows), rows.shape[1] - 1), np.uint8)
    for k in range(1, rows.shape[1]):
        digits[:, k - 1] = rows[:, k] >= walk - tie
        walk += step * (2.0 * digits[:, k - 1] - 1)
    return digits


def second_order(rows: np.ndarray, step: float, num_leading: int) -> np.ndarray:
    """The walk's slope makes steps of one unit; a look at the error of value and slope decides.

    In units of `step` the error of the value stays below 2.46 and that of the slope below 1.74, for any M.

    Args:
        rows: residuals, shape (cells, M+1).
        step: $s_2$, twice the largest second difference along a row.
        num_leading: P, digits of the first slope.

    Returns:
        Digits of shape (cells, P + M); the first P are the first slope plus $2^{P-1}$.
    """
    rows = rows / step if step > 0 else np.zeros_like(rows)
    increments = np.diff(rows, axis=1)
    slope, value = np.round(increments[:, 0]), np.zeros(len(rows))
    start = (slope + 2 ** (num_leading - 1)).astype(int)
    leading = (start[:, None] >> np.arange(num_leading - 1, -1, -1)) & 1
    digits = np.empty(increments.shape, np.uint8)
    for k in range(increments.shape[1]):
        slope_error, value_error = slope - increments[:, k], value + slope - rows[:, k + 1]
        digits[:, k] = value_error + 2 * slope_error <= 0
        slope = slope + (2.0 * digits[:, k] - 1)
        value = value + slope
    return np.concatenate([leading.astype(np.uint8), digits], axis=1)


def as_numbers(digits: Any) -> Any:
    """The encoding weights $\\sum_k d_k 2^{-k}$: floats up to 53 digits, exact rationals beyond."""
    count = digits.shape[-1]
    if isinstance(digits, jax.Array):
        return digits.astype(float) @ 2.0 ** -jnp.arange(1.0, count + 1)
    if count <= 53:
        return digits @ 2.0 ** -np.arange(1, count + 1)
    return np.array([Fraction(number, 2**count) for number in as_integers(digits)], dtype=object)


def as_integers(digits: Any) -> np.ndarray:
    """The same numbers times $2^{count}$, as Python integers."""
    total = np.zeros(len(digits), object)
    for column in np.asarray(digits).T:
        total = 2 * total + column.astype(int)
    return total


def decode(numbers: np.ndarray, count: int) -> np.ndarray:
    """Digits by the network's own recursion, in the arithmetic of `numbers`; shape (numbers, count).

    Floats in $[0, 1)$ are decoded as the network does. Integers are the network scaled by $2^{count}$:
    $u = relu(B - 2^{count-1} + 1)$, $z = relu(1 - u)$, $B \\leftarrow relu(2B + (z - 1)2^{count})$.

    Args:
        numbers: floats of any precision, or an object array of integers.
        count: digits of each.
    """
    scale = 2**count if numbers.dtype == object else 1
    factor = numbers.dtype.type(2.0**count) if scale == 1 else 1
    digits = np.empty((len(numbers), count), np.uint8)
    for k in range(count):
        u = np.maximum(numbers * factor - (2 ** (count - 1) - 1 if scale > 1 else factor / 2 - 1), 0)
        z = np.maximum(1 - u, 0)
        digits[:, k] = z < 0.5
        numbers = np.maximum(2 * numbers + (z - 1) * scale, 0)
    return digits
