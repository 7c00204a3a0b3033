"""Training: the released runs step by step, a hand-written optimiser step, sweeps that trace once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.systems import representation as rep
from grokjax.systems.representation import system as system_module


ADDITION = rep.Addition(10)
KEY = jax.random.key(0)


def train(system, start, num_steps, **options):
    return rep.simulate(KEY, system, start=start, num_steps=num_steps, progress=False, **options)


@pytest.mark.parametrize(("dimension", "loss"), [(1, 0.981266), (2, 0.962226)])
def test_initial_loss_of_the_released_run(dimension, loss):
    system = rep.ToyRepresentation(ADDITION, embedding_dim=dimension)
    start = rep.released_start(system, [58])
    mask, templates, network = jax.tree.map(lambda leaf: leaf[0], (start.train_mask, start.templates, start.networks))
    target = rep.TrainingLoss(ADDITION, "mse", mask, templates, jnp.zeros((), jnp.float32))
    assert int(mask.sum()) == 45
    np.testing.assert_allclose(target(network), loss, atol=1e-6)


def test_released_reference_run():
    """Seed 58: every step of the released log; its validation step is one larger, being read before the update."""
    system = rep.ToyRepresentation(ADDITION)
    run = train(system, rep.released_start(system, [58]), 1600)
    assert (run.train_step.item(), run.validation_step.item() + 1, run.structure_step.item()) == (1130, 1530, 800)
    assert run.quality.item() == 1.0


@pytest.mark.parametrize(("size", "steps"), [(40, [867, -1, 943]), (45, [833, 1071, 887])])
def test_released_steps_to_structure(size, steps):
    system = rep.ToyRepresentation(ADDITION)
    run = train(system, rep.released_start(system, [0, 1, 2], train_size=size), 1300)
    assert run.structure_step.tolist() == steps


def test_published_diagram_points():
    """Two cells of the data behind Fig. 6b, exactly."""
    system = rep.ToyRepresentation(ADDITION, decoder_rate=np.array([1e-4, 10**-3.6]))
    run = train(system, rep.released_start(system, [58], order="published"), 2100)
    assert run.train_step[:, 0].tolist() == [1650, 854]
    assert run.validation_step[:, 0].tolist() == [2076, 923]


def test_published_classification():
    """One cell of the data behind Fig. 6c: 1196 and 1307 there; rounding moves it by a few steps."""
    system = rep.ToyRepresentation(ADDITION, decoder_rate=1e-4, loss="cross_entropy")
    run = train(system, rep.released_start(system, [6], order="published"), 1350)
    assert abs(run.train_step.item() - 1196) <= 12
    assert abs(run.validation_step.item() - 1307) <= 12


def by_hand(system, start, steps, rate, decay):
    """Numpy float64: forward, backward, and Adam with decoupled decay, as in the module docstring of `system`."""
    mask = np.asarray(start.train_mask[0])
    labels, pairs = ADDITION.labels[mask], ADDITION.pairs[mask]
    network = jax.tree.map(lambda leaf: np.asarray(leaf[0], float), start.networks)
    names = ["embedding", "w0", "b0", "w1", "b1", "w2", "b2"]
    layers = zip(network.decoder.weights, network.decoder.biases, strict=True)
    value = dict(zip(names, [network.embedding, *(array for layer in layers for array in layer)], strict=True))
    first, second = ({name: np.zeros_like(array) for name, array in value.items()} for _ in range(2))
    for count in range(1, steps + 1):
        x = value["embedding"][pairs[:, 0]] + value["embedding"][pairs[:, 1]]
        h0 = np.tanh(x @ value["w0"].T + value["b0"])
        h1 = np.tanh(h0 @ value["w1"].T + value["b1"])
        out = h1 @ value["w2"].T + value["b2"]
        if system.loss == "mse":
            back = 2 * (out - np.asarray(start.templates[0], float)[labels]) / out.size
        else:
            back = np.exp(out - out.max(axis=1, keepdims=True))
            back = (back / back.sum(axis=1, keepdims=True) - np.eye(out.shape[1])[labels]) / len(out)
        slope = {"w2": back.T @ h1, "b2": back.sum(axis=0)}
        back = (back @ value["w2"]) * (1 - h1**2)
        slope |= {"w1": back.T @ h0, "b1": back.sum(axis=0)}
        back = (back @ value["w1"]) * (1 - h0**2)
        slope |= {"w0": back.T @ x, "b0": back.sum(axis=0), "embedding": np.zeros_like(value["embedding"])}
        for column in (0, 1):
            np.add.at(slope["embedding"], pairs[:, column], back @ value["w0"])
        for name, gradient in slope.items():
            first[name] = 0.9 * first[name] + 0.1 * gradient
            second[name] = 0.999 * second[name] + 0.001 * gradient**2
            move = (first[name] / (1 - 0.9**count)) / (np.sqrt(second[name] / (1 - 0.999**count)) + 1e-8)
            eta, gamma = (1e-3, 0.0) if name == "embedding" else (rate, decay)
            value[name] = (1 - eta * gamma) * value[name] - eta * move
    return value


@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_training_step_by_hand(loss):
    rates, decays = np.array([1e-4, 3e-3]), np.array([0.0, 10.0])
    system = rep.ToyRepresentation(ADDITION, decoder_rate=rates, weight_decay=decays, loss=loss)
    start = rep.random_start(KEY, system, num_seeds=1)
    networks = train(system, start, 5).networks
    assert networks is not None
    for cell, (rate, decay) in enumerate(zip(rates, decays, strict=True)):
        value = by_hand(system, start, 5, rate, decay)
        found = jax.tree.map(lambda leaf, cell=cell: leaf[cell, 0], networks)
        initial = jax.tree.map(lambda leaf: np.asarray(leaf[0]), start.networks)
        moves = {
            "embedding": (found.embedding, initial.embedding),
            **{f"w{k}": (found.decoder.weights[k], initial.decoder.weights[k]) for k in range(3)},
            **{f"b{k}": (found.decoder.biases[k], initial.decoder.biases[k]) for k in range(3)},
        }
        for name, (new, old) in moves.items():
            expected = value[name] - old
            assert np.linalg.norm(new - old - expected) < 2e-3 * np.linalg.norm(expected), name


def test_a_sweep_traces_once(monkeypatch):
    traces = []
    plain = system_module.two_adams

    def counted(**hyperparameters):
        traces.append(None)
        return plain(**hyperparameters)

    monkeypatch.setattr("grokjax.systems.representation.experiment.two_adams", counted)
    call = lambda rates, decays: rep.phase_diagram(
        KEY, ADDITION, rates, decays, num_seeds=2, num_steps=4, progress=False
    )
    first = call([1e-4, 1e-3], [0.0, 1.0, 5.0])
    assert first.phase.shape == first.train_step.shape == first.validation_step.shape == (2, 3, 2)
    once = len(traces)
    second = call([3e-4, 2e-3], [0.5, 2.0, 9.0])
    assert once > 0
    assert len(traces) == once
    assert (first.training.networks.embedding != second.training.networks.embedding).any()


def test_members_of_a_grid_are_the_single_runs():
    system = rep.ToyRepresentation(ADDITION, widths=(20, 20))
    start = rep.random_start(KEY, system, num_seeds=2, train_size=30)
    grid = system.replace(decoder_rate=np.array([[1e-3], [3e-3]]), weight_decay=np.array([0.0, 2.0]), init_scale=2.0)
    every = train(grid, start, 40)
    single = train(system.replace(decoder_rate=3e-3, weight_decay=0.0, init_scale=2.0), start, 40)
    assert every.quality.shape == (2, 2, 2)
    np.testing.assert_allclose(every.networks.embedding[1, 0], single.networks.embedding, atol=1e-5)
    np.testing.assert_array_equal(every.networks.embedding[0, 0], train(grid, start, 40).networks.embedding[0, 0])


def test_final_state_is_read_off_correctly():
    system = rep.ToyRepresentation(ADDITION)
    start = rep.released_start(system, [58])
    run = train(system, start, 400)
    network = jax.tree.map(lambda leaf: leaf[0], run.networks)
    x = network.embedding[ADDITION.pairs].sum(axis=1)
    for layer, (weight, bias) in enumerate(zip(network.decoder.weights, network.decoder.biases, strict=True)):
        x = (np.tanh(x) if layer else x) @ weight.T + bias
    distance = np.linalg.norm(x[:, None, :] - np.asarray(start.templates[0])[None], axis=2)
    correct, mask = distance.argmin(axis=1) == ADDITION.labels, run.train_mask[0]
    assert 0 < correct.mean() < 1
    np.testing.assert_allclose(run.train_accuracy[0], correct[mask].mean(), rtol=1e-6)
    np.testing.assert_allclose(run.validation_accuracy[0], correct[~mask].mean(), rtol=1e-6)
    np.testing.assert_allclose(run.accuracy[0], correct.mean(), rtol=1e-6)


def test_trajectory_ends_where_training_ends():
    system = rep.ToyRepresentation(ADDITION, widths=(20, 20))
    start = rep.random_start(KEY, system, num_seeds=2)
    path = rep.trajectory(system, start, num_steps=30, record_every=10)
    assert path.shape == (2, 4, 10, 1)
    np.testing.assert_array_equal(path[:, 0], start.networks.embedding)
    np.testing.assert_allclose(path[:, -1], train(system, start, 30).networks.embedding, atol=1e-6)
    with pytest.raises(ValueError, match="system"):
        rep.trajectory(system.replace(weight_decay=np.zeros(2)), start)


@pytest.mark.parametrize(("task", "loss"), [(rep.Permutations(), "mse"), (rep.ModularAddition(7), "cross_entropy")])
def test_other_operations_are_learned(task, loss):
    """All training samples of a small table within 500 steps of a fast decoder."""
    system = rep.ToyRepresentation.paper(task, decoder_rate=1e-3, loss=loss)
    run = rep.simulate(KEY, system, num_seeds=2, num_steps=500, progress=False)
    assert (run.train_step >= 0).all()
    np.testing.assert_array_equal(run.train_accuracy, 1.0)
    np.testing.assert_array_equal(run.train_mask.sum(axis=1), 24 if task.num_samples == 36 else 23)


def test_theory_bounds_networks():
    """No network shows a structure that its training set does not fix: here, 12 samples never do."""
    masks = rep.training_sets_of_sizes(jax.random.key(1), ADDITION, [12, 45], 2)
    system = rep.ToyRepresentation(ADDITION)
    run = rep.simulate(KEY, system, num_seeds=4, train_mask=masks, num_steps=1200, progress=False)
    bounds = rep.bounds(ADDITION, run)
    assert bounds.holds["structured"] == 1.0
    assert bounds.bound.structured.tolist() == [False, False, True, True]
    assert (run.structure_step[:2] == -1).all()
    assert "bounds hold" in str(bounds)


@pytest.mark.parametrize(
    ("options", "name"),
    [
        ({"accuracy_threshold": 1.0}, "accuracy_threshold"),
        ({"accuracy_threshold": 0.0}, "accuracy_threshold"),
        ({"quality_threshold": 1.5}, "quality_threshold"),
        ({"train_size": 0}, "train_size"),
        ({"train_size": 55}, "train_size"),
        ({"train_mask": np.zeros(55, bool)}, "train_mask"),
        ({"train_mask": np.ones(55, bool)}, "train_mask"),
        ({"train_mask": np.arange(55) < 40, "train_size": 40}, "train_size"),
        ({"train_mask": np.ones((2, 55), bool) & (np.arange(55) < 40)}, "train_mask"),
        ({"num_seeds": 0}, "num_seeds"),
        ({"num_steps": 0}, "num_steps"),
        ({"lag_threshold": -1}, "lag_threshold"),
    ],
)
def test_bad_options(options, name):
    with pytest.raises(ValueError, match=name):
        rep.phase_diagram(KEY, ADDITION, [1e-3], [0.0], progress=False, **options)


def test_bad_parameters():
    for rates, decays, name in (
        ([-1e-3], [0.0], "decoder_rates"),
        ([1e-3], [-1.0], "weight_decays"),
        (1e-3, [0.0], "decoder_rates"),
        ([1e-3], [], "weight_decays"),
        ([np.nan], [0.0], "decoder_rates"),
    ):
        with pytest.raises(ValueError, match=name):
            rep.phase_diagram(KEY, ADDITION, rates, decays)
    for field, value in (
        ("embedding_rate", -1.0),
        ("embedding_decay", -1.0),
        ("init_scale", 0.0),
        ("loss", "hinge"),
        ("embedding_dim", 0),
        ("widths", (200, 0)),
    ):
        with pytest.raises(ValueError, match=field):
            rep.ToyRepresentation(ADDITION, **{field: value})
    with pytest.raises(ValueError, match="system"):
        rep.simulate(KEY, rep.ToyRepresentation(ADDITION, decoder_rate=np.ones(2), weight_decay=np.ones(3)))
    with pytest.raises(ValueError, match="seeds"):
        rep.released_start(rep.ToyRepresentation(ADDITION), [])
    with pytest.raises(ValueError, match="order"):
        rep.released_start(rep.ToyRepresentation(ADDITION), [1], order="new")
