"""First-passage times in a double well against their exact mean, and the slope of Arrhenius' law."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.evidence.escape import EscapeTimes, arrhenius, escape_times, first_passages
from grokjax.evidence.statistics import Estimate
from grokjax.samplers import Langevin, UnderdampedLangevin
from grokjax.theory.escape import mean_passage_time


class Wells(eqx.Module):
    """$V=B(x^2-1)^2-x/4$."""

    height: float

    def __call__(self, x):
        return self.height * (x**2 - 1) ** 2 - x / 4


def minima(height):
    roots = np.sort(np.roots([4 * height, 0, -4 * height, -0.25]).real)
    return roots[0], roots[2]


def exact(height):
    """The mean first-passage time from the left minimum to the right one."""
    return float(mean_passage_time(Wells(height), *minima(height), -3.0))


def position(key, state):
    del key
    return state.position


def passages(sampler, num_steps, *, members=2000, height=3.0):
    """Times to the right minimum; members that are still left are censored."""
    a, c = minima(height)
    start = jnp.full(members, a)
    return first_passages(
        jax.random.key(0), Wells(height), start, sampler, position, beyond=float(c), num_steps=num_steps,
        target_axes=None,
    )  # fmt: skip


@pytest.mark.medium
@pytest.mark.parametrize(("step", "ratio"), [(0.0025, 0.997), (0.01, 0.970), (0.02, 0.906)])
def test_first_passages_of_overdamped_steps(step, ratio):
    """Euler's step leaves earlier, the more so the longer it is: ratios from its kernel on a grid."""
    found = passages(Langevin(step), int(15 / step))
    assert found.censored > 50
    # Looked at once a step, a path is caught .58 of a step's noise late.
    assert abs(found.mean_time.mean - ratio * exact(3.0)) < 4 * found.mean_time.error + 0.03 * exact(3.0)


@pytest.mark.parametrize(("step", "time"), [(0.05, 30.0), (0.1, 31.2)])
def test_first_passages_of_underdamped_steps(step, time):
    """BAOAB in the turnover, friction one, at .25 and .5 over the frequency of the right well."""
    found = passages(UnderdampedLangevin(step, 1.0), int(60 / step))
    assert abs(found.mean_time.mean - time) < 4 * found.mean_time.error + 0.03 * time


def test_a_step_that_is_too_long_is_refused():
    """At 1.49 over the frequency energies are spurious, and after the escape they diverge."""
    with pytest.warns(UserWarning, match="diverged"), pytest.raises(ValueError, match="`sampler` must be stable"):
        passages(UnderdampedLangevin(0.3, 1.0), 200)


def test_who_does_not_start_inside_is_left_out():
    start = jnp.array([-1.0, -1.0, 0.9])
    found = first_passages(
        jax.random.key(1), Wells(1.0), start, Langevin(0.01), position, beyond=1.0, inside=0.0, num_steps=2000,
        target_axes=None,
    )  # fmt: skip
    assert found.events + found.censored == 2
    with pytest.raises(ValueError, match="`inside` must be a value that some entries start below"):
        first_passages(
            jax.random.key(1), Wells(1.0), start, Langevin(0.01), position, beyond=1.0, inside=-2.0, num_steps=10,
            target_axes=None,
        )  # fmt: skip


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
