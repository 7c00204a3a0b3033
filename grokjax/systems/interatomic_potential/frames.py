"""What sampling one phase leaves: frames with their energies, and whether the phase was left on the way.

A phase is a restricted ensemble: its mean square displacement must not grow, no atom may move as far as to a
neighbour's place. Dynamics runs in 32-bit floats; the energies of frames are computed again in 64 bits.
"""

import dataclasses
import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from ...evidence.convergence import autocorrelation_time
from ...samplers import BoxState
from .crystal import AbstractPhase, Crystal
from .system import TwoPhases


MELTED_GROWTH, MELTED_DISPLACEMENT = 1.5, 0.6  # of the MSD between halves; of a displacement, in nearest distances
UNLISTED_MARGIN = 0.3  # unlisted pairs may come this much closer than the cutoff


class Frames(eqx.Module):
    """What sampling one phase left.

    Attributes:
        phase: its reference box.
        displacement: shape (replica, frame, atom, axis), without that of all atoms together.
        strain: shape (replica, frame, 3).
        energy: of every frame in 64 bits.
        states: to go on from.
        virial: of every frame, 1 on average.
        temperature: likewise.
        diverged: per replica.
        witness: energy and volume of the replicas at half the step.
        box_acceptance: share of accepted box moves, nan at a fixed box.
        record_every: steps between frames.
    """

    phase: AbstractPhase
    displacement: np.ndarray
    strain: np.ndarray
    energy: np.ndarray
    states: Any
    virial: np.ndarray
    temperature: np.ndarray
    diverged: np.ndarray
    witness: Any
    box_acceptance: float
    record_every: int

    @functools.cached_property
    def volume(self) -> np.ndarray:
        """Of every frame's box."""
        return np.asarray(self.phase.volume(jnp.asarray(self.strain)))

    @property
    def mean_strain(self) -> Array:
        """Strain of the mean box."""
        return jnp.asarray(self.strain.reshape(-1, 3).mean(axis=0))

    def enthalpy(self, stress: Any) -> np.ndarray:
        """$U+PV$ of every frame, of the whole cell."""
        return self.energy + float(stress) * self.volume

    def inefficiency(self, stress: Any) -> float:
        """Statistical inefficiency of the enthalpy in frames, 1 at least."""
        return max(1.0, inefficiency(self.enthalpy(stress)))

    @property
    def physical(self) -> np.ndarray:
        """Displacements in the strained boxes."""
        return np.asarray(self.phase.physical(jnp.asarray(self.displacement, float), jnp.asarray(self.strain)))

    @property
    def mean_square_displacement(self) -> np.ndarray:
        """Of the first and the second half of the frames."""
        squares = (self.physical**2).sum(axis=-1).mean(axis=(0, 2))
        half = len(squares) // 2
        return np.array([squares[:half].mean(), squares[half:].mean()])

    @property
    def lost(self) -> list[str]:
        """What says that the phase was left, in words; nothing while it holds."""
        if self.diverged.any() or not np.isfinite(self.energy).all():
            return [f"{int(self.diverged.sum())} of {len(self.diverged)} replicas diverged"]
        if not isinstance(self.phase, Crystal):
            return []
        found, (first, second) = [], self.mean_square_displacement
        largest = float(np.sqrt((self.physical**2).sum(axis=-1)).max())
        if second > MELTED_GROWTH * first:
            found.append(f"mean square displacement grows from {first:.3g} to {second:.3g}: basin lost")
        if largest > MELTED_DISPLACEMENT * self.phase.nearest:
            found.append(f"an atom moved by {largest:.3g}, nearest neighbours are {self.phase.nearest:.3g} apart")
        return found

    def unlisted(self, cutoff: float | None) -> list[str]:
        """A note, if a pair that is not listed came well within the cutoff in the last frames: the list is the model.

        Args:
            cutoff: of the energy; None where pairs are not listed.
        """
        if cutoff is None or not isinstance(self.phase, Crystal):
            return []
        last = zip(self.displacement[:, -1], self.strain[:, -1], strict=True)
        closest = min(self.phase.closest_unlisted(*each) for each in last)
        if closest >= cutoff - UNLISTED_MARGIN:
            return []
        return [f"a pair that is not listed came as close as {closest:.3g}, the cutoff is {cutoff:.3g}"]


class RecordFrame(eqx.Module):
    """Measurement: the frame, and its virial and temperature, 1 in equilibrium.

    Attributes:
        num_modes: that cost energy.
        centred: whether the displacement of all atoms together is taken off.
    """

    num_modes: int = eqx.field(static=True)
    centred: bool = eqx.field(static=True)

    def __call__(self, key: Any, state: Any) -> dict[str, Array]:
        del key
        inner = state.inner if isinstance(state, BoxState) else state
        y = state.position
        strain = state.strain if isinstance(state, BoxState) else jnp.zeros(3, y.dtype)
        return {
            "displacement": y - jnp.mean(y, axis=0, keepdims=True) if self.centred else y,
            "strain": strain,
            "virial": jnp.sum(y * state.gradient) / self.num_modes,
            "temperature": jnp.mean(inner.velocity_after_noise**2),
        }


def inefficiency(series: np.ndarray) -> float:
    """Statistical inefficiency of a series of shape (replica, frame): records per independent one, 1 at least."""
    still = np.std(series) <= 1e-12 * max(np.abs(series).max(), 1e-300)
    return 1.0 if still or series.shape[1] < 4 else max(1.0, autocorrelation_time(series))


def anonymous(phase: AbstractPhase) -> AbstractPhase:
    """A phase without its name, so that one compiled program serves both."""
    return dataclasses.replace(phase, name="") if isinstance(phase, Crystal) else phase


def frame_energies(system: TwoPhases, phase: AbstractPhase, theta: Any, displacement: Any, strain: Any) -> np.ndarray:
    """Energies of frames in 64 bits, in the shape of their leading axes.

    Args:
        system: whose energy it is.
        phase: of the frames.
        theta: parameters.
        displacement: shape (..., atom, axis).
        strain: shape (..., 3).
    """
    leading, phase = np.shape(strain)[:-1], anonymous(phase)
    flat = lambda array, last: jnp.asarray(array, float).reshape(-1, *last)
    found = _energies(
        system.energy,
        theta,
        phase,
        flat(displacement, np.shape(displacement)[-2:]),
        flat(strain, np.shape(strain)[-1:]),
    )
    return np.asarray(found).reshape(leading)


@eqx.filter_jit
def _energies(energy: Any, theta: Any, phase: AbstractPhase, displacement: Array, strain: Array) -> Array:
    one = lambda frame: energy(theta, phase, *frame)
    return jax.lax.map(one, (displacement, strain), batch_size=8)
