"""The loop: what a run gives must not depend on how it is cut, and it must survive what users do to it."""

import chex
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Langevin, UnderdampedLangevin, ensemble
from grokjax.observables import Histogram, RunningMoments, Series, measure_energy


class Quadratic(eqx.Module):
    centre: jax.Array
    curvature: jax.Array

    def __call__(self, x):
        return self.curvature * jnp.sum((x - self.centre) ** 2) / 2


def position(key, state):
    return state.position


def fresh_noise(key, state):
    return jax.random.normal(key)


def problem(members=6, dim=3, dtype=jnp.float64):
    centre = jnp.arange(members * dim, dtype=dtype).reshape(members, dim) / 10
    return Quadratic(centre, jnp.linspace(0.5, 2.0, members, dtype=dtype)), jnp.zeros((members, dim), dtype)


OBSERVABLES = {
    "energy": Series(measure_energy),
    "x": RunningMoments(position),
    "histogram": Histogram(position, -3.0, 3.0, 12),
    "noise": Series(fresh_noise),
}


def run(**options):
    target, positions = problem()
    defaults = dict(num_steps=120, warmup=24, num_chunks=10, record_every=4, observables=OBSERVABLES, progress=False)
    return ensemble.run(jax.random.key(0), UnderdampedLangevin(0.3, 1.0), target, positions, **{**defaults, **options})


@pytest.mark.medium
def test_results_do_not_depend_on_chunks_or_blocks():
    reference = run()
    for options in ({"num_chunks": 5}, {"num_chunks": 30}, {"member_block": 2}, {"member_block": 4}):
        other = run(**options)
        assert other.num_steps == reference.num_steps
        chex.assert_trees_all_close(other.results, reference.results, rtol=1e-9, atol=1e-12)
        chex.assert_trees_all_close(other.states.position, reference.states.position, rtol=1e-9)


def test_a_member_does_not_depend_on_its_company():
    target, positions = problem()
    alone = ensemble.run(
        jax.random.key(0),
        UnderdampedLangevin(0.3, 1.0),
        jax.tree.map(lambda leaf: leaf[:2], target),
        positions[:2],
        num_steps=120,
        observables={},
        progress=False,
    )
    together = run()
    np.testing.assert_allclose(alone.states.position, together.states.position[:2], rtol=1e-9)


def test_streamed_observables_equal_the_trajectory():
    everything = run(observables={**OBSERVABLES, "path": Series(position)}).results
    path = everything["path"]
    assert path.shape == (6, 24, 3)
    np.testing.assert_allclose(everything["x"].mean, path.mean(axis=1), atol=1e-12)
    np.testing.assert_allclose(everything["x"].variance, path.var(axis=1), atol=1e-12)
    edges = everything["histogram"].edges
    for member in range(6):
        counts, _ = np.histogram(np.clip(path[member], edges[0], edges[-1] - 1e-9), edges)
        np.testing.assert_array_equal(everything["histogram"].counts[member], counts)
    assert len(np.unique(everything["noise"])) == everything["noise"].size


def test_hyperparameters_of_members_act_on_their_member():
    """An array of step sizes gives each member its own dynamics."""
    target, positions = problem()
    steps = jnp.linspace(0.05, 0.3, 6)
    together = ensemble.run(jax.random.key(0), Langevin(steps), target, positions, num_steps=40, progress=False)
    for member in (0, 5):
        single = ensemble.run(
            jax.random.key(0), Langevin(steps[member]), target, positions, num_steps=40, progress=False
        )
        np.testing.assert_allclose(together.states.position[member], single.states.position[member], rtol=1e-9)


def test_a_sweep_traces_once():
    traces = []

    class Counted(eqx.Module):
        curvature: jax.Array

        def __call__(self, x):
            traces.append(None)
            return self.curvature * jnp.sum(x**2) / 2

    positions = jnp.zeros((4, 2))

    def sweep(step_size, curvature):
        return ensemble.run(
            jax.random.key(0),
            Langevin(step_size),
            Counted(jnp.full(4, curvature)),
            positions,
            num_steps=40,
            num_chunks=4,
            progress=False,
        )

    sweep(0.1, 1.0)
    once = len(traces)
    sweep(0.2, 1.5)
    sweep(0.3, 0.7)
    assert len(traces) == once


def test_shared_arrays_are_not_copied_per_member():
    target, positions = problem()
    shared = Quadratic(target.centre[0], target.curvature)
    axes = Quadratic(None, 0)
    separate = Quadratic(jnp.broadcast_to(target.centre[0], target.centre.shape), target.curvature)
    options = dict(num_steps=20, progress=False)
    a = ensemble.run(jax.random.key(0), Langevin(0.1), shared, positions, target_axes=axes, **options)
    b = ensemble.run(jax.random.key(0), Langevin(0.1), separate, positions, **options)
    np.testing.assert_allclose(a.states.position, b.states.position, rtol=1e-12)


def test_single_precision_stays_single_under_x64():
    target, positions = problem(dtype=jnp.float32)
    result = ensemble.run(
        jax.random.key(0), UnderdampedLangevin(0.3, 1.0), target, positions, num_steps=20, progress=False
    )
    assert {leaf.dtype for leaf in jax.tree.leaves(result.states)} == {jnp.dtype("float32")}


def test_diverged_members_are_counted_and_the_others_live_on():
    target, positions = problem()
    target = eqx.tree_at(lambda t: t.curvature, target, target.curvature.at[2].set(1e9))
    with pytest.warns(UserWarning, match="1 of 6 members diverged"):
        result = ensemble.run(
            jax.random.key(0), UnderdampedLangevin(0.3, 1.0), target, positions, num_steps=400, progress=False
        )
    np.testing.assert_array_equal(result.diverged, [False, False, True, False, False, False])


def test_ctrl_c_keeps_what_is_done(monkeypatch):
    calls = []
    advance = ensemble.loop.advance_members

    def interrupted(*arguments):
        calls.append(None)
        if len(calls) == 7:
            raise KeyboardInterrupt
        return advance(*arguments)

    monkeypatch.setattr(ensemble.loop, "advance_members", interrupted)
    with pytest.warns(UserWarning, match="keeping what was measured"):
        result = run()
    assert result.interrupted
    assert result.num_steps == 72
    assert result.results["energy"].shape == (6, (72 - 24) // 4)
    calls.clear()
    monkeypatch.setattr(ensemble.loop, "advance_members", lambda *arguments: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt, match="before the first record"):
        run()


def test_bad_sizes_are_refused():
    with pytest.raises(ValueError, match=r"`num_steps` must be one whole number of at least 1, but got 0"):
        run(num_steps=0)
    with pytest.raises(ValueError, match="`warmup` must be below"):
        run(warmup=120)
    target, positions = problem()
    with pytest.raises(ValueError, match="`positions` must be arrays with one common leading axis"):
        ensemble.run(jax.random.key(0), Langevin(0.1), target, {"a": positions, "b": positions[:2]}, num_steps=5)


def test_the_sampler_is_adapted_once_half_way_through_the_warm_up(tmp_path, monkeypatch):
    """From then on it is fixed, and a run that continues from a checkpoint has the adapted one."""
    seen = []

    def adapt(states):
        seen.append(np.asarray(states.position))
        return UnderdampedLangevin(0.1, 1.0)

    adapted = run(adapt=adapt, num_steps=120, warmup=48)
    assert len(seen) == 1
    before = run(num_steps=24, warmup=0).states.position  # two of the four chunks of warm-up
    np.testing.assert_allclose(seen[0], before, rtol=1e-12)
    np.testing.assert_allclose(adapted.sampler.step_size, 0.1)
    assert not np.allclose(adapted.states.position, run(num_steps=120, warmup=48).states.position)

    advance, calls = ensemble.loop.advance_members, []

    def stopping(*arguments):
        calls.append(None)
        if len(calls) == 8:
            raise RuntimeError("power cut")
        return advance(*arguments)

    options = {"num_steps": 120, "warmup": 48, "checkpoint": tmp_path, "checkpoint_seconds": 0.0}
    with monkeypatch.context() as patch:
        patch.setattr(ensemble.loop, "advance_members", stopping)
        with pytest.raises(RuntimeError, match="power cut"):
            run(adapt=adapt, **options)
    continued = run(adapt=adapt, **options)
    assert len(seen) == 2
    chex.assert_trees_all_equal(continued.results, adapted.results)


def test_states_are_overwritten_from_chunk_to_chunk_and_never_those_of_the_user(monkeypatch):
    target, positions = problem()
    advance, seen = ensemble.loop.advance_members, []

    def watched(fixed, states, *rest):
        seen.append(states)
        return advance(fixed, states, *rest)

    monkeypatch.setattr(ensemble.loop, "advance_members", watched)
    options = dict(num_steps=40, num_chunks=2, observables={}, progress=False)
    first = ensemble.run(jax.random.key(0), Langevin(0.1), target, positions, **options)
    ensemble.run(jax.random.key(1), Langevin(0.1), target, states=first, **options)
    assert len(seen) == 4
    assert all(leaf.is_deleted() for states in seen for leaf in jax.tree.leaves(states))
    assert not any(leaf.is_deleted() for leaf in jax.tree.leaves((positions, first.states)))
    assert np.isfinite(positions).all()


def test_a_run_that_is_added_to_keeps_its_spacing():
    target, _ = problem()
    first = run(num_steps=40, warmup=8)

    def add(**options):
        options = {"observables": OBSERVABLES, "num_steps": 20, **options}
        sampler = UnderdampedLangevin(0.3, 1.0)
        return ensemble.run(jax.random.key(1), sampler, target, states=first, progress=False, **options)

    longer = add()  # twenty steps alone would have a record each
    assert (longer.num_steps, longer.warmup, longer.record_every) == (60, 8, 4)
    energy = longer.to_xarray()["energy"]
    np.testing.assert_array_equal(energy.record, np.arange(12, 61, 4))
    np.testing.assert_array_equal(energy[:, :8], first.results["energy"])
    for options, argument in (
        ({"record_every": 2}, "record_every"),
        ({"warmup": 4}, "warmup"),
        ({"observables": {"energy": OBSERVABLES["energy"]}}, "observables"),
    ):
        with pytest.raises(ValueError, match=f"`{argument}` must be .* go on from its states: states=run.states"):
            add(**options)


def test_a_second_ctrl_c_in_a_chunk_is_no_result(monkeypatch):
    advance = ensemble.loop.advance_members

    def interrupted(*arguments):
        advance(*arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(ensemble.loop, "advance_members", interrupted)
    with pytest.raises(KeyboardInterrupt, match="within a chunk that has overwritten its states"):
        run(warmup=0)


def test_devices_that_are_given_must_divide_the_members():
    with pytest.raises(ValueError, match=r"`devices` must be of a number that divides the 6 members, but got 4"):
        run(devices=4 * jax.devices())
