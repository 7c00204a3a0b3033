r"""The road of theory: free energies of toys in closed form or by quadrature, of crystals as harmonic ones.

Toys are exact. With $\Lambda=1$ and $\beta=1/T$,

$$ G=-T\ln\int dx\,e^{-\beta U}\quad\text{or}\quad
   G=-T\ln\int dV\,e^{-\beta[PV+Ne(v)]}\Big(\frac{2\pi T}{k(v)}\Big)^{3N/2}, $$

and $\Delta S=-\partial\Delta G/\partial T$, $\Delta V=\partial\Delta G/\partial P$ by differentiation. Crystals are
relaxed at $P$ and have one quadratic well about their sites,

$$ G=U_0+PV_0+kT\sum_i\ln(\beta\hbar\sqrt{\kappa_i/m}), $$

which is exact as $T\to0$ and an approximation elsewhere: `Prediction.exact` says which.
"""

import functools
import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from ..._checks import argument_error, check_double
from ...parameters import sweep_shape
from ...status import AbstractSolution, Status, choose_status
from ...theory.roots import bisect, first_true
from .crystal import AbstractPhase, Crystal
from .energies import curvatures
from .order_parameters import OrderParameters
from .system import TwoPhases, dof_constant
from .toys import AnharmonicWells, EinsteinSolid, HarmonicWells, cold_energy, stiffness


REACH, NUM_NODES = 6.0, 4001  # of quadrature over a coordinate
SQUEEZE, STRETCH = 0.6, 2.2  # of quadrature over the volume per atom, in reference volumes
SPAN, NUM_SCAN = 8.0, 129  # transitions are looked for between T/8 and 8 T
RELAXATION_STEPS = 25


class Prediction(AbstractSolution):
    r"""What theory says of two phases; reported units, per atom.

    Attributes:
        free_energy_difference: $\Delta G(T,P)$.
        enthalpy_difference: $\Delta H$.
        entropy_difference: $\Delta S$ in $k_B$.
        volume_difference: $\Delta V$.
        transition_temperature: where $\Delta G=0$ at $P$, nearest to $T$ from below or above; nan without one.
        status: solved; no solution without a transition; unreliable where a crystal has a mode that is not stable.
        exact: whether this is no approximation.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> found = ip.predict(ip.two_wells(temperature=jnp.array([0.3, 0.4])))
        >>> (found.free_energy_difference > 0).tolist(), found.exact  # the first phase is stable below 0.360674
        ([True, False], True)
    """

    free_energy_difference: Float[Array, "..."]
    enthalpy_difference: Float[Array, "..."]
    entropy_difference: Float[Array, "..."]
    volume_difference: Float[Array, "..."]
    transition_temperature: Float[Array, "..."]
    status: Int[Array, "..."]
    exact: bool = eqx.field(static=True)

    @property
    def order_parameters(self) -> OrderParameters:
        """The pytree that simulations report too."""
        names = ("free_energy_difference", "enthalpy_difference", "entropy_difference", "volume_difference")
        return OrderParameters(*(getattr(self, name) for name in names))

    @property
    def slope(self) -> Float[Array, "..."]:
        r"""Clausius and Clapeyron's $dT/dP=\Delta V/\Delta S$ in units of volume over $k_B$; toys: energy units."""
        return self.volume_difference / self.entropy_difference


def predict(system: TwoPhases) -> Prediction:
    """Free energies of two phases: exact for toys, classical and harmonic for crystals.

    Args:
        system: temperature and pressure may be arrays of one shape, a sweep.

    Raises:
        ValueError: 64-bit floats are off, or there is no theory of this energy.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> wells = ip.two_wells(dim=24, stiffness=(4.0, 1.0), offset=6.0, temperature=0.3)
        >>> float(np.round(ip.predict(wells).transition_temperature, 6))
        0.360674
    """
    check_double("theory", system)
    shape = sweep_shape(system)
    points = [jnp.ravel(jnp.broadcast_to(leaf, shape)) for leaf in (system.temperature, system.pressure)]
    solve = _harmonic if isinstance(system.phases[0], Crystal) else _exact
    found = solve(system, *points)
    return jax.tree.map(lambda leaf: leaf.reshape(shape), found)


@functools.singledispatch
def exact_free_energy(energy: Any, theta: Any, phase: AbstractPhase, temperature: Scalar, pressure: Scalar) -> Scalar:
    """$G$ of a toy's phase.

    Args:
        energy: of the toy.
        theta: its parameters.
        phase: which one.
        temperature: $T$, $k_B=1$.
        pressure: $P$.

    Raises:
        ValueError: there is no closed form.
    """
    del theta, phase, temperature, pressure
    remedy = "Measure it: ip.simulate. Crystals, of ip.lattice or ip.crystal, have a harmonic theory."
    raise argument_error("system", "a toy with a closed form, or crystals", type(energy).__name__, remedy)


@exact_free_energy.register
def _(energy: HarmonicWells, theta, phase, temperature, pressure):
    del pressure
    modes = 0.5 * phase.dim * (theta[phase.index] - jnp.log(2 * math.pi * temperature))
    return energy.offset * phase.index + temperature * modes


@exact_free_energy.register
def _(energy: AnharmonicWells, theta, phase, temperature, pressure):
    del pressure
    x = jnp.linspace(-REACH, REACH, NUM_NODES)
    u = jax.vmap(lambda x: energy(theta, phase, x[None, None], jnp.zeros(3)))(x)
    return -temperature * (jax.nn.logsumexp(-u / temperature) + math.log(2 * REACH / (NUM_NODES - 1)))


@exact_free_energy.register
def _(energy: EinsteinSolid, theta, phase, temperature, pressure):
    del energy
    size, index = phase.num_atoms, phase.index
    v0 = jax.lax.stop_gradient(theta["volume"][index])
    v = v0 * jnp.linspace(SQUEEZE, STRETCH, NUM_NODES)
    modes = 1.5 * jnp.log(2 * math.pi * temperature / stiffness(theta, index, v))
    exponent = size * (modes - (pressure * v + cold_energy(theta, index, v)) / temperature)
    cell = jnp.log(size * v0 * (STRETCH - SQUEEZE) / (NUM_NODES - 1))
    return -temperature * (jax.nn.logsumexp(exponent) + cell)


@eqx.filter_jit
def _exact(system: TwoPhases, temperature: Array, pressure: Array) -> Prediction:
    first, second = system.phases

    def difference(t, p):
        of = lambda phase: exact_free_energy(system.energy, system.theta, phase, t, p)
        return (of(second) - of(first)) / system.num_atoms

    def point(t, p):
        gap, (slope, volume) = jax.value_and_grad(difference, argnums=(0, 1))(t, p)
        where, found = crossing(lambda t: difference(t, p), t)
        status = choose_status((~jnp.isfinite(gap), Status.NOT_FINITE), (~found, Status.NO_SOLUTION))
        return Prediction(gap, gap - t * slope, -slope, volume, where, status, exact=True)

    return jax.vmap(point)(temperature, pressure)


def crossing(difference: Callable[[Scalar], Scalar], temperature: Scalar) -> tuple[Scalar, Array]:
    """The temperature nearest to a given one, on a log scale, at which a difference vanishes, and whether there is one.

    Args:
        difference: of one temperature.
        temperature: where to begin.
    """
    reference = jax.lax.stop_gradient(temperature)
    steps = jnp.exp(jnp.linspace(0.0, math.log(SPAN), NUM_SCAN))
    value = jax.vmap(difference)
    sides = []
    for ratios in (steps, 1 / steps):
        t = reference * ratios
        sign = value(t) > 0
        index, found = first_true(sign[1:] != sign[:-1])
        border = bisect(lambda t, sign=sign[index]: (difference(t) > 0) == sign, t[index], t[index + 1])
        sides.append((border, found, jnp.abs(jnp.log(ratios[index]))))
    (up, found_up, far_up), (down, found_down, far_down) = sides
    upward = found_up & (~found_down | (far_up <= far_down))
    where = jax.lax.stop_gradient(jnp.where(upward, up, down))
    gap, slope = jax.value_and_grad(difference)(where)
    found = found_up | found_down
    return jnp.where(found, where - gap / slope, jnp.nan), found  # Newton's step carries the derivative


@eqx.filter_jit
def _harmonic(system: TwoPhases, temperature: Array, pressure: Array) -> Prediction:
    def point(arguments):
        t, p = arguments
        at = eqx.tree_at(lambda s: (s.temperature, s.pressure), system, (t, p))
        first, second = system.phases
        assert isinstance(first, Crystal)
        assert isinstance(second, Crystal)
        (h1, s1, v1, low1), (h2, s2, v2, low2) = harmonic_phase(at, first), harmonic_phase(at, second)
        cold, entropy, volume = h2 - h1, s2 - s1, v2 - v1
        gap = cold - system.units.boltzmann * t * entropy
        where = cold / (system.units.boltzmann * entropy)
        status = choose_status(
            (~jnp.isfinite(gap), Status.NOT_FINITE),
            ((low1 <= 0) | (low2 <= 0), Status.UNRELIABLE),
            (where <= 0, Status.NO_SOLUTION),
        )
        report = system.per_atom
        per = 1 / system.num_atoms
        where = jnp.where(where > 0, where, jnp.nan)
        return Prediction(gap * report, cold * report, entropy * per, volume * per, where, status, exact=False)

    return jax.lax.map(point, (temperature, pressure))


def harmonic_phase(system: TwoPhases, phase: Crystal) -> tuple[Scalar, Scalar, Scalar, Scalar]:
    r"""Static enthalpy, $-\sum\ln(\beta\hbar\sqrt{\kappa/m})$, volume and lowest curvature of a relaxed crystal.

    Kinetic and vibrational energies of both phases are equal, so the static enthalpy is all of $\Delta H$.

    Args:
        system: at one temperature and pressure.
        phase: one of its phases.
    """
    relaxed = phase.at_box(relax(system, phase))
    zero = jnp.zeros(3)
    enthalpy = system.energy(system.theta, relaxed, relaxed.zero, zero) + system.stress * relaxed.volume(zero)
    values = jnp.linalg.eigvalsh(curvatures(system.energy, system.theta, relaxed))[3:]
    log_modes = 0.5 * jnp.log(jnp.maximum(values, 1e-12) / system.thermal_energy) + dof_constant(system)
    return enthalpy, -jnp.sum(log_modes), relaxed.volume(zero), values[0]


def relax(system: TwoPhases, phase: Crystal) -> Float[Array, " 3"]:
    """The strain at which the ideal crystal's enthalpy is least, by Newton's method on its independent edges.

    Args:
        system: at one pressure.
        phase: one of its phases.
    """
    rows = phase.groups

    def enthalpy(amounts):
        strain = amounts @ rows
        return system.energy(system.theta, phase, phase.zero, strain) + system.stress * phase.volume(strain)

    def step(_, amounts):
        gradient, curvature = jax.grad(enthalpy)(amounts), jax.hessian(enthalpy)(amounts)
        values, vectors = jnp.linalg.eigh(curvature)
        still = jnp.abs(values) < 1e-9 * jnp.max(jnp.abs(values))
        inverse = jnp.where(still, 0.0, 1 / jnp.where(still, 1.0, jnp.abs(values)))
        move = vectors @ (inverse * (vectors.T @ gradient))
        return amounts - move * jnp.minimum(1.0, 0.03 / jnp.maximum(jnp.max(jnp.abs(move)), 1e-12))

    return jax.lax.fori_loop(0, RELAXATION_STEPS, step, jnp.zeros(rows.shape[0])) @ rows
