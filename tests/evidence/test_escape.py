"""First-passage times in a double well against their exact mean, and the slope of Arrhenius' law."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import ensemble
from grokjax.evidence.escape import EscapeTimes, arrhenius, escape_times
from grokjax.evidence.statistics import Estimate
from grokjax.observables import HittingTime
from grokjax.samplers import Langevin


class Wells(eqx.Module):
    """$V=B(x^2-1)^2-x/4$."""

    height: float

    def __call__(self, x):
        return self.height * (x**2 - 1) ** 2 - x / 4


def minima(height):
    roots = np.sort(np.roots([4 * height, 0, -4 * height, -0.25]).real)
    return roots[0], roots[2]


def exact(height):
    """The mean first-passage time from the left minimum to the right one, by quadrature."""
    a, c = minima(height)
    x = np.linspace(-3, c, 60001)
    v = height * (x**2 - 1) ** 2 - x / 4
    inner = np.cumsum(np.exp(-v)) * (x[1] - x[0])
    return np.sum((np.exp(v) * inner)[x >= a]) * (x[1] - x[0])


def position(key, state):
    del key
    return state.position


def passages(height, members=2000, step=0.0025, num_steps=6000):
    """Times to the right minimum; members that are still left are censored. The step shifts the end by its noise."""
    a, c = minima(height)
    found = ensemble.run(
        jax.random.key(0), Langevin(step), Wells(height), jnp.full(members, a), target_axes=None,
        observables={"time": HittingTime(position, float(c))}, num_steps=num_steps, record_every=1, progress=False,
    )  # fmt: skip
    return escape_times(found.results["time"], time_per_step=step, last_step=num_steps)


def test_the_quadrature():
    assert exact(3.0) == pytest.approx(7.10577, rel=1e-3)
    assert exact(6.0) == pytest.approx(63.7865, rel=1e-3)


def test_first_passages_with_censoring():
    found = passages(3.0)
    assert found.censored > 100
    # Looked at once a step, a path is caught .58 of a step's noise late.
    assert abs(found.mean_time.mean - exact(3.0)) < 5 * found.mean_time.error + 0.03 * exact(3.0)


def test_the_rate_of_exponential_times_does_not_mind_censoring():
    times = np.random.default_rng(0).exponential(1000.0, 20_000).astype(int)
    for last in (500, 3000, 20_000):
        found = escape_times(np.where(times < last, times, -1), time_per_step=0.1, last_step=last)
        assert abs(found.mean_time.mean - 100.0) < 5 * found.mean_time.error + 0.1
    assert found.regularity == pytest.approx(1, abs=0.05)


def test_arrhenius():
    barriers = np.array([2.0, 3.0, 5.0])
    times = [EscapeTimes(Estimate(1.0, 1.0), Estimate(4 * np.exp(b), 1.0), 400, 0, 1.0) for b in barriers]
    slope, intercept = arrhenius(times, barriers)
    assert slope.mean == pytest.approx(1)
    assert intercept.mean == pytest.approx(np.log(4))
    with pytest.raises(ValueError, match="`barriers` must be one for every time, three of them different"):
        arrhenius(times, [1.0, 1.0, 2.0])
    with pytest.raises(ValueError, match="`steps` must be with an escape among them"):
        escape_times([-1, -1], time_per_step=1.0, last_step=10)
