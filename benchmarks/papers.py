"""Numbers of the other papers' claims, from what their examples have left in output/.

python examples/03_representation.py --grid 6 6 --rates 5 --steps 10000   # measure, at more than their default sizes
python examples/04_hopfield.py --sizes 250 500 1000 2000
python benchmarks/papers.py                                               # and collect, for benchmarks/claims.py
"""

import argparse
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from _report import run_parts, table, write


OUTPUT = Path("output")


def representation(args: argparse.Namespace) -> None:
    """Accuracies against what representations and training sets predict, steps to structure, and the zone."""
    del args
    from scipy.stats import spearmanr

    import grokjax
    from grokjax.systems import representation as rep

    found = grokjax.load(OUTPUT / "representation" / "results.npz")
    sweep = found["sweep"]
    bound, members = rep.predict(rep.Addition(10), found["masks"]), sweep.members
    structured = np.isfinite(members.structure_step) & np.asarray(bound.unique_structure)
    steps, slow = members.structure_step[structured], 1 / np.asarray(bound.third_eigenvalue)[structured]
    rows: list[dict[str, Any]] = [
        {
            "what": "training sets of several sizes",
            "runs": int(members.accuracy.size),
            "correlation": float(np.corrcoef(members.accuracy, members.represented_accuracy)[0, 1]),
            "mean distance": float(np.abs(members.accuracy - members.represented_accuracy).mean()),
            "within": rep.share_within_bounds(bound.order_parameters, sweep).accuracy,
            "structured": int(structured.sum()),
            "rank correlation of steps": float(spearmanr(slow, steps)[0]),  # pyright: ignore[reportArgumentType],
        }
    ]
    for name, key in (("decoder rate and decay", "diagram"), ("both rates", "by_rates")):
        if key not in found:  # an example that was cut short
            continue
        diagram = found[key]
        zone = rep.goldilocks(diagram)
        row = {"what": name, **{phase: float(share.mean) for phase, share in zone.shares.items()}}
        row |= {"zone": float(zone.zone.mean), "zone error": float(zone.zone.error), "between": between(diagram.phase)}
        row |= {"nearer": float(zone.nearer_comprehension.mean), "nearer error": float(zone.nearer_comprehension.error)}
        rows.append(row | {"seeds": zone.num_seeds, "grid": " x ".join(map(str, diagram.phase.shape))})
    for row in rows:
        print(row)
    print("wrote", write("papers-representation", rows))


def between(phase: np.ndarray) -> float:
    """Share of the lines of the grid with memorisation, confusion and the zone on which the zone lies in between."""
    lines = [line for seed in np.moveaxis(phase, -1, 0) for grid in (seed, seed.T) for line in grid]
    kept = []
    for line in lines:
        zone, memorised, confused = (np.flatnonzero(np.isin(line, kinds)) for kinds in ((0, 1), (2,), (3,)))
        if len(zone) and len(memorised) and len(confused):
            kept.append((memorised.mean() - zone.mean()) * (confused.mean() - zone.mean()) < 0)
    return float(np.mean(kept)) if kept else float("nan")


def hopfield(args: argparse.Namespace) -> None:
    """Recall of finite networks against replica theory, prior by prior."""
    del args
    import grokjax

    found = grokjax.load(OUTPUT / "hopfield" / "results.npz")
    kinds = {"sizes": "size", "few": "few", "bounded": "bounded", "biased": "field"}
    rows = [row for kind, what in kinds.items() for run in found[kind] for row in of_a_memory(run, what)]
    table(rows)
    print("wrote", write("papers-hopfield", rows))


def of_a_memory(run: Any, what: str) -> list[dict[str, Any]]:
    """One row per point of a sweep."""
    from grokjax.systems import hopfield as hop

    system, shape = run.system, run.magnetisation.mean.shape
    hidden, theory, recalls = system.hidden, hop.predict(system), hop.recalled(run)
    group = isinstance(hidden, hop.GroupedHidden)
    name = "Gaussian" if not group else "ternary groups" if hidden.unit.levels.size == 3 else "binary groups"
    heat = jnp.broadcast_to(system.temperature, shape)
    columns = {
        "load": system.load,
        "temperature": system.temperature,
        "field": 0.0 if system.field is None else system.field,
        "capacity": hop.capacity(hidden, heat).spinodal,
        "hopfield": hop.capacity(hop.GaussianHidden(), heat).spinodal,
        "m": run.magnetisation.mean,
        "m error": run.magnetisation.error,
        "m, theory": theory.magnetisation,
        "recalled": recalls.mean,
        "recalled error": recalls.error,
    }
    fixed = {
        "what": what,
        "N": run.experiment.num_spins,
        "prior": name,
        "copies": float(hidden.copies) if group else 0.0,
    }
    flat = {key: np.broadcast_to(np.asarray(values), shape) for key, values in columns.items()}
    return [{**fixed, **{key: float(values[i]) for key, values in flat.items()}} for i in range(*shape)]


PARTS = {"representation": representation, "hopfield": hopfield}


if __name__ == "__main__":
    run_parts(str(__doc__), PARTS)
