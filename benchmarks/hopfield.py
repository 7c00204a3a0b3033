"""Speed of the memories: spin updates per second, and points of a phase diagram per second.

    python benchmarks/hopfield.py

A Gibbs sweep is two products with the patterns; it is compared with the same sweep in numpy, with and without int8
patterns, and with the speed at which this machine reads memory. Points of a phase diagram are compared with the
textbook method, damped iteration of the saddle-point equations with scipy's adaptive quadrature.
"""

import argparse
import time

import jax


jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _report import table, write  # noqa: E402
from scipy import integrate  # noqa: E402

from grokjax.systems import hopfield as hop  # noqa: E402


def best_of(function, repeats: int = 3) -> float:
    """Seconds of the fastest of a few calls."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        function()
        times.append(time.perf_counter() - started)
    return min(times)


def memory_bandwidth() -> float:
    """Bytes per second of a long sum in numpy."""
    array = np.ones(2**26, np.float32)
    return array.nbytes / best_of(array.sum)


def numpy_sweeps(rng, patterns, spins, beta, num_steps):
    """Gibbs sweeps of one memory with Gaussian units; spins of shape (replicas, spins)."""
    size = patterns.shape[1]
    for _ in range(num_steps):
        field = spins @ patterns.T * np.float32(size**-0.5)
        units = field + rng.standard_normal(field.shape, np.float32) / np.float32(beta**0.5)
        local = units @ patterns * np.float32(size**-0.5)
        spins = np.where(rng.random(local.shape, np.float32) * (1 + np.exp(-2 * beta * local)) < 1, 1, -1)
        spins = spins.astype(np.float32)
    return spins


def sampling(num_spins: int, load: float, num_members: int, num_steps: int) -> list[dict]:
    """One row per implementation and number of replicas."""
    bandwidth, rows = memory_bandwidth(), []
    system = hop.AssociativeMemory(load, 0.3)
    num_patterns = round(load * num_spins)
    for replicas in (1, 8):
        updates = num_members * replicas * num_spins * num_steps
        for dtype in (jnp.float32, jnp.int8):
            run = hop.simulate(
                jax.random.key(0), system, num_spins=num_spins, num_members=num_members, num_steps=num_steps,
                num_replicas=replicas, pattern_dtype=dtype, num_chunks=5, progress=False,
            )  # fmt: skip
            seconds = float(np.median(run.ensemble.chunk_seconds)) * len(run.ensemble.chunk_seconds)
            traffic = 2 * num_members * num_steps * num_patterns * num_spins * jnp.dtype(dtype).itemsize
            rows.append(
                {
                    "implementation": f"grokjax, {jnp.dtype(dtype).name}",
                    "replicas": replicas,
                    "spin updates/s": updates / seconds,
                    "pattern bytes/s over bandwidth": traffic / seconds / bandwidth,
                    "compile s": run.ensemble.compile_seconds,
                }
            )
        rng = np.random.default_rng(0)
        patterns = rng.choice(np.array([-1, 1], np.float32), (num_patterns, num_spins))
        spins = np.repeat(patterns[:1], replicas, axis=0)
        seconds = best_of(lambda p=patterns, s=spins, r=rng: numpy_sweeps(r, p, s, 1 / 0.3, num_steps)) * num_members
        traffic = 2 * num_members * num_steps * patterns.nbytes
        rows.append(
            {
                "implementation": "numpy, float32",
                "replicas": replicas,
                "spin updates/s": updates / seconds,
                "pattern bytes/s over bandwidth": traffic / seconds / bandwidth,
                "compile s": 0.0,
            }
        )
    return rows


def scipy_point(load: float, temperature: float, tolerance: float = 1e-8, max_steps: int = 2000):
    """Damped iteration of Hopfield's saddle-point equations from m = q = 1, adaptive quadrature."""
    beta, m, q = 1 / temperature, 1.0, 1.0
    for _ in range(max_steps):
        gap = max(1 - beta * (1 - q), 1e-3)
        spread = np.sqrt(load * q) / gap
        average = lambda f, m=m, s=spread: integrate.quad(
            lambda z: np.exp(-z * z / 2) / np.sqrt(2 * np.pi) * f(np.tanh(beta * (m + s * z))), -8, 8, limit=200
        )[0]
        change = average(lambda t: t) - m, average(lambda t: t * t) - q
        m, q = m + change[0] / 2, q + change[1] / 2
        if max(map(abs, change)) < tolerance:
            break
    return m, q


def diagrams(size: int, num_scipy: int) -> list[dict]:
    """One row per method; scipy on points scattered over the same plane."""
    loads, temperatures = jnp.linspace(0.002, 0.15, size), jnp.linspace(0.05, 0.95, size)
    make = lambda: jax.block_until_ready(hop.phase_diagram(hop.GaussianHidden(), loads, temperatures).labels)
    first = best_of(make, 1)
    seconds = best_of(make)
    diagram = hop.phase_diagram(hop.GaussianHidden(), loads, temperatures)
    rng = np.random.default_rng(1)
    picks = [(int(rng.integers(size)), int(rng.integers(size))) for _ in range(num_scipy)]
    started = time.perf_counter()
    found = [scipy_point(float(loads[j]), float(temperatures[i])) for i, j in picks]
    scipy_seconds = time.perf_counter() - started
    m = np.array([float(diagram.order_parameters.magnetisation[i, j]) for i, j in picks])
    worst = np.max(np.abs(m - np.array([point[0] for point in found])))
    return [
        {
            "method": "grokjax, curves and Newton", "points": size**2, "points/s": size**2 / seconds,
            "compile s": first - seconds, "largest difference in m": float(worst),
        },
        {
            "method": "scipy, damped iteration", "points": num_scipy, "points/s": num_scipy / scipy_seconds,
            "compile s": 0.0, "largest difference in m": float(worst),
        },
    ]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of Gibbs sampling and of replica theory.")
    parser.add_argument("--spins", type=int, default=2000)
    parser.add_argument("--load", type=float, default=0.1)
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--points", type=int, default=60, help="points along each axis of the diagram")
    parser.add_argument("--scipy-points", type=int, default=40)
    args = parser.parse_args()
    print(f"memory bandwidth {memory_bandwidth() / 1e9:.1f} GB/s")
    updates = sampling(args.spins, args.load, args.members, args.steps)
    table(updates)
    points = diagrams(args.points, args.scipy_points)
    table(points)
    write("hopfield", updates, diagrams=points, sizes=vars(args))


if __name__ == "__main__":
    main()
