"""Loops of the cubic unit against its Fokker-Planck equation."""

import jax
import jax.numpy as jnp
import pytest

from grokjax.evidence.ramp import ramp
from grokjax.samplers import Langevin
from grokjax.systems import power_unit as pu


def loop(rate, size=50, members=512, step=0.01):
    unit = pu.PowerUnit(power=3, num_observations=size)
    problem = pu.PowerUnits().draw(jax.random.key(0), jax.random.key(1), jax.tree.map(jnp.asarray, unit))
    start = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, (members,)), problem.starts[0])
    return ramp(jax.random.key(2), problem.target, start, Langevin(step), low=0.4, high=2.5, rate=rate)


@pytest.mark.medium
@pytest.mark.parametrize(("rate", "work"), [(0.1, 20.48), (0.01, 3.868)])
def test_the_work_of_a_loop(rate, work):
    found = loop(rate)
    assert found.rate == pytest.approx(rate, rel=0.02)
    assert abs(found.work.mean - work) < 5 * found.work.error + 0.03 * work
    middle = len(found.upwards) // 3
    assert found.upwards[middle] > found.downwards[middle]  # the way up lags behind


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="`high` must be above low"):
        ramp(jax.random.key(0), None, None, Langevin(0.1), low=1.0, high=0.5, rate=0.1)
