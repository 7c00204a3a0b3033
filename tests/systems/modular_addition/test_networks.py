"""The network, its energy and its starts, against explicit formulas."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Compute, Design, Histogram, Posterior, Problem, Schedule
from grokjax.driver import first_positions
from grokjax.experiment import Settings
from grokjax.networks import TwoLayer, activation_function
from grokjax.samplers import State
from grokjax.systems.modular_addition import ModularAddition, QuadraticNetworks
from grokjax.systems.modular_addition.experiment import HISTOGRAM_BINS, HISTOGRAM_REACH, PairPowers, Units
from grokjax.systems.modular_addition.network import (
    TwoHotNetwork,
    fourier_modes,
    powers,
    standard_normal_network,
    targets,
)
from grokjax.systems.modular_addition.regularisers import SexticDecay


SYSTEM = ModularAddition(prime=7, width=20, noise_variance=4e-4, readout_variance=2e-6, sextic_decay=3.0)
WHOLE = jnp.ones(49)


def network(key=0, width=20, prime=7):
    return standard_normal_network(jax.random.key(key), width=width, prime=prime, dtype=float)


def test_broadcast_sums_equal_the_two_hot_matrix():
    small = network()
    n, m = np.divmod(np.arange(49), 7)
    two_hot = np.concatenate([np.eye(7)[n], np.eye(7)[m]], axis=1)
    dense = TwoLayer(jnp.concatenate([*small.read_in], axis=1), small.read_out, activation_function("square"))
    np.testing.assert_allclose(small.batch(WHOLE), dense.batch(jnp.asarray(two_hot)), rtol=1e-12)


def test_targets():
    table = np.asarray(targets(7, float)).reshape(7, 7, 7)
    assert table[3, 5, 5] == 1 - 1 / 7
    assert table[4, 5, 5] == -1 / 7
    np.testing.assert_allclose(table.sum(axis=0), 0, atol=1e-14)


def test_modular_identity():
    r"""sum_p (sum_nm y^p_nm (w_n+v_m)^2)^2 = 4 P^3 sum_{k != 0} |w_k|^2 |v_k|^2."""
    small = network()
    overlaps = small.hidden() @ targets(7, float).T
    x, v = powers(small.read_in)
    np.testing.assert_allclose(jnp.sum(overlaps**2, axis=1), 8 * 7**3 * jnp.sum(x * v, axis=1), rtol=1e-9)


def test_fourier_modes_and_penalty():
    small = network()
    modes = np.fft.fft(np.asarray(small.read_in)) / 7
    real, imaginary = fourier_modes(small.read_in)
    np.testing.assert_allclose(real - 1j * imaginary, modes[..., 1:4], atol=1e-14)
    sextic = 7 * 3.0 / 6 * np.sum(np.abs(modes[..., 1:]) ** 6)
    np.testing.assert_allclose(SexticDecay(jnp.asarray(3.0))(small), sextic, rtol=1e-12)


def test_gaussian_prior_in_fourier_modes():
    """|w|^2 = P sum_k |w_k|^2, so unit variance per weight makes X exponential with mean 1/P."""
    many = network(width=4000)
    x = powers(many.read_in)
    assert abs(float(x.mean()) - 1 / 7) < 5 * float(x.std()) / np.sqrt(x.size)
    assert abs(float((x**2).mean()) - 2 / 49) < 5 * float((x**2).std()) / np.sqrt(x.size)


@functools.cache
def problem(fraction=1.0, width=20):
    """Sixty hot networks: one program a width serves all tests."""
    design = Design(num_members=60, start="frequencies", dtype=jnp.float64)
    system = SYSTEM.replace(training_fraction=fraction, width=width)
    return first_positions(jax.random.key(1), system, QuadraticNetworks(), design)


def first(fraction=1.0):
    made, positions = jax.tree.map(lambda leaf: leaf[0], problem(fraction))
    return made.target, positions


def test_energy_is_the_stated_one():
    target, position = first()
    physical = target.network(position)
    error = jnp.sum((physical.batch(WHOLE) - targets(7, float)) ** 2)
    decay = SexticDecay(jnp.asarray(3.0))(physical)
    prior = jnp.sum(physical.read_in**2) / 2 + 20 / (2 * 2e-6) * jnp.sum(physical.read_out**2)
    np.testing.assert_allclose(target(position), error / (2 * 4e-4) + prior + decay, rtol=1e-10)


def test_training_set_is_a_random_fraction_of_the_table():
    included = np.asarray(problem(0.5)[0].target.inputs)
    np.testing.assert_array_equal(included.sum(axis=1), np.round(0.5 * 49))
    assert (included[0] != included[1]).any()
    target, position = first(0.5)
    outputs = target.network(position).batch(WHOLE)
    error = jnp.sum(((outputs - targets(7, float)) ** 2)[:, included[0] > 0])
    np.testing.assert_allclose(target.data_energy(position), error / (2 * 4e-4), rtol=1e-10)


def test_members_of_the_whole_table_are_independent_whatever_number_of_data_sets_is_asked_for():
    experiment, settings = QuadraticNetworks(), Settings(Design(num_members=6, num_datasets=4), Schedule(), Compute())
    assert experiment.prepared(SYSTEM, settings)[2].design.num_datasets is None
    part = SYSTEM.replace(training_fraction=np.array([0.5, 1.0]))
    assert experiment.prepared(part, settings)[2].design.num_datasets == 4


def test_hot_start_has_one_frequency_per_neuron():
    made, positions = problem()
    physical = jax.vmap(lambda target, position: target.network(position))(made.target, positions)
    x, v = np.moveaxis(np.asarray(jax.vmap(powers)(physical.read_in)), 1, 0)
    chosen = np.isclose(x, 1.0, rtol=1e-9) & np.isclose(v, 1.0, rtol=1e-9)
    np.testing.assert_array_equal(chosen.sum(axis=-1), 1)
    occupation = chosen.mean(axis=(0, 1))
    assert (abs(occupation - 1 / 3) < 5 * np.sqrt(2 / 9 / 1200)).all()
    others = x[~chosen]
    assert abs(others.mean() - 1 / 7) < 5 * others.std() / np.sqrt(others.size)


@pytest.mark.parametrize("width", [20, 80])
def test_hot_read_out_is_a_draw_given_the_read_in(width):
    """Whitened residual of the draw against the exact Gaussian law; both forms of the inverse."""
    made, positions = problem(width=width)

    def standardised(target, position):
        features = target.network(position).hidden() * target.prior_scales.read_out
        precision = jnp.eye(width) + features @ features.T / target.noise_variance
        mean = jnp.linalg.solve(precision, features @ targets(7, float).T / target.noise_variance).T
        return (position.read_out - mean) @ jnp.linalg.cholesky(precision)

    z = np.asarray(jax.vmap(standardised)(made.target, positions)).ravel()
    assert abs(z.mean()) < 5 / np.sqrt(z.size)
    assert abs(z.var() - 1) < 5 * np.sqrt(2 / z.size)


@eqx.filter_jit
def measured(position, included=WHOLE):
    """All prior scales, x* and the eigenvalue's factor are 1."""
    scales = TwoHotNetwork(jnp.ones(()), jnp.ones(()))
    target = Posterior(included, targets(7, float) * included[None], jnp.ones(()), scales)
    problem = Problem(target, {"prior": position}, Units(jnp.ones(()), jnp.ones(())))
    return QuadraticNetworks().measure(jax.random.key(0), problem, State(position, jnp.zeros(()), position))


def test_measurements_of_a_constructed_network():
    """Two neurons at frequency 1 and 3 with aligned read-outs, one at no frequency, one at both."""
    n = np.arange(7)
    wave = lambda k, phase: 2 * np.cos(2 * np.pi * k * n / 7 - phase)
    w = np.stack([wave(1, 0.3), wave(3, 1.0), 0 * n, wave(1, 0.1) + wave(3, 0.2)])
    v = np.stack([wave(1, 0.5), wave(3, -2.0), 0 * n, wave(1, 0.7) + wave(3, 0.9)])
    a = np.stack([wave(1, 0.8), wave(3, -1.0), 0 * n, wave(1, 0.8) + wave(3, 1.1 + np.pi)], axis=1)
    position = TwoHotNetwork(jnp.asarray(np.stack([w, v])), jnp.asarray(a))
    found = measured(position)
    np.testing.assert_allclose(found.occupation, [0.5, 0.0, 0.5])
    np.testing.assert_allclose(found.side_weight, 4 / 12)
    np.testing.assert_allclose(found.specialised_once, 0.5)
    np.testing.assert_allclose(found.overlap_moment, 4 / 12, rtol=1e-12)
    np.testing.assert_allclose(found.alignment, (3 - 1) / 12, rtol=1e-12)
    np.testing.assert_allclose(found.phase_coherence, (3 - 1) / 4, rtol=1e-12)

    state = State(position, jnp.zeros(()), position)
    measure = PairPowers(TwoHotNetwork(jnp.ones(()), jnp.ones(())), jnp.asarray(0.98))
    histogram = Histogram(measure, 0.0, HISTOGRAM_REACH, HISTOGRAM_BINS, pairs=True)
    carry = histogram.update(None, histogram.init(None, state, 1), state, jnp.asarray(1))
    counts = histogram.finalise(histogram.merge(None, np.asarray(carry)[None])).counts[0]
    cell = int(HISTOGRAM_BINS / HISTOGRAM_REACH / 0.98)
    expected = np.zeros((60, 60), int)
    expected[cell, cell], expected[0, 0] = 4, 8
    np.testing.assert_array_equal(counts, expected)


def test_learned_of_a_perfect_network():
    """Cosines of all frequencies with phases 0, 120, 240 degrees solve the task; half of them have discrepancy 1/2."""
    n = np.arange(7)
    rows = [(k, a, b) for k in (1, 2, 3) for a in range(3) for b in range(3)]
    wave = lambda k, phase: np.cos(2 * np.pi * k * n / 7 - 2 * np.pi / 3 * phase)
    w, v = (np.stack([wave(k, (a, b)[i]) for k, a, b in rows]) for i in (0, 1))
    a = np.stack([wave(k, a + b) for k, a, b in rows], axis=1) * 4 / 63
    position = TwoHotNetwork(jnp.asarray(np.stack([w, v])), jnp.asarray(a))
    included = jnp.asarray((np.arange(49) % 2).astype(float))
    scaled = lambda c: TwoHotNetwork(position.read_in, c * position.read_out)
    found = measured(position, included)
    np.testing.assert_allclose([found.discrepancy, found.train_error, found.held_out_error], 0, atol=1e-12)
    assert found.train_accuracy == found.held_out_accuracy == 1
    np.testing.assert_allclose(measured(scaled(0.5), included).discrepancy, 0.5, rtol=1e-12)
