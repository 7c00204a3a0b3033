r"""The road of simulation: ensembles of quadratic networks sampled from their posterior by Langevin dynamics.

Members differ by seed, by training set where it is a fraction of the table, and by hyperparameters: a sweep is more
members in the same compiled call. The energy is of high order in the weights, so its curvature grows where neurons
specialise; the default step is taken from the curvature measured there. Nothing here knows the theory.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ... import ensemble
from ...certificate import Certificate
from ...evidence.statistics import Estimate
from ...observables import Histogram, Series
from ...samplers import ExchangeReport, ReplicaExchange, UnderdampedLangevin, largest_curvatures
from ...samplers.base import AbstractSampler
from ...simulation import AbstractRun, Sample, layout_of, sample
from ...sweeps import Layout
from .measurements import HISTOGRAM_REACH, NUM_BINS, Features, Learned, PairBin
from .order_parameters import OrderParameters
from .problem import prepare
from .system import ModularAddition


CERTIFIED = ("discrepancy", "side_weight", "overlap_moment")
LARGEST_STEP = 0.3
STEP_FRACTION = 0.5  # default step in units of one over the largest frequency of specialised neurons


class PairCounts(eqx.Module):
    """Histogram of (X, V) over neurons and frequencies; pairs outside fall into the outermost cells.

    Attributes:
        counts: shape (..., member, x, v).
        edges: borders of the cells in units of $x^*$, the same on both axes.
    """

    counts: np.ndarray
    edges: np.ndarray

    def density(self, members: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Mean probability density over the chosen members of the last point axis, in units of $x^{*-2}$."""
        counts = self.counts[..., members, :, :].sum(axis=-3)
        return counts / counts.sum(axis=(-2, -1), keepdims=True) / np.diff(self.edges)[0] ** 2


class Run(AbstractRun):
    r"""Order parameters of an ensemble with their errors, and how they were obtained.

    For a system whose fields are arrays of shape (point,) every estimate has that shape; series have shape
    (point, member, record), or (member, record) for a single system.

    Attributes:
        system: what was simulated.
        discrepancy: $a$ over the whole table.
        side_weight: fraction of specialised pairs.
        overlap_moment: $\langle XV\rangle$.
        target_eigenvalue: $4P^2\sigma_a^2\langle XV\rangle$.
        single_frequency: fraction of neurons specialised at exactly one frequency.
        phase_coherence: mean cosine between read-out phase and the sum of read-in phases over specialised pairs.
        occupation: fraction of neurons specialised at each frequency, shape (..., pair).
        series: every measurement of each member at each record, errors and accuracies on training and test set among
            them.
        counts: histogram of (X, V).
        diverged: which members were left out.
        step_size: the sampler's step, nan if it has none.
        start: "prior" or "frequencies".
        layout: points, members and data sets.
        ensemble: the run itself: plan, timing, last states.
        certificate: the evidence of equilibrium.
        steps_per_call: Langevin steps in one step of the sampler, more than one with replica exchange.
        exchange: how replicas travelled the ladder, None without one.
    """

    system: ModularAddition
    discrepancy: Estimate
    side_weight: Estimate
    overlap_moment: Estimate
    target_eigenvalue: Estimate
    single_frequency: Estimate
    phase_coherence: Estimate
    occupation: Estimate
    series: dict[str, Any]
    counts: PairCounts
    diverged: np.ndarray
    step_size: np.ndarray
    start: str = eqx.field(static=True)
    layout: Layout
    ensemble: ensemble.EnsembleRun
    certificate: Certificate
    steps_per_call: int = eqx.field(static=True)
    exchange: ExchangeReport | None

    @property
    def order_parameters(self) -> OrderParameters:
        """What is compared with theory."""
        return OrderParameters(self.discrepancy, self.side_weight, self.overlap_moment, self.target_eigenvalue)

    @property
    def drift(self) -> dict[str, Estimate]:
        """Second half minus first half of the records, for each order parameter; 0 in equilibrium."""
        half = self.series["side_weight"].shape[-1] // 2
        change = lambda values: self.estimate(values[..., -half:] - values[..., :half])
        return {name: change(self.series[name]) for name in ("discrepancy", "side_weight", "overlap_moment")}

    def __str__(self) -> str:
        steps = self.steps_per_call * self.ensemble.num_steps
        lines = [f"{self.diverged.size} networks, {steps} steps, start {self.start!r}"]
        names = ("discrepancy", "side_weight", "overlap_moment", "single_frequency", "phase_coherence")
        lines += [f"  {name:16} {getattr(self, name)}" for name in names]
        lines += [] if self.exchange is None else [str(self.exchange)]
        return "\n".join([*lines, str(self.certificate)])


def simulate(
    key: Key[Array, ""],
    system: ModularAddition,
    *,
    num_members: int = 4,
    num_steps: int = 8000,
    warmup: int | None = None,
    start: str = "prior",
    sampler: AbstractSampler | None = None,
    num_datasets: int | None = None,
    num_witnesses: int | None = None,
    exchange: ReplicaExchange | None = None,
    dtype: Any = jnp.float32,
    progress: bool = True,
    **options: Any,
) -> Run:
    """Sample an ensemble of networks and measure the order parameters of the system.

    Args:
        key: random key of everything.
        system: concrete sizes; other fields may be arrays of shape (point,), a sweep in one call.
        num_members: networks per point.
        num_steps: Langevin steps in all.
        warmup: steps before the first record; a third of `num_steps` unless given.
        start: "prior" (cold: a draw from the Gaussian part of the prior) or "frequencies" (hot: every neuron a cosine
            of one random frequency with random phases and X = V = x*, read-outs drawn given the read-ins).
        sampler: `UnderdampedLangevin` with the step of `safe_step_size` unless given; its fields may have shape
            (point,). A step size of None is chosen from the curvature at the start, and again half-way through the
            warm-up.
        num_datasets: training sets per point, `num_members` unless given; it must divide `num_members`. For the whole
            table all sets are the same and this is ignored.
        num_witnesses: networks per point that start from the other side, and as many at half the step, as evidence for
            the certificate; they enter no average. An eighth of the members unless given, and two at least.
        exchange: a ladder of noises. Every member becomes a ladder of replicas, its rungs are the points of the run,
            and the system's own noise is not used.
        dtype: float type of the networks.
        progress: whether to show a progress bar and print the certificate.
        **options: further arguments of `ensemble.run`, such as `num_chunks` or `checkpoint`.

    Returns:
        A `Run`; every estimate has `.mean` and `.error` over members (over data sets where members share them).

    Raises:
        ValueError: a size is not concrete, the start is unknown, the step size is unstable, or no member survived.
    """
    if bool(jnp.all(system.training_fraction == 1)):
        num_datasets = None
    if sampler is None:
        swept = system if exchange is None else system.replace(noise_variance=exchange.noise_variances)
        sampler = UnderdampedLangevin(step_size=safe_step_size(key, swept, dtype=dtype))
    system, layout = layout_of(system, sampler, num_members, num_datasets, num_witnesses, exchange)
    problem_key, run_key = jax.random.split(key)
    problem = prepare(problem_key, system, layout, start=start, dtype=dtype)
    target = problem.target
    scales, well_position = target.prior_scales, layout.members(system.well_position, dtype)
    drawn = sample(
        run_key,
        layout,
        sampler,
        target,
        problem.positions,
        {
            "learned": Series(Learned(scales, target.inputs)),
            "features": Series(Features(scales, well_position)),
            "pairs": Histogram(PairBin(scales, well_position), 0.0, float(NUM_BINS**2), NUM_BINS**2),
        },
        num_steps=num_steps,
        warmup=warmup,
        exchange=exchange,
        progress=progress,
        **{"label": f"{start} start", **options},
    )
    run = _collect(system, layout, drawn, sampler, start)
    if progress:
        print(run.certificate)
    return run


def _collect(system, layout: Layout, drawn: Sample, sampler, start: str) -> Run:
    counts = layout.fold(drawn.results["pairs"].counts)
    measured = {**drawn.results["learned"], **drawn.results["features"]}
    diverged = layout.fold(drawn.diverged)
    series = layout.fold({"energy": drawn.energy, "virial": drawn.virial, **measured})
    certificate = drawn.certificate(layout, {name: measured[name] for name in CERTIFIED})

    estimate = lambda name: layout.estimate(series[name].mean(axis=-1), diverged)
    moment = estimate("overlap_moment")
    per_moment = np.asarray(4 * system.prime**2 * system.readout_variance)
    side = series["side_weight"].mean(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        coherence = series["alignment"].mean(axis=-1) / side
    occupation = np.moveaxis(series["occupation"].mean(axis=-2), -1, 0)
    occupied = layout.estimate(occupation, diverged)
    return Run(
        system=system,
        discrepancy=estimate("discrepancy"),
        side_weight=estimate("side_weight"),
        overlap_moment=moment,
        target_eigenvalue=Estimate(per_moment * moment.mean, per_moment * moment.error),
        single_frequency=estimate("single_frequency"),
        phase_coherence=layout.estimate(coherence, diverged | (side == 0)),
        occupation=Estimate(np.moveaxis(occupied.mean, 0, -1), np.moveaxis(occupied.error, 0, -1)),
        series=series,
        counts=PairCounts(
            counts.reshape(*counts.shape[:-1], NUM_BINS, NUM_BINS), np.linspace(0, HISTOGRAM_REACH, NUM_BINS + 1)
        ),
        diverged=diverged,
        step_size=np.asarray(getattr(sampler, "step_size", np.nan)),
        start=start,
        layout=layout,
        ensemble=drawn.ensemble,
        certificate=certificate,
        steps_per_call=drawn.steps_per_call,
        exchange=drawn.exchange,
    )


def safe_step_size(
    key: Key[Array, ""], system: ModularAddition, *, dtype: Any = jnp.float32
) -> Float[Array, "*points"]:
    r"""A BAOAB step for `system`: half of $1/\sqrt{\lambda_{max}}$ with every neuron specialised, at most 0.3.

    The limit of stability is $2/\sqrt{\lambda_{max}}$; the margin of four is for neurons beyond $x^*$, where the
    sextic decay has a curvature of $5\gamma X^2$, 15 at $x^*$.
    """
    layout = Layout.of(system, 1)
    problem_key, power_key = jax.random.split(key)
    problem = prepare(problem_key, system, layout, start="frequencies", dtype=dtype)
    curvature = largest_curvatures(power_key, problem.target, problem.positions)
    step = jnp.minimum(LARGEST_STEP, STEP_FRACTION / jnp.sqrt(curvature)).astype(float)
    return step if layout.shape else step[0]
