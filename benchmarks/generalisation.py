"""Modular addition on a part of the table: regularisers, noise, the boundary against P, and theory on masks.

Every part writes its own results file. Cold networks start from the prior, hot ones from single frequencies, on the
same training sets; errors are over training sets, one network each.

    python benchmarks/generalisation.py boundary --primes 7 11      # one part, or several: a few minutes each
    python benchmarks/generalisation.py regularisers noise theory
    python benchmarks/generalisation.py exponent                    # fits what the boundary has left in its files
"""

import argparse
import json
from typing import Any

import jax
import numpy as np
from _report import RESULTS, run_parts, table, write


FRACTIONS = {
    7: [0.75, 0.8, 0.85, 0.9],
    11: [0.55, 0.6, 0.65, 0.7, 0.75],
    17: [0.4, 0.45, 0.5, 0.55],
    23: [0.35, 0.4, 0.45, 0.5],
}
SHOWN = ("train_accuracy", "held_out_accuracy", "train_learned", "held_out_learned", "single_frequency", "localised")
STARTS = {"cold": "prior", "hot": "frequencies"}


def system_of(prime: int, width: int, regulariser: str = "norm", **fields: Any) -> Any:
    from grokjax.systems import modular_addition as ma

    fields = {"noise_variance": 1e-4, "readout_variance": 1e-4 / prime**2, "sextic_decay": 3.0, **fields}
    return ma.ModularAddition(prime=prime, width=width, regulariser=regulariser, **fields)


def networks(system: Any, args: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Cold and hot runs on the same training sets."""
    from grokjax.systems import modular_addition as ma

    options = {"num_members": args.members, "num_steps": args.steps, "warmup": args.steps // 2, "num_witnesses": 0}
    return {
        name: ma.simulate(jax.random.key(seed), system, start=start, progress=False, **options)
        for name, start in STARTS.items()
    }


def rows_of(runs: dict[str, Any], swept: str, **where: Any) -> list[dict[str, Any]]:
    """One row per point and start."""
    rows = []
    for name, run in runs.items():
        for point, value in enumerate(np.atleast_1d(getattr(run.system, swept))):
            row = {**where, swept: float(value), "start": name, "masks": run.layout.num_members}
            for key in SHOWN:
                estimate = getattr(run, key)
                if estimate is not None:
                    row |= {key: float(estimate.mean[point]), f"{key} error": float(estimate.error[point])}
            rows.append(row | {"diverged": int(run.diverged[point].sum())})
    return rows


def crossing(fractions: np.ndarray, accuracies: np.ndarray) -> tuple[float, float]:
    """Where the mean accuracy of members, shape (fraction, member), passes 1/2, and its jackknife error."""
    from grokjax.evidence.statistics import jackknife
    from grokjax.systems.modular_addition import passes_half

    found = jackknife(lambda curve: passes_half(fractions, curve), accuracies.T)
    return float(found.mean), float(found.error)


def boundary(args: argparse.Namespace) -> None:
    for prime in args.primes:
        fractions = np.array(FRACTIONS[prime])
        runs = networks(system_of(prime, args.width, training_fraction=fractions), args, seed=prime)
        rows = rows_of(runs, "training_fraction", P=prime, N=args.width)
        found = {}
        for name, run in runs.items():
            kept = ~run.diverged.any(axis=0)
            found[name], found[f"{name} error"] = crossing(fractions, run.members.held_out_accuracy[:, kept])
        table(rows)
        print(f"P = {prime}: held-out accuracy passes 1/2 at {found}")
        print("wrote", write(f"generalisation-boundary-{prime}", rows, crossing=found, steps=args.steps))


def exponent(args: argparse.Namespace) -> None:
    """A power law through the crossings; their errors hold what another interpolation between the fractions says."""
    from grokjax import power_law

    del args
    files = sorted(RESULTS.glob("generalisation-boundary-*.json"))
    for start in STARTS:
        rows = []
        for file in files:
            found = json.loads(file.read_text())
            fraction, accuracy = np.array(
                [(r["training_fraction"], r["held_out_accuracy"]) for r in found["rows"] if r["start"] == start]
            ).T
            place, error = (found["crossing"][key] for key in (start, f"{start} error"))
            prime, by_logit = found["rows"][0]["P"], logit_crossing(fraction, accuracy)
            rows.append({"P": prime, "f_c": place, "statistical": error, "interpolation": abs(by_logit - place)})
            rows[-1] |= {"error": float(np.hypot(error, rows[-1]["interpolation"])), "f_c sqrt(P)": place * prime**0.5}
        rows.sort(key=lambda row: row["P"])
        fit = power_law(*(np.array([row[key] for row in rows]) for key in ("P", "f_c", "error")))
        table(rows)
        print(f"{start}: {fit}")
        numbers: dict[str, Any] = {"exponent": float(fit.exponent.mean), "error": float(fit.exponent.error)}
        numbers["reduced_chi_squared"] = float(fit.reduced_chi_squared)
        print("wrote", write(f"generalisation-exponent-{start}", rows, **numbers))


def logit_crossing(fractions: np.ndarray, accuracies: np.ndarray) -> float:
    """Where an accuracy passes 1/2, its log odds linear in between."""
    odds = np.log(np.clip(accuracies, 1e-6, 1 - 1e-6) / np.clip(1 - accuracies, 1e-6, None))
    above = int(np.argmax(odds > 0))
    return float(np.interp(0.0, odds[above - 1 : above + 1], fractions[above - 1 : above + 1]))


def regularisers(args: argparse.Namespace) -> None:
    rows = []
    for name in ("fourier", "fourier0", "norm", "position"):
        fractions = np.array([0.5, 0.8, 0.9, 1.0] if name != "position" else [0.8])
        system = system_of(11, 500, name, noise_variance=2.5e-4, training_fraction=fractions)
        rows += rows_of(networks(system, args, seed=1), "training_fraction", regulariser=name)
    table(rows)
    print("wrote", write("generalisation-regularisers", rows, steps=args.steps))


def noise(args: argparse.Namespace) -> None:
    noises = np.array([6e-4, 4e-4, 3e-4, 2.5e-4, 1e-4, 3e-5])
    system = system_of(11, 500, noise_variance=noises, training_fraction=0.8)
    rows = rows_of(networks(system, args, seed=2), "noise_variance", fraction=0.8)
    whole = system_of(11, 500, noise_variance=noises)
    runs = networks(whole, args, seed=3)
    from grokjax.systems import modular_addition as ma

    theory = ma.predict(whole).discrepancy
    level = [
        {"noise_variance": float(value), "start": name, "theory": float(theory[i])}
        | {"discrepancy": float(run.discrepancy.mean[i]), "error": float(run.discrepancy.error[i])}
        for name, run in runs.items()
        for i, value in enumerate(noises)
    ]
    table(rows)
    table(level)
    print("wrote", write("generalisation-noise", rows, whole_table=level, steps=args.steps))


def theory(args: argparse.Namespace) -> None:
    """The self-consistent theory on the masks of networks."""
    from grokjax.systems import modular_addition as ma

    rows = []
    for name, variance in (("norm", 1e-4), ("fourier0", 2.5e-4)):
        for fraction in (0.9, 0.7, 0.5):
            system = system_of(11, 500, name, noise_variance=variance, training_fraction=fraction)
            runs = networks(system, args, seed=4)
            masks = runs["cold"].problem.target.inputs
            for start, run in runs.items():
                found = ma.predict_on_part(jax.random.key(5), system, masks=masks, start=STARTS[start])
                row: dict[str, Any] = {"regulariser": name, "f": fraction, "start": start, "masks": len(masks)}
                for key in ("discrepancy", "train_learned", "held_out_learned", "held_out_accuracy", "side_weight"):
                    row |= {f"{key}, theory": float(getattr(found.order_parameters, key))}
                    row |= {f"{key}, theory's error": float(getattr(found.errors, key))}
                    row |= {key: float(getattr(run, key).mean), f"{key} error": float(getattr(run, key).error)}
                rows.append(row | {"solved": int(np.asarray(found.converged).sum())})
                print(rows[-1], flush=True)
    print("wrote", write("generalisation-theory", rows, steps=args.steps))


PARTS = {"boundary": boundary, "exponent": exponent, "regularisers": regularisers, "noise": noise, "theory": theory}


def main() -> None:
    run_parts(
        str(__doc__), PARTS, default=["regularisers", "noise", "boundary", "exponent"],
        primes=(list(FRACTIONS), "of the boundary"), width=(300, "of the boundary's networks"),
        members=(8, "training sets a point"), steps=(1200, "the first half is left out"),
    )  # fmt: skip


if __name__ == "__main__":
    main()
