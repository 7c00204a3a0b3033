"""Gradient evaluations to equilibrium: the default sampler against others and against the published protocol.

For each sampler the integrated autocorrelation time of side weight and linear overlap is measured on the same
data sets at beta = 1/8, in gradient evaluations (every step costs one), about each network's own mean. Equilibrium is
taken to be 20 times the slower of the two. The published protocol (overdamped, h = 0.002 x noise variance) is run for
--paper-steps of its 360 000 steps, enough for some tens of autocorrelation times.

    python benchmarks/equilibration.py [--members 16] [--paper-steps 100000]
"""

import argparse

import jax
import numpy as np
from _report import table, write

from grokjax import MALA, Langevin, UnderdampedLangevin, statistics
from grokjax.systems import teacher_student as ts


def correlation_time(series: np.ndarray, record_every: int) -> float:
    """In steps, after each member's mean is taken off."""
    centred = series - series.mean(axis=1, keepdims=True)
    return max(1.0, statistics.autocorrelation_time(centred) * record_every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--paper-steps", type=int, default=100_000)
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    system = ts.TeacherStudent.at_scale(1 / 8, 0.18)
    paper = ts.paper_protocol(system)
    cases = {
        "BAOAB 0.3 (default)": (UnderdampedLangevin(0.3, 1.0), args.steps),
        "overdamped 0.03": (Langevin(0.03), 2 * args.steps),
        "MALA 0.03": (MALA(0.03), 2 * args.steps),
        "published protocol": (paper["sampler"], args.paper_steps),
    }
    rows = []
    for name, (sampler, steps) in cases.items():
        run = ts.simulate(
            jax.random.key(0),
            system,
            num_members=args.members,
            num_steps=steps,
            sampler=sampler,
            record_every=max(1, steps // 1000),
            num_test=1024,
        )
        every = run.ensemble.record_every
        side = correlation_time(run.series["side_weight"], every)
        overlap = correlation_time(run.series["overlap"][1], every)
        rows.append(
            {
                "sampler": name,
                "step": float(sampler.step_size),
                "overlap[1]": str(run.overlap[1]),
                "side weight": str(run.side_weight),
                "tau side": side,
                "tau overlap": overlap,
                "gradients to equilibrium": 20 * max(side, overlap),
            }
        )
    default = rows[0]["gradients to equilibrium"]
    for row in rows:
        row["ratio to default"] = row["gradients to equilibrium"] / default
    table(rows)
    print(f"published run length, 360 000 gradients, over the default's time to equilibrium: {360_000 / default:.0f}")
    write("equilibration", rows, members=args.members, published_over_default=360_000 / default)


if __name__ == "__main__":
    main()
