"""Fits followed along a strength and back: hysteresis where the transition is first order.

A fit that has collapsed has no way back; the way goes on from the last fit that held.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...._checks import argument_error, check_choice, check_positive
from ....theory.continuation import Continuation, continuation as follow
from ..order_parameters import OrderParameters
from ..system import MeanVariance
from .prediction import Solver
from .solver import Fields


class Followed(eqx.Module):
    """What is kept of the fits on a way; nan where there is none.

    Attributes:
        fields: mean and precision on the sites, in the order of the line.
        order_parameters: of the fits.
        free_energy: $F$.
    """

    fields: Fields
    order_parameters: OrderParameters
    free_energy: Float[Array, "..."]


def continuation(
    system: MeanVariance,
    values: Any,
    theory: str = "lattice",
    *,
    along: str = "alpha",
    init: str | Fields = "cold",
    weighting: str = "density",
    tolerance: float = 1e-10,
    max_sweeps: int = 4000,
) -> Continuation:
    """Fits along one strength, up and down, each begun from its neighbour.

    Args:
        system: data on a line; the other strength is its own, one number.
        values: of the strength, in order.
        theory: see `predict`.
        along: "alpha" or "beta".
        init: of the first point, "cold" or fields on the sites.
        weighting: see `predict`.
        tolerance: see `predict`.
        max_sweeps: see `predict`; for each point.

    Returns:
        A `Continuation` whose ways hold `Followed`: `.up.solution.order_parameters.mse`.

    Raises:
        ValueError: the values are not positive or not in order, the other strength is an array; or as in `predict`.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> wave = np.sqrt(2) * np.cos(4 * np.pi * (np.arange(16) + 0.5) / 16)
        >>> data = mv.RegressionData(np.linspace(0, 1, 16), wave, wave, np.full(16, 0.1))  # one mode
        >>> system = mv.MeanVariance(data, alpha=1e-2, beta=1e4)
        >>> way = mv.continuation(system, jnp.geomspace(0.05, 0.006, 9), "population")
        >>> bool(way.differs.any())  # falling and rising alpha find different fits
        True
    """
    check_choice("along", along, ("alpha", "beta"))
    other = "beta" if along == "alpha" else "alpha"
    if jnp.ndim(getattr(system, other)):
        raise argument_error(other, "one number", f"shape {jnp.shape(getattr(system, other))}", "Loop over it.")
    check_positive("values", values)
    solver = Solver.of(system, theory, weighting, tolerance, max_sweeps)
    values = jnp.asarray(values, float)
    if isinstance(init, str):
        check_choice("init", init, ("cold",))
        init = solver.energy(values[0], values[0]).cold()
    return _follow(solver, getattr(system, other), values, init, along)


@eqx.filter_jit
def _follow(solver: Solver, other: Array, values: Array, start: Fields, along: str) -> Continuation:
    order = solver.lattice.order

    def solve(value, guess):
        prediction = solver(*((value, other) if along == "alpha" else (other, value)), guess.fields)
        fields = Fields(prediction.mean[order], prediction.precision[order])
        return Followed(fields, prediction.order_parameters, prediction.free_energy), prediction.status

    shape = eqx.filter_eval_shape(lambda: solver(other, other, start))
    nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape), shape.order_parameters)
    return follow(solve, values, Followed(start, nothing, jnp.zeros(())))
