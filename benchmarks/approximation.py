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
from importlib.metadata import version

import jax


jax.config.update("jax_enable_x64", True)
jax.config.update("jax_enable_compilation_cache", False)  # compile time is measured

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _report import table, write  # noqa: E402

from grokjax.systems import approximation as ap  # noqa: E402


BATCH, DENSE_BATCHES = 2048, 8  # points of a dense pass that stay in the cache, and passes that are timed


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


def in_batches(forward, x: np.ndarray) -> np.ndarray:
    """Values of a forward pass over batches of points that stay in the cache."""
    return np.concatenate([forward(x[start : start + BATCH]) for start in range(0, len(x), BATCH)])


def numpy_pass(blocks):
    """A function of points: the forward pass, each level written behind everything before it."""
    last = len(blocks) - 1

    def forward(x: np.ndarray) -> np.ndarray:
        values = np.empty((1 + sum(len(bias) for _, bias in blocks), len(x)))
        values[0], stop = x, 1
        for index, (matrix, bias) in enumerate(blocks):
            new = values[stop : stop + len(bias)]
            np.matmul(matrix, values[stop - matrix.shape[1] : stop], out=new)
            new += bias[:, None]
            if index < last:
                np.maximum(new, 0, out=new)
            stop += len(bias)
        return values[-1]

    return forward


def threads() -> list[int]:
    """Numbers of threads that PyTorch is tried with: one, and its own choice."""
    import torch  # pyright: ignore[reportMissingImports]

    return sorted({1, torch.get_num_threads()})


def torch_pass(blocks, num_threads: int):
    """The same in PyTorch."""
    import torch  # pyright: ignore[reportMissingImports]

    tensors = [(torch.from_numpy(matrix.copy()), torch.from_numpy(bias.copy())[:, None]) for matrix, bias in blocks]
    last, rows = len(blocks) - 1, 1 + sum(len(bias) for _, bias in blocks)

    @torch.no_grad()
    def forward(x: np.ndarray) -> np.ndarray:
        torch.set_num_threads(num_threads)
        values = torch.empty((rows, len(x)), dtype=torch.float64)
        values[0], stop = torch.from_numpy(x), 1
        for index, (matrix, bias) in enumerate(tensors):
            new = values[stop : stop + len(bias)]
            torch.matmul(matrix, values[stop - matrix.shape[1] : stop], out=new)
            new.add_(bias)
            if index < last:
                new.relu_()
            stop += len(bias)
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
    others = {"numpy, dense": numpy_pass(blocks)}
    if has_torch:
        others |= {f"torch, dense, {count} thread{'s' * (count > 1)}": torch_pass(blocks, count) for count in threads()}
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
        some = x[: DENSE_BATCHES * BATCH]
        difference = float(np.abs(in_batches(function, some) - reference[: len(some)]).max())
        rate = len(some) / best_of(lambda function=function, some=some: in_batches(function, some))
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
        torch = version("torch") if has_torch else "not installed"
        print(f"wrote {write('approximation', rows, num_points=num_points, torch=torch, family_seconds=seconds)}")


if __name__ == "__main__":
    main()
