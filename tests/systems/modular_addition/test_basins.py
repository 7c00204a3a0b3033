"""Two minima of one training set, and the slope of the free energy on it."""

import sys

import jax
import numpy as np
import pytest

import grokjax
from grokjax.driver import first_positions
from grokjax.experiment import Design
from grokjax.systems import modular_addition as ma


SYSTEM = ma.ModularAddition(
    prime=5, width=6, noise_variance=0.02, readout_variance=0.01 / 25, sextic_decay=3.0, training_fraction=0.8
)
KEY = jax.random.key(0)


@pytest.mark.medium
def test_the_ladder_has_the_training_set_of_the_basins():
    run = ma.ladder_of_basins(KEY, SYSTEM, grokjax.ReplicaExchange([0.018, 0.02, 0.022]), num_steps=200)
    problem, _ = first_positions(jax.random.split(KEY, 3)[0], SYSTEM, ma.QuadraticNetworks(), Design(num_members=1))
    included = np.asarray(run.problem.target.inputs)
    np.testing.assert_array_equal(included, np.broadcast_to(problem.target.inputs[0], included.shape))
    assert included[0].sum() == 20
    assert (np.asarray(grokjax.free_energy(run).learning_coefficient.mean) > 0).all()


@pytest.mark.medium
def test_both_minima_and_their_coefficients():
    """Restrained chains hold half a direction for each that the data or the restraint hold, and no more."""
    found = ma.basins(KEY, SYSTEM, inverse_noise=200.0, num_descent=800, num_chains=8, num_steps=400)
    assert [basin.start for basin in found] == ["prior", "frequencies"]
    for basin in found:
        assert float(basin.order_parameters.train_accuracy) > 0.9
        assert 0 < basin.learning.coefficient.mean < 3 * 6 * 5 / 2
        assert basin.learning.lowest < 0.8  # a tenth of that of a network without outputs
    with pytest.raises(ValueError, match="`num_descent`"):
        ma.basins(KEY, SYSTEM, inverse_noise=200.0, num_descent=0)


@pytest.mark.filterwarnings("ignore:.*diverged")
def test_a_descent_that_diverges_is_told_as_such(monkeypatch):
    monkeypatch.setattr(sys.modules["grokjax.systems.modular_addition.basins"], "LEARNING_RATE", 1e80)
    with pytest.raises(ValueError, match="`num_descent`"):
        ma.basins(KEY, SYSTEM, inverse_noise=200.0, num_descent=20, num_chains=2, num_steps=10)


@pytest.mark.medium
def test_where_the_descent_is_not_at_an_end_the_coefficient_says_so():
    early, _ = ma.basins(KEY, SYSTEM, inverse_noise=1000.0, num_descent=60, num_chains=8, num_steps=40)
    assert early.learning.coefficient.mean < 0
    assert "w* is no minimum" in repr(early)
