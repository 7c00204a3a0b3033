"""The side threshold: 1/2 as published, or at the top of theory's barrier; both roads count by the system's own."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Langevin
from grokjax.systems import teacher_student as ts


NOISES = jnp.array([0.3, 0.1, 0.05])


@pytest.mark.medium
@pytest.mark.parametrize(
    ("teacher", "activation"),
    [
        ({1: 1.0, 3: -0.3}, "erf"),
        ({3: 1.0}, "erf"),
        ({1: 1.0, 3: -0.3}, "tanh"),
        pytest.param({1: 1.0, 2: 0.3}, "relu", marks=pytest.mark.slow),
    ],
)
def test_the_barrier_is_where_the_density_is_lowest_between_two_kinds(teacher, activation):
    """Against a fine scan of the law; one kind of neurons has no barrier and keeps the published threshold."""
    system = ts.TeacherStudent.at_scale(1 / 8, NOISES, teacher=teacher).replace(activation=activation)
    found = np.asarray(ts.at_barrier(system).side_threshold)
    q = jnp.linspace(0.0, 1.8, 3001)
    laws = ts.predict(system, theory="mean_field").law
    for index, threshold in enumerate(found):
        law = jax.tree.map(lambda leaf, i=index: leaf[i] if leaf.ndim and leaf.shape[0] == 3 else leaf, laws)
        action = -np.logaddexp(law.log_density(q), law.log_density(-q))
        tops = [i for i in range(1, 3000) if action[i - 1] < action[i] >= action[i + 1]]
        if tops:
            assert np.min(np.abs(q[np.array(tops)] - threshold)) < 2e-3
        else:
            assert threshold == 0.5


def test_where_the_published_system_has_its_barrier():
    """One broad hill at noise 0.3; beyond the transition the barrier lies above one half and moves out."""
    system = ts.TeacherStudent.at_scale(1 / 8, NOISES)
    thresholds = np.asarray(ts.at_barrier(system).side_threshold)
    np.testing.assert_allclose(thresholds, [0.5, 0.599, 0.686], atol=2e-3)


@pytest.mark.parametrize("theory", ["mean_field", pytest.param("finite_size", marks=pytest.mark.slow)])
def test_theory_counts_beyond_the_threshold_of_the_system(theory):
    system = ts.TeacherStudent.at_scale(1 / 8, 0.1)
    low, high = (ts.predict(system.replace(side_threshold=t), theory=theory) for t in (0.5, 0.7))
    q = jnp.linspace(0.5, 0.7, 2001)
    between = 2 * np.trapezoid(np.exp(np.asarray(low.law.log_density(q))), q)
    assert float(low.side_weight - high.side_weight) == pytest.approx(between, rel=1e-4)
    np.testing.assert_allclose(low.overlap[1], high.overlap[1], rtol=1e-7)


@pytest.mark.slow
def test_networks_are_counted_by_the_same_threshold():
    """A hot start has a fifth of its neurons at |q| = 0.75."""
    system = ts.TeacherStudent.at_scale(1 / 8, 0.1).replace(side_threshold=jnp.array([0.5, 0.7, 0.8]))
    run = ts.simulate(
        jax.random.key(0), system, start="droplets", num_members=2, num_steps=1, warmup=0, num_witnesses=0,
        sampler=Langevin(1e-6), progress=False,
    )  # fmt: skip
    found = np.asarray(run.side_weight.mean)
    assert found[0] == pytest.approx(found[1], abs=0.03)
    assert found[1] > 0.15
    assert found[2] < 0.05
