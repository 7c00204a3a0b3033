"""A run that was killed, interrupted, made longer or ran out of disk continues as if nothing had happened."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import chex
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Status, UnderdampedLangevin, ensemble, io
from grokjax.ensemble.checkpoints import FORMAT, FORMAT_VERSION, Checkpoints, Origin, fingerprint
from grokjax.observables import Histogram, RunningMoments, Series, measure_energy
from grokjax.samplers import About, AbstractSampler, State, energy_and_gradient


class Quadratic(eqx.Module):
    centre: jax.Array

    def __call__(self, x):
        return jnp.sum((x - self.centre) ** 2) / 2


class Position(eqx.Module):
    scale: jax.Array

    def __call__(self, key, state):
        return self.scale * state.position


SCHEDULE = dict(num_steps=120, warmup=24, num_chunks=10, record_every=4, progress=False, checkpoint_seconds=0.0)


def files(folder):
    return sorted(folder.glob("*.npz"))


def run(seed=0, sampler=UnderdampedLangevin(0.3, 1.0), **options):
    members, scale = 5, Position(jnp.ones(5))
    observables = {
        "energy": Series(measure_energy),
        "x": RunningMoments(scale),
        "histogram": Histogram(scale, -3.0, 3.0, 12),
    }
    return ensemble.run(
        jax.random.key(seed),
        sampler,
        Quadratic(jnp.arange(members * 2.0).reshape(members, 2)),
        jnp.zeros((members, 2)),
        observables=observables,
        **{**SCHEDULE, **options},
    )


def stop_after(monkeypatch, calls):
    advance, done = ensemble.loop.advance_members, []

    def stopping(*arguments):
        if len(done) == calls:
            raise RuntimeError("power cut")
        done.append(None)
        return advance(*arguments)

    monkeypatch.setattr(ensemble.loop, "advance_members", stopping)


@pytest.mark.parametrize("chunks_done", [1, 2, 3, 7])
def test_a_stopped_run_continues_bit_for_bit(tmp_path, monkeypatch, chunks_done):
    reference = run()
    with monkeypatch.context() as patch:
        stop_after(patch, chunks_done)
        with pytest.raises(RuntimeError, match="power cut"):
            run(checkpoint=tmp_path)
    assert 1 <= len(files(tmp_path)) <= 2
    stop_after(monkeypatch, 10 - chunks_done)  # one call more would be the power cut again
    continued = run(checkpoint=tmp_path)
    chex.assert_trees_all_equal(continued.results, reference.results)
    chex.assert_trees_all_equal(continued.states, reference.states)
    again = run(checkpoint=tmp_path)  # finished: nothing left to do
    chex.assert_trees_all_equal(again.results, reference.results)


def test_a_damaged_checkpoint_gives_way_to_the_older_one(tmp_path, monkeypatch):
    reference = run()
    with monkeypatch.context() as patch:
        stop_after(patch, 6)
        with pytest.raises(RuntimeError, match="power cut"):
            run(checkpoint=tmp_path)
    newest = files(tmp_path)[-1]
    newest.write_bytes(newest.read_bytes()[:300])
    with pytest.warns(UserWarning, match="passing over a checkpoint"):
        continued = run(checkpoint=tmp_path)
    chex.assert_trees_all_equal(continued.results, reference.results)


def test_a_foreign_checkpoint_is_refused_and_left_alone(tmp_path):
    run(checkpoint=tmp_path)
    before = {path.name: path.read_bytes() for path in files(tmp_path)}
    with pytest.raises(ValueError, match=r"`checkpoint` must be a folder of this very run .* of another run"):
        run(seed=1, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="of another run"):  # same numbers, another algorithm
        run(checkpoint=tmp_path, sampler=UnderdampedLangevin(0.3, 1.0, splitting="BAOA"))
    assert {path.name: path.read_bytes() for path in files(tmp_path)} == before


def test_a_full_disk_is_a_warning(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(io, "write_arrays", full)
    with pytest.warns(UserWarning, match="No space left on device; the run goes on"):
        result = run(checkpoint=tmp_path)
    chex.assert_trees_all_equal(result.results, run().results)


def test_what_is_no_checkpoint_is_passed_over(tmp_path):
    keeper = Checkpoints(tmp_path, Origin("identity", {}, 4, 24), 0.0)
    tree = (jnp.arange(3.0), jnp.ones((2, 2), jnp.bfloat16), np.array(True))
    keeper.keep(1, tree)
    path = tmp_path / "step-000000000001.npz"
    header, arrays = io.read_arrays(path, FORMAT, FORMAT_VERSION)
    io.write_arrays(tmp_path / "step-000000000002.npz", header | {"steps": "2"}, arrays)
    io.write_arrays(tmp_path / "step-000000000003.npz", header, {"leaf-0007": arrays["leaf-0000"]})
    with pytest.warns(UserWarning, match="passing over a checkpoint") as warned:
        found = keeper.latest()
    assert len(warned) == 2
    chex.assert_trees_all_equal(found.restore(tree), tree)
    chex.assert_trees_all_equal_dtypes(found.restore(tree), tree)


def test_leftovers_of_crashed_writes_go_before_the_first_step(tmp_path, monkeypatch):
    (tmp_path / "step-000000000007.npz.0123abcd.part").touch()
    (tmp_path / "mine.part").touch()
    stop_after(monkeypatch, 0)
    with pytest.raises(RuntimeError, match="power cut"):
        run(checkpoint=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "mine.part"]


@pytest.mark.parametrize("left_open", [False, True])
def test_a_finished_run_is_made_longer(tmp_path, left_open):
    """With its spacing and warm-up; only the cut where the first one ended shows, in the rounding of merged moments."""
    run(checkpoint=tmp_path, num_steps=104)
    names = {"record_every": None, "warmup": None} if left_open else {}
    longer, whole = run(checkpoint=tmp_path, num_steps=200, **names), run(num_steps=200)
    assert (longer.num_steps, longer.warmup, longer.record_every) == (200, 24, 4)
    chex.assert_trees_all_equal(longer.states, whole.states)
    np.testing.assert_array_equal(longer.results["energy"], whole.results["energy"])
    np.testing.assert_array_equal(longer.results["histogram"].counts, whole.results["histogram"].counts)
    chex.assert_trees_all_close(longer.results["x"].mean, whole.results["x"].mean, rtol=1e-12)
    with pytest.raises(ValueError, match="`num_steps` must be at least 200, what is done in the folder, but got 120"):
        run(checkpoint=tmp_path)
    with pytest.raises(ValueError, match=r"`warmup` must be 24, as in the checkpoint .* but got 48"):
        run(checkpoint=tmp_path, num_steps=240, warmup=48)
    with pytest.raises(ValueError, match=r"`record_every` must be 4, as in the checkpoint .* but got 8"):
        run(checkpoint=tmp_path, num_steps=240, record_every=8)


def test_two_runs_in_one_folder_are_refused(tmp_path):
    """Even from one process; the lock lies in the operating system, so that no dead process can hold it."""
    fcntl = pytest.importorskip("fcntl")
    with open(tmp_path / ".lock", "w") as file:
        print("process 7 on node-3", file=file, flush=True)
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(
            ValueError, match=r"`checkpoint` must be a folder where no other run .* process 7 on node-3"
        ):
            run(checkpoint=tmp_path)
    assert run(checkpoint=tmp_path).num_steps == 120


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("jax_enable_x64", False, "`jax_enable_x64` must be False, as in the checkpoint"),
        ("jax", "0.9.0", "`jax` must be '0.9.0', as in the checkpoint .* not go on bit for bit"),
        ("devices", 8, "`devices` must be 8, as in the checkpoint"),
        ("device", "gpu: H200", "`device` must be 'gpu: H200', as in the checkpoint"),
        ("member_block", 3, "`member_block` must be 3, as in the checkpoint .* but got None"),
    ],
)
def test_a_folder_of_other_settings_is_answered_in_words(tmp_path, name, value, expected):
    run(checkpoint=tmp_path, num_steps=48)
    for path in files(tmp_path):
        header, arrays = io.read_arrays(path, FORMAT, FORMAT_VERSION)
        assert name in header["settings"]
        header["settings"][name] = value
        io.write_arrays(path, header, arrays)
    with pytest.raises(ValueError, match=expected):
        run(checkpoint=tmp_path)


def test_a_checkpoint_is_given_a_folder(tmp_path):
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(ValueError, match="`checkpoint` must be the name of a folder"):
        run(checkpoint=path)
    for wrong in (-1.0, float("nan")):
        with pytest.raises(ValueError, match="`checkpoint_seconds` must be at least 0"):
            run(checkpoint=tmp_path / "new", checkpoint_seconds=wrong)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_a_checkpoint(tmp_path, monkeypatch, number):
    """The chunk is let end; what was measured is returned, and the run goes on from there."""
    reference, advance, calls = run(), ensemble.loop.advance_members, []

    def signalled(*arguments):
        calls.append(None)
        if len(calls) == 5:
            os.kill(os.getpid(), number)
        return advance(*arguments)

    before = {signal.SIGTERM: signal.SIG_DFL, signal.SIGINT: signal.default_int_handler}[number]
    outside = signal.signal(number, before)  # a background process may ignore Ctrl-C
    try:
        with monkeypatch.context() as patch:
            patch.setattr(ensemble.loop, "advance_members", signalled)
            with pytest.warns(UserWarning, match="interrupted after .* of 120 steps; keeping what was measured"):
                stopped = run(checkpoint=tmp_path, checkpoint_seconds=1e9)
        assert signal.getsignal(number) == before
    finally:
        signal.signal(number, outside)
    assert stopped.interrupted
    assert stopped.num_steps == 60
    assert [path.name for path in files(tmp_path)] == [f"step-{stopped.num_steps:012d}.npz"]
    continued = run(checkpoint=tmp_path)
    chex.assert_trees_all_equal(continued.results, reference.results)
    chex.assert_trees_all_equal(continued.states, reference.states)


class Descent(AbstractSampler):
    """Descent whose members end close to their goal."""

    def init(self, key, target, position):
        return State(position, *energy_and_gradient(target, position))

    def step(self, key, target, state):
        return self.init(key, target, state.position - state.gradient / 10)

    @property
    def about(self):
        return About(samples=False, ends=True)

    def finished(self, state):
        return jnp.where(state.energy < 1e-2, int(Status.REACHED), int(Status.RUNNING))


def test_a_run_whose_members_have_ended_does_nothing_more(tmp_path):
    options = {"sampler": Descent(), "warmup": 0, "checkpoint": tmp_path}
    first, again = run(**options), run(**options)
    assert first.num_steps < 120
    chex.assert_trees_all_equal(again.results, first.results)
    assert again.num_steps == first.num_steps


def test_fingerprints_know_switches_and_no_addresses():
    assert fingerprint(lambda x: x) == fingerprint(lambda x: x)
    assert fingerprint({"a": 1.0}) != fingerprint({"b": 1.0})
    first, second = (UnderdampedLangevin(0.3, splitting=splitting) for splitting in ("BAOAB", "BAOA"))
    assert fingerprint(first) != fingerprint(second)


SCRIPT = """
import sys, jax
jax.config.update("jax_enable_x64", True)
sys.path.insert(0, {folder!r})
import numpy as np
import test_checkpoints as here
from grokjax import ensemble
if {slow}:
    import time
    advance = ensemble.loop.advance_members
    def slowly(*arguments):
        time.sleep(0.5)
        return advance(*arguments)
    ensemble.loop.advance_members = slowly
result = here.run(checkpoint={checkpoint!r})
np.savez({output!r}, energy=result.results["energy"], x=result.results["x"].mean, last=result.states.position)
"""


def test_sigkill_and_resume(tmp_path):
    """The process dies mid-run by SIGKILL; a second process finishes its work."""
    output = str(tmp_path / "result.npz")
    script = lambda slow: SCRIPT.format(
        folder=str(Path(__file__).parent), slow=slow, checkpoint=str(tmp_path / "checkpoints"), output=output
    )
    environment = {**os.environ, "JAX_PLATFORMS": "cpu"}
    process = subprocess.Popen([sys.executable, "-c", script(True)], env=environment)
    deadline = time.monotonic() + 120
    while len(list(tmp_path.glob("checkpoints/step-*.npz"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not os.path.exists(output), "killed before it was done"
    subprocess.run([sys.executable, "-c", script(False)], env=environment, check=True)
    reference = run()
    with np.load(output) as resumed:
        np.testing.assert_array_equal(resumed["energy"], reference.results["energy"])
        np.testing.assert_array_equal(resumed["x"], reference.results["x"].mean)
        np.testing.assert_array_equal(resumed["last"], reference.states.position)
