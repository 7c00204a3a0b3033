"""The local learning coefficient of minima whose law is known, regular and singular."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.evidence.local_learning import local_learning_coefficient
from grokjax.samplers import Langevin, UnderdampedLangevin


CURVATURES = jnp.arange(10.0, 201.0, 10.0)  # of b S, with b = 1


def regular(position):
    return jnp.sum(CURVATURES * position**2) / 2


def quartic(position):
    return jnp.sum(position**4)


@pytest.mark.medium
@pytest.mark.parametrize(
    ("sampler", "expected"),
    [(UnderdampedLangevin(0.05, 8.0), 8.677321), (Langevin(1 / 420), 10.198849), (Langevin(1 / 840), 9.362769)],
    ids=["BAOAB", "Euler, long step", "Euler, short step"],
)
def test_a_regular_minimum(sampler, expected):
    """Half the sum of x/(x + gamma); Euler's step multiplies each term by 1/(1 - h (x + gamma)/2), BAOAB's by one."""
    found = local_learning_coefficient(
        jax.random.key(0), regular, jnp.zeros(20), inverse_noise=1.0, restraint=10.0, sampler=sampler, num_steps=6000
    )
    assert abs(found.coefficient.mean - expected) < 5 * found.coefficient.error
    assert found.coefficient.error < 0.02 * expected
    loose = 0.5 * float(jnp.sum(CURVATURES / (CURVATURES + 5)))
    if isinstance(sampler, UnderdampedLangevin):
        assert abs(found.step_bias.mean) < 5 * found.step_bias.error
        assert abs(found.restraint_bias.mean - (8.677321 - loose)) < 5 * found.restraint_bias.error
    else:
        assert found.step_bias.mean > 3 * found.step_bias.error


@pytest.mark.parametrize(("restraint", "expected"), [(0.0, 0.25), (10.0, 0.22490)])
def test_a_singular_minimum(restraint, expected):
    found = local_learning_coefficient(
        jax.random.key(1), quartic, jnp.zeros(()), inverse_noise=1000.0, restraint=restraint,
        sampler=UnderdampedLangevin(0.03, 5.0), num_steps=8000, num_chains=128,
    )  # fmt: skip
    assert abs(found.coefficient.mean - expected) < 5 * found.coefficient.error
    assert found.coefficient.error < 0.02 * expected


def test_chains_that_diverge_are_refused():
    with pytest.warns(UserWarning, match="diverged"), pytest.raises(ValueError, match="chains that diverged"):
        local_learning_coefficient(
            jax.random.key(0), regular, jnp.ones(20), inverse_noise=1.0, restraint=10.0, sampler=Langevin(0.03)
        )
    assert np.isfinite(float(regular(jnp.zeros(20))))


@pytest.mark.slow
def test_reduced_rank_regression():
    """A 2-2-2 linear network of zero truth: the restraint is its Gaussian prior, so that all of the law is seen."""

    def loss(position):
        first, second = position
        return jnp.sum((second @ first) ** 2) / 2

    found = local_learning_coefficient(
        jax.random.key(2), loss, (jnp.zeros((2, 2)), jnp.zeros((2, 2))), inverse_noise=100.0, restraint=1.0,
        sampler=UnderdampedLangevin(0.025, 1.0), num_steps=20_000, num_chains=64,
    )  # fmt: skip
    assert abs(found.coefficient.mean - 1.35632) < 5 * found.coefficient.error
    assert found.coefficient.error < 0.02 * 1.35632
