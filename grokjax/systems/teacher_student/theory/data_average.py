r"""Predictions averaged over data sets (`field`): exact averages over the teacher coordinate, or quenched ones."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ...._checks import argument_error, check_whole, is_concrete
from ....networks import activation_function
from ....status import Status, choose_status, succeeded
from ....theory.adaptive_kernel import minimise
from ..order_parameters import OrderParameters
from ..quadrature import is_odd
from ..system import TeacherStudent
from .feature_dual import FeatureDual
from .field import (
    SMALLEST_LEVEL,
    Around,
    FieldLaw,
    dual,
    first_guess,
    frame,
    level,
    overfit,
    squared_discrepancy,
    update,
)
from .neurons import Field, Nodes, alignments, neurons
from .profiles import Coordinates, basis, gaussian_coordinates, quenched_coordinates
from .result import LARGEST_REST_EXPONENT, WITH_FIELDS, Prediction, Range, noise_to_signal
from .self_consistent import self_consistent


DAMPING = 0.5
LARGEST_DEGREE = 5  # the even profiles follow the vectors of degree 3; of degree 5 they tell how far off they are
MOST_SOLVED = 0.8  # share of draws below which their mean is biased to the quiet ones
NUM_DRAWS_SEED = 0  # of the draws that stand for an average, a quadrature rule like any other


class Sizes(eqx.Module):
    """Quadrature nodes and the solver's limits.

    Attributes:
        alignment, tilt, norm: nodes over each.
        tolerance: accepted relative change by one more iteration.
        max_steps: largest number of iterations.
    """

    alignment: int = eqx.field(static=True, default=50)
    tilt: int = eqx.field(static=True, default=17)
    norm: int = eqx.field(static=True, default=14)
    tolerance: float = eqx.field(static=True, default=1e-5)
    max_steps: int = eqx.field(static=True, default=120)


@eqx.filter_jit
def average(
    system: TeacherStudent, coordinates: Coordinates | None = None, rest: bool = True, sizes: Sizes = Sizes()
) -> Prediction:
    """The theory at one point; with the rest of the random field also without it, where that matters.

    Args:
        system: the parameters.
        coordinates: of a data set; the Gaussian average unless given.
        rest: whether the random field that no profile follows counts.
        sizes: of the quadrature.
    """
    coordinates = gaussian_coordinates() if coordinates is None else coordinates
    if not rest:
        return _solve(system, coordinates, jnp.zeros(()), sizes)
    solve = lambda rest: _solve(system, coordinates, rest, sizes)
    empty = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), eqx.filter_eval_shape(solve, jnp.zeros(())))

    def step(needed, rest):  # one compiled body for both
        found = jax.lax.cond(needed, solve, lambda _: empty, rest)
        return (found.range.rest_exponent >= LARGEST_REST_EXPONENT) | ~succeeded(found.status), found

    _, both = jax.lax.scan(step, jnp.asarray(True), jnp.array([1.0, 0.0]))
    found, bare = (jax.tree.map(lambda leaf, i=i: leaf[i], both) for i in (0, 1))
    given = bare.side_weight > 0
    without = jax.tree.map(lambda a, b: jnp.where(given, a, b), bare.order_parameters, found.order_parameters)
    return eqx.tree_at(lambda p: p.without_rest, found, without, is_leaf=lambda x: x is None)


class MixtureLaw(eqx.Module):
    """The law of a neuron's alignment over several draws.

    Attributes:
        laws: one per draw along the leading axis.
        weights: of the draws.
    """

    laws: FieldLaw
    weights: Float[Array, " draws"]

    @property
    def system(self) -> TeacherStudent:
        """The parameters, the same for all draws."""
        return jax.tree.map(lambda leaf: leaf[0], self.laws.system)

    def log_density(self, alignment: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """Log of the normalised density at `alignment`, on the whole line."""
        each = jax.lax.map(lambda law: law.log_density(alignment), self.laws)
        weights = self.weights.reshape(-1, *(1,) * alignment.ndim)
        return jax.nn.logsumexp(jnp.where(weights > 0, each, -jnp.inf), b=weights, axis=0)


def quenched_average(system: TeacherStudent, z_samples: Any, rest: bool, sizes: Sizes) -> Prediction:
    """The mean over data sets that are known by their teacher coordinates; spread is their standard deviation.

    Args:
        system: the parameters.
        z_samples: of shape (n,) or (draws, n), or the number of draws.
        rest: as in `average`.
        sizes: of the quadrature.

    Raises:
        ValueError: not `num_samples` coordinates.
    """
    if np.ndim(z_samples) == 0:
        shape = check_whole("z_samples", z_samples), check_whole("num_samples", system.num_samples)
        z_samples = jax.random.normal(jax.random.key(NUM_DRAWS_SEED), shape)
    z_samples = jnp.atleast_2d(jnp.asarray(z_samples, float))
    expected = system.num_samples
    if z_samples.ndim != 2 or (is_concrete(expected) and (np.asarray(expected) != z_samples.shape[1]).any()):
        expected = f"of shape (n,) or (draws, n) with n = {np.asarray(expected).tolist()}, or a number of draws"
        raise argument_error("z_samples", expected, z_samples.shape, "A data set X has X @ direction.")
    each = jax.lax.map(lambda z: average(system, quenched_coordinates(z), rest, sizes), z_samples)
    good = succeeded(each.status)
    share = good / jnp.maximum(jnp.sum(good), 1)
    mean = lambda leaf: jnp.tensordot(share, jnp.where(good.reshape(-1, *(1,) * (leaf.ndim - 1)), leaf, 0), axes=1)
    centre = jax.tree.map(mean, each.order_parameters)
    deviation = lambda leaf: jnp.sqrt(jnp.maximum(mean(leaf**2) - mean(leaf) ** 2, 0))
    few = jnp.sum(good) < MOST_SOLVED * good.size
    return Prediction(
        discrepancy={k: system.teacher[k] - centre.overlap[k] for k in system.teacher},
        overlap=centre.overlap,
        side_weight=centre.side_weight,
        log_evidence=None,
        kernel=None,
        residual=jnp.max(each.residual),
        quadrature_error=None,
        iterations=jnp.max(each.iterations),
        status=choose_status((few, Status.UNRELIABLE)),
        law=MixtureLaw(each.law, share),
        range=jax.tree.map(mean, each.range),
        theory=("field",),
        chosen=jnp.zeros((), int),
        spread=jax.tree.map(deviation, each.order_parameters),
        without_rest=jax.tree.map(mean, each.without_rest) if rest else None,
    )


def is_covered(system: TeacherStudent) -> bool:
    """Whether the profiles reach teacher and activation, and there are dimensions for both tilts and a rest."""
    odd = all(degree % 2 for degree in system.teacher) and max(system.teacher) <= LARGEST_DEGREE
    linear = activation_function(system.activation) is activation_function("linear")
    large = not is_concrete(system.input_dim) or (np.asarray(system.input_dim) >= 4).all()
    return odd and not linear and is_odd(system.activation) and bool(large)


def check_field(system: TeacherStudent) -> None:
    """Raise unless `is_covered`."""
    if not is_covered(system):
        got = f"degrees {tuple(system.teacher)}, {system.activation}, input_dim {system.input_dim}"
        raise argument_error(
            "system",
            f'one with odd degrees up to {LARGEST_DEGREE}, an odd nonlinear activation and input_dim >= 4 for "field"',
            got,
            'Use theory="mean_field", or networks.',
        )


def _solve(system: TeacherStudent, coordinates: Coordinates, rest: Array, sizes: Sizes) -> Prediction:
    setup = Field(system, coordinates, basis(system, coordinates), (sizes.tilt, sizes.norm), rest)
    alignment, log_prior = alignments(system, sizes.alignment)
    nodes = neurons(setup, alignment, log_prior)
    around, change, iterations, status = self_consistent(
        lambda parameters, state, solve: update(parameters[0], parameters[1], state, solve),
        (setup, nodes),
        first_guess(jax.lax.stop_gradient(setup)),
        tolerance=sizes.tolerance,
        max_steps=sizes.max_steps,
        damping=DAMPING,
    )
    fixed = frame(setup, around)
    problem, bounded = dual(setup, nodes, around, fixed)
    points = sigma_points(setup, around, problem, fixed)
    is_side = jnp.repeat(alignment > system.side_threshold, nodes.between.shape[0])
    measured = jax.lax.map(lambda delta: _measure(setup, nodes, problem, bounded, is_side, delta), points)
    overlaps, side_weights, log_partitions = measured
    mean = lambda values: jnp.mean(values, axis=0)
    degrees = tuple(system.teacher)
    scale = [float(np.sqrt(np.prod(np.arange(1, degree + 1)))) for degree in degrees]
    overlap = {k: mean(overlaps[:, i]) / scale[i] for i, k in enumerate(degrees)}
    deviation = {k: jnp.std(overlaps[:, i]) / scale[i] for i, k in enumerate(degrees)}

    centre = jax.scipy.linalg.solve_triangular(fixed.whole, around.force, lower=True)
    mass = jax.nn.softmax(problem.log_weights(centre)) * is_side
    side = jnp.maximum(jnp.sum(mass), 1e-300)
    exponent = problem.coupling * problem.field(centre) ** 2
    lowest = jnp.min(jnp.where(mass > 1e-3 * side, level(setup, nodes, around, fixed.gram), 1.0))
    status = choose_status((lowest <= SMALLEST_LEVEL, Status.NO_SOLUTION), otherwise=status)
    bounds = Range(
        noise_to_signal=_noise_to_signal(setup, nodes, problem, bounded, centre),
        rest_exponent=mass @ (exponent * overfit(setup, nodes, around)) / side,
        effective_samples=_effective_samples(setup, nodes, problem, bounded, centre, around),
        readout_fluctuation=mass @ (bounded - 1) / side,
        largest_noise=jnp.asarray(WITH_FIELDS),
    )
    return Prediction(
        discrepancy={k: system.teacher[k] - overlap[k] for k in degrees},
        overlap=overlap,
        side_weight=mean(side_weights),
        log_evidence=None,
        kernel=None,
        residual=change,
        quadrature_error=None,
        iterations=iterations,
        status=status,
        law=FieldLaw(setup, around, points, log_partitions),
        range=bounds,
        theory=("field",),
        chosen=jnp.zeros((), int),
        spread=OrderParameters(deviation, jnp.std(side_weights)),
    )


def sigma_points(setup: Field, around: Around, problem: FeatureDual, fixed: Any) -> Float[Array, "points modes"]:
    r"""Dual solutions at the sigma points of the odd modes' sampling noise; the solution itself for a given data set.

    Args:
        setup: what is solved.
        around: the solution.
        problem: its dual.
        fixed: its frame.
    """
    centre = jax.scipy.linalg.solve_triangular(fixed.whole, around.force, lower=True)
    if setup.coordinates.quenched:
        return centre[None]
    odd, n = setup.made.odd_at, setup.system.num_samples
    covariance = (odd * (setup.coordinates.weights * around.excess)[None]) @ odd.T / n
    factor = jnp.linalg.cholesky(covariance + 1e-12 * jnp.diag(jnp.diag(covariance)))
    moves = jax.scipy.linalg.solve_triangular(fixed.odd, factor, lower=True).T * np.sqrt(len(odd))
    moves = jnp.concatenate([moves, -moves])
    moves = jnp.concatenate([moves, jnp.zeros((len(moves), centre.size - len(odd)))], axis=1)
    moved = lambda move: eqx.tree_at(lambda p: p.targets, problem, problem.targets + move)
    return jax.lax.map(lambda move: minimise(moved(move), start=centre, tolerance=1e-8).discrepancy, moves)


def _measure(setup: Field, nodes: Nodes, problem: FeatureDual, bounded: Array, is_side: Array, delta: Array):
    """Overlaps in orthonormal modes, side weight and log partition of one dual solution."""
    log_weights = problem.log_weights(delta)
    log_partition = jax.nn.logsumexp(log_weights)
    mass = jnp.exp(log_weights - log_partition)
    pull = mass * problem.field(delta) / jnp.sqrt(bounded)
    overlap = setup.system.readout_variance * setup.system.num_samples * nodes.teacher @ pull
    return overlap, mass @ is_side, log_partition


def _learned(setup: Field, nodes: Nodes, problem: FeatureDual, bounded: Array, delta: Array) -> Array:
    mass = jax.nn.softmax(problem.log_weights(delta))
    pull = mass * problem.field(delta) / jnp.sqrt(bounded)
    return setup.system.readout_variance * setup.system.num_samples * nodes.features @ pull


def _noise_to_signal(setup: Field, nodes: Nodes, problem: FeatureDual, bounded: Array, delta: Array) -> dict[int, Any]:
    mean, variance = squared_discrepancy(setup, _learned(setup, nodes, problem, bounded, delta))
    coordinates = setup.coordinates
    return noise_to_signal(setup.system, mean + variance, coordinates.z, coordinates.weights)


def _effective_samples(setup: Field, nodes: Nodes, problem: FeatureDual, bounded: Array, delta: Array, around: Around):
    r"""$(\sum t^2)^2/\sum t^4$; given $z$ the force is Gaussian around its mean."""
    mean, variance = squared_discrepancy(setup, _learned(setup, nodes, problem, bounded, delta))
    weights = setup.coordinates.weights
    second = weights @ ((mean + variance) / around.ridge**2)
    fourth = weights @ ((mean**2 + 6 * mean * variance + 3 * variance**2) / around.ridge**4)
    return setup.system.num_samples * second**2 / fourth
