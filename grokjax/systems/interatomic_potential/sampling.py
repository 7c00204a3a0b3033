r"""Sampling one phase by the engine: BAOAB at a fixed box, moves of the box between, replicas as members.

The reduced energy $\beta U$ of displacements is an energy like any other to the engine; masses play no role in
averages, so that a step is a length. With $h=\delta t\sqrt{kT/m}$ it is that of dynamics in time. The law at constant
pressure has the potential

$$ \beta(U+PV)-(N+1)\ln V $$

in displacements of the reference box and the strain.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, Scalar

from ... import ensemble
from ..._checks import check_fraction, check_whole
from ...ensemble.layout import HALF_STEP, Layout
from ...evidence.examination import certify
from ...observables import Series
from ...samplers import UnderdampedLangevin, WithBoxMoves
from .crystal import AbstractPhase
from .frames import Frames, RecordFrame, anonymous, frame_energies
from .system import TwoPhases


BOX_MOVES = 2  # after every record's steps
BOX_WIDTH = 1.4  # of box moves, in widths of the box's law at fixed displacements: 40 to 65 % are accepted
DAMPING = 0.06  # friction times step: an eighth of the highest frequency
POWER_ITERATIONS = 40


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sampling:
    """How one phase is sampled.

    Attributes:
        num_replicas: independent copies, advanced together.
        num_frames: frames of a replica.
        record_every: steps between frames; the box moves after each of them, so that fewer make soft boxes quicker.
        equilibration: frames before the first one, not kept.
        num_witnesses: further replicas at half the step, evidence of the certificate; they enter no average.
        step_fraction: the step in units of the largest stable one, measured at a thermal displacement.
        progress: whether to show progress bars.

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> sampling = ip.Sampling(num_frames=800)
        >>> sampling.record_every * (sampling.equilibration + sampling.num_frames)  # steps of a replica
        17200
    """

    num_replicas: int = 4
    num_frames: int = 400
    record_every: int = 20
    equilibration: int = 60
    num_witnesses: int = 0
    step_fraction: float = 0.2
    progress: bool = False

    def __post_init__(self):
        for name, least in {"num_replicas": 1, "num_frames": 4, "record_every": 1, "equilibration": 1}.items():
            check_whole(name, getattr(self, name), least)
        check_whole("num_witnesses", self.num_witnesses, 0)
        check_fraction("step_fraction", self.step_fraction, inside=True, remedy="Try 0.2.")


class FixedBox(eqx.Module):
    """The reduced energy of displacements at a box.

    Attributes:
        energy: of the system.
        theta: its parameters.
        phase: which one.
        strain: of the box.
        thermal_energy: $kT$.
    """

    energy: Any
    theta: Any
    phase: AbstractPhase
    strain: Float[Array, " 3"]
    thermal_energy: Scalar

    def __call__(self, displacement: Array) -> Scalar:
        """By the energy's own formula, which automatic differentiation can take apart."""
        return self.energy(self.theta, self.phase, displacement, self.strain) / self.thermal_energy

    def energy_and_gradient(self, displacement: Array) -> tuple[Scalar, Array]:
        """As the energy does it best."""
        found = self.energy.energy_and_gradient(self.theta, self.phase, displacement, self.strain)
        energy, gradient = found
        return energy / self.thermal_energy, gradient / self.thermal_energy


class ConstantPressure(eqx.Module):
    """The family of `FixedBox` over the box.

    Attributes:
        energy: of the system.
        theta: its parameters.
        phase: which one.
        thermal_energy: $kT$.
        stress: $P$ in the energy's unit.
        box_steps: standard deviations of box moves, a row for each independent one.
    """

    energy: Any
    theta: Any
    phase: AbstractPhase
    thermal_energy: Scalar
    stress: Scalar
    box_steps: Float[Array, "rows 3"]

    def at(self, strain: Float[Array, " 3"]) -> FixedBox:
        """The energy of displacements at a box."""
        return FixedBox(self.energy, self.theta, self.phase, strain, self.thermal_energy)

    def box_energy(self, strain: Float[Array, " 3"]) -> Scalar:
        """What else depends on the box."""
        work = self.stress * self.phase.volume(strain) / self.thermal_energy
        return work - (self.phase.num_atoms + 1) * jnp.sum(strain)


def sample(
    key: Key[Array, ""],
    system: TwoPhases,
    phase: AbstractPhase,
    sampling: Sampling,
    *,
    states: Any = None,
) -> Frames:
    """Frames of one phase at the system's temperature and pressure, or at a fixed box where it has none that moves.

    Args:
        key: random key.
        system: at one point.
        phase: one of its phases.
        sampling: how.
        states: of earlier frames of the same phase, to go on from; else it starts at the ideal sites.
    """
    step_key, run_key = jax.random.split(key)
    target = at_pressure(system, phase)
    sampler = dynamics(step_key, target.at(jnp.zeros(3)), sampling)
    target = in_single(target)
    if phase.flexible:
        sampler = WithBoxMoves(sampler, sampling.record_every, BOX_MOVES)
        every = 1
    else:
        target, every = target.at(jnp.zeros(3, jnp.float32)), sampling.record_every
    entries = sampling.num_replicas + sampling.num_witnesses
    start = (
        {"positions": jnp.zeros((entries, *phase.zero.shape), jnp.float32)} if states is None else {"states": states}
    )
    run = ensemble.run(
        run_key,
        sampler,
        target,
        **start,
        observables={"frame": Series(RecordFrame(phase.num_modes, not phase.tethered))},
        target_axes=None,
        num_steps=every * (sampling.num_frames + sampling.equilibration),
        warmup=every * sampling.equilibration,
        record_every=every,
        num_chunks=max(1, (sampling.num_frames + sampling.equilibration) // 50),
        member_block=1,  # one at a time stays in cache
        progress=sampling.progress,
        label=getattr(phase, "name", "well"),
    )
    frames = run.results["frame"]
    energy = frame_energies(system, phase, system.theta, frames["displacement"], frames["strain"])
    mine = slice(0, sampling.num_replicas)
    others = slice(sampling.num_replicas, None)
    volume = np.asarray(phase.volume(jnp.asarray(frames["strain"], float)))
    return Frames(
        phase=phase,
        displacement=frames["displacement"][mine],
        strain=np.asarray(frames["strain"], float)[mine],
        energy=energy[mine],
        states=run.states,
        virial=frames["virial"],
        temperature=frames["temperature"],
        diverged=run.diverged,
        witness=(energy[others], volume[others]),
        box_acceptance=run.sampler.report(run.states).get("box_acceptance", float("nan")),
        record_every=sampling.record_every,
    )


def certificate(frames: tuple[Frames, Frames], sampling: Sampling, stress: Any) -> Any:
    """The evidence that both phases were sampled in equilibrium, a `Certificate` of the engine.

    Args:
        frames: of both.
        sampling: how.
        stress: $P$ in the energy's unit.
    """
    roles = (HALF_STEP,) if sampling.num_witnesses else ()
    layout = Layout.of((), sampling.num_replicas, roles=roles, num_witnesses=sampling.num_witnesses)
    series = {}
    for name, each in zip(("I", "II"), frames, strict=True):
        energy, volume = (np.concatenate(pair) for pair in zip((each.energy, each.volume), each.witness, strict=True))
        series[f"enthalpy {name}"] = energy + float(stress) * volume
        if each.phase.flexible:
            series[f"volume {name}"] = volume
    layers = lambda what: {name: getattr(f, what) for name, f in zip(("I", "II"), frames, strict=True)}
    diverged = frames[0].diverged | frames[1].diverged
    return certify(
        layout,
        series,
        None,
        layers("virial"),
        layers("temperature"),
        diverged,
        bias_order=2,
        steps_per_record=sampling.record_every,
    )


def at_pressure(system: TwoPhases, phase: AbstractPhase) -> ConstantPressure:
    """The target of a phase in 64 bits, with box moves that fit the stiffness of its box.

    Args:
        system: at one point.
        phase: one of its phases.
    """
    phase, rows, kT = anonymous(phase), phase.groups, jnp.asarray(system.thermal_energy)
    curvature = _box_curvature(system.energy, system.theta, phase, kT)
    still = ~jnp.any(rows != 0, axis=1)
    width = BOX_WIDTH / jnp.sqrt(jnp.maximum(jnp.abs(curvature), 1.0) * jnp.sum(~still))
    steps = jnp.where(still, 0.0, width)[:, None] * rows
    energy = system.energy.for_dynamics(system.theta)
    return ConstantPressure(energy, system.theta, phase, kT, jnp.asarray(system.stress, float), steps)


@eqx.filter_jit
def _box_curvature(energy: Any, theta: Any, phase: AbstractPhase, thermal_energy: Scalar) -> Float[Array, " rows"]:
    """Second derivatives of the reduced energy in every independent edge, at the ideal sites."""

    def reduced(amounts):
        return energy(theta, phase, phase.zero, amounts @ phase.groups) / thermal_energy

    return jnp.diag(jax.hessian(reduced)(jnp.zeros(len(phase.groups))))


def dynamics(key: Key[Array, ""], target: FixedBox, sampling: Sampling) -> UnderdampedLangevin:
    """BAOAB with a step that fits the stiffness at a thermal displacement; witnesses have half of it.

    Args:
        key: random key of the displacement.
        target: in 64 bits.
        sampling: how.
    """
    step = sampling.step_fraction * 2 / np.sqrt(float(stiffness(key, target)))
    steps = np.concatenate([np.full(sampling.num_replicas, step), np.full(sampling.num_witnesses, step / 2)])
    return UnderdampedLangevin(step_size=jnp.asarray(steps), friction=jnp.asarray(np.full(len(steps), DAMPING / step)))


@eqx.filter_jit
def stiffness(key: Key[Array, ""], target: FixedBox) -> Scalar:
    """The largest curvature where a random displacement costs half a $kT$ per mode.

    Args:
        key: random key of the displacement.
        target: in 64 bits.
    """
    zero = target.phase.zero
    first, second = jax.random.split(key)
    direction = jax.random.normal(first, zero.shape, zero.dtype)
    rise = lambda size: target(size * direction) - target(zero)
    grow = lambda size: 1.25 * size
    size = jax.lax.while_loop(lambda size: rise(size) < zero.size / 2, grow, jnp.asarray(1e-3, zero.dtype))
    gradient = lambda y: target.energy_and_gradient(y)[1]

    def iterate(_, carry):
        vector, _ = carry
        image = jax.jvp(gradient, (size * direction,), (vector,))[1]
        norm = jnp.linalg.norm(image)
        return image / norm, norm

    vector = jax.random.normal(second, zero.shape, zero.dtype)
    vector = vector / jnp.linalg.norm(vector)
    return jax.lax.fori_loop(0, POWER_ITERATIONS, iterate, (vector, jnp.zeros((), zero.dtype)))[1]


def in_single(tree: Any) -> Any:
    """A target in 32-bit floats."""
    single = lambda leaf: leaf.astype(jnp.float32) if eqx.is_inexact_array(leaf) else leaf
    return jax.tree.map(single, tree)
