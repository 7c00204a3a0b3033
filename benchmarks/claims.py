# ruff: noqa: E501 - a row of the table is a line
"""docs/claims.md: what the papers claim, what is shown here, number against number, and the verdict.

Numbers come from results files (`benchmarks/results/*.json`); where there is none the row says so. Numbers recorded
elsewhere are quoted, and a quote that is no longer there stops the script.

    python benchmarks/flagship.py; python benchmarks/generalisation.py   # measure
    python benchmarks/claims.py                                          # write the table; --check compares it
"""

import json
import sys
from pathlib import Path
from typing import Any, NamedTuple

from _report import RESULTS


ROOT = Path(__file__).parent.parent
SUMS = "grokjax/systems/modular_addition/README.md"
NEURONS = 88  # of a network of benchmarks/flagship.py
HOLDS, IN_PART, DOES_NOT = "holds", "holds in part", "does not hold"


class Claim(NamedTuple):
    """One row."""

    claim: str
    where: str
    theory: str
    networks: str
    verdict: str


def rows_of(name: str) -> list[dict[str, Any]]:
    """Rows of a results file, or none."""
    path = RESULTS / f"{name}-cpu.json"
    return json.loads(path.read_text())["rows"] if path.exists() else []


def quoted(text: str, page: str) -> str:
    """`text`, which must be on the page."""
    if text not in (ROOT / page).read_text():
        raise SystemExit(f"{page} does not say {text!r} any more; correct the claim.")
    return text


def compared(theory: float, mean: float, error: float, *, close: float = 0.1) -> str:
    """The rule of verdicts: within `close` or three errors it holds, within a factor of two in part."""
    if abs(mean - theory) <= max(3 * error, close * abs(theory)):
        return HOLDS
    return IN_PART if 0.5 * abs(theory) < abs(mean) < 2 * abs(theory) and mean * theory > 0 else DOES_NOT


def number(mean: float, error: float | None = None) -> str:
    return f"{mean:.3g}" if error is None else f"{mean:.3g} ± {error:.1g}"


def pending(claim: str, where: str) -> Claim:
    return Claim(claim, where, "", "not measured yet", "open")


def of_the_teacher() -> list[Claim]:
    rows, where = rows_of("flagship-teacher"), "`benchmarks/flagship.py`"
    titles = [
        "The latent kernel has an outlier along the cubic mode before, at and after the transition, as theory says",
        "Weights are Gaussian before the transition",
        "After it they are a mixture along the teacher and Gaussian across it",
        "Gaussian feature learning (GFL) misses what droplets learn of the cubic mode",
        "Kernel rescaling misses it",
        "A fifth mode that the teacher lacks appears with the droplets",
    ]
    if not rows:
        return [pending(title, where) for title in titles]
    first, last = rows[0], rows[-1]
    outliers = [compared(row["kernel 3, theory"], row["kernel 3"], row["kernel 3 error"], close=0.15) for row in rows]
    outlier = HOLDS if set(outliers) == {HOLDS} else DOES_NOT if DOES_NOT in outliers else IN_PART
    each = lambda key, by=1e6: ", ".join(f"{by * row[key]:.3g}" for row in rows)
    at = "noise " + ", ".join(f"{row['noise']:g}" for row in rows)
    normal = 3 * (NEURONS - 1) / (NEURONS + 1)  # of so many Gaussian numbers about zero: a ratio of averages
    gaussian = abs(first["kurtosis along"] - normal) < 3 * first["kurtosis along error"]
    across = abs(last["kurtosis across"] - normal) < 3 * last["kurtosis across error"]
    mixture = last["kurtosis along"] > normal + 3 * last["kurtosis along error"] and across
    gap = lambda name: abs(last["overlap 3"]) - abs(last[f"overlap 3, {name}"]) > 3 * last["overlap 3 error"]
    missed = lambda name: HOLDS if gap(name) else DOES_NOT
    pair = lambda key: number(last[key], last[f"{key} error"])
    return [
        Claim(titles[0], where, f"λ₃ = {each('kernel 3, theory')} e-6 (leading order, χ² norm; {at})", f"{each('kernel 3')} e-6", outlier),
        Claim(
            titles[1], where, f"kurtosis {normal:.3g} along the teacher (noise {first['noise']:g})",
            number(first["kurtosis along"], first["kurtosis along error"]), HOLDS if gaussian else IN_PART,
        ),
        Claim(
            titles[2], where, f"along above {normal:.3g}, across {normal:.3g} (noise {last['noise']:g})",
            f"{pair('kurtosis along')}, {pair('kurtosis across')}", HOLDS if mixture else IN_PART,
        ),
        Claim(titles[3], where, f"cubic overlap {last['overlap 3, GFL']:.3g} (mean field {last['overlap 3, mean field']:.3g})", pair("overlap 3"), missed("GFL")),
        Claim(titles[4], where, f"cubic overlap {last['overlap 3, rescaled']:.3g}", pair("overlap 3"), missed("rescaled")),
        Claim(
            titles[5], where, f"⟨f, He₅⟩/5! = {last['overlap 5, mean field']:.3g}", pair("overlap 5"),
            compared(last["overlap 5, mean field"], last["overlap 5"], last["overlap 5 error"]),
        ),
    ]  # fmt: skip


def of_the_sums() -> list[Claim]:
    rows, where = rows_of("flagship-sums"), "`benchmarks/flagship.py`"
    titles = [
        "Modular addition: the outlier of the latent kernel grows through the transition as theory says",
        "All frequencies are alike by symmetry",
        "The latent kernel has the block structure of the ansatz",
        "The outlier warns of grokking before specialised neurons carry weight",
        "Pruning the dominant directions removes what was learned; others do not matter",
    ]
    if not rows:
        return [pending(title, where) for title in titles]
    verdicts = [compared(row["target, theory"], row["target"], row["target error"], close=0.15) for row in rows]
    kernel = HOLDS if set(verdicts) == {HOLDS} else DOES_NOT if DOES_NOT in verdicts else IN_PART
    each = lambda key, by=1.0: ", ".join(f"{by * row[key]:.3g}" for row in rows)
    early = [row for row in rows[1:] if row["side weight, theory"] < 1e-2]
    warned = max((row["detected"] for row in early), default=0.0)
    last, alike = rows[-1], max(row["largest z between frequencies"] for row in rows)
    coupling = max(row["largest coupling of modes"] for row in rows)
    neurons = last["networks"] * last["N"]
    pruned = abs(last["learned without target"]) < 0.01 and abs(last["learned without other"] - last["learned"]) < 0.01
    return [
        Claim(titles[0], where, f"λ = {each('target, theory', 1e5)} e-5 at noises {each('noise at N = 500', 1e4)} e-4", f"{each('target', 1e5)} e-5 at N = {last['N']}", kernel),
        Claim(titles[1], where, "no difference", f"largest z {alike:.1f}", HOLDS if alike < 5 else DOES_NOT),
        Claim(titles[2], where, f"couplings of order {neurons**-0.5:.2g}", f"largest {coupling:.2g}", HOLDS if coupling < 8 * neurons**-0.5 else IN_PART),
        Claim(titles[3], where, "grows before the side weight", f"its average over a run: one network in twenty at random, {warned:.0%} where theory has a side weight below 0.01", HOLDS if warned > 0.5 else IN_PART if warned > 0.15 else DOES_NOT),
        Claim(titles[4], where, "0, unchanged", f"{last['learned']:.3g} → {last['learned without target']:.2g} without the target's, {last['learned without other']:.3g} without as many others, {last['learned without dominant']:.3g} without the 41 dominant of each network", HOLDS if pruned else IN_PART),
    ]  # fmt: skip


def of_generalisation() -> list[Claim]:
    where, found = "`benchmarks/generalisation.py`", []
    rows = [row for row in rows_of("generalisation-regularisers") if row["training_fraction"] == 0.8]
    title = "Title phenomenon: sums that were held out are learned ({}, f = 0.8, noise 2.5e-4)"
    for name in ("fourier", "norm"):
        one = [row for row in rows if row["regulariser"] == name and row["start"] == "cold"]
        words = {"fourier": "published decay", "norm": "decay of norms"}[name]
        if not one:
            row = {
                "fourier": "| fourier | 0.6575(8) | -0.734(6) | 0 |",
                "norm": "| norm | 0.3941(5) | 0.130(2) | 0.985(9) |",
            }
            learned, accuracy = quoted(row[name], SUMS).split("|")[3:5]
            verdict = HOLDS if float(accuracy.split("(")[0]) > 0.95 else DOES_NOT
            shown = f"accuracy{accuracy}, L ={learned}"
            found.append(Claim(title.format(words), SUMS, "learned", shown, verdict))
            continue
        accuracy, learned = one[0]["held_out_accuracy"], one[0]["held_out_learned"]
        shown = f"accuracy {number(accuracy, one[0]['held_out_accuracy error'])}, L = {learned:.3g}"
        verdict = HOLDS if accuracy > 0.95 else IN_PART if accuracy > 0.3 else DOES_NOT
        found.append(Claim(title.format(words), where, "learned", shown, verdict))
    fit = RESULTS / "generalisation-exponent-cold-cpu.json"
    title = "Feature learning needs far fewer examples than a lazy network, of order P²"
    if fit.exists():
        read = json.loads(fit.read_text())
        found.append(
            Claim(title, where, "f_c ∝ P^-1/2 (estimate)", f"f_c ∝ P^{number(read['exponent'], read['error'])}", HOLDS if read["exponent"] + 3 * read["error"] < 0 else DOES_NOT)
        )  # fmt: skip
    else:
        shown = "f_c ∝ P^p, P = 7, 11, 17: p = " + quoted("-0.513(5)", SUMS)
        found.append(Claim(title, SUMS, "f_c ∝ P^-1/2 (estimate): of order P^1.5 examples", shown, HOLDS))
    return found


def recorded() -> list[tuple[str, list[Claim]]]:
    """Claims whose numbers are recorded in the systems' READMEs."""
    order, wide, memory = (
        "docs/order_of_the_transition.md",
        "grokjax/systems/infinite_width/README.md",
        "grokjax/systems/hopfield/README.md",
    )
    rates, wrong = "grokjax/systems/approximation/README.md", "grokjax/systems/mean_variance/README.md"
    flagship = [
        Claim("Mixed phase of modular addition: networks follow the theory's a(σ²)", SUMS, "0.84740 at 4e-4; 0.86070 with one loop", quoted("0.86014(11)", SUMS), HOLDS),
        Claim("The eigenvalue on the target is σ_a²⟨XV⟩, as printed", SUMS, quoted("it gives a = 0.996 at σ² = 4e-4", SUMS), "0.86014(11)", DOES_NOT),
        Claim("The transition is of first order", order, quoted("first order for *one neuron* in the field of the others", order) + ", continuous for the network", quoted("no data set has two peaks in the law of `S`", order), IN_PART),
    ]  # fmt: skip
    others = [
        ("Infinite width (arXiv:2007.07497, 2205.12101)", [
            Claim("Regimes by the exponent of the relative displacement", wide, "−0.5, 0, 0.375", quoted("−0.510(10), −0.008(9), 0.388(6)", wide), HOLDS),
            Claim("Three layers: the same, layer by layer", wide, "28 exponents", quoted("median distance 0.023, largest 0.149(52)", wide), HOLDS),
        ]),
        ("Approximation rates (arXiv:1906.09477)", [
            Claim("Deep networks reach W^(-2r/d)", rates, "4, 6 (r = 2, 3; d = 1)", quoted("| Taylor code, sine | 3 | 8.6 | 5.92 | 2.96 | 6, 3 |", rates).strip("| ").replace("|", "·"), HOLDS),
        ]),
        ("Memories (arXiv:2506.10552)", [
            Claim("Zero-temperature capacity of Gaussian units", memory, quoted("0.1379", memory), "recall against load in `examples/04_hopfield.py`", HOLDS),
            Claim("Nothing is remembered beyond the capacity", memory, "m = 0", quoted("$m\\approx0.05$-$0.3$, that ages slowly", memory), IN_PART),
        ]),
        ("Representation learning (arXiv:2205.10343)", [
            Claim("Accuracy never exceeds what the training set can predict", "`examples/03_representation.py`", "an upper bound", "not all runs keep it: `representation.share_within_bounds` counts them", IN_PART),
        ]),
        ("Mean-variance regression (arXiv:2306.16717)", [
            Claim("Fields in the overfitting corner are stationary solutions", wrong, "", quoted("In O_I they are not stationary", wrong), DOES_NOT),
            Claim("Phases and their borders are alike on all data sets", wrong, "constant α", "constant in β, but it moves with the range of the inputs: " + quoted("α = .032 and .056 for inputs on [0, 1], .056 and .074 on [−1, 1], .10 and .13 standardised", wrong), IN_PART),
        ]),
    ]  # fmt: skip
    return [("", flagship), *others]


def main() -> None:
    (_, flagship), *others = recorded()
    sections = [
        ("Grokking as a first-order transition (arXiv:2310.03789)", [*flagship, *of_the_teacher(), *of_the_sums(), *of_generalisation()]),
        *others,
    ]  # fmt: skip
    lines = [
        "# Claims, and what is shown here",
        "",
        "Made by `benchmarks/claims.py` from results files and from numbers recorded in the systems' READMEs. A row *holds* "
        "where networks are within 10 % (15 % for eigenvalues) or three standard errors of theory, *holds in part* within a "
        "factor of two, and *does not hold* otherwise; what is no number is judged as its row says.",
    ]
    for title, claims in sections:
        lines += ["", f"## {title}", "", "| claim | where | theory | networks | verdict |", "|---|---|---|---|---|"]
        lines += [f"| {' | '.join(claim)} |" for claim in claims]
    page, text = ROOT / "docs" / "claims.md", "\n".join(lines) + "\n"
    if "--check" in sys.argv:
        if page.read_text() != text:
            raise SystemExit("docs/claims.md is not what its sources say: run benchmarks/claims.py.")
        return
    page.write_text(text)
    print("wrote", page.relative_to(ROOT))


if __name__ == "__main__":
    main()
