"""Figure 2 at the paper's scale, meant for a GPU: wall time, share of the matmul rate, and whether TF32 is admissible.

For each scale beta five noises times many networks, each on its own data set, are advanced in one call, once with true
float32 products and once at the backend's own precision (TF32 on recent NVIDIA GPUs). Lower precision is admissible
where the virials stay at 1 and the order parameters agree with those in float32, within five standard errors. The
reference is the two products of a gradient in the same shapes and precision and nothing else.

    python benchmarks/paper_scale.py [--scales 1/8 1/2 1 2] [--members 200] [--steps 1500]
    python benchmarks/paper_scale.py --smoke
"""

import argparse
import time
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from _report import table, write
from ensemble_throughput import REPEATS, products

from grokjax.evidence.statistics import Estimate, two_start, z_score
from grokjax.systems import teacher_student as ts


NOISES = (0.10, 0.15, 0.20, 0.25, 0.30)
PRECISIONS = {"float32": "highest", "backend": None}
REFERENCE_MEMBERS = 32


def matmul_rate(system: ts.TeacherStudent, precision: str | None) -> float:
    """Floating-point operations per second of W X^T and D X in the shapes of the system."""
    width, samples, dim = (int(np.max(size)) for size in (system.width, system.num_samples, system.input_dim))
    keys = jax.random.split(jax.random.key(0), 3)
    shapes = ((width, dim), (samples, dim), (width, samples))
    arrays = [jax.random.normal(key, (REFERENCE_MEMBERS, *shape)) for key, shape in zip(keys, shapes, strict=True)]
    with jax.default_matmul_precision(precision or "default"):
        compiled = jax.jit(products).lower(*arrays).compile()
    seconds = []
    for _ in range(4):
        started = time.perf_counter()
        jax.block_until_ready(compiled(*arrays))
        seconds.append(time.perf_counter() - started)
    return REPEATS * REFERENCE_MEMBERS * 4.0 * width * samples * dim / float(np.median(seconds[1:]))


def rows_at(scale: float, members: int, steps: int) -> list[dict]:
    """Both precisions at one scale, a row each.

    Args:
        scale: beta.
        members: networks per noise.
        steps: of the run.
    """
    system = ts.TeacherStudent.at_scale(scale).replace(noise_variance=jnp.asarray(NOISES))
    flops = 4.0 * float(system.width * system.num_samples * system.input_dim)
    runs, rows = {}, []
    for name, precision in PRECISIONS.items():
        begun = time.perf_counter()
        run = ts.simulate(jax.random.key(0), system, num_members=members, num_steps=steps, precision=precision)
        runs[name] = run
        networks = run.layout.num_points * run.layout.per_point
        chunks = run.ensemble.chunk_seconds
        rate = flops * networks * run.ensemble.num_steps / (float(np.median(chunks)) * len(chunks))
        largest = lambda estimate: float(np.max(np.abs(z_score(estimate, 1.0))))
        agreement = two_start(runs["float32"].order_parameters, run.order_parameters, threshold=5.0)
        virial = {layer: largest(estimate) for layer, estimate in run.equipartition.items()}
        means = {layer: Estimate(np.mean(v.mean), np.mean(v.error)) for layer, v in run.equipartition.items()}
        rows.append(
            {
                "beta": scale,
                "precision": name,
                "networks": networks,
                "seconds": time.perf_counter() - begun,
                "compile s": run.ensemble.compile_seconds,
                "TFLOP/s": rate / 1e12,
                "share of matmul": rate / matmul_rate(system, precision),
                "virial read-in": str(means["read_in"]),
                "virial read-out": str(means["read_out"]),
                "largest |z|": max(virial.values()),
                "admissible": max(virial.values()) <= 5 and agreement.agree,
                "certified": run.certificate.ok,
                "diverged": int(run.diverged.sum()),
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    number = lambda text: float(Fraction(text))
    parser.add_argument("--scales", type=number, nargs="+", default=[1 / 8, 1 / 2, 1.0, 2.0])
    parser.add_argument("--members", type=int, default=200, help="networks per noise")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--smoke", action="store_true", help="tiny, for a check of the script")
    args = parser.parse_args()
    if args.smoke:
        args.scales, args.members, args.steps = [1 / 32], 4, 60
    rows, started = [], time.perf_counter()
    for scale in args.scales:
        rows += rows_at(scale, args.members, args.steps)
    table(rows)
    in_float32 = sum(row["seconds"] for row in rows if row["precision"] == "float32")
    print(f"figure 2 in float32: {in_float32:.0f} s; everything: {time.perf_counter() - started:.0f} s")
    if not args.smoke:
        write(
            "paper_scale", rows, members=args.members, steps=args.steps, noises=list(NOISES), float32_seconds=in_float32
        )


if __name__ == "__main__":
    main()
