"""Local learning coefficients of a memorising and a generalising minimum, beside the global slope of the free energy.

    python benchmarks/two_basins.py [--read-out 1e-3 1e-2 1e-1] [--fraction 0.65] [--inverse-noise 2000]

One training set; for each read-out variance (in units of 1/P^2) both minima, and a ladder of the whole posterior around
the same noise from either start. The numbers of docs/order_of_the_transition.md.
"""

import argparse
import time
import warnings

import jax


jax.config.update("jax_enable_x64", True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prime", type=int, default=11)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--fraction", type=float, default=0.65)
    parser.add_argument("--read-out", type=float, nargs="+", default=[1e-3, 1e-2, 1e-1])
    parser.add_argument("--inverse-noise", type=float, default=2000.0)
    parser.add_argument("--descent", type=int, default=8000)
    parser.add_argument("--steps", type=int, default=8000, help="of restrained chains")
    parser.add_argument("--ladder-steps", type=int, default=100_000)
    parser.add_argument("--members", type=int, default=4, help="ladders from each start")
    args = parser.parse_args()

    from _report import table, write

    import grokjax
    from grokjax.systems import modular_addition as ma

    key, b, rows = jax.random.key(0), args.inverse_noise, []
    weights = 3 * args.width * args.prime
    ladder = grokjax.ReplicaExchange.between(0.8 / b, 1.25 / b, weights, acceptance=0.3)
    for variance in args.read_out:
        started = time.process_time()
        system = ma.ModularAddition(
            prime=args.prime, width=args.width, noise_variance=1 / b, readout_variance=variance / args.prime**2,
            sextic_decay=3.0, training_fraction=args.fraction,
        )  # fmt: skip
        print(f"read-out variance {variance:g}/P^2, {weights} weights, {int(system.num_samples)} training sums")
        for basin in ma.basins(key, system, inverse_noise=b, num_descent=args.descent, num_steps=args.steps):
            print(basin, flush=True)
            local, held_out = basin.learning, float(basin.order_parameters.held_out_accuracy)
            row = {"read_out": variance, "start": basin.start, "held_out": held_out, "coefficient": local.coefficient}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", grokjax.NotInEquilibrium)  # the certificate is in the row
                run = ma.ladder_of_basins(
                    key, system, ladder, start=basin.start, num_members=args.members, num_steps=args.ladder_steps
                )
            free = grokjax.free_energy(run)
            middle = int(abs(free.noise_variance * b - 1).argmin())
            slope = free.learning_coefficient
            row |= {"step_bias": local.step_bias, "restraint_bias": local.restraint_bias, "lowest": local.lowest}
            row |= {
                "slope": grokjax.Estimate(slope.mean[middle], slope.within[middle]),
                "slope_at": 1 / float(free.noise_variance[middle]),
                "posterior_held_out": float(run.held_out_accuracy.mean[middle]),
                "certificate": run.certificate.verdict,
            }
            rows.append(row)
        print(f"{time.process_time() - started:.0f} s of a processor", flush=True)
    table(rows)
    split = lambda value: [float(value.mean), float(value.error)] if isinstance(value, grokjax.Estimate) else value
    options = {"prime": args.prime, "width": args.width, "fraction": args.fraction, "inverse_noise": b}
    options |= {"descent": args.descent, "steps": args.steps, "ladder_steps": args.ladder_steps}
    written = [{name: split(value) for name, value in row.items()} for row in rows]
    print(write(f"two_basins-{args.prime}", written, members=args.members, **options))


if __name__ == "__main__":
    main()
