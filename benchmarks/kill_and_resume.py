"""Runs that are killed at random moments and go on: whether they end bit for bit as if nothing had happened.

Eight kinds of run write a checkpoint after every chunk. A process that runs one is killed by SIGKILL at a random moment
of its steps (or, one time in ten, while it starts and compiles); another one goes on in the same folder, is killed
likewise a few times, and the last one finishes. Everything it measured and its last states are compared with those of
a run without a folder.

    python benchmarks/kill_and_resume.py [--kills 100] [--smoke]

Expected: every resumed run equal in every bit; some kills leave a part of a file, which the next process removes.
"""

import argparse
import os
import random
import signal
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _report import table, write

import grokjax
from grokjax import DropletMoves, ReplicaExchange, UnderdampedLangevin, ensemble
from grokjax.observables import RunningMoments, Series, measure_energy
from grokjax.systems import hopfield as hop, modular_addition as ma, teacher_student as ts


KILLS_IN_A_ROW = 4
OFTEN = {"checkpoint_seconds": 0.0, "progress": False}


def students(step_size: float | None = 0.1, droplets: bool = False, exchange: bool = False) -> Callable:
    """A few students, with an automatic step where none is given; nothing is made before it is called."""

    def run(**folder):
        moves: dict[str, Any] = {"droplets": DropletMoves(every=4)} if droplets else {}
        if exchange:
            moves["exchange"] = ReplicaExchange([0.1, 0.2, 0.4], every=8)
        options = {"num_members": 4, "num_steps": 960, "num_chunks": 40, "sampler": UnderdampedLangevin(step_size)}
        system = ts.TeacherStudent.at_scale(1 / 64)
        return ts.simulate(jax.random.key(1), system, **options, **moves, **OFTEN, **folder)

    return run


def modular(**folder):
    """Networks on the table of sums modulo 5."""
    system = ma.ModularAddition(
        prime=5, width=20, noise_variance=1e-3, readout_variance=1e-4 / 25, sextic_decay=3.0, training_fraction=0.8
    )
    return ma.simulate(jax.random.key(2), system, num_members=4, num_steps=960, num_chunks=40, **OFTEN, **folder)


def memories(**folder):
    """Random memories by block Gibbs sampling."""
    system = hop.AssociativeMemory(load=0.05, temperature=jnp.array([0.2, 0.4]))
    options = {"num_spins": 100, "num_members": 4, "num_steps": 480, "num_chunks": 40}
    return hop.simulate(jax.random.key(3), system, **options, **OFTEN, **folder)


def engine(**folder):
    """The loop alone, on a quadratic energy."""
    observables = {"energy": Series(measure_energy), "x": RunningMoments(lambda key, state: state.position)}
    options = {"num_steps": 4000, "warmup": 400, "num_chunks": 40, "target_axes": None, "observables": observables}
    sampler, energy = UnderdampedLangevin(0.3), lambda x: jnp.sum(jnp.arange(1.0, 6.0) * x * x) / 2
    return ensemble.run(jax.random.key(4), sampler, energy, jnp.zeros((8, 5)), **options, **OFTEN, **folder)


KINDS: dict[str, Callable] = {
    "plain": students(),
    "automatic step": students(None),
    "droplets": students(droplets=True),
    "exchange": students(exchange=True),
    "droplets and exchange": students(droplets=True, exchange=True),
    "modular addition": modular,
    "hopfield": memories,
    "engine": engine,
}


def numbers(run) -> dict[str, Any]:
    """Every array that a run measured, and of its last states."""
    if isinstance(run, grokjax.Run):
        tree = (run.order_parameters, run.members, run.series, run.observed, run.diagnostics, run.ensemble.states)
    else:
        tree = (run.results, run.states)
    return {str(i): np.asarray(leaf) for i, leaf in enumerate(jax.tree.leaves(tree)) if hasattr(leaf, "dtype")}


def in_child(kind: str, output: Path, started: Path, **folder) -> int:
    """A forked process that runs one kind; it touches `started` after its first chunk."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        warnings.simplefilter("ignore")
        advance = ensemble.loop.advance_members

        def first(*arguments):
            result = jax.block_until_ready(advance(*arguments))
            started.touch()
            return result

        ensemble.loop.advance_members = first
        np.savez(output, **numbers(KINDS[kind](**folder)))
        code = 0
    finally:
        os._exit(code)


def ended(pid: int) -> bool:
    """Whether a child has ended; a failed one ends the benchmark."""
    found, status = os.waitpid(pid, os.WNOHANG)
    if found and os.WIFEXITED(status) and os.WEXITSTATUS(status):
        raise SystemExit("a run failed")
    return bool(found)


def wait(pid: int, seconds: float, mark: Path | None = None) -> bool:
    """Wait for a mark or some time; whether the child has ended."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not (mark is not None and mark.exists()):
        if ended(pid):
            return True
        time.sleep(0.002)
    return False


def reference(kind: str, place: Path) -> tuple[Path, float, float]:
    """The undisturbed numbers; seconds until the first chunk and from there to the end, once programs are cached."""
    output = place / "whole.npz"
    pid = in_child(kind, output, place / "compiled")
    wait(pid, 600)
    began = time.monotonic()
    pid = in_child(kind, place / "again.npz", place / "started", checkpoint=place / "undisturbed")
    wait(pid, 600, place / "started")
    middle = time.monotonic()
    wait(pid, 600)
    return output, middle - began, time.monotonic() - middle


def disturb(kind: str, wanted: int, place: Path, chance: random.Random) -> dict:
    """Kill runs of one kind as often as wanted, and compare every one that was resumed to its end."""
    whole, start, rest = reference(kind, place)
    kills, compared, equal, parts, steps = 0, 0, 0, 0, []
    while kills < wanted:
        trial = place / f"trial-{compared}"
        done, here = False, 0
        while not done:
            mark = place / f"mark-{compared}-{here}"
            pid = in_child(kind, trial.with_suffix(".npz"), mark, checkpoint=trial)
            if here == KILLS_IN_A_ROW or kills == wanted:
                done = wait(pid, 600)
                continue
            if chance.random() < 0.1:
                done = wait(pid, chance.uniform(0, start))
            else:
                done = wait(pid, 600, mark) or wait(pid, chance.uniform(0, 0.8 * rest))
            if not done:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)
                kills, here = kills + 1, here + 1
                parts += len(list(trial.glob("*.part")))
                steps.append(max((int(path.stem[5:]) for path in trial.glob("step-*.npz")), default=0))
        compared += 1
        with np.load(whole) as a, np.load(trial.with_suffix(".npz")) as b:
            same = set(a.files) == set(b.files) and all(a[name].tobytes() == b[name].tobytes() for name in a.files)
        equal += same and not list(trial.glob("*.part"))
    return {
        "kind": kind,
        "kills": kills,
        "resumed to the end": compared,
        "equal in every bit": equal,
        "parts left by kills": parts,
        "steps kept at kills": f"{min(steps)} to {max(steps)}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--smoke", action="store_true", help="eight kills")
    options = parser.parse_args()
    warnings.filterwarnings("ignore", message="os.fork")  # this process computes nothing before it forks
    kills = len(KINDS) if options.smoke else options.kills
    chance, rows = random.Random(0), []
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        jax.config.update("jax_compilation_cache_dir", str(Path(folder) / "programs"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
        for index, kind in enumerate(KINDS):
            place = Path(folder) / kind.replace(" ", "-")
            place.mkdir()
            share = kills * (index + 1) // len(KINDS) - kills * index // len(KINDS)
            rows.append(disturb(kind, share, place, chance))
            print(rows[-1], flush=True)
    table(rows)
    if not options.smoke:
        write("kill_and_resume", rows, kills=kills, seconds=round(time.monotonic() - began))
    if any(row["equal in every bit"] < row["resumed to the end"] for row in rows):
        raise SystemExit("a resumed run differs")


if __name__ == "__main__":
    main()
