"""Droplet moves leave the posterior invariant: the joint law of data and network, told by its prior (README.md)."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax.networks import TwoLayer
from grokjax.posterior import Posterior
from grokjax.samplers import DropletMoves, Langevin, WithDropletMoves
from grokjax.samplers.droplet_moves import data_direction


REPLICATES, ROUNDS, WIDTH, DIM, SAMPLES, OUTPUTS, NOISE = 4096, 12, 4, 3, 6, 2, 0.3
SCALES = TwoLayer(jnp.asarray(0.8), jnp.asarray(0.6), jax.lax.erf)


def joint(seed, moves, kernel=WithDropletMoves):
    """theta ~ prior, then rounds of {y ~ p(y|theta), one sweep}: theta must stay N(0, 1)."""

    def one(key):
        input_key, position_key, key = jax.random.split(key, 3)
        inputs = jax.random.normal(input_key, (SAMPLES, DIM))
        draws = jax.random.normal(position_key, (WIDTH * (DIM + OUTPUTS),))
        position = TwoLayer(
            draws[: WIDTH * DIM].reshape(WIDTH, DIM), draws[WIDTH * DIM :].reshape(OUTPUTS, WIDTH), jax.lax.erf
        )

        def one_round(position, key):
            data_key, sweep_key = jax.random.split(key)
            target = Posterior(inputs, jnp.zeros((OUTPUTS, SAMPLES)), jnp.asarray(NOISE), SCALES)
            noise = jnp.sqrt(NOISE) * jax.random.normal(data_key, (OUTPUTS, SAMPLES))
            target = eqx.tree_at(lambda t: t.targets, target, target.predictions(position) + noise)
            mixture = moves.mixture(jnp.asarray(0.8), DIM)
            direction = data_direction(target.inputs, target.targets)
            sampler = kernel(Langevin(0.1), mixture, direction, 1, moves.num_neurons)
            position, tried, accepted = sampler.sweep(sweep_key, target, position)
            return position, accepted / tried

        return jax.lax.scan(one_round, position, jax.random.split(key, ROUNDS))

    return jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(seed), REPLICATES))


def largest_z(position):
    """Second and fourth moments of both layers, and the correlation of read-out with first read-in, against N(0, 1)."""
    scores = []
    for layer in (position.read_in, position.read_out):
        flat = np.asarray(layer).reshape(REPLICATES, -1)
        for power, mean, variance in ((2, 1, 2), (4, 3, 96)):
            scores.append(((flat**power).mean() - mean) / np.sqrt(variance / flat.size))
    product = np.asarray(position.read_in[:, :, 0] * position.read_out[:, 0])
    scores.append(product.mean() * np.sqrt(product.size))
    return np.abs(scores).max()


MIXTURES = {
    "own": DropletMoves(),
    "wells": DropletMoves(positions=[0.0, 0.9], widths=[0.3, 0.4], weights=[1.0, 2.0]),
    "window": DropletMoves(num_neurons=2),
}


@pytest.mark.medium
@pytest.mark.parametrize("name", MIXTURES)
def test_the_prior_stays_the_prior(name):
    position, acceptance = joint(0, MIXTURES[name])
    assert largest_z(position) < 5
    assert 0.1 < float(acceptance.mean()) < 0.95


class ForgetfulMixture(grokjax.samplers.droplet_moves.OverlapMixture):
    """Leaves the proposal out of the acceptance."""

    def log_density(self, q):
        return jnp.zeros_like(q)


def test_a_forgotten_proposal_density_shows():
    def forgetful(sampler, mixture, *rest):
        return WithDropletMoves(sampler, ForgetfulMixture(mixture.positions, mixture.widths, mixture.weights), *rest)

    position, _ = joint(0, MIXTURES["wells"], forgetful)
    assert largest_z(position) > 10


def test_only_two_layers_with_a_gaussian_prior():
    moves = WithDropletMoves(Langevin(0.1), MIXTURES["own"].mixture(jnp.asarray(1.0), 3), jnp.ones(3), 1)
    position = TwoLayer(jnp.ones((2, 3)), jnp.ones((1, 2)), jax.lax.erf)
    target = Posterior(jnp.ones((4, 3)), jnp.ones((1, 4)), jnp.asarray(1.0), SCALES, penalty=lambda net: jnp.zeros(()))
    with pytest.raises(ValueError, match="`droplets` must be used with TwoLayer networks under a Gaussian prior"):
        moves.init(jax.random.key(0), target, position)


def test_bad_mixtures_are_refused():
    with pytest.raises(ValueError, match="`positions` must be given together with widths and weights"):
        DropletMoves(positions=[0.5])
    with pytest.raises(ValueError, match="`widths` must be of the shape of positions"):
        DropletMoves(positions=[0.0, 0.5], widths=[0.1], weights=[1.0, 1.0])
    with pytest.raises(ValueError, match='`direction` must be one of "data", "teacher"'):
        DropletMoves(direction="north")
