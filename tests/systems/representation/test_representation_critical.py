"""The critical training fraction: exact counts against enumeration, random orders against exact counts."""

import math

import jax
import numpy as np
import pytest

from grokjax.systems import representation as rep
from grokjax.systems.representation.parallelograms import nullity


HALF = {4: 7.222, 5: 9.797, 6: 12.415, 7: 14.947, 8: 17.491, 9: 19.985}
FRACTION = {6: 0.591, 10: 0.4088, 20: 0.2248}


@pytest.mark.parametrize("p", [3, 4, 5])
def test_exact_counts_by_enumeration(p):
    task = rep.Addition(p)
    size = task.num_samples
    masks = (np.arange(2**size)[:, None] >> np.arange(size)) % 2 == 1
    unique = np.asarray(jax.jit(jax.vmap(lambda mask: nullity(task, mask)))(masks)) == 2
    assert rep.exact_unique_counts(p) == np.bincount(masks.sum(axis=1)[unique], minlength=size + 1).tolist()


@pytest.mark.parametrize("p", range(4, 10))
def test_exact_half_point_and_extremes(p):
    counts = rep.exact_unique_counts(p)
    size = len(counts) - 1
    np.testing.assert_allclose(rep.critical_fraction(p, method="exact") * size, HALF[p], atol=6e-4)
    assert counts[p - 1] == 0
    assert counts[p] > 0  # two adjacent anti-diagonals
    assert counts[size - p + 2] < math.comb(size, size - p + 2)
    assert counts[size - p + 3] == math.comb(size, size - p + 3)


@pytest.mark.slow
def test_exact_counts_of_ten_symbols():
    counts = rep.exact_unique_counts(10)
    probability = {n: counts[n] / math.comb(55, n) for n in range(56)}
    assert (counts[9], counts[10]) == (0, 3)
    assert math.comb(55, 47) - counts[47] == 8
    for n, expected in {14: 0.000163, 18: 0.038929, 20: 0.172861, 22: 0.431063, 23: 0.573995, 30: 0.979850}.items():
        np.testing.assert_allclose(probability[n], expected, atol=6e-7)


def test_random_orders_against_exact_counts():
    task, orders = rep.Addition(7), 4000
    exact = rep.exact_unique_probability(7)
    found = rep.unique_probability(rep.first_unique_sizes(jax.random.key(2), task, num_orders=orders), task.num_samples)
    error = np.sqrt(np.maximum(exact * (1 - exact), 1 / orders) / orders)
    assert (np.abs(found - exact) < 5 * error).all()
    assert found[-1] == 1.0


@pytest.mark.medium
@pytest.mark.parametrize("p", FRACTION)
def test_critical_fraction(p):
    """Gate: the error of a median, 1/(2 sqrt(orders) density), with the density read off the law itself."""
    task, orders = rep.Addition(p), 2000
    first = rep.first_unique_sizes(jax.random.key(p), task, num_orders=orders)
    error = np.std(first) * math.sqrt(math.pi / 2 / orders) / task.num_samples  # as for a normal law
    found = rep.critical_fraction(p, key=jax.random.key(p), num_orders=orders)
    assert abs(found - FRACTION[p]) < 5 * error + 0.001


def test_isolated_symbols():
    half = {10: 0.367, 20: 0.2176, 30: 0.1589, 40: 0.1265, 60: 0.0912}
    for p, expected in half.items():
        np.testing.assert_allclose(rep.critical_fraction(p, method="isolated_symbol"), expected, atol=6e-4)
    assert rep.isolated_symbol_estimate(10, 0.0) < 1e-4
    assert rep.isolated_symbol_estimate(10, 1.0) == 1.0


def test_bad_input():
    with pytest.raises(ValueError, match="num_symbols"):
        rep.critical_fraction(2)
    with pytest.raises(ValueError, match="num_symbols"):
        rep.critical_fraction(11, method="exact")
    with pytest.raises(ValueError, match="method"):
        rep.critical_fraction(5, method="guess")
    with pytest.raises(ValueError, match="fraction"):
        rep.isolated_symbol_estimate(5, 1.5)
    with pytest.raises(ValueError, match="num_orders"):
        rep.critical_fraction(5, num_orders=0)
