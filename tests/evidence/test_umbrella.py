"""Restrained windows against the exact profile of a double well, and what is refused."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.evidence.umbrella import umbrella
from grokjax.samplers import UnderdampedLangevin
from grokjax.systems import power_unit as pu


CENTRES = np.linspace(-0.25, 1.1, 24)


@pytest.fixture(scope="module")
def cubic():
    """A cubic unit of 200 observations where its wells are level: a barrier of 5.66 nats."""
    unit = pu.PowerUnit(power=3, num_observations=200, noise_variance=1 / pu.sharp_limit(3).inverse_noise)
    return unit, pu.umbrella(jax.random.key(0), unit, centres=CENTRES, num_steps=3000)


def test_the_barrier_is_the_exact_one(cubic):
    _, found = cubic
    limit = pu.sharp_limit(3)
    for climbed in (found.profile.from_centre, found.profile.from_side):
        assert abs(climbed.mean - 200 * float(limit.barrier)) < 5 * climbed.error + 0.05  # bins
        assert climbed.error < 0.4
    assert found.profile.has_two_wells
    assert found.profile.saddle == pytest.approx(float(limit.saddle), abs=0.1)
    assert found.profile.side == pytest.approx(float(limit.well), abs=0.1)


def test_the_whole_profile_is_the_law_of_the_weight(cubic):
    """Between the wells, where the law itself has e^-5.7 of its weight in a bin."""
    unit, found = cubic
    w, values = found.profile.positions, found.profile.values
    between = (w > -0.05) & (w < 0.9)
    exact = 200 * (w**2 / 2 + (w**3 - 1) ** 2 / 2 / float(unit.noise_variance))
    gap = (values.mean - exact)[between]
    error = values.error[between]
    assert np.abs((gap - gap.mean()) / error).mean() < 2.5  # eight members: Student's tails
    assert np.abs(gap - gap.mean()).max() < 0.6
    np.testing.assert_allclose(found.overlap.sum(axis=1), 1, rtol=1e-6)


class Wide:
    """$q^2/2$ for every member, and the coordinate itself."""

    def __call__(self, q):
        return q**2 / 2


def identity(key, state):
    del key
    return state.position


def windows(centres, *, members=2, sampler=None, num_steps=200, **options):
    start = jnp.broadcast_to(jnp.asarray(centres, jnp.float32), (members, len(centres)))
    return umbrella(
        jax.random.key(0), Wide(), start, identity, centres=centres, sampler=sampler, num_steps=num_steps,
        target_axes=None, **options,
    )  # fmt: skip


def test_windows_apart_are_refused():
    with pytest.raises(ValueError, match=r"neighbours overlap by 0.03, but got 'an overlap of .* between"):
        windows([-4.0, 0.0, 4.0], stiffness=30.0)


def test_bad_input():
    for centres in ([0.0, 1.0], [0.0, 1.0, 3.0], [2.0, 1.0, 0.0]):
        with pytest.raises(ValueError, match="`centres` must be three or more, ascending at equal distances"):
            windows(centres)
    with pytest.raises(ValueError, match="`stiffness` must be finite and above zero"):
        windows([0.0, 1.0, 2.0], stiffness=0.0)
    with pytest.raises(ValueError, match="`positions` must be of leading axes"):
        umbrella(jax.random.key(0), Wide(), jnp.zeros(3), identity, centres=[0.0, 1.0, 2.0], target_axes=None)


def test_a_diverging_window_is_refused():
    with pytest.warns(UserWarning, match="diverged"), pytest.raises(ValueError, match="`sampler` must be stable"):
        windows([0.0, 1.0, 2.0], sampler=UnderdampedLangevin(3.0), num_steps=400)
