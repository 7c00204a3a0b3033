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
from ...observables import Counts, Histogram, Series, measure_energy, measure_virial
from ...samplers import Langevin, UnderdampedLangevin, check_step_size
from ...samplers.base import AbstractSampler
from ...statistics import Estimate
from ...sweeps import Layout
from ...tiling import choose_tiling
from .measurements import FreshOverlap, NeuronOverlap, SideWeight
from .order_parameters import OrderParameters
from .problem import prepare
from .system import TeacherStudent


HISTOGRAM_RANGE = (-2.0, 2.0)
HISTOGRAM_BINS = 160


class Run(eqx.Module):
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

    def without_states(self) -> "Run":
        """A copy without the networks' last states, small enough for a file."""
        return eqx.tree_at(lambda run: run.ensemble.states, self, None)

    @property
    def order_parameters(self) -> OrderParameters:
        """What is compared with theory."""
        return OrderParameters(self.overlap, self.side_weight)

    @property
    def equipartition(self) -> dict[str, Estimate]:
        r"""$\langle\theta\cdot\nabla U\rangle/\dim$ of read-in and read-out; 1 in equilibrium."""
        return {name: self._estimate(values) for name, values in self.series["virial"].items()}

    @property
    def drift(self) -> dict[str, Any]:
        """Second half minus first half of the records, for each order parameter; 0 in equilibrium."""
        half = self.series["side_weight"].shape[-1] // 2

        def change(values):
            return self._estimate(values[..., -half:] - values[..., :half]) if half else None

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
        steps = warmup + every * np.arange(1, series["energy"].shape[-1] + 1)
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
        lines = [f"{self.ensemble.num_members} networks, {self.ensemble.num_steps} steps, start {self.start!r}"]
        lines += [f"  overlap[{degree}]   {estimate}" for degree, estimate in self.overlap.items()]
        lines += [f"  side_weight  {self.side_weight}"]
        lines += [f"  virial {name}  {estimate}" for name, estimate in self.equipartition.items()]
        lines += [f"  diverged     {int(self.diverged.sum())}"]
        return "\n".join(lines)

    def _estimate(self, values: np.ndarray) -> Estimate:
        return self.layout.estimate(values.mean(axis=-1), self.diverged)


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
    droplet_fraction: float = 0.2,
    droplet_overlap: float = 0.75,
    num_test: int = 512,
    dtype: Any = jnp.float32,
    row_tile: int | None = None,
    member_block: int | None = None,
    **options: Any,
) -> Run:
    """Sample an ensemble of students and measure the order parameters of the system.

    Args:
        key: random key of everything.
        system: concrete sizes; other fields may be arrays of shape (point,), a sweep in one call.
        num_members: networks per point.
        num_steps: steps in all.
        warmup: steps before the first record; a third of `num_steps` unless given.
        start: "prior" (cold: a draw from the prior) or "droplets" (hot: some neurons aligned with the teacher).
        sampler: `UnderdampedLangevin(step_size=0.3, friction=1.0)` unless given; its fields may have shape (point,).
        num_datasets: data sets per point, `num_members` unless given; it must divide `num_members`.
        droplet_fraction: fraction of aligned neurons in a hot start.
        droplet_overlap: their |q|.
        num_test: fresh test points per record.
        dtype: float type of the networks.
        row_tile: samples per tile of the gradient; `choose_tiling` chooses unless given.
        member_block: members advanced together; likewise.
        **options: further arguments of `ensemble.run`, such as `progress` or `num_chunks`.

    Returns:
        A `Run`; every estimate has `.mean` and `.error` over data sets.

    Raises:
        ValueError: a size is not concrete, the start is unknown, the step size is unstable, or no member survived.
    """
    layout = Layout.of(system, num_members, num_datasets)
    num_steps = check_whole("num_steps", num_steps)
    check_at_least("num_test", num_test, 1)
    algorithm = layout.sampler(UnderdampedLangevin() if sampler is None else sampler)
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
    check_step_size(run_key, algorithm, problem.target, problem.positions, members_per_point=num_members)
    scales, directions = problem.target.prior_scales, problem.directions
    observables = {
        "energy": Series(measure_energy),
        "virial": Series(measure_virial),
        "overlap": Series(FreshOverlap(scales, directions, tuple(system.teacher), num_test)),
        "side_weight": Series(SideWeight(scales, directions)),
        "q": Histogram(NeuronOverlap(scales, directions), *HISTOGRAM_RANGE, HISTOGRAM_BINS),
    }
    run = ensemble.run(
        run_key,
        algorithm,
        problem.target,
        problem.positions,
        num_steps=num_steps,
        warmup=num_steps // 3 if warmup is None else warmup,
        observables=observables,
        member_block=member_block or tiling.member_block,
        **{"label": f"{start} start", **options},
    )

    diverged = layout.fold(run.diverged)
    layout.check_survivors(diverged, algorithm)
    series = layout.fold({name: value for name, value in run.results.items() if name != "q"})
    series["virial"] = {"read_in": series["virial"].read_in, "read_out": series["virial"].read_out}
    estimate = lambda values: layout.estimate(values.mean(axis=-1), diverged)
    return Run(
        system=system,
        overlap={degree: estimate(values) for degree, values in series["overlap"].items()},
        side_weight=estimate(series["side_weight"]),
        series=series,
        counts=Counts(layout.fold(run.results["q"].counts), run.results["q"].edges),
        diverged=diverged,
        start=start,
        layout=layout,
        ensemble=eqx.tree_at(lambda r: r.results, run, {}),
    )


def paper_protocol(system: TeacherStudent) -> dict[str, Any]:
    r"""The published training protocol as arguments of `simulate`: 360 000 overdamped epochs at learning rate 2e-3.

    The learning rate acts on the loss $\sum_\mu(f-y)^2/2$, that is, $h=2\times10^{-3}\sigma^2$ on the energy. It is
    applied in whitened coordinates; in physical ones it would be unstable on the read-out's prior.

    References:
        arXiv:2310.03789, appendix on experiments.
    """
    return {"sampler": Langevin(2e-3 * system.noise_variance), "num_steps": 360_000}
