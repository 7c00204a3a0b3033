"""Gradients of a member per second: grokjax against other samplers and frameworks, on one ensemble and one data set.

Full Langevin steps of erf two-layer networks in float32 at three sizes; every member samples the same posterior. All
run in one process on the same CPUs, in interleaved rounds, so that a busy machine slows all alike; a ratio is taken
within each round and its median reported. CPU seconds count all threads of the process and are the fairer measure on a
shared machine, above all with one thread for everyone (`taskset -c 0`; without it, all CPUs). "matmul" is the two
products W X^T and D X per member in the exact shapes. After each of the later rounds the members' mean energy is
measured: at the tiny size, where all are in equilibrium by then, it must agree.

    taskset -c 0 python benchmarks/peer_throughput.py [--sizes tiny small target] [--rounds 5] [--smoke]
    JAX_NUM_CPU_DEVICES=2 python benchmarks/peer_throughput.py   # grokjax gives each device its own members

The PyTorch rows need torch in the same environment and are left out without it.
"""

import argparse
import os
import time
from importlib.metadata import version
from types import ModuleType
from typing import Any

import jax
import numpy as np
from _peers import (
    Competitor,
    Grokjax,
    Matmul,
    Problem,
    Size,
    blackjax_sgld,
    energy,
    numpyro_hmc,
    plain_jax,
    units_major_energy,
)
from _report import table, write


SIZES = {
    "tiny": Size("tiny", 20, 32, 100, 64, noise_variance=0.5, step_size=0.1),
    "small": Size("small", 50, 100, 500, 16, noise_variance=0.5, step_size=0.05),
    "target": Size("target", 150, 700, 3000, 2, noise_variance=0.5, step_size=0.02),
}
REFERENCE = "blackjax sgld"
WARM_ROUNDS = 2  # not timed; in the second, numpyro compiles again for the types of its own state
ENERGY_TOLERANCE = 0.03  # overdamped steps at these sizes raise the energy by up to one percent; three standard errors


def import_torch(threads: int) -> ModuleType | None:
    """The PyTorch competitors, on as many threads, or None without torch."""
    try:
        import torch  # pyright: ignore[reportMissingImports]
    except ImportError:
        print("torch is not installed here: its rows are left out")
        return None
    import _torch_ensemble

    torch.set_num_threads(threads)
    return _torch_ensemble


def competitors(problem: Problem, gradients: int, torch_ensemble: ModuleType | None) -> dict[str, Competitor]:
    """By name. PyTorch's eager steps are slow and get fewer per round."""
    everyone = {
        "grokjax BAOAB": Grokjax(problem, gradients),
        "grokjax ULA": Grokjax(problem, gradients, overdamped=True),
        "plain JAX vmap + scan ULA": plain_jax(problem, gradients),
        REFERENCE: blackjax_sgld(problem, gradients),
        "blackjax sgld, units-major": blackjax_sgld(problem, gradients, units_major_energy),
        "numpyro HMC": numpyro_hmc(problem, gradients),
    }
    if torch_ensemble is not None:
        device = "cuda" if jax.default_backend() == "gpu" else "cpu"
        few = max(2, gradients // 4)
        everyone["PyTorch loop over seeds"] = torch_ensemble.Loop(problem, few, device)
        everyone["PyTorch func.vmap"] = torch_ensemble.Vmap(problem, 2 * few, device)
    return everyone


def mean_energies(problem: Problem, position) -> np.ndarray:
    """U of every member."""
    parameters = dict(zip(("weights", "readout"), position, strict=True))
    over_members = jax.vmap(energy, in_axes=(0, None, None, None))
    return np.asarray(jax.jit(over_members)(parameters, problem.inputs, problem.targets, problem.size.noise_variance))


def measure(size: Size, rounds: int, seconds: float, torch_ensemble: ModuleType | None) -> list[dict]:
    """One row per competitor."""
    problem = Problem.draw(jax.random.key(0), size)
    gradients = max(60, int(seconds * 3e10 / (size.flops * size.members)))
    samplers = competitors(problem, gradients, torch_ensemble)
    everyone = {"matmul": Matmul(problem, gradients), **samplers}
    wall: dict[str, list[float]] = {name: [] for name in everyone}
    cpu: dict[str, list[float]] = {name: [] for name in everyone}
    warm: dict[str, float] = dict.fromkeys(everyone, 0.0)
    energies: dict[str, list[np.ndarray]] = {name: [] for name in samplers}
    for round_number in range(WARM_ROUNDS + rounds):
        for name, competitor in everyone.items():
            started = time.perf_counter(), time.process_time()
            competitor.advance()
            elapsed = time.perf_counter() - started[0], time.process_time() - started[1]
            if round_number >= WARM_ROUNDS:
                wall[name].append(elapsed[0] / competitor.gradients)
                cpu[name].append(elapsed[1] / competitor.gradients)
            else:
                warm[name] += elapsed[0]
            if name in samplers and 2 * round_number > WARM_ROUNDS + rounds:
                energies[name].append(mean_energies(problem, competitor.position))
    per_second = lambda times: size.members / float(np.median(times))
    ratio = lambda times, over, name: float(np.median(np.divide(times[over], times[name])))
    rows = []
    for name, competitor in everyone.items():
        rows.append(
            {
                "size": size.name,
                "competitor": name,
                "member-gradients/s": per_second(wall[name]),
                "per CPU-s": per_second(cpu[name]),
                "/ sgld": ratio(wall, REFERENCE, name),
                "/ sgld (CPU)": ratio(cpu, REFERENCE, name),
                "of matmul": ratio(wall, "matmul", name),
                "of matmul (CPU)": ratio(cpu, "matmul", name),
                "compile s": max(0.0, warm[name] - WARM_ROUNDS * float(np.median(wall[name])) * competitor.gradients),
                "energy": float(np.mean(energies[name])) if name in samplers else None,
                "se": float(np.std(energies[name]) / np.sqrt(np.size(energies[name]))) if name in samplers else None,
            }
        )
    return rows


def check_energies(rows: list[dict]) -> str:
    """The samplers of the tiny size against their median; raises if one samples another law."""
    tiny = {row["competitor"]: row["energy"] for row in rows if row["size"] == "tiny" and row["energy"] is not None}
    if not tiny:
        return "energies are compared at the tiny size only"
    centre = float(np.median(list(tiny.values())))
    worst = max(tiny, key=lambda name: abs(tiny[name] - centre))
    deviation = tiny[worst] / centre - 1
    if not abs(deviation) < ENERGY_TOLERANCE:
        raise RuntimeError(f"{worst} has mean energy {tiny[worst]:.1f}, the median of all is {centre:.1f}")
    return f"mean energies at the tiny size agree within {abs(deviation):.1%} ({worst})"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", choices=list(SIZES), default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="about how long one turn of grokjax takes")
    parser.add_argument("--smoke", action="store_true", help="seconds: tiny size, short turns, nothing written")
    args = parser.parse_args()
    if args.smoke:
        args.sizes, args.rounds, args.seconds = ["tiny"], 2, 0.3
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    jax.config.update("jax_enable_compilation_cache", False)
    torch_ensemble = import_torch(threads)
    rows = []
    with jax.default_matmul_precision("highest"):
        for name in args.sizes:
            rows += measure(SIZES[name], args.rounds, args.seconds, torch_ensemble)
    table(rows)
    verdict = check_energies(rows)
    print(verdict)
    if not args.smoke:
        peers = ["blackjax", "numpyro"] + ["torch"] * (torch_ensemble is not None)
        peer_versions = {package: version(package) for package in peers}
        cut: dict[str, Any] = {"threads": threads, "devices": jax.device_count()}
        name = "peer_throughput" if threads == 1 else f"peer_throughput-{threads}_threads"
        write(name, rows, **cut, rounds=args.rounds, peers=peer_versions, energies=verdict)


if __name__ == "__main__":
    main()
