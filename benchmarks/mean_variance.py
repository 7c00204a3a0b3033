"""Cells of the field theory per second against a scipy solver, networks per second against a PyTorch loop.

Theory: the whole square in one compiled call, against the same block minimisation with `scipy.linalg.solveh_banded` in
numpy, one cell after the other, to the same tolerance. A cell is right if both agree on whether it collapses, and on
the precision to 1e-5 where it does not. Networks: pairs trained by the same number of Adam steps on the same data, all
in one compiled call, against a PyTorch loop over pairs where torch is installed. `--smoke` runs small sizes.
"""

import argparse
import importlib.util
import time
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import jax


jax.config.update("jax_enable_x64", True)
jax.config.update("jax_enable_compilation_cache", False)  # compile time is measured

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _report import table, write  # noqa: E402
from scipy.linalg import LinAlgError, solveh_banded  # noqa: E402

from grokjax.systems import mean_variance as mv  # noqa: E402


TOLERANCE, CAP, MAX_SWEEPS = 1e-10, 1e10, 4000
WIDTH, DEPTH = 32, 2


def scipy_fit(y: np.ndarray, alpha: float, beta: float) -> tuple[np.ndarray, bool | None]:
    """Precision of one cell and whether it has collapsed, by block minimisation with banded solves.

    None where Cholesky's elimination finds a matrix that is not positive any more: rounding, on the way to collapse.
    """
    n = len(y)
    degree = np.r_[1, np.full(n - 2, 2), 1] * n * (n - 1)
    banded = np.zeros((2, n))

    def solve(diagonal, strength, right):
        banded[0, 1:], banded[1] = -strength * n * (n - 1), diagonal + strength * degree
        return solveh_banded(banded, right)

    def improved(precision, square):
        new = solve(precision**-2, 4 * beta, 2 / precision - square)
        change = new - precision
        decrement = np.sqrt(np.sum((change / precision) ** 2) + 4 * beta * n * (n - 1) * np.sum(np.diff(change) ** 2))
        return precision + change * (1 if decrement < 0.25 else 1 / (1 + decrement))

    mean, precision = np.zeros(n), np.ones(n)
    for _ in range(MAX_SWEEPS):
        old_mean, old = mean, precision
        try:
            for _ in range(2):
                precision = improved(precision, (mean - y) ** 2)
            mean = solve(precision, 2 * alpha, precision * y)
        except LinAlgError:
            return precision, None
        if precision.max() > CAP:
            return precision, True
        if max(np.abs(mean - old_mean).max(), np.abs(np.log(precision / old)).max()) < TOLERANCE:
            break
    return precision, False


def torch_loop(data: Any, alpha: np.ndarray, beta: np.ndarray, num_steps: int) -> float:
    """Seconds of PyTorch for the same pairs, one after the other, on one thread (networks are too small for more)."""
    import torch  # pyright: ignore[reportMissingImports]

    torch.set_num_threads(1)
    x = torch.tensor(np.array(data.inputs), dtype=torch.float32)[:, None]
    x = (x - x.mean()) / x.std()
    y = torch.tensor(np.array(data.targets), dtype=torch.float32)

    def network():
        layers: list[Any] = []
        for inputs, outputs in ((1, WIDTH), *[(WIDTH, WIDTH)] * (DEPTH - 1)):
            layers += [torch.nn.Linear(inputs, outputs), torch.nn.LeakyReLU(0.01)]
        return torch.nn.Sequential(*layers, torch.nn.Linear(WIDTH, 1))

    penalty = lambda net: sum((p**2).sum() for name, p in net.named_parameters() if "weight" in name)
    started = time.perf_counter()
    for a, b in zip(alpha, beta, strict=True):
        mean, precision = network(), network()
        adam = torch.optim.Adam([*mean.parameters(), *precision.parameters()], lr=1e-3)
        for _ in range(num_steps):
            adam.zero_grad()
            scale = torch.nn.functional.softplus(precision(x)[:, 0]) + 1e-8
            likelihood = (scale * (mean(x)[:, 0] - y) ** 2 - scale.log()).mean() / 2
            loss = likelihood + a * penalty(mean) + b * penalty(precision)
            loss.backward()
            adam.step()
    return time.perf_counter() - started


def timed(function: Callable[[], Any]) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    jax.block_until_ready(function())
    return time.perf_counter() - started


def theory_rows(size: int, num_reference: int) -> list[dict[str, Any]]:
    """The square of a lattice, and how many cells agree with scipy.

    Args:
        size: sites.
        num_reference: every how many cells scipy solves, too.
    """
    data = mv.sine(size, num_test=0)
    grid = np.array(mv.PAPER_SQUARE)
    system = mv.MeanVariance.from_square(data, rho=grid[:, None], gamma=grid[None])
    axes = {"rho": grid, "gamma": grid}
    sweep = lambda: mv.phase_diagram(system.replace(alpha=1.0, beta=1.0), axes, tolerance=TOLERANCE)
    first, again = timed(sweep), min(timed(sweep) for _ in range(2))
    found = mv.predict(system, tolerance=TOLERANCE)

    cells = list(np.ndindex(grid.size, grid.size))[::num_reference]
    alpha, beta = np.asarray(system.alpha), np.asarray(system.beta)
    started = time.perf_counter()
    reference = [scipy_fit(np.asarray(data.targets), float(alpha[cell]), float(beta[cell])) for cell in cells]
    scipy_seconds = time.perf_counter() - started
    same, failed = 0, sum(collapsed is None for _, collapsed in reference)
    for cell, (precision, collapsed) in zip(cells, reference, strict=True):
        ours = bool(found.status[cell] == 3)
        close = ours or np.allclose(np.asarray(found.precision[cell]), precision, rtol=1e-5)
        same += ours == collapsed and close
    rate, theirs = grid.size**2 / again, len(cells) / scipy_seconds
    row = {"what": "theory cells", "size": size, "count": grid.size**2, "compile_s": first - again}
    row |= {"per_s": rate, "peer": "scipy banded", "peer_per_s": theirs, "ratio": rate / theirs}
    return [row | {"agree": f"{same}/{len(cells)}", "peer_failed": failed}]


def network_rows(num_pairs: int, num_peer: int, num_steps: int) -> list[dict[str, Any]]:
    """Pairs trained per second.

    Args:
        num_pairs: in our call.
        num_peer: in the peer's loop.
        num_steps: of training.
    """
    data = mv.sine(64, num_test=0)
    strengths = jnp.geomspace(1e-3, 1e-1, num_pairs)
    system = mv.MeanVariance(data, alpha=strengths, beta=strengths)
    options = {"num_members": 1, "width": WIDTH, "depth": DEPTH, "num_steps": num_steps, "mean_steps": 0}
    train = lambda: mv.simulate(jax.random.key(0), system, progress=False, **options).mse.mean
    first, again = timed(train), timed(train)
    row = {"what": "pairs trained", "size": num_steps, "count": num_pairs, "compile_s": first - again}
    row |= {"per_s": num_pairs / again, "peer": "torch loop", "peer_per_s": float("nan"), "ratio": float("nan")}
    if importlib.util.find_spec("torch") is not None:
        some = np.asarray(strengths)[:: -(-num_pairs // num_peer)]
        theirs = len(some) / torch_loop(data, some, some, num_steps)
        row |= {"peer_per_s": theirs, "ratio": num_pairs / again / theirs}
    else:
        print("torch cannot be imported here: networks are timed alone. Install torch for the comparison.")
        row |= {"peer": "torch (not installed)"}
    return [row | {"agree": "", "peer_failed": 0}]


def main() -> None:
    """Time everything on one machine in one run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="small sizes")
    smoke = parser.parse_args().smoke
    rows = theory_rows(64, 40 if smoke else 4)
    rows += [] if smoke else theory_rows(512, 40)
    rows += network_rows(*((8, 1, 50) if smoke else (144, 4, 2000)))
    table(rows)
    if not smoke:
        installed = importlib.util.find_spec("torch") is not None
        peers = {"scipy": version("scipy"), "torch": version("torch") if installed else "not installed"}
        print(f"wrote {write('mean_variance', rows, peers=peers)}")


if __name__ == "__main__":
    main()
