r"""The road of simulation: both phases sampled, their absolute free energies integrated, differences with errors.

Each phase is sampled at constant temperature and pressure, which gives enthalpy, volume and the mean box. At that box
the free energy $F$ is integrated from a Gaussian reference, and $G=F+PV$: $G$ is stationary in the volume, so that a
box slightly off costs second order. Where the boxes of both phases move alike, their constant-pressure ensembles have
one measure and the fluctuation of the box is added,

$$ G_{NPT}=F+PV-\tfrac{kT}2\ln\det(2\pi\Sigma)\,,\qquad\Sigma=\mathrm{Cov}(\ln L)\ \text{of the independent edges}, $$

a term of order $1/N$ per atom. A phase that was lost on the way gives a flag and no number.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from ..._checks import argument_error, check_choice, check_instance, check_key, check_x64
from ..._doors import flat
from ..._printing import AbstractPrinted
from ...evidence.statistics import Estimate
from ...parameters import sweep_shape
from .frames import Frames, inefficiency
from .integration import REFERENCES, Integration, integrate, reference as gaussian_reference
from .order_parameters import OrderParameters
from .sampling import Sampling, certificate, sample
from .system import TwoPhases


RESOLVED = 3.0  # standard errors of the entropy below which no transition temperature is told


class Phase(AbstractPrinted):
    r"""What was found of one phase; reported units per atom.

    Attributes:
        name: of the phase.
        gibbs_energy: $G$, absolute with respect to separate atoms of the energy's zero.
        helmholtz_energy: $F$ at the mean box.
        by_mbar: $F$ from MBAR over the nodes, a check of the quadrature.
        enthalpy: $U+PV$, without the kinetic energy.
        volume: per atom.
        strain: of the mean box with respect to the reference.
        log_det: $\ln\det\Sigma$ of the box, zero where it does not move.
        mean_square_displacement: of the first and the second half.
        integration: of the free energy.
        frames: of the phase.
    """

    name: str = eqx.field(static=True)
    gibbs_energy: Estimate
    helmholtz_energy: Estimate
    by_mbar: Estimate
    enthalpy: Estimate
    volume: Estimate
    strain: Array
    log_det: float
    mean_square_displacement: np.ndarray
    integration: Integration
    frames: Frames = eqx.field(repr=False)


class FreeEnergies(AbstractPrinted):
    """Differences of two phases with their errors, and how they were obtained; `print` shows them.

    The fields of the order parameters are attributes, too: `run.free_energy_difference.mean`.

    Attributes:
        system: at the point that was simulated.
        order_parameters: the pytree of theory, with an `Estimate` for every leaf; nan where a phase was lost.
        certificate: evidence of equilibrium of the constant-pressure runs.
        phases: what was found of each, None where one was lost.
        flags: what went wrong, in words; empty if nothing.
        notes: what is good to know and does no harm, likewise.
        reference: of the integration.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> run = ip.simulate(jax.random.key(0), solid, num_frames=100, num_witnesses=0)
        >>> run.reference, [phase.name for phase in run.phases], run.flags
        ('cov', ['I', 'II'], ())
        >>> run.phases[0].frames.displacement.shape  # replicas, frames, atoms, axes
        (4, 100, 8, 3)
    """

    system: TwoPhases
    order_parameters: OrderParameters
    certificate: Any
    phases: tuple[Phase, Phase] | None
    flags: tuple[str, ...] = eqx.field(static=True)
    notes: tuple[str, ...] = eqx.field(static=True)
    reference: str = eqx.field(static=True)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and "order_parameters" in self.__dict__:
            order_parameters = self.__dict__["order_parameters"]
            if hasattr(order_parameters, name):
                return getattr(order_parameters, name)
        raise AttributeError(f"free energies have no {name!r}")

    @property
    def errors_from(self) -> str:
        """What errors are over: the effective sample size of the runs."""
        return "effective sample size"

    @property
    def transition_temperature(self) -> Estimate:
        """$T+\\Delta G/\\Delta S$, good within about a tenth of $T$; nan where the entropy is not resolved."""
        return transition_temperature(self.system, self.order_parameters)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        found, units = self.order_parameters, self.system.units
        where = f"T = {float(self.system.temperature):g}, P = {float(self.system.pressure):g}"
        lines = [f"two phases of {self.system.num_atoms} atoms at {where}, reference {self.reference!r}"]
        lines.append(f"  free energy difference  {found.free_energy_difference} {units.name} per atom")
        lines.append(f"  enthalpy difference     {found.enthalpy_difference} {units.name} per atom")
        lines.append(f"  entropy difference      {found.entropy_difference} k per atom")
        lines.append(f"  volume difference       {found.volume_difference} per atom")
        lines.append(f"  transition temperature  {self.transition_temperature} (linear)")
        lines += [f"  FLAG: {flag}" for flag in self.flags] + [f"  note: {note}" for note in self.notes]
        return "\n".join([*lines, str(self.certificate)] if self.certificate is not None else lines)


def _simulate(
    key: Key[Array, ""],
    system: TwoPhases,
    *,
    reference: str = "cov",
    num_nodes: int = 5,
    sampling: Sampling,
) -> FreeEnergies:
    """Absolute free energies of both phases at the system's temperature and pressure.

    The fields of `Sampling` are keywords, too: `simulate(key, ip.titanium(), num_frames=800)`.

    Args:
        key: random key of everything.
        system: at one point.
        reference: "cov", "hess" or "einstein", see `integration`.
        num_nodes: of the quadrature.
        sampling: of the phases, and of every node.

    Returns:
        Differences with errors, a certificate, and flags: a phase that was lost gives nan.

    Raises:
        ValueError: the key or system is something else, a sweep, or a keyword is not known.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> run = ip.simulate(jax.random.key(0), solid, num_frames=100, num_witnesses=0)
        >>> found, theory = run.free_energy_difference, ip.predict(solid).free_energy_difference
        >>> bool(abs(found.mean - theory) < 5 * found.error)
        True
    """
    key = check_key(key)
    check_x64("free energies")
    check_instance("system", system, TwoPhases, "Try ip.titanium().")
    check_choice("reference", reference, REFERENCES)
    if sweep_shape(system):
        remedy = "Loop over it: every point has its own boxes."
        raise argument_error("system", "at one point", f"a sweep of shape {sweep_shape(system)}", remedy)
    sample_keys, integrate_keys = (jax.random.split(each) for each in jax.random.split(key))
    one, two = (sample(k, system, phase, sampling) for k, phase in zip(sample_keys, system.phases, strict=True))
    frames = one, two
    evidence = certificate(frames, sampling, system.stress)
    flags = losses(system, frames)
    if flags:
        return FreeEnergies(system, _nothing(), evidence, None, flags, (), reference)
    first, second = (
        _phase(k, system, pair, reference, num_nodes, sampling)
        for k, pair in zip(integrate_keys, zip(phase_names(system), frames, strict=True), strict=True)
    )
    phases = first, second
    cutoff, names = system.energy.cutoff, phase_names(system)
    notes = tuple(f"{name}: {what}" for name, f in zip(names, frames, strict=True) for what in f.unlisted(cutoff))
    flags += tuple(
        f"{each.name}: {each.integration.soft} modes of the Hessian are soft or not stable, the reference fails"
        for each in phases
        if each.integration.soft
    )
    return FreeEnergies(system, _differences(system, phases), evidence, phases, flags, notes, reference)


simulate = flat(_simulate, name="simulate", sampling=Sampling(num_witnesses=2))
"""Absolute free energies of both phases."""


def losses(system: TwoPhases, frames: tuple[Frames, ...]) -> tuple[str, ...]:
    """What says that a phase was lost, in words.

    Args:
        system: at one point.
        frames: of its phases.
    """
    names = phase_names(system)
    return tuple(f"{name}: {what}" for name, each in zip(names, frames, strict=True) for what in each.lost)


def phase_names(system: TwoPhases) -> tuple[str, str]:
    """Names of the phases: those of crystals, or I and II."""
    first, second = (getattr(phase, "name", numeral) for phase, numeral in zip(system.phases, ("I", "II"), strict=True))
    return first, second


def per_atom(system: TwoPhases, series: np.ndarray, factor: float) -> Estimate:
    """Mean and error of a cell's series, in reported units per atom.

    Args:
        system: whose units they are.
        series: shape (replica, frame).
        factor: reported units in one of the series.
    """
    error = series.std(ddof=1) * np.sqrt(inefficiency(series) / series.size)
    scale = factor / system.num_atoms
    return Estimate(scale * float(series.mean()), scale * float(error))


def _phase(key, system, named: tuple[str, Frames], kind: str, num_nodes: int, sampling: Sampling) -> Phase:
    name, frames = named
    phase = frames.phase.at_box(frames.mean_strain)
    gaussian = gaussian_reference(system, phase, kind, frames)
    found = integrate(key, system, phase, gaussian, sampling, num_nodes)
    work = float(system.stress) * float(phase.volume(jnp.zeros(3)))
    log_det = box_log_det(frames)
    fluctuation, uncertain = 0.0, 0.0
    if system.comparable_boxes and phase.flexible:
        rank = int(jnp.sum(jnp.any(phase.groups != 0, axis=1)))
        measure = np.log(phase.volume(jnp.zeros(3)) * jnp.sum(phase.groups[0])) if rank == 1 else 0.0  # dV of d ln L
        fluctuation = -float(system.thermal_energy) * (0.5 * (log_det + rank * np.log(2 * np.pi)) + float(measure))
        count = frames.volume.size / inefficiency(frames.volume)
        uncertain = float(system.thermal_energy) * np.sqrt(rank / (2 * count))  # of half the logarithm of a variance
    scale = system.per_atom
    shift = lambda found, by, error: Estimate(scale * (found.mean + by), scale * float(np.hypot(found.error, error)))
    return Phase(
        name=name,
        gibbs_energy=shift(found.free_energy, work + fluctuation, uncertain),
        helmholtz_energy=shift(found.free_energy, 0.0, 0.0),
        by_mbar=shift(found.by_mbar, 0.0, 0.0),
        enthalpy=per_atom(system, frames.enthalpy(system.stress), system.units.report),
        volume=per_atom(system, frames.volume, 1.0) if phase.flexible else Estimate(0.0, 0.0),
        strain=frames.mean_strain,
        log_det=log_det,
        mean_square_displacement=frames.mean_square_displacement,
        integration=found,
        frames=frames,
    )


def box_log_det(frames: Frames) -> float:
    r"""$\ln\det\Sigma$ of the logarithms of the independent edges, zero at a fixed box.

    Args:
        frames: of one phase.
    """
    rows = np.asarray(frames.phase.groups)
    rows = rows[rows.any(axis=1)]
    if not len(rows):
        return 0.0
    edges = frames.strain.reshape(-1, 3) @ (rows / rows.sum(axis=1, keepdims=True)).T
    return float(np.linalg.slogdet(np.atleast_2d(np.cov(edges.T)))[1])


def _differences(system: TwoPhases, phases: Any) -> OrderParameters:
    first, second = phases
    less = lambda a, b: Estimate(b.mean - a.mean, float(np.hypot(a.error, b.error)))
    gibbs, enthalpy = less(first.gibbs_energy, second.gibbs_energy), less(first.enthalpy, second.enthalpy)
    return assemble(system, gibbs, enthalpy, less(first.volume, second.volume))


def assemble(system: TwoPhases, gibbs: Estimate, enthalpy: Estimate, volume: Estimate) -> OrderParameters:
    r"""Order parameters, with $\Delta S=(\Delta H-\Delta G)/T$.

    Args:
        system: at its temperature.
        gibbs: $\Delta G$.
        enthalpy: $\Delta H$, taken as independent of it.
        volume: $\Delta V$.
    """
    per_entropy = float(system.thermal_energy) * system.units.report
    error = float(np.hypot(gibbs.error, enthalpy.error)) / per_entropy
    return OrderParameters(gibbs, enthalpy, Estimate((enthalpy.mean - gibbs.mean) / per_entropy, error), volume)


def transition_temperature(system: TwoPhases, found: OrderParameters) -> Estimate:
    r"""$T+\Delta G/\Delta S$ with its error from $\Delta G$, nan where the entropy is below three of its errors.

    Args:
        system: at its temperature.
        found: with estimates.
    """
    gibbs, entropy = found.free_energy_difference, found.entropy_difference
    if not abs(entropy.mean) > RESOLVED * entropy.error:
        return Estimate(float("nan"), float("nan"))
    slope = entropy.mean * system.units.boltzmann * system.units.report
    shift = gibbs.mean / slope
    error = abs(gibbs.error / slope) + abs(shift * entropy.error / entropy.mean)
    return Estimate(float(system.temperature) + shift, error)


def _nothing() -> OrderParameters:
    nan = Estimate(float("nan"), float("nan"))
    return OrderParameters(nan, nan, nan, nan)
