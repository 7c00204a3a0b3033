"""The scripts for a cluster, run by a stand-in for Slurm: processes of this machine under Slurm's variables."""

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import grokjax


ROOT = Path(__file__).parent.parent
CLUSTER = ROOT / "examples" / "cluster"
SMALL = ("--scale", "1/32", "--members", "4", "--steps", "400", "--checkpoint-seconds", "0")

SRUN = """#!{python}
import os, signal, subprocess, sys, time
tasks = int(os.environ["SLURM_NTASKS"])
environment = lambda i: os.environ | {{"SLURM_PROCID": str(i), "SLURM_LOCALID": str(i)}}
started = [subprocess.Popen(sys.argv[1:], env=environment(i)) for i in range(tasks)]
if "TERMINATED" in os.environ:  # as --signal=TERM@300 does, once there is a checkpoint
    from pathlib import Path
    folder = Path(os.environ["OUTPUT"], "checkpoints")
    while not list(folder.glob("step-*.npz")) and all(task.poll() is None for task in started):
        time.sleep(0.02)
    for task in started:
        task.send_signal(signal.SIGTERM)
sys.exit(max(task.wait() for task in started))
"""
SCONTROL = """#!/bin/sh
echo "$@" >> "$OUTPUT/requeued"
"""


@pytest.fixture
def slurm(tmp_path):
    """A function that submits a script with some number of tasks."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, text in {"srun": SRUN.format(python=sys.executable), "scontrol": SCONTROL}.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    def submit(script, *arguments, tasks=1, **variables):
        environment = os.environ | {
            "PATH": os.pathsep.join([str(tools), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(ROOT),
            "JAX_PLATFORMS": "cpu",
            "JAX_COORDINATOR_PORT": str(port),
            "GROKJAX": str(ROOT),
            "OUTPUT": str(tmp_path / "output"),
            "SLURM_JOB_ID": "17",
            "SLURM_STEP_NODELIST": "localhost",
            "SLURM_NTASKS": str(tasks),
            "SLURM_STEP_NUM_TASKS": str(tasks),
        }
        (tmp_path / "output").mkdir(exist_ok=True)
        command = ["bash", str(CLUSTER / script), *arguments]
        options = {"capture_output": True, "text": True, "check": False, "timeout": 400}
        return subprocess.run(command, env=environment | variables, **options), tmp_path / "output"

    return submit


@pytest.mark.smoke
def test_two_processes_are_ended_by_slurm_and_four_do_the_same(slurm, tmp_path):
    """SIGTERM near the end of the time, a requeue, the rest of the run; then the same run in four processes."""
    stopped, output = slurm("ensemble.sbatch", *SMALL, tasks=2, TERMINATED="yes")
    assert stopped.returncode == 75, stopped.stderr[-3000:]
    assert (output / "requeued").read_text() == "requeue 17\n"
    assert not (output / "run.npz").exists()
    finished, _ = slurm("ensemble.sbatch", *SMALL, tasks=2)
    assert finished.returncode == 0, finished.stderr[-3000:]
    two = grokjax.load(output / "run.npz")
    assert two.side_weight.mean.shape == (5,)
    assert "certificate" in finished.stdout

    whole = tmp_path / "whole"
    four, _ = slurm("ensemble.sbatch", *SMALL, tasks=4, OUTPUT=str(whole))
    assert four.returncode == 0, four.stderr[-3000:]
    other = grokjax.load(whole / "run.npz")
    np.testing.assert_allclose(two.overlap[1].mean, other.overlap[1].mean, rtol=1e-4)
    assert two.ensemble.num_steps == other.ensemble.num_steps


@pytest.mark.smoke
def test_the_tasks_of_an_array_are_merged(slurm):
    arguments = ("--scales", "1/32", "1/16", "--members", "3", "--steps", "30")
    for index in range(2):
        done, output = slurm("sweep.sbatch", *arguments, SLURM_ARRAY_TASK_ID=str(index))
        assert done.returncode == 0, done.stderr[-3000:]
    command = [sys.executable, str(CLUSTER / "sweep.py"), "--merge", "--output", str(output)]
    merged = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.findall(r"N = (\d+):", merged.stdout) == ["22", "44"]
    assert (output / "sweep.csv").read_text().startswith("width,cubic,error")


def test_the_page_shows_the_scripts():
    """What the page on accelerators prints are these files."""
    page = (ROOT / "docs" / "accelerators.md").read_text()
    for name in ("ensemble.sbatch", "sweep.sbatch"):
        assert (CLUSTER / name).read_text().strip() in page
