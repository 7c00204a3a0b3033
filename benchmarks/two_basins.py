"""Local learning coefficients of a memorising and a generalising minimum, beside the global slope of the free energy.

    python benchmarks/two_basins.py [--prime 11] [--width 32] [--fraction 0.85] [--inverse-noise 2000]

The numbers of docs/order_of_the_transition.md.
"""

import argparse
import time

import jax


jax.config.update("jax_enable_x64", True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prime", type=int, default=11)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--fraction", type=float, default=0.85)
    parser.add_argument("--inverse-noise", type=float, default=2000.0)
    parser.add_argument("--descent", type=int, default=12_000)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--ladder-steps", type=int, default=8000)
    parser.add_argument("--members", type=int, default=4)
    args = parser.parse_args()

    import grokjax
    from grokjax.systems import modular_addition as ma

    started, key, b = time.process_time(), jax.random.key(0), args.inverse_noise
    clock = lambda: f"({time.process_time() - started:.0f} s)"
    system = ma.ModularAddition(
        prime=args.prime, width=args.width, noise_variance=1 / b, readout_variance=1e-4 / args.prime**2,
        sextic_decay=3.0, training_fraction=args.fraction,
    )  # fmt: skip
    weights = 3 * args.width * args.prime
    print(f"P = {args.prime}, N = {args.width}, {weights} weights, {int(system.num_samples)} training sums, b = {b:g}")
    found = ma.basins(key, system, inverse_noise=b, num_descent=args.descent, num_steps=args.steps)
    for basin in found:
        print(f"{basin} {clock()}")
    ladder = grokjax.ReplicaExchange.between(0.8 / b, 1.25 / b, weights, acceptance=0.25)
    for start in ("frequencies", "prior"):
        options = {"num_members": args.members, "num_steps": args.ladder_steps}
        try:
            free = ma.free_energy_of_basins(key, system, ladder, start=start, **options)
        except ValueError as error:  # rungs that hold other basins have no energy in common
            print(f"slope of the free energy from {start}: {error} {clock()}")
            continue
        slope = free.at(1 / b).learning_coefficient
        print(f"slope of the free energy from {start}: {grokjax.Estimate(slope.mean[0], slope.within[0])} {clock()}")


if __name__ == "__main__":
    main()
