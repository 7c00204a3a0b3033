"""Training: the released runs step by step, hand-written optimiser steps, sweeps that trace once."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax import Status
from grokjax.systems import representation as rep
from grokjax.systems.representation import system as system_module


ADDITION = rep.Addition(10)
SYSTEM = rep.ToyRepresentation(ADDITION)
KEY = jax.random.key(0)
QUIET = {"progress": False}


def joined(*seeds):
    return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *seeds)


@pytest.fixture(scope="module")
def released():
    """Their seed 58 as run again, and as published; seeds 0-2 on 40 and on 45 samples; two sets that imply nothing."""
    seeds = joined(
        rep.released_start(SYSTEM, [58]),
        rep.released_start(SYSTEM, [58], order="published"),
        rep.released_start(SYSTEM, [0, 1, 2], train_size=40),
        rep.released_start(SYSTEM, [0, 1, 2], train_size=45),
        rep.released_start(SYSTEM, [0, 1], train_size=12),
    )
    slow = rep.simulate(KEY, SYSTEM, seeds=seeds, num_steps=2100, **QUIET)
    options = {"num_steps": 1050, "num_chunks": 10, **QUIET}  # the same program: chunks of one length
    return slow, rep.simulate(KEY, SYSTEM.replace(decoder_rate=10**-3.6), seeds=seeds, **options)


@pytest.mark.parametrize(("dimension", "loss"), [(1, 0.981266), (2, 0.962226)])
def test_initial_loss_of_the_released_run(dimension, loss):
    seeds = rep.released_start(SYSTEM.replace(embedding_dim=dimension), [58])
    mask, templates, network = jax.tree.map(lambda leaf: leaf[0], (seeds.train_mask, seeds.templates, seeds.networks))
    target = rep.TrainingLoss(ADDITION, "mse", mask, templates, jnp.zeros((), jnp.float32))
    assert int(mask.sum()) == 45
    np.testing.assert_allclose(target(network), loss, atol=1e-6)


@pytest.mark.medium
def test_released_reference_run(released):
    """Seed 58: every step of the released log; its validation step is one larger, being read before the update."""
    end = released[0].members
    assert (end.train_step[0], end.validation_step[0] + 1, end.structure_step[0]) == (1130, 1530, 800)
    assert end.quality[0] == 1.0


@pytest.mark.medium
def test_released_steps_to_structure(released):
    steps = released[0].members.structure_step
    np.testing.assert_array_equal(steps[2:5], [867, np.nan, 943])
    np.testing.assert_array_equal(steps[5:8], [833, 1071, 887])


@pytest.mark.medium
def test_published_diagram_points(released):
    """Two cells of the data behind Fig. 6b, exactly."""
    slow, fast = (run.members for run in released)
    assert (slow.train_step[1], fast.train_step[1]) == (1650, 854)
    assert (slow.validation_step[1], fast.validation_step[1]) == (2076, 923)


def test_published_classification():
    """One cell of the data behind Fig. 6c: 1196 and 1307 there; rounding moves it by a few steps."""
    system = SYSTEM.replace(loss="cross_entropy")
    seeds = rep.released_start(system, [6], order="published")
    end = rep.simulate(KEY, system, seeds=seeds, num_steps=1350, **QUIET).members
    assert abs(end.train_step.item() - 1196) <= 12
    assert abs(end.validation_step.item() - 1307) <= 12


@pytest.mark.medium
def test_the_loss_of_the_released_run_on_its_way_and_its_trajectory():
    """The log's losses after 1000, 2000, 3000 and 4000 updates."""
    seeds = rep.released_start(SYSTEM, [58])
    options = {"followed": True, "record_every": 10, "num_chunks": 400, **QUIET}
    run = rep.simulate(KEY, SYSTEM, seeds=seeds, num_steps=4000, **options)
    loss = run.diagnostics["energy"][0, 99::100]
    np.testing.assert_allclose(loss[:3], [0.430412, 0.101778, 0.022342], atol=1e-5)
    np.testing.assert_allclose(loss[3], 0.002748, atol=1e-5)
    path = rep.trajectory(SYSTEM, seeds, num_steps=200, record_every=10)  # the same program
    assert path.shape == (1, 21, 10, 1)
    np.testing.assert_array_equal(path[:, 0], seeds.networks.embedding)
    np.testing.assert_array_equal(path[:, 1:], run.observed["embedding"][:, :20])
    np.testing.assert_array_equal(run.observed["embedding"][:, -1], rep.trained(run)[1].embedding)
    np.testing.assert_array_equal(run.series.quality[:, -1], run.members.quality)
    assert run.series.quality.shape == (1, 400)
    with pytest.raises(ValueError, match="system"):
        rep.trajectory(SYSTEM.replace(weight_decay=np.zeros(2)), seeds)


def by_hand(loss, mask, templates, network, steps, rate, decay):
    """Numpy float64: forward, backward, and Adam with decoupled decay, as in the module docstring of `system`."""
    labels, pairs = ADDITION.labels[mask], ADDITION.pairs[mask]
    network = jax.tree.map(lambda leaf: np.asarray(leaf, float), network)
    names = ["embedding", "w0", "b0", "w1", "b1", "w2", "b2"]
    layers = zip(network.decoder.weights, network.decoder.biases, strict=True)
    value = dict(zip(names, [network.embedding, *(array for layer in layers for array in layer)], strict=True))
    first, second = ({name: np.zeros_like(array) for name, array in value.items()} for _ in range(2))
    for count in range(1, steps + 1):
        x = value["embedding"][pairs[:, 0]] + value["embedding"][pairs[:, 1]]
        h0 = np.tanh(x @ value["w0"].T + value["b0"])
        h1 = np.tanh(h0 @ value["w1"].T + value["b1"])
        out = h1 @ value["w2"].T + value["b2"]
        if loss == "mse":
            back = 2 * (out - np.asarray(templates, float)[labels]) / out.size
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


def drawn(key, num_members, system):
    """Seeds as the experiment draws them."""
    one = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), system.replace(init_scale=1.0))
    keys = jax.random.split(key, (num_members, 2))
    problem = jax.vmap(lambda key: rep.Training().draw(key[0], key[1], one))(keys)
    return rep.Seeds(problem.target.train_mask, problem.target.templates, problem.starts[0])


@pytest.mark.medium
@pytest.mark.parametrize("loss", ["mse", "cross_entropy"])
def test_training_steps_by_hand_and_sweeps_that_trace_once(loss, monkeypatch):
    """Every cell of a grid, every seed; other rates of the same shape compile nothing."""
    traces = []
    plain = system_module.two_adams

    def counted(**hyperparameters):
        traces.append(None)
        return plain(**hyperparameters)

    monkeypatch.setattr("grokjax.systems.representation.experiment.two_adams", counted)
    rates, decays = np.array([1e-4, 3e-3]), np.array([0.0, 2.0, 10.0])
    system = SYSTEM.replace(loss=loss, widths=(40, 40), init_scale=2.0)
    seeds = drawn(KEY, 2, system)
    grid = lambda rates: system.replace(decoder_rate=rates[:, None], weight_decay=decays)
    train = lambda rates: rep.simulate(KEY, grid(rates), seeds=seeds, num_steps=5, **QUIET)
    run = train(rates)
    once = len(traces)
    assert once > 0
    other = train(2 * rates)
    assert len(traces) == once
    target, network = rep.trained(run)
    assert network.embedding.shape == (2, 3, 2, 10, 1)
    assert run.quality.mean.shape == (2, 3)
    assert (network.decoder.weights[0] != rep.trained(other)[1].decoder.weights[0]).any()
    np.testing.assert_array_equal(network.embedding, rep.trained(train(rates))[1].embedding)
    for cell in np.ndindex(2, 3, 2):
        found = jax.tree.map(lambda leaf, cell=cell: leaf[cell], network)
        initial = jax.tree.map(lambda leaf, cell=cell: leaf[cell[2]], seeds.networks)
        initial = rep.ToyNetwork(2 * initial.embedding, initial.decoder)
        mask, templates = target.train_mask[cell], target.templates[cell]
        value = by_hand(loss, mask, templates, initial, 5, rates[cell[0]], decays[cell[1]])
        moves = {
            "embedding": (found.embedding, initial.embedding),
            **{f"w{k}": (found.decoder.weights[k], initial.decoder.weights[k]) for k in range(3)},
            **{f"b{k}": (found.decoder.biases[k], initial.decoder.biases[k]) for k in range(3)},
        }
        for name, (new, old) in moves.items():
            expected = value[name] - old
            assert np.linalg.norm(new - old - expected) < 2e-3 * np.linalg.norm(expected), name


def test_a_seed_is_the_same_all_over_a_grid():
    """Split, targets and network; and seeds differ from each other."""
    grid = SYSTEM.replace(decoder_rate=np.array([0.0, 1e-3]), embedding_rate=0.0, widths=(8,))
    run = rep.simulate(KEY, grid, num_members=3, num_steps=2, **QUIET)
    target, network = rep.trained(run)
    for leaf in (target.train_mask, target.templates, network.embedding):
        np.testing.assert_array_equal(leaf[0], leaf[1])
        assert (leaf[0, 0] != leaf[0, 1]).any()
    np.testing.assert_array_equal(rep.train_masks(run), target.train_mask[1])
    np.testing.assert_array_equal(rep.train_masks(run).sum(axis=1), 45)
    assert not (network.decoder.weights[0][0] == network.decoder.weights[0][1]).any()
    assert np.all(run.status == Status.OUT_OF_STEPS)
    with pytest.raises(ValueError, match="run"):
        rep.train_masks(run.without_states())


def test_a_diverged_point_ends_no_sweep(tmp_path):
    """It is left out of averages, and its status says so; results survive a file and become labelled arrays."""
    grid = SYSTEM.replace(decoder_rate=np.array([1e-3, 1e38]), widths=(8,))
    with pytest.warns(UserWarning, match="diverged"):
        run = rep.simulate(KEY, grid, num_members=3, num_steps=2, **QUIET).without_states()
    assert (run.status == [[Status.OUT_OF_STEPS] * 3, [Status.NOT_FINITE] * 3]).all()
    assert np.isfinite(run.accuracy.mean[0])
    assert np.isnan(run.accuracy.mean[1])
    diagram = rep.TrainingPhaseDiagram(run)
    assert (diagram.phase == [[rep.Phase.CONFUSION] * 3, [rep.Phase.UNCLASSIFIED] * 3]).all()
    back = grokjax.load(grokjax.save(tmp_path / "run", run))
    np.testing.assert_array_equal(back.members.accuracy, run.members.accuracy)
    assert back.to_xarray()["accuracy"].dims == ("point", "member")


@pytest.mark.medium
def test_final_state_is_read_off_correctly(released):
    target, network = rep.trained(released[0])
    shares = []
    for seed in range(10):
        mine = jax.tree.map(lambda leaf, seed=seed: leaf[seed], network)
        x = mine.embedding[ADDITION.pairs].sum(axis=1)
        for layer, (weight, bias) in enumerate(zip(mine.decoder.weights, mine.decoder.biases, strict=True)):
            x = (np.tanh(x) if layer else x) @ weight.T + bias
        distance = np.linalg.norm(x[:, None, :] - target.templates[seed][None], axis=2)
        correct, mask = distance.argmin(axis=1) == ADDITION.labels, target.train_mask[seed]
        end = jax.tree.map(lambda leaf, seed=seed: leaf[seed], released[0].members)
        np.testing.assert_allclose(end.train_accuracy, correct[mask].mean(), rtol=1e-6)
        np.testing.assert_allclose(end.validation_accuracy, correct[~mask].mean(), rtol=1e-6)
        np.testing.assert_allclose(end.accuracy, correct.mean(), rtol=1e-6)
        shares.append(correct.mean())
    assert min(shares) < 0.6 < max(shares)


@pytest.mark.medium
def test_status_and_averages_over_seeds(released):
    run = released[0]
    reached = np.isfinite(run.members.validation_step)
    np.testing.assert_array_equal(run.status == Status.REACHED, reached)
    np.testing.assert_array_equal(run.status == Status.OUT_OF_STEPS, ~reached)
    assert 0 < reached.sum() < 10
    np.testing.assert_allclose(run.validation_step.mean, run.members.validation_step[reached].mean())
    np.testing.assert_allclose(run.accuracy.mean, run.members.accuracy.mean(), rtol=1e-6)


@pytest.mark.medium
@pytest.mark.parametrize(("task", "loss"), [(rep.Permutations(), "mse"), (rep.ModularAddition(7), "cross_entropy")])
def test_other_operations_are_learned(task, loss):
    """All training samples of a small table within 500 steps of a fast decoder."""
    system = rep.ToyRepresentation.paper(task, decoder_rate=1e-3, loss=loss)
    run = rep.simulate(KEY, system, num_members=2, num_steps=500, **QUIET)
    assert (run.members.train_step >= 0).all()
    np.testing.assert_array_equal(run.members.train_accuracy, 1.0)
    np.testing.assert_array_equal(rep.train_masks(run).sum(axis=1), 24 if task.num_samples == 36 else 23)


@pytest.mark.medium
def test_theory_bounds_networks(released):
    """No network shows a structure that its training set does not fix: here, 12 samples never do."""
    run = released[0]
    bound = rep.predict(ADDITION, rep.train_masks(run)).order_parameters
    assert bound.structured.tolist() == [True] * 8 + [False] * 2
    assert np.isnan(run.members.structure_step[8:]).all()
    share = rep.share_within_bounds(bound, run)
    assert share.structured == 1.0
    assert share.quality == np.mean(run.members.quality <= np.asarray(bound.quality) + 1e-6)
    assert share.represented_accuracy == np.mean(run.members.represented_accuracy <= bound.accuracy + 1e-6)


HALF = np.arange(55) < 40


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
        ({"train_mask": HALF[:54]}, "train_mask"),
        ({"train_mask": HALF.astype(float)}, "train_mask"),
        ({"train_mask": HALF, "train_size": 40}, "train_size"),
        ({"train_mask": np.stack([HALF, HALF]), "num_members": 3}, "train_mask"),
        ({"seeds": rep.released_start(SYSTEM, [1, 2]), "num_members": 3}, "seeds"),
        ({"seeds": rep.released_start(SYSTEM, [1]), "train_mask": HALF}, "train_mask"),
        ({"num_members": 0}, "num_members"),
        ({"num_seeds": 3}, "num_seeds"),
        ({"num_steps": 0}, "num_steps"),
        ({"lag_threshold": -1}, "lag_threshold"),
    ],
)
def test_bad_options(options, name):
    with pytest.raises(ValueError, match=f"Argument `{name}`"):
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
