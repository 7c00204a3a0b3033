"""One point of a sweep for each task of a job array, and all of them together afterwards.

    python examples/cluster/sweep.py --index 3 --output folder   # one task
    python examples/cluster/sweep.py --merge --output folder     # when all are done

Tasks know nothing of each other and may run at any time on any machine. Sizes change the compiled program, so a sweep
over them is a job array; a sweep over noises or variances is one run (`system.replace(noise_variance=array)`).
"""

import argparse
from fractions import Fraction
from pathlib import Path

import jax
import numpy as np

import grokjax
from grokjax.systems import teacher_student as ts


SCALES = ("1/8", "1/4", "1/2", "1")
NOISE = 0.18


def simulate(index: int, args: argparse.Namespace) -> None:
    """The run of one task, kept in a file of its own."""
    system = ts.TeacherStudent.at_scale(float(Fraction(args.scales[index])), NOISE)
    key = jax.random.fold_in(jax.random.key(0), index)
    folder = args.output / f"checkpoints-{index:03d}"
    run = ts.simulate(key, system, num_members=args.members, num_steps=args.steps, checkpoint=folder, progress=False)
    grokjax.save(args.output / f"run-{index:03d}.npz", run.without_states(), note=args.scales[index])


def merge(folder: Path) -> list[grokjax.Run]:
    """All runs of a sweep, as a table on the screen and in a file."""
    runs = [grokjax.load(path) for path in sorted(folder.glob("run-*.npz"))]
    columns = ["width", "cubic", "error", "side_weight", "certified"]
    rows = [
        (int(run.system.width), run.overlap[3].mean, run.overlap[3].error, run.side_weight.mean, run.certificate.ok)
        for run in runs
    ]
    table = np.array([[float(value) for value in row] for row in rows])
    np.savetxt(folder / "sweep.csv", table, delimiter=",", header=",".join(columns), comments="")
    for row in rows:
        print(f"N = {row[0]}: cubic overlap {row[1]:.4f}({row[2]:.4f}), side weight {row[3]:.3f}, certified {row[4]}")
    return runs


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="a folder that all tasks see")
    parser.add_argument("--index", type=int, help="of the task: $SLURM_ARRAY_TASK_ID")
    parser.add_argument("--merge", action="store_true")
    parser.add_argument("--scales", nargs="+", default=SCALES)
    parser.add_argument("--members", type=int, default=200)
    parser.add_argument("--steps", type=int, default=6000)
    args = parser.parse_args()
    if args.merge:
        merge(args.output)
    else:
        simulate(args.index, args)


if __name__ == "__main__":
    main()
