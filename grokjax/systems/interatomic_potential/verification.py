r"""A refinement's end: what was tracked, measured again from scratch, and what went wrong, in words.

A mistake in what is tracked cannot be seen in the residuals, which vanish by construction, so that everything is
measured again on the refined potential. Flags are raised where the entropy of the transition was lost or turned round,
where a phase was left, where ideal sites are not stable, and where both free energies disagree.
"""

import math

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from ...evidence.statistics import Estimate, z_score
from .experiment import FreeEnergies, assemble, phase_names, simulate
from .frames import anonymous
from .integration import normal_modes
from .order_parameters import OrderParameters
from .sampling import Sampling
from .tracking import Tracked


COLLAPSED = 0.5  # of the entropy that was wanted
DISAGREE = 3.0  # standard errors between tracked and verified


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


def verification(key: Key[Array, ""], tracked: Tracked, sampling: Sampling) -> tuple[FreeEnergies, tuple[str, ...]]:
    """Absolute free energies at the parameters of now, from scratch, and flags.

    Args:
        key: random key.
        tracked: at the end of a refinement.
        sampling: of the phases, and of every node.
    """
    system = tracked.system
    found = simulate(key, system, sampling=sampling)
    if found.phases is None:
        return found, found.flags
    flags = found.flags
    for name, phase in zip(phase_names(system), found.phases, strict=True):
        lowest = normal_modes(system, anonymous(phase.frames.phase.at_box(phase.strain)))[0]
        unstable = int(jnp.sum(lowest <= 0))
        if unstable:
            flags += (f"{name}: {unstable} modes are not stable at the ideal sites, a Hessian reference fails",)
    gibbs, term = tracked_order_parameters(tracked).free_energy_difference, tracked.box_term()
    both = Estimate(gibbs.mean + term.mean * system.per_atom, np.hypot(gibbs.error, term.error * system.per_atom))
    apart = float(z_score(both, found.order_parameters.free_energy_difference))
    if abs(apart) > DISAGREE:
        flags += (f"tracked and verified free energies are {abs(apart):.1f} standard errors apart",)
    return found, flags


def tracked_order_parameters(tracked: Tracked) -> OrderParameters:
    """Order parameters at the parameters of now, by reweighting.

    Args:
        tracked: with its frames.
    """
    averages = tracked.averages()
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
