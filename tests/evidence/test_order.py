"""The verdicts on power units, whose order is known, from exact draws of their law at several sizes."""

import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax.evidence import order, profile
from grokjax.evidence.collapse import collapse
from grokjax.evidence.free_energy import FreeEnergy
from grokjax.observables import Counts
from grokjax.systems import power_unit as pu
from grokjax.systems.power_unit.theory import law


EDGES = np.linspace(-2, 2, 161)
RANGES = {1: (0.4, 3.0), 2: (0.5, 3.0), 3: (0.9, 1.5)}


def exact_ladder(power, size, *, seed=0, ladders=8, records=200, between=None):
    """A free energy from independent draws of the exact law on every rung."""
    noises = np.asarray(grokjax.ReplicaExchange.between(*(between or RANGES[power]), size).noise_variances)
    rng = np.random.default_rng(seed + size)
    energies, counts = [], []
    for noise in noises:
        w, log_weights, s = law(pu.PowerUnit(power=power, num_observations=float(size), noise_variance=noise))
        total = np.cumsum(np.exp(np.asarray(log_weights) - float(jnp.max(log_weights))))
        index = np.searchsorted(total, rng.uniform(size=(ladders, records)) * total[-1])
        energies.append(size * np.asarray(s)[index])
        counts.append([np.histogram(np.asarray(w)[row], EDGES)[0] for row in index])
    neurons = Counts(np.asarray(counts)[:, None], -2.0, 2.0)
    return FreeEnergy.of(noises, np.asarray(energies)[:, None], num_samples=size, neurons=neurons)


@pytest.fixture(scope="module")
def verdicts():
    # A barrier of 5.7 nats leaves a few neurons in a thousand at its top: it takes many to resolve it by five errors.
    records = {1: 200, 2: 200, 3: 2000}
    ladders = {power: [exact_ladder(power, size, records=records[power]) for size in (50, 200)] for power in records}
    return {power: order.order_of_transition(each) for power, each in ladders.items()}


@pytest.mark.medium
@pytest.mark.parametrize(
    ("power", "network", "neuron"),
    [
        (1, "crossover", "one well at this size"),
        (2, "continuous", "one well at this size"),
        (3, "first order", "first order"),
    ],
)
def test_the_three_kinds_are_told_apart(verdicts, power, network, neuron):
    found = verdicts[power]
    assert (found.network.text, found.neuron.text) == (network, neuron), found
    assert found.network.text in repr(found)


@pytest.mark.medium
def test_the_evidence_is_that_of_the_quadrature(verdicts):
    for power, found in verdicts.items():
        for each in found.sizes:
            b = jnp.geomspace(1 / RANGES[power][1], 1 / RANGES[power][0], 1500)
            exact = pu.predict(pu.PowerUnit(power=power, num_observations=each.size, noise_variance=1 / b))
            capacity = np.asarray(exact.heat_capacity) / each.size
            slope = np.abs(np.gradient(capacity, np.log(np.asarray(b)))).max()
            # A maximum over noisy points lies a little above: one part in a hundred beside the error.
            assert abs(each.capacity.mean - capacity.max()) < 5 * each.capacity.error + 0.01 * capacity.max()
            assert abs(each.slope.mean - slope) < 5 * each.slope.error + 0.02 * slope
            assert abs(each.binder.mean - float(exact.binder.min())) < 5 * each.binder.error + 0.01


@pytest.mark.medium
def test_the_latent_heat_and_the_barrier_of_the_cubic_unit(verdicts):
    largest = verdicts[3].sizes[-1]
    exact = pu.coexistence(pu.PowerUnit(power=3, num_observations=200.0))
    # Halves of the law of S instead of the sides of the saddle: a few parts in a hundred at this size.
    assert largest.latent_heat.mean == pytest.approx(float(exact.latent_heat), rel=0.05)
    barrier = verdicts[3].neuron.evidence["barrier"]
    assert abs(barrier.mean - 200 * 0.0283240) < 5 * barrier.error + 0.04, barrier  # bins of .025 smooth the wells


@pytest.mark.medium
def test_one_size_cannot_tell_continuous_from_nothing(verdicts):
    del verdicts
    assert order.order_of_transition(exact_ladder(2, 50, records=60)).network.text == "not resolved"
    assert order.order_of_transition(exact_ladder(3, 200, records=60)).network.text == "first order"


@pytest.mark.medium
def test_data_sets_that_differ_fake_no_double_peak():
    """Two data sets of one quadratic unit, far apart in S: each has one peak."""
    one = exact_ladder(2, 50, ladders=4)
    shifted = np.asarray(one.ladder.energies)
    rungs = len(one.noise_variance)
    energies = np.stack([shifted, shifted + 500.0]).reshape(2, rungs, 4, -1).transpose(1, 0, 2, 3)
    two = FreeEnergy.of(one.noise_variance, energies, num_samples=50)
    valley = order.size_evidence(two).valley
    assert valley.mean < -3 * valley.within
    assert order.order_of_transition(two).neuron.text == "not resolved"  # no histogram


def test_wells_are_found():
    f = np.array([0.0, 1.0, 3.0, 2.0, 1.0, 2.0, 5.0])
    assert profile.highest_barrier(f) == (0, 2, 4)
    assert profile.highest_barrier(np.array([0.0, 1.0, 2.0, 3.0])) is None


def test_bad_input_is_named():
    free = exact_ladder(2, 50, ladders=4, records=20)
    with pytest.raises(ValueError, match="`free_energies` must be one or more of different known sizes"):
        order.order_of_transition([free, free])
    bare = FreeEnergy.of(
        free.noise_variance, np.asarray(free.ladder.energies).reshape(1, len(free.noise_variance), 4, -1)[0][:, None]
    )
    with pytest.raises(ValueError, match='with a histogram "q"'):
        profile.profiles(bare)
    with pytest.raises(ValueError, match="of different known sizes"):
        order.order_of_transition(bare)


@pytest.mark.slow
def test_curves_of_two_sizes_collapse_or_are_refused():
    """C_max/n ~ n at the first-order transition; nothing sharpens where there is none."""
    cubic = collapse([exact_ladder(3, size, between=(1.0, 1.4)) for size in (100, 200)], num_bootstraps=40)
    assert cubic.collapsed, cubic
    assert abs(cubic.growth.mean - 1) < 0.02 + 3 * cubic.growth.error
    assert cubic.critical_noise.mean == pytest.approx(1.191, rel=0.02)
    abscissa, ordinate = cubic.scaled()
    assert np.ptp(ordinate.max(axis=1)) < 0.05 * ordinate.max()
    assert abscissa.shape == ordinate.shape
    linear = collapse([exact_ladder(1, size) for size in (50, 100)], num_bootstraps=40)
    assert not linear.collapsed, linear
    with pytest.raises(ValueError, match="`free_energies` must be of two different known sizes or more"):
        collapse([exact_ladder(1, 50, ladders=4, records=20)])
