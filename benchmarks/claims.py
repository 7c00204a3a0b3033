"""docs/claims.md: what the papers claim, what is shown here, number against number, and the verdict.

Numbers come from results files (`benchmarks/results/*.json`); where there is none the row says so. Numbers recorded
elsewhere are quoted, and a quote that is no longer there stops the script.

    python benchmarks/flagship.py; python benchmarks/generalisation.py   # measure
    python benchmarks/papers.py                                          # after the two examples that it names
    python benchmarks/claims.py                                          # write the table; --check compares it
"""

import sys
from collections import Counter

import _claims_papers as papers
from _claims import DOES_NOT, HOLDS, IN_PART, OPEN, ROOT
from _claims_flagship import flagship


SECTIONS = {
    "Grokking as a first-order transition (arXiv:2310.03789)": flagship,
    "Infinite width (arXiv:2007.07497, 2205.12101)": papers.infinite_width,
    "Approximation rates (arXiv:1906.09477)": papers.approximation,
    "Memories (arXiv:2506.10552)": papers.memories,
    "Representation learning (arXiv:2205.10343)": papers.representation,
    "Mean-variance regression (arXiv:2306.16717)": papers.mean_variance,
    "Interatomic potentials (arXiv:2512.03974)": papers.interatomic_potentials,
}
RULE = """\
Made by `benchmarks/claims.py` from results files and from numbers recorded in the systems' READMEs. A row *holds*
where networks are within 10 % (15 % for eigenvalues) or three standard errors of theory, *holds in part* within a
factor of two, and *does not hold* otherwise; what is no number is judged as its row says. *Open*: not measured
here. The full texts of some papers were not at hand; their claims are those of the abstract."""


def main() -> None:
    tables = {title: made() for title, made in SECTIONS.items()}
    counts = Counter(claim.verdict for claims in tables.values() for claim in claims)
    total = ", ".join(f"{counts[verdict]} {verdict}" for verdict in (HOLDS, IN_PART, DOES_NOT, OPEN))
    lines = ["# Claims, and what is shown here", "", RULE, "", f"Of {sum(counts.values())} claims: {total}."]
    for title, claims in tables.items():
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
