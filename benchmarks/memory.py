"""Peak memory of an ensemble against steps, members and samples.

Every case runs in a fresh process, and its peak is that process's above one that imports grokjax and starts jax but
computes nothing: resident memory on a CPU, `peak_bytes_in_use` on an accelerator. It runs twice: the first process
compiles, which alone takes some 200 MB, the second finds the programs in a cache and shows what the run itself needs. A
run streams the mean and variance of every weight and a series of the energy. "XLA temp" is what the compiler asks for
a scanned step of the same shape, beside arguments and results.

    python benchmarks/memory.py [--smoke]

Expected: flat in the steps, where a stored trajectory grows; linear in the members, by a network's activations if all
advance together and by its state and averages alone if they advance in blocks; row tiles stop the growth with the
samples.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from _report import table, write

from grokjax import Posterior, UnderdampedLangevin, ensemble
from grokjax.networks import TwoLayer
from grokjax.observables import RunningMoments, Series, measure_energy
from grokjax.tasks import single_index, unit_vector


MB = 1e6


class Case(NamedTuple):
    """One run: its sizes and how it is cut."""

    input_dim: int
    width: int
    num_samples: int
    members: int
    steps: int
    row_tile: int | None = None
    member_block: int | None = None

    @property
    def weights(self) -> int:
        return self.width * (self.input_dim + 1)


def ensemble_of(case: Case) -> tuple[Posterior, TwoLayer]:
    """A posterior that all members share, and their positions."""
    keys = jax.random.split(jax.random.key(0), 4)
    data = single_index(keys[0], unit_vector(keys[1], case.input_dim), {1: jnp.float32(1.0)}, case.num_samples)
    scales = TwoLayer(jnp.asarray(case.input_dim**-0.5), jnp.asarray(case.width**-0.5), jax.lax.erf)
    target = Posterior(data.inputs, data.targets, jnp.float32(0.5), scales, row_tile=case.row_tile)
    read_in = jax.random.normal(keys[2], (case.members, case.width, case.input_dim))
    read_out = jax.random.normal(keys[3], (case.members, 1, case.width))
    return target, TwoLayer(read_in, read_out, jax.lax.erf)


def run(case: Case) -> None:
    """What a user would run: a tenth of the steps is warm-up, averages stream."""
    target, positions = ensemble_of(case)
    weights = lambda key, state: state.position
    ensemble.run(
        jax.random.key(1),
        UnderdampedLangevin(0.01, 1.0),
        target,
        positions,
        num_steps=case.steps,
        warmup=case.steps // 10,
        num_chunks=10,
        observables={"weights": RunningMoments(weights), "energy": Series(measure_energy)},
        target_axes=None,
        member_block=case.member_block,
        progress=False,
    )


def peak() -> float:
    """This process's peak memory in MB: on the accelerator, or resident."""
    statistics = jax.devices()[0].memory_stats()
    if jax.default_backend() != "cpu" and statistics:
        return statistics["peak_bytes_in_use"] / MB
    status = Path("/proc/self/status")
    if status.exists():  # unlike ru_maxrss, VmHWM does not begin at the peak of the parent
        high = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(high.split()[1]) * 1024 / MB
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / MB


def in_fresh_process(case: Case | None, cache: str) -> float:
    """Peak memory of a process that runs `case`, or only imports, with its compiled programs in a folder."""
    settings = {
        "JAX_COMPILATION_CACHE_DIR": cache,
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
    }
    command = [sys.executable, __file__, "--case", json.dumps(case)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | settings)
    return float(done.stdout.split()[-1])


def xla_temporaries(case: Case) -> float | None:
    """MB that the compiler asks for beside arguments and results, for one scanned step of all members."""
    target, positions = eqx.filter_eval_shape(ensemble_of, case)
    arrays, static = eqx.partition(target, lambda leaf: isinstance(leaf, jax.ShapeDtypeStruct))
    sampler = UnderdampedLangevin(0.01, 1.0)
    keys = jax.eval_shape(lambda: jax.random.split(jax.random.key(0), case.members))

    def chunk(arrays, positions, keys):
        target = eqx.combine(arrays, static)

        def member(arguments):
            position, key = arguments
            step = lambda state, i: (sampler.step(jax.random.fold_in(key, i), target, state), None)
            return jax.lax.scan(step, sampler.init(key, target, position), jnp.arange(5))[0]

        if case.member_block is None:
            return jax.vmap(member)((positions, keys))
        return jax.lax.map(member, (positions, keys), batch_size=case.member_block)

    analysis = jax.jit(chunk).lower(arrays, positions, keys).compile().memory_analysis()
    return None if analysis is None else analysis.temp_size_in_bytes / MB


def sweeps(smoke: bool) -> dict[str, list[Case]]:
    """What varies, and over which cases."""
    if smoke:
        return {"steps": [Case(20, 32, 100, 16, steps) for steps in (50, 200)]}
    return {
        "steps": [Case(20, 32, 100, 64, steps) for steps in (500, 2000, 8000)],
        "members, all at once": [Case(50, 100, 500, members, 20) for members in (64, 256, 1024)],
        "members, blocks of 12": [Case(50, 100, 500, members, 20, None, 12) for members in (64, 256, 1024)],
        "samples, no tiles": [Case(150, 700, samples, 4, 20) for samples in (1500, 3000, 6000)],
        "samples, tiles of 512": [Case(150, 700, samples, 4, 20, 512) for samples in (1500, 3000, 6000)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="two tiny cases, nothing written")
    parser.add_argument("--case", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.case is not None:
        case = json.loads(args.case)
        jax.devices()
        if case is not None:
            run(Case(*case))
        print(peak())
        return
    rows = []
    with tempfile.TemporaryDirectory() as cache:
        baseline = in_fresh_process(None, cache)
    for sweep, cases in sweeps(args.smoke).items():
        before = None
        for case in cases:
            with tempfile.TemporaryDirectory() as cache:
                compiling, megabytes = (in_fresh_process(case, cache) - baseline for _ in range(2))
            slope = None
            if before is not None and case.members > before[0].members:
                slope = (megabytes - before[1]) / (case.members - before[0].members)
            rows.append(
                {
                    "sweep": sweep,
                    "d": case.input_dim,
                    "N": case.width,
                    "n": case.num_samples,
                    "members": case.members,
                    "steps": case.steps,
                    "row tile": case.row_tile,
                    "block": case.member_block,
                    "peak MB": megabytes,
                    "compiling MB": compiling,
                    "XLA temp MB": xla_temporaries(case),
                    "MB per member": slope,
                    "one activation MB": 4 * case.width * case.num_samples / MB,
                    "trajectory MB": 4 * case.weights * case.members * case.steps / MB,
                }
            )
            before = case, megabytes
    table(rows)
    print(f"baseline, imports and jax alone: {baseline:.0f} MB")
    if not args.smoke:
        write("memory", rows, baseline=baseline)


if __name__ == "__main__":
    main()
