"""Network evaluations per second: constructions that look things up, against dense forward passes of the same weights.

    python benchmarks/approximation.py

A construction has most of its units off at any point, and its call uses that: the cell of a point is looked up, and the
decoder is one scan. The dense pass takes the explicit list of units, level by level, each level as one matrix on
everything before it; at fixed width 7 it is the network itself. PyTorch runs it where it can be
imported, numpy always. All in float64, on the same points, and the largest difference is reported.
"""

import argparse
import importlib.util
import time

import jax


jax.config.update("jax_enable_x64", True)
jax.config.update("jax_enable_compilation_cache", False)  # compile time is measured

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _report import table, write  # noqa: E402

from grokjax.systems import approximation as ap  # noqa: E402


def best_of(function, repeats: int = 3) -> float:
    """Seconds of the fastest of a few calls."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def dense_levels(units: ap.Units) -> list[tuple[np.ndarray, np.ndarray]]:
    """Matrix and bias of each level, on the input and all levels before it; the last one is the linear output.

    A network without skip connections gets the plain matrices from level to level.
    """
    levels = np.array(units.levels)
    order = np.concatenate([np.zeros(1, int), 1 + np.argsort(levels, kind="stable")])
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    sizes = np.concatenate([[1], np.bincount(levels)[1:]])
    starts = np.concatenate([[0], np.cumsum(sizes)])
    full = np.zeros((len(order), len(order)))
    bias = np.zeros(len(order))
    for index, unit in enumerate(units.units, 1):
        full[place[index], place[list(unit.sources)]] = np.asarray(unit.weights, float)
        bias[place[index]] = float(unit.bias)
    blocks = []
    for level in range(1, len(sizes)):
        rows = slice(starts[level], starts[level + 1])
        blocks.append((full[rows, : starts[level]], bias[rows]))
    if all(not matrix[:, : starts[level]].any() for level, (matrix, _) in enumerate(blocks)):
        blocks = [(matrix[:, starts[level] :], b) for level, (matrix, b) in enumerate(blocks)]
    return blocks


def numpy_pass(blocks, x: np.ndarray) -> np.ndarray:
    """Forward pass; a level reads everything before it, or only the level before it."""
    values, keep, last = x[None, :], skips(blocks), len(blocks) - 1
    for index, (matrix, bias) in enumerate(blocks):
        new = matrix @ values + bias[:, None]
        new = new if index == last else np.maximum(new, 0)
        values = np.concatenate([values, new]) if keep else new
    return values[-1]


def skips(blocks) -> bool:
    """Whether a level reads more than the level before it."""
    return any(matrix.shape[1] != len(before) for (matrix, _), (before, _) in zip(blocks[1:], blocks, strict=False))


def torch_pass(blocks, x: np.ndarray):
    """The same in PyTorch, as a function without arguments."""
    import torch  # pyright: ignore[reportMissingImports]

    tensors = [(torch.from_numpy(matrix.copy()), torch.from_numpy(bias.copy())[:, None]) for matrix, bias in blocks]
    start, keep, last = torch.from_numpy(x)[None, :], skips(blocks), len(blocks) - 1

    @torch.no_grad()
    def forward():
        values = start
        for index, (matrix, bias) in enumerate(tensors):
            new = torch.addmm(bias.expand(-1, x.size), matrix, values)
            new = new if index == last else torch.relu(new)
            values = torch.cat([values, new]) if keep else new
        return values[-1].numpy()

    return forward


def measure(name: str, network, num_points: int, has_torch: bool) -> list[dict]:
    """Rows of one network."""
    x = np.random.default_rng(0).random(num_points)
    on_device = jnp.asarray(x)
    call = lambda: jax.block_until_ready(network(on_device))
    started = time.perf_counter()
    reference = np.asarray(call())
    first = time.perf_counter() - started
    seconds = best_of(call)
    blocks = dense_levels(network.to_units())
    others = {"numpy, dense": lambda: numpy_pass(blocks, x)}
    if has_torch:
        others["torch, dense"] = torch_pass(blocks, x)
    common = {"network": name, "weights": network.num_weights, "depth": network.depth}
    rows = [
        {
            **common,
            "implementation": "grokjax",
            "evaluations/s": num_points / seconds,
            "compile s": first - seconds,
            "largest difference": 0.0,
        }
    ]
    for implementation, function in others.items():
        difference = float(np.abs(function() - reference).max())
        rate = num_points / best_of(function)
        rows.append(
            {
                **common,
                "implementation": implementation,
                "evaluations/s": rate,
                "compile s": 0.0,
                "largest difference": difference,
            }
        )
    return rows


def main() -> None:
    """Time all on one machine in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small networks, few points")
    smoke = parser.parse_args().smoke
    num_points = 2_000 if smoke else 100_000
    f = ap.target("kink")
    networks = {
        "interpolant, N = 256": ap.interpolant(f, 16 if smoke else 256),
        "two-scale, N = 64, M = 24": ap.two_scale(f, *((8, 4) if smoke else (64, 24))),
        "second order, N = 64, M = 24": ap.two_scale_smooth(ap.target("sine", 2), *((8, 4) if smoke else (64, 24))),
        "fixed width 7, N = 64, M = 24": ap.fixed_width(f, *((8, 4) if smoke else (64, 24))),
    }
    has_torch = importlib.util.find_spec("torch") is not None
    if not has_torch:
        print("torch cannot be imported here: the dense pass is numpy's alone. Install torch for the comparison.")
    rows = [row for name, network in networks.items() for row in measure(name, network, num_points, has_torch)]
    table(rows)
    started = time.perf_counter()
    run = ap.simulate(ap.Approximation(target="zigzag"), sizes=[8, 16, 32] if smoke else None)
    seconds = time.perf_counter() - started
    count = len(run.errors)
    print(
        f"a family of {count} networks built, decoded in exact integers and measured in {seconds:.2f} s; "
        f"rate {run.rate}"
    )
    if not smoke:
        write("approximation", rows, num_points=num_points, torch=has_torch, family_seconds=seconds)


if __name__ == "__main__":
    main()
