"""What figure 2 shows, in words: sizes, lines, and what the comparison of theory with networks says."""

from collections.abc import Mapping, Sequence

import jax
import jax.numpy as jnp
import numpy as np

from ....evidence.compare import Comparison
from ....results import Run
from ..experiment import negative_log_density
from ..theory import Prediction
from .published import THEORY_NAMES, level_of, lines_of


WORDS = {"-": "solid", "--": "dashed", "-.": "dash-dotted"}


def caption_2(
    run: Run,
    curves: Mapping[str, Prediction],
    *,
    lazy: bool = False,
    at_points: Mapping[str, Prediction] | None = None,
    comparisons: Sequence[Comparison] = (),
) -> str:
    """What figure 2 shows, in words.

    Args:
        run: as in `figure_2`, and likewise
        curves: of theories.
        lazy: whether a Gaussian process is drawn.
        at_points: as in `figure_2`; the largest misfit in (a) of the last theory, within its range, is told.
        comparisons: of theories with the run, by `grokjax.compare`; what they say is told.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> ladder = ts.simulate(
        ...     jax.random.key(0), system, exchange=grokjax.ReplicaExchange([0.3, 0.4]), num_members=2, num_steps=24,
        ...     num_witnesses=0, progress=False,
        ... )
        >>> from grokjax.systems.teacher_student import figures
        >>> theory = {"mean_field": ts.predict(ladder.system, theory="mean_field")}
        >>> "leading order (solid)" in figures.caption_2(ladder, theory)
        True
    """
    lines = lines_of(curves, at_points or {})
    theories = ", ".join(f"{THEORY_NAMES.get(name, name)} ({WORDS[line]})" for name, line in lines.items())
    if lazy:
        theories += ", and the Gaussian process of an infinitely wide student in (b), averaged over data sets"
    system = run.system
    words = (
        f"After figure 2 of arXiv:2310.03789, at N = {float(system.width):g}, d = {float(system.input_dim):g}, "
        f"n = {float(system.num_samples):g} with {run.layout.num_members} networks per noise on data sets of their "
        f"own. (a) Action of a neuron's alignment with the teacher per dimension; (b) learned share of the linear and "
        f"the cubic component; (c) fraction of specialised neurons. Lines: theory, {theories}; points: networks, one "
        "standard error; in (a) none is known where some fifth of the networks has no neuron. Hatched: "
        "where the theory of finite data leaves its own range; bands bracket the truth by its "
        "values with and without the random field that no profile follows, and below them it says nothing. Nothing is "
        "fitted."
    )
    said = [in_words(each) for each in comparisons]
    if at_points:
        said.append(_misfit(run, list(at_points)[-1], list(at_points.values())[-1]))
    if run.certificate is not None and np.any(run.certificate.failed_at):
        noises = np.asarray(run.system.noise_variance)[
            np.broadcast_to(run.certificate.failed_at, run.system.noise_variance.shape)
        ]
        said.append(f"Not certified to be in equilibrium: noise {', '.join(f'{x:g}' for x in noises)}.")
    return " ".join([words, *filter(None, said)])


def in_words(comparison: Comparison) -> str:
    """A comparison in a sentence or two, for a caption."""
    rows, verdicts = comparison.rows, [comparison.verdict(row) for row in comparison.rows]
    reserved = [row for row in rows if row.reservation]
    within = sum(abs(row.sigma) <= comparison.threshold for row in reserved)
    off = [row for row, verdict in zip(rows, verdicts, strict=True) if verdict.startswith("off")]
    name = comparison.theory_name[:1].upper() + comparison.theory_name[1:]
    parts = [f"{name}: {verdicts.count('agree')} of {len(rows)} numbers agree within {comparison.threshold:g} sigma"]
    if off:
        worst = max(off, key=lambda row: abs(row.sigma))
        parts.append(f"differing: {len(off)}, most {' '.join(worst.name.split())} ({worst.relative:+.0%})")
    if "not resolved" in verdicts:
        parts.append(f"not resolved: {verdicts.count('not resolved')}")
    if reserved:
        parts.append(f"outside of its range or not certified: {len(reserved)}, of these within errors: {within}")
    return "; ".join(parts) + "."


def _misfit(run: Run, name: str, prediction: Prediction) -> str:
    """Where in (a) networks are farthest from a theory within its range."""
    centres, estimate = negative_log_density(run)
    noise, dimension = np.asarray(run.system.noise_variance), float(run.system.input_dim)
    density = np.asarray(jax.vmap(lambda law: law.log_density(jnp.asarray(centres)))(prediction.law))
    told = np.broadcast_to(prediction.trustworthy, noise.shape)
    points = (estimate.mean - level_of(estimate)) / dimension
    lines = -(density - density[:, :1]) / dimension
    seen = np.isfinite(points) & np.isfinite(estimate.error) & told[:, None]
    apart = np.where(seen, points - lines, 0.0)
    if not seen.any():
        return ""
    at, q = np.unravel_index(np.argmax(np.abs(apart)), apart.shape)
    return (
        f"In (a) networks are farthest from {THEORY_NAMES.get(name, name)}, within its range, at noise {noise[at]:g} "
        f"and |q| = {centres[q]:.2f}: by {apart[at, q]:+.2f}, with a standard error of "
        f"{estimate.error[at, q] / dimension:.2f}."
    )
