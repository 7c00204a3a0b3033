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
    Frame,
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
from .result import (
    LARGEST_REST_EXPONENT,
    WITH_FIELDS,
    Prediction,
    Range,
    effective_samples,
    noise_to_signal,
)
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

    alignment: int = eqx.field(static=True, default=30)
    tilt: int = eqx.field(static=True, default=17)
    norm: int = eqx.field(static=True, default=12)
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
    deviation = lambda leaf, own: jnp.sqrt(jnp.maximum(mean(leaf**2 + own**2) - mean(leaf) ** 2, 1e-30))
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
        spread=jax.tree.map(deviation, each.order_parameters, each.spread),
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
    deviation = {k: _deviation(overlaps[:, i]) / scale[i] for i, k in enumerate(degrees)}

    mass = jax.nn.softmax(problem.log_weights(_centre(fixed, around))) * is_side
    lowest = jnp.min(jnp.where(mass > 1e-3 * jnp.sum(mass), level(setup, nodes, around, fixed.gram), 1.0))
    status = choose_status((lowest <= SMALLEST_LEVEL, Status.NO_SOLUTION), otherwise=status)
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
        range=_range(setup, nodes, problem, bounded, is_side, around),
        theory=("field",),
        chosen=jnp.zeros((), int),
        spread=OrderParameters(deviation, _deviation(side_weights)),
    )


def _deviation(values: Float[Array, " points"]) -> Float[Array, ""]:
    """The standard deviation; 1e-15 where all are equal, so that it has a derivative."""
    return jnp.sqrt(jnp.maximum(jnp.var(values), 1e-30))


def _centre(fixed: Frame, around: Around) -> Float[Array, " modes"]:
    """The dual's own variable at the solution."""
    return jax.scipy.linalg.solve_triangular(fixed.whole, around.force, lower=True)


def sigma_points(setup: Field, around: Around, problem: FeatureDual, fixed: Frame) -> Float[Array, "points modes"]:
    r"""Dual solutions at the sigma points of the odd modes' sampling noise; on a given data set of its label noise.

    Args:
        setup: what is solved.
        around: the solution.
        problem: its dual.
        fixed: its frame.
    """
    centre = _centre(fixed, around)
    odd, n, noise = setup.made.odd_at, setup.system.num_samples, setup.system.label_noise
    per_sample, scale = around.excess, jnp.ones(())
    if setup.coordinates.quenched:
        per_sample = around.ridge**-2.0
        scale = jnp.where(noise > 0, jnp.sqrt(jnp.where(noise > 0, noise, 1.0)), 0.0)
    covariance = (odd * (setup.coordinates.weights * per_sample)[None]) @ odd.T / n
    factor = scale * jnp.linalg.cholesky(covariance + 1e-12 * jnp.diag(jnp.diag(covariance)))
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


def _range(setup: Field, nodes: Nodes, problem: FeatureDual, bounded: Array, is_side: Array, around: Around) -> Range:
    """Where the theory stops; given $z$ the force is Gaussian around its mean."""
    delta = _centre(frame(setup, around), around)
    mass = jax.nn.softmax(problem.log_weights(delta))
    pull = mass * problem.field(delta) / jnp.sqrt(bounded)
    learned = setup.system.readout_variance * setup.system.num_samples * nodes.features @ pull
    mean, variance = squared_discrepancy(setup, learned)
    over = setup.coordinates.z, setup.coordinates.weights
    fourth = (mean**2 + 6 * mean * variance + 3 * variance**2) / around.ridge**4
    special = mass * is_side / jnp.maximum(mass @ is_side, 1e-300)
    exponent = problem.coupling * problem.field(delta) ** 2
    return Range(
        noise_to_signal=noise_to_signal(setup.system, mean + variance, *over),
        rest_exponent=special @ (exponent * overfit(setup, nodes, around)),
        effective_samples=effective_samples(setup.system, (mean + variance) / around.ridge**2, fourth, *over),
        readout_fluctuation=special @ (bounded - 1),
        largest_noise=jnp.asarray(WITH_FIELDS),
    )
