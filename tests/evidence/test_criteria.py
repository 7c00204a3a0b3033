"""WAIC and the singular fluctuation of Bayesian linear regression on a given data set, in closed form."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax.evidence.criteria import information_criteria


N, D = 200, 20
MU, K = np.arange(N) + 0.5, np.arange(1, D + 1)
SCALES = np.sqrt(200.0) * (1 + 0.05 * K)
INPUTS = 0.1 * np.cos(np.pi * np.outer(MU, K) / N) * SCALES
TEACHER = np.where(K % 2 == 1, 1.0, -1.0) / np.sqrt(D)
TARGETS = INPUTS @ TEACHER + 0.3 * np.cos(np.pi * MU * 40 / N)


class Linear(eqx.Module):
    weights: jax.Array

    def batch(self, inputs):
        return (inputs @ self.weights)[None]


class Regression(grokjax.AbstractParameters):
    noise_variance: jax.Array = grokjax.parameter(positive=True)


class Regressions(grokjax.AbstractExperiment):
    def draw(self, data_key, start_key, system):
        dtype = system.noise_variance.dtype
        data = jnp.asarray(INPUTS, dtype), jnp.asarray(TARGETS, dtype)[None]
        target = grokjax.Posterior(*data, system.noise_variance, Linear(jnp.asarray(1 / np.sqrt(D), dtype)))
        return grokjax.Problem(target, Linear(jax.random.normal(start_key, (D,), dtype)))

    def measure(self, key, problem, state):
        return jnp.mean(state.position.weights)


@pytest.mark.medium
def test_linear_regression():
    noises = jnp.array([0.9, 90.0])
    run = grokjax.simulate(
        jax.random.key(0), Regression(noise_variance=noises), Regressions(), num_members=16, num_steps=400,
        sampler=grokjax.UnderdampedLangevin(None), dtype=jnp.float64, progress=False,
    )  # fmt: skip
    found = information_criteria(run, jax.random.key(1), 3000)
    for i, (waic, fluctuation) in enumerate([(189.298871, 0.990526), (637.554550, 0.068394)]):
        # Beside the error over members, the bias of a time average over a few hundred independent records.
        found_fluctuation = found.singular_fluctuation
        assert abs(found_fluctuation.mean[i] - fluctuation) < 5 * found_fluctuation.error[i] + 0.01 * fluctuation
        assert abs(found.waic.mean[i] - waic) < 5 * found.waic.error[i] + 0.02
    with pytest.raises(ValueError, match="`run` must be one with its problems and states"):
        information_criteria(run.without_states(), jax.random.key(1), 100)
