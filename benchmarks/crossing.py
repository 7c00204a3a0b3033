"""Crossing a first-order transition: local moves, droplet moves and replica exchange, from a cold and a hot start.

Far below the transition a neuron has to climb a barrier that grows with the input dimension to join or leave the
droplets. For each sampler an equal number of networks starts cold (from the prior) and hot (a fifth of the neurons
aligned), in pairs on the same data sets. In equilibrium both starts give the same side weight; the z-score of their
difference tells, infinite where nothing moved at all. Where starts disagree there is no equilibrium and no effective
sample. Effective samples are those of the side weight about each network's own mean, all networks together.
Gradients are counted in time: a step with moves costs as many as its measured time holds steps of the local dynamics.

    python benchmarks/crossing.py [--scale 2] [--noise 0.1] [--members 4] [--steps 600]
    python benchmarks/crossing.py --scale 1/8 --noise 0.03 --members 16 --steps 4000 --exchange 0.12
"""

import argparse
import time
from fractions import Fraction

import jax
import numpy as np
from _report import table, write

from grokjax import DropletMoves, ReplicaExchange, UnderdampedLangevin
from grokjax.evidence.statistics import Estimate, over_members
from grokjax.systems import teacher_student as ts


def theory_moves(system: ts.TeacherStudent, every: int) -> DropletMoves:
    """Proposals from the theory's wells: half of them each to the centre and to the droplets, twice as wide."""
    wells = ts.wells(ts.predict(system, theory="finite_size"))
    exists = np.asarray(wells.exists)
    positions, widths = np.abs(np.asarray(wells.position)[exists]), 2 * np.asarray(wells.width)[exists]
    droplet = int(np.argmax(positions))
    centre = int(np.argmin(positions))
    pair = [centre, droplet]
    return DropletMoves(positions[pair], widths[pair], [1.0, 1.0], direction="teacher", every=every)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=lambda text: float(Fraction(text)), default=2.0)
    parser.add_argument("--noise", type=float, default=0.1)
    parser.add_argument("--members", type=int, default=4, help="networks from each start")
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--exchange", type=float, default=None, help="highest noise of a ladder; none unless given")
    parser.add_argument("--every", type=int, default=10, help="Langevin steps between sweeps of droplet moves")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    system = ts.TeacherStudent.at_scale(args.scale, args.noise)
    cases = {
        "local moves": {},
        "droplet moves, data": {"droplets": DropletMoves(every=args.every)},
        "droplet moves, theory": {"droplets": theory_moves(system, args.every)},
    }
    if args.exchange is not None:
        ladder = ReplicaExchange.between(args.noise, args.exchange, system.num_samples)
        cases["replica exchange"] = {"exchange": ladder}
        cases["exchange and droplets"] = {"exchange": ladder, "droplets": DropletMoves(every=args.every)}
    rows: list[dict] = []
    local = 0.0
    for name, moves in cases.items():
        started = time.perf_counter()
        run = ts.simulate(
            jax.random.key(args.seed),
            system,
            num_members=args.members,
            num_witnesses=args.members,
            num_steps=args.steps,
            sampler=UnderdampedLangevin(step_size=None),
            num_test=256,
            **moves,
        )
        seconds = time.perf_counter() - started
        first = (lambda values: values[0]) if run.layout.shape else (lambda values: values)
        cold = first(run.series.side_weight).mean(axis=-1)
        certificate = run.certificate
        assert certificate.two_start is not None
        z = {key: float(np.atleast_1d(value)[0]) for key, value in certificate.two_start.z_score.items()}
        networks = run.layout.per_point * run.layout.num_points
        steps = run.steps_per_call * run.ensemble.num_steps
        chunks = run.ensemble.chunk_seconds
        per_step = float(np.median(chunks)) * len(chunks) / (steps * networks)
        local = local or per_step
        agree = all(abs(value) <= 5 for value in z.values())
        ess = float(np.atleast_1d(certificate.ess)[0]) if agree else 0.0
        gradients = args.members * run.layout.num_points * steps * 2 / 3 * per_step / local
        rows.append(
            {
                "moves": name,
                "cold side weight": str(over_members(cold)),
                "hot minus cold, z": z["side_weight"],
                "largest |z|": max(abs(value) for value in z.values()),
                "starts agree": agree,
                "ESS": ess,
                "tau in steps": float(np.atleast_1d(certificate.autocorrelation_time)[0]),
                "gradients per step": per_step / local,
                "ESS per 1000 gradients": 1000 * ess / gradients,
                "acceptance": float("nan") if run.droplet_acceptance is None else run.droplet_acceptance,
                "seconds": seconds,
            }
        )
        if run.exchange is not None:
            print(run.exchange)
    table(rows)
    theory = ts.predict(system, theory="finite_size").order_parameters.side_weight
    print(f"theory (finite size): side weight {Estimate(float(theory), 0.0)}")
    label = str(Fraction(args.scale)).replace("/", "_")
    write(f"crossing-beta{label}", rows, scale=args.scale, noise=args.noise, members=args.members, steps=args.steps)


if __name__ == "__main__":
    main()
