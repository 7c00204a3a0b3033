"""The usual way of working, for comparison: a PyTorch loop that trains one network after the other.

Run by `infinite_width.py`, possibly by another interpreter; prints one JSON line. Full-batch gradient descent on the
normalised two-layer network as in the authors' scripts: rate 1.9 over the largest eigenvalue of the first kernel,
halved with a restart on any increase of the loss; the same goal as the flow.
"""

import json
import math
import sys
import time
from typing import Any

import torch  # pyright: ignore[reportMissingImports]


MOST_STEPS = 20_000


def train(gamma: float, ratio: float, width: int, seed: int, x, y, goal: float) -> tuple[float, int]:
    """RD of the input weights and the number of steps; RD is nan for a network that did not get there."""
    generator = torch.Generator().manual_seed(seed)
    a0 = torch.randn(width, generator=generator)
    w0 = torch.randn(width, x.shape[1], generator=generator)
    kappa, rates = width**-gamma, [1.0, width ** (-2 * ratio)]  # read-out, input weights: beta^-2
    rates = [rate / max(rates) for rate in rates]
    hidden = torch.relu(x @ w0.T)
    offset = hidden @ a0
    back = (hidden > 0) * a0
    kernel = kappa**2 * (rates[0] * hidden @ hidden.T + rates[1] * (back @ back.T) * (x @ x.T)) / len(y)
    step = 1.9 / float(torch.linalg.eigvalsh(kernel)[-1])
    steps, scale = 0, float((y**2).mean())
    while steps < MOST_STEPS:
        a, w = a0.clone().requires_grad_(), w0.clone().requires_grad_()
        last = math.inf
        while steps < MOST_STEPS:
            loss = ((kappa * (torch.relu(x @ w.T) @ a - offset) - y) ** 2).mean() / 2
            value = loss.item()
            if 2 * value <= goal * scale:
                return float((w.detach() - w0).norm() / w0.norm()), steps
            if not value <= last:
                break
            last, steps = value, steps + 1
            loss.backward()
            with torch.no_grad():
                a -= step * rates[0] * a.grad
                w -= step * rates[1] * w.grad
            a.grad = w.grad = None
        step /= 2
    return math.nan, steps


def main() -> None:
    job = json.loads(sys.argv[1])
    x, y = torch.tensor(job["inputs"]), torch.tensor(job["targets"])
    rows = []
    for threads in sorted({1, torch.get_num_threads()}):
        torch.set_num_threads(threads)
        one: Any = train  # a point is a pair, which a type checker cannot count
        one(1.0, 0.0, 50, 0, x, y, job["goal"])
        for width in job["widths"]:
            started = time.perf_counter(), time.process_time()
            found = [one(*point, width, seed, x, y, job["goal"]) for point in job["points"] for seed in job["seeds"]]
            wall, cpu = time.perf_counter() - started[0], time.process_time() - started[1]
            row = {"threads": threads, "width": width, "wall": wall / len(found), "cpu": cpu / len(found)}
            rows.append({**row, "displacement": [f[0] for f in found], "steps": sum(f[1] for f in found) / len(found)})
    print(json.dumps({"version": torch.__version__, "rows": rows}))


if __name__ == "__main__":
    main()
