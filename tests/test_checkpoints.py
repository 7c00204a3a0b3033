"""A run that was killed, interrupted or ran out of disk continues as if nothing had happened."""

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

from grokjax import UnderdampedLangevin, ensemble, io
from grokjax.ensemble.checkpoints import FORMAT, FORMAT_VERSION, Checkpoints
from grokjax.observables import Histogram, RunningMoments, Series, measure_energy


class Quadratic(eqx.Module):
    centre: jax.Array

    def __call__(self, x):
        return jnp.sum((x - self.centre) ** 2) / 2


class Position(eqx.Module):
    scale: jax.Array

    def __call__(self, key, state):
        return self.scale * state.position


def run(seed=0, **options):
    members, scale = 5, Position(jnp.ones(5))
    observables = {
        "energy": Series(measure_energy),
        "x": RunningMoments(scale),
        "histogram": Histogram(scale, -3.0, 3.0, 12),
    }
    return ensemble.run(
        jax.random.key(seed),
        UnderdampedLangevin(0.3, 1.0),
        Quadratic(jnp.arange(members * 2.0).reshape(members, 2)),
        jnp.zeros((members, 2)),
        num_steps=120,
        warmup=24,
        num_chunks=10,
        record_every=4,
        observables=observables,
        progress=False,
        checkpoint_seconds=0.0,
        **options,
    )


def stop_after(monkeypatch, calls):
    advance, done = ensemble.loop._advance, []

    def stopping(*arguments):
        if len(done) == calls:
            raise RuntimeError("power cut")
        done.append(None)
        return advance(*arguments)

    monkeypatch.setattr(ensemble.loop, "_advance", stopping)


@pytest.mark.parametrize("chunks_done", [1, 2, 3, 7])
def test_a_stopped_run_continues_bit_for_bit(tmp_path, monkeypatch, chunks_done):
    reference = run()
    with monkeypatch.context() as patch:
        stop_after(patch, chunks_done)
        with pytest.raises(RuntimeError, match="power cut"):
            run(checkpoint=tmp_path)
    assert 1 <= len(list(tmp_path.iterdir())) <= 2
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
    newest = max(tmp_path.iterdir())
    newest.write_bytes(newest.read_bytes()[:300])
    with pytest.warns(UserWarning, match="passing over a checkpoint"):
        continued = run(checkpoint=tmp_path)
    chex.assert_trees_all_equal(continued.results, reference.results)


def test_a_foreign_checkpoint_is_refused_and_left_alone(tmp_path):
    run(checkpoint=tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match=r"`checkpoint` must be a folder of this very run .* of another run"):
        run(seed=1, checkpoint=tmp_path)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_full_disk_is_a_warning(tmp_path, monkeypatch):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(io, "write_arrays", full)
    with pytest.warns(UserWarning, match="No space left on device; the run goes on"):
        result = run(checkpoint=tmp_path)
    chex.assert_trees_all_equal(result.results, run().results)


def test_what_is_no_checkpoint_is_passed_over(tmp_path):
    keeper = Checkpoints(tmp_path, "identity", 0.0)
    tree = (jnp.arange(3.0), jnp.ones((2, 2), jnp.bfloat16), np.array(True))
    keeper.keep(1, tree)
    path = tmp_path / "chunk-00000001.npz"
    header, arrays = io.read_arrays(path, FORMAT, FORMAT_VERSION)
    io.write_arrays(tmp_path / "chunk-00000002.npz", header | {"chunk": "2"}, arrays)
    io.write_arrays(tmp_path / "chunk-00000003.npz", header, {"leaf-0007": arrays["leaf-0000"]})
    with pytest.warns(UserWarning, match="passing over a checkpoint") as warned:
        found = keeper.latest()
    assert len(warned) == 2
    chex.assert_trees_all_equal(found.restore(tree), tree)
    chex.assert_trees_all_equal_dtypes(found.restore(tree), tree)


def test_leftovers_of_any_chunk_go(tmp_path):
    leftover = tmp_path / "chunk-00000007.npz.0123abcd.part"
    leftover.touch()
    os.utime(leftover, (0, 0))
    Checkpoints(tmp_path, "identity", 0.0).keep(8, [jnp.ones(2)])
    assert [path.name for path in tmp_path.iterdir()] == ["chunk-00000008.npz"]


SCRIPT = """
import sys, jax
jax.config.update("jax_enable_x64", True)
sys.path.insert(0, {folder!r})
import numpy as np
import test_checkpoints as here
from grokjax import ensemble
if {slow}:
    import time
    advance = ensemble.loop._advance
    def slowly(*arguments):
        time.sleep(0.5)
        return advance(*arguments)
    ensemble.loop._advance = slowly
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
    while len(list(tmp_path.glob("checkpoints/chunk-*.npz"))) < 2 and time.monotonic() < deadline:
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
