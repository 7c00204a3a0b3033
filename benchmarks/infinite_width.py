"""Trained networks per second of the two-layer phase diagram, against a PyTorch loop that trains them one by one.

Both roads train the same grid of (gamma, gamma') to the same loss, from first weights of the same law: grokjax by its
exponential integrator, all points and seeds in one compiled call, PyTorch by gradient descent in the manner of the
authors' scripts. So the ratio is that of two ways of working, not of two implementations of one algorithm; the mean
number of steps per network is in the table. `displacement_ratio` is the geometric mean of RD against PyTorch's, which
says that the answers agree. Wall time counts; on a machine shared with others processor time is the steadier number.

    python benchmarks/infinite_width.py [--widths 100 400] [--seeds 5] [--torch-python PATH]
"""

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from _report import table, write

from grokjax.systems import infinite_width as iw


GAMMA, RATIO = (0.5, 1.0, 1.75), (-0.5, 0.0, 0.5)
GOAL = 3e-6


def measure(width: int, seeds: int) -> tuple[dict, np.ndarray]:
    """One row: a run to compile, then one of the same shapes to time."""
    network = iw.TwoLayer(gamma=jnp.array(GAMMA)[:, None], gamma_prime=jnp.array(RATIO)[None], width=width)

    def run(seed):
        started = time.perf_counter(), time.process_time()
        found = iw.train(jax.random.key(seed), network, num_members=seeds, progress=False)
        return found, time.perf_counter() - started[0], time.process_time() - started[1]

    _, first, _ = run(0)
    found, wall, cpu = run(1)
    count = found.status.size
    row = {
        "trainer": "grokjax",
        "width": width,
        "networks": count,
        "networks_per_s": count / wall,
        "cpu_ms_per_network": 1e3 * cpu / count,
        "steps": float(np.mean(found.ensemble.ended) * found.steps_per_call),
        "compile_s": max(0.0, first - wall),
    }
    return row, found.log_displacement["input"].mean


def torch_rows(python: str, widths: list[int], seeds: int) -> tuple[list[dict], str]:
    """Rows of the loop; none where torch is not installed."""
    data = iw.four_points()
    job = {
        "widths": widths,
        "points": [(gamma, ratio) for gamma in GAMMA for ratio in RATIO],
        "seeds": list(range(seeds)),
        "inputs": np.concatenate([data.inputs, np.ones((len(data.inputs), 1))], axis=1).tolist(),
        "targets": data.targets.tolist(),
        "goal": GOAL,
    }
    script = Path(__file__).with_name("_torch_width.py")
    done = subprocess.run([python, str(script), json.dumps(job)], capture_output=True, text=True)
    if done.returncode:
        reason = "torch is not installed there" if "No module named 'torch'" in done.stderr else done.stderr[-300:]
        print(f"no PyTorch row: {python} failed ({reason}); give --torch-python an interpreter that has it")
        return [], ""
    result = json.loads(done.stdout.splitlines()[-1])
    rows = [
        {
            "trainer": f"torch, {row['threads']} thread{'s' * (row['threads'] > 1)}",
            "width": row["width"],
            "networks": len(row["displacement"]),
            "networks_per_s": 1 / row["wall"],
            "cpu_ms_per_network": 1e3 * row["cpu"],
            "steps": row["steps"],
            "compile_s": 0.0,
            "log_displacement": np.log(row["displacement"]).reshape(len(GAMMA), len(RATIO), seeds),
        }
        for row in result["rows"]
    ]
    return rows, f"torch {result['version']}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Two-layer phase diagram: grokjax against a PyTorch loop.")
    parser.add_argument("--widths", type=int, nargs="+", default=[100, 400])
    parser.add_argument("--seeds", type=int, default=5, help="networks per point")
    parser.add_argument("--torch-seeds", type=int, default=1, help="networks per point of the loop")
    parser.add_argument("--torch-python", default=sys.executable, help="an interpreter that has torch")
    args = parser.parse_args()
    references, version = torch_rows(args.torch_python, args.widths, args.torch_seeds)
    rows = []
    for width in args.widths:
        row, displacement = measure(width, args.seeds)
        peers = [peer for peer in references if peer["width"] == width]
        fastest = max((peer["networks_per_s"] for peer in peers), default=float("nan"))
        leanest = min((peer["cpu_ms_per_network"] for peer in peers), default=float("nan"))
        for each in (*peers, row):
            log = each.pop("log_displacement").mean(axis=-1) if each is not row else displacement
            each["speed_up"] = each["networks_per_s"] / fastest
            each["cpu_speed_up"] = leanest / each["cpu_ms_per_network"]
            reference = displacement if each is not row else log
            each["displacement_ratio"] = float(np.exp(np.nanmean(log - reference)))
            rows.append(each)
    table(rows)
    print(f"wrote {write('infinite_width', rows, reference=version)}")


if __name__ == "__main__":
    main()
