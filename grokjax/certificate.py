r"""Whether an ensemble is in equilibrium: the evidence, line by line, and a verdict.

| line | in equilibrium |
|---|---|
| two starts | members and witnesses from the other start, on the same data sets, have the same time averages |
| virial | $\langle\theta\cdot\nabla U\rangle/\dim = 1$ for each layer |
| temperature | $\langle v^2\rangle = 1$ for each layer, read right after the noise, where it is exact |
| step bias | members and witnesses at half the step agree; the difference, extrapolated, is the bias |
| R-hat | chains on one data set look alike: split (halves of a chain) and nested (groups by start) |
| ESS | enough independent numbers, and the integrated autocorrelation time |
| drift | second half minus first half of the records is zero |
| diverged | no member left the finite numbers |

With a bias $c\,h^p$ the averages at $h$ and $h/2$ give $c\,h^p = (m_h-m_{h/2})/(1-2^{-p})$ and Richardson's value
$m_h - c\,h^p$.

Members on different data sets have different averages by right. So starts and steps are compared in pairs on the same
data set, and errors of a pair come from the fluctuations in time (`statistics.time_mean_error`), pooled over members;
for the step, from the scatter between pairs if that is larger, because slow modes are no evidence of a bias.

References:
    Two starts: arXiv:2306.02729. Virial and temperature: equipartition. R-hat: arXiv:1903.08008, 2110.13017.
"""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, PyTree

from . import statistics
from .statistics import Estimate, TwoStart
from .sweeps import HALF_STEP, OTHER_START, Layout


LARGEST_Z = 5.0
TOLERANCE = 0.01  # deviations of virial and temperature below this do not matter, however well they are resolved
LARGEST_RHAT = 1.1
LARGEST_NESTED_RHAT = 1.05
SMALLEST_ESS = 100.0

Number = Any  # a float or an array of floats


class StepBias(eqx.Module):
    """What the finite step does to the averages, from witnesses at half the step.

    Attributes:
        bias: of each order parameter, to be subtracted.
        richardson: the averages without it.
        order: power of the step that was assumed.
    """

    bias: dict[str, Estimate]
    richardson: dict[str, Estimate]
    order: int = eqx.field(static=True)


class Certificate(eqx.Module):
    """Evidence of equilibrium; `print` shows it. For a sweep every number has an axis (point,).

    Attributes:
        two_start: order parameters of the two starts in standard errors of their difference, None without witnesses.
        virial: by layer.
        temperature: by layer; None for dynamics without a velocity.
        step_bias: None without witnesses, or for a sampler without bias.
        rhat: split R-hat of the worst order parameter.
        nested_rhat: nested R-hat of the worst one, None without witnesses from the other start.
        ess: effective sample size of the slowest order parameter, all members together.
        autocorrelation_time: of that one, in steps.
        drift: of order parameters and energy, in standard errors.
        diverged: number of members that diverged.
        num_members: members per point.
        exact: whether the sampler has no step bias by construction.
    """

    two_start: TwoStart | None
    virial: dict[str, Estimate]
    temperature: dict[str, Estimate] | None
    step_bias: StepBias | None
    rhat: Number
    nested_rhat: Number | None
    ess: Number
    autocorrelation_time: Number
    drift: dict[str, Number]
    diverged: Number
    num_members: int = eqx.field(static=True)
    exact: bool = eqx.field(static=True)

    @property
    def checks(self) -> dict[str, bool | None]:
        """The verdict of every line; None where there is no evidence."""
        unit = lambda layers: all(_is_one(estimate) for estimate in layers.values())
        bias = self.step_bias
        return {
            "two starts": None if self.two_start is None else bool(self.two_start.agree),
            "virial": unit(self.virial),
            "temperature": True if self.temperature is None else unit(self.temperature),
            "step bias": (True if self.exact else None)
            if bias is None
            else all(_is_small(bias.bias[name], bias.richardson[name]) for name in bias.bias),
            "R-hat": bool(
                np.all(self.rhat <= LARGEST_RHAT)
                and (self.nested_rhat is None or np.all(self.nested_rhat <= LARGEST_NESTED_RHAT))
            ),
            "ESS": bool(np.all(self.ess >= SMALLEST_ESS)),
            "drift": bool(np.all([np.abs(z) <= LARGEST_Z for z in self.drift.values()])),
            "diverged": not np.any(self.diverged),
        }

    @property
    def failed(self) -> list[str]:
        """The lines that speak against equilibrium."""
        return [name for name, passed in self.checks.items() if passed is False]

    @property
    def missing(self) -> list[str]:
        """The lines without evidence."""
        return [name for name, passed in self.checks.items() if passed is None]

    @property
    def ok(self) -> bool:
        """Whether every line speaks for equilibrium; a line without evidence does not."""
        return not self.failed and not self.missing

    def __str__(self) -> str:
        if self.ok:
            verdict = "in equilibrium"
        elif self.failed:
            verdict = "NOT in equilibrium: " + ", ".join(self.failed)
        else:
            verdict = "not complete, no evidence on: " + ", ".join(self.missing)
        width = max(map(len, self.checks))
        marks = {True: "ok", False: "FAILED", None: "not checked"}
        lines = [
            f"  {name:{width}}  {marks[passed]:{11 if self.missing else 6}}  {self._evidence(name)}".rstrip()
            for name, passed in self.checks.items()
        ]
        return "\n".join([f"certificate: {verdict}", *lines])

    def _evidence(self, line: str) -> str:
        if line == "two starts":
            return "num_witnesses=0" if self.two_start is None else f"largest |z| {self.two_start.largest:.1f}"
        if line == "virial":
            return _farthest_from_one(self.virial)
        if line == "temperature":
            return "no velocity" if self.temperature is None else _farthest_from_one(self.temperature)
        if line == "step bias":
            if self.step_bias is None:
                return "none by construction" if self.exact else "no witnesses at half the step"
            return ", ".join(f"{name} {_worst(bias)}" for name, bias in self.step_bias.bias.items())
        if line == "R-hat":
            nested = "" if self.nested_rhat is None else f", nested {np.max(self.nested_rhat):.3f}"
            return f"split {np.max(self.rhat):.3f}{nested}"
        if line == "ESS":
            return f"{np.min(self.ess):.0f}, autocorrelation time {np.max(self.autocorrelation_time):.3g} steps"
        if line == "drift":
            name, z = max(self.drift.items(), key=lambda item: float(np.max(np.abs(item[1]))))
            return f"largest |z| {np.max(np.abs(z)):.1f}, of {name}"
        return f"{int(np.sum(self.diverged))} of {self.num_members * np.size(self.diverged)} networks"


def certify(
    layout: Layout,
    series: Mapping[str, Array | np.ndarray],
    energy: Array | np.ndarray,
    virial: PyTree,
    temperature: PyTree | None,
    diverged: np.ndarray,
    *,
    bias_order: int | None,
    exact: bool = False,
    steps_per_record: int,
) -> Certificate:
    """Examine an ensemble.

    Args:
        layout: members and witnesses.
        series: each order parameter, shape (entry, record), entries as in the layout.
        energy: likewise.
        virial: by layer, likewise.
        temperature: by layer, likewise, or None.
        diverged: shape (entry,).
        bias_order: power of the step in the sampler's bias, None for no unadjusted dynamics.
        exact: whether the sampler has no step bias by construction.
        steps_per_record: Langevin steps between records.
    """
    gone = layout.fold(diverged)
    clear = lambda values, lost: np.where(lost[..., None], np.nan, np.asarray(values, np.float64))
    mine = {name: clear(layout.fold(values), gone) for name, values in series.items()}

    def theirs(role):
        lost = layout.fold_witnesses(diverged, role)
        return {name: clear(layout.fold_witnesses(values, role), lost) for name, values in series.items()}

    two_start = step_bias = nested = None
    if OTHER_START in layout.roles:
        other = theirs(OTHER_START)
        first = {name: values[..., : layout.num_witnesses, :] for name, values in mine.items()}
        two_start = TwoStart({name: _pair_z(mine[name], other[name], first[name]) for name in mine}, LARGEST_Z)
        both = [np.stack([first[name], other[name]], axis=-3) for name in mine]
        nested = _largest([statistics.nested_rhat(values) for values in both])
    if HALF_STEP in layout.roles and bias_order is not None:
        step_bias = _step_bias(layout, mine, theirs(HALF_STEP), gone, bias_order)

    layers = lambda tree: {name: _unit(layout, clear(layout.fold(values), gone), gone) for name, values in tree.items()}
    ess, time = _effective_samples(mine, layout)
    energies = clear(layout.fold(energy), gone)
    return Certificate(
        two_start=two_start,
        virial=layers(virial),
        temperature=None if temperature is None else layers(temperature),
        step_bias=step_bias,
        rhat=_largest([statistics.pooled_rhat(_by_dataset(values, layout)) for values in mine.values()]),
        nested_rhat=nested,
        ess=ess,
        autocorrelation_time=time * steps_per_record,
        drift={name: _drift_z(values) for name, values in {**mine, "energy": energies}.items()},
        diverged=gone.sum(axis=-1),
        num_members=layout.num_members,
        exact=exact,
    )


def _unit(layout: Layout, values: Number, gone: np.ndarray) -> Estimate:
    """Mean of what is 1 for every member in equilibrium.

    The error is that of the fluctuations in time, if smaller than the spread of members: a bias that differs between
    data sets widens the spread and must not hide behind it.
    """
    found = layout.estimate(np.where(gone, 0, values.mean(axis=-1)), gone)
    in_time = statistics.time_mean_error(values) / np.sqrt(np.maximum((~gone).sum(axis=-1), 1))
    return Estimate(found.mean, np.fmin(found.error, in_time))


def _pair_z(mine: Number, other: Number, first: Number) -> Number:
    """Time averages of the witnesses minus those of their members, in standard errors."""
    difference = other.mean(axis=-1) - first.mean(axis=-1)
    count = np.isfinite(difference).sum(axis=-1)
    error = statistics.time_mean_error(np.concatenate([mine, other], axis=-2)) * np.sqrt(2 / count)
    return statistics.z_score(Estimate(statistics.finite_mean(difference, axis=-1), error), 0.0)


def _step_bias(layout: Layout, mine, half, gone: np.ndarray, order: int) -> StepBias:
    bias, richardson = {}, {}
    for name, values in mine.items():
        difference = values[..., : layout.num_witnesses, :].mean(axis=-1) - half[name].mean(axis=-1)
        count = np.isfinite(difference).sum(axis=-1)
        centre = statistics.finite_mean(difference, axis=-1)
        in_time = np.hypot(statistics.time_mean_error(values), statistics.time_mean_error(half[name]))
        between = np.sqrt(statistics.finite_mean((difference - centre[..., None]) ** 2, axis=-1))
        error = np.maximum(in_time / np.sqrt(count), between / np.sqrt(np.maximum(count - 1, 1)))
        factor = 1 / (1 - 2.0**-order)
        bias[name] = Estimate(factor * centre, factor * error)
        mean = layout.estimate(values.mean(axis=-1), gone)
        richardson[name] = Estimate(mean.mean - bias[name].mean, np.hypot(mean.error, bias[name].error))
    return StepBias(bias, richardson, order)


def _effective_samples(mine: Mapping[str, Number], layout: Layout) -> tuple[Number, Number]:
    """The smallest ESS over order parameters, each about its members' own means, and its time in records."""
    smallest: Any = np.full(layout.shape, np.inf)
    for values in mine.values():
        flat = values.reshape(-1, *values.shape[-2:])
        smallest = np.minimum(smallest, np.array([_ess(one) for one in flat]).reshape(layout.shape))
    records = layout.num_members * next(iter(mine.values())).shape[-1]
    with np.errstate(divide="ignore"):
        return smallest, records / smallest


def _ess(series: Number) -> float:
    series = series[np.isfinite(series).all(axis=-1)]
    centred = series - series.mean(axis=-1, keepdims=True)
    if series.shape[-1] < 4 or not len(series):
        return 0.0
    if not centred.any():
        return float(series.size)  # an order parameter that is constant, such as no droplet at all
    return min(statistics.effective_sample_size(centred), float(series.size))


def _largest(values: list[Number]) -> Number:
    return np.max(values, axis=0)


def _drift_z(values: Number) -> Number:
    """Second minus first half of the records in standard errors, all members of a point together."""
    half = values.shape[-1] // 2
    change = values[..., -half:].mean(axis=-1) - values[..., :half].mean(axis=-1) if half else values[..., 0] * np.nan
    error = 2 * statistics.time_mean_error(values) / np.sqrt(np.isfinite(change).sum(axis=-1))
    return statistics.z_score(Estimate(statistics.finite_mean(change, axis=-1), error), 0.0)


def _by_dataset(values: Number, layout: Layout) -> Number:
    """(..., member, record) as (..., dataset, chain, record)."""
    chains = layout.num_members // layout.num_datasets
    split = values.reshape(*values.shape[:-2], chains, layout.num_datasets, values.shape[-1])
    return np.moveaxis(split, -3, -2)


def _is_one(estimate: Estimate) -> bool:
    z, off = statistics.z_score(estimate, 1.0), np.abs(np.asarray(estimate.mean) - 1)
    return bool(np.all((np.abs(z) <= LARGEST_Z) | (off <= TOLERANCE)))


def _is_small(bias: Estimate, value: Estimate) -> bool:
    """Whether a bias is not resolved, or below the statistical error of the value it belongs to."""
    z = np.abs(statistics.z_score(bias, 0.0))
    return bool(np.all((z <= LARGEST_Z) | (np.abs(bias.mean) <= np.asarray(value.error))))


def _worst(estimate: Estimate) -> Estimate:
    """The point of a sweep that is farthest from zero in standard errors."""
    mean, error = np.atleast_1d(estimate.mean), np.atleast_1d(estimate.error)
    worst = int(np.argmax(np.abs(np.atleast_1d(statistics.z_score(estimate, 0.0)))))
    return Estimate(mean[worst], error[worst])


def _farthest_from_one(layers: Mapping[str, Estimate]) -> str:
    shifted = {name: Estimate(np.asarray(each.mean) - 1, each.error) for name, each in layers.items()}
    parts = []
    for name, estimate in shifted.items():
        worst = _worst(estimate)
        parts.append(f"{name} {Estimate(worst.mean + 1, worst.error)}")
    return ", ".join(parts)
