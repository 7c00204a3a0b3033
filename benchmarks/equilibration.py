"""Gradient evaluations to equilibrium: samplers against each other, and against the published protocol.

For each sampler the integrated autocorrelation time of side weight and linear overlap is measured on the same data
sets at beta = 1/8, in gradient evaluations, about each network's own mean. Equilibrium is taken to be 20 times the
slower of the two. A step of Langevin dynamics or MALA costs one gradient, a NUTS sample as many as its trajectory has
leapfrog steps. The published protocol (overdamped, h = 0.002 x noise variance) is run for --paper-steps of its 360 000
steps; a chain shorter than some tens of its autocorrelation times underestimates them.

    python benchmarks/equilibration.py [--members 16] [--steps 6000] [--paper-steps 100000] [--skip nuts paper]
"""

import argparse
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from _report import table, write

from grokjax import MALA, Design, Langevin, LeimkuhlerMatthews, Problem, UnderdampedLangevin
from grokjax.driver import first_positions
from grokjax.evidence.convergence import autocorrelation_time
from grokjax.evidence.statistics import over_members
from grokjax.samplers import State
from grokjax.systems import teacher_student as ts


def correlation_time(series: np.ndarray) -> float:
    """In records, after each member's mean is taken off."""
    return autocorrelation_time(series - series.mean(axis=1, keepdims=True))


def langevin(key, system, members: int, sampler: Any, steps: int) -> dict[str, Any]:
    run = ts.simulate(
        key,
        system,
        num_members=members,
        num_witnesses=0,
        num_steps=steps,
        sampler=sampler,
        record_every=max(1, steps // 1000),
        num_test=1024,
        progress=False,
    )
    every = float(run.ensemble.record_every)
    return {
        "step": float(sampler.step_size),
        "gradients per record": every,
        "series": run.series.side_weight,
        "overlap": run.series.overlap[1],
    }


def nuts(key, system, members: int, samples: int) -> dict[str, Any]:
    """numpyro's NUTS, adapted on every network by itself, on the data sets that `ts.simulate` draws from this key."""
    from numpyro.infer import MCMC, NUTS

    problem, positions = first_positions(key, system, ts.Students(), Design(num_members=members))
    side, overlap, gradients, steps = [], [], [], []
    for member in range(members):
        one, start = jax.tree.map(lambda leaf, m=member: leaf[m], (problem, positions))
        kernel = NUTS(potential_fn=one.target)
        chain = MCMC(kernel, num_warmup=samples // 2, num_samples=samples, progress_bar=False)
        fields = ("num_steps", "adapt_state.step_size")
        chain.run(jax.random.fold_in(key, member), init_params=start, extra_fields=fields)
        found = chain.get_extra_fields()
        measured = measure(jax.random.fold_in(key, member), one, chain.get_samples())
        side.append(measured[0])
        overlap.append(measured[1])
        gradients.append(float(np.mean(found["num_steps"])))
        steps.append(float(np.mean(found["adapt_state.step_size"])))
    found = {"series": np.asarray(side), "overlap": np.asarray(overlap)}
    return {"step": np.mean(steps), "gradients per record": np.mean(gradients), **found}


@jax.jit
def measure(key, problem: Problem, networks):
    """Side weight and linear overlap of many networks of one member."""
    students = ts.Students(num_test=1024)

    def one(pair):
        found = students.measure(pair[0], problem, State(pair[1], jnp.zeros(()), pair[1]))
        return found.side_weight, found.overlap[1]

    return jax.lax.map(one, (jax.random.split(key, networks.read_in.shape[0]), networks))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--members", type=int, default=16)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--paper-steps", type=int, default=100_000)
    parser.add_argument("--nuts-samples", type=int, default=400)
    parser.add_argument("--skip", nargs="*", choices=("nuts", "paper"), default=[])
    args = parser.parse_args()
    key, system = jax.random.key(0), ts.TeacherStudent.at_scale(1 / 8, 0.18)
    unadjusted = {
        "BAOAB 0.3 (default)": (UnderdampedLangevin(0.3, 1.0), args.steps),
        "Leimkuhler-Matthews 0.06": (LeimkuhlerMatthews(0.06), 2 * args.steps),
        "Euler-Maruyama (ULA) 0.03": (Langevin(0.03), 2 * args.steps),
        "MALA 0.03": (MALA(0.03), 2 * args.steps),
    }
    if "paper" not in args.skip:
        unadjusted["published protocol"] = (ts.paper_protocol(system)["sampler"], args.paper_steps)
    cases = {name: langevin(key, system, args.members, *case) for name, case in unadjusted.items()}
    if "nuts" not in args.skip:
        cases["NUTS"] = nuts(key, system, args.members, args.nuts_samples)
    rows = []
    for name, case in cases.items():
        side, overlap = case["series"], case["overlap"]
        times = {which: correlation_time(series) for which, series in (("side", side), ("overlap", overlap))}
        gradients = {which: max(1.0, time * case["gradients per record"]) for which, time in times.items()}
        rows.append(
            {
                "sampler": name,
                "step": case["step"],
                "gradients per record": case["gradients per record"],
                "overlap[1]": str(over_members(overlap.mean(axis=-1))),
                "side weight": str(over_members(side.mean(axis=-1))),
                "tau side": gradients["side"],
                "tau overlap": gradients["overlap"],
                "records per tau": side.shape[-1] / max(times.values()),
                "gradients to equilibrium": 20 * max(gradients.values()),
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
