r"""Refining parameters until a transition sits at a temperature, with a latent heat, and measuring it from scratch.

The residuals are

$$ r=(\Delta G,\ \Delta H-\Delta H^*,\ [\Delta V-\Delta V^*],\ [\langle h\rangle_I-\langle h\rangle_I(\theta_0)]), $$

and parameters move by the constrained natural step of `steps`, or by any optimiser of optax. With $\Delta G$ alone the
entropy of the transition is free, and tends to be lost: there is a flag for it. Frames are renewed when the share of
effective samples of one phase falls below `steps.RENEW`.

References:
    Fuchs & Zavadlav, arXiv:2512.03974 (the loss with $\Delta G$ alone).
"""

import dataclasses
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
from ..._checks import argument_error, check_instance, check_key, check_whole
from ..._doors import flat
from ...evidence.statistics import Estimate
from ...status import Status
from .experiment import FreeEnergies, losses, simulate
from .outcome import Record, Refinement
from .sampling import Sampling, sample
from .steps import RENEW, check_reach, natural_direction, step
from .system import TwoPhases
from .targets import Targets, Wanted
from .tracking import Averages, Tracked, flat_parameters, smallest
from .verification import entropy_flags, tracked_order_parameters, verification


RENEWAL = 40  # frames of equilibration after a renewal


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

    Examples:
        >>> from grokjax.systems import interatomic_potential as ip
        >>> solid = ip.einstein_solid(num_atoms=8)
        >>> wanted = {"temperature": 1.0, "verify": False}
        >>> refined = ip.refine(jax.random.key(1), solid, **wanted, num_frames=100, num_witnesses=0)
        >>> at = ip.predict(refined.system).transition_temperature  # 1.0136 before
        >>> bool(abs(at - 1.0) < 5 * refined.transition_temperature.error)
        True
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
    order, found = tracked_order_parameters(state.tracked), None
    if verify and status != Status.UNRELIABLE:
        found, raised = verification(verify_key, state.tracked, sampling)
        flags += raised
    entropy = (order if found is None or found.phases is None else found.order_parameters).entropy_difference
    flags += entropy_flags(state.anchor, targets.latent_heat, entropy)
    return Refinement(
        system=state.tracked.system,
        rounds=state.rounds,
        tracked=order,
        verified=found,
        anchor=state.anchor,
        flags=flags,
        history=state.history,
        box_term=state.tracked.box_term(),
        status=int(status),
        state=state.tracked,
    )


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
            state = dataclasses.replace(state, rounds=state.rounds + 1)
        state = dataclasses.replace(state, tracked=tracked)
        values, jacobian = targets.residuals(tracked, averages)
        history = (*state.history, _record(state, averages, before))
        if float(jnp.max(jnp.abs(values))) < 1:  # before the parameters move: they and their ΔG belong together
            _keep(keep, state)
            return dataclasses.replace(state, history=history), Status.SOLVED, ()
        if optimiser is None:
            kT, opt_state = float(tracked.system.thermal_energy), None
            direction = natural_direction(averages, values, jacobian, kT)
            if iteration == 0:
                check_reach(tracked, averages, direction, max_rounds)
        else:
            parameters = flat_parameters(tracked.system.theta)[0]
            direction, opt_state = optimiser.update(2 * jacobian.T @ values, state.opt_state, parameters)
        moved = step(tracked, averages, direction)
        state = dataclasses.replace(state, tracked=moved, opt_state=opt_state, history=history)
        _keep(keep, state)
    return state, Status.OUT_OF_STEPS, (f"not converged within {max_iterations} iterations",)


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
