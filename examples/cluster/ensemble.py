"""One ensemble over all processes of a Slurm job, which goes on from its checkpoint when the job runs again.

    srun python examples/cluster/ensemble.py --output folder

Every process runs this same script, owns one GPU, and returns the whole result; process 0 writes. When the time of the
job is nearly over, Slurm sends SIGTERM: the chunk ends, a checkpoint is written, and the script leaves with the status
75 ("try again"), on which `ensemble.sbatch` puts the job back into the queue.
"""

import argparse
import sys
from fractions import Fraction
from pathlib import Path

import jax
import jax.numpy as jnp

import grokjax
from grokjax.systems import teacher_student as ts


TRY_AGAIN = 75
NOISES = (0.10, 0.15, 0.20, 0.25, 0.30)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="a folder that all nodes see")
    parser.add_argument("--scale", type=lambda text: float(Fraction(text)), default=1.0, help="beta of the paper")
    parser.add_argument("--members", type=int, default=200, help="networks at each noise")
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--checkpoint-seconds", type=float, default=60.0)
    args = parser.parse_args()
    jax.distributed.initialize()  # before the first array is made; Slurm says who and where the others are
    system = ts.TeacherStudent.at_scale(args.scale).replace(noise_variance=jnp.asarray(NOISES))
    try:
        run = ts.simulate(
            jax.random.key(0),
            system,
            num_members=args.members,
            num_steps=args.steps,
            checkpoint=args.output / "checkpoints",
            checkpoint_seconds=args.checkpoint_seconds,
            progress=False,
        )
    except KeyboardInterrupt:  # SIGTERM in the warm-up: nothing is measured yet, but the checkpoint is there
        return TRY_AGAIN
    if run.ensemble.interrupted:
        return TRY_AGAIN
    if jax.process_index() == 0:
        grokjax.save(args.output / "run.npz", run.without_states())
        print(run)
        print(run.certificate)
    return 0


if __name__ == "__main__":
    sys.exit(main())
