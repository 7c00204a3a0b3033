"""Bayesian linear regression: a Gaussian posterior known in closed form (README.md)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from grokjax import Langevin, UnderdampedLangevin, ensemble
from grokjax.observables import RunningMoments, measure_energy


MEMBERS, SAMPLES, DIM, NOISE = 4000, 12, 3, 0.3


class Regression(eqx.Module):
    inputs: jax.Array
    targets: jax.Array

    def __call__(self, theta):
        residual = self.inputs @ theta - self.targets
        return jnp.sum(residual**2) / (2 * NOISE) + jnp.sum(theta**2) / 2


def position(key, state):
    return state.position


def referee(X, y):
    covariance = np.linalg.inv(X.T @ X / NOISE + np.eye(DIM))
    return covariance @ X.T @ y / NOISE, covariance


def sample(sampler, seed):
    X = jax.random.normal(jax.random.key(10), (SAMPLES, DIM))
    y = X @ jnp.array([1.0, -0.5, 0.3]) + 0.5 * jax.random.normal(jax.random.key(11), (SAMPLES,))
    run = ensemble.run(
        jax.random.key(seed),
        sampler,
        Regression(X, y),
        jnp.zeros((MEMBERS, DIM)),
        target_axes=None,
        num_steps=200,
        warmup=199,
        num_chunks=200,
        observables={"theta": RunningMoments(position), "energy": RunningMoments(measure_energy)},
        progress=False,
    )
    return np.asarray(X), np.asarray(y), run.results["theta"].mean, run.results["energy"].mean


def test_baoab_samples_the_posterior_at_a_large_step():
    X, y, theta, energy = sample(UnderdampedLangevin(0.2, 1.0), 0)
    mean, covariance = referee(X, y)
    z = (theta.mean(axis=0) - mean) / np.sqrt(np.diag(covariance) / MEMBERS)
    assert np.abs(z).max() < 5
    # Whitened by the exact covariance every second moment is delta_ij, with standard error sqrt((1 + delta_ij)/M).
    white = (theta - mean) @ np.linalg.inv(np.linalg.cholesky(covariance)).T
    second = white.T @ white / MEMBERS
    assert np.abs((second - np.eye(DIM)) / np.sqrt((1 + np.eye(DIM)) / MEMBERS)).max() < 5
    lowest = np.sum((X @ mean - y) ** 2) / (2 * NOISE) + np.sum(mean**2) / 2
    assert abs(energy.mean() - lowest - DIM / 2) < 5 * np.sqrt(DIM / 2 / MEMBERS)


def test_overdamped_covariance_matches_its_discretised_law():
    h = 0.01
    X, y, theta, _ = sample(Langevin(h), 1)
    mean, covariance = referee(X, y)
    eigenvalues, modes = np.linalg.eigh(np.linalg.inv(covariance))
    start = -(mean @ modes)
    decay = (1 - h * eigenvalues) ** 200
    stationary = 1 / (eigenvalues * (1 - h * eigenvalues / 2))
    variance = stationary * (1 - decay**2)  # 200 steps from a fixed point
    white = ((theta - mean) @ modes - start * decay) / np.sqrt(variance)
    assert np.abs(white.mean(axis=0)).max() < 5 / np.sqrt(MEMBERS)
    assert np.abs((white**2).mean(axis=0) - 1).max() < 5 * np.sqrt(2 / MEMBERS)
