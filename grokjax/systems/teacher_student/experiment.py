r"""The road of simulation: ensembles of students sampled from their posterior by Langevin dynamics.

Every member has its own data set (or shares it with a few seeds), its own teacher direction and its own
hyperparameters; a sweep over a hyperparameter is more members in the same compiled call. Nothing here knows the theory.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from ... import ensemble, io, statistics
from ..._checks import check_at_least, check_whole
from ...certificate import Certificate
from ...observables import Counts, Histogram, Series
from ...samplers import DropletMoves, ExchangeReport, Langevin, ReplicaExchange, UnderdampedLangevin, WithDropletMoves
from ...samplers.base import AbstractSampler
from ...samplers.droplet_moves import data_directions
from ...simulation import AbstractRun, layout_of, sample
from ...statistics import Estimate
from ...sweeps import Layout
from ...tiling import choose_tiling
from .measurements import FreshOverlap, NeuronOverlap, SideWeight
from .order_parameters import OrderParameters
from .problem import prepare
from .system import TeacherStudent


HISTOGRAM_RANGE = (-2.0, 2.0)
HISTOGRAM_BINS = 160


class Run(AbstractRun):
    """Order parameters of an ensemble with their errors, and how they were obtained.

    For a system whose fields are arrays of shape (point,) every estimate has that shape; series have shape
    (point, member, record), or (member, record) for a single system.

    Attributes:
        system: what was simulated.
        overlap: `{k: Estimate}` of $\\langle f, He_k\\rangle/k!$ on fresh test points.
        side_weight: fraction of neurons with $|q|>1/2$.
        series: overlap, side weight, energy and virials of each member at each record.
        counts: histogram of $q$, counts of shape (point, member, bin).
        diverged: which members were left out.
        start: "prior" or "droplets".
        layout: members and data sets per point; errors are over data sets.
        ensemble: the run itself: plan, timing, last states.
        certificate: the evidence of equilibrium.
        steps_per_call: Langevin steps in one step of the sampler, more than one with droplet moves or exchange.
        exchange: how replicas travelled the ladder, None without one.
        droplet_acceptance: of droplet moves, None without them.
    """

    system: TeacherStudent
    overlap: dict[int, Estimate]
    side_weight: Estimate
    series: dict[str, Any]
    counts: Counts
    diverged: np.ndarray
    start: str = eqx.field(static=True)
    layout: Layout
    ensemble: ensemble.EnsembleRun
    certificate: Certificate
    steps_per_call: int = eqx.field(static=True)
    exchange: ExchangeReport | None
    droplet_acceptance: float | None

    @property
    def order_parameters(self) -> OrderParameters:
        """What is compared with theory."""
        return OrderParameters(self.overlap, self.side_weight)

    @property
    def drift(self) -> dict[str, Any]:
        """Second half minus first half of the records, for each order parameter; 0 in equilibrium."""
        half = self.series["side_weight"].shape[-1] // 2

        def change(values):
            return self.estimate(values[..., -half:] - values[..., :half]) if half else None

        overlap = {degree: change(values) for degree, values in self.series["overlap"].items()}
        return {"overlap": overlap, "side_weight": change(self.series["side_weight"])}

    @property
    def effective_sample_size(self) -> np.ndarray:
        """ESS of the side weight per point, pooled over members after each member's own mean is taken off."""
        series = self.series["side_weight"]
        centred = series - series.mean(axis=-1, keepdims=True)
        flat = centred.reshape(-1, *series.shape[-2:])
        return np.array([statistics.effective_sample_size(one) for one in flat]).reshape(series.shape[:-2])

    def to_xarray(self):
        """Series and histogram as a labelled `xarray.Dataset`; needs the extra `grokjax[results]`."""
        axes = ("point",) * len(self.layout.shape) + ("member",)
        series = {"energy": self.series["energy"], "side_weight": self.series["side_weight"]}
        series |= {f"overlap_{degree}": values for degree, values in self.series["overlap"].items()}
        data: dict[str, Any] = {name: ((*axes, "record"), values) for name, values in series.items()}
        data |= {"counts": ((*axes, "q"), self.counts.counts), "diverged": (axes, self.diverged)}
        every, warmup = self.ensemble.record_every, self.ensemble.warmup
        steps = self.steps_per_call * (warmup + every * np.arange(1, series["energy"].shape[-1] + 1))
        coordinates: dict[str, Any] = {"record": steps, "q": self.counts.centres}
        if self.layout.shape:
            coordinates |= {
                name: ("point", np.asarray(value))
                for name in ("noise_variance", "readout_variance", "weight_variance")
                if (value := getattr(self.system, name)).ndim
            }
        return io.to_xarray(data, coordinates, start=self.start)

    def negative_log_density(self, *, num_subsets: int = 5) -> tuple[np.ndarray, Estimate]:
        r"""$-\log p(q)$ on the bins of the histogram, folded over $q\to-q$, with errors over subsets of members.

        Returns:
            Bin centres of shape (bin,) with $q>0$, and an estimate of shape (point, bin); infinite where no neuron was
            seen.
        """
        half = len(self.counts.centres) // 2
        folded = self.counts.counts[..., half:] + self.counts.counts[..., half - 1 :: -1]
        folded = np.where(self.diverged[..., None], 0, folded)
        width = np.diff(self.counts.edges)[half:]

        def minus_log(counts):
            density = counts.sum(axis=-2) / counts.sum(axis=(-2, -1))[..., None] / (2 * width)
            with np.errstate(divide="ignore"):
                return -np.log(density)

        subsets = np.array_split(folded, num_subsets, axis=-2)
        with np.errstate(invalid="ignore"):
            spread = np.stack([minus_log(subset) for subset in subsets]).std(axis=0, ddof=1) / math.sqrt(num_subsets)
        return self.counts.centres[half:], Estimate(minus_log(folded), spread)

    def __str__(self) -> str:
        steps = self.steps_per_call * self.ensemble.num_steps
        lines = [f"{self.diverged.size} networks, {steps} steps, start {self.start!r}"]
        lines += [f"  overlap[{degree}]   {estimate}" for degree, estimate in self.overlap.items()]
        lines += [f"  side_weight  {self.side_weight}"]
        lines += [] if self.exchange is None else [str(self.exchange)]
        lines += [] if self.droplet_acceptance is None else [f"droplet moves: acceptance {self.droplet_acceptance:.2f}"]
        return "\n".join([*lines, str(self.certificate)])


def simulate(
    key: Key[Array, ""],
    system: TeacherStudent,
    *,
    num_members: int = 16,
    num_steps: int = 1500,
    warmup: int | None = None,
    start: str = "prior",
    sampler: AbstractSampler | None = None,
    num_datasets: int | None = None,
    num_witnesses: int | None = None,
    exchange: ReplicaExchange | None = None,
    droplets: DropletMoves | None = None,
    droplet_fraction: float = 0.2,
    droplet_overlap: float = 0.75,
    num_test: int = 512,
    dtype: Any = jnp.float32,
    row_tile: int | None = None,
    member_block: int | None = None,
    progress: bool = True,
    **options: Any,
) -> Run:
    """Sample an ensemble of students and measure the order parameters of the system.

    Args:
        key: random key of everything.
        system: concrete sizes; other fields may be arrays of shape (point,), a sweep in one call.
        num_members: networks per point.
        num_steps: Langevin steps in all.
        warmup: steps before the first record; a third of `num_steps` unless given.
        start: "prior" (cold: a draw from the prior) or "droplets" (hot: some neurons aligned with the teacher).
        sampler: `UnderdampedLangevin(step_size=0.3, friction=1.0)` unless given; its fields may have shape (point,). A
            step size of None is chosen from the curvature at the start, and again half-way through the warm-up.
        num_datasets: data sets per point, `num_members` unless given; it must divide `num_members`.
        num_witnesses: networks per point that start from the other side, and as many at half the step, as evidence for
            the certificate; they enter no average. An eighth of the members unless given, and two at least.
        exchange: a ladder of noises. Every member becomes a ladder of replicas on one data set, its rungs are the
            points of the run, and the system's own noise is not used.
        droplets: Metropolis moves of single neurons beside the local dynamics.
        droplet_fraction: fraction of aligned neurons in a hot start.
        droplet_overlap: their |q|.
        num_test: fresh test points per record.
        dtype: float type of the networks.
        row_tile: samples per tile of the gradient; `choose_tiling` chooses unless given.
        member_block: members advanced together; likewise.
        progress: whether to show a progress bar and print the certificate.
        **options: further arguments of `ensemble.run`, such as `num_chunks` or `checkpoint`.

    Returns:
        A `Run`; every estimate has `.mean` and `.error` over data sets.

    Raises:
        ValueError: a size is not concrete, the start is unknown, the step size is unstable, or no member survived.
    """
    check_at_least("num_test", num_test, 1)
    local = UnderdampedLangevin() if sampler is None else sampler
    system, layout = layout_of(system, local, num_members, num_datasets, num_witnesses, exchange)
    tiling = choose_tiling(check_whole("width", system.width), check_whole("num_samples", system.num_samples))

    problem_key, run_key = jax.random.split(key)
    problem = prepare(
        problem_key,
        system,
        layout,
        start=start,
        droplet_fraction=droplet_fraction,
        droplet_overlap=droplet_overlap,
        dtype=dtype,
        row_tile=row_tile or tiling.row_tile,
    )
    target, directions = problem.target, problem.directions
    scales = target.prior_scales

    def with_droplets(dynamics):
        assert droplets is not None
        along = directions if droplets.direction == "teacher" else data_directions(target.inputs, target.targets)
        mixture = droplets.mixture(jnp.atleast_1d(system.weight_variance), check_whole("input_dim", system.input_dim))
        per_entry = jax.tree.map(lambda leaf: layout.repeat(jnp.atleast_2d(leaf)), mixture)
        return WithDropletMoves(dynamics, per_entry, along, droplets.every, droplets.num_neurons)

    drawn = sample(
        run_key,
        layout,
        local,
        target,
        problem.positions,
        {
            "overlap": Series(FreshOverlap(scales, directions, tuple(system.teacher), num_test)),
            "side_weight": Series(SideWeight(scales, directions)),
            "q": Histogram(NeuronOverlap(scales, directions), *HISTOGRAM_RANGE, HISTOGRAM_BINS),
        },
        num_steps=num_steps,
        warmup=warmup,
        exchange=exchange,
        with_droplets=None if droplets is None else with_droplets,
        member_block=member_block or tiling.member_block,
        progress=progress,
        **{"label": f"{start} start", **options},
    )
    overlap, side_weight = drawn.results["overlap"], drawn.results["side_weight"]
    named = {f"overlap[{degree}]": values for degree, values in overlap.items()}
    certificate = drawn.certificate(layout, {**named, "side_weight": side_weight})
    if progress:
        print(certificate)

    diverged = layout.fold(drawn.diverged)
    series = {"energy": drawn.energy, "virial": drawn.virial, "overlap": overlap, "side_weight": side_weight}
    series = layout.fold(series)
    estimate = lambda values: layout.estimate(values.mean(axis=-1), diverged)
    return Run(
        system=system,
        overlap={degree: estimate(values) for degree, values in series["overlap"].items()},
        side_weight=estimate(series["side_weight"]),
        series=series,
        counts=Counts(layout.fold(drawn.results["q"].counts), drawn.results["q"].edges),
        diverged=diverged,
        start=start,
        layout=layout,
        ensemble=drawn.ensemble,
        certificate=certificate,
        steps_per_call=drawn.steps_per_call,
        exchange=drawn.exchange,
        droplet_acceptance=drawn.droplet_acceptance,
    )


def paper_protocol(system: TeacherStudent) -> dict[str, Any]:
    r"""The published training protocol as arguments of `simulate`: 360 000 overdamped epochs at learning rate 2e-3.

    The learning rate acts on the loss $\sum_\mu(f-y)^2/2$, that is, $h=2\times10^{-3}\sigma^2$ on the energy. It is
    applied in whitened coordinates; in physical ones it would be unstable on the read-out's prior.

    References:
        arXiv:2310.03789, appendix on experiments.
    """
    return {"sampler": Langevin(2e-3 * system.noise_variance), "num_steps": 360_000}
