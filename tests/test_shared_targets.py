"""What members share is declared, and every tool takes it as it is: the numbers of a run are those of copies."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax import DropletMoves, ReplicaExchange, UnderdampedLangevin
from grokjax.systems import teacher_student as ts


SYSTEM = ts.TeacherStudent(
    width=6,
    num_samples=5,  # as many as there are entries in the first case: lengths say nothing
    input_dim=4,
    noise_variance=0.4,
    readout_variance=1.0,
    weight_variance=1.0,
    teacher={1: 1.0, 3: 0.1},
)


class OneDataSet(ts.Students):
    """Students on one given data set."""

    def draw(self, data_key, start_key, system):
        problem = super().draw(data_key, start_key, system)
        inputs = jax.random.normal(jax.random.key(5), problem.target.inputs.shape)
        data = inputs, inputs[:, :1].T ** 3
        return eqx.tree_at(lambda problem: (problem.target.inputs, problem.target.targets), problem, data)


class Sharing(OneDataSet):
    """Which all of them share."""

    def share(self, problem):
        return problem.target.inputs, problem.target.targets


MOVES = {
    "automatic step": {},
    "droplets": {"droplets": DropletMoves(every=2)},
    "exchange": {"droplets": DropletMoves(every=2), "exchange": ReplicaExchange([0.2, 0.4], every=4)},
}


@pytest.mark.medium
@pytest.mark.parametrize(
    "moves", [pytest.param(name, marks=() if name == "automatic step" else pytest.mark.slow) for name in MOVES]
)
@pytest.mark.filterwarnings("ignore:.*not in equilibrium")
def test_shared_targets_are_copies_kept_once(moves):
    def run(experiment):
        return grokjax.simulate(
            jax.random.key(1),
            SYSTEM,
            experiment(num_test=16),
            sampler=UnderdampedLangevin(None),
            num_members=5,
            num_witnesses=0,
            num_steps=24,
            record_every=4,
            dtype=jnp.float64,
            progress=False,
            **MOVES[moves],
        )

    copies, shared = run(OneDataSet), run(Sharing)
    assert copies.problem.target.inputs.ndim == 3
    assert shared.problem.target.inputs.shape == (5, 4)
    assert shared.problem.target.noise_variance.shape == (shared.layout.num_entries,)
    for ours, theirs in zip(jax.tree.leaves(shared.series), jax.tree.leaves(copies.series), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-12)


def test_droplet_moves_are_for_squared_errors():
    posterior = grokjax.Posterior(
        jnp.zeros((3, 4)), jnp.zeros((1, 3)), jnp.ones(()), None, likelihood=grokjax.likelihoods.Poisson()
    )
    with pytest.raises(ValueError, match="`droplets` must be used with a Gaussian Posterior, but got 'Poisson'"):
        DropletMoves().around(UnderdampedLangevin(0.1), posterior, None, None)
