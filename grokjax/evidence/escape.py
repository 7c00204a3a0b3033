r"""Escape times from a well: first passages, censored ones among them, against the barrier.

With exponential waiting the likelihood of a rate $k$ after $m$ escapes in a total waiting time $t$ (of those that
escaped until they did, of the others until the end) is $k^me^{-kt}$: $\hat k=m/t$ with the relative error $1/\sqrt m$.
`first_passages` measures them; `arrhenius` fits $\ln\tau$ against barriers that were measured independently, a power
law of their exponentials; the slope has to be one.

References:
    Haenggi, Talkner & Borkovec, Rev. Mod. Phys. 62, 251 (1990).
"""

import types
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Key, PyTree

from .. import ensemble
from .._checks import argument_error, check_positive
from ..observables import NEVER, HittingTime
from ..samplers.base import AbstractSampler
from .power_law import power_law
from .statistics import Estimate


class EscapeTimes(eqx.Module):
    r"""What first-passage times say of a rate.

    Attributes:
        rate: events over total time.
        mean_time: $\tau=1/k$.
        events: escapes seen.
        censored: members that did not escape.
        regularity: standard deviation over mean of the times that were seen; 1 for an exponential law, if few are
            censored.

    Examples:
        >>> from grokjax.evidence.escape import escape_times
        >>> found = escape_times([10, 20, -1], time_per_step=0.1, last_step=50)
        >>> found.events, found.censored, float(found.mean_time.mean)
        (2, 1, 4.0)
    """

    rate: Estimate
    mean_time: Estimate
    events: int
    censored: int
    regularity: float

    def __repr__(self) -> str:
        return f"escape time {self.mean_time} ({self.events} seen, {self.censored} censored)"


def escape_times(steps: Any, *, time_per_step: float, last_step: int) -> EscapeTimes:
    """From the results of a `HittingTime`.

    Args:
        steps: first-passage times in steps, any shape; -1 where it was never reached.
        time_per_step: the step of the dynamics.
        last_step: when members that did not escape were last seen.

    Raises:
        ValueError: nobody escaped, so there is only a bound on the rate.

    Examples:
        >>> from grokjax.evidence.escape import escape_times
        >>> escape_times([10, 20, -1], time_per_step=0.1, last_step=50)
        escape time 4.0(28) (2 seen, 1 censored)
    """
    check_positive("time_per_step", time_per_step)
    steps = np.ravel(np.asarray(steps))
    seen = steps != NEVER
    events = int(seen.sum())
    if not events:
        remedy = f"The rate is below {1 / (steps.size * last_step * time_per_step):.2g}, by one over the waiting time."
        raise argument_error("steps", "with an escape among them", f"{steps.size} censored ones", remedy)
    waited = float(np.where(seen, steps, last_step).sum()) * time_per_step
    rate, relative = events / waited, 1 / np.sqrt(events)
    times = steps[seen] * time_per_step
    return EscapeTimes(
        Estimate(rate, rate * relative),
        Estimate(1 / rate, relative / rate),
        events,
        int(steps.size - events),
        float(times.std() / times.mean()),
    )


def first_passages(
    key: Key[Array, ""],
    target: Any,
    positions: PyTree,
    sampler: AbstractSampler,
    measure: Any,
    *,
    beyond: float,
    inside: float = np.inf,
    num_steps: int,
    target_axes: Any = 0,
) -> EscapeTimes:
    """Run members until a measurement, or each entry of it, first reaches a value.

    Args:
        key: random key.
        target: as in `grokjax.run`.
        positions: first positions, leading axis member.
        sampler: with a step of one number, the unit of time.
        measure: `measure(key, state) -> array`, of `state.position` alone; arrays in it lead with the member.
        beyond: the value that ends the wait.
        inside: entries above it at the start are not in the well, and are left out.
        num_steps: when members are last seen.
        target_axes: as in `grokjax.run`.

    Raises:
        ValueError: the sampler has no single step, nobody starts inside, a member diverged, or nobody escaped.

    Examples:
        >>> from grokjax.evidence.escape import first_passages
        >>> found = first_passages(
        ...     jax.random.key(0), lambda x: x @ x / 2, jnp.zeros((64, 1)), grokjax.Langevin(0.1),
        ...     lambda key, state: state.position[0], beyond=1.0, num_steps=400,
        ... )
        >>> found.events, found.censored
        (64, 0)
    """
    step = float(np.asarray(getattr(sampler, "step_size", np.nan)))
    check_positive("step_size", step, "Give the sampler one number.")
    found = ensemble.run(
        key, sampler, target, positions, target_axes=target_axes, observables={"time": HittingTime(measure, beyond)},
        num_steps=num_steps, warmup=0, record_every=1, progress=False,
    )  # fmt: skip
    if found.diverged.any():
        raise argument_error(
            "sampler", "stable", f"{int(found.diverged.sum())} diverged members", "Use a shorter step."
        )
    look = lambda measure, position: measure(None, types.SimpleNamespace(position=position))
    first = eqx.filter_vmap(look, in_axes=eqx.if_array(0))(measure, positions)
    starts_inside = np.asarray(first) < min(inside, beyond)
    if not starts_inside.any():
        raise argument_error("inside", "a value that some entries start below", inside, "Raise it.")
    times = np.asarray(found.results["time"])[starts_inside]
    return escape_times(times, time_per_step=step, last_step=found.num_steps)


def arrhenius(times: list[EscapeTimes], barriers: Any) -> tuple[Estimate, Estimate]:
    r"""Slope and intercept of $\ln\tau$ against the barrier, weighted by the errors of the times.

    Args:
        times: at three different barriers or more, of two escapes or more each.
        barriers: in nats, measured or computed otherwise.

    Raises:
        ValueError: fewer than three different barriers, or times that are not resolved.

    Examples:
        >>> from grokjax.evidence.escape import arrhenius, escape_times
        >>> barriers = np.array([1.0, 2.0, 3.0])
        >>> times = [escape_times(np.full(100, 5), time_per_step=np.exp(each), last_step=9) for each in barriers]
        >>> slope, intercept = arrhenius(times, barriers)
        >>> round(float(slope.mean), 6), round(float(np.exp(intercept.mean)), 6)
        (1.0, 5.0)
    """
    barriers = np.asarray(barriers, float)
    if len(times) != barriers.size or np.unique(barriers).size < 3:
        raise argument_error("barriers", "one for every time, three of them different", barriers.tolist(), "Vary one.")
    mean, error = np.transpose([(float(each.mean_time.mean), float(each.mean_time.error)) for each in times])
    law = power_law(np.exp(barriers), mean, error)
    return law.exponent, Estimate(np.log(law.prefactor.mean), law.prefactor.error / law.prefactor.mean)
