"""The profile of the number of droplets, from numbers whose law is known."""

import types

import numpy as np
import pytest

from grokjax.evidence.droplets import number_profile


WIDTH = 50


def fake(numbers):
    """A run whose only rung has these numbers of specialised neurons, shape (member, record)."""
    series = types.SimpleNamespace(side_weight=numbers[None] / WIDTH)
    return types.SimpleNamespace(series=series, diverged=np.zeros((1, len(numbers)), bool))


def test_independent_neurons():
    """Binomial numbers: convex, with the variance 1 - p over the mean; data sets that differ are aligned."""
    rng = np.random.default_rng(0)
    share = np.array([0.1, 0.2, 0.1, 0.2])
    found = number_profile(fake(rng.binomial(WIDTH, share[:, None], size=(4, 20_000))), WIDTH, 0)
    assert abs(found.mean.mean - WIDTH * 0.15) < 0.05
    assert abs(found.variance.mean - (1 - 0.15)) < 0.02
    assert found.barrier.mean < 0.3 + 3 * found.barrier.error  # bumps of rare numbers
    assert found.profile.mean.min() == 0
    assert set(found.number) >= {-2, -1, 0, 1, 2}


def test_a_barrier_between_networks_is_seen():
    rng = np.random.default_rng(1)
    two = np.where(
        rng.random((6, 20_000)) < 0.5, rng.binomial(WIDTH, 0.1, (6, 20_000)), rng.binomial(WIDTH, 0.6, (6, 20_000))
    )
    found = number_profile(fake(two), WIDTH, 0)
    assert found.barrier.mean > 1 + 3 * found.barrier.error


def test_a_run_without_side_weight_is_named():
    with pytest.raises(ValueError, match="`run` must be one that follows the side weight"):
        number_profile(types.SimpleNamespace(series=None), WIDTH, 0)
