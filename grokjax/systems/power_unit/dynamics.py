"""The road of simulation in time, and across the barrier: escapes, loops of the noise, restrained windows."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from ..._checks import check_whole
from ...evidence.escape import EscapeTimes, first_passages
from ...evidence.ramp import Ramp, ramp
from ...evidence.umbrella import Umbrella, umbrella as windows
from ...posterior import Posterior
from ...samplers import Langevin
from .experiment import MeasureWeight, PowerUnits, Unit
from .system import PowerUnit


STEP = 0.01  # of overdamped dynamics, in whitened coordinates: the unit of time


def escapes(
    key: Key[Array, ""], unit: PowerUnit, *, beyond: float, num_members: int = 2048, num_steps: int = 30_000
) -> EscapeTimes:
    """Waiting times of overdamped units at zero until they reach a weight; `escape_time` has their exact mean.

    Args:
        key: random key.
        unit: at one noise.
        beyond: the weight, such as that of the outer well.
        num_members: units.
        num_steps: of 0.01 each, after which a unit that is still inside counts as censored.

    Raises:
        ValueError: nobody escaped.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=1.0)
        >>> waited = pu.escapes(jax.random.key(0), system, beyond=0.8, num_members=64, num_steps=2000)
        >>> waited.events + waited.censored, bool(waited.mean_time.mean > 0)
        (64, True)
    """
    target, scale = _posterior(unit)
    measure = MeasureWeight(jnp.full(num_members, scale))
    start = Unit(jnp.zeros(num_members, jnp.float32), unit.power)
    options: dict[str, Any] = {"beyond": beyond, "num_steps": num_steps, "target_axes": None}
    return first_passages(key, target, start, Langevin(STEP), measure, **options)


def loop(key: Key[Array, ""], unit: PowerUnit, *, low: float, high: float, rate: float, num_members: int = 512) -> Ramp:
    """A loop of 1/noise of overdamped units that begin at zero; `loop_work` has its exact work.

    Args:
        key: random key.
        unit: its noise plays no role.
        low: smallest 1/noise.
        high: largest.
        rate: of change of 1/noise.
        num_members: units.

    Raises:
        ValueError: a number is not positive or the ends are not in order.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=1.0)
        >>> once = pu.loop(jax.random.key(0), system, low=0.4, high=2.5, rate=0.3, num_members=16)
        >>> once.rate, bool(once.work.mean > 0)
        (0.3, True)
    """
    start = Unit(jnp.zeros(num_members, jnp.float32), unit.power)
    return ramp(key, _posterior(unit)[0], start, Langevin(STEP), low=low, high=high, rate=rate)


def umbrella(
    key: Key[Array, ""], unit: PowerUnit, *, centres: Any, num_members: int = 8, num_steps: int = 4000
) -> Umbrella:
    r"""$F(w)=-\log p(w)$ of a unit from restrained windows, where the barrier is too high to be crossed.

    Args:
        key: random key.
        unit: at one noise.
        centres: of the windows, ascending at equal distances.
        num_members: independent sets of windows.
        num_steps: of every window.

    Raises:
        ValueError: see `grokjax.evidence.umbrella`; too few windows do not overlap.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=1.0)
        >>> windows = pu.umbrella(jax.random.key(0), system, centres=np.linspace(-0.2, 1.1, 10), num_steps=400)
        >>> windows.coordinates.shape[:2], windows.overlap.shape
        ((8, 10), (10, 10))
    """
    target, scale = _posterior(unit)
    shape = check_whole("num_members", num_members), np.size(centres)
    start = Unit(jnp.broadcast_to(jnp.asarray(centres, jnp.float32) / scale, shape), unit.power)
    measure = MeasureWeight(jnp.full(num_members, scale))
    return windows(key, target, start, measure, centres=centres, num_steps=num_steps, target_axes=None)


def _posterior(unit: PowerUnit) -> tuple[Posterior, Array]:
    """Of one unit in single precision, and the prior scale of its weight."""
    single = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), unit)
    target = PowerUnits().draw(jax.random.key(0), jax.random.key(0), single).target
    return target, target.prior_scales.weight
