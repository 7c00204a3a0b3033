r"""Loads at which recall appears, becomes the equilibrium, or breaks down: the lines of the phase diagram.

* *spinodal* $\alpha_M(T)$: the largest load with a state that recalls, the maximum of the retrieval curve;
* *stable* $\alpha_c(T)$: the largest load at which that state has the lowest free energy, $f_R=f_{m=0}$;
* for mixtures of $L$ patterns, the load up to which they are *locally stable*: $1-\Phi''\beta(1-q+R)>0$, the curvature
  against favouring one of the patterns.

Both are differentiable in temperature and prior: the spinodal by the envelope theorem, the others by the implicit
function theorem.

References:
    Amit, Gutfreund & Sompolinsky, Ann. Phys. 173, 30 (1987); arXiv:2506.10552.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._checks import argument_error, as_scalar, check_at_least, check_double, check_finite, check_whole, is_concrete
from ..._tree import over_points
from ...status import AbstractSolution, Status, choose_status, first_failure, iterative_status
from ...theory.roots import bisect, last_true, newton_root
from . import zero_temperature
from .free_energy import condensed_field, free_energy_at
from .hidden import AbstractHidden
from .saddle_points import (
    BATCH_SIZE,
    glass_point,
    interpolate_excess,
    largest_spread,
    locate_glass,
    retrieval_point,
    trace_glass,
    trace_retrieval,
)
from .system import AssociativeMemory


Number = Float[Array, "*temperatures"]
NUM_HALVINGS = 42
ACCEPTED = 1e-9


class Capacity(AbstractSolution):
    """Loads up to which patterns are recalled; zero where they never are.

    Attributes:
        spinodal: the largest load with a state that recalls.
        stable: the largest load at which it is the equilibrium. For a mixture: at which it is locally stable.
        spinodal_magnetisation: $m$ at the spinodal.
        stable_magnetisation: $m$ at the other load.
        spinodal_replicon: $\\Lambda$ at the spinodal; negative where replica symmetry is broken there.
        status: solved where both were found, or shown not to exist.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> lines = hop.capacity(hop.GaussianHidden(), 0.0)
        >>> round(float(lines.spinodal), 3), round(float(lines.stable), 3)
        (0.138, 0.052)
    """

    spinodal: Number
    stable: Number
    spinodal_magnetisation: Number
    stable_magnetisation: Number
    spinodal_replicon: Number
    status: Array


def capacity(
    hidden: AbstractHidden, temperature: Number | float, *, num_mixed: int = 1, field: float | Array | None = None
) -> Capacity:
    """Capacity of a prior at one or many temperatures.

    Args:
        hidden: the prior.
        temperature: one number, or an axis of them; zero takes the closed form, but a traced zero is not finite.
        num_mixed: patterns recalled at once; above 1, `stable` is the limit of local stability.
        field: $g$, one local bias on every spin.

    Returns:
        Loads and states at the ends of the retrieval branch, in the shape of `temperature`.

    Raises:
        ValueError: 64-bit numbers are off, a temperature is negative, zero where the prior has no law for it or there
            is a field, or the field is not one number.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> lines = hop.capacity(hop.GaussianHidden(), jnp.array([0.3, 2.0]))
        >>> lines.spinodal.shape, round(float(lines.spinodal[0]), 2), float(lines.spinodal[1])  # too hot to recall
        ((2,), 0.1, 0.0)
    """
    check_at_least("temperature", temperature, 0, "The temperature is in units of the coupling.")
    given, temperature = temperature, jnp.asarray(as_scalar(temperature))  # a number is concrete, under jit too
    num_mixed = check_whole("num_mixed", num_mixed)
    check_double("a capacity", hidden)
    if field is not None:
        check_finite("field", field, "The field is in units of the coupling.")
        if np.ndim(field):
            raise argument_error("field", "one number", np.shape(field), "Call once a field, or map over it.")
    at_zero = np.asarray(given) == 0 if is_concrete(given) else np.zeros(temperature.shape, bool)
    if at_zero.any():
        check_no_field(field)
    shaped = lambda leaf: jnp.broadcast_to(leaf, temperature.shape)
    cold = jax.tree.map(shaped, _cold_capacity(hidden, num_mixed)) if at_zero.any() else None
    if at_zero.all():
        return cold  # pyright: ignore[reportReturnType]
    warm = _warm_capacity(hidden, jnp.where(at_zero, 1.0, temperature), num_mixed, as_scalar(field))
    return warm if cold is None else jax.tree.map(lambda a, b: jnp.where(at_zero, a, b), cold, warm)


def check_no_field(field: Array | float | None) -> None:
    """Raise if there is a field: the closed form of zero temperature has none.

    Raises:
        ValueError: there is a field.
    """
    if field is not None:
        raise argument_error("field", "left out at zero temperature", field, "Give a small temperature, such as 0.02.")


def _cold_capacity(hidden: AbstractHidden, num_mixed: int) -> Capacity:
    spinodal = zero_temperature.spinodal_root(num_mixed)
    stable = zero_temperature.stable_root() if num_mixed == 1 else spinodal
    return Capacity(
        spinodal=zero_temperature.load_at(hidden, spinodal, num_mixed),
        stable=zero_temperature.load_at(hidden, stable, num_mixed),
        spinodal_magnetisation=zero_temperature.magnetisation(spinodal, num_mixed),
        stable_magnetisation=zero_temperature.magnetisation(stable, num_mixed),
        spinodal_replicon=jnp.full((), -jnp.inf),
        status=first_failure(spinodal.status, stable.status),
    )


@eqx.filter_jit
def _warm_capacity(hidden: AbstractHidden, temperature: Array, num_mixed: int, field: Array | None) -> Capacity:
    return over_points(lambda t: _capacity_at(hidden, t, num_mixed, field), temperature, BATCH_SIZE)


def _capacity_at(hidden, temperature, num_mixed, field) -> Capacity:
    beta = 1 / temperature
    curve = trace_retrieval(hidden, beta, num_mixed, field)
    start = jnp.stack([curve.log_ratio[0], curve.log_spread[0]])
    log_load, _, spins, units = retrieval_point(hidden, beta, start, num_mixed, field)
    replicon = 1 - jnp.exp(log_load) * beta**4 * units.variance_squared * spins.fourth
    if num_mixed == 1:
        stable, m, never, status = _equal_free_energies(hidden, temperature, curve, field)
    else:
        stable, m, never, status = _equal_partners(hidden, beta, curve, num_mixed, field)
    never = never | ~curve.exists
    zero_if = lambda condition, value: jnp.where(condition, 0.0, value)
    return Capacity(
        jnp.where(temperature > 0, jnp.exp(curve.log_capacity), jnp.nan),
        zero_if(never, stable),
        zero_if(~curve.exists, spins.magnetisation),
        zero_if(never, m),
        jnp.where(curve.exists, replicon, 1.0),
        choose_status((~(temperature > 0), Status.NOT_FINITE), (never, Status.SOLVED), otherwise=status),
    )


def _equal_free_energies(hidden, temperature, curve, field):
    """The load at which the states with and without recall have one free energy, from the side of small loads."""
    free = (hidden, temperature, field)
    hidden, temperature, curve, field = jax.lax.stop_gradient((hidden, temperature, curve, field))
    beta = 1 / temperature
    glass = jax.lax.stop_gradient(trace_glass(hidden, beta, field))

    def energies(free, log_load, logs, spread):
        """Free energy and $\\mathcal G$ of both states, each of shape (with recall, without)."""
        system = AssociativeMemory(jnp.exp(log_load), free[1], free[0], field=free[2])
        signals, spreads = jnp.stack([jnp.exp(logs[0] + logs[1]), 0.0]), jnp.stack([jnp.exp(logs[1]), spread])
        return jax.vmap(lambda signal, spread: free_energy_at(system, signal, spread))(signals, spreads)

    def roughly(log_ratio, log_spread, log_load):
        cell, found, _ = locate_glass(glass, log_load)
        spread = jnp.where(found, glass.floor + jnp.exp(interpolate_excess(glass, cell, log_load)), 0.0)
        (recall, without), _ = energies(free, log_load, (log_ratio, log_spread), spread)
        return recall - without

    def exactly(log_ratio):
        logs = jnp.stack([log_ratio, largest_spread(hidden, beta, log_ratio, 1, field)])
        log_load, _, spins, _ = retrieval_point(hidden, beta, logs, 1, field)
        cell, found, _ = locate_glass(glass, log_load)
        exceeds = lambda u: glass_point(hidden, beta, glass.floor + jnp.exp(u), field)[0] > log_load
        excess = bisect(exceeds, glass.log_excess[cell + 1], glass.log_excess[cell], NUM_HALVINGS)
        return log_load, logs, jnp.where(found, glass.floor + jnp.exp(excess), 0.0), spins.magnetisation

    def is_higher(log_ratio):
        (recall, without), _ = energies((hidden, temperature, field), *exactly(log_ratio)[:3])
        return recall >= without

    gaps = jax.lax.stop_gradient(jax.vmap(roughly)(curve.log_ratio, curve.log_spread, curve.log_load))
    higher = jnp.where(jnp.isfinite(curve.log_load), gaps, 0.0) >= 0
    index, crosses = last_true(higher)
    # Without a crossing the state stays the equilibrium up to its spinodal, the first point of the curve.
    cell = lambda step: curve.log_ratio[jnp.where(crosses, jnp.clip(index + step, 0, len(gaps) - 1), 0)]
    crossing = bisect(is_higher, cell(-1), cell(2), NUM_HALVINGS)
    log_load, logs, spread, m = jax.lax.stop_gradient(exactly(crossing))
    (recall, without), (g_recall, g_without) = energies(free, log_load, logs, spread)
    # Clausius-Clapeyron: at a saddle point df/d(load) = -G/beta, so this step moves the crossing with the prior.
    slope = jax.lax.stop_gradient((g_without - g_recall) / beta)
    load = jnp.exp(log_load) - jnp.where(crosses, (recall - without) / slope, 0.0)
    status = iterative_status(jnp.where(crosses, jnp.abs(recall - without), 0.0), ACCEPTED, 0, NUM_HALVINGS)
    return load, m, higher[-1], status


def _equal_partners(hidden, beta, curve, num_mixed, field):
    """The load at which a mixture loses local stability against favouring one of its patterns."""

    def equations(hidden, beta, field, logs):
        _, mismatch, spins, _ = retrieval_point(hidden, beta, logs, num_mixed, field)
        bend = jax.grad(lambda m: condensed_field(hidden, m, beta))(spins.magnetisation)
        return jnp.stack([mismatch, 1 - bend * beta * (1 - spins.overlap + spins.asymmetry)])

    logs = jax.lax.stop_gradient(jnp.stack([curve.log_ratio, curve.log_spread], axis=1))
    fixed = jax.lax.stop_gradient((hidden, beta, field))
    curvature = jax.vmap(lambda y: equations(*fixed, y)[1])(logs)
    unstable = jnp.where(jnp.isfinite(curve.log_load), curvature, -1.0) <= 0
    index, crosses = last_true(unstable)
    root = newton_root(lambda y: equations(hidden, beta, field, y), logs[index])
    logs = jnp.where(crosses, root.position, logs[0])
    log_load, _, spins, _ = retrieval_point(hidden, beta, logs, num_mixed, field)
    return jnp.exp(log_load), spins.magnetisation, unstable[-1], choose_status((crosses, root.status))
