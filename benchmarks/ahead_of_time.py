"""What the ensemble's program asks of an accelerator, read off the compiled program, without the accelerator.

Bytes a step are the operands and outputs of all its kernels, an upper bound of what memory moves; memory is what the
compiler asks for beside arguments and results. "before" is the program without donated states and with the read-out as
a product, as it was until version 0.2. Needs the extra `tpu-aot` or `cuda-aot`, and minutes at the paper's size.

    python benchmarks/ahead_of_time.py h100 v5e [--scale 1] [--members 200] [--precision highest bf16x3]
"""

import argparse
import contextlib
import os
import time
from fractions import Fraction


os.environ.setdefault("JAX_PLATFORMS", "cpu")

import _ahead
import jax.numpy as jnp
from _report import table, write

from grokjax import networks
from grokjax.systems import teacher_student as ts


GB = 1e9
VARIANTS = {"before": {}, "xla": {}, "rows in tiles of 1024": {"row_tile": 1024}, "fused": {"gradient": "fused"}}


@contextlib.contextmanager
def read_out_as_product():
    """The read-out as it was."""
    kept = networks._multiply_and_sum
    networks._multiply_and_sum = jnp.matmul
    yield
    networks._multiply_and_sum = kept


def measure(target: str, variant: str, precision: str, scale: float, members: int) -> dict:
    """One compiled program as a row."""
    before = variant == "before"
    with read_out_as_product() if before else contextlib.nullcontext():
        started = time.perf_counter()
        students = ts.Students(**VARIANTS[variant])
        options = {"scale": scale, "members": members, "students": students, "precision": precision}
        chunk = _ahead.chunk(_ahead.devices_of(target), **options, donate=not before)
        lowered = time.perf_counter()
        compiled = chunk.lowered.compile()
    step, memory = _ahead.step_of(compiled.as_text()), compiled.memory_analysis()
    width, samples, dim = chunk.sizes
    return {
        "target": target,
        "variant": variant,
        "precision": precision,
        "kernels": step.kernels,
        "GB/step": step.num_bytes / GB,
        "temp GB": memory.temp_size_in_bytes / GB,
        "arguments GB": memory.argument_size_in_bytes / GB,
        "donated GB": memory.alias_size_in_bytes / GB,
        "Mcycles": step.cycles / 1e6,
        "TFLOP/step": 4e-12 * width * samples * dim * members,
        "lower s": lowered - started,
        "compile s": time.perf_counter() - lowered,
        "largest": ", ".join(f"{name} {moved / GB:.2f}" for name, moved in step.largest[:3]),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("targets", nargs="*", help=f"of {', '.join(_ahead.TARGETS)}; all whose compiler is here")
    parser.add_argument("--scale", type=lambda text: float(Fraction(text)), default=1.0)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--precision", nargs="+", default=["highest"])
    parser.add_argument("--variants", nargs="+", default=["before", "xla"], choices=VARIANTS)
    parser.add_argument("--name", default="ahead_of_time", help="of the file of results")
    args = parser.parse_args()
    rows = []
    for target in args.targets or _ahead.targets_here():
        for precision in args.precision:
            for variant in args.variants:
                rows.append(measure(target, variant, precision, args.scale, args.members))
                print(rows[-1], flush=True)
                write(args.name, rows, scale=args.scale, members=args.members)
    if rows:
        table(rows)
    else:
        print("no compiler for an accelerator is installed: pip install grokjax[cuda-aot,tpu-aot]")


if __name__ == "__main__":
    main()
