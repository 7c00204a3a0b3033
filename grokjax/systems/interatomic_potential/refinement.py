r"""Refining parameters until a transition sits at a temperature, with a latent heat, and measuring it from scratch.

The residuals are

$$ r=(\Delta G,\ \Delta H-\Delta H^*,\ [\Delta V-\Delta V^*],\ [\langle h\rangle_I-\langle h\rangle_I(\theta_0)]), $$

$J$ their gradients and $F$ the Fisher metric of both ensembles; the constrained natural step

$$ \delta\theta=-F^{-1}J^\top(JF^{-1}J^\top)^{-1}r $$

is the smallest move in relative entropy that removes the linearised residuals. With $\Delta G$ alone the entropy of the
transition is free, and tends to be lost: there is a flag for it. Frames are renewed when the share of effective samples
(perplexity) of one phase falls below 0.9, which is a spread of 0.459 of $\beta\,\delta U$.

References:
    Fuchs & Zavadlav, arXiv:2512.03974 (the loss with $\Delta G$ alone).
"""

import dataclasses
import math
import os
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Key

from ... import io
from ..._checks import (
    argument_error,
    check_instance,
    check_key,
    check_whole,
)
from ..._doors import flat
from ..._printing import AbstractPrinted
from ...evidence.statistics import Estimate, z_score
from ...status import Status
from .experiment import FreeEnergies, assemble, losses, phase_names, simulate, transition_temperature
from .integration import normal_modes
from .order_parameters import OrderParameters
from .sampling import Sampling, anonymous, sample
from .system import TwoPhases
from .targets import Targets, Wanted
from .tracking import Averages, Tracked, fisher, flat_parameters, smallest


RENEW = 0.9  # share of effective samples below which frames are renewed
SPREAD = math.sqrt(-2 * math.log(RENEW))  # of beta dU of a Gaussian at that share
LONGEST = 1.5  # steps, in units of that spread
REJECTED = 0.5  # a step that leaves a smaller share is halved
RIDGE = 3e-3
RENEWAL = 40  # frames of equilibration after a renewal
COLLAPSED = 0.5  # of the entropy that was wanted
DISAGREE = 3.0  # standard errors between tracked and verified


class Record(AbstractPrinted):
    """One iteration, at its parameters.

    Attributes:
        round: how often frames had been sampled.
        free_energy_difference: tracked, reported units per atom.
        enthalpy_difference: likewise.
        volume_difference: per atom.
        kish: smaller share of effective samples of both phases, after Kish, before frames were renewed.
        perplexity: the other one.
    """

    round: int
    free_energy_difference: float
    enthalpy_difference: float
    volume_difference: float
    kish: float
    perplexity: float


class Refinement(AbstractPrinted):
    """What a refinement ended with; `print` shows it.

    Attributes:
        system: with the refined parameters.
        rounds: how often frames were sampled, the first time included.
        tracked: order parameters as they were followed.
        verified: absolute free energies of the refined system, from scratch; None if that was not asked for.
        anchor: those of the system to begin with.
        flags: what went wrong, in words; empty if nothing.
        history: every iteration.
        box_term: to add to the tracked difference before it is compared with the verified one.
        status: solved, out of steps, or unreliable where a phase was lost.
        state: to go on from.
    """

    system: TwoPhases
    rounds: int
    tracked: OrderParameters
    verified: FreeEnergies | None
    anchor: FreeEnergies = eqx.field(repr=False)
    flags: tuple[str, ...] = eqx.field(static=True)
    history: tuple[Record, ...] = eqx.field(repr=False)
    box_term: Estimate
    status: int = eqx.field(static=True)
    state: Tracked = eqx.field(repr=False)

    @property
    def transition_temperature(self) -> Estimate:
        """Verified, or tracked where nothing was verified."""
        found = self.tracked if self.verified is None else self.verified.order_parameters
        return transition_temperature(self.system, found)

    def __repr__(self) -> str:
        return str(self)

    def __str__(self) -> str:
        head = f"refined in {self.rounds} rounds, {len(self.history)} iterations: {Status(self.status).text}"
        unit = self.system.units.name
        rows = [("", "before", "tracked", "verified")]
        fields = {
            f"free energy difference ({unit})": "free_energy_difference",
            f"enthalpy difference ({unit})": "enthalpy_difference",
            "entropy difference (k)": "entropy_difference",
            "volume difference": "volume_difference",
        }
        for label, name in fields.items():
            verified = "" if self.verified is None else str(getattr(self.verified.order_parameters, name))
            rows.append(
                (label, str(getattr(self.anchor.order_parameters, name)), str(getattr(self.tracked, name)), verified)
            )
        verified = "" if self.verified is None else str(self.verified.transition_temperature)
        tracked = str(transition_temperature(self.system, self.tracked))
        rows.append(("transition temperature", str(self.anchor.transition_temperature), tracked, verified))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = ["  " + "  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip() for row in rows]
        return "\n".join([head, *lines, *(f"  FLAG: {flag}" for flag in self.flags)])


def _refine(
    key: Key[Array, ""],
    system: TwoPhases,
    *,
    anchor: FreeEnergies | None = None,
    optimiser: optax.GradientTransformation | None = None,
    limits: tuple[int, int] = (200, 20),
    verify: bool = True,
    checkpoint: str | os.PathLike | None = None,
    wanted: Wanted,
    sampling: Sampling,
) -> Refinement:
    """Move the parameters until the transition sits at a temperature, at the system's pressure.

    The fields of `Wanted` and `Sampling` are keywords, too:
    `refine(key, ip.titanium(), temperature=1155.0, latent_heat=43.6, gauge=True)`.

    Args:
        key: random key of everything.
        system: to begin with.
        anchor: absolute free energies of the system at that temperature, if they are known; else they are measured.
        optimiser: any of optax on the sum of squared residuals; the constrained natural step unless given.
        limits: most iterations, and most rounds.
        verify: whether the refined system is measured again from scratch.
        checkpoint: file that keeps parameters and their free energy together after every iteration; a refinement that
            finds its own goes on from there.
        wanted: see `Wanted`.
        sampling: of anchor, rounds and verification.

    Raises:
        ValueError: the temperature is not above zero; the target is out of reach of the frames in so many rounds; the
            checkpoint is another refinement's; a phase was lost before anything was refined.
    """
    key = check_key(key)
    check_instance("system", system, TwoPhases, "Try ip.titanium().")
    max_iterations, max_rounds = (check_whole("limits", each) for each in limits)
    if wanted.temperature is not None:
        system = system.replace(temperature=wanted.temperature)
    anchor_key, round_key, verify_key = jax.random.split(key, 3)
    identity = _identity(key, system, wanted)
    state = None if checkpoint is None else _restored(Path(checkpoint), identity)
    if state is None:
        found = simulate(anchor_key, system, sampling=sampling) if anchor is None else _checked(anchor, system)
        state = _first(found, optimiser)
    targets = Targets.of(state.anchor, wanted)
    state, status, flags = _iterate(
        round_key, state, targets, optimiser, (max_iterations, max_rounds), sampling, (checkpoint, identity)
    )
    return _report(verify_key, state, targets, status, flags, verify, sampling)


refine = flat(_refine, name="refine", wanted=Wanted(), sampling=Sampling())
"""Move the parameters until the transition sits at a temperature."""


class _State(eqx.Module):
    """All that a refinement goes on from."""

    anchor: FreeEnergies
    tracked: Tracked
    opt_state: Any
    history: tuple[Record, ...]
    rounds: int


def _first(anchor: FreeEnergies, optimiser: optax.GradientTransformation | None) -> _State:
    """Before the first step."""
    system = anchor.system
    if anchor.phases is None:
        raise argument_error("system", "one whose phases hold", "; ".join(anchor.flags), "Lower the temperature.")
    first, second = (each.frames for each in anchor.phases)
    difference = anchor.order_parameters.free_energy_difference
    cell = Estimate(difference.mean / system.per_atom, difference.error / system.per_atom)
    opt_state = None if optimiser is None else optimiser.init(flat_parameters(system.theta)[0])
    return _State(anchor, Tracked.start(system, (first, second), cell), opt_state, (), 1)


def _checked(anchor: FreeEnergies, system: TwoPhases) -> FreeEnergies:
    """The anchor itself, if it is this system's."""
    here, there = ([float(s.temperature), float(s.pressure), s.num_atoms] for s in (system, anchor.system))
    same = np.array_equal(flat_parameters(system.theta)[0], flat_parameters(anchor.system.theta)[0])
    if here != there or not same:
        expected = f"of these parameters at T, P, N = {here}"
        raise argument_error("anchor", expected, f"of others, or at {there}", "Leave it out: it is measured.")
    return anchor


def _iterate(key, state: _State, targets: Targets, optimiser, limits, sampling: Sampling, keep) -> Any:
    """Steps and renewals until the residuals are below their tolerances; state, status and flags."""
    max_iterations, max_rounds = limits
    for iteration in range(len(state.history), max_iterations):
        tracked = state.tracked
        before = averages = tracked.averages()
        if smallest(averages) < RENEW:
            if state.rounds >= max_rounds:
                return state, Status.OUT_OF_STEPS, (f"not converged within {max_rounds} rounds",)
            frames = _renewed_frames(jax.random.fold_in(key, iteration), tracked, sampling)
            flags = losses(tracked.system, frames)
            if flags:
                return state, Status.UNRELIABLE, flags
            tracked = tracked.renewed(frames)
            averages = tracked.averages()
            state = _State(state.anchor, tracked, state.opt_state, state.history, state.rounds + 1)
        values, jacobian = targets.residuals(tracked, averages)
        history = (*state.history, _record(state, averages, before))
        if float(jnp.max(jnp.abs(values))) < 1:  # before the parameters move: they and their ΔG belong together
            _keep(keep, _State(state.anchor, tracked, state.opt_state, state.history, state.rounds))
            return _State(state.anchor, tracked, state.opt_state, history, state.rounds), Status.SOLVED, ()
        direction, opt_state = _direction(state, averages, values, jacobian, optimiser)
        if iteration == 0 and optimiser is None:
            _check_reach(tracked, averages, direction, max_rounds)
        state = _State(state.anchor, _step(tracked, averages, direction), opt_state, history, state.rounds)
        _keep(keep, state)
    return state, Status.OUT_OF_STEPS, (f"not converged within {max_iterations} iterations",)


def _direction(state: _State, averages, values: Array, jacobian: Array, optimiser) -> tuple[Array, Any]:
    kT = float(state.tracked.system.thermal_energy)
    if optimiser is not None:
        parameters = flat_parameters(state.tracked.system.theta)[0]
        return optimiser.update(2 * jacobian.T @ values, state.opt_state, parameters)
    metric = fisher(averages, kT, RIDGE)
    dual = jnp.linalg.solve(metric, jacobian.T)
    return -dual @ (jnp.linalg.pinv(jacobian @ dual, rtol=1e-9, hermitian=True) @ values), None


def _spread(tracked: Tracked, averages, direction: Array) -> float:
    r"""Standard deviation of $\beta\,\delta U$ of a step, the larger one of both phases."""
    kT = float(tracked.system.thermal_energy)
    return max(math.sqrt(max(float(direction @ each.covariance @ direction), 0.0)) / kT for each in averages)


def _step(tracked: Tracked, averages, direction: Array) -> Tracked:
    """A step no longer than frames can carry, halved while it leaves too few effective samples."""
    length = min(1.0, LONGEST * SPREAD / max(_spread(tracked, averages, direction), 1e-12))
    vector, back = flat_parameters(tracked.system.theta)
    while True:
        moved = tracked.moved(back(vector + length * direction))
        if smallest(moved.averages()) >= REJECTED or length < 1e-6:
            return moved
        length /= 2


def _check_reach(tracked: Tracked, averages, direction: Array, max_rounds: int) -> None:
    needed = _spread(tracked, averages, direction) / SPREAD
    if not needed <= max_rounds:
        remedy = "Ask for a nearer transition, or allow more rounds: limits=(iterations, rounds)."
        expected = f"a transition within the overlap of {max_rounds} rounds of frames"
        raise argument_error("temperature", expected, f"one {needed:.0f} rounds away", remedy)


def _renewed_frames(key: Key[Array, ""], tracked: Tracked, sampling: Sampling) -> Any:
    keys = jax.random.split(key)
    again = dataclasses.replace(sampling, equilibration=min(RENEWAL, sampling.equilibration), num_witnesses=0)
    one = lambda key, each: sample(key, tracked.system, each.phase, again, states=_members(each.states, sampling))
    first, second = (one(*pair) for pair in zip(keys, tracked.frames, strict=True))
    return first, second


def _members(states: Any, sampling: Sampling) -> Any:
    """States without those of witnesses."""
    return jax.tree.map(lambda leaf: leaf[: sampling.num_replicas], states)


def _record(state: _State, averages: tuple[Averages, Averages], before: tuple[Averages, Averages]) -> Record:
    system, (one, two) = state.tracked.system, averages
    per, difference = system.per_atom, state.tracked.free_energy_difference(averages).mean
    return Record(
        round=state.rounds,
        free_energy_difference=difference * per,
        enthalpy_difference=float(two.enthalpy - one.enthalpy) * per,
        volume_difference=float(two.volume - one.volume) / system.num_atoms,
        kish=float(min(each.kish for each in before)),
        perplexity=smallest(before),
    )


def _report(key, state: _State, targets: Targets, status, flags, verify: bool, sampling: Sampling) -> Refinement:
    tracked, averages = state.tracked, state.tracked.averages()
    system = tracked.system
    order = _order_parameters(tracked, averages)
    verified = None
    if verify and status != Status.UNRELIABLE:
        verified = simulate(key, system, sampling=sampling)
        flags += verified.flags
        if verified.phases is not None:
            for name, phase in zip(phase_names(system), verified.phases, strict=True):
                lowest = normal_modes(system, anonymous(phase.frames.phase.at_box(phase.strain)))[0]
                unstable = int(jnp.sum(lowest <= 0))
                if unstable:
                    flags += (f"{name}: {unstable} modes are not stable at the ideal sites, a Hessian reference fails",)
            sum_of = order.free_energy_difference
            term = tracked.box_term()
            both = Estimate(
                sum_of.mean + term.mean * system.per_atom, np.hypot(sum_of.error, term.error * system.per_atom)
            )
            apart = float(z_score(both, verified.order_parameters.free_energy_difference))
            if abs(apart) > DISAGREE:
                flags += (f"tracked and verified free energies are {abs(apart):.1f} standard errors apart",)
    entropy = (order if verified is None or verified.phases is None else verified.order_parameters).entropy_difference
    flags += entropy_flags(state.anchor, targets.latent_heat, entropy)
    return Refinement(
        system,
        state.rounds,
        order,
        verified,
        state.anchor,
        flags,
        state.history,
        tracked.box_term(),
        int(status),
        tracked,
    )


def entropy_flags(anchor: FreeEnergies, latent_heat: float | None, entropy: Estimate) -> tuple[str, ...]:
    """Whether the entropy of the transition was lost or turned round on the way.

    Args:
        anchor: before.
        latent_heat: that was wanted, if one was.
        entropy: that was found.
    """
    system = anchor.system
    wanted = float(anchor.order_parameters.entropy_difference.mean)
    if latent_heat is not None:
        wanted = latent_heat / (float(system.thermal_energy) * system.units.report)
    if entropy.mean * wanted < 0:
        return (f"entropy inverted: {entropy} k per atom, {wanted:.3g} was wanted",)
    if abs(entropy.mean) < COLLAPSED * abs(wanted):
        return (f"entropy collapsed: {entropy} k per atom, {wanted:.3g} was wanted",)
    return ()


def _order_parameters(tracked: Tracked, averages: tuple[Averages, Averages]) -> OrderParameters:
    system, (one, two) = tracked.system, averages
    gibbs = tracked.free_energy_difference(averages)
    scale = lambda found, by: Estimate(found.mean * by, found.error * by)

    def difference(values, mean):
        errors = [v.std(ddof=1) * math.sqrt(f.inefficiency(system.stress) / v.size) for v, f in values]
        return Estimate(float(mean), float(np.hypot(*errors)))

    enthalpy = difference([(f.enthalpy(system.stress), f) for f in tracked.frames], two.enthalpy - one.enthalpy)
    volume = difference([(f.volume, f) for f in tracked.frames], two.volume - one.volume)
    per = system.per_atom
    return assemble(system, scale(gibbs, per), scale(enthalpy, per), scale(volume, 1 / system.num_atoms))


def _identity(key: Key[Array, ""], system: TwoPhases, wanted: Wanted) -> dict[str, Any]:
    """What makes two refinements the same one."""
    theta = np.asarray(flat_parameters(system.theta)[0])
    where = [float(system.temperature), float(system.pressure)]
    return {"key": np.asarray(jax.random.key_data(key)), "theta": theta, "where": where, "wanted": str(wanted)}


def _keep(keep: tuple[Any, dict[str, Any]], state: _State) -> None:
    path, identity = keep
    if path is not None:
        io.save(path, {"identity": identity, "state": state})


def _restored(path: Path, identity: dict[str, Any]) -> _State | None:
    if not path.exists():
        return None
    found = io.load(path)
    same = all(np.array_equal(found["identity"][name], value) for name, value in identity.items())
    if not same:
        raise argument_error("checkpoint", "of this very refinement", str(path), "Give another file.")
    return found["state"]
