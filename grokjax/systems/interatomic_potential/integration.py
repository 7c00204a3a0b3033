r"""Absolute free energies of a phase at a fixed box, by thermodynamic integration from a Gaussian reference.

With displacements $d$ free of that of all atoms together, and $K$ positive on the rest,

$$ U_{ref}=U_0+\tfrac12d^\top Kd,\qquad F_{ref}=U_0+kT\sum_i\ln(\beta\hbar\sqrt{\kappa_i/m}),\qquad
   F=F_{ref}+\int_0^1d\lambda\,\langle U-U_{ref}\rangle_\lambda,\quad U_\lambda=(1-\lambda)U_{ref}+\lambda U . $$

The integral is Gauss-Legendre's, every node an ensemble of its own, all in one call; MBAR over the same samples, from
one end to the other, is the check that needs no smooth integrand. References:

| name | $K$ |
|---|---|
| "cov" | modes of the Hessian at the sites, stiffness $kT/\langle q^2\rangle$ from frames: always positive |
| "hess" | the Hessian; modes that are soft or not stable make it fail, and are flagged |
| "einstein" | $3kT/\mathrm{MSD}$ for every atom alike |

Both phases must have one convention: the total displacement is fixed, atoms are labelled, no $N!$ and no $\ln V$.

References:
    Frenkel & Ladd, J. Chem. Phys. 81, 3188 (1984).
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Scalar

from ... import ensemble
from ..._checks import check_choice, check_whole
from ..._printing import AbstractPrinted
from ..._tree import Shared
from ...evidence.reweighting import mbar
from ...evidence.statistics import Estimate
from ...observables import Series
from ...samplers import UnderdampedLangevin
from .crystal import AbstractPhase
from .energies import curvatures
from .frames import Frames, anonymous, inefficiency
from .sampling import DAMPING, FixedBox, Sampling, in_single, stiffness
from .system import TwoPhases, dof_constant


REFERENCES = ("cov", "hess", "einstein")
SOFT = 0.02  # of the mean curvature: modes of "hess" below this are flagged, and floored


class Reference(eqx.Module):
    """A Gaussian reference.

    Attributes:
        matrix: $K$ on displacements, shape (coordinate, coordinate), in the energy's unit.
        free_energy: $F_{ref}$.
        origin: $U_0$.
        stiffest: largest curvature.
        soft: number of modes that were floored.
    """

    matrix: Float[Array, "coordinates coordinates"]
    free_energy: Scalar
    origin: Scalar
    stiffest: Scalar
    soft: int


class Integration(AbstractPrinted):
    r"""What thermodynamic integration found; energies of the whole cell.

    Attributes:
        free_energy: $F$.
        by_mbar: the same from MBAR over the samples of all nodes.
        nodes: $\lambda$.
        integrand: $\langle U-U_{ref}\rangle_\lambda$ at the nodes.
        spread: its standard deviation at the nodes, in $kT$.
        soft: modes of the reference that had to be floored.
        overlap: smallest overlap of neighbouring nodes.
    """

    free_energy: Estimate
    by_mbar: Estimate
    nodes: np.ndarray
    integrand: Estimate
    spread: np.ndarray
    soft: int
    overlap: float


class Coupled(eqx.Module):
    r"""The reduced energy $(1-\lambda)u_{ref}+\lambda u$.

    Attributes:
        target: $u$.
        matrix: $\beta K$.
        origin: $\beta U_0$.
        coupling: $\lambda$.
    """

    target: FixedBox
    matrix: Array
    origin: Scalar
    coupling: Float[Array, "*members"]

    def energy_and_gradient(self, displacement: Array) -> tuple[Scalar, Array]:
        """Both ends at once."""
        energy, gradient = self.target.energy_and_gradient(displacement)
        reference, slope = self.reference(displacement)
        mix = lambda a, b: self.coupling * a + (1 - self.coupling) * b
        return mix(energy, reference), mix(gradient, slope)

    def __call__(self, displacement: Array) -> Scalar:
        """The energy alone."""
        return self.energy_and_gradient(displacement)[0]

    def reference(self, displacement: Array) -> tuple[Scalar, Array]:
        """The reference's energy and gradient."""
        flat = jnp.ravel(displacement)
        slope = self.matrix @ flat
        return self.origin + flat @ slope / 2, slope.reshape(displacement.shape)


class RecordDifference(eqx.Module):
    """Measurement: $u-u_{ref}$.

    Attributes:
        ends: what all members share, at any coupling.
    """

    ends: Shared

    def __call__(self, key: Any, state: Any) -> Scalar:
        del key
        ends = self.ends.value
        return ends.target.energy_and_gradient(state.position)[0] - ends.reference(state.position)[0]


def reference(system: TwoPhases, phase: AbstractPhase, kind: str, frames: Frames) -> Reference:
    """A Gaussian reference for a phase at its box.

    Args:
        system: at one point.
        phase: at the box of the integration.
        kind: see the module.
        frames: of the phase, for "cov" and "einstein".

    Raises:
        ValueError: the kind is unknown.
    """
    check_choice("reference", kind, REFERENCES)
    frame = frames.physical.reshape(-1, phase.zero.size)
    return _reference(system, phase, jnp.asarray(frame), kind)


@eqx.filter_jit
def normal_modes(system: TwoPhases, phase: AbstractPhase) -> tuple[Array, Array]:
    """Curvatures at the sites and their vectors, without the displacement of all atoms together."""
    found = curvatures(system.energy, system.theta, phase)
    if not phase.tethered:  # those modes go to the end of the spectrum, where they are cut off
        together = jnp.tile(jnp.eye(phase.dim), (phase.num_atoms, 1)) / jnp.sqrt(phase.num_atoms)
        found = found + 1e3 * jnp.max(jnp.abs(found)) * together @ together.T
    values, vectors = jnp.linalg.eigh(found)
    return values[: phase.num_modes], vectors[:, : phase.num_modes]


def _reference(system: TwoPhases, phase: AbstractPhase, frame: Array, kind: str) -> Reference:
    phase = anonymous(phase)  # one compiled program for both
    values, modes = normal_modes(system, phase)
    kT = system.thermal_energy
    soft = 0
    if kind == "cov":
        values = kT / jnp.mean((frame @ modes) ** 2, axis=0)
    elif kind == "einstein":
        values = jnp.full_like(values, kT * phase.num_modes / jnp.mean(jnp.sum(frame**2, axis=1)))
    else:
        floor = SOFT * jnp.mean(jnp.abs(values))
        soft = int(jnp.sum(values < floor))
        values = jnp.maximum(values, floor)
    origin = system.energy(system.theta, phase, phase.zero, jnp.zeros(3))
    log_modes = 0.5 * jnp.sum(jnp.log(values / kT)) + phase.num_modes * dof_constant(system)
    matrix = (modes * values[None]) @ modes.T
    return Reference(matrix, origin + kT * log_modes, origin, jnp.max(values), soft)


def integrate(
    key: Key[Array, ""],
    system: TwoPhases,
    phase: AbstractPhase,
    gaussian: Reference,
    sampling: Sampling,
    num_nodes: int = 5,
) -> Integration:
    """The free energy of a phase at its box.

    Args:
        key: random key.
        system: at one point.
        phase: at the box.
        gaussian: where the integration begins.
        sampling: of every node.
        num_nodes: of the quadrature.
    """
    num_nodes = check_whole("num_nodes", num_nodes, 2)
    roots, weights = np.polynomial.legendre.leggauss(num_nodes)
    nodes, weights = (1 + roots) / 2, weights / 2
    step_key, run_key = jax.random.split(key)
    kT, energy = jnp.asarray(system.thermal_energy), system.energy.for_dynamics(system.theta)
    fixed = FixedBox(energy, system.theta, anonymous(phase), jnp.zeros(3), kT)
    stiffest = jnp.maximum(gaussian.stiffest / kT, stiffness(step_key, fixed))
    step = 2 * sampling.step_fraction / np.sqrt(float(stiffest))
    couplings = jnp.asarray(np.repeat(nodes, sampling.num_replicas))
    target = in_single(Coupled(fixed, gaussian.matrix / kT, gaussian.origin / kT, couplings))
    axes = eqx.tree_at(lambda t: t.coupling, jax.tree.map(lambda _: None, target), 0, is_leaf=lambda x: x is None)
    every, frames = sampling.record_every, sampling.num_frames + sampling.equilibration
    ends = Shared(eqx.tree_at(lambda t: t.coupling, target, jnp.zeros((), jnp.float32)))
    run = ensemble.run(
        run_key,
        UnderdampedLangevin(step_size=step, friction=DAMPING / step),
        target,
        jnp.zeros((len(couplings), *phase.zero.shape), jnp.float32),
        observables={"difference": Series(RecordDifference(ends))},
        target_axes=axes,
        num_steps=every * frames,
        warmup=every * sampling.equilibration,
        record_every=every,
        num_chunks=max(1, frames // 50),
        member_block=1,
        progress=sampling.progress,
        label="integration",
    )
    series = np.asarray(run.results["difference"], float).reshape(num_nodes, sampling.num_replicas, -1)
    return _integration(gaussian, nodes, weights, series, float(kT))


def _integration(gaussian: Reference, nodes: Any, weights: Any, series: np.ndarray, kT: float) -> Integration:
    """Quadrature and MBAR over reduced differences of shape (node, replica, frame)."""
    inefficiencies = np.array([inefficiency(each) for each in series])
    pooled = series.reshape(len(nodes), -1)
    mean = pooled.mean(axis=1)
    error = pooled.std(axis=1, ddof=1) * np.sqrt(inefficiencies / pooled.shape[1])
    start = float(gaussian.free_energy)
    whole = Estimate(start + kT * weights @ mean, kT * np.sqrt(weights**2 @ error**2))
    stride = int(np.ceil(inefficiencies.max()))
    thin = series[:, :, ::stride].reshape(len(nodes), -1)
    by_mbar, overlap = _by_mbar(nodes, thin)
    return Integration(
        free_energy=whole,
        by_mbar=Estimate(start + kT * by_mbar.mean, kT * by_mbar.error),
        nodes=nodes,
        integrand=Estimate(kT * mean, kT * error),
        spread=pooled.std(axis=1),
        soft=gaussian.soft,
        overlap=overlap,
    )


def _by_mbar(nodes: np.ndarray, differences: np.ndarray) -> tuple[Estimate, float]:
    r"""$\beta(F-F_{ref})$ from samples of all nodes: states $\lambda w$, and both ends, which nobody sampled."""
    origin = np.repeat(np.arange(len(nodes)), differences.shape[1])
    centre = differences.mean()
    w = jnp.asarray(differences.ravel() - centre)
    found = mbar(jnp.asarray(nodes)[:, None] * w[None], origin, reference=0)
    log_weights = -jnp.stack([jnp.zeros_like(w), w]) - found.log_mixture[None]
    ends = -jax.nn.logsumexp(log_weights, axis=1)
    inside = found.difference(0, len(nodes) - 1)
    # The ends' own error: that of the means of their weights.
    share = jax.nn.softmax(log_weights, axis=1)
    edge = jnp.sqrt(jnp.maximum(jnp.sum(share**2) - 2 / w.size, 0.0))
    overlap = float(jnp.min(jnp.diag(found.overlap, 1)))
    return Estimate(float(ends[1] - ends[0] + centre), float(jnp.hypot(inside.error, edge))), overlap
