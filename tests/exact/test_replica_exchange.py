"""Replica exchange on a linear model, whose posterior is Gaussian at every rung (README.md)."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import LeimkuhlerMatthews, ReplicaExchange, RunningMoments, Series, UnderdampedLangevin, ensemble
from grokjax.observables import PerRung
from grokjax.posterior import Posterior
from grokjax.samplers import WithReplicaExchange


DIM, SAMPLES, MEMBERS = 3, 40, 600
LADDER = ReplicaExchange(np.geomspace(0.2, 1.0, 5), every=3)


class Linear(eqx.Module):
    weights: jax.Array

    def batch(self, inputs):
        return (inputs @ self.weights)[None]


def position(key, state):
    return state.position.weights


def squares(key, state):
    return jnp.outer(state.position.weights, state.position.weights)


MOMENTS = {"x": PerRung(RunningMoments(position)), "xx": PerRung(RunningMoments(squares))}


def problem():
    inputs = jax.random.normal(jax.random.key(1), (SAMPLES, DIM)) / 3
    targets = (inputs @ jnp.array([1.0, -0.5, 0.3]))[None] + 0.4 * jax.random.normal(jax.random.key(2), (1, SAMPLES))
    target = Posterior(inputs, targets, jnp.asarray(1.0), Linear(jnp.asarray(1.0)))
    rungs = len(LADDER.noise_variances)
    start = Linear(jax.random.normal(jax.random.key(3), (MEMBERS, rungs, DIM)))
    ladder = jnp.broadcast_to(LADDER.noise_variances, (MEMBERS, rungs))
    axes = jax.tree.map(lambda _: None, target)
    return target, axes, start, ladder


def run(sampler=UnderdampedLangevin(0.25, 1.0), **options):
    target, axes, start, ladder = problem()
    return target, ensemble.run(
        jax.random.key(0),
        WithReplicaExchange(sampler, ladder, LADDER.every),
        target,
        start,
        target_axes=axes,
        progress=False,
        **{"num_steps": 120, "warmup": 40, "num_chunks": 6, "record_every": 2, "observables": MOMENTS, **options},
    )


@pytest.fixture(scope="module")
def exchanged():
    return run()


def largest_z(target, result):
    """Means and second moments of every rung against its Gaussian posterior."""
    rungs = len(LADDER.noise_variances)
    mean = result.results["x"].mean.reshape(MEMBERS, rungs, DIM)
    second = result.results["xx"].mean.reshape(MEMBERS, rungs, DIM, DIM)
    X, y = np.asarray(target.inputs), np.asarray(target.targets)[0]
    scores = []
    for rung, noise in enumerate(np.asarray(LADDER.noise_variances)):
        covariance = np.linalg.inv(X.T @ X / noise + np.eye(DIM))
        centre = covariance @ X.T @ y / noise
        for found, exact in ((mean[:, rung], centre), (second[:, rung], covariance + np.outer(centre, centre))):
            scores.append((found.mean(axis=0) - exact) / (found.std(axis=0, ddof=1) / math.sqrt(MEMBERS)))
    return max(np.abs(z).max() for z in scores)


def test_every_rung_has_its_own_posterior(exchanged):
    assert largest_z(*exchanged) < 5


def test_acceptance_is_that_of_gaussian_energies(exchanged):
    """In DIM dimensions the data energy fluctuates by DIM/2; acceptance exact for two Gaussians, by quadrature."""
    target, result = exchanged
    state = result.states
    found = np.asarray(state.accepted).sum(axis=0) / np.asarray(state.tried).sum(axis=0)
    X, y = np.asarray(target.inputs), np.asarray(target.targets)[0]
    rng = np.random.default_rng(0)
    noises = np.asarray(LADDER.noise_variances)

    def errors(noise):
        covariance = np.linalg.inv(X.T @ X / noise + np.eye(DIM))
        theta = rng.multivariate_normal(covariance @ X.T @ y / noise, covariance, size=200_000)
        return ((theta @ X.T - y) ** 2).sum(axis=1) / 2

    for pair in range(len(noises) - 1):
        low, high = errors(noises[pair]), errors(noises[pair + 1])
        ratio = (1 / noises[pair] - 1 / noises[pair + 1]) * (low - high)
        exact = np.minimum(1, np.exp(ratio)).mean()
        tried = np.asarray(state.tried)[:, pair].sum()
        # Members are independent, attempts of one member nearly so.
        assert abs(found[pair] - exact) < 5 * math.sqrt(2 * exact * (1 - exact) / tried), (pair, found[pair], exact)


def test_energies_and_gradients_follow_their_noise(exchanged):
    target, result = exchanged
    state = result.states
    rung = np.asarray(state.rung)
    np.testing.assert_array_equal(np.sort(rung, axis=1), np.broadcast_to(np.arange(rung.shape[1]), rung.shape))
    assert (rung != np.arange(rung.shape[1])).any()
    for member in range(3):
        for slot in range(rung.shape[1]):
            at = eqx.tree_at(lambda t: t.noise_variance, target, LADDER.noise_variances[rung[member, slot]])
            here = jax.tree.map(lambda leaf, index=(member, slot): leaf[index], state.replicas)
            energy, gradient = jax.value_and_grad(at)(here.position)
            np.testing.assert_allclose(here.energy, energy, rtol=1e-10)
            np.testing.assert_allclose(here.gradient.weights, gradient.weights, rtol=1e-9)


def test_replicas_travel_and_pairs_take_turns(exchanged):
    _, result = exchanged
    state = result.states
    np.testing.assert_array_equal(np.unique(state.attempts), [120])
    np.testing.assert_array_equal(np.unique(state.tried), [60])
    assert np.asarray(state.round_trips).sum() > MEMBERS  # every ladder more than once


def test_results_do_not_depend_on_the_cut():
    reference, other = run(num_steps=24, warmup=0)[1], run(num_steps=24, warmup=0, num_chunks=3, member_block=7)[1]
    np.testing.assert_allclose(other.results["x"].mean, reference.results["x"].mean, rtol=1e-9, atol=1e-12)
    np.testing.assert_array_equal(other.states.rung, reference.states.rung)


@pytest.mark.medium
@pytest.mark.parametrize("splitting", [None, "BAOA"], ids=["Leimkuhler-Matthews", "BAOA"])
def test_steps_may_differ_between_rungs(splitting):
    """Long steps that shrink with the noise, and dynamics whose memory holds a kick by the gradient: still exact."""
    target, _, _, ladder = problem()
    X = np.asarray(target.inputs)
    stiffest = 1 + np.linalg.eigvalsh(X.T @ X).max() / ladder
    sampler = (
        LeimkuhlerMatthews(1.2 / stiffest)
        if splitting is None
        else UnderdampedLangevin(1.4 / stiffest**0.5, splitting=splitting)
    )
    assert largest_z(*run(sampler)) < 5


def test_results_of_rungs_are_labelled():
    observables = {"x": PerRung(Series(position)), "mean": PerRung(RunningMoments(position))}
    found = run(num_steps=8, warmup=4, num_chunks=1, observables=observables)[1]
    assert found.recorded == ("x",)
    data = found.to_xarray()
    assert data["x"].dims[:2] == ("replica", "record")
    assert data["x"].shape == (MEMBERS * len(LADDER.noise_variances), 2, DIM)
    assert data["mean_mean"].dims[0] == "replica"
    assert data["diverged"].dims == ("member",)


def test_a_ladder_of_a_wanted_acceptance():
    ladder = ReplicaExchange.between(0.1, 0.3, 375, acceptance=0.3)
    noise = np.asarray(ladder.noise_variances)
    np.testing.assert_allclose([noise[0], noise[-1]], [0.1, 0.3])
    delta = noise[1] / noise[0] - 1
    assert 0.3 <= math.erfc(delta * math.sqrt(375 / 2) / 2) < 0.4
    with pytest.raises(ValueError, match="`noise_variances` must be two or more noises in strictly"):
        ReplicaExchange([0.1, 0.3, 0.2])
