r"""The read-out of a network with fixed hidden units, sampled through `Posterior`.

Given the read-in, the network is linear in the read-out and the posterior is Gaussian. Linear integrators then have a
Gaussian stationary law of their own, known mode by mode (README.md). One gate compares the means and all second moments
of the physical weights with a law, at steps near the stability limit: a right sampler passes with the law that it
claims; a mutated one fails there, and passes with its own wrong law where that is known.
"""

import sys
from collections.abc import Callable
from functools import cache
from typing import NamedTuple
from unittest import mock

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.linalg import solve_discrete_lyapunov
from scipy.special import erf

from grokjax import MALA, Langevin, LeimkuhlerMatthews, Posterior, TwoLayer, UnderdampedLangevin
from grokjax._tree import normal_like
from grokjax.samplers import AbstractSampler, energy_and_gradient
from grokjax.samplers.underdamped import UnderdampedState


MEMBERS, STEPS, FRICTION = 10_000, 120, 2.0
INPUTS, WIDTH, OUTPUTS, SAMPLES = 4, 6, 2, 20
NOISE_VARIANCE, READ_IN_SCALE, READ_OUT_SCALE = 0.6, 0.7, 0.4

_random = np.random.default_rng(0)
READ_IN = _random.normal(size=(WIDTH, INPUTS))  # whitened
X = _random.normal(size=(SAMPLES, INPUTS))
Y = _random.normal(size=(OUTPUTS, SAMPLES))


class Factors(NamedTuple):
    """Factors of the data energy, of the prior energy and of the temperature."""

    data: float = 1.0
    prior: float = 1.0
    temperature: float = 1.0


RIGHT_FACTORS = Factors()


def posterior_law(factors=RIGHT_FACTORS):
    """Mean and modes of the physical read-out, and the curvatures of the whitened energy, from the arrays alone."""
    hidden = erf(READ_IN_SCALE * READ_IN @ X.T)
    data, prior = factors.data / NOISE_VARIANCE, factors.prior / READ_OUT_SCALE**2
    precision = (data * hidden @ hidden.T + prior * np.eye(WIDTH)) / factors.temperature
    mean = np.linalg.solve(precision, data / factors.temperature * hidden @ Y.T).T
    curvatures, modes = np.linalg.eigh(READ_OUT_SCALE**2 * precision)
    return mean, modes, curvatures


def largest_deviation(read_out, variance, factors=RIGHT_FACTORS):
    """The largest deviation of a mean, a second moment or their total from a law, in exact standard errors.

    Args:
        read_out: physical weights, shape (members, outputs, width).
        variance: stationary variance of a whitened mode as a function of its curvature.
        factors: factors of the energy in the law.
    """
    mean, modes, curvatures = posterior_law(factors)
    white = ((read_out - mean) @ modes / (READ_OUT_SCALE * np.sqrt(variance(curvatures)))).reshape(len(read_out), -1)
    members, dim = white.shape
    identity = np.eye(dim)
    means = white.mean(axis=0) * np.sqrt(members)
    second_moments = (white.T @ white / members - identity) * np.sqrt(members / (1 + identity))
    total = (np.mean(white**2) - 1) * np.sqrt(members * dim / 2)
    return max(np.abs(means).max(), np.abs(second_moments).max(), abs(total))


class ReadOut(eqx.Module):
    """The posterior as an energy of the whitened read-out."""

    posterior: Posterior
    read_in: jax.Array

    def network(self, read_out):
        return TwoLayer(self.read_in, read_out, jax.lax.erf)

    def __call__(self, read_out):
        return self.posterior(self.network(read_out))


class MutatedEnergy(eqx.Module):
    """`ReadOut` with wrong factors."""

    target: ReadOut
    factors: Factors

    def __call__(self, read_out):
        extra_data = (self.factors.data - 1) * self.target.posterior.data_energy(self.target.network(read_out))
        extra_prior = (self.factors.prior - 1) * jnp.sum(read_out**2) / 2
        return (self.target(read_out) + extra_data + extra_prior) / self.factors.temperature


class QuietNoise(AbstractSampler):
    """A sampler of the library with noise of half the variance: sqrt(h) xi instead of sqrt(2 h) xi."""

    sampler: AbstractSampler

    def init(self, key, target, position):
        return self.sampler.init(key, target, position)

    def step(self, key, target, state):
        quiet = lambda key, tree: jax.tree.map(lambda leaf: leaf * 0.5**0.5, normal_like(key, tree))
        with mock.patch.object(sys.modules[type(self.sampler).__module__], "normal_like", quiet):
            return self.sampler.step(key, target, state)


class OBABO(AbstractSampler):
    """The splitting with friction outside."""

    step_size: jax.Array = eqx.field(converter=jnp.float32)

    def init(self, key, target, position):
        return UnderdampedLangevin(0.1).init(key, target, position)

    def step(self, key, target, state):
        h, keys = self.step_size, jax.random.split(key)
        kept, refreshed = jnp.exp(-FRICTION * h / 2), jnp.sqrt(-jnp.expm1(-FRICTION * h))
        velocity = kept * state.velocity + refreshed * normal_like(keys[0], state.velocity)
        velocity = velocity - h / 2 * state.gradient
        position = state.position + h * velocity
        energy, gradient = energy_and_gradient(target, position)
        velocity = velocity - h / 2 * gradient
        velocity = kept * velocity + refreshed * normal_like(keys[1], velocity)
        return UnderdampedState(position, energy, gradient, velocity, state.kick)


class EulerUnderdamped(AbstractSampler):
    """Stochastic-gradient HMC: explicit Euler steps of position and velocity."""

    step_size: jax.Array = eqx.field(converter=jnp.float32)

    def init(self, key, target, position):
        return UnderdampedLangevin(0.1).init(key, target, position)

    def step(self, key, target, state):
        h, noise = self.step_size, normal_like(key, state.velocity)
        position = state.position + h * state.velocity
        velocity = (1 - FRICTION * h) * state.velocity - h * state.gradient + jnp.sqrt(2 * FRICTION * h) * noise
        return UnderdampedState(position, *energy_and_gradient(target, position), velocity, state.kick)


def exact(curvature):
    return 1 / curvature


def euler_overdamped(h):
    return lambda curvature: 1 / (curvature * (1 - h * curvature / 2))


def obabo(h):
    return lambda curvature: 1 / (curvature * (1 - h**2 * curvature / 4))


def euler_underdamped(h):
    def variance(curvature):
        drift = np.array([[1, h], [-h * curvature, 1 - FRICTION * h]])
        return solve_discrete_lyapunov(drift, np.diag([0, 2 * FRICTION * h]))[0, 0]

    return np.vectorize(variance)


def half(variance):
    return lambda curvature: variance(curvature) / 2


@jax.jit
@jax.vmap
def draw(key):
    """Prior draw, key of `init` and keys of the steps of one member."""
    keys = jax.random.split(key, STEPS + 2)
    return jax.random.normal(keys[0], (OUTPUTS * WIDTH,), jnp.float32).reshape(OUTPUTS, WIDTH), keys[1], keys[2:]


@cache
def start(seed):
    """The draws of all members, the same for every sampler."""
    return draw(jax.random.split(jax.random.key(seed), MEMBERS))


@eqx.filter_jit
def last_positions(sampler, target, start):
    def member(position, init_key, step_keys):
        state = sampler.init(init_key, target, position)
        return jax.lax.scan(lambda state, key: (sampler.step(key, target, state), None), state, step_keys)[0].position

    return jax.vmap(member)(*start)


def sample(sampler, factors=RIGHT_FACTORS, seed=0):
    """Physical read-outs of all members at the end of a run from prior draws."""
    scales = TwoLayer(jnp.float32(READ_IN_SCALE), jnp.float32(READ_OUT_SCALE), jax.lax.erf)
    posterior = Posterior(jnp.float32(X), jnp.float32(Y), jnp.float32(NOISE_VARIANCE), scales, row_tile=8)
    target = ReadOut(posterior, jnp.float32(READ_IN))
    energy = target if factors == RIGHT_FACTORS else MutatedEnergy(target, Factors(*map(jnp.float32, factors)))
    positions = last_positions(sampler, energy, start(seed))
    physical = jax.vmap(lambda read_out: posterior.network(target.network(read_out)).read_out)(positions)
    return np.asarray(physical, float)


STIFFEST = posterior_law()[2].max()
overdamped = lambda fraction: 2 * fraction / STIFFEST  # steps as fractions of the stability limit
underdamped = lambda fraction: 2 * fraction / STIFFEST**0.5
EULER = 0.5 * FRICTION / STIFFEST

RIGHT = {
    "BAOAB, half": (UnderdampedLangevin(underdamped(0.5), FRICTION), exact),
    "BAOAB, near the limit": (UnderdampedLangevin(underdamped(0.9), FRICTION), exact),
    "Leimkuhler-Matthews, half": (LeimkuhlerMatthews(overdamped(0.5)), exact),
    "Leimkuhler-Matthews, near the limit": (LeimkuhlerMatthews(overdamped(0.9)), exact),
    "ULA, half": (Langevin(overdamped(0.5)), euler_overdamped(overdamped(0.5))),
    "ULA, near the limit": (Langevin(overdamped(0.9)), euler_overdamped(overdamped(0.9))),
    "MALA": (MALA(overdamped(0.4)), exact),
}


class Mutant(NamedTuple):
    """A sampler, the law that it claims, and its own law, where known."""

    sampler: AbstractSampler
    claimed: Callable
    own: Callable | None
    factors: Factors = RIGHT_FACTORS


BAOAB = UnderdampedLangevin(underdamped(0.5), FRICTION)
LM, ULA = LeimkuhlerMatthews(overdamped(0.5)), Langevin(overdamped(0.5))
ULA_LAW = euler_overdamped(overdamped(0.5))
MUTANTS = {
    "BAOAB: no 1/2 in the loss": Mutant(BAOAB, exact, exact, Factors(data=2.0)),
    "BAOAB: prior precision +10 %": Mutant(BAOAB, exact, exact, Factors(prior=1.1)),
    "BAOAB: temperature +5 %": Mutant(BAOAB, exact, exact, Factors(temperature=1.05)),
    "BAOAB: noise / sqrt(2)": Mutant(QuietNoise(BAOAB), exact, half(exact)),
    "Leimkuhler-Matthews: noise / sqrt(2)": Mutant(QuietNoise(LM), exact, half(exact)),
    "ULA: noise sqrt(h)": Mutant(QuietNoise(ULA), ULA_LAW, half(ULA_LAW)),
    "ULA without its bias": Mutant(ULA, exact, ULA_LAW),
    "OBABO": Mutant(OBABO(underdamped(0.5)), exact, obabo(underdamped(0.5))),
    "explicit Euler": Mutant(EulerUnderdamped(EULER), exact, euler_underdamped(EULER)),
}


@pytest.mark.medium
@pytest.mark.parametrize(("sampler", "variance"), RIGHT.values(), ids=RIGHT)
def test_right_samplers_have_the_law_they_claim(sampler, variance):
    z = largest_deviation(sample(sampler), variance)
    assert z < 5, f"off by {z:.1f} standard errors"


@pytest.mark.parametrize("mutant", MUTANTS.values(), ids=MUTANTS)
def test_mutants_do_not(mutant):
    read_out = sample(mutant.sampler, mutant.factors)
    z = largest_deviation(read_out, mutant.claimed)
    assert z > 5, f"passes the gate, off by {z:.1f} standard errors"
    if mutant.own is not None:
        z = largest_deviation(read_out, mutant.own, mutant.factors)
        assert z < 5, f"off its own law by {z:.1f} standard errors"
