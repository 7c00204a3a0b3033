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
| precision | matrix products below float32 neither heat nor shift the virial; only where they were used |

With a bias $c\,h^p$ the averages at $h$ and $h/2$ give $c\,h^p = (m_h-m_{h/2})/(1-2^{-p})$ and Richardson's value
$m_h - c\,h^p$.

`examination.certify` computes it.

References:
    Two starts: arXiv:2306.02729. Virial and temperature: equipartition. R-hat: arXiv:1903.08008, 2110.13017.
"""

import functools
from collections.abc import Iterable, Mapping
from typing import Any

import equinox as eqx
import numpy as np

from .._printing import html_table
from ..samplers.force_error import LARGEST_HEAT, LARGEST_PULL, ForceError
from . import statistics
from .statistics import LARGEST_Z, Estimate, TwoStart


TOLERANCE = 0.01  # deviations of virial and temperature below this do not matter, however well they are resolved
LARGEST_RHAT = 1.1
LARGEST_NESTED_RHAT = 1.05
SMALLEST_ESS = 100.0

MARKS = {True: "ok", False: "FAILED", None: "not checked"}
LIMITS = {
    "two starts": f"|z| {LARGEST_Z:g}",
    "virial": f"|z| {LARGEST_Z:g} or {TOLERANCE:g}",
    "temperature": f"|z| {LARGEST_Z:g} or {TOLERANCE:g}",
    "step bias": f"|z| {LARGEST_Z:g} or the statistical error",
    "R-hat": f"{LARGEST_RHAT:g}, nested {LARGEST_NESTED_RHAT:g}",
    "ESS": f"{SMALLEST_ESS:g}",
    "drift": f"|z| {LARGEST_Z:g}",
    "diverged": "0",
    "precision": f"heat {LARGEST_HEAT:g}, virial {LARGEST_PULL:g}",
}

Number = Any  # a float or an array of floats


class StepBias(eqx.Module):
    """What the finite step does to the averages, from witnesses at half the step.

    Attributes:
        bias: of each order parameter, to be subtracted.
        richardson: the averages without it.
        order: power of the step that was assumed.

    Examples:
        >>> from grokjax.evidence.examination import certify
        >>> layout = grokjax.ensemble.Layout.of((), 2, roles=(grokjax.ensemble.HALF_STEP,), num_witnesses=2)
        >>> series = {"overlap": np.repeat([1.5, 1.5, 1.125, 1.125], 60).reshape(4, 60)}
        >>> options = {"bias_order": 2, "steps_per_record": 1}
        >>> found = certify(layout, series, None, None, None, np.zeros(4, bool), **options).step_bias
        >>> print(found.bias["overlap"], found.richardson["overlap"])
        0.5 1
    """

    bias: dict[str, Estimate]
    richardson: dict[str, Estimate]
    order: int = eqx.field(static=True)


class Certificate(eqx.Module):
    """Evidence of equilibrium; `print` shows it. For a sweep every number has an axis (point,).

    Attributes:
        two_start: order parameters of the two starts in standard errors of their difference, None without witnesses.
        virial: by layer; None for dynamics without a gradient, empty where it was not followed.
        temperature: by layer; None for dynamics without a velocity, empty likewise.
        step_bias: None without witnesses, or for a sampler without bias.
        rhat: split R-hat of the worst order parameter.
        nested_rhat: nested R-hat of the worst one, None without witnesses from the other start.
        ess: effective sample size of the slowest order parameter, all members together.
        autocorrelation_time: of that one, in steps.
        drift: of order parameters and energy, in standard errors.
        diverged: number of members that diverged.
        num_members: members per point.
        exact: whether the sampler has no step bias by construction.
        precision: of the matrix products.
        force_error: what a lower one than float32 did to the forces.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> run = pu.simulate(jax.random.key(0), system, num_members=4, num_steps=60, progress=False)
        >>> run.certificate.exact, run.certificate.missing, run.certificate.checks["step bias"]
        (True, [], True)
    """

    two_start: TwoStart | None
    virial: dict[str, Estimate] | None
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
    precision: str = eqx.field(static=True, default="highest")
    force_error: ForceError | None = None

    @property
    def passed(self) -> dict[str, Any]:
        """The verdict of every line at every point of the sweep; None where there is no evidence."""
        unit = lambda layers: _everywhere(_is_one(estimate) for estimate in layers.values()) if layers else None
        bias, starts, nested = self.step_bias, self.two_start, self.nested_rhat
        agree = lambda scores, limit: _everywhere(np.abs(z) <= limit for z in scores.values())
        return {
            "two starts": None if starts is None else agree(starts.z_score, starts.threshold),
            "virial": True if self.virial is None else unit(self.virial),
            "temperature": True if self.temperature is None else unit(self.temperature),
            "step bias": (True if self.exact else None)
            if bias is None
            else _everywhere(_is_small(bias.bias[name], bias.richardson[name]) for name in bias.bias),
            "R-hat": (self.rhat <= LARGEST_RHAT) & (True if nested is None else nested <= LARGEST_NESTED_RHAT),
            "ESS": self.ess >= SMALLEST_ESS,
            "drift": agree(self.drift, LARGEST_Z),
            "diverged": np.asarray(self.diverged) == 0,
            **({} if self.force_error is None else {"precision": self.force_error.admissible}),
        }

    @property
    def checks(self) -> dict[str, bool | None]:
        """The verdict of every line; None where there is no evidence."""
        return {name: None if passed is None else bool(np.all(passed)) for name, passed in self.passed.items()}

    @property
    def failed_at(self) -> Any:
        """The points of the sweep where some line speaks against equilibrium."""
        return np.logical_not(_everywhere(passed for passed in self.passed.values() if passed is not None))

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

    @property
    def verdict(self) -> str:
        """In words."""
        if self.ok:
            return "in equilibrium"
        if self.failed:
            return "NOT in equilibrium: " + ", ".join(self.failed)
        return "not complete, no evidence on: " + ", ".join(self.missing)

    def _repr_html_(self) -> str:
        limit = lambda name, passed: str(LIMITS[name]) if passed is False else ""
        rows = [(name, MARKS[ok], self._evidence(name), limit(name, ok)) for name, ok in self.checks.items()]
        return html_table(f"certificate: {self.verdict}", ("line", "", "evidence", "limit"), rows)

    def __str__(self) -> str:
        width = max(map(len, self.checks))
        lines = [
            f"  {name:{width}}  {MARKS[passed]:{11 if self.missing else 6}}  {self._evidence(name)}"
            f"{'' if passed is not False else f' (limit {LIMITS[name]})'}".rstrip()
            for name, passed in self.checks.items()
        ]
        return "\n".join([f"certificate: {self.verdict}", *lines])

    def __repr__(self) -> str:
        return str(self)

    def _evidence(self, line: str) -> str:
        if line == "two starts":
            if self.two_start is None:
                return "no witnesses from another start"
            return f"largest |z| {self.two_start.largest:.1f}, of {_worst_name(self.two_start.z_score)}"
        if line == "virial":
            return "no gradient" if self.virial is None else _farthest_from_one(self.virial) or "not followed"
        if line == "temperature":
            return "no velocity" if self.temperature is None else _farthest_from_one(self.temperature) or "not followed"
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
            name, z = max(self.drift.items(), key=lambda item: _size(item[1]))
            return f"largest |z| {np.max(np.abs(z)):.1f}, of {name}{_where(z)}"
        if line == "precision":
            return str(self.force_error)
        return f"{int(np.sum(self.diverged))} of {self.num_members * np.size(self.diverged)} networks"


def _everywhere(verdicts: Iterable[Any]) -> np.ndarray:
    """The points where every verdict is good."""
    return np.asarray(functools.reduce(np.logical_and, verdicts, np.asarray(True)))


def _is_one(estimate: Estimate) -> Any:
    z, off = statistics.z_score(estimate, 1.0), np.abs(np.asarray(estimate.mean) - 1)
    return (np.abs(z) <= LARGEST_Z) | (off <= TOLERANCE)


def _is_small(bias: Estimate, value: Estimate) -> Any:
    """Where a bias is not resolved, or below the statistical error of the value it belongs to."""
    z = np.abs(statistics.z_score(bias, 0.0))
    return (z <= LARGEST_Z) | (np.abs(bias.mean) <= np.asarray(value.error))


def _worst(estimate: Estimate) -> Estimate:
    """The point of a sweep that is farthest from zero in standard errors."""
    mean, error = np.ravel(estimate.mean), np.ravel(estimate.error)
    worst = int(np.argmax(np.abs(np.ravel(statistics.z_score(estimate, 0.0)))))
    return Estimate(mean[worst], error[worst])


def _farthest_from_one(layers: Mapping[str, Estimate]) -> str:
    shifted = {name: Estimate(np.asarray(each.mean) - 1, each.error) for name, each in layers.items()}
    parts = []
    for name, estimate in shifted.items():
        worst = _worst(estimate)
        parts.append(f"{name} {Estimate(worst.mean + 1, worst.error)}")
    return ", ".join(parts)


def _size(z: Number) -> float:
    """The largest |z| of a sweep; nan counts as nothing."""
    return float(np.max(np.abs(np.nan_to_num(np.asarray(z, float), posinf=np.inf, neginf=-np.inf))))


def _where(z: Number) -> str:
    """The point of the largest |z|, in words; nothing for a single system."""
    if not np.ndim(z):
        return ""
    worst = np.unravel_index(int(np.nanargmax(np.abs(z))), np.shape(z))
    return f" at point {worst[0] if len(worst) == 1 else tuple(map(int, worst))}"


def _worst_name(scores: Mapping[str, Number]) -> str:
    """The order parameter of the largest |z|, and its point."""
    name, z = max(scores.items(), key=lambda item: _size(item[1]))
    return name + _where(z)
