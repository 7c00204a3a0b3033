"""Absolute free energies of titanium's published potential: three references at 1155 K, and other temperatures.

Every row is an experiment of its own, from the ideal sites: both phases at zero pressure, then the integration from a
Gaussian reference at the mean boxes. The references must agree within their errors; `by_mbar` is the same difference
from MBAR over the samples of the nodes, and `spread` the largest standard deviation of the integrand in kT, which is
what a reference is chosen for. Energies are meV per atom. Rows of other points stay in the file.

    python benchmarks/titanium.py [--atoms 128] [--frames 400] [--points hess:1155 einstein:1155 cov:1155 ...]
"""

import argparse
import json
import time

import jax
from _report import RESULTS, table, write

from grokjax.systems import interatomic_potential as ip


POINTS = ("hess:1155", "einstein:1155", "cov:1155", "cov:1050", "cov:1200")


def row(key, system, reference: str, sampling: ip.Sampling) -> dict:
    """One experiment."""
    begun = time.process_time()
    run = ip.simulate(key, system, reference=reference, sampling=sampling)
    seconds = time.process_time() - begun
    print(f"\n{run}", flush=True)
    found, phases = run.order_parameters, run.phases
    estimates = {"dG": found.free_energy_difference, "dH": found.enthalpy_difference, "dS": found.entropy_difference}
    pairs = {name: (each.mean, each.error) for name, each in estimates.items()}
    numbers = {k: v for name, (mean, error) in pairs.items() for k, v in ((name, mean), (f"{name}_error", error))}
    checks = (
        {}
        if phases is None
        else {
            "by_mbar": numbers["dG"]
            + sum(s * (p.by_mbar.mean - p.helmholtz_energy.mean) for s, p in zip((-1, 1), phases, strict=True)),
            "spread": max(float(p.integration.spread.max()) for p in phases),
            "soft": sum(p.integration.soft for p in phases),
        }
    )
    return {
        "reference": reference,
        "T": float(system.temperature),
        **numbers,
        **checks,
        "certificate": "passed" if not run.certificate.failed else ", ".join(map(str, run.certificate.failed)),
        "cpu_s": seconds,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Free energies of titanium by several references.")
    parser.add_argument("--atoms", type=int, default=128)
    parser.add_argument("--frames", type=int, default=400)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--points", nargs="+", default=POINTS, help="reference:temperature")
    args = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    sampling, extra = ip.Sampling(num_frames=args.frames, num_witnesses=2), {"atoms": args.atoms, "frames": args.frames}
    path, known = RESULTS / f"titanium-{jax.default_backend()}.json", list(dict.fromkeys([*POINTS, *args.points]))
    kept = json.loads(path.read_text()) if path.exists() else {}
    same = all(kept.get(name) == value for name, value in {**extra, "seed": args.seed}.items())
    rows = {f"{each['reference']}:{each['T']:g}": each for each in kept["rows"]} if same else {}
    for point in args.points:
        reference, temperature = point.split(":")
        key = jax.random.fold_in(jax.random.key(args.seed), known.index(point))
        rows[point] = row(key, ip.titanium(args.atoms, float(temperature)), reference, sampling)
        rows = {point: rows[point] for point in dict.fromkeys([*known, *rows]) if point in rows}
        write("titanium", list(rows.values()), seed=args.seed, **extra)
    table(list(rows.values()))
    print(f"wrote {path}")


if __name__ == "__main__":
    main()
