"""Networks against networks: what of their difference to population theory is finite width, and what is finite data.

`ts.decompose` on the same data sets at N and 4N neurons of the same mean field. Writes JSON to `results/`, the page
`docs/finite_width_and_data.md` and its figure. `--smoke` runs few and small networks, and writes no page.
"""

import argparse
import time
from pathlib import Path

import jax


jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _report import table, write  # noqa: E402

from grokjax import Estimate, UnderdampedLangevin, plot  # noqa: E402
from grokjax.systems import teacher_student as ts  # noqa: E402
from grokjax.systems.teacher_student import figures  # noqa: E402


PAGE = Path(__file__).parents[1] / "docs" / "finite_width_and_data.md"
HEAD = """# Finite width and finite data

With m times as many neurons, and read-out and noise variance over m (`system.at_width(m)`), every term of a network's
action is multiplied by m. Its mean field does not change, on any data set, with any activation. So on the same data
sets

- networks(m = 1) − networks(m → ∞) is all that finite **width** does;
- networks(m → ∞) − population theory is all that finite **data** do.

`ts.decompose(key, system, widths=(1, 4))` measures both; the first is paired and ten times as sharp. Here
N = {width:g}, d = {dimension:g}, n = {samples:g}, {members} networks at each noise and width; the population
theory is the leading order with the law of the norm, `ts.predict(system, perpendicular="chi2")`. Made by

    python benchmarks/finite_width_and_data.py --members {members} --steps {steps} --noise {noises}

![Finite width and finite data](finite_width_and_data.png)

"""
TAIL = """
Finite data is the miss; finite width is a small correction, and one loop explains its sign: a neuron's back-action on
the rest of the network, nearly cancelled by the fluctuations of the field that it feels.
"""


def rows_of(found, population) -> list[dict]:
    """One row per noise: theory, networks, both parts."""
    parts = {
        "m = 1": found.networks[0],
        "finite width": found.finite_width,
        "finite data": found.finite_data(population),
    }
    rows = []
    for i, noise in enumerate(np.asarray(found.runs[0].system.noise_variance)):
        row: dict = {"noise": float(noise)}
        for name, get in {
            "side weight": lambda tree: tree.side_weight,
            "overlap 1": lambda tree: tree.overlap[1],
            "overlap 3": lambda tree: tree.overlap[3],
        }.items():
            row[f"{name}, theory"] = f"{float(get(population)[i]):.4f}"
            for part, tree in parts.items():
                estimate = get(tree)
                row[f"{name}, {part}"] = str(Estimate(estimate.mean[i], estimate.error[i]))
        row["certified"] = not any(run.certificate.failed_at[i] for run in found.runs)
        rows.append(row)
    return rows


def page(rows: list[dict]) -> str:
    """The table in markdown, one line per noise and order parameter."""
    kinds = ["theory", "m = 1", "finite width", "finite data"]
    lines = ["| noise | | " + " | ".join(kinds) + " |", "|---|---|" + "---|" * len(kinds)]
    for row in rows:
        for name in ("side weight", "overlap 1", "overlap 3"):
            cells = [row[f"{name}, {kind}"] for kind in kinds]
            mark = "" if row["certified"] else " (not certified)"
            lines.append(f"| {row['noise']:g}{mark} | {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="few and small networks, no page")
    parser.add_argument("--members", type=int, default=32)
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.1, 0.18, 0.3], help="noise variances")
    args = parser.parse_args()
    members, steps = (4, 60) if args.smoke else (args.members, args.steps)
    base = ts.TeacherStudent.at_scale(1 / 32 if args.smoke else 1 / 8)
    system = base.replace(noise_variance=jnp.array(args.noise))
    start = time.perf_counter()
    options = {"num_members": members, "num_steps": steps, "sampler": UnderdampedLangevin(step_size=0.3)}
    found = ts.decompose(jax.random.key(64), system, widths=(1, 4), **options)
    population = ts.predict(system, perpendicular="chi2")
    rows = rows_of(found, population)
    for name in ("side weight", "overlap 1", "overlap 3"):
        table([{"noise": row["noise"], **{k: v for k, v in row.items() if k.startswith(name)}} for row in rows])
    print(f"{time.perf_counter() - start:.0f} s")
    if not args.smoke:
        publish(found, population, rows, base, members, steps)


def publish(found, population, rows: list[dict], base: ts.TeacherStudent, members: int, steps: int) -> None:
    """Results, figure and page."""
    write("finite_width_and_data", rows, members=members, steps=steps)
    plot.save(figures.decomposition(found, population), PAGE.with_suffix(".png"))
    sizes: dict = {"width": float(base.width), "dimension": float(base.input_dim), "samples": float(base.num_samples)}
    sizes["noises"] = " ".join(f"{row['noise']:g}" for row in rows)
    PAGE.write_text(HEAD.format(members=members, steps=steps, **sizes) + page(rows) + TAIL)


if __name__ == "__main__":
    main()
