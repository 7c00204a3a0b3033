"""Two processes with two devices each, joined by jax.distributed: the numbers of one process."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import UnderdampedLangevin, ensemble
from grokjax.observables import Histogram, RunningMoments, Series, measure_energy
from grokjax.systems import teacher_student as ts


PROCESSES = 2
CHUNKS = 10
KILLED_AFTER = 4


class Regression(eqx.Module):
    inputs: jax.Array  # shared by all members
    noise: jax.Array

    def __call__(self, x):
        return jnp.sum((self.inputs @ x - 1) ** 2) / (2 * self.noise) + jnp.sum(x**2) / 2


class Position(eqx.Module):
    scale: jax.Array

    def __call__(self, key, state):
        return self.scale * state.position


def run(members=8, seed=0, **options):
    scaled = Position(jnp.linspace(0.5, 1.5, members))
    observables = {
        "energy": Series(measure_energy),
        "x": RunningMoments(scaled),
        "histogram": Histogram(scaled, -3.0, 3.0, 12),
    }
    return ensemble.run(
        jax.random.key(seed),
        UnderdampedLangevin(jnp.linspace(0.1, 0.2, members), 1.0),
        Regression(jax.random.normal(jax.random.key(1), (7, 3)), jnp.linspace(0.5, 2.0, members)),
        jnp.zeros((members, 3)),
        target_axes=Regression(None, 0),
        num_steps=120,
        warmup=24,
        num_chunks=CHUNKS,
        record_every=4,
        observables=observables,
        **{"progress": False, **options},
    )


def students():
    system = ts.TeacherStudent(
        width=8,
        num_samples=24,
        input_dim=6,
        noise_variance=jnp.asarray([0.1, 0.3]),
        readout_variance=1.0,
        weight_variance=1.0,
        teacher={1: 1.0, 3: 0.1},
    )
    sampler = UnderdampedLangevin(0.1, 1.0)
    options = dict(num_members=4, num_steps=30, num_chunks=6, sampler=sampler, dtype=jnp.float64, progress=False)
    return ts.simulate(jax.random.key(3), system, **options)


def numbers(one):
    """The arrays of an ensemble run by name."""
    results = {
        "energy": one.results["energy"],
        "mean": one.results["x"].mean,
        "variance": one.results["x"].variance,
        "counts": one.results["histogram"].counts,
    }
    states = {"position": one.states.position, "velocity": one.states.velocity, "last": one.states.energy}
    return {name: np.asarray(value) for name, value in {**results, **states, "diverged": one.diverged}.items()}


def message(**options):
    """What a run says that must not start."""
    try:
        run(**options)
    except ValueError as error:
        return str(error)
    return "no error"


def interrupted_on_the_last_process():
    advance, calls = ensemble.loop.advance_members, []

    def pressed(*arguments):
        calls.append(None)
        if len(calls) == 6 and jax.process_index() == PROCESSES - 1:
            os.kill(os.getpid(), signal.SIGINT)
        return advance(*arguments)

    ensemble.loop.advance_members = pressed
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs start with Ctrl-C ignored
    stopped = run()
    ensemble.loop.advance_members = advance
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    return {"steps": stopped.num_steps, "calls": len(calls), "interrupted": stopped.interrupted}


def first_launch(folder, index):
    """All that needs no restart; then a run with checkpoints, held up in the middle to be killed."""
    both = run(progress=True, label="both")
    assert all(leaf.is_fully_addressable for leaf in jax.tree.leaves(both.states))
    np.savez(folder / f"both-{index}.npz", **numbers(both))
    own = run(devices=jax.local_devices(), checkpoint=folder / f"own-{index}", checkpoint_seconds=1e9)
    np.savez(folder / f"own-{index}.npz", **numbers(own))
    simulated = students()
    np.savez(
        folder / f"students-{index}.npz",
        overlap=simulated.overlap[1].mean,
        error=simulated.overlap[3].error,
        counts=simulated.observed["q"].counts,
        read_in=simulated.ensemble.states.position.read_in,
    )
    said = {
        "owners": [device.process_index for device in ensemble.placement.mesh_of(2, None).devices.flat],
        "members": message(members=5),
        "key": message(seed=index),
        "devices": message(devices=[device for device in jax.devices() if device.process_index != index]),
        "folder": message(checkpoint=folder / ("own-0" if index == 0 else "none")),
        "interrupt": interrupted_on_the_last_process(),
    }
    (folder / f"said-{index}.json").write_text(json.dumps(said))
    advance, calls = ensemble.loop.advance_members, []

    def held_up(*arguments):
        if len(calls) == KILLED_AFTER:
            time.sleep(600)
        calls.append(None)
        return advance(*arguments)

    ensemble.loop.advance_members = held_up
    run(checkpoint=folder / "checkpoints", checkpoint_seconds=0.0)


def second_launch(folder, index):
    """The killed run, resumed."""
    from grokjax import io

    advance, write, calls, writes = ensemble.loop.advance_members, io.write_arrays, [], []
    ensemble.loop.advance_members = lambda *arguments: (calls.append(None), advance(*arguments))[1]
    io.write_arrays = lambda *arguments: (writes.append(None), write(*arguments))[1]
    resumed = run(checkpoint=folder / "checkpoints", checkpoint_seconds=0.0)
    np.savez(folder / f"resumed-{index}.npz", calls=len(calls), writes=len(writes), **numbers(resumed))


SCRIPT = """
import sys, jax
from pathlib import Path
jax.config.update("jax_enable_x64", True)
jax.config.update("jax_cpu_collectives_implementation", "gloo")
address, index, launch, folder, here = sys.argv[1:]
jax.distributed.initialize(coordinator_address=address, num_processes={processes}, process_id=int(index))
assert jax.device_count() == 2 * jax.local_device_count() == 4
sys.path.insert(0, here)
import test_distributed
getattr(test_distributed, launch)(Path(folder), int(index))
"""


@contextlib.contextmanager
def launched(launch, folder):
    """The processes of one launch, and their files of stderr; none is left over."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    flags = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=2"
    environment = {**os.environ, "JAX_PLATFORMS": "cpu", "XLA_FLAGS": flags}
    command = [sys.executable, "-c", SCRIPT.format(processes=PROCESSES), address]
    started = []
    with contextlib.ExitStack() as stack:
        try:
            for index in range(PROCESSES):
                log = stack.enter_context(open(folder / f"{launch}-{index}.log", "w"))
                arguments = [str(index), launch, str(folder), str(Path(__file__).parent)]
                started.append(subprocess.Popen(command + arguments, stdout=log, stderr=log, env=environment))
            yield started
        finally:
            for process in started:
                process.send_signal(signal.SIGKILL)
                process.wait()


def wait_until(condition, processes, folder, launch, deadline):
    while not condition():
        logs = [(folder / f"{launch}-{index}.log").read_text()[-3000:] for index in range(PROCESSES)]
        assert all(process.poll() in (None, 0) for process in processes), "\n".join(logs)
        assert time.monotonic() < deadline, "\n".join(["no end in sight:", *logs])
        time.sleep(0.05)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Everything both launches leave behind."""
    folder = tmp_path_factory.mktemp("distributed")
    deadline = time.monotonic() + 400
    with launched("first_launch", folder) as processes:
        held_up = lambda: (folder / "checkpoints" / f"step-{12 * KILLED_AFTER:012d}.npz").exists()
        wait_until(held_up, processes, folder, "first_launch", deadline)
    with launched("second_launch", folder) as processes:
        done = lambda: all(process.poll() == 0 for process in processes)
        wait_until(done, processes, folder, "second_launch", deadline)
    return folder


def check(folder, name, reference):
    """Equal up to the rounding of other vector lengths: a device advances fewer members than in one process."""
    for index in range(PROCESSES):
        with np.load(folder / f"{name}-{index}.npz") as found:
            for key, value in reference.items():
                context = f"{name} {key} of process {index}"
                np.testing.assert_allclose(found[key], value, rtol=1e-10, atol=1e-12, err_msg=context)


@pytest.mark.medium
def test_every_process_returns_the_run_of_one_process(folder):
    check(folder, "both", numbers(run()))


def test_two_members_are_one_for_each_process(folder):
    for index in range(PROCESSES):
        assert json.loads((folder / f"said-{index}.json").read_text())["owners"] == [0, 1]


def test_a_process_can_keep_to_its_own_devices(folder):
    check(folder, "own", numbers(run()))
    assert all((folder / f"own-{index}" / f"step-{12 * CHUNKS:012d}.npz").exists() for index in range(PROCESSES))


@pytest.mark.medium
def test_a_system_simulates_unchanged(folder):
    one = students()
    reference = {"overlap": one.overlap[1].mean, "error": one.overlap[3].error, "counts": one.observed["q"].counts}
    check(folder, "students", {**reference, "read_in": one.ensemble.states.position.read_in})


def test_killed_processes_resume_together(folder):
    """Bit for bit the run that was not stopped."""
    for index in range(PROCESSES):
        with np.load(folder / f"resumed-{index}.npz") as found, np.load(folder / f"both-{index}.npz") as whole:
            for key in whole.files:
                np.testing.assert_array_equal(found[key], whole[key])
            assert found["calls"] == CHUNKS - KILLED_AFTER, "a resumed run does the rest only"
            assert found["writes"] == (CHUNKS - KILLED_AFTER if index == 0 else 0), "process 0 writes"


def test_ctrl_c_on_one_process_stops_all_after_the_same_chunk(folder):
    for index in range(PROCESSES):
        said = json.loads((folder / f"said-{index}.json").read_text())
        assert said["interrupt"] == {"steps": 72, "calls": 6, "interrupted": True}
    text = lambda index: (folder / f"first_launch-{index}.log").read_text()
    assert "interrupted after 72 of 120 steps; keeping what was measured" in text(0)
    assert "interrupted" not in text(1)
    assert "both: 100%" in text(0)
    assert "both:" not in text(1)


def test_errors_are_raised_on_every_process(folder):
    for index in range(PROCESSES):
        said = json.loads((folder / f"said-{index}.json").read_text())
        assert (
            "`num_members` must be a multiple of a number of devices from 2, one for each process, to 4"
            in (said["members"])
        )
        assert "but got 5. Take a multiple of 2 members" in said["members"]
        assert "`key` must be the same, like all arguments, on all processes" in said["key"]
        assert "another one on processes [1] than on process 0" in said["key"]
        assert f"`devices` must be of this process ({index}) only, or of all 2 processes" in said["devices"]
        assert "`checkpoint` must be a folder that all processes share" in said["folder"]
