"""Phases: the table row by row, statistics over seeds, and the diagram's corners."""

import jax
import numpy as np
import pytest

from grokjax.systems import representation as rep
from grokjax.systems.representation import Phase


def empty_training(shape, **fields):
    zeros, steps = np.zeros(shape), np.full(shape, -1)
    defaults = {
        "train_step": steps,
        "validation_step": steps,
        "structure_step": steps,
        "train_accuracy": zeros,
        "validation_accuracy": zeros,
        "accuracy": zeros,
        "quality": zeros,
        "represented_accuracy": zeros,
        "diverged": np.zeros(shape, bool),
        "train_mask": np.zeros((shape[-1], 55), bool),
        "networks": None,
    }
    return rep.Training(**(defaults | fields), quality_threshold=0.95, num_steps=1, seconds=0.0)


@pytest.mark.parametrize(
    ("train", "validation", "phase"),
    [
        (100, 900, Phase.COMPREHENSION),
        (900, 100, Phase.COMPREHENSION),
        (0, 999, Phase.COMPREHENSION),
        (0, 1000, Phase.GROKKING),
        (100, 9000, Phase.GROKKING),
        (100, -1, Phase.MEMORISATION),
        (-1, -1, Phase.CONFUSION),
        (-1, 500, Phase.UNCLASSIFIED),
    ],
)
def test_classify(train, validation, phase):
    assert rep.classify(np.array([train]), np.array([validation])).tolist() == [phase]


def test_lag_threshold_is_a_parameter():
    steps = np.array([0]), np.array([1500])
    assert rep.classify(*steps, lag_threshold=2000).tolist() == [Phase.COMPREHENSION]
    assert rep.classify(*steps).tolist() == [Phase.GROKKING]
    with pytest.raises(ValueError, match="lag_threshold"):
        rep.classify(*steps, lag_threshold=-1)


def test_statistics_over_seeds():
    phase = np.array([[[0, 0, 1], [2, 3, 3]], [[4, 4, 4], [1, 2, 3]]])
    quality = np.arange(12.0).reshape(2, 2, 3) / 11
    diverged = phase == 4
    training = empty_training(phase.shape, quality=quality, diverged=diverged)
    diagram = rep.TrainingPhaseDiagram(np.array([1e-4, 1e-3]), np.array([0.0, 1.0]), phase, training)
    np.testing.assert_allclose(diagram.probability(Phase.COMPREHENSION), [[2 / 3, 0], [0, 0]])
    np.testing.assert_array_equal(diagram.majority(), [[0, 3], [4, 1]])
    np.testing.assert_allclose(diagram.agreement(), [[2 / 3, 2 / 3], [1, 1 / 3]])
    keep = np.array([False, True, True])
    np.testing.assert_array_equal(diagram.majority(keep=keep), [[0, 3], [4, 2]])
    np.testing.assert_allclose(diagram.agreement(keep=keep), [[0.5, 1], [1, 0.5]])
    assert ["".join(word) for word in diagram.letters().reshape(-1, 3)] == ["CCG", "MXX", "UUU", "GMX"]
    shared = diagram.diagram(keep=keep)
    assert shared.names().tolist() == [["comprehension", "confusion"], ["not finite", "memorisation"]]
    np.testing.assert_allclose(shared.order_parameters.quality.mean[0], quality[0, :, 1:].mean(axis=1))
    assert "2 rates x 2 decays x 3 seeds" in str(diagram)


def test_wilson_interval():
    low, high = rep.wilson_interval(np.array([0.0, 0.5, 1.0]), 20, z=1.96)
    np.testing.assert_allclose(low, [0.0, 0.299, 0.839], atol=1e-3)  # the textbook's values for 0, 10 and 20 of 20
    np.testing.assert_allclose(high, [0.161, 0.701, 1.0], atol=1e-3)


@pytest.mark.slow
def test_corners_of_the_diagram():
    """Regression, 10 symbols, 45/10 splits that can generalise, 6 seeds, 10 000 steps."""
    task = rep.Addition(10)
    masks = rep.predictable_training_sets(jax.random.key(7), task, 45, 6)
    rates = np.array([1e-4, 1e-4, 1e-4, 1e-4, 1e-2, 1e-2, 1e-5, 1e-5])
    decays = np.array([0.0, 2.0, 4.0, 6.0, 0.0, 10.0, 4.0, 10.0])
    system = rep.ToyRepresentation(task, decoder_rate=rates, weight_decay=decays)
    run = rep.simulate(jax.random.key(7), system, num_seeds=6, train_mask=masks, num_steps=10_000, progress=False)
    phase = rep.classify(run.train_step, run.validation_step)
    structured = run.structure_step != -1
    generalised = (phase == Phase.COMPREHENSION) | (phase == Phase.GROKKING)
    for cell in range(3):
        assert np.mean(generalised[cell][structured[cell]]) > 0.5
        assert structured[cell].sum() >= 2
    assert (phase[4] == Phase.MEMORISATION).all()
    assert np.mean(phase[5] == Phase.CONFUSION) > 0.5
    assert (phase[6:] == Phase.CONFUSION).all()
    both = generalised[0] & generalised[3]
    lag = run.validation_step - run.train_step
    assert both.sum() >= 2
    assert np.median(lag[3][both]) > np.median(lag[0][both])
    assert rep.bounds(task, run).holds["structured"] == 1.0
