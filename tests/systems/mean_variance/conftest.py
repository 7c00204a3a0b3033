"""The reference set, and its field theory over the published square: one compiled program for many tests."""

import numpy as np
import pytest

from grokjax.systems import mean_variance as mv


@pytest.fixture(scope="session")
def sine64():
    return mv.sine(64)


@pytest.fixture(scope="session")
def square(sine64):
    """System and predictions over the 19 x 19 square of the paper."""
    grid = np.array(mv.PAPER_SQUARE)
    system = mv.MeanVariance.from_square(sine64, rho=grid[:, None], gamma=grid[None])
    return system, mv.predict(system)
