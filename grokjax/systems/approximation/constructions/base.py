"""What all constructions share: how they are called, checked and written down; how a function is looked at."""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ...._checks import argument_error, check_x64, is_concrete
from .units import Graph, Numbers, Units


Function = Callable[[Any], Any]
Derivatives = Sequence[Function]


class Lattice(NamedTuple):
    """Where a construction has to be looked at: its finest grid, and the zones in which its steps are on their way.

    Attributes:
        num_nodes: cells of the finest grid along an axis; 1/num_nodes is its spacing h.
        switches: left ends of the zones.
        zone: width of a zone.
    """

    num_nodes: int
    switches: np.ndarray
    zone: float


class AbstractNetwork(eqx.Module):
    """A feed-forward network with explicit weights, one linear output and inputs in the unit cube.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> f = ap.target("kink")
        >>> net = ap.two_scale(f, num_cells=64, num_fine=24)
        >>> net.num_weights, net.depth  # by formula
        (775, 78)
        >>> net.to_units().num_weights, net.to_units().depth  # counted
        (775, 78)
    """

    @property
    @abstractmethod
    def num_weights(self) -> int:
        """$W$ by its closed formula; `to_units().num_weights` counts."""

    @property
    @abstractmethod
    def num_growing(self) -> int:
        """The part of $W$ that grows like a size; the rest grows like the logarithm of one, or not at all."""

    @property
    @abstractmethod
    def depth(self) -> int:
        """$L$ by its closed formula; `to_units().depth` walks."""

    @property
    @abstractmethod
    def lattice(self) -> Lattice:
        """Where to look for the largest error."""

    @abstractmethod
    def __call__(self, x: Any) -> Any:
        """Values at points of shape (points,) or (points, d); numpy in, numpy out, and jax likewise."""

    @abstractmethod
    def to_units(self) -> Units:
        """The explicit list of units."""


def run(network: Any, x: Any) -> Any:
    """Run `network.program` on points: compiled for jax arrays, on the host for numpy."""
    check_x64("networks that carry digits in their weights")
    if isinstance(x, jax.Array):
        return _compiled(network, x)
    return jax.tree.map(np.asarray, network).program(Numbers(np), *_columns(x))


@eqx.filter_jit
def _compiled(network: Any, x: jax.Array) -> jax.Array:
    return network.program(Numbers(jnp), *_columns(x))


def _columns(x: Any) -> list[Any]:
    return [x] if x.ndim == 1 else [x[:, axis] for axis in range(x.shape[1])]


def write_down(network: Any, num_inputs: int = 1) -> Units:
    """The units of `network.program`."""
    graph = Graph(num_inputs)
    host = jax.tree.map(np.asarray, network)
    return graph.build(host.program(graph, *graph.inputs))


def check_points(x: Any, dim: int = 1) -> Any:
    """`x` as an array of points in the unit cube.

    Args:
        x: shape (points,) if `dim` is 1, else (points, dim).
        dim: dimension of the cube.

    Raises:
        ValueError: wrong shape, or concrete points outside of the cube.
    """
    x = x if isinstance(x, jax.Array) else np.asarray(x, float)
    wanted = "(points,)" if dim == 1 else f"(points, {dim})"
    if x.ndim != (1 if dim == 1 else 2) or (dim > 1 and x.shape[1] != dim):
        raise argument_error("x", f"of shape {wanted}", f"shape {x.shape}", "Ravel the points into one axis.")
    if is_concrete(x):
        points = np.asarray(x)
        if not (np.isfinite(points).all() and (points >= 0).all() and (points <= 1).all()):
            span = [float(points.min()), float(points.max())]
            raise argument_error("x", "in the unit cube", span, "Rescale the function to [0, 1].")
    return x


def look(f: Function, x: Any, name: str = "f") -> np.ndarray:
    """Values of a function at points, checked.

    Args:
        f: takes an array of points and returns one number for each.
        x: shape (points,) or (points, d).
        name: what to call the function in an error.

    Raises:
        ValueError: the values have the wrong shape or are not finite.
    """
    values = np.asarray(f(x), float)
    if values.shape != (len(x),):
        expected = f"a function from points {x.shape} to values ({len(x)},)"
        raise argument_error(name, expected, f"values of shape {values.shape}", "Vectorise it over points.")
    if not np.isfinite(values).all():
        raise argument_error(
            name, "finite in the unit cube", f"{int((~np.isfinite(values)).sum())} non-finite values", "Mend it."
        )
    return values


def derivatives(f: Function | Derivatives, x: np.ndarray, count: int) -> np.ndarray:
    """Derivatives 0, ..., count - 1 of a function of one variable, by forward differentiation; shape (count, points).

    Args:
        f: a function written in `jax.numpy`, or a sequence of functions, the derivatives themselves.
        x: points.
        count: number of derivatives, the function itself included.

    Raises:
        ValueError: the function cannot be differentiated by jax, or is not finite.
    """
    if not callable(f):
        if len(f) < count:
            raise argument_error("f", f"a sequence of {count} derivatives", len(f), "Give D^0 f, ..., D^(K-1) f.")
        return np.stack([look(each, x) for each in f[:count]])
    check_x64("derivatives")
    look(f, x)
    tower = [lambda t: f(t[None])[0]]
    for _ in range(count - 1):
        tower.append(jax.grad(tower[-1]))
    try:
        rows = [look(jax.vmap(each), jnp.asarray(x)) for each in tower]
    except jax.errors.TracerArrayConversionError as error:
        remedy = "Write it with jax.numpy, or give a tuple of its derivatives."
        raise argument_error("f", "differentiable by jax", type(error).__name__, remedy) from error
    return np.stack(rows)
