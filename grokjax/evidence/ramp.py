r"""Hysteresis under a ramp of the noise: what a loop costs, and how that depends on its rate.

$b=1/\sigma^2$ rises from one end to the other at the rate $|db/dt|=r$ and falls again, while the dynamics goes on. The
work of the loop, $A=\oint\langle S\rangle\,db\ge0$, is taken at the middle of every step of $b$. A slow loop costs
$A\sim r$ with the relaxation time in its coefficient, Arrhenius in the size where wells compete; the loop of a network
has to enter that law below the rate of one neuron.

References:
    Chakrabarti & Acharyya, Rev. Mod. Phys. 71, 847 (1999), arXiv:cond-mat/9811086.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from .._checks import argument_error, check_positive, check_whole
from ..samplers.base import AbstractSampler
from ..samplers.replica_exchange import at_noise
from .statistics import Estimate, over_members


class Ramp(eqx.Module):
    """A loop up and down.

    Attributes:
        rate: $r$.
        work: $A$, error over members.
        inverse_noise: at the recorded points of the way up.
        upwards: mean of $S$ on the way up.
        downwards: mean of $S$ on the way down, at the same points.

    Examples:
        >>> from grokjax.evidence.ramp import ramp
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=jnp.asarray(4.0))
        >>> problem = pu.PowerUnits().draw(jax.random.key(0), jax.random.key(1), system)
        >>> start = jax.tree.map(lambda leaf: jnp.zeros(8), problem.starts[0])
        >>> options = {"low": 0.4, "high": 2.5, "rate": 1.0, "num_records": 5}
        >>> loop = ramp(jax.random.key(2), problem.target, start, grokjax.Langevin(0.02), **options)
        >>> loop.inverse_noise.round(2).tolist(), loop.upwards.shape
        ([0.61, 1.03, 1.45, 1.87, 2.29], (5,))
    """

    rate: float
    work: Estimate
    inverse_noise: np.ndarray
    upwards: np.ndarray
    downwards: np.ndarray

    def __repr__(self) -> str:
        return f"loop at rate {self.rate:g}: work {self.work}"


def ramp(
    key: Key[Array, ""],
    target: Any,
    position: PyTree,
    sampler: AbstractSampler,
    *,
    low: float,
    high: float,
    rate: float,
    settle: float = 10.0,
    num_records: int = 100,
) -> Ramp:
    """One loop of every member.

    Args:
        key: random key.
        target: one posterior for all members; its noise is ramped.
        position: first positions, leading axis member.
        sampler: with a step of one number, short enough for the cold end; the time is that step times their number.
        low: smallest $b$, where the loop begins and ends.
        high: largest $b$.
        rate: $db/dt$.
        settle: time at the low end before.
        num_records: points of the curves.

    Raises:
        ValueError: a number is not positive, the ends are not in order, or a loop diverged.

    Examples:
        >>> from grokjax.evidence.ramp import ramp
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=jnp.asarray(4.0))
        >>> problem = pu.PowerUnits().draw(jax.random.key(0), jax.random.key(1), system)
        >>> start = jax.tree.map(lambda leaf: jnp.zeros(8), problem.starts[0])
        >>> options = {"low": 0.4, "high": 2.5, "rate": 1.0, "num_records": 5}
        >>> loop = ramp(jax.random.key(2), problem.target, start, grokjax.Langevin(0.02), **options)
        >>> round(loop.rate, 1), bool(loop.work.mean > 0)
        (1.0, True)
    """
    for name, value in (("low", low), ("rate", rate), ("settle", settle)):
        check_positive(name, value)
    if not high > low:
        raise argument_error("high", f"above low = {low:g}", high, "It is an inverse noise, the cold end.")
    step = float(np.asarray(getattr(sampler, "step_size", np.nan)))
    check_positive("step_size", step, "Give the sampler one number.")
    check_whole("num_records", num_records)
    per_record = max(1, round((high - low) / (rate * step * num_records)))
    start = jax.tree.leaves(position)[0].shape[0]
    keys = jax.random.split(key, start)
    counts = num_records, per_record, max(1, round(settle / step))
    up, down = (np.asarray(each, np.float64) for each in _loop(keys, target, position, sampler, low, high, counts))
    spacing = (high - low) / num_records
    work = spacing * (up.sum(axis=1) - down.sum(axis=1))
    if not np.isfinite(work).all():
        raise argument_error("sampler", "stable at the cold end", "a loop that diverged", "Use a smaller step.")
    points = low + spacing * (np.arange(num_records) + 0.5)
    actual = (high - low) / (num_records * per_record * step)
    return Ramp(actual, over_members(work), points, up.mean(axis=0), down.mean(axis=0)[::-1])


@eqx.filter_jit
def _loop(keys, target, position, sampler, low, high, counts):
    num_records, per_record, settling = counts
    total = num_records * per_record
    dtype = target.noise_variance.dtype

    def at(b):
        return eqx.tree_at(lambda t: t.noise_variance, target, jnp.asarray(1 / b, dtype))

    def advance(key, state, before, b):
        """A step at this inverse noise, after one at another, and S after it."""
        here = at(b)
        state = sampler.moved(state, state.position, *at_noise(here, state, b / before))
        state = sampler.step(key, here, state)
        return state, (state.energy - here.prior_energy(state.position)) / b

    def member(key, position):
        first, second, third, fourth = jax.random.split(key, 4)
        state = sampler.init(first, at(low), position)
        settled = lambda i, state: sampler.step(jax.random.fold_in(second, i), at(low), state)
        state = jax.lax.fori_loop(0, settling, settled, state)

        def way(key, state, inverse_noise):
            def record(start, index):
                def one(carry, i):
                    (state, before), mean = carry
                    place = index * per_record + i
                    b = jnp.asarray(inverse_noise(place), dtype)
                    state, energy = advance(jax.random.fold_in(key, place), state, before, b)
                    return ((state, b), mean + energy / per_record), None

                zero = jnp.zeros((), start[0].energy.dtype)
                return jax.lax.scan(one, (start, zero), jnp.arange(per_record))[0]

            return jax.lax.scan(record, state, jnp.arange(num_records))

        begin = state, jnp.asarray(low, dtype)
        top, up = way(third, begin, lambda place: low + (high - low) * (place + 0.5) / total)
        _, down = way(fourth, top, lambda place: high - (high - low) * (place + 0.5) / total)
        return up, down

    return jax.vmap(member)(keys, position)
