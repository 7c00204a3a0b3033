# ruff: noqa: E501 - a row of the table is a line
"""Claims of the abstracts of the other papers, one function a paper."""

from typing import Any

from _claims import DOES_NOT, HOLDS, IN_PART, OPEN, Claim, measured, number, quoted, series, worst


WIDE, RATES = "grokjax/systems/infinite_width/README.md", "grokjax/systems/approximation/README.md"
MEMORY, WRONG = "grokjax/systems/hopfield/README.md", "grokjax/systems/mean_variance/README.md"
TOY, ATOMS = "grokjax/systems/representation/README.md", "grokjax/systems/interatomic_potential/README.md"
RECALL = "tests/systems/hopfield/test_hopfield_theory.py"
FRAMES = "tests/systems/interatomic_potential/test_refinement.py"
ZONE = "tests/systems/representation/test_representation_phases.py"
PAPERS = "`benchmarks/papers.py`"


def infinite_width() -> list[Claim]:
    """arXiv:2007.07497 and 2205.12101."""
    return [
        Claim("Three regimes, linear, critical, condensed: the relative change of input weights tends to 0, is of order 1, grows", WIDE, "exponents −0.5, 0, 0.375", quoted("−0.510(10), −0.008(9), 0.388(6)", WIDE), HOLDS),
        Claim("The critical line separates them (zero of the exponent at γ′ = −½, 0, ½, 1)", WIDE, "γ = 1, 1, 1.5, 2", quoted("γ = 0.9955(35), 0.9931(38), 1.4938(36), 1.9934(35)", WIDE), HOLDS),
        Claim("In the linear regime training is that of a random-feature model", WIDE, "RD √m = 1.1468, 0.9511 by the kernel", quoted("1.156(3), 0.955(3)", WIDE), HOLDS),
        Claim("In the condensed regime neurons gather at a few orientations", WIDE, "82.5 orientations at the start", quoted("81.3(2), 26.3(4), 2.9(2)", WIDE) + " effective ones after training at γ = 0.5, 1, 1.75", HOLDS),
        Claim("Three layers: the same, layer by layer", WIDE, "28 exponents", quoted("median distance 0.023, largest 0.149(52)", WIDE), HOLDS),
        Claim("The rule goes on to four layers (beyond the papers)", WIDE, "−½ for the read-out at γ_4 = 1.5", quoted("the read-out −0.68(3)", WIDE), IN_PART),
    ]  # fmt: skip


def approximation() -> list[Claim]:
    """arXiv:1906.09477."""
    row = lambda text: quoted(text, RATES).strip("| ").replace("|", "·")
    return [
        Claim("Deep discontinuous networks reach W^(-2r/d) for classes of any smoothness", RATES, "4, 6 (r = 2, 3; d = 1), growing part", row("| second order, sine; rough | 2 | 4.06; 4.14 | 3.80 | 1.93 | 4, 2 |") + "; " + row("| Taylor code, sine | 3 | 8.6 | 5.92 | 2.96 | 6, 3 |"), HOLDS),
        Claim("Between W^(-r/d) and that, depth W^α buys the rate 1+α", RATES, "1.25, 1.5, 1.75, 2 (r = d = 1)", quoted("1.28, 1.53, 1.79, 1.985", RATES), HOLDS),
        Claim("Faster rates are infeasible", "`grokjax.systems.approximation.phase`", "a bound", "no construction can show what none can do", OPEN),
        Claim("All piecewise polynomial activations have the same phase diagram", RATES, "3 (r = 3), ReLU and ReLU²", "growing part " + quoted("5.38 | 3.000", RATES).split("| ")[1] + ", " + quoted("3.138 | 3.000", RATES).split("| ")[1] + " for shallow Taylor networks", HOLDS),
        Claim("A width that does not know the smoothness adapts to it", RATES, "2 (r = 1)", "2.228, width 7, one architecture for r up to 2 in one dimension: " + quoted("| fixed width 7, kink | 1 | 2.228 |", RATES).strip("| ").replace("|", "·"), IN_PART),
        Claim("Periodic activations have nearly exponential rates, by look-up", RATES, "r ln 2/(32+22r) per weight", quoted("to six digits for r = 1 and 2", RATES), HOLDS),
    ]  # fmt: skip


def memories() -> list[Claim]:
    """arXiv:2506.10552; its full text was not at hand."""
    titles = [
        "Hopfield model: patterns are recalled up to a load, and finite networks follow replica theory",
        "At low load binary groups recall below βc = 1, as Curie and Weiss",
        "Binary hidden units reduce the capacity",
        "Richer priors (ternary units with a threshold) restore retrieval",
        "Local biases restore retrieval: on hidden units they are the thresholds above; here the same field on every spin",
    ]
    return [
        Claim("Zero-temperature capacity of Gaussian units, about 0.14", MEMORY, quoted("0.1379", MEMORY), "theory; recall against load below", HOLDS),
        *measured("papers-hopfield", PAPERS, titles, of_memories),
        Claim("Binary units raise interference: mixtures of patterns win over pure states at low temperature", RECALL, "mixtures of L patterns lie lower below T, (L, T) = " + quoted("(3, 0.4860), (5, 0.4928), (7, 0.4998), (9, 0.5055)", RECALL) + ", one copy per spin", "theory alone", HOLDS),
        Claim("Rectified units suppress the spin glass at finite temperature", RECALL, "replica symmetry breaks at T far below 1 + √α, (η, α, T) = " + quoted("(0.0, 0.2, 0.4556), (0.0, 1.0, 0.4770)", RECALL), "theory alone", HOLDS),
        Claim("Nothing is remembered beyond the capacity", MEMORY, "m = 0", quoted("$m\\approx0.05$-$0.3$, that ages slowly", MEMORY), IN_PART),
    ]  # fmt: skip


def of_memories(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """From Gibbs sampling, by kind of row."""
    by = lambda kind: [row for row in rows if row["what"] == kind]
    z = lambda row: abs(row["m"] - row["m, theory"]) / row["m error"]
    sizes, few, bounded, field = by("size"), by("few"), by("bounded"), by("field")
    field = [row for row in field if row["load"] == field[0]["load"]]
    largest = max(row["N"] for row in sizes)
    inside = [row for row in sizes if row["N"] == largest and row["load"] < 0.9 * row["capacity"]]
    beyond = [row for row in sizes if row["N"] == largest and row["load"] > 1.2 * row["capacity"]]
    follows = all(z(row) < 5 or abs(row["m"] - row["m, theory"]) < 0.01 for row in inside)
    lost = all(row["recalled"] < 0.5 for row in beyond)
    lines = lambda rows, key="m": ", ".join(number(row[key], row.get(f"{key} error")) for row in rows)
    theory = lambda rows: ", ".join(f"{row['m, theory']:.4g}" for row in rows)
    pure = [row for row in few if row["copies"] == 1]
    curie = HOLDS if all(abs(row["m"] - row["m, theory"]) < max(5 * row["m error"], 0.015) for row in pure) else IN_PART
    capacity = {name: [row for row in bounded if row["prior"] == name] for name in ("binary groups", "ternary groups")}
    splits = {
        name: all((row["recalled"] > 0.5) == (row["load"] < row["capacity"]) for row in part)
        for name, part in capacity.items()
    }
    shown = lambda name: (
        f"capacity {capacity[name][0]['capacity']:.4g} (T = {capacity[name][0]['temperature']:g}); Hopfield there {capacity[name][0]['hopfield']:.3g}",
        "recall by " + ", ".join(f"{row['recalled']:.0%} at load {row['load']:.3g}" for row in capacity[name]),
        HOLDS if splits[name] else IN_PART,
    )
    costs = field[-1]["m"] < field[0]["m"]
    agrees = all(z(row) < 5 for row in field)
    return [
        (f"spinodal {sizes[0]['capacity']:.4g} (T = 0.3); m = {theory(inside)} at loads {series(inside, 'load')}", f"{lines(inside)} at N = {largest}; recall by {max(row['recalled'] for row in beyond):.0%} at loads {series(beyond, 'load')}", HOLDS if follows and lost else IN_PART),
        (f"m = {theory(pure)} at T = {series(pure, 'temperature')}", lines(pure), curie),
        shown("binary groups"),
        shown("ternary groups"),
        (f"the same field on all spins costs capacity and m: {theory(field)} at g = {series(field, 'field')}", lines(field) + ("" if agrees else " (beyond five errors)"), DOES_NOT if costs else HOLDS),
    ]  # fmt: skip


def representation() -> list[Claim]:
    """arXiv:2205.10343."""
    titles = [
        "Generalisation comes from structured representations: accuracy is what the representation alone predicts",
        "Accuracy never exceeds what the training set can predict",
        "The effective theory predicts the training dynamics: steps to structure follow 1/(λ₃η)",
        "Four phases: comprehension, grokking, memorisation, confusion",
        "Representations are learned in a Goldilocks zone (comprehension and grokking) between memorisation and confusion",
        "Grokking is closer to memorisation than to comprehension (claimed for transformers; the toy model here)",
    ]
    return [
        Claim("The dependence on the size of the training set can be predicted: structure is unique from a critical fraction, about 0.4, on", TOY, quoted("0.409 at 10", TOY) + " symbols", quoted("Networks succeed later and less often than", TOY) + " theory allows", IN_PART),
        *measured("papers-representation", PAPERS, titles, of_representations),
        Claim("Transformers", TOY, "", quoted("Not built: the transformer on modular addition", TOY), OPEN),
    ]  # fmt: skip


def of_representations(rows: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """From the results file of the example."""
    sweep, *diagrams = rows
    names = ("comprehension", "grokking", "memorisation", "confusion")
    shares = "; ".join(
        f"{row['what']} ({row['grid']} seeds): " + ", ".join(f"{name} {row[name]:.0%}" for name in names)
        for row in diagrams
    )
    few = min(int(row["grid"].split(" x ")[-1]) for row in diagrams) < 3
    four = HOLDS if all(diagrams[0][name] > 0 for name in names) else OPEN if few else IN_PART
    zone = "; ".join(
        f"{row['what']}: zone {number(row['zone'], row['zone error'])} of the grid, {row['between'] or 0.0:.0%} of rows and columns that have it and both neighbours have it in between"
        for row in diagrams
    )
    between = min(row["between"] or 0.0 for row in diagrams)
    band = OPEN if few else HOLDS if between > 0.9 else IN_PART if between > 0.5 else DOES_NOT
    short = " (too few seeds and steps to tell)" if few else ""
    own = quoted("rep.neighbour_distances(released), [3.43891, 3.29174]", ZONE).split("[")[1].strip("]")
    nearer = [
        f"{row['what']}: {number(row['nearer'], row['nearer error'])} cells ({row['seeds']} seeds)"
        for row in diagrams
        if row["seeds"]
    ]
    closer = worst([closeness(row) for row in diagrams if row["seeds"] > 1] or [DOES_NOT])
    spearman = sweep["rank correlation of steps"]
    return [
        ("equal", f"correlation {sweep['correlation']:.3f}, mean distance {sweep['mean distance']:.3f} over {sweep['runs']} networks", HOLDS if sweep["correlation"] > 0.95 else IN_PART),
        ("an upper bound for exact structures", f"kept by {sweep['within']:.1%} of {sweep['runs']} networks", HOLDS if sweep["within"] == 1 else IN_PART),
        ("rank correlation 1, slope 1", f"rank correlation {spearman:.2f} over {sweep['structured']} networks that reach a structure", HOLDS if spearman > 0.8 else IN_PART if spearman > 0.3 else DOES_NOT),
        ("all four", shares + short * (four == OPEN), four),
        ("a band", zone + short, band),
        ("distance from memorisation less from comprehension below zero", f"cells of the grid from either, on the authors' own figure 6b: {own}" + "".join(f"; {one}" for one in nearer), closer),
    ]  # fmt: skip


def closeness(row: dict[str, Any]) -> str:
    """Whether grokking is nearer to memorisation, beyond three errors."""
    below, above = row["nearer"] + 3 * row["nearer error"], row["nearer"] - 3 * row["nearer error"]
    return HOLDS if below < 0 else DOES_NOT if above > 0 else IN_PART


def mean_variance() -> list[Claim]:
    """arXiv:2306.16717."""
    test = "`tests/systems/mean_variance/test_field_theory.py`"
    return [
        Claim("Five phases over the two regularisers; theory and networks have the same square", WRONG, quoted("U_I 110, U_II 38, S 91, O_I 95 (all collapsed), O_II 27", WRONG) + " of 361 cells", "networks beside it in `examples/07_mean_variance.py`, by eye", IN_PART),
        Claim("There is a phase transition in the strength of the regularisation", test, "a fold: no fit of finite precision below α_c, " + quoted("4.71857e-4", WRONG) + " on the reference set", "of networks first order by depth alone: " + quoted("weight decay on networks deeper than two layers makes it first order", WRONG), IN_PART),
        Claim("The field theory is in qualitative agreement with experiments", WRONG, "collapse line, flat and fitted regions", "the border of networks is a line of constant α, too: " + quoted("The border between flat and fitted means is a line of constant α on all of them", WRONG), IN_PART),
        Claim("Fields in the overfitting corner are stationary solutions", WRONG, "", quoted("In O_I they are not stationary", WRONG), DOES_NOT),
        Claim("Phases and their borders are alike on all data sets", WRONG, "constant α", "constant in β, but it moves with the range of the inputs: " + quoted("α = .032 and .056 for inputs on [0, 1], .056 and .074 on [−1, 1], .10 and .13 standardised", WRONG), IN_PART),
        Claim("Tuning becomes a search in one dimension", "`grokjax.systems.mean_variance.search`", "the diagonal of the square", quoted("`mv.search` goes along a line of the square, `mv.separable` chooses α and then β", WRONG) + ", by held-out samples; what that loses against the whole square is not measured", OPEN),
        Claim("Calibration is significantly better on UCI tables and ClimSim", "`examples/07_mean_variance.py`", "", "small tables that ship with packages only; not measured on the paper's", OPEN),
    ]  # fmt: skip


def interatomic_potentials() -> list[Claim]:
    """arXiv:2512.03974."""
    return [
        Claim("A potential can be refined until a phase transition sits at its experimental temperature (titanium, 1155 K)", ATOMS, "target 1155 K; verified ΔG = 0", quoted("1156.5(24)", ATOMS) + " K, ΔG = " + quoted("0.06(9)", ATOMS) + " meV/atom, verified from scratch, with latent heat and gauge as targets, 128 atoms", HOLDS),
        Claim("The free energy alone is a sufficient target", ATOMS, "ΔG = 0", "verified ΔG, ΔH, ΔS: " + quoted("-0.31(9) | 2.8(7) | 0.032(7), flagged", ATOMS).replace(" |", ",") + " (0.438 in experiment): the entropy of the transition is lost", DOES_NOT),
        Claim("Trajectory reweighting gives gradients without differentiating trajectories", FRAMES, "derivatives of toys by quadrature", "equal where frames are the nodes: " + quoted("found.slope, jax.grad(gibbs)(moved), atol=1e-9", FRAMES), HOLDS),
        Claim("Properties that were no target improve, too (diffusion of the liquid)", ATOMS, "5.3e-9 m²/s at 1999 K (neutrons)", "6.5(2), 7.0(3) and 6.7(2) before, with the latent heat, and with the volume as a target" + quoted(", no correction for the size of the box", ATOMS), DOES_NOT),
    ]  # fmt: skip
