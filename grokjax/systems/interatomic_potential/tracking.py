r"""Following a free-energy difference while parameters move: reweighting with gradients, and BAR between rounds.

Frames $x_n$ of a phase were sampled at $\theta_r$. With $u_n=\beta[U_\theta(x_n)-U_{\theta_r}(x_n)]$ and
$w=\mathrm{softmax}(-u)$,

$$ \delta G=-kT\ln\frac1n\sum e^{-u_n},\quad \nabla\delta G=\langle\partial U\rangle_w,\quad
   \nabla\langle h\rangle=\langle\partial U\rangle_w-\beta\,\mathrm{Cov}_w(h,\partial U),\quad
   \nabla\langle V\rangle=-\beta\,\mathrm{Cov}_w(V,\partial U) . $$

`Tracked` holds parameters, their frames and their free-energy difference in one object, which is what checkpoints keep:
neither can be restored without the other.

References:
    Thaler & Zavadlav, Nat. Commun. 12, 6884 (2021); Fuchs & Zavadlav, arXiv:2512.03974.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Float, Scalar

from ...evidence.reweighting import bar, effective_samples, perplexity
from ...evidence.statistics import Estimate
from .experiment import box_log_det
from .frames import Frames, anonymous, frame_energies
from .system import TwoPhases


class Samples(eqx.Module):
    r"""Frames of one phase as an estimator takes them.

    Attributes:
        phase: their reference box.
        displacement: shape (sample, atom, axis).
        strain: shape (sample, 3).
        energy: at the parameters that they were sampled with.
        volume: of the boxes.
        log_base: log weights that the samples have from the start, such as those of nodes of a quadrature.
    """

    phase: Any
    displacement: Float[Array, "samples atoms axes"]
    strain: Float[Array, "samples 3"]
    energy: Float[Array, " samples"]
    volume: Float[Array, " samples"]
    log_base: Float[Array, " samples"]

    @staticmethod
    def of(frames: Frames) -> "Samples":
        """All frames of all replicas."""
        flat = lambda array, keep: jnp.asarray(np.asarray(array, float).reshape(-1, *np.shape(array)[keep:]))
        energy = flat(frames.energy, 2)
        arrays = flat(frames.displacement, 2), flat(frames.strain, 2), energy, flat(frames.volume, 2)
        return Samples(anonymous(frames.phase), *arrays, jnp.zeros_like(energy))


class Averages(NamedTuple):
    """What reweighting says of one phase at other parameters; energies of the whole cell.

    Attributes:
        shift: $\\delta G$.
        shift_error: its standard error for independent samples.
        slope: $\\langle\\partial U\\rangle_w$, the gradient of the shift.
        covariance: of $\\partial U$ under the weights.
        enthalpy: $\\langle U+PV\\rangle_w$.
        enthalpy_slope: its gradient.
        volume: $\\langle V\\rangle_w$.
        volume_slope: its gradient.
        kish: Kish's share of effective samples.
        perplexity: the other one, $e^{-\\sum w\\ln w}/n$.
    """

    shift: Array
    shift_error: Array
    slope: Array
    covariance: Array
    enthalpy: Array
    enthalpy_slope: Array
    volume: Array
    volume_slope: Array
    kish: Array
    perplexity: Array


def flat_parameters(theta: Any) -> tuple[Array, Any]:
    """The floating-point arrays of parameters as one vector, and the way back.

    Args:
        theta: any pytree, such as a network.
    """
    arrays, static = eqx.partition(theta, eqx.is_inexact_array)
    vector, unravel = ravel_pytree(arrays)
    return vector, lambda flat: eqx.combine(unravel(flat), static)


@eqx.filter_jit
def slopes(system: TwoPhases, theta: Any, samples: Samples) -> tuple[Array, Array]:
    r"""Energies and $\partial U/\partial\theta$ of all samples, shapes (sample,) and (sample, parameter).

    Args:
        system: whose energy it is.
        theta: parameters.
        samples: of one phase.
    """
    vector, back = flat_parameters(theta)
    energy = lambda flat, y, strain: system.energy(back(flat), samples.phase, y, strain)
    one = lambda frame: jax.value_and_grad(energy)(vector, *frame)
    return jax.lax.map(one, (samples.displacement, samples.strain), batch_size=8)


@eqx.filter_jit
def average(system: TwoPhases, samples: Samples, energy: Array, slope: Array) -> Averages:
    """Averages of one phase at parameters where its samples have these energies and slopes.

    Args:
        system: at its temperature and pressure.
        samples: of one phase.
        energy: of the samples.
        slope: likewise.
    """
    kT = system.thermal_energy
    log_base = jax.nn.log_softmax(samples.log_base)
    log_ratio = -(energy - samples.energy) / kT
    log_weights = log_base + log_ratio
    weights = jax.nn.softmax(log_weights)
    mean = lambda values: weights @ values
    gradient = mean(slope)
    centred = slope - gradient[None]
    enthalpy = energy + system.stress * samples.volume
    covary = lambda values: (weights * (values - mean(values))) @ centred
    count = len(weights)
    reduced = jnp.exp(log_ratio - jnp.max(log_ratio))
    spread = jnp.sqrt(jnp.exp(log_base) @ reduced**2 / (jnp.exp(log_base) @ reduced) ** 2 - 1)
    return Averages(
        shift=-kT * jax.nn.logsumexp(log_weights),
        shift_error=kT * spread / jnp.sqrt(count),
        slope=gradient,
        covariance=(centred * weights[:, None]).T @ centred,
        enthalpy=mean(enthalpy),
        enthalpy_slope=gradient - covary(enthalpy) / kT,
        volume=mean(samples.volume),
        volume_slope=-covary(samples.volume) / kT,
        kish=effective_samples(log_weights) / effective_samples(log_base),
        perplexity=perplexity(log_weights) / perplexity(log_base),
    )


class Tracked(eqx.Module):
    r"""Parameters, the frames that they are reweighted from, and the free-energy difference that belongs to them.

    Attributes:
        system: with the parameters as they are now.
        reference: the parameters that the frames were sampled with.
        frames: of both phases.
        anchor: $\Delta G$ of the first parameters, of the whole cell, from absolute free energies.
        offsets: change of $G$ of each phase from the first parameters to `reference`, by BAR.
        variances: of the offsets.
        log_dets: $\ln\det\Sigma$ of the boxes at the first parameters.
        kept: slopes of the samples at `reference`, where the energy is linear in the parameters.
    """

    system: TwoPhases
    reference: Any
    frames: tuple[Frames, Frames]
    anchor: Estimate
    offsets: np.ndarray
    variances: np.ndarray
    log_dets: np.ndarray
    kept: Any = None

    @staticmethod
    def start(system: TwoPhases, frames: tuple[Frames, Frames], anchor: Estimate) -> "Tracked":
        """At the first parameters.

        Args:
            system: with these parameters.
            frames: sampled with them.
            anchor: their $\\Delta G$, of the whole cell.
        """
        log_dets = np.array([box_log_det(each) for each in frames])
        new = Tracked(system, system.theta, frames, anchor, np.zeros(2), np.zeros(2), log_dets)
        return new.with_slopes()

    def with_slopes(self) -> "Tracked":
        """The same with slopes of its frames, where these serve for all parameters."""
        kept = None
        if self.system.energy.linear:
            kept = tuple(slopes(self.system, self.reference, Samples.of(each))[1] for each in self.frames)
        return eqx.tree_at(lambda t: t.kept, self, kept, is_leaf=lambda x: x is None)

    def averages(self) -> tuple[Averages, Averages]:
        """Both phases at the parameters of now."""
        found = []
        for index, each in enumerate(self.frames):
            samples = Samples.of(each)
            if self.kept is None:
                energy, slope = slopes(self.system, self.system.theta, samples)
            else:
                slope = self.kept[index]
                step = flat_parameters(self.system.theta)[0] - flat_parameters(self.reference)[0]
                energy = samples.energy + slope @ step
            found.append(average(self.system, samples, energy, slope))
        return found[0], found[1]

    def moved(self, theta: Any) -> "Tracked":
        """At other parameters, reweighted from the same frames.

        Args:
            theta: the new ones.
        """
        return eqx.tree_at(lambda t: t.system.theta, self, theta)

    def renewed(self, frames: tuple[Frames, Frames]) -> "Tracked":
        """With new frames, sampled at the parameters of now; BAR carries the free energies over.

        Args:
            frames: of both phases.
        """
        kT = float(self.system.thermal_energy)
        offsets, variances = self.offsets.copy(), self.variances.copy()
        for index, (old, new) in enumerate(zip(self.frames, frames, strict=True)):
            works = []
            for each, sign in ((old, 1), (new, -1)):
                other = self.system.theta if sign == 1 else self.reference
                energy = frame_energies(self.system, each.phase, other, each.displacement, each.strain)
                works.append(((energy - each.energy) / kT).ravel())
            inefficiency = max(each.inefficiency(self.system.stress) for each in (old, new))
            found = bar(*works, inefficiency=inefficiency)
            offsets[index] += kT * float(found.mean)
            variances[index] += (kT * float(found.error)) ** 2
        names = lambda t: (t.reference, t.frames, t.offsets, t.variances)
        new = eqx.tree_at(names, self, (self.system.theta, frames, offsets, variances))
        return new.with_slopes()

    def free_energy_difference(self, averages: tuple[Averages, Averages]) -> Estimate:
        """$\\Delta G$ of the parameters of now, of the whole cell.

        Args:
            averages: of both phases.
        """
        shifts = self.offsets + np.array([float(each.shift) for each in averages])
        g = [each.inefficiency(self.system.stress) for each in self.frames]
        exponential = sum(k * float(each.shift_error) ** 2 for k, each in zip(g, averages, strict=True))
        variance = self.anchor.error**2 + self.variances.sum() + exponential
        return Estimate(float(self.anchor.mean + shifts[1] - shifts[0]), float(np.sqrt(variance)))

    def box_term(self) -> Estimate:
        r"""What to add where fixed boxes are compared, $\frac{kT}2\Delta\ln\det\Sigma$; zero where none moves.

        Constant-pressure ensembles are followed, absolute free energies belong to mean boxes.
        """
        if self.system.comparable_boxes:
            return Estimate(0.0, 0.0)
        kT = float(self.system.thermal_energy)
        change = np.array([box_log_det(each) for each in self.frames]) - self.log_dets
        count = min(each.volume.size / each.inefficiency(self.system.stress) for each in self.frames)
        rank = sum(int(np.asarray(each.phase.groups).any(axis=1).sum()) for each in self.frames)
        return Estimate(kT / 2 * float(change[1] - change[0]), kT * float(np.sqrt(rank / count)))


def smallest(averages: tuple[Averages, Averages]) -> float:
    """The smaller share of effective samples of both phases, by perplexity.

    Args:
        averages: of both phases.
    """
    return float(min(averages[0].perplexity, averages[1].perplexity))


def fisher(averages: tuple[Averages, Averages], kT: Scalar | float, ridge: float) -> Array:
    r"""$\beta^2\langle\mathrm{Cov}(\partial U)\rangle$ over phases, with a ridge in units of its mean diagonal.

    Args:
        averages: of both phases.
        kT: thermal energy.
        ridge: keeps directions that no frame feels from running away.
    """
    mean = (averages[0].covariance + averages[1].covariance) / (2 * kT**2)
    return mean + ridge * jnp.mean(jnp.diag(mean)) * jnp.eye(len(mean))
