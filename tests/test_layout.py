"""Points x members on one axis, there and back."""

import jax
import numpy as np
import pytest

from grokjax import UnderdampedLangevin
from grokjax.ensemble import Layout


def test_there_and_back():
    layout = Layout.of((3,), 4, 2)
    noises = np.array([1e-4, 2e-4, 3e-4])
    np.testing.assert_allclose(layout.fold(layout.repeat(noises)), np.repeat(noises, 4).reshape(3, 4), rtol=1e-6)
    np.testing.assert_allclose(layout.fold(layout.repeat(0.5)), np.full((3, 4), 0.5))
    swept = Layout.of((2, 3), 4, roles=("half step",), num_witnesses=2)
    grid = np.arange(6.0).reshape(2, 3)
    entries = swept.repeat(grid)
    assert entries.shape == (swept.num_entries,) == (36,)
    np.testing.assert_array_equal(swept.fold(entries), np.broadcast_to(grid[..., None], (2, 3, 4)))
    np.testing.assert_array_equal(
        swept.fold_witnesses(entries, "half step"), np.broadcast_to(grid[..., None], (2, 3, 2))
    )


def test_keys():
    layout = Layout.of((3,), 4, 2)
    key = jax.random.key(0)
    data = layout.fold(jax.random.key_data(layout.dataset_keys(key)))
    np.testing.assert_array_equal(data[:, 0], data[:, 2])
    assert (data[:, 0] != data[:, 1]).any()
    assert (data[0] != data[1]).any()
    assert len({tuple(row) for row in jax.random.key_data(layout.member_keys(key)).tolist()}) == 12
    shared = Layout.of((3,), 4, 2, shared="data")
    data = shared.fold(jax.random.key_data(shared.dataset_keys(key)))
    np.testing.assert_array_equal(data[0], data[1])
    assert len({tuple(row) for row in jax.random.key_data(shared.member_keys(key)).tolist()}) == 12


def test_bad_layouts():
    layout = Layout.of((3,), 4)
    with pytest.raises(ValueError, match="step_size"):
        layout.check_survivors(np.ones((3, 4), bool), UnderdampedLangevin())
    with pytest.raises(ValueError, match="num_datasets"):
        Layout.of((3,), 4, 3)
    with pytest.raises(ValueError, match="num_witnesses"):
        Layout.of((3,), 4, num_witnesses=5)
