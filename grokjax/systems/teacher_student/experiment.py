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
from jaxtyping import Array, Float, Key

from ... import ensemble, statistics
from ..._checks import argument_error, check_at_least, check_choice, check_whole
from ...networks import TwoLayer, activation_function, standard_normal_two_layer
from ...observables import Counts, Histogram, Series, measure_energy, measure_virial
from ...posterior import Posterior
from ...samplers import Langevin, UnderdampedLangevin, check_step_size
from ...samplers.base import AbstractSampler
from ...statistics import Estimate
from ...tasks import hermite, single_index, unit_vector
from .order_parameters import OrderParameters
from .system import TeacherStudent


SIDE = 0.5  # a neuron with |q| beyond this counts as specialised
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
        num_datasets: independent data sets per point; errors are over these.
        ensemble: the run itself: plan, timing, last states.
    """

    system: TeacherStudent
    overlap: dict[int, Estimate]
    side_weight: Estimate
    series: dict[str, Any]
    counts: Counts
    diverged: np.ndarray
    start: str = eqx.field(static=True)
    num_datasets: int = eqx.field(static=True)
    ensemble: ensemble.EnsembleRun

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
        return _over_datasets(values.mean(axis=-1), self.diverged, self.num_datasets)


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
        row_tile: samples per tile of the gradient, see `Posterior`.
        **options: further arguments of `ensemble.run`, such as `progress` or `num_chunks`.

    Returns:
        A `Run`; every estimate has `.mean` and `.error` over data sets.

    Raises:
        ValueError: a size is not concrete, the start is unknown, the step size is unstable, or no member survived.
    """
    check_choice("start", start, ("prior", "droplets"))
    num_members = check_whole("num_members", num_members)
    num_datasets = check_whole("num_datasets", num_members if num_datasets is None else num_datasets)
    if num_members % num_datasets:
        raise argument_error("num_datasets", f"a divisor of num_members = {num_members}", num_datasets, "Change one.")
    if not 0 <= droplet_fraction <= 1:
        raise argument_error("droplet_fraction", "in [0, 1]", droplet_fraction, "Give a fraction of the neurons.")
    check_at_least("num_test", num_test, 1)
    algorithm = UnderdampedLangevin() if sampler is None else sampler
    num_steps = check_whole("num_steps", num_steps)
    sizes = {name: check_whole(name, getattr(system, name)) for name in ("width", "num_samples", "input_dim")}

    shape = jnp.broadcast_shapes(*(leaf.shape for leaf in jax.tree.leaves(system)))
    if len(shape) > 1:
        raise argument_error("system", "made of scalars and arrays of shape (point,)", shape, "Ravel the sweep.")
    points = shape[0] if shape else 1
    per_member = lambda leaf: jnp.repeat(jnp.broadcast_to(leaf, (points,)), num_members)
    members = jax.tree.map(lambda leaf: per_member(leaf).astype(dtype), system)
    swept = lambda leaf: per_member(leaf) if shape and leaf.shape == shape else leaf
    algorithm = jax.tree.map(swept, algorithm)

    data_key, position_key, run_key = jax.random.split(key, 3)
    point, member = np.divmod(np.arange(points * num_members), num_members)
    dataset = point * num_datasets + member % num_datasets
    task_keys = jax.vmap(lambda i: jax.random.fold_in(data_key, i))(jnp.asarray(dataset))
    position_keys = jax.vmap(lambda i: jax.random.fold_in(position_key, i))(jnp.arange(len(dataset)))
    fraction = droplet_fraction if start == "droplets" else 0.0
    target, positions, directions = _prepare(
        task_keys, position_keys, members, tuple(sizes.items()), row_tile, fraction, droplet_overlap
    )
    check_step_size(run_key, algorithm, target, positions, members_per_point=num_members)

    scales = target.prior_scales
    overlap = TestOverlap(scales, directions, tuple(system.teacher), num_test)
    observables = {
        "energy": Series(measure_energy),
        "virial": Series(measure_virial),
        "overlap": Series(overlap),
        "side_weight": Series(SideWeight(scales, directions)),
        "q": Histogram(NeuronOverlap(scales, directions), *HISTOGRAM_RANGE, HISTOGRAM_BINS),
    }
    run = ensemble.run(
        run_key,
        algorithm,
        target,
        positions,
        num_steps=num_steps,
        warmup=num_steps // 3 if warmup is None else warmup,
        observables=observables,
        **{"label": f"{start} start", **options},
    )

    fold = lambda values: np.asarray(values).reshape(*shape, num_members, *np.shape(values)[1:])
    results = jax.tree.map(fold, {name: value for name, value in run.results.items() if name != "q"})
    virial = {"read_in": results["virial"].read_in, "read_out": results["virial"].read_out}
    diverged = fold(run.diverged)
    if diverged.all(axis=-1).any():
        raise argument_error(
            "step_size",
            "small enough that some members of every point survive",
            algorithm,
            "All members of a point diverged: use a smaller step.",
        )
    estimate = lambda values: _over_datasets(values.mean(axis=-1), diverged, num_datasets)
    return Run(
        system=system,
        overlap={degree: estimate(values) for degree, values in results["overlap"].items()},
        side_weight=estimate(results["side_weight"]),
        series={**results, "virial": virial},
        counts=Counts(fold(run.results["q"].counts), run.results["q"].edges),
        diverged=diverged,
        start=start,
        num_datasets=num_datasets,
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


class NeuronOverlap(eqx.Module):
    """Measurement: $q_i = w_i\\cdot w^*$ of every neuron."""

    scales: TwoLayer
    direction: Float[Array, " inputs"]

    def __call__(self, key, state):
        del key
        return self.scales.read_in * (state.position.read_in @ self.direction)


class SideWeight(eqx.Module):
    """Measurement: the fraction of neurons with $|q|>1/2$."""

    scales: TwoLayer
    direction: Float[Array, " inputs"]

    def __call__(self, key, state):
        q = NeuronOverlap(self.scales, self.direction)(key, state)
        return jnp.mean(jnp.abs(q) > SIDE, dtype=q.dtype)


class TestOverlap(eqx.Module):
    r"""Measurement: $\{k: \langle f, He_k\rangle/k!\}$ on fresh standard-normal inputs at every record."""

    scales: TwoLayer
    direction: Float[Array, " inputs"]
    degrees: tuple[int, ...] = eqx.field(static=True)
    num_test: int = eqx.field(static=True)

    def __call__(self, key, state):
        inputs = jax.random.normal(key, (self.num_test, len(self.direction)), self.direction.dtype)
        network = jax.tree.map(jnp.multiply, self.scales, state.position)
        outputs, teacher = network.batch(inputs)[0], inputs @ self.direction
        return {k: jnp.mean(outputs * hermite(k, teacher)) / math.factorial(k) for k in self.degrees}


@eqx.filter_jit
def _prepare(task_keys, position_keys, members, sizes, row_tile, droplet_fraction, droplet_overlap):
    """Posteriors, first positions and teacher directions, each with leading axis member."""
    width, num_samples, input_dim = (size for _, size in sizes)
    activation = activation_function(members.activation)
    dtype = members.noise_variance.dtype

    def one(task_key, position_key, system: TeacherStudent):
        direction_key, sample_key = jax.random.split(task_key)
        direction = unit_vector(direction_key, input_dim, dtype)
        data = single_index(sample_key, direction, system.teacher, num_samples)
        scales = TwoLayer(
            jnp.sqrt(system.weight_variance / input_dim), jnp.sqrt(system.readout_variance / width), activation
        )
        target = Posterior(data.inputs, data.targets, system.noise_variance, scales, row_tile=row_tile)
        position = standard_normal_two_layer(
            position_key, width=width, num_inputs=input_dim, num_outputs=1, activation=activation, dtype=dtype
        )
        return target, _with_droplets(position, scales, direction, droplet_fraction, droplet_overlap), direction

    return jax.vmap(one)(task_keys, position_keys, members)


def _with_droplets(position: TwoLayer, scales: TwoLayer, direction: Array, fraction, overlap) -> TwoLayer:
    """The first neurons get |q| = overlap along the teacher, and a read-out of the same sign."""
    width = position.read_in.shape[0]
    chosen = jnp.arange(width) < fraction * width
    q = position.read_in @ direction
    wanted = jnp.where(chosen, jnp.copysign(overlap / scales.read_in, q), q)
    read_in = position.read_in + (wanted - q)[:, None] * direction
    read_out = jnp.where(chosen, jnp.copysign(position.read_out, q), position.read_out)
    return TwoLayer(read_in.astype(q.dtype), read_out.astype(q.dtype), position.activation)


def _over_datasets(values: np.ndarray, diverged: np.ndarray, num_datasets: int) -> Estimate:
    """Estimate from member values (..., member): the mean over a data set's seeds, then mean and error over data sets."""
    grouped = values.reshape(*values.shape[:-1], -1, num_datasets)
    keep = ~diverged.reshape(grouped.shape)
    with np.errstate(invalid="ignore", divide="ignore"):
        per_dataset = np.where(keep, grouped, 0).sum(axis=-2) / keep.sum(axis=-2)
    return statistics.over_members(per_dataset, axis=-1, keep=np.asarray(keep.any(axis=-2)))
