"""Captions of the figures of `plot.order` and `plot.learning`: what is seen, and in words what agrees and what differs.

Each takes what its figure takes. Points differ from their line beyond five standard errors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..evidence.profile import STANDARD_ERRORS
from ..evidence.statistics import LARGEST_Z, over_members


def energy_and_capacity(
    measured: Mapping[str, Any],
    theory: Mapping[str, tuple[Any, Any, Any]],
    *,
    kink: tuple[float, float] | None = None,
) -> str:
    """The caption of `plot.order.energy_and_capacity`.

    Examples:
        >>> from grokjax import plot
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> free = grokjax.free_energy(run)
        >>> plot.captions.energy_and_capacity({"M = 20": free}, {})
        '(a) Energy and (b) heat capacity per sample over the noise. ... M = 20 (n = 20, 1). ...'
    """
    energy, capacity = {}, {}
    for name, free in measured.items():
        if name in theory:
            noise, *lines = theory[name]
            for z, values, line in zip((energy, capacity), (free.energy, free.heat_capacity), lines, strict=True):
                n = free.num_samples
                z[name] = _z(free.noise_variance, values.mean / n, values.error / n, noise, line)
    sizes = ", ".join(f"{name} (n = {f.num_samples}, {len(f.energy.per_dataset)})" for name, f in measured.items())
    words = [
        "(a) Energy and (b) heat capacity per sample over the noise. Points: mean over data sets and its standard "
        f"error; (number of samples, of data sets): {sizes}.",
        "Solid lines: theory at the same size; dashed: at other sizes.",
    ]
    if kink is not None:
        words.append(f"Star and dotted line: kink of the energy and onset in the limit, at noise {kink[0]:.3g}.")
    return _joined(*words, _verdict("(a)", energy), _verdict("(b)", capacity))


def distributions(evidence: Mapping[str, Any], droplets: Mapping[str, tuple[Any, Any, Any]] | None = None) -> str:
    """The caption of `plot.order.distributions`.

    Examples:
        >>> from grokjax import plot
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> free = grokjax.free_energy(run)
        >>> sizes = grokjax.order_of_transition(free).sizes
        >>> plot.captions.distributions({"cubic unit": sizes[0]})
        'Law of the data energy where the heat capacity is largest, ... Two peaks, a valley of depth in brackets: ...'
    """
    valley = {name: each.valley for name, each in evidence.items()}
    two = [f"{name} ({v})" for name, v in valley.items() if float(v.mean) > STANDARD_ERRORS * float(v.error)]
    words = (
        f"{'(a) ' if droplets else ''}Law of the data energy where the heat capacity is largest, standardised on each "
        "data set before data sets are averaged; error bars over data sets, lines join the points, dashed: a normal "
        f"law. Two peaks, a valley of depth in brackets: {', '.join(two) or 'nowhere'}."
    )
    if not droplets:
        return words
    return (
        f"{words} (b) Minus log of the law of the number of specialised neurons, about the mean of each data set. With "
        "one minimum there is no barrier between networks that differ in this number."
    )


def neuron_profiles(measured: Mapping[str, Any], theory: Mapping[str, tuple[Any, Any]], *, top: float = 14) -> str:
    """The caption of `plot.order.neuron_profiles`.

    Examples:
        >>> from grokjax import plot
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> free = grokjax.free_energy(run)
        >>> from grokjax.evidence.profile import profiles
        >>> plot.captions.neuron_profiles({"noise 2": profiles(free)[0]}, {})
        "Minus log of the density of a neuron... From the centre: noise 2: ..."
    """
    z, wells = {}, []
    for name, each in measured.items():
        barrier = f"barrier {each.from_centre} nats" if np.isfinite(each.from_centre.mean) else "one well resolved"
        wells.append(f"{name}: {barrier}")
        if name in theory:
            q, action = theory[name]
            seen = np.isfinite(each.values.mean) & (np.asarray(each.values.error) > 0)
            x, mean, error = (np.asarray(v)[seen] for v in (each.positions, each.values.mean, each.values.error))
            z[name] = _z(x, mean, error, q, np.asarray(action) - np.min(action))
    return _joined(
        "Minus log of the density of a neuron's alignment with the teacher, zero at its minimum. Points: networks with "
        "one standard error, hollow where a noise is measured a second time; lines: theory, not fitted. "
        f"From the centre: {'; '.join(wells)}.",
        _verdict("Profiles", z),
        f"Bins with errors above {top:g} nats are left out.",
    )


def evidence_per_dataset(measured: Mapping[str, Any], theory: Mapping[str, Mapping[str, Any]]) -> str:
    """The caption of `plot.order.evidence_per_dataset`.

    Examples:
        >>> from grokjax import plot
        >>> measured, theory = {"N = 22": np.array([-5.0, -7.0])}, {"N = 22": {"one loop": np.array([-4.0, -7.5])}}
        >>> plot.captions.evidence_per_dataset(measured, theory)
        "Log evidence L of the coldest rung ... Mean difference: N = 22, one loop: -0.25(75) nats, median -0.2."
    """
    rows = []
    for label, values in measured.items():
        for name, expected in theory[label].items():
            gap = np.asarray(values) - np.asarray(expected)
            gap = gap[np.isfinite(gap)]
            rows.append(
                f"{label}, {name}: {over_members(gap) if gap.size > 1 else gap.sum()} nats, median {np.median(gap):.1f}"
            )
    return (
        "Log evidence L of the coldest rung relative to the hottest, networks minus theory on the same data set. The "
        "scatter of L itself, below the axis, is that of the targets' power; pairing removes it. Nothing is fitted. "
        f"Mean difference: {'; '.join(rows)}."
    )


def growth(evidence: Mapping[str, Sequence[Any]], exact: Mapping[str, tuple[Any, Any, Any]]) -> str:
    """The caption of `plot.order.growth`.

    Examples:
        >>> from grokjax import plot
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> free = grokjax.free_energy(run)
        >>> sizes = grokjax.order_of_transition(free).sizes
        >>> plot.captions.growth({"cubic unit": sizes}, {})
        '(a) Largest heat capacity per sample ... (a) is multiplied by: one size only.'
    """
    capacity, slope, factors = {}, {}, []
    for name, sizes in evidence.items():
        n = np.array([each.size for each in sizes], float)
        first, last = float(sizes[0].capacity.mean), float(sizes[-1].capacity.mean)
        if len(sizes) > 1:
            factors.append(f"{name} {last / first:.2g} (n from {n[0]:g} to {n[-1]:g})")
        if name in exact:
            for z, attribute, line in zip((capacity, slope), ("capacity", "slope"), exact[name][1:], strict=True):
                values = [getattr(each, attribute) for each in sizes]
                mean, error = (np.array([float(getattr(v, kind)) for v in values]) for kind in ("mean", "error"))
                z[name] = _z(n, mean, error, exact[name][0], line)
    return _joined(
        "(a) Largest heat capacity per sample and (b) its steepest slope over the number of samples, with one standard "
        "error. First order: both grow, (a) in proportion to n; continuous: (a) saturates, (b) grows; crossover: "
        "neither grows.",
        "Lines: exact." if exact else "",
        f"(a) is multiplied by: {', '.join(factors) or 'one size only'}.",
        _verdict("(a)", capacity),
        _verdict("(b)", slope),
    )


def kinetics(
    escapes: Mapping[str, tuple[Sequence[Any], Sequence[Any]]],
    exact: Mapping[str, tuple[Any, Any]],
    loops: Mapping[str, Sequence[Any]],
    works: Mapping[str, tuple[Any, Any]],
) -> str:
    """The caption of `plot.order.kinetics`.

    Examples:
        >>> from grokjax import plot
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=1.0)
        >>> waited = pu.escapes(jax.random.key(0), system, beyond=0.8, num_members=64, num_steps=2000)
        >>> once = pu.loop(jax.random.key(0), system, low=0.4, high=2.5, rate=0.3, num_members=16)
        >>> escapes, loops = {"cubic unit": ([grokjax.Estimate(1.0, 0.1)], [waited])}, {"cubic unit": [once]}
        >>> plot.captions.kinetics(escapes, {}, loops, {})
        '(a) Mean first-passage time ... in (b): cubic unit without theory. ...'
    """
    times = {
        name: ([float(b.mean) for b in barriers], [each.mean_time.mean for each in found])
        for name, (barriers, found) in escapes.items()
    }
    spent = {name: ([r.rate for r in ramps], [r.work.mean for r in ramps]) for name, ramps in loops.items()}
    return (
        "(a) Mean first-passage time from the centre to the side well against the barrier measured in equilibrium, "
        "and (b) work of a loop of 1/noise against its rate, with one standard error. Lines, and a star where there "
        f"is one number: theory, not fitted. Measured over theory in (a): {_ratios(times, exact)}; in (b): "
        f"{_ratios(spent, works)}. Slow loops cost in proportion to their rate."
    )


def learning_curves(
    time: Mapping[str, Any],
    losses: Mapping[str, Any],
    overlaps: Mapping[str, Any],
    theory: Mapping[str, Mapping[str, float]] | None = None,
) -> str:
    """The caption of `plot.learning.learning_curves`.

    Examples:
        >>> from grokjax import plot
        >>> time, curves = {"N = 22": np.geomspace(0.1, 10, 5)}, np.linspace(2.0, 1.0, 10).reshape(2, 5)
        >>> losses, overlaps = {"N = 22": {"training": curves, "test": 2 * curves}}, {"N = 22": {"linear": 1 / curves}}
        >>> plot.captions.learning_curves(time, losses, overlaps, {"N = 22": {"linear": 0.9}})
        '(a) Mean squared errors (training, test) ... N = 22 linear 0.82(18), theory 0.9.'
    """
    first = next(iter(overlaps.values()))
    members = len(next(iter(first.values())))
    parts = ", ".join(f"({letter}) {kind}" for letter, kind in zip("bcdef", first, strict=False))
    words = (
        f"(a) Mean squared errors ({', '.join(next(iter(losses.values())))}) and the overlaps {parts} with the "
        f"components of the target against time; lines and bands: mean and standard deviation over {members} networks "
        "of each size."
    )
    if theory is None:
        return words
    ends = []
    for name, curves in overlaps.items():
        tail = max(1, len(time[name]) // 5)
        for kind, values in curves.items():
            end = over_members(np.asarray(values)[:, -tail:].mean(axis=1))
            ends.append(f"{name} {kind} {end}, theory {theory[name][kind]:.3g}")
    return f"{words} Dotted: theory in equilibrium. Over the last fifth of the records: {'; '.join(ends)}."


def learned_over_size(measured: Mapping[str, tuple[Any, Any, Any]], theory: Mapping[str, tuple[Any, Any]]) -> str:
    """The caption of `plot.learning.learned_over_size`.

    Examples:
        >>> from grokjax import plot
        >>> measured = {"d = 12": ([30, 60, 120], [0.1, 0.2, 0.3], [0.01, 0.01, 0.01])}  # n, share, error
        >>> theory = {"d = 12": ([30, 60, 120], [0.1, 0.2, 0.4])}
        >>> plot.captions.learned_over_size(measured, theory)
        'Learned share ... theory differs by more than 5 standard errors, d = 12 by up to 10.'
    """
    z = {name: _z(*values, *theory[name]) for name, values in measured.items() if name in theory}
    return _joined(
        "Learned share of the cubic component, points with one standard error.",
        "Lines: theory, not fitted." if theory else "",
        _verdict("Networks", z),
    )


def symmetry_breaking(measured: Mapping[str, tuple[Any, Any, Any]], strengths: Mapping[str, float]) -> str:
    """The caption of `plot.learning.symmetry_breaking`.

    Examples:
        >>> from grokjax import plot
        >>> measured = {"h = 1": ([0.1, 0.2], [0.21, 0.38], [0.02, 0.02])}  # q, log ratio, error
        >>> plot.captions.symmetry_breaking(measured, {"h = 1": 1.0})
        'A field -h sum q on the neurons: ... within 5 standard errors of theory (at most 1.0).'
    """
    z = {name: (np.asarray(r) - 2 * strengths[name] * np.asarray(q)) / e for name, (q, r, e) in measured.items()}
    return (
        "A field -h sum q on the neurons: flipping the signs of one leaves the output as it is, so that p(q)/p(-q) = "
        f"exp(2hq) exactly, the lines. Points: histograms of networks, one standard error. {_verdict('Networks', z)}"
    )


def _z(x: Any, mean: Any, error: Any, line_x: Any, line_y: Any) -> np.ndarray:
    """Distances from a line in standard errors; nothing beyond its ends."""
    line_x, line_y = np.asarray(line_x, float), np.asarray(line_y, float)
    order = np.argsort(line_x)
    expected = np.interp(np.asarray(x, float), line_x[order], line_y[order], left=np.nan, right=np.nan)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (np.asarray(mean, float) - expected) / np.asarray(error, float)


def _verdict(subject: str, z: Mapping[str, Any]) -> str:
    """Who differs from their line, and by how much; empty without any line."""
    finite = {name: np.abs(values)[np.isfinite(values)] for name, values in z.items()}
    worst = {name: values.max() for name, values in finite.items() if values.size}
    if not worst:
        return ""
    far = [f"{name} by up to {value:.0f}" for name, value in worst.items() if value > LARGEST_Z]
    if far:
        return f"{subject}: theory differs by more than {LARGEST_Z:g} standard errors, {', '.join(far)}."
    return f"{subject}: within {LARGEST_Z:g} standard errors of theory (at most {max(worst.values()):.1f})."


def _ratios(measured: Mapping[str, tuple[Any, Any]], theory: Mapping[str, tuple[Any, Any]]) -> str:
    """Ranges of measured over theory by label, interpolated in logarithms."""
    found = []
    for name, (x, y) in measured.items():
        if name not in theory:
            found.append(f"{name} without theory")
            continue
        line_x, line_y = (np.atleast_1d(np.asarray(values, float)) for values in theory[name])
        order = np.argsort(line_x)
        ratio = np.asarray(y, float) / np.exp(np.interp(x, line_x[order], np.log(line_y[order])))
        found.append(f"{name} {ratio.min():.2f}" + (f" to {ratio.max():.2f}" if ratio.size > 1 else ""))
    return ", ".join(found) or "nothing"


def _joined(*sentences: str) -> str:
    """One text of those that are not empty."""
    return " ".join(filter(None, sentences))
