"""The cut of an ensemble changes speed and memory, not results."""

import jax
import numpy as np
import pytest

from grokjax.ensemble import Tiling, choose_tiling
from grokjax.systems import teacher_student as ts


def test_large_networks_are_tiled_and_small_ones_are_not():
    small, large = choose_tiling(88, 375, backend="cpu"), choose_tiling(1400, 6000, backend="cpu")
    assert small.row_tile is None
    assert small.member_block > 4
    assert large.row_tile is not None
    assert large.member_block < small.member_block
    assert choose_tiling(350, 1500, backend="cpu").member_block == 2  # each core has a member of its own
    assert choose_tiling(700, 3000, backend="cpu").member_block == 1
    for backend in ("gpu", "tpu"):
        base, huge = choose_tiling(700, 3000, backend=backend), choose_tiling(7000, 50_000, backend=backend)
        assert base == Tiling(None, None)  # tiles cost traffic, and bound memory only
        assert huge.row_tile is not None


def energies(**cut):
    system = ts.TeacherStudent(
        width=24,
        num_samples=60,
        input_dim=10,
        noise_variance=0.2,
        readout_variance=0.05,
        weight_variance=0.5,
        teacher={1: 1.0, 3: -0.3},
    )
    options = dict(num_members=3, num_steps=20, num_witnesses=0, dtype=np.float64, progress=False)
    return ts.simulate(jax.random.key(0), system, **options, **cut).diagnostics["energy"]


@pytest.fixture(scope="module")
def plain():
    return energies()


@pytest.mark.medium
@pytest.mark.parametrize("cut", [{"row_tile": 16}, {"member_block": 1}, {"row_tile": 25, "member_block": 2}])
def test_results_do_not_depend_on_the_cut(cut, plain):
    np.testing.assert_allclose(energies(**cut), plain, rtol=1e-9)
