"""The sup norm of an error, looked for where it hides: nodes, midpoints, zones of every step, and singular points."""

from typing import Any

import numpy as np

from .base import AbstractNetwork, Function, look


MOST_POINTS = 400_000  # of a grid in several dimensions


def points(
    network: AbstractNetwork, *, dim: int = 1, singular: Any = (), num_uniform: int = 2000, seed: int = 0
) -> np.ndarray:
    """Where to look: all fine nodes and midpoints, uniform points, three points per zone and scale, singular points.

    The scales behind a step are its zone, four times its zone, and the fine spacing.

    Args:
        network: any construction.
        dim: $d$.
        singular: points of the function, shape (points,) or (points, d).
        num_uniform: number of uniform points.
        seed: of the random ones.

    Returns:
        Points of shape (points,) for d = 1, else (points, d).
    """
    rng = np.random.default_rng(seed)
    num_nodes, switches, zone = network.lattice
    singular = np.asarray(singular, float)
    if dim > 1:
        per_axis = min(2 * num_nodes + 1, int(MOST_POINTS ** (1 / dim)))
        axis = np.linspace(0, 1, per_axis)
        grid = np.stack(np.meshgrid(*[axis] * dim, indexing="ij"), axis=-1).reshape(-1, dim)
        parts = [grid, rng.random((num_uniform, dim)), singular.reshape(-1, dim)]
        return np.concatenate(parts)
    scales = np.array([zone, 4 * zone, 1 / num_nodes])
    behind = switches[:, None, None] + scales[:, None] * rng.random((len(switches), len(scales), 3))
    parts = [np.arange(2 * num_nodes + 1) / (2 * num_nodes), rng.random(num_uniform), np.minimum(behind.ravel(), 1.0)]
    return np.concatenate([*parts, singular.ravel()])


def sup_error(network: AbstractNetwork, f: Function, *, num_uniform: int = 2000, seed: int = 0) -> float:
    """Largest error of a network found on the points of `points`.

    Args:
        network: any construction.
        f: the function; its attribute `singular`, where it has one, adds points to look at.
        num_uniform: number of uniform points.
        seed: of the random ones.

    Raises:
        ValueError: the function has the wrong shape or is not finite.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("kink")
        >>> net = ap.two_scale(f, num_cells=64, num_fine=24)
        >>> round(64 * 24 * ap.sup_error(net, f), 6)  # at most 3
        1.333333
    """
    dim = getattr(network, "dim", 1)
    singular = getattr(f, "singular", np.full(1 if dim == 1 else (1, dim), 1 / 3))
    x = points(network, dim=dim, singular=singular, num_uniform=num_uniform, seed=seed)
    return float(np.abs(network(x) - look(f, x)).max())
