"""Where the theory of the teacher-student network holds: measured over noise, samples, degree, width and label noise.

Every row is an ensemble of networks, the published theory, and the best theory with its verdict on itself, in per cent
and in standard errors. Writes JSON to `results/` and the table to `docs/where_the_theory_holds.md` after every row.
Rows of an earlier run of the same size are kept, unless `--again`. `--smoke` runs two rows with few networks, and
writes no page.
"""

import argparse
import json
import time
from pathlib import Path
from typing import Any

import jax


jax.config.update("jax_enable_x64", True)

import jax.numpy as jnp  # noqa: E402
import numpy as np  # noqa: E402
from _report import RESULTS, table, write  # noqa: E402

import grokjax  # noqa: E402
from grokjax.status import Status  # noqa: E402
from grokjax.systems import teacher_student as ts  # noqa: E402


NAME = "where_the_theory_holds"
PAGE = Path(__file__).parents[1] / "docs" / "where_the_theory_holds.md"
HEAD = """# Where the theory holds

A measured map, made by `benchmarks/where_the_theory_holds.py`: {members} networks of {steps} steps in each row, each on
a data set of its own, against the published theory (leading order in width and samples) and `ts.predict(system)`, the
best theory that covers the point. Differences are theory less networks in per cent, in brackets in standard errors of
the networks: side weight, linear overlap, overlap of the teacher's top degree. All rows but those of `noise` have noise
0.18 in units of the base point; N = 88, d = 53, n = 375 (beta = 1/8) and the teacher {{1: 1, 3: -0.3}} unless the row
says otherwise. No number is fitted.

A theory is *inside* of its range where its own numbers say so: solved, A < 1, and R < 10 (R < 0.3 for the published
one). A is the gain in log weight of a specialised neuron by overfitting directions that no profile follows; from 1 to 2
the values with and without it are a *bracket*. R is the random field of the data over the signal of the top degree.

"""
TAIL = """
How to read it:

- **Noise.** The published theory is outside of its range wherever there is a cubic component: the random field of the
  data towards it is larger than its signal (R near 3). A grows as the noise falls: the theory of finite data is inside
  down to 0.1, has a bracket at 0.05, and no solution at 0.02, where neurons condense on directions that they overfit.
- **Samples.** R and A fall as n/d grows at the same n/noise.
- **Degree.** R of a component of degree 5 is above 200 at these sizes, for tanh as for erf: declined.
- **Width.** The rows with other widths have the same mean field. What m = 4 shares with m = 1 is finite data;
  [finite width and finite data](finite_width_and_data.md) has both parts on the same data sets.
- **Label noise** of variance v adds v to the squared discrepancy that acts as noise, and so to R and A.
"""
SIZES = {"n/d halved": 1 / 16, "n/d doubled": 1 / 4, "n/d times 4": 1 / 2}
TEACHERS = {"{1: 1}": {1: 1.0}, "{1: 1, 3: -0.1}": {1: 1.0, 3: -0.1}, "{1: 1, 5: 0.05}": {1: 1.0, 5: 0.05}}


def points(smoke: bool) -> dict[str, ts.TeacherStudent]:
    """The rows."""
    base = ts.TeacherStudent.at_scale(1 / 8)
    rows = {f"noise {noise}": base.replace(noise_variance=noise) for noise in (0.3, 0.18, 0.1, 0.05, 0.02)}
    rows["{1: 1, 5: 0.05}, tanh"] = base.replace(teacher={1: 1.0, 5: 0.05}, activation="tanh")
    rows |= {name: base.replace(teacher=teacher) for name, teacher in TEACHERS.items()}
    rows |= {name: ts.TeacherStudent.at_scale(1 / 8, 0.18, alpha=alpha) for name, alpha in SIZES.items()}
    rows |= {f"label noise {v}": base.replace(label_noise=v) for v in (0.2, 0.5)}
    rows |= {f"width m = {m:g}": base.at_width(m) for m in (0.5, 4)}
    return dict(list(rows.items())[:2]) if smoke else rows


def networks(system: ts.TeacherStudent, members: int, steps: int):
    """An ensemble, with moves that let droplets form at low noise."""
    spread = float(jnp.sqrt(system.weight_variance / system.input_dim))
    noise = float(system.noise_variance)
    moves = grokjax.DropletMoves([0.0, 0.8], [1.1 * spread, 0.2], [0.5, 0.5], "teacher")
    return ts.simulate(
        jax.random.key(17),
        system,
        num_members=members,
        num_steps=steps,
        num_witnesses=2,
        droplets=moves if noise < 0.08 else None,
        sampler=grokjax.UnderdampedLangevin(step_size=0.15 if noise < 0.04 else 0.3),
        progress=False,
    )


def row(name: str, system: ts.TeacherStudent, members: int, steps: int) -> dict:
    """Networks and both theories at one point."""
    start = time.perf_counter()
    run = networks(system, members, steps)
    theories = {"published": ts.predict(system, theory="mean_field"), "best": ts.predict(system)}
    top = max(system.teacher)
    measured = {"side": run.side_weight, "o1": run.overlap[1], "top": run.overlap[top]}
    found: dict[str, Any] = {"point": name}
    for short, estimate in measured.items():
        found[short], found[f"{short}_error"] = float(estimate.mean), float(estimate.error)
    for kind, theory in theories.items():
        values = {"side": theory.side_weight, "o1": theory.overlap[1], "top": theory.overlap[top]}
        for short, value in values.items():
            found[f"{kind}_{short}"] = float(value)
            found[f"{kind}_{short}_z"] = (float(value) - found[short]) / found[f"{short}_error"]
    best = theories["best"]
    found |= {
        "theory": str(best.chosen_theory),
        "effective_samples": float(best.range.effective_samples),
        "status": Status(int(best.status)).text,
        "A": float(best.range.rest_exponent),
        "R": float(best.range.noise_to_signal[top]),
        "inside": bool(best.trustworthy),
        "reasons": "; ".join(best.range.reasons()),
        "certified": not run.certificate.failed,
        "seconds": time.perf_counter() - start,
    }
    if best.bracket is not None and np.isfinite(best.bracket.side_weight):
        ends = {"side": best.bracket.side_weight, "o1": best.bracket.overlap[1], "top": best.bracket.overlap[top]}
        found |= {f"bracket_{short}": float(value) for short, value in ends.items()}
    return found


def verdict(found: dict) -> str:
    """What the best theory says of itself here, and the networks' certificate."""
    said = "inside" if found["inside"] else f"outside ({found['reasons'] or found['status']})"
    if "bracket_side" in found:
        parts = [f"{found[f'bracket_{s}']:.4g} to {found[f'best_{s}']:.4g}" for s in ("side", "o1", "top")]
        said = f"bracket: {', '.join(parts)}"
    said = said if found["theory"] == "field" else f"{found['theory']}: {said}"
    return said if found["certified"] else f"{said}; networks not certified"


def page(rows: list[dict]) -> str:
    """The table in markdown."""
    heads = ["point", "networks", "published theory", "best theory", "A, R, effective samples", "best theory's verdict"]
    lines = ["| " + " | ".join(heads) + " |", "|" + "---|" * len(heads)]
    for found in rows:
        cells = [found["point"]]
        shown = [str(grokjax.Estimate(found[s], found[f"{s}_error"])) for s in ("side", "o1", "top")]
        cells.append(", ".join(shown))
        for kind in ("published", "best"):
            parts = []
            for short in ("side", "o1", "top"):
                relative = (found[f"{kind}_{short}"] - found[short]) / abs(found[short])
                parts.append(f"{relative:+.0%} ({found[f'{kind}_{short}_z']:+.1f})")
            cells.append(", ".join(parts))
        cells += [f"{found['A']:.2f}, {found['R']:.3g}, {found['effective_samples']:.0f}", verdict(found)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def whole_page(rows: list[dict], wanted: list[str], members: int, steps: int) -> str:
    """The page, which says what is not measured yet."""
    missing = [name for name in wanted if name not in {row["point"] for row in rows}]
    note = f"\nNot measured yet (the script goes on where it stopped): {'; '.join(missing)}.\n" if missing else ""
    return HEAD.format(members=members, steps=steps) + page(rows) + note + TAIL


def known_rows(members: int, steps: int) -> dict[str, dict]:
    """Rows of an earlier run of the same size."""
    path = RESULTS / f"{NAME}-{jax.default_backend()}.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    same = found.get("members") == members and found.get("steps") == steps
    return {row["point"]: row for row in found["rows"]} if same else {}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--smoke", action="store_true", help="two rows, few networks, no page")
    parser.add_argument("--again", action="store_true", help="measure all rows anew")
    parser.add_argument("--members", type=int, default=32)
    parser.add_argument("--steps", type=int, default=1200)
    args = parser.parse_args()
    members, steps = (4, 60) if args.smoke else (args.members, args.steps)
    known = {} if args.smoke or args.again else known_rows(members, steps)
    rows, wanted = [], points(args.smoke)
    for name, system in wanted.items():
        rows.append(known.get(name) or row(name, system, members, steps))
        print(page(rows[-1:]).splitlines()[-1], flush=True)
        if not args.smoke:  # after every row: a run that is cut short leaves what it has measured
            rest = [known[name] for name in list(wanted)[len(rows) :] if name in known]
            write(NAME, [*rows, *rest], members=members, steps=steps)
            PAGE.write_text(whole_page([*rows, *rest], list(wanted), members, steps))
    table(
        [{key: found[key] for key in ("point", "side", "best_side", "A", "R", "inside", "seconds")} for found in rows]
    )
    print(f"largest |z| inside: {max((abs(r['best_side_z']) for r in rows if r['inside']), default=float(np.nan)):.1f}")


if __name__ == "__main__":
    main()
