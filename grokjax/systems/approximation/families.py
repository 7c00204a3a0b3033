r"""Families of constructions that grow: which one belongs to a system, and how its sizes advance together.

Of N coarse cells the number of fine ones follows the depth, $M = \mathrm{round}(c\,W^\alpha)$ with $c =
6/300^\alpha$, so that all families are alike at W = 300. Encoding weights of $\beta$ bits hold
$M\le\beta-\lceil\log_2N\rceil$ digits, so that sums over steps are exact in any order.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..._checks import argument_error, check_choice
from .constructions import (
    AbstractNetwork,
    fixed_width,
    interpolant,
    periodic,
    taylor,
    taylor_code,
    two_scale,
    two_scale_smooth,
)
from .constructions.two_scale_smooth import leading_digits


CONSTRUCTIONS = ("interpolant", "taylor", "two_scale", "two_scale_smooth", "taylor_code", "fixed_width", "periodic")
SHALLOW = ("interpolant", "taylor")
LARGEST = 400_000  # fine cells that are looked at
NUM_SIZES = 6


def choose(order: float, dim: int, depth_exponent: float, activation: str) -> str:
    """The construction of a system.

    Args:
        order: $r$.
        dim: $d$.
        depth_exponent: $\\alpha$.
        activation: `"relu"`, `"piecewise_polynomial"` or `"periodic"`.

    Raises:
        ValueError: nothing is built for it.
    """
    if dim > 1 and (depth_exponent > 0 or activation != "relu" or order > 2):
        remedy = "Set depth_exponent=0, with ReLU and order up to 2."
        raise argument_error("dim", "1 for anything but piecewise-linear interpolation", dim, remedy)
    if activation == "periodic":
        return "periodic"
    if activation == "piecewise_polynomial" and depth_exponent > 0:
        raise argument_error("depth_exponent", "0 for relu(t)^2", depth_exponent, "Its Taylor patchwork is shallow.")
    if depth_exponent == 0:
        return "interpolant" if order <= 2 and activation == "relu" else "taylor"
    return "two_scale" if order <= 1 else "two_scale_smooth" if order <= 2 else "taylor_code"


def build(
    name: str, f: Callable[[Any], Any], num_cells: int, *, order: float, dim: int, depth_exponent: float, bits: Any,
    activation: str = "relu",
) -> AbstractNetwork:  # fmt: skip
    """One member of a family.

    Args:
        name: of the construction.
        f: the function.
        num_cells: $N$; for `"periodic"` $2^m$.
        order: $r$.
        dim: $d$.
        depth_exponent: $\\alpha$.
        bits: $\\beta$, or None.
        activation: of the Taylor patchwork.

    Raises:
        ValueError: an unknown construction, or as its builder says.
    """
    check_choice("construction", name, CONSTRUCTIONS)
    if name == "interpolant":
        return interpolant(f, num_cells, dim)
    if name == "taylor":
        return taylor(f, num_cells, max(order, 1.0), activation="relu" if activation == "relu" else "relu2")
    if name == "periodic":
        num_digits = round(math.log2(num_cells))
        return periodic(f, num_digits, math.ceil(order * num_digits) + 2)
    if name == "fixed_width":
        return fixed_width(f, num_cells, max(2, math.ceil(num_cells / 3.2)), order=1 if order <= 1 else 2)
    num_fine = fine_cells(name, num_cells, order, depth_exponent, bits)
    if name == "taylor_code":
        return taylor_code(f, num_cells, num_fine, order, backend="exact")
    return {"two_scale": two_scale, "two_scale_smooth": two_scale_smooth}[name](f, num_cells, num_fine, backend="exact")


def fine_cells(name: str, num_cells: int, order: float, depth_exponent: float, bits: int | None = None) -> int:
    """M of a deep construction.

    Args:
        name: of the construction.
        num_cells: $N$.
        order: $r$.
        depth_exponent: $\\alpha$.
        bits: $\\beta$, or None.
    """
    scale = 6 / 300**depth_exponent
    if name == "taylor_code":  # nodes cost more there: as many weights in them as in steps at N = 50
        return max(4, 2 * round(6 * (num_cells / 50) ** depth_exponent))
    num_fine = 6
    for _ in range(200):
        leading = leading_digits(num_fine) if name == "two_scale_smooth" else 0
        weights = 6 * num_cells + 14 * num_fine + 11 * leading + 6 * math.ceil(math.log2(num_cells)) + 19
        following = max(2, round(scale * weights**depth_exponent))
        if following == num_fine:
            break
        num_fine = following
    if bits is not None:
        room = bits - math.ceil(math.log2(num_cells))
        leading = leading_digits(num_fine) if name == "two_scale_smooth" else 0
        num_fine = max(2, min(num_fine, room - leading))
    return num_fine


def default_sizes(name: str, order: float, dim: int, depth_exponent: float, bits: int | None = None) -> list[int]:
    """Powers of two, the last six that can be looked at closely.

    Args:
        name: of the construction.
        order: $r$.
        dim: $d$.
        depth_exponent: $\\alpha$.
        bits: $\\beta$, or None.
    """
    last = {"interpolant": {1: 13, 2: 7}.get(dim, 15 // dim), "taylor": 11, "periodic": 18, "fixed_width": 7}.get(name)
    if last is None:
        largest = min(LARGEST, 10 ** (14.5 / order))  # errors stay above the rounding of float64
        fits = lambda k: 2**k * fine_cells(name, 2**k, order, depth_exponent, bits) <= largest
        last = max(k for k in range(2, 14) if fits(k))
    count = 5 if name == "fixed_width" or dim > 1 else NUM_SIZES
    sizes = [2**k for k in range(last - count + 1, last + 1)]
    if name == "taylor_code":  # patches of two nodes code nothing yet
        sizes = [size for size in sizes if fine_cells(name, size, order, depth_exponent) >= 8]
    return sizes


def resolution(network: AbstractNetwork) -> int:
    """$NM$, fine cells along an axis."""
    return int(np.asarray(network.lattice.num_nodes))
