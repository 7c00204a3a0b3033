"""Everything that has to be known of a GPU (or TPU) in half an hour: one command, resumable, every row kept at once.

    python benchmarks/gpu_day.py [--minutes 28] [--steps A B C D E]
    python benchmarks/gpu_day.py --smoke --output output/gpu_day

| step | what | rows |
|---|---|---|
| A | tests; what memory and matrix products do here | copy, products at each precision |
| B | unfused steps: scale x precision x read-out as a sum or as a product | ms a step, roofline and traffic share |
| C | fused kernels: errors against float64, the tiles of a GPU, then whole steps | likewise |
| D | bias of low precision, paired on data sets, starts and noise, at three noises | bias and its error |
| E | Figure 2 at the paper's size | wall time, virials |

Run it again after an interruption: rows that are there are not done again. `roofline_share` is the time that the
products at their measured rate, or the least traffic at the measured copy rate, would take, over the time of a step;
`traffic_share` the same for the bytes that the compiled step counts. Rules are applied at the end, and printed.
"""

import argparse
import functools
import itertools
import os
import subprocess
import sys
import warnings
from fractions import Fraction
from pathlib import Path
from typing import Any

import jax
import numpy as np
from _journal import Journal, Row
from _roofline import draw
from _steps import Size, Stepper, Variant, copy_rate, kernel_errors, platform, precisions_here, product_rate
from paper_scale import rows_at

from grokjax import UnderdampedLangevin, kernels
from grokjax.kernels.triton import Tiles
from grokjax.results import NotInEquilibrium
from grokjax.systems import teacher_student as ts


ROOT = Path(__file__).parent.parent
EXPECTED_COPY = {"H200": 4.3e12, "H100": 3.0e12}  # bytes a second; below 80 % of it the machine is not to be measured
PRECISIONS = ("highest", "bf16x3", "tf32", "tf32x3", "bf16")
LOWER = ("bf16x3", "tf32", "bf16")
LONGEST_COMPILATION = 60.0
LIMITS = {"bf16x3": 2e-5, "tf32x3": 2e-5, "highest": 2e-5, "tf32": 2e-3, "bf16": 2e-2}  # over the largest entry
GAIN = 1.3  # of the fastest unfused step of at least its accuracy, for kernels to become the default
AS_ACCURATE = {"bf16x3": ("highest", "bf16x3", "tf32x3"), "tf32": ("highest", "bf16x3", "tf32x3", "tf32")}


class Plan(argparse.Namespace):
    """Sizes of the day; `smoke` ones make every step run in seconds on a CPU."""

    smoke: bool
    minutes: float
    steps: list[str]
    output: Path | None


def driver() -> str | None:
    """Driver and clocks of the device, where there is a tool that says it."""
    query = "--query-gpu=name,driver_version,clocks.sm,clocks.mem,clocks.max.sm,power.limit"
    try:
        done = subprocess.run(
            ["nvidia-smi", query, "--format=csv,noheader"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip()


def tests_pass() -> Row:
    """Tests of the loop, the posterior and the kernels on this machine, in a process of their own."""
    files = [str(ROOT / "tests" / f"test_{name}.py") for name in ("ensemble", "posterior", "kernels", "canary")]
    environment = {**os.environ, "XLA_PYTHON_CLIENT_PREALLOCATE": "false"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *files]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, check=False)
    lines = (done.stdout or done.stderr).strip().splitlines()
    return {"passed": done.returncode == 0, "summary": lines[-1] if lines else ""}


def ceilings(journal: Journal, plan: Plan) -> None:
    """Step A."""
    for name in journal.todo("A", ["tests"] if not plan.smoke else []):
        journal.attempt("A", name, tests_pass)
    for name in journal.todo("A", ["copy"]):
        journal.add("A", name, rate=copy_rate(1 << (22 if plan.smoke else 31)), driver=driver())
    size = base(plan)
    for name in journal.todo("A", precisions_here(PRECISIONS)):
        journal.attempt("A", name, lambda name=name: {"rate": product_rate(size, name), "shape": list(size.shape)})
    copy = next(row["rate"] for row in journal.of("A") if row["name"] == "copy")
    kind = jax.devices()[0].device_kind
    for known, expected in EXPECTED_COPY.items():
        if known in kind and copy < 0.8 * expected:
            raise SystemExit(f"copies run at {copy:.3g} B/s where a {known} does {expected:.3g}: somebody else is here")


def base(plan: Plan) -> Size:
    """The ensemble of the paper's base point."""
    return Size(1 / 32, 4) if plan.smoke else Size(1.0, 200)


def rates(journal: Journal) -> dict[str, float]:
    """Measured ceilings by name."""
    return {row["name"]: row["rate"] for row in journal.of("A") if "rate" in row}


def stepped(journal: Journal, plan: Plan, step: str, size: Size, variants: list[Variant]) -> None:
    """Rounds of several variants in turn, so that a machine that slows down slows all of them."""
    ceiling, steppers = rates(journal), {}
    rounds, steps = (2, 5) if plan.smoke else (5, 50)
    by_name = {f"{variant.name} beta={size.scale:g}": variant for variant in variants}
    for name in journal.todo(step, list(by_name)):
        try:
            steppers[name] = Stepper(size, by_name[name], steps)
        except Exception as error:
            journal.add(step, name, failed=f"{type(error).__name__}: {str(error)[:300]}")
            continue
        if steppers[name].compile_seconds > LONGEST_COMPILATION:
            journal.add(step, name, failed=f"{steppers.pop(name).compile_seconds:.0f} s to compile")
    for _ in range(rounds):
        for stepper in steppers.values():
            stepper.round()
    for name, stepper in steppers.items():
        kernel = kernels.kernel_precision(stepper.variant.precision, platform())
        rate = ceiling.get(kernel if stepper.variant.gradient == "fused" else stepper.variant.precision)
        journal.attempt(step, name, lambda s=stepper, rate=rate: s.row(ceiling["copy"], rate or ceiling["highest"]))


def unfused(journal: Journal, plan: Plan) -> None:
    """Step B."""
    scales = [1 / 32] if plan.smoke else [1.0, 1 / 8, 1 / 2, 2.0]
    for scale in scales:
        read_outs = ("sum", "product") if scale in (1.0, 1 / 32) else ("sum",)
        both = itertools.product(precisions_here(("highest", "bf16x3", "tf32")), read_outs)
        variants = [Variant(precision, read_out=read_out) for precision, read_out in both]
        stepped(journal, plan, "B", Size(scale, base(plan).members), variants)


def tile_choices() -> list[Tiles]:
    """Cuts of the GPU's kernels worth a try."""
    first, rest = Tiles(), itertools.product((64, 128), (32, 64), ((32, 64), (32, 128)), (4, 8), (2, 3))
    others = [Tiles(units, samples, *residual, warps, stages) for units, samples, residual, warps, stages in rest]
    return [first, *(tiles for tiles in others if tiles != first)]


def fused(journal: Journal, plan: Plan) -> None:
    """Step C: who is equal to float64 is timed."""
    if platform() not in kernels.PLATFORMS:
        for name in journal.todo("C", ["kernels"]):
            journal.add("C", name, failed=f"there are none for a {platform()}")
        return
    names = precisions_here(("bf16x3", "tf32"))
    for name in journal.todo("C", [f"errors {name}" for name in names]):
        precision = name.removeprefix("errors ")
        journal.attempt("C", name, lambda p=precision: kernel_errors(base(plan), p))
    limit = {f"errors {name}": LIMITS[name] for name in names}
    right = [
        row["name"].removeprefix("errors ")
        for row in journal.of("C")
        if row["name"] in limit and all(row.get(part, np.inf) <= limit[row["name"]] for part in ("energy", "read_in"))
    ]
    choices = tile_choices() if platform() == "gpu" else [None]
    for tiles in choices:
        stepped(journal, plan, "C", base(plan), [Variant(name, "fused", tiles=tiles) for name in right])


def pairs(journal: Journal, plan: Plan) -> None:
    """Step D: the same data sets, starts and noise at two precisions; their difference is the bias."""
    warnings.simplefilter("ignore", NotInEquilibrium)  # of the trial; biases are asked, not averages
    members, steps = (4, 40) if plan.smoke else (512, 2000)
    fused_too = ["fused"] if platform() in kernels.PLATFORMS else []
    for noise in (0.18, 0.05, 0.005):
        kinds = [*precisions_here(LOWER), *fused_too] or ["high"]
        todo = list(journal.todo("D", [f"{kind} noise={noise:g}" for kind in kinds]))
        if not todo:
            continue
        system = ts.TeacherStudent.at_scale(1 / 32 if plan.smoke else 1 / 8, noise)
        common = {"num_witnesses": 0, "start": "droplets", "progress": False}
        trial = ts.simulate(
            jax.random.key(2),
            system,
            num_members=8,
            num_steps=steps // 10,
            sampler=UnderdampedLangevin(None, 1.0),
            **common,
        )
        sampler = UnderdampedLangevin(float(np.min(np.asarray(trial.ensemble.sampler.step_size))), 1.0)
        common |= {"sampler": sampler, "num_members": members, "num_steps": steps}
        run = functools.partial(ts.simulate, jax.random.key(1), system, **common)
        exact = averages(run())
        for name in todo:
            kind = name.split()[0]
            how: dict[str, Any] = {"gradient": "fused"} if kind == "fused" else {"precision": kind}
            journal.attempt("D", name, lambda how=how, exact=exact, run=run: bias(averages(run(**how)), exact))


def averages(run: Any) -> dict[str, np.ndarray]:
    """Time averages of every member by name."""
    found = {"side_weight": run.series.side_weight, **{f"overlap {k}": v for k, v in run.series.overlap.items()}}
    found |= {f"virial {layer}": values for layer, values in run.diagnostics["virial"].items()}
    return {name: np.where(run.diverged, np.nan, np.asarray(values).mean(axis=-1)) for name, values in found.items()}


def bias(low: dict[str, np.ndarray], exact: dict[str, np.ndarray]) -> Row:
    """Mean of the paired differences and its standard error, and the largest of them in errors."""
    row: Row = {}
    for name, values in low.items():
        difference = (values - exact[name])[np.isfinite(values - exact[name])]
        row[name] = float(difference.mean())
        row[f"{name} error"] = float(difference.std(ddof=1) / np.sqrt(len(difference)))
    z = [abs(row[name]) / row[f"{name} error"] for name in low if row[f"{name} error"]]
    return {**row, "largest bias": max(abs(row[name]) for name in low), "largest |z|": max(z, default=0.0)}


def figure_two(journal: Journal, plan: Plan) -> None:
    """Step E."""
    scales, members, steps = ([1 / 32], 4, 60) if plan.smoke else ([1 / 8, 1 / 2, 1.0, 2.0], 200, 1500)
    for name in journal.todo("E", [f"beta={Fraction(scale)}" for scale in scales]):
        scale = float(Fraction(name.removeprefix("beta=")))
        for row in rows_at(scale, members, steps):
            journal.add("E", name, **row)


def verdict(journal: Journal) -> list[str]:
    """What the rules say of the numbers, in sentences."""
    timed = [row for row in journal.rows if "ms/step" in row and row["finite"]]
    largest = max((row["beta"] for row in timed if row["gradient"] == "fused"), default=1.0)
    here = [row for row in timed if row["beta"] == largest]
    plain = {row["precision"]: row["ms/step"] for row in here if row["gradient"] == "xla" and "as sum" in row["name"]}
    lines = []
    for precision, equals in AS_ACCURATE.items():
        kernel = [row for row in here if row["precision"] == f"{precision} in fused kernels"]
        rivals = [plain[name] for name in equals if name in plain]
        if kernel and rivals:
            best = min(kernel, key=lambda row: row["ms/step"])
            gain, share = min(rivals) / best["ms/step"], best["roofline_share"]
            wins = gain >= GAIN and unbiased(journal, "fused")
            ruling = "the default" if wins else "not the default"
            lines.append(f"fused {precision}: {gain:.2f} x the fastest as accurate (share {share:.2f}): {ruling}")
    if {"highest", "bf16x3"} <= set(plain):
        gain = plain["highest"] / plain["bf16x3"]
        wins = gain >= GAIN and unbiased(journal, "bf16x3")
        lines.append(f"unfused bf16x3: {gain:.2f} x highest: {'the default' if wins else 'not the default'}")
    return lines or ["nothing to compare: neither kernels nor precisions below float32 were timed"]


def unbiased(journal: Journal, kind: str) -> bool:
    """Whether step D has seen no bias of a kind at any noise."""
    rows = [row for row in journal.of("D") if row["name"].split()[0] == kind]
    return bool(rows) and all(row.get("largest |z|", np.inf) < 3 and row["largest bias"] < 1e-3 for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=28.0, help="after which nothing new is begun")
    parser.add_argument("--steps", nargs="+", default=list("ABCDE"), choices="ABCDE")
    parser.add_argument("--output", type=Path, help="folder of the results")
    parser.add_argument("--smoke", action="store_true", help="tiny, for a check of the script")
    plan = parser.parse_args(namespace=Plan())
    if plan.smoke and plan.output is None:
        parser.error("--smoke needs --output, so that no results of the repository are written over")
    about = {"driver": driver(), "devices": len(jax.devices()), "smoke": plan.smoke}
    journal = Journal("gpu_day", plan.output, plan.minutes, about)
    parts = {"A": ceilings, "B": unfused, "C": fused, "D": pairs, "E": figure_two}
    for step in plan.steps:
        parts[step](journal, plan)
    draw(journal.rows, journal.path.with_suffix(".png"), jax.devices()[0].device_kind)
    for line in verdict(journal):
        print(line)


if __name__ == "__main__":
    main()
