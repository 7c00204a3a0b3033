r"""Geweke's "getting it right": with data drawn again and again from the network, the weights must keep their prior.

A replicate starts at a prior draw and repeats {y ~ p(y | theta); a few sampler steps on p(theta | y)}. Both leave the
joint law p(theta) p(y | theta) as it is, so that after any number of rounds the whitened weights are N(0, 1) and the
data energy is half a chi-square variable of SAMPLES degrees of freedom. Replicates are independent (README.md).

References:
    Geweke, J. Am. Stat. Assoc. 99, 799 (2004).
"""

import sys
from collections.abc import Callable
from functools import cache
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import MALA, Langevin, LeimkuhlerMatthews, Posterior, TwoLayer, UnderdampedLangevin
from grokjax._tree import normal_like, tree_dot
from grokjax.networks import standard_normal_two_layer
from grokjax.samplers import AbstractSampler, energy_and_gradient


REPLICATES, INPUTS, WIDTH, SAMPLES = 4096, 5, 8, 10
ROUNDS, STEPS = 20, 8
NOISE_VARIANCE = 0.5
SCALES = TwoLayer(jnp.float32(INPUTS**-0.5), jnp.float32(WIDTH**-0.5), jax.lax.erf)
BAOAB, LM, ADJUSTED = UnderdampedLangevin(0.2), LeimkuhlerMatthews(0.04), MALA(0.12)  # MALA accepts 60 %
BY_LAYER = UnderdampedLangevin(0.2, {"read_in": 1.0, "read_out": 2.0}, {"read_in": 1.0, "read_out": 0.7})


class Factors(eqx.Module):
    """Wrong factors of the data energy, of the prior energy and of the temperature."""

    data: jax.Array = eqx.field(converter=jnp.float32, default=1.0)
    prior: jax.Array = eqx.field(converter=jnp.float32, default=1.0)
    temperature: jax.Array = eqx.field(converter=jnp.float32, default=1.0)


class MutatedEnergy(eqx.Module):
    """A posterior's energy with wrong factors."""

    posterior: Posterior
    factors: Factors

    def __call__(self, position):
        extra_data = (self.factors.data - 1) * self.posterior.data_energy(position)
        extra_prior = (self.factors.prior - 1) * tree_dot(position, position) / 2
        return (self.posterior(position) + extra_data + extra_prior) / self.factors.temperature


class MutatedNoise(AbstractSampler):
    """A sampler of the library whose Gaussian noise is `draw(key of the step, key of the noise, tree)`."""

    sampler: AbstractSampler
    draw: Callable = eqx.field(static=True)

    def init(self, key, target, position):
        return self.sampler.init(key, target, position)

    def step(self, key, target, state):
        module = sys.modules[type(self.sampler).__module__]
        with mock.patch.object(module, "normal_like", lambda noise_key, tree: self.draw(key, noise_key, tree)):
            return self.sampler.step(key, target, state)


class OneKeyForVelocityAndNoise(AbstractSampler):
    """BAOAB with a new velocity in each step, from the key of the step's noise."""

    sampler: UnderdampedLangevin

    def init(self, key, target, position):
        return self.sampler.init(key, target, position)

    def step(self, key, target, state):
        state = eqx.tree_at(lambda state: state.velocity, state, normal_like(key, state.velocity))
        return self.sampler.step(key, target, state)


def quieter(step_key, key, tree):
    return jax.tree.map(lambda leaf: leaf * 0.5**0.5, normal_like(key, tree))


@jax.jit
@jax.vmap
def draw(key):
    """All randomness of a replicate that is not its steps': prior draw, inputs, noise of the data, keys."""
    keys = jax.random.split(key, 5)
    position = standard_normal_two_layer(keys[0], width=WIDTH, num_inputs=INPUTS, num_outputs=1, activation=jax.lax.erf)
    inputs = jax.random.normal(keys[1], (SAMPLES * INPUTS,), jnp.float32).reshape(SAMPLES, INPUTS)
    noise = jax.random.normal(keys[2], (ROUNDS * SAMPLES,), jnp.float32).reshape(ROUNDS, 1, SAMPLES)
    step_keys = jax.random.split(keys[3], ROUNDS * STEPS).reshape(ROUNDS, STEPS)
    return position, inputs, noise * NOISE_VARIANCE**0.5, keys[4], step_keys


@cache
def start(seed):
    """The draws of all replicates, the same for every sampler."""
    return draw(jax.random.split(jax.random.key(seed), REPLICATES))


def replicate(sampler, factors, position, inputs, noise, init_key, step_keys):
    """Weights and data energy of one replicate after its last round."""

    def posterior(targets):
        return Posterior(inputs, targets, jnp.float32(NOISE_VARIANCE), SCALES)

    def target(targets):
        return posterior(targets) if factors is None else MutatedEnergy(posterior(targets), factors)

    def one_round(carry, random):
        state, old = carry
        noise, step_keys = random
        targets = posterior(old).network(state.position).batch(inputs) + noise
        energy = target(targets)
        state = sampler.moved(state, state.position, *energy_and_gradient(energy, state.position))
        state, _ = jax.lax.scan(lambda state, key: (sampler.step(key, energy, state), None), state, step_keys)
        return (state, targets), None

    nothing = jnp.zeros((1, SAMPLES), jnp.float32)
    state = sampler.init(init_key, target(nothing), position)
    (state, targets), _ = jax.lax.scan(one_round, (state, nothing), (noise, step_keys))
    w, a = state.position.read_in, state.position.read_out
    return w, a[0], posterior(targets).data_energy(state.position)


@eqx.filter_jit
def replicates(sampler, factors, randomness):
    return jax.vmap(replicate, in_axes=(None, None, 0, 0, 0, 0, 0))(sampler, factors, *randomness)


def statistics(w, a, energy):
    """Name, one number per replicate, and its mean and variance under the joint law (README.md)."""
    d, N, dim = INPUTS, WIDTH, WIDTH * (INPUTS + 1)
    weights = np.concatenate([w.reshape(-1, N * d), a], axis=1)
    alignment = a**2 * np.sum(w**2, axis=2)
    yield "w^2", np.mean(w**2, axis=(1, 2)), 1, 2 / (N * d)
    yield "a^2", np.mean(a**2, axis=1), 1, 2 / N
    yield "w^4", np.mean(w**4, axis=(1, 2)), 3, 96 / (N * d)
    yield "a^4", np.mean(a**4, axis=1), 3, 96 / N
    yield "a^2 |w|^2", np.mean(alignment, axis=1), d, (2 * d**2 + 6 * d) / N
    yield "(|theta|^2 - dim)^2", (np.sum(weights**2, axis=1) - dim) ** 2, 2 * dim, 8 * dim**2 + 48 * dim
    yield "data energy", energy, SAMPLES / 2, SAMPLES / 2
    for i in range(dim):
        yield f"theta_{i}", weights[:, i], 0, 1


def deviations(sampler, factors=None, seed=0, steps=STEPS):
    """How far every statistic is from its exact mean, in exact standard errors."""
    *rest, step_keys = start(seed)
    w, a, energy = jax.device_get(replicates(sampler, factors, (*rest, step_keys[:, :, :steps])))
    sample = statistics(*(array.astype(float) for array in (w, a, energy)))
    return {name: (values.mean() - mean) * np.sqrt(len(values) / variance) for name, values, mean, variance in sample}


def worst(deviations):
    """Name and size of the largest deviation."""
    return max(((name, np.nan_to_num(abs(z), nan=np.inf)) for name, z in deviations.items()), key=lambda pair: pair[1])


RIGHT = {"BAOAB": BAOAB, "BAOAB by layer": BY_LAYER, "Leimkuhler-Matthews": LM, "MALA": ADJUSTED}
WRONG_FACTORS = {
    "no 1/2 in the loss": Factors(data=2.0),
    "prior precision +10 %": Factors(prior=1.1),
    "temperature +5 %": Factors(temperature=1.05),
}
MUTATED = {f"BAOAB: {what}": (BAOAB, factors) for what, factors in WRONG_FACTORS.items()} | {
    "ULA: noise sqrt(h)": (MutatedNoise(Langevin(0.04), quieter), None),
    "BAOAB: one key for velocity and noise": (OneKeyForVelocityAndNoise(BAOAB), None),
}


@pytest.mark.medium
@pytest.mark.parametrize("sampler", RIGHT.values(), ids=RIGHT)
def test_right_samplers_keep_the_prior(sampler):
    name, z = worst(deviations(sampler))
    assert z < 5, f"{name} is off by {z:.1f} standard errors"


@pytest.mark.medium
@pytest.mark.parametrize(("sampler", "factors"), MUTATED.values(), ids=MUTATED)
def test_mutated_samplers_do_not(sampler, factors):
    name, z = worst(deviations(sampler, factors))
    assert z > 5, f"passes the gate: {name} is off by {z:.1f} standard errors"


@pytest.mark.medium
def test_bias_of_unadjusted_langevin_is_of_first_order_in_the_step():
    """The gate sees its bias at both steps; half the step, at twice the steps per round, has half of it."""
    num_seeds = 4
    over_seeds = lambda h, steps: [deviations(Langevin(h), None, seed, steps)["w^2"] for seed in range(num_seeds)]
    bias = lambda h, steps: np.sum(over_seeds(h, steps)) / np.sqrt(num_seeds)
    large, small = bias(0.12, STEPS // 2), bias(0.06, STEPS)
    assert small > 5
    order, error = np.log2(large / small), np.hypot(1 / large, 1 / small) / np.log(2)
    assert 5 * error < 0.5
    assert abs(order - 1) < 0.5
