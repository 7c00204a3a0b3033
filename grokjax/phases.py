"""Phase diagrams: one theory evaluated over a grid in one compiled call, with a label and a solver result per point.

A system hands `sweep` a function from coordinates to a `PhasePoint`; the diagram keeps order parameters, labels and
how the solver ended at each point. A bad point never ends a sweep: it comes back with the status that says why.
"""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Int

from ._checks import argument_error, check_finite, check_whole
from ._printing import html_table, shown
from .status import AbstractSolution, Status, describe


class PhasePoint(AbstractSolution):
    """One point of a diagram.

    Attributes:
        order_parameters: any pytree of scalars.
        label: index of the phase.
        status: how the theory's solver ended, a `Status`.

    Examples:
        >>> status = jnp.array([grokjax.Status.SOLVED, grokjax.Status.NO_SOLUTION])
        >>> point = grokjax.PhasePoint({"overlap": jnp.array([0.3, 0.9])}, jnp.array([0, 1]), status)
        >>> point.converged.tolist()
        [True, False]
    """

    order_parameters: Any
    label: Int[Array, "*grid"]
    status: Any


class PhaseDiagram(AbstractSolution):
    """Order parameters and phases on a grid.

    Attributes:
        axis_names: name of each array axis.
        axis_values: values on each array axis.
        order_parameters: pytree of arrays with the shape of the grid.
        labels: phase of each point, an index into `phases`.
        status: how the solver ended at each point, a `Status`; hatch what was not solved in a figure.
        phases: names of the phases.

    Examples:
        >>> def point(a, b):
        ...     solved = jnp.asarray(int(grokjax.Status.SOLVED))
        ...     return grokjax.PhasePoint({"sum": a + b}, jnp.where(a > b, 1, 0), solved)
        >>> diagram = grokjax.sweep(point, {"a": jnp.arange(3.0), "b": jnp.arange(2.0)}, ("below", "above"))
        >>> diagram.names()[2].tolist(), diagram.order_parameters["sum"].shape, diagram.fraction("above")
        (['above', 'above'], (3, 2), 0.5)
    """

    axis_names: tuple[str, ...] = eqx.field(static=True)
    axis_values: tuple[Any, ...]
    order_parameters: Any
    labels: Int[Array | np.ndarray, "*grid"]
    status: Int[Array | np.ndarray, "*grid"]
    phases: tuple[str, ...] = eqx.field(static=True)

    @property
    def axes(self) -> dict[str, Any]:
        """Name and values of each axis, in the order of the array axes."""
        return dict(zip(self.axis_names, self.axis_values, strict=True))

    @property
    def collapsed(self) -> Bool[Array, "*grid"]:
        """Where the solution ran away: an answer, not a failure, where a theory has such a phase."""
        return self.status == Status.COLLAPSED

    @property
    def answered(self) -> np.ndarray:
        """Where the phase is known: a solution that was found or ran away."""
        return np.asarray(self.converged) | np.asarray(self.collapsed)

    def names(self) -> np.ndarray:
        """The name of the phase at every point, as an array of strings; how the solver ended where it failed."""
        codes, places = np.unique(np.asarray(self.status), return_inverse=True)
        texts = np.array([Status(code).text for code in codes])[places].reshape(self.status.shape)
        return np.where(self.answered, np.asarray(self.phases)[np.asarray(self.labels)], texts)

    def fraction(self, phase: str) -> float:
        """Share of the points with an answer that are in `phase`.

        Raises:
            ValueError: no such phase.
        """
        if phase not in self.phases:
            raise argument_error("phase", f"one of {self.phases}", phase, "Choose one of these names.")
        hits = (np.asarray(self.labels) == self.phases.index(phase)) & self.answered
        return float(hits.sum() / max(self.answered.sum(), 1))

    def __str__(self) -> str:
        size = " x ".join(f"{name} {len(values)}" for name, values in self.axes.items())
        shares = ", ".join(f"{phase} {self.fraction(phase):.1%}" for phase in self.phases)
        return f"PhaseDiagram({size}; {shares}; {describe(self.status)})"

    __repr__ = __str__

    def _repr_html_(self) -> str:
        size = ", ".join(f"{name}: {shown(np.asarray(values))}" for name, values in self.axes.items())
        rows = [(phase, f"{self.fraction(phase):.1%}") for phase in self.phases]
        return html_table(f"PhaseDiagram over {size}", ("phase", "share of the points"), rows, describe(self.status))


def sweep(
    function: Callable[..., PhasePoint],
    axes: Mapping[str, Any],
    phases: tuple[str, ...],
    *,
    batch_size: int = 256,
) -> PhaseDiagram:
    """Evaluate `function` on the product grid of `axes`, in one call that is traced once.

    Args:
        function: takes one scalar keyword per axis. Pass an `equinox.Module` with `__call__`, not a fresh closure, and
            a second sweep with other numbers does not compile again.
        axes: name and 1-d values of each axis.
        phases: names of the phases, indexed by the labels.
        batch_size: points advanced together; bounds the memory, and small enough batches stay in cache.

    Raises:
        ValueError: an axis is missing or is not 1-d, or the function tells yes or no instead of a status.

    Examples:
        >>> def point(a, b):
        ...     solved = jnp.asarray(int(grokjax.Status.SOLVED))
        ...     return grokjax.PhasePoint({"sum": a + b}, jnp.where(a > b, 1, 0), solved)
        >>> grokjax.sweep(point, {"a": jnp.arange(3.0), "b": jnp.arange(2.0)}, ("below", "above"))
        PhaseDiagram(a 3 x b 2; below 50.0%, above 50.0%; 6 solved)
    """
    if not isinstance(axes, Mapping) or not axes:
        raise argument_error("axes", "a mapping {name: values} with at least one axis", axes, "Give a grid.")
    if not callable(function):
        raise argument_error("function", "one of coordinates that returns a PhasePoint", function, "Give a function.")
    batch_size = check_whole("batch_size", batch_size)
    for name, values in axes.items():
        check_finite(name, values)
    arrays = {name: jnp.asarray(values, dtype=float) for name, values in axes.items()}
    for name, values in arrays.items():
        if values.ndim != 1 or values.size == 0:
            raise argument_error(name, "a non-empty 1-d array", f"shape {values.shape}", "Use jnp.linspace.")
    names, values = tuple(arrays), tuple(arrays.values())
    points = _evaluate(function, names, values, batch_size)
    if points.status.dtype == bool:
        remedy = "Take the status of the theory's solution, or choose_status((solved, Status.SOLVED), otherwise=...)."
        raise argument_error("function", "one that returns a PhasePoint with a Status", "a boolean", remedy)
    return PhaseDiagram(names, values, points.order_parameters, points.label, points.status, tuple(phases))


@eqx.filter_jit
def _evaluate(
    function: Callable[..., PhasePoint], names: tuple[str, ...], axes: tuple[Array, ...], batch_size: int
) -> PhasePoint:
    # Names and values apart: jax sorts the keys of a dictionary, and the axes would be transposed.
    grid = jnp.meshgrid(*axes, indexing="ij")
    shape = grid[0].shape
    coordinates = {name: values.ravel() for name, values in zip(names, grid, strict=True)}
    points = jax.lax.map(lambda point: function(**point), coordinates, batch_size=min(batch_size, grid[0].size))
    return jax.tree.map(lambda leaf: leaf.reshape(shape + leaf.shape[1:]), points)
