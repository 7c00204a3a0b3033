"""Theory points per second: one compiled sweep over (noise, width) against a scipy loop on the same dual problem.

Both solve the same convex problem on the same quadrature nodes to the same tolerance; scipy gets the exact gradient and
Hessian (`trust-exact`), in numpy, one point after the other; it counts as unsolved where it stalls above a residual of
1e-8. `--smoke` runs a small grid.
"""

import argparse
import time

import jax


jax.config.update("jax_enable_x64", True)
jax.config.update("jax_enable_compilation_cache", False)  # compile time is measured

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _report import table, write  # noqa: E402
from scipy.optimize import minimize  # noqa: E402
from scipy.special import logsumexp  # noqa: E402

from grokjax.systems.teacher_student.phases import phase_diagram  # noqa: E402
from grokjax.systems.teacher_student.quadrature import neuron_nodes, normalised_targets  # noqa: E402
from grokjax.systems.teacher_student.system import TeacherStudent  # noqa: E402


NUM_NODES = 192


def solve_with_scipy(system: TeacherStudent, noises: np.ndarray, widths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Discrepancies on the grid by `scipy.optimize.minimize`, and whether each point reached 1e-8."""
    nodes = neuron_nodes(system, "mean", NUM_NODES, 1)
    g, log_prior, y = (np.asarray(x) for x in (nodes.features, nodes.log_prior, normalised_targets(system)))
    n, readout = float(system.num_samples), float(system.readout_variance)

    def point(noise, width):
        coupling, multiplicity = n**2 * readout / (2 * width * noise**2), width * noise / n

        def moments(delta):
            field = g @ delta
            logits = log_prior + coupling * field**2
            log_partition = logsumexp(logits)
            return field, np.exp(logits - log_partition), log_partition

        def value_and_gradient(delta):
            field, p, log_partition = moments(delta)
            force = 2 * multiplicity * coupling * (p * field) @ g
            return delta @ (delta / 2 - y) + multiplicity * log_partition, delta - y + force

        def hessian(delta):
            field, p, _ = moments(delta)
            response = field[:, None] * g
            centred = response - p @ response
            kernel, covariance = (p[:, None] * g).T @ g, (p[:, None] * centred).T @ centred
            return np.eye(y.size) + 2 * multiplicity * coupling * (kernel + 2 * coupling * covariance)

        options = {"gtol": 1e-10, "maxiter": 500}
        return minimize(
            value_and_gradient, np.zeros(y.size), jac=True, hess=hessian, method="trust-exact", options=options
        )

    solutions = [point(noise, width) for noise in noises for width in widths]
    solved = np.array([np.linalg.norm(solution.jac) < 1e-8 for solution in solutions])
    shape = (len(noises), len(widths))
    return np.array([solution.x for solution in solutions]).reshape(*shape, -1), solved.reshape(shape)


def main() -> None:
    """Time both on one machine in one run and report the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="a small grid")
    size, reference_size = (20, 4) if parser.parse_args().smoke else (200, 16)
    system = TeacherStudent.at_scale(1)
    grid = lambda points: (jnp.linspace(0.02, 0.4, points), jnp.geomspace(100, 5000, points))

    def sweep(points):
        noises, widths = grid(points)
        return jax.block_until_ready(phase_diagram(system, noises, widths=widths, num_nodes=NUM_NODES))

    start = time.perf_counter()
    diagram = sweep(size)
    first = time.perf_counter() - start
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        diagram = sweep(size)
        seconds.append(time.perf_counter() - start)
    run = min(seconds)

    noises, widths = (np.asarray(axis) for axis in grid(reference_size))
    start = time.perf_counter()
    discrepancies, solved = solve_with_scipy(system, noises, widths)
    scipy_seconds = time.perf_counter() - start
    same = sweep(reference_size)
    difference = np.abs(1.0 - discrepancies[..., 0] - np.asarray(same.order_parameters.overlap[1]))[solved].max()

    rate, scipy_rate = size**2 / run, reference_size**2 / scipy_seconds
    rows = [
        {
            "solver": "grokjax sweep",
            "points": size**2,
            "seconds": run,
            "points/s": rate,
            "unsolved": int((~diagram.converged).sum()),
        },
        {
            "solver": "scipy loop",
            "points": reference_size**2,
            "seconds": scipy_seconds,
            "points/s": scipy_rate,
            "unsolved": int((~solved).sum()),
        },
    ]
    extra = {"compile_seconds": first - run, "ratio": rate / scipy_rate, "largest_difference": float(difference)}
    table(rows)
    write("theory_points", rows, num_nodes=NUM_NODES, **extra)
    print(", ".join(f"{name.replace('_', ' ')} {value:.3g}" for name, value in extra.items()))


if __name__ == "__main__":
    main()
