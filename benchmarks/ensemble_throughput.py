"""Member-steps per second of the jitted ensemble, as a share of this machine's matrix-product rate at the same shapes.

The reference is the two products that a full-batch gradient cannot avoid, W X^T and D X for each member, in the same
batched shapes and nothing else. Rounds are interleaved, so that a busy machine slows both alike; compile time is
separate. One member-step is 4 N n d floating-point operations.

    python benchmarks/ensemble_throughput.py [--scales 1/8 1] [--rounds 5]
"""

import argparse
import time
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
from _report import table, write

from grokjax import Design, UnderdampedLangevin, ensemble
from grokjax.driver import first_positions
from grokjax.ensemble import choose_tiling
from grokjax.systems import teacher_student as ts


def products(reads, inputs, errors):
    """W X^T and D X of every member, repeated by scan so that dispatch does not count."""

    def body(carry, _):
        hidden, gradient = carry  # carried whole, so that neither product can be cut or lifted out
        hidden = jnp.einsum("mud,mnd->mun", reads + 1e-30 * gradient[0, 0, 0], inputs)
        gradient = jnp.einsum("mun,mnd->mud", errors, inputs + 1e-30 * hidden[0, 0, 0])
        return (hidden, gradient), None

    return jax.lax.scan(body, (jnp.zeros_like(errors), jnp.zeros_like(reads)), length=REPEATS)[0][1]


REPEATS = 4


def measure(scale: float, members: int, rounds: int, layouts: dict[str, dict]) -> list[dict]:
    system = ts.TeacherStudent.at_scale(scale, 0.18)
    width, samples, dim = (int(size) for size in (system.width, system.num_samples, system.input_dim))
    flops = 4.0 * width * samples * dim
    key = jax.random.key(0)

    reads = jax.random.normal(key, (members, width, dim), jnp.float32)
    inputs = jax.random.normal(key, (members, samples, dim), jnp.float32)
    errors = jax.random.normal(key, (members, width, samples), jnp.float32)
    compiled = jax.jit(products).lower(reads, inputs, errors).compile()
    steps = max(REPEATS, int(2e11 / (flops * members)))

    seconds: dict[str, list[float]] = {"matmul": [], **{name: [] for name in layouts}}
    compile_seconds = {}
    with jax.default_matmul_precision("highest"):
        for round_number in range(rounds + 1):
            started = time.perf_counter()
            jax.block_until_ready(compiled(reads, inputs, errors))
            if round_number:
                seconds["matmul"].append((time.perf_counter() - started) / REPEATS)
            for name, layout in layouts.items():
                layout = dict(layout)
                students = ts.Students(row_tile=layout.pop("row_tile", None))
                problem, positions = first_positions(key, system, students, Design(num_members=members))
                run = ensemble.run(
                    key,
                    UnderdampedLangevin(0.1, 1.0),
                    problem.target,
                    positions,
                    num_steps=2 * steps,
                    num_chunks=2,
                    record_every=steps,
                    progress=False,
                    **layout,
                )
                if round_number:
                    seconds[name].append(run.chunk_seconds[1] / steps)
                else:
                    compile_seconds[name] = run.compile_seconds
    rows = []
    for name in layouts:
        share = np.median([m / s for m, s in zip(seconds["matmul"], seconds[name], strict=True)])
        step = np.median(seconds[name])
        rows.append(
            {
                "beta": scale,
                "N": width,
                "d": dim,
                "n": samples,
                "members": members,
                "layout": name,
                "member-steps/s": members / step,
                "GFLOP/s": members * flops / step / 1e9,
                "matmul GFLOP/s": members * flops / np.median(seconds["matmul"]) / 1e9,
                "share of matmul": share,
                "compile s": compile_seconds[name],
            }
        )
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scales", type=lambda text: float(Fraction(text)), nargs="+", default=[1 / 8, 1.0])
    parser.add_argument("--members", type=int, nargs="+", default=[160, 4], help="members at each scale")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    rows = []
    for scale, members in zip(args.scales, args.members, strict=True):
        system = ts.TeacherStudent.at_scale(scale)
        chosen = choose_tiling(int(system.width), int(system.num_samples))
        layouts = {"plain": {}, "default": {"row_tile": chosen.row_tile, "member_block": chosen.member_block}}
        if jax.default_backend() == "cpu":
            layouts |= {f"blocks of {block}": {"member_block": block} for block in (1, 2, 4, 16) if block < members}
            layouts |= {"tiles of 500, blocks of 1": {"member_block": 1, "row_tile": 500}} if scale >= 1 else {}
        rows += measure(scale, members, args.rounds, layouts)
    table(rows)
    write("ensemble_throughput", rows, rounds=args.rounds)


if __name__ == "__main__":
    main()
