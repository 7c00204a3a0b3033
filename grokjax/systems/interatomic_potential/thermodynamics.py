r"""From one free energy to others: along temperature and pressure, and to the line of the transition.

$$ \frac{G(T)}T=\frac{G(T_0)}{T_0}-\int_{T_0}^T\frac{H}{T'^2}dT',\qquad \frac{dT_{tr}}{dP}=\frac{\Delta V}{\Delta S},
   \qquad G(T_0/\lambda)=\frac{G(T_0)+W(\lambda)}\lambda+\tfrac32Nk\tfrac{T_0}\lambda\ln\lambda, $$

Gibbs and Helmholtz, Clausius and Clapeyron, and reversible scaling with $W=\int_1^\lambda\langle U+PV\rangle d\lambda'$
(at the pressure $\lambda P$). `surface` pools frames at several temperatures and pressures by MBAR: a frame's reduced
potential anywhere is $\beta(U+PV)$, so that its energy and volume are all that is needed.

References:
    de Koning, Antonelli & Yip, Phys. Rev. Lett. 83, 3973 (1999), for reversible scaling.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ..._checks import argument_error
from ...evidence.reweighting import effective_samples, mbar
from ...evidence.statistics import Estimate
from .experiment import FreeEnergies, losses, per_atom
from .frames import Frames
from .sampling import Sampling, sample
from .system import TwoPhases


SMALLEST_SHARE = 20.0  # effective samples below which a point of the surface is beyond its frames
NUM_SCAN = 200


def gibbs_helmholtz(temperature: Any, enthalpy: Any, start: Any) -> Float[Array, " points"]:
    """$G(T)$ from enthalpies along temperature, by the trapezoidal rule in $1/T$.

    Args:
        temperature: points, the first one being where $G$ is known.
        enthalpy: there, or its difference between phases.
        start: $G$ at the first point, likewise.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> temperature = jnp.array([0.3, 0.35, 0.4])
        >>> theory = ip.predict(ip.two_wells(temperature=temperature))
        >>> found = ip.gibbs_helmholtz(temperature, theory.enthalpy_difference, theory.free_energy_difference[0])
        >>> bool(jnp.allclose(found, theory.free_energy_difference))
        True
    """
    beta, enthalpy = 1 / jnp.asarray(temperature, float), jnp.asarray(enthalpy, float)
    steps = jnp.diff(beta) * (enthalpy[1:] + enthalpy[:-1]) / 2
    return (jnp.concatenate([jnp.zeros(1), jnp.cumsum(steps)]) + start * beta[0]) / beta


def reversible_scaling(
    scale: Any, enthalpy: Any, start: Any, temperature: Any, num_modes: float
) -> tuple[Array, Array]:
    r"""Temperatures $T_0/\lambda$ and $G$ there, from enthalpies of the energy scaled by $\lambda$ at $T_0$.

    Args:
        scale: $\lambda$, beginning with 1.
        enthalpy: $\langle U+PV\rangle_\lambda$ without the factor, sampled with $\lambda U$ at $\lambda P$.
        start: $G(T_0)$ at $\lambda=1$.
        temperature: $kT_0$ in the enthalpy's unit.
        num_modes: $3N$ with momenta, 0 for configurational free energies or differences.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> scale = jnp.linspace(1.0, 0.5, 1001)  # of a harmonic mode, whose mean energy is T/2
        >>> where, found = ip.reversible_scaling(scale, 1 / (2 * scale), 0.0, 1.0, num_modes=0)
        >>> float(where[-1]), round(float(found[-1]), 4)  # -T ln(T)/2
        (2.0, -0.6931)
    """
    scale, enthalpy = jnp.asarray(scale, float), jnp.asarray(enthalpy, float)
    work = jnp.cumsum(jnp.diff(scale) * (enthalpy[1:] + enthalpy[:-1]) / 2)
    work = jnp.concatenate([jnp.zeros(1), work])
    kinetic = num_modes / 2 * temperature / scale * jnp.log(scale)
    return temperature / scale, (start + work) / scale + kinetic


def clausius_clapeyron(run: FreeEnergies) -> Estimate:
    r"""$dT_{tr}/dP=\Delta V/\Delta S$ in the system's units, such as K/GPa.

    Args:
        run: at the transition, or near it.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> run = ip.simulate(jax.random.key(0), solid, num_frames=100, num_witnesses=0)
        >>> found = ip.clausius_clapeyron(run)
        >>> bool(abs(found.mean - ip.predict(solid).slope) < 5 * found.error)
        True
    """
    units = run.system.units
    volume, entropy = run.order_parameters.volume_difference, run.order_parameters.entropy_difference
    slope = units.pressure / units.boltzmann / entropy.mean
    error = np.hypot(slope * volume.error, slope * volume.mean * entropy.error / entropy.mean)
    return Estimate(slope * volume.mean, float(error))


def thermal_expansion(system: TwoPhases, frames: Frames) -> Estimate:
    r"""$\frac1V\frac{\partial V}{\partial T}=\mathrm{Cov}(H,V)/(kT^2V)$ from frames at constant pressure, per kelvin.

    Kinetic energies are independent of the volume and drop out. Other properties that nobody trained on:
    `bulk_modulus`.

    Args:
        system: at the point of the frames.
        frames: of one phase.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> run = ip.simulate(jax.random.key(0), solid, num_frames=100, num_witnesses=0)
        >>> found = ip.thermal_expansion(solid, run.phases[0].frames)
        >>> bool(found.mean > 3 * found.error)  # a solid whose springs soften as it grows expands
        True
    """
    enthalpy, volume = frames.enthalpy(system.stress), frames.volume
    kT, t = float(system.thermal_energy), float(system.temperature)
    product = (enthalpy - enthalpy.mean()) * (volume - volume.mean()) / (kT * t * volume.mean())
    return per_atom(system, product * system.num_atoms, 1.0)


def bulk_modulus(system: TwoPhases, frames: Frames) -> Estimate:
    r"""$kTV/\mathrm{Var}V$ from frames at constant pressure, in units of pressure.

    Args:
        system: at the point of the frames.
        frames: of one phase.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> run = ip.simulate(jax.random.key(0), solid, num_frames=100, num_witnesses=0)
        >>> found = ip.bulk_modulus(solid, run.phases[0].frames)
        >>> bool(abs(found.mean - 60) < 30)  # above the 40 of the cold solid: springs press, too
        True
    """
    volume = frames.volume
    variance = per_atom(system, (volume - volume.mean()) ** 2 * system.num_atoms, 1.0)
    value = float(system.thermal_energy) * volume.mean() / variance.mean / system.units.pressure
    return Estimate(value, value * variance.error / variance.mean)


class Surface(eqx.Module):
    r"""Free energies of both phases over temperature and pressure, from frames at several points.

    Attributes:
        system: at the point of the absolute free energies.
        gibbs: $G$ of both phases there, of the whole cell.
        energy: of all frames, shape (phase, sample).
        volume: likewise.
        log_mixture: of every sample, see `evidence.reweighting`.
        anchors: $-\ln Z$ of both phases at the system's point, up to the same constants.
        inefficiency: of the enthalpy.
        smallest: effective samples below which a point is beyond the frames.
        without: the same without one replica each, for errors.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> run = ip.simulate(jax.random.key(0), solid, num_frames=100, num_witnesses=0)
        >>> surface = ip.surface(jax.random.key(1), run, [(0.95, 0.5)], ip.Sampling(num_frames=100))
        >>> [bool(jnp.isfinite(surface.difference(t, 0.5))) for t in (0.92, 3.0)]  # no number beyond the frames
        [True, False]
    """

    system: TwoPhases
    gibbs: tuple[Estimate, Estimate]
    energy: Array
    volume: Array
    log_mixture: Array
    anchors: Array
    inefficiency: float
    smallest: float
    without: tuple["Surface", ...] = ()

    def gibbs_energies(self, temperature: Any, pressure: Any) -> tuple[Array, Array]:
        r"""$G$ of both phases per atom in reported units, without the kinetic part, and Kish's number of samples.

        Args:
            temperature: of one point.
            pressure: likewise.
        """
        units = self.system.units
        log_weights, kT = self._log_weights(temperature, pressure), units.boltzmann * temperature
        reduced = -jax.nn.logsumexp(log_weights, axis=1) - self.anchors
        start = jnp.array([each.mean for each in self.gibbs]) / self.system.thermal_energy
        count = effective_samples(log_weights) / self.inefficiency
        return kT * (start + reduced) * self.system.per_atom, count

    def difference(self, temperature: Any, pressure: Any) -> Array:
        r"""$\Delta G$ per atom in reported units; nan where too few samples carry it.

        Args:
            temperature: of one point.
            pressure: likewise.
        """
        gibbs, count = self.gibbs_energies(temperature, pressure)
        return jnp.where(jnp.min(count) > self.smallest, gibbs[1] - gibbs[0], jnp.nan)

    def transition_temperature(self, pressure: Any, low: float, high: float) -> Estimate:
        r"""Where $\Delta G$ changes its sign at pressures, interpolated on a grid; nan where it does not.

        Errors are those of the absolute free energies over the slope, and of a jackknife over replicas.

        Args:
            pressure: one, or several.
            low: lowest temperature that is looked at.
            high: highest one.
        """
        pressure = jnp.asarray(pressure, float)
        where, slope = _crossing(dataclasses.replace(self, without=()), pressure, low, high)
        parts = np.array([_crossing(each, pressure, low, high)[0] for each in self.without])
        jackknife = (len(parts) - 1) * parts.var(axis=0) if len(parts) else 0.0
        anchor = np.hypot(*(each.error for each in self.gibbs)) * self.system.per_atom / np.asarray(slope)
        return Estimate(np.asarray(where), np.sqrt(jackknife + anchor**2))

    def _log_weights(self, temperature: Any, pressure: Any) -> Array:
        units = self.system.units
        enthalpy = self.energy + units.pressure * pressure * self.volume
        return -enthalpy / (units.boltzmann * temperature) - self.log_mixture


@eqx.filter_jit
def _crossing(surface: Surface, pressure: Array, low: float, high: float) -> tuple[Array, Array]:
    """Transition temperatures at pressures, and the slopes of the free-energy difference there."""
    grid = jnp.linspace(low, high, NUM_SCAN)

    def one(pressure):
        values = jax.lax.map(lambda t: surface.difference(t, pressure), grid)
        change = jnp.isfinite(values[1:] * values[:-1]) & (values[1:] * values[:-1] <= 0)
        i = jnp.argmax(change)
        slope = (values[i + 1] - values[i]) / (grid[i + 1] - grid[i])
        return jnp.where(jnp.any(change), grid[i] - values[i] / slope, jnp.nan), slope

    where, slope = jax.lax.map(one, jnp.ravel(pressure))
    return where.reshape(pressure.shape), slope.reshape(pressure.shape)


def surface(
    key: Key[Array, ""], run: FreeEnergies, points: Sequence[tuple[float, float]], sampling: Sampling | None = None
) -> Surface:
    """Free energies around a simulation's point, from further frames at other temperatures and pressures.

    Args:
        key: random key.
        run: absolute free energies; its frames are used, too.
        points: further (temperature, pressure).
        sampling: of every point.

    Raises:
        ValueError: a phase of the run, or one at a point, was lost.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> run = ip.simulate(jax.random.key(0), solid, num_frames=100, num_witnesses=0)
        >>> surface = ip.surface(jax.random.key(1), run, [(0.95, 0.5)], ip.Sampling(num_frames=100))
        >>> theory = ip.predict(solid.replace(temperature=0.92)).free_energy_difference
        >>> bool(abs(surface.difference(0.92, 0.5) - theory) < 0.1)
        True
    """
    if run.phases is None:
        raise argument_error("run", "one whose phases hold", "; ".join(run.flags), "Lower the temperature.")
    system = run.system
    sampling = dataclasses.replace(Sampling() if sampling is None else sampling, num_witnesses=0)
    everywhere: list[tuple[TwoPhases, tuple[Frames, Frames]]]
    everywhere = [(system, (run.phases[0].frames, run.phases[1].frames))]
    for index, (temperature, pressure) in enumerate(points):
        there = system.replace(temperature=temperature, pressure=pressure)
        keys = jax.random.split(jax.random.fold_in(key, index))
        first, second = (sample(k, there, phase, sampling) for k, phase in zip(keys, system.phases, strict=True))
        lost = losses(there, (first, second))
        if lost:
            raise argument_error("points", "where both phases hold", "; ".join(lost), "Stay closer.")
        everywhere.append((there, (first, second)))
    inefficiency = max(each.inefficiency(point.stress) for point, pair in everywhere for each in pair)
    count = min(each.energy.shape[0] for _, pair in everywhere for each in pair)

    def pooled(left_out: int | None) -> Surface:
        keep = [replica for replica in range(count) if replica != left_out]
        found = [_pooled([(point, frames[index]) for point, frames in everywhere], keep) for index in range(2)]
        energy, volume, log_mixture, anchors = (jnp.stack(column) for column in zip(*found, strict=True))
        least = SMALLEST_SHARE * len(keep) / count
        return Surface(system, (one, two), energy, volume, log_mixture, anchors, inefficiency, least)

    one, two = (jax.tree.map(lambda x: x / system.per_atom, each.gibbs_energy) for each in run.phases)
    without = tuple(pooled(replica) for replica in range(count)) if count > 1 else ()
    return dataclasses.replace(pooled(None), without=without)


def _pooled(points: Sequence[tuple[TwoPhases, Frames]], keep: list[int]) -> tuple[Array, Array, Array, Array]:
    """Energies, volumes and mixture of one phase's replicas at all points, and its $-\\ln Z$ at the first."""
    frames = min(each.energy.shape[1] for _, each in points)
    length = len(keep) * frames
    energy, volume = (
        jnp.concatenate([jnp.asarray(np.ravel(getattr(each, name)[keep, :frames])) for _, each in points])
        for name in ("energy", "volume")
    )
    potentials = jnp.stack([(energy + s.stress * volume) / s.thermal_energy for s, _ in points])
    origin = jnp.repeat(jnp.arange(len(points)), length)
    found = mbar(potentials, origin, reference=0)
    anchor = -jax.nn.logsumexp(-potentials[0] - found.log_mixture)
    return energy, volume, found.log_mixture, anchor
