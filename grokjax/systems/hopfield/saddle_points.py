r"""All saddle points of the free energy, from two curves that never miss one.

Iterating the saddle-point equations slows down at every transition and falls off the branch when started badly. Here
the load is the *unknown*. At a given temperature, each signal-to-noise ratio $x=\hat m/s$ fixes the noise by the scalar
equation $s x=\Phi'(m(s,x))$, of which the largest root is meant, and with it $q$, $r$ and the load

$$ \alpha(x) = s^2/r(q) . $$

The *retrieval curve* starts at $\alpha=0$ for $x\to\infty$, the pure state, and climbs to its first maximum, the
spinodal; what lies beyond at smaller $x$ is unstable or spurious. With $\hat m=0$ the spread $s$ itself is the
parameter of the *glass curve*, which starts where the gap opens. One trace of each serves all loads.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from ...status import Status, choose_status
from ...theory.roots import bisect, first_true, last_true, newton_root
from .free_energy import Branch, HiddenNoise, branch_at, condensed_field, hidden_noise
from .hidden import AbstractHidden
from .system import AssociativeMemory
from .visible import VisibleLayer, visible_layer


Number = Float[Array, ""]
RATIO_RANGE = (0.05, 1e4)
NUM_RATIOS = 96
NUM_SPREADS = 33
SPREAD_DECADES = 4.5
EXCESS_RANGE = (1e-7, 1e3)
NUM_EXCESSES = 160
BATCH_SIZE = 8  # points solved together: few, so that the work stays in cache


class RetrievalCurve(eqx.Module):
    r"""Pure (or mixed) states at one temperature, as a function of the signal-to-noise ratio.

    Attributes:
        log_ratio: $\ln x$, increasing from the first maximum met from large $x$; grid points below repeat it.
        log_spread: $\ln s$.
        log_load: $\ln\alpha$, decreasing; minus infinity where there is no state.
        log_capacity: $\ln\alpha$ at the maximum, by the envelope theorem differentiable in prior and temperature;
            minus infinity if there is no such state at any load.
    """

    log_ratio: Float[Array, " points"]
    log_spread: Float[Array, " points"]
    log_load: Float[Array, " points"]
    log_capacity: Number

    @property
    def exists(self) -> Bool[Array, ""]:
        """Whether there is such a state at any load."""
        return jnp.isfinite(self.log_capacity)


class GlassCurve(eqx.Module):
    """States without recall at one temperature, as a function of the spread of the noise.

    Attributes:
        floor: the spread at which the gap opens, or zero.
        log_excess: $\\ln(s-\\mathrm{floor})$ on an increasing grid.
        log_load: $\\ln\\alpha$.
    """

    floor: Number
    log_excess: Float[Array, " points"]
    log_load: Float[Array, " points"]


def retrieval_point(
    hidden: AbstractHidden, beta: Number, logs: Float[Array, "2"], num_mixed: int, field: Number | None = None
) -> tuple[Number, Number, VisibleLayer, HiddenNoise]:
    r"""$\ln\alpha$, the mismatch $\Phi'(m)/(xs)-1$, and the two layers at $(\ln x,\ln s)$."""
    signal, spread = jnp.exp(logs[0] + logs[1]), jnp.exp(logs[1])
    spins = visible_layer(signal, spread, beta, num_mixed, field)
    units = hidden_noise(hidden, spins.overlap, beta)
    mismatch = condensed_field(hidden, spins.magnetisation, beta) / signal - 1
    return 2 * logs[1] - jnp.log(units.noise), mismatch, spins, units


def trace_retrieval(
    hidden: AbstractHidden, beta: Number, num_mixed: int = 1, field: Number | None = None
) -> RetrievalCurve:
    """The retrieval curve and its first maximum, on a grid that is refined once around the maximum."""
    fixed, at_rest = jax.lax.stop_gradient(((hidden, beta), field))

    def point(log_ratio):
        log_spread = largest_spread(*fixed, log_ratio, num_mixed, at_rest)
        log_load, _, _, units = retrieval_point(*fixed, jnp.stack([log_ratio, log_spread]), num_mixed, at_rest)
        return log_spread, jnp.where(jnp.isfinite(log_load) & (units.gap > 0), log_load, -jnp.inf)

    def sweep(ends, _):
        log_ratio = jnp.linspace(ends[0], ends[1], NUM_RATIOS)
        log_spread, log_load = jax.vmap(point)(log_ratio)
        before, _ = last_true(log_load[:-1] < log_load[1:])
        top = jnp.clip(before + 1, 1, NUM_RATIOS - 2)
        return (log_ratio[top - 1], log_ratio[top + 1]), (log_ratio, log_spread, log_load, top)

    ends = tuple(jnp.log(jnp.asarray(RATIO_RANGE)))
    _, (ratios, spreads, loads, tops) = jax.lax.scan(sweep, ends, length=2)
    top, step = tops[1], ratios[1, 1] - ratios[1, 0]
    before, at, after = (loads[1, top + i] for i in (-1, 0, 1))
    bend = before - 2 * at + after
    peaked = jnp.isfinite(bend) & (bend < 0)
    shift = jnp.where(peaked, (before - after) / (2 * jnp.where(peaked, bend, -1.0)), 0.0)
    log_ratio = ratios[1, top] + shift * step
    log_spread = spreads[1, top] + shift * (spreads[1, top + 1] - spreads[1, top - 1]) / 2

    log_spread = _newton_step(hidden, beta, log_ratio, log_spread, num_mixed, field)
    log_capacity = retrieval_point(hidden, beta, jnp.stack([log_ratio, log_spread]), num_mixed, field)[0]
    below = ratios[0] <= jax.lax.stop_gradient(log_ratio)
    at_top = lambda table, value: jnp.where(below, jax.lax.stop_gradient(value), table)
    return RetrievalCurve(
        at_top(ratios[0], log_ratio),
        at_top(spreads[0], log_spread),
        at_top(loads[0], log_capacity),
        jnp.where(jnp.isfinite(loads[0, -1]), log_capacity, -jnp.inf),
    )


def _newton_step(hidden, beta, log_ratio, log_spread, num_mixed, field) -> Number:
    """One step on the mismatch; it also carries the derivatives that the bisection has dropped."""
    mismatch = lambda s: retrieval_point(hidden, beta, jnp.stack([log_ratio, s]), num_mixed, field)[1]
    value, slope = jax.jvp(mismatch, (log_spread,), (jnp.ones(()),))
    return log_spread - value / jax.lax.stop_gradient(slope)


def largest_spread(hidden, beta, log_ratio, num_mixed, field=None) -> Number:
    """The largest root of the mismatch in $\\ln s$ at fixed $x$; any number where there is none."""

    def answers(log_spread):
        signal = jnp.exp(log_ratio + log_spread)
        spins = visible_layer(signal, jnp.exp(log_spread), beta, num_mixed, field)
        return condensed_field(hidden, spins.magnetisation, beta) >= signal

    strongest = jnp.maximum(1.2 * condensed_field(hidden, jnp.ones(()), beta), 1e-30)
    grid = jnp.log(strongest) - log_ratio - jnp.linspace(0, SPREAD_DECADES * jnp.log(10.0), NUM_SPREADS)
    index, found = first_true(jax.vmap(answers)(grid))
    return jnp.where(found, bisect(answers, grid[index], grid[jnp.maximum(index - 1, 0)], 40), jnp.nan)


def retrieval_branch(system: AssociativeMemory, curve: RetrievalCurve, without: Branch, num_mixed: int = 1) -> Branch:
    """The state that recalls or, beyond its spinodal, the one `without` recall."""
    load = jax.lax.stop_gradient(system.load)
    curve = jax.lax.stop_gradient(curve)
    capacity = jnp.exp(curve.log_capacity)
    recalls = curve.exists & (load <= capacity)
    # The distance to the capacity, as a square root, is linear in x at the fold: interpolate in it.
    distance = lambda load: jnp.sqrt(jnp.maximum(capacity - load, 0))
    steps = distance(jnp.exp(curve.log_load))
    log_ratio, log_spread = (jnp.interp(distance(load), steps, table) for table in (curve.log_ratio, curve.log_spread))
    start = jnp.where(recalls, jnp.exp(jnp.stack([log_ratio + log_spread, log_spread])), 1.0)

    def residual(unknowns):
        signal, spread = unknowns
        beta = 1 / system.temperature
        spins = visible_layer(signal, spread, beta, num_mixed, system.field)
        noise = hidden_noise(system.hidden, spins.overlap, beta).noise
        answer = condensed_field(system.hidden, spins.magnetisation, beta)
        equations = jnp.stack([answer - signal, jnp.sqrt(system.load) * jnp.sqrt(noise) - spread])
        return jnp.where(recalls, equations, unknowns - 1)

    root = newton_root(residual, start)
    recall = branch_at(system, root.position[0], root.position[1], root, num_mixed)
    return jax.tree.map(lambda a, b: jnp.where(recalls, a, b), recall, without)


def glass_point(
    hidden: AbstractHidden, beta: Number, spread: Number, field: Number | None = None
) -> tuple[Number, VisibleLayer, HiddenNoise]:
    r"""$\ln\alpha$ and the two layers of the state without recall whose noise has the spread $s$."""
    spins = visible_layer(jnp.zeros(()), spread, beta, 1, field)
    units = hidden_noise(hidden, spins.overlap, beta)
    return 2 * jnp.log(spread) - jnp.log(units.noise), spins, units


def trace_glass(hidden: AbstractHidden, beta: Number, field: Number | None = None) -> GlassCurve:
    """The glass curve from where its gap opens."""
    gap = lambda log_spread: glass_point(hidden, beta, jnp.exp(log_spread), field)[2].gap
    low, high = jnp.log(1e-9), jnp.log(1e3)
    floor = jnp.where(gap(low) > 0, 0.0, jnp.exp(bisect(lambda s: gap(s) > 0, high, low, 60)))
    floor = jax.lax.stop_gradient(floor)
    log_excess = jnp.linspace(math.log(EXCESS_RANGE[0]), math.log(EXCESS_RANGE[1]), NUM_EXCESSES)

    def load(u):
        log_load, _, units = glass_point(hidden, beta, floor + jnp.exp(u), field)
        return jnp.where(jnp.isfinite(log_load) & (units.gap > 0), log_load, -jnp.inf)

    return GlassCurve(floor, log_excess, jax.lax.stop_gradient(jax.vmap(load)(log_excess)))


def locate_glass(curve: GlassCurve, log_load: Number) -> tuple[Array, Bool[Array, ""], Bool[Array, ""]]:
    """The cell of the glass curve that crosses a load last, whether there is one, whether the state is paramagnetic."""
    table = curve.log_load
    cell, found = last_true((table[:-1] <= log_load) & (table[1:] > log_load))
    return cell, found, ~found & (log_load < table[-1])


def interpolate_excess(curve: GlassCurve, cell: Array, log_load: Number) -> Number:
    """The log excess at a load inside of a cell."""
    low, high = curve.log_load[cell], curve.log_load[cell + 1]
    share = jnp.where(jnp.isfinite(low), (log_load - low) / jnp.where(high > low, high - low, 1.0), 0.5)
    return curve.log_excess[cell] + share * (curve.log_excess[1] - curve.log_excess[0])


def glass_branch(system: AssociativeMemory, curve: GlassCurve) -> Branch:
    """The state without recall: spin glass, or paramagnet with $q=0$ where there is no other and no field."""
    log_load = jnp.log(jax.lax.stop_gradient(system.load))
    cell, found, paramagnetic = locate_glass(curve, log_load)
    start = jnp.where(found, interpolate_excess(curve, cell, log_load), 0.0)

    def residual(u):
        log_load, _, _ = glass_point(system.hidden, 1 / system.temperature, curve.floor + jnp.exp(u), system.field)
        return jnp.where(found, log_load - jnp.log(system.load), u)

    root = newton_root(residual, start)
    spread = jnp.where(found, curve.floor + jnp.exp(root.position), 0.0)
    status = choose_status((found, root.status), (paramagnetic, Status.SOLVED), otherwise=Status.NO_SOLUTION)
    return branch_at(system, jnp.zeros(()), spread, eqx.tree_at(lambda root: root.status, root, status))
