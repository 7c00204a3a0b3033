"""First-passage times: exact on a deterministic run, and independent of how a run is cut into chunks."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax import ensemble
from grokjax.observables import NEVER, HittingTime
from grokjax.samplers import GradientDescent


class Hill(eqx.Module):
    """A straight slope: plain descent at rate 1 moves by `slope` in every step."""

    slope: jax.Array

    def __call__(self, position):
        return -self.slope * position


def position_and_half(key, state):
    del key
    return jnp.stack([state.position, state.position / 2])


@pytest.mark.parametrize(("num_chunks", "record_every"), [(1, 1), (5, 1), (20, 1), (5, 4)])
def test_hitting_time_of_a_straight_line(num_chunks, record_every):
    slopes = jnp.array([1.0, 0.5, 0.125, 0.03125], jnp.float32)
    run = ensemble.run(
        jax.random.key(0),
        GradientDescent(optax.sgd, learning_rate=1.0),
        Hill(slopes),
        jnp.zeros(4, jnp.float32),
        num_steps=20,
        num_chunks=num_chunks,
        record_every=record_every,
        observables={"hit": HittingTime(position_and_half, 1.25)},
        progress=False,
    )
    exact = np.array([[2, 3], [3, 5], [10, 20], [NEVER, NEVER]])
    on_grid = np.where(exact == NEVER, NEVER, -(-exact // record_every) * record_every)
    np.testing.assert_array_equal(run.results["hit"], on_grid)
