r"""Branches of fits along a path of strengths: each point starts from the fit before it.

Up and down differ where the transition is first order. A fit that has collapsed stays collapsed, whatever follows.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array

from ...._checks import argument_error, check_choice, check_positive
from ..system import MeanVariance
from .prediction import Prediction, Solver
from .solver import Fields


STRENGTHS = ("alpha", "beta")


def continuation(
    system: MeanVariance,
    path: Mapping[str, Any],
    theory: str = "lattice",
    *,
    init: str | Prediction = "cold",
    weighting: str = "density",
    tolerance: float = 1e-10,
    max_sweeps: int = 4000,
) -> Prediction:
    """Fits along a path, in one compiled call.

    Args:
        system: data on a line; the strength that the path leaves out is its own, one number.
        path: values of "alpha", "beta" or both, in the order in which they are visited.
        theory: see `predict`.
        init: of the first point, "cold" or an earlier prediction at one point.
        weighting: see `predict`.
        tolerance: see `predict`.
        max_sweeps: see `predict`; for each point.

    Returns:
        A `Prediction` whose numbers lead with the path.

    Raises:
        ValueError: the path holds something else, is empty, of several lengths or not positive; or as in `predict`.
    """
    unknown = [name for name in path if name not in STRENGTHS]
    if unknown or not path:
        raise argument_error("path", "values of alpha, beta or both", list(path), 'Try {"alpha": values}.')
    values = {name: jnp.asarray(each, float) for name, each in path.items()}
    lengths = {each.shape for each in values.values()}
    if len(lengths) != 1 or len(next(iter(lengths))) != 1 or 0 in next(iter(lengths)):
        raise argument_error("path", "of equally long rows", lengths, "Give one value of each strength per point.")
    for name, each in values.items():
        check_positive(name, each)
    (length,) = next(iter(lengths))
    solver = Solver.of(system, theory, weighting, tolerance, max_sweeps)
    along = lambda name: values[name] if name in values else jnp.broadcast_to(getattr(system, name), (length,))
    alpha, beta = map(along, STRENGTHS)
    if isinstance(init, str):
        check_choice("init", init, ("cold",))
        start = None
    else:
        start = Fields(init.mean[solver.lattice.order], init.precision[solver.lattice.order])
    return _follow(solver, alpha, beta, start)


@eqx.filter_jit
def _follow(solver: Solver, alpha: Array, beta: Array, start: Fields | None) -> Prediction:
    start = solver.energy(alpha[0], beta[0]).cold() if start is None else start
    order = solver.lattice.order

    def step(fields, strengths):
        prediction = solver(*strengths, fields)
        return Fields(prediction.mean[order], prediction.precision[order]), prediction

    return jax.lax.scan(step, start, (alpha, beta))[1]
