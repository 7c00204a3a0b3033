r"""Escape times from a well: first passages, censored ones among them, against the barrier.

With exponential waiting the likelihood of a rate $k$ after $m$ escapes in a total waiting time $t$ (of those that
escaped until they did, of the others until the end) is $k^me^{-kt}$: $\hat k=m/t$ with the relative error $1/\sqrt m$.
`arrhenius` fits $\ln\tau$ against barriers that were measured independently, a power law of their exponentials; the
slope has to be one.

References:
    Haenggi, Talkner & Borkovec, Rev. Mod. Phys. 62, 251 (1990).
"""

from typing import Any

import equinox as eqx
import numpy as np

from .._checks import argument_error, check_positive
from ..observables import NEVER
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


def arrhenius(times: list[EscapeTimes], barriers: Any) -> tuple[Estimate, Estimate]:
    r"""Slope and intercept of $\ln\tau$ against the barrier, weighted by the errors of the times.

    Args:
        times: at three different barriers or more, of two escapes or more each.
        barriers: in nats, measured or computed otherwise.

    Raises:
        ValueError: fewer than three different barriers, or times that are not resolved.
    """
    barriers = np.asarray(barriers, float)
    if len(times) != barriers.size or np.unique(barriers).size < 3:
        raise argument_error("barriers", "one for every time, three of them different", barriers.tolist(), "Vary one.")
    mean, error = np.transpose([(float(each.mean_time.mean), float(each.mean_time.error)) for each in times])
    law = power_law(np.exp(barriers), mean, error)
    return law.exponent, Estimate(np.log(law.prefactor.mean), law.prefactor.error / law.prefactor.mean)
