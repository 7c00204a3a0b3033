"""What training sets imply: against brute-force linear algebra, worked examples and exact probabilities."""

import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import representation as rep
from grokjax.systems.representation.parallelograms import energy_matrix


# Size: P(n0 = 2), exact, and P(Acc = 1), mean Acc, mean RQI, mean |P0(D)|, median lambda3 from 3000 sets.
TABLE = {
    18: (0.038929, 0.0, 0.408, 0.293, 7.2, 0.0066),
    22: (0.431063, 0.0, 0.652, 0.689, 10.8, 0.0078),
    25: (0.799316, 0.0, 0.803, 0.911, 14.2, 0.0113),
    30: (0.979850, 0.006, 0.898, 0.991, 20.6, 0.0229),
    36: (0.999144, 0.068, 0.946, 1.000, 29.7, 0.0375),
    45: (1.0, 0.390, 0.982, 1.000, 46.5, 0.0579),
    50: (1.0, 0.648, 0.992, 1.000, 57.8, 0.0706),
    54: (1.0, 0.936, 0.999, 1.000, 67.4, 0.0825),
}


def mask_of(task, pairs):
    return np.array([tuple(pair) in set(pairs) for pair in task.pairs])


def equations(task, parallelograms):
    """One row e_i + e_j - e_m - e_n per parallelogram, written out."""
    rows = np.zeros((len(parallelograms), task.num_symbols))
    for row, (a, b) in zip(rows, parallelograms, strict=True):
        for symbol in task.pairs[a]:
            row[symbol] += 1
        for symbol in task.pairs[b]:
            row[symbol] -= 1
    return rows


@pytest.mark.medium
@pytest.mark.parametrize("task", [rep.Addition(6), rep.Addition(7), rep.ModularAddition(7)])
def test_prediction_by_brute_force(task):
    masks = np.asarray(rep.training_sets_of_sizes(jax.random.key(1), task, [1, 5, 9, 14, task.num_samples - 1], 6))
    found = rep.predict(task, masks, normalisation="raw")
    everything = equations(task, task.parallelograms)
    for index, mask in enumerate(masks):
        inside = [pair for pair in task.parallelograms if mask[pair].all()]
        rows = equations(task, inside)
        np.testing.assert_allclose(energy_matrix(task, jnp.asarray(mask)), rows.T @ rows, atol=1e-12)
        rank = np.linalg.matrix_rank(rows) if inside else 0
        assert int(found.nullity[index]) == task.num_symbols - rank
        assert int(found.num_train_parallelograms[index]) == len(inside)
        implied = [np.linalg.matrix_rank(np.vstack([rows, row])) == rank for row in everything]
        np.testing.assert_array_equal(found.implied_parallelograms[index], implied)
        reached = mask.copy()
        for (a, b), follows in zip(task.parallelograms, implied, strict=True):
            reached[a] |= follows and mask[b]
            reached[b] |= follows and mask[a]
        np.testing.assert_array_equal(found.predictable_samples[index], reached)
        np.testing.assert_allclose(found.predicted_accuracy[index], reached.mean())
        np.testing.assert_allclose(found.quality[index], np.mean(implied))


def test_one_set_many_sets_and_vmap_agree():
    task = rep.Addition(8)
    masks = rep.training_sets_of_sizes(jax.random.key(2), task, [10, 20, 30], 4).reshape(3, 4, 36)
    many = rep.predict(task, masks)
    assert many.nullity.shape == (3, 4)
    one = rep.predict(task, masks[1, 2])
    mapped = jax.vmap(jax.vmap(lambda mask: rep.predict(task, mask)))(masks)
    for a, b, c in zip(jax.tree.leaves(many), jax.tree.leaves(one), jax.tree.leaves(mapped), strict=True):
        np.testing.assert_allclose(a[1, 2], b, atol=1e-12)
        np.testing.assert_allclose(a, c, atol=1e-12)


@pytest.mark.parametrize(("normalisation", "expected"), [("raw", 30.0), ("paper", 0.085714286), ("code", 6.6666667)])
def test_full_data_set(normalisation, expected):
    full = rep.predict(rep.Addition(10), np.ones(55, bool), normalisation=normalisation)
    np.testing.assert_allclose(full.third_eigenvalue, expected, rtol=1e-7)
    assert int(full.nullity) == 2
    assert full.implied_parallelograms.all()


def test_closed_forms_of_the_spectrum():
    raw = lambda task: rep.predict(task, np.ones(task.num_samples, bool), normalisation="raw")
    for p in (4, 6, 8, 12):
        np.testing.assert_allclose(raw(rep.Addition(p)).third_eigenvalue, p * (p + 2) / 4, rtol=1e-10)
    for p, expected in {5: 10.0, 7: 16.5981, 9: 25.6157, 11: 36.5287}.items():
        np.testing.assert_allclose(raw(rep.Addition(p)).third_eigenvalue, expected, atol=5e-5)
    for p in (5, 7, 11):
        modular = raw(rep.ModularAddition(p))
        assert int(modular.nullity) == 1
        assert bool(modular.unique_structure)
        np.testing.assert_allclose(modular.eigenvalues[1:], p * (p + 3) / 2, rtol=1e-10)
    np.testing.assert_allclose(np.unique(np.round(raw(rep.ModularAddition(12)).eigenvalues, 6)), [0, 90, 92, 96])


def test_worked_examples_of_the_appendices():
    six = rep.Addition(6)
    seven_samples = mask_of(six, [(0, 4), (1, 3), (1, 5), (2, 4), (0, 2), (1, 1), (3, 3)])
    found = rep.predict(six, seven_samples, normalisation="raw")
    assert int(found.nullity) == 2
    np.testing.assert_allclose(found.third_eigenvalue, 1.00645, atol=5e-6)
    assert int(found.num_train_parallelograms) == 5
    np.testing.assert_allclose(found.predicted_accuracy, 8 / 21)
    found = rep.predict(six, mask_of(six, [(0, 4), (1, 3), (1, 5), (2, 4)]))
    assert int(found.nullity) == 4
    assert float(found.third_eigenvalue) == 0.0
    implied = [
        {tuple(six.pairs[a]), tuple(six.pairs[b])}
        for a, b in six.parallelograms[np.asarray(found.implied_parallelograms)]
    ]
    assert {(0, 5), (2, 3)} in implied
    assert len(implied) == 3
    four = rep.Addition(4)
    found = rep.predict(four, mask_of(four, [(0, 2), (1, 1), (0, 3), (1, 2), (1, 3), (2, 2)]))
    assert found.implied_parallelograms.all()


def test_unique_structure_is_not_perfect_generalisation():
    task = rep.Addition(10)
    found = rep.predict(task, (task.labels == 8) | (task.labels == 9))
    assert bool(found.unique_structure)
    assert float(found.quality) == 1.0
    np.testing.assert_allclose(found.predicted_accuracy, 10 / 55)
    without_symbol_zero = rep.predict(task, (task.pairs[:, 0] != 0) | (task.pairs[:, 1] < 2))
    assert not bool(without_symbol_zero.unique_structure)


@pytest.mark.parametrize("size", TABLE)
def test_statistics_of_random_training_sets(size):
    """Gates: binomial errors of 3000 sets against exact probabilities, of two samples of 3000 for the rest."""
    task, count = rep.Addition(10), 3000
    found = rep.predict(task, rep.random_training_sets(jax.random.key(100 + size), task, size, count))
    unique, certain, accuracy, quality, inside, rate = TABLE[size]
    assert abs(np.mean(found.unique_structure) - unique) <= 5 * (unique * (1 - unique) / count) ** 0.5 + 1e-6
    error = (2 * max(certain * (1 - certain), 1 / count) / count) ** 0.5
    assert abs(np.mean(np.asarray(found.predicted_accuracy) == 1) - certain) <= 5 * error + 0.0005
    for values, expected, rounding in (
        (found.predicted_accuracy, accuracy, 0.0005),
        (found.quality, quality, 0.0005),
        (found.num_train_parallelograms, inside, 0.05),
    ):
        assert abs(np.mean(values) - expected) <= 5 * np.std(values) * (2 / count) ** 0.5 + rounding
    positive = np.asarray(found.third_eigenvalue)[np.asarray(found.unique_structure)]
    below = np.mean(positive < rate)  # a median: half of the sets lie below it, with errors of both samples
    assert abs(below - 0.5) <= 5 * (0.5 / len(positive)) ** 0.5 + np.mean(np.abs(positive - rate) < 6e-5)


def test_predictable_training_sets():
    task = rep.Addition(10)
    sets = rep.predictable_training_sets(jax.random.key(0), task, 45, 20)
    assert sets.shape == (20, 55)
    np.testing.assert_array_equal(sets.sum(axis=1), 45)
    assert (np.asarray(rep.predict(task, sets).predicted_accuracy) == 1).all()
    with pytest.raises(ValueError, match="train_size"):
        rep.predictable_training_sets(jax.random.key(0), task, 18, 2)


def test_bad_input():
    task = rep.Addition(10)
    with pytest.raises(ValueError, match="train_mask"):
        rep.predict(task, np.zeros(55, bool))
    with pytest.raises(ValueError, match="train_mask"):
        rep.predict(task, np.ones(54, bool))
    with pytest.raises(ValueError, match="train_mask"):
        rep.predict(task, np.ones(55))
    with pytest.raises(ValueError, match="normalisation"):
        rep.predict(task, np.ones(55, bool), normalisation="theirs")
    with pytest.raises(ValueError, match="task"):
        rep.predict(rep.Permutations(), np.ones(36, bool))  # pyright: ignore[reportArgumentType]


def test_theory_asks_for_double_precision():
    code = (
        "import numpy as np; from grokjax.systems import representation as rep\n"
        "for call in (lambda: rep.predict(rep.Addition(5), np.ones(15, bool)), lambda: rep.critical_fraction(5)):\n"
        "    try: call()\n"
        "    except ValueError as error: assert 'jax_enable_x64' in str(error)\n"
        "    else: raise SystemExit('no error')\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PATH": "", "JAX_PLATFORMS": "cpu"})
