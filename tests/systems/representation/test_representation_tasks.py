"""Tasks: counts and labels exactly, parallelograms against brute force, errors at the door."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import representation as rep


def test_counts_of_addition():
    counts = [rep.Addition(p).num_parallelograms for p in range(4, 13)]
    assert counts == [3, 7, 13, 22, 34, 50, 70, 95, 125]
    for p in range(3, 13):
        expected = p * (p - 2) * (2 * p + 1) // 24 if p % 2 == 0 else (p * p - 1) * (2 * p - 3) // 24
        assert rep.Addition(p).num_parallelograms == expected
    task = rep.Addition(num_symbols=10)
    assert (task.num_samples, task.num_classes) == (55, 19)
    np.testing.assert_array_equal(np.bincount(task.labels)[:10], np.arange(10) // 2 + 1)
    assert [tuple(pair) for pair in task.pairs[:11]] == [(0, j) for j in range(10)] + [(1, 1)]


@pytest.mark.parametrize("p", [5, 7, 11])
def test_counts_of_modular_addition(p):
    task = rep.ModularAddition(p)
    assert task.num_parallelograms == p * (p * p - 1) // 8
    assert task.num_classes == p


def test_permutations_are_the_group():
    task = rep.Permutations()
    assert (task.num_samples, task.num_classes, task.num_parallelograms) == (36, 6, 90)
    elements = list(itertools.permutations(range(3)))
    for (a, b), label in zip(task.pairs, task.labels, strict=True):
        assert elements[label] == tuple(elements[b][k] for k in elements[a])
    table = task.labels.reshape(6, 6)
    assert (np.sort(table, axis=0) == np.arange(6)[:, None]).all()
    assert (table != table.T).any()


def test_permutation_matrices_close_every_parallelogram():
    task = rep.Permutations()
    matrices = np.array([np.eye(3)[list(element)] for element in itertools.permutations(range(3))])
    # c[k] = b[a[k]]: rows of the identity compose in the order of the product E_a E_b
    assert float(task.quality(jnp.asarray(matrices))) == 1.0
    assert float(task.quality(jax.random.normal(jax.random.key(0), (6, 3, 3)))) < 0.5


@pytest.mark.parametrize("task", [rep.Addition(6), rep.ModularAddition(6)])
def test_parallelograms_by_brute_force(task):
    expected = [
        (a, b) for a, b in itertools.combinations(range(task.num_samples), 2) if task.labels[a] == task.labels[b]
    ]
    assert [tuple(pair) for pair in task.parallelograms] == expected
    embedding = np.random.default_rng(0).uniform(size=(6, 2))
    scaled = (embedding - embedding.mean(0)) / embedding.std(0, ddof=1)
    gaps = [
        sum(scaled[list(task.pairs[a])]) - sum(scaled[list(task.pairs[b])]) for a, b in expected
    ]  # E_i + E_j - E_m - E_n
    closed = np.array([np.mean(np.square(gap)) < 0.01 for gap in gaps])
    np.testing.assert_array_equal(task.realised_parallelograms(jnp.asarray(embedding)), closed)


def test_quality_of_a_line_and_of_noise():
    task = rep.Addition(10)
    assert float(task.quality(3.0 - 0.7 * jnp.arange(10.0)[:, None])) == 1.0
    uniform = jax.vmap(task.quality)(jax.random.uniform(jax.random.key(1), (20_000, 10, 1)))
    normal = jax.vmap(task.quality)(jax.random.normal(jax.random.key(2), (20_000, 10, 2)))
    assert abs(float(uniform.mean()) - 0.035) < 5 * float(uniform.std()) / 20_000**0.5 + 0.0005
    assert abs(float(normal.mean()) - 0.002) < 5 * float(normal.std()) / 20_000**0.5 + 0.0005


def test_reachable_samples_is_one_hop():
    task = rep.Addition(5)
    mask = np.zeros(15, bool)
    mask[[0, 2, 7]] = True
    some = np.zeros(task.num_parallelograms, bool)
    some[::2] = True
    expected = mask.copy()
    for (a, b), closed in zip(task.parallelograms, some, strict=True):
        expected[a] |= closed and mask[b]
        expected[b] |= closed and mask[a]
    np.testing.assert_array_equal(task.reachable_samples(jnp.asarray(mask), jnp.asarray(some)), expected)


def test_random_training_sets_are_uniform():
    task = rep.Addition(10)
    sets = np.asarray(rep.training_sets_of_sizes(jax.random.key(3), task, [5, 45], 4000))
    np.testing.assert_array_equal(sets.sum(axis=1), np.repeat([5, 45], 4000))
    for share, part in ((5 / 55, sets[:4000]), (45 / 55, sets[4000:])):
        assert np.abs(part.mean(axis=0) - share).max() < 5 * (share * (1 - share) / 4000) ** 0.5


@pytest.mark.parametrize("make", [rep.Addition, rep.ModularAddition])
@pytest.mark.parametrize("size", [2, 0, -1, 3.5])
def test_too_few_symbols(make, size):
    with pytest.raises(ValueError, match="num_symbols"):
        make(size)


@pytest.mark.parametrize("size", [0, 55, 60])
def test_split_needs_samples_on_both_sides(size):
    with pytest.raises(ValueError, match="train_size"):
        rep.random_training_sets(jax.random.key(0), rep.Addition(10), size, 2)
