"""Phases: the table row by row, statistics over seeds, and the diagram's corners."""

import jax
import numpy as np
import pytest

from grokjax import Run
from grokjax.ensemble.layout import Layout
from grokjax.systems import representation as rep
from grokjax.systems.representation import Phase


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


def steps_of(phase):
    """Hitting times that mean a phase."""
    train = np.select([phase < 3], [0.0], np.nan)
    return train, np.select([phase == 0, phase == 1, phase == 4], [0.0, 1000.0, 500.0], np.nan)


def test_statistics_over_seeds():
    phase = np.array([[[0, 0, 1], [2, 3, 3]], [[4, 4, 4], [1, 2, 3]]])
    quality = np.arange(12.0).reshape(2, 2, 3) / 11
    train, validation = steps_of(phase)
    run = Run(
        system=rep.ToyRepresentation(
            rep.Addition(10), decoder_rate=np.array([[1e-4], [1e-3]]), weight_decay=np.array([0.0, 1.0])
        ),
        experiment=rep.Training(),
        order_parameters=None,
        members=rep.OrderParameters(quality, quality, quality > 0.5, train_step=train, validation_step=validation),
        diverged=phase == 4,
        layout=Layout((2, 2), 3, 3),
    )
    diagram = rep.TrainingPhaseDiagram(run)
    np.testing.assert_array_equal(diagram.phase, phase)
    np.testing.assert_allclose(diagram.probability(Phase.COMPREHENSION), [[2 / 3, 0], [0, 0]])
    np.testing.assert_array_equal(diagram.majority(), [[0, 3], [4, 1]])
    np.testing.assert_allclose(diagram.agreement(), [[2 / 3, 2 / 3], [1, 1 / 3]])
    keep = np.array([False, True, True])
    np.testing.assert_array_equal(diagram.majority(keep=keep), [[0, 3], [4, 2]])
    np.testing.assert_allclose(diagram.agreement(keep=keep), [[0.5, 1], [1, 0.5]])
    shared = diagram.diagram(keep=keep)
    assert shared.names().tolist() == [["comprehension", "confusion"], ["not finite", "memorisation"]]
    np.testing.assert_allclose(shared.order_parameters.quality.mean[0], quality[0, :, 1:].mean(axis=1))
    np.testing.assert_allclose(shared.axes["decoder_rate"], [1e-4, 1e-3])
    np.testing.assert_allclose(shared.axes["weight_decay"], [0.0, 1.0])
    assert "2 decoder rates x 2 weight decays x 3 seeds; comprehension 16.7%" in str(diagram)


RELEASED = """GGGGGGGGMMM GGGGGGGGGMM GGGGGGGGGMM GGGGGGGGGMM GGGGGGGGGMM CCCCGGGGGGM CCCCCGGGGGM CCCCCCGGGGM
MMMMMCCGMMM MMMMMMXXMMM MMMMMMXXXMX MMMMMMXXXXX MMMMMXXXXXX MMMMXXXXXXX MMMMXXXXXXX MMMXXXXXXXX"""
"""The authors' own phases of their figure 6b, decoder rates down, weight decays across."""


def grid_of(text):
    return np.array([["CGMXU".index(letter) for letter in row] for row in text.split()])


def diagram_of(phase):
    """A diagram with these phases, axes (row, column, seed)."""
    train, validation = steps_of(phase)
    rows, columns, seeds = phase.shape
    members = rep.OrderParameters(*3 * [np.zeros(phase.shape)], train_step=train, validation_step=validation)
    system = rep.ToyRepresentation(
        rep.Addition(10), embedding_rate=np.arange(1.0, rows + 1)[:, None], decoder_rate=np.arange(1.0, columns + 1)
    )
    run = Run(
        system=system, experiment=rep.Training(), order_parameters=None, members=members, diverged=phase == 4,
        layout=Layout((rows, columns), seeds, seeds),
    )  # fmt: skip
    return rep.TrainingPhaseDiagram(run, ("embedding_rate", "decoder_rate"))


def test_goldilocks_zone():
    """Shares and distances by hand, and those of the published diagram, whose grokking is hardly nearer to either."""
    first, second = grid_of("GGCC GGCC GGMM"), grid_of("MGXC MGXC MGXC")
    zone = rep.goldilocks(diagram_of(np.stack([first, second, np.full_like(first, 3)], axis=-1)))
    assert {name: float(share.mean * 36) for name, share in zone.shares.items()} == pytest.approx(
        {"comprehension": 7, "grokking": 9, "memorisation": 5, "confusion": 15, "unclassified": 0}
    )
    assert float(zone.zone.mean) == pytest.approx(16 / 36)
    by_hand = (np.sqrt(8) + np.sqrt(5) + np.sqrt(5) + np.sqrt(2) + 2 + 1) / 6
    np.testing.assert_allclose(zone.from_memorisation, [by_hand, 1, np.nan])
    np.testing.assert_allclose(zone.from_comprehension, [(2 + 1 + 2 + 1 + np.sqrt(5) + np.sqrt(2)) / 6, 2, np.nan])
    assert zone.num_seeds == 2
    apart = zone.from_memorisation[:2] - zone.from_comprehension[:2]
    np.testing.assert_allclose(zone.nearer_comprehension.mean, apart.mean())
    released = grid_of(RELEASED)
    assert np.bincount(released.ravel(), minlength=4).tolist() == [17, 60, 60, 39]
    np.testing.assert_allclose(rep.neighbour_distances(released), [3.43891, 3.29174], atol=1e-5)  # by another code
    assert np.isnan(rep.neighbour_distances(grid_of("GGX MMX"))[1])


def test_diagram_of_both_rates():
    """Its own axes, in the order asked for; and the figures of it."""
    system = rep.ToyRepresentation(rep.Addition(10), widths=(8,))
    options = {"num_members": 2, "num_steps": 4, "system": system, "progress": False}
    diagram = rep.rate_diagram(jax.random.key(0), system.task, [1e-4, 1e-3], [1e-5, 1e-4, 1e-3], **options)
    assert list(diagram.diagram().axes) == ["embedding_rate", "decoder_rate"]
    assert diagram.phase.shape == (2, 3, 2)
    np.testing.assert_allclose(np.ravel(diagram.run.system.embedding_rate), [1e-4, 1e-3])
    with pytest.raises(ValueError, match="`embedding_rates`"):
        rep.rate_diagram(jax.random.key(0), system.task, 1e-3, [1e-3], **options)


@pytest.mark.medium
def test_diagram_in_one_call():
    system = rep.ToyRepresentation(rep.Addition(10), widths=(8,))
    rates, decays = [1e-4, 1e-3], [0.0, 1.0, 5.0]
    diagram = rep.phase_diagram(
        jax.random.key(0), system.task, rates, decays, num_members=2, num_steps=4, system=system, progress=False
    )
    assert diagram.phase.shape == (2, 3, 2)
    assert (diagram.phase == Phase.CONFUSION).all()
    small = diagram.without_states()
    assert small.run.problem is None
    assert small.diagram().labels.tolist() == [[3, 3, 3], [3, 3, 3]]


@pytest.mark.slow
def test_corners_of_the_diagram():
    """Regression, 10 symbols, 45/10 splits that can generalise, 6 seeds, 10 000 steps."""
    task = rep.Addition(10)
    masks = rep.predictable_training_sets(jax.random.key(7), task, 45, 6)
    rates = np.array([1e-4, 1e-4, 1e-4, 1e-4, 1e-2, 1e-2, 1e-5, 1e-5])
    decays = np.array([0.0, 2.0, 4.0, 6.0, 0.0, 10.0, 4.0, 10.0])
    system = rep.ToyRepresentation(task, decoder_rate=rates, weight_decay=decays)
    run = rep.simulate(jax.random.key(7), system, num_members=6, train_mask=masks, num_steps=10_000, progress=False)
    end = run.members
    phase = rep.classify(end.train_step, end.validation_step)
    structured = np.isfinite(end.structure_step)
    generalised = (phase == Phase.COMPREHENSION) | (phase == Phase.GROKKING)
    for cell in range(3):
        assert np.mean(generalised[cell][structured[cell]]) > 0.5
        assert structured[cell].sum() >= 2
    assert (phase[4] == Phase.MEMORISATION).all()
    assert np.mean(phase[5] == Phase.CONFUSION) > 0.5
    assert (phase[6:] == Phase.CONFUSION).all()
    both = generalised[0] & generalised[3]
    lag = end.validation_step - end.train_step
    assert both.sum() >= 2
    assert np.median(lag[3][both]) > np.median(lag[0][both])
    bound = rep.predict(task, masks).order_parameters
    assert rep.share_within_bounds(bound, run).structured == 1.0
