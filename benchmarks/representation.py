"""Member-steps per second of the representation ensemble, against a PyTorch loop that trains one network at a time.

A member-step is one full-batch update of one network (10 symbols, decoder 1-200-200-30, 55 samples in the forward pass)
with training accuracy, validation accuracy and RQI read at every step ("bare" loops leave them out). `speed_up` is
against the fastest loop that reads them, at any number of threads. Its unavoidable matrix products are counted, and
set against the rate of a large matrix product on the same machine. Compile time is separate. Wall time counts for the
verdict; on a machine shared with others the processor time per member-step is the steadier number.

    python benchmarks/representation.py [--members 1 16 108] [--steps 400] [--torch-python PATH]
"""

import argparse
import itertools
import json
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from _report import table, write

from grokjax.systems import representation as rep


SIZES = (1, 200, 200, 30)
SAMPLES = 55
PRODUCTS = 2 * SAMPLES * sum(a * b for a, b in itertools.pairwise(SIZES))
FLOPS = 3 * PRODUCTS  # forward, and twice backward


def matmul_rate(size: int = 2048, repeats: int = 4) -> float:
    """Floating-point operations per second of a square float32 product."""
    a = jax.random.normal(jax.random.key(0), (size, size), jnp.float32)
    product = jax.jit(lambda x: x @ x)
    best = np.inf
    with jax.default_matmul_precision("highest"):
        product(a).block_until_ready()
        for _ in range(repeats):
            started = time.perf_counter()
            product(a).block_until_ready()
            best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def measure(members: int, steps: int) -> dict:
    """One row: a run to compile, then one to time; both of the same shapes, with other rates."""
    task = rep.Addition(10)
    key = jax.random.key(0)

    def run(rate):
        started = time.perf_counter(), time.process_time()
        system = rep.ToyRepresentation(task, decoder_rate=np.full(members, rate), weight_decay=1.0)
        rep.simulate(key, system, num_members=1, num_steps=steps, progress=False)
        return time.perf_counter() - started[0], time.process_time() - started[1]

    first, _ = run(1e-4)
    wall, cpu = run(3e-4)
    return {
        "trainer": "grokjax",
        "members": members,
        "member_steps_per_s": members * steps / wall,
        "cpu_ms_per_member_step": 1e3 * cpu / members / steps,
        "gflop_per_s": FLOPS * members * steps / wall / 1e9,
        "compile_s": max(0.0, first - wall),
    }


def torch_rows(python: str, steps: int) -> tuple[list[dict], str]:
    script = Path(__file__).with_name("_torch_loop.py")
    done = subprocess.run([python, str(script), str(steps)], capture_output=True, text=True)
    if done.returncode:
        reason = "torch is not installed there" if "No module named 'torch'" in done.stderr else done.stderr[-300:]
        print(f"no PyTorch row: {python} failed ({reason}); give --torch-python an interpreter that has it")
        return [], ""
    result = json.loads(done.stdout.splitlines()[-1])
    rows = [
        {
            "trainer": f"torch, {row['threads']} thread{'s' * (row['threads'] > 1)}" + ", bare" * (not row["measured"]),
            "members": 1,
            "member_steps_per_s": 1 / row["wall"],
            "cpu_ms_per_member_step": 1e3 * row["cpu"],
            "gflop_per_s": FLOPS / row["wall"] / 1e9,
            "compile_s": 0.0,
        }
        for row in result["rows"]
    ]
    return rows, f"torch {result['version']}"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--members", type=int, nargs="+", default=[1, 16, 108])
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--torch-python", default=sys.executable, help="an interpreter with torch")
    args = parser.parse_args()
    rows, torch = torch_rows(args.torch_python, args.steps)
    rows += [measure(members, args.steps) for members in args.members]
    peak = matmul_rate()
    loops = [row for row in rows if row["trainer"].startswith("torch") and not row["trainer"].endswith("bare")]
    best_loop = max((row["member_steps_per_s"] for row in loops), default=float("nan"))
    for row in rows:
        row["share_of_matmul"] = row["gflop_per_s"] * 1e9 / peak
        row["speed_up"] = row["member_steps_per_s"] / best_loop
    table(rows)
    print(f"matrix product, 2048 x 2048 float32: {peak / 1e9:.0f} GFLOP/s; {FLOPS / 1e6:.1f} MFLOP per member-step")
    write("representation", rows, matmul_gflop_per_s=peak / 1e9, flop_per_member_step=FLOPS, reference=torch)


if __name__ == "__main__":
    main()
