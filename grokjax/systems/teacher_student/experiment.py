r"""The road of simulation: ensembles of students sampled from their posterior by Langevin dynamics.

Every member has its own data set (or shares it with a few seeds), its own teacher direction and its own
hyperparameters; a sweep over a hyperparameter is more members in the same compiled call. Nothing here knows the theory.
"""

import dataclasses
import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ..._checks import check_at_least, check_finite, check_fraction, check_whole
from ..._tree import standard_normal
from ...driver import door
from ...ensemble import choose_tiling
from ...evidence.statistics import Estimate
from ...experiment import AbstractExperiment, Problem, Settings
from ...networks import TwoLayer, activation_function, standard_normal_two_layer
from ...observables import Histogram, Series
from ...posterior import Posterior
from ...results import Run
from ...samplers import Langevin
from ...tasks import hermite, single_index, unit_vector
from .order_parameters import OrderParameters
from .system import TeacherStudent


HISTOGRAM_RANGE = (-2.0, 2.0)
HISTOGRAM_BINS = 160


class Teacher(eqx.Module):
    """What a member's data were made with.

    Attributes:
        direction: $w^*$, a unit vector.
        side_threshold: the overlap beyond which a neuron counts as specialised.
        degrees: of the teacher's Hermite components.
        coefficients: $\\{k: c_k\\}$.
    """

    direction: Float[Array, "*members inputs"]
    side_threshold: Float[Array, "*members"]
    degrees: tuple[int, ...] = eqx.field(static=True)
    coefficients: dict[int, Float[Array, "*members"]] = eqx.field(default_factory=dict)


class NeuronOverlap(eqx.Module):
    """Measurement: $q_i = w_i\\cdot w^*$ of every neuron."""

    scale: Float[Array, "*members"]
    direction: Float[Array, "*members inputs"]

    def __call__(self, key: Any, state: Any) -> Float[Array, " width"]:
        del key
        return self.scale * (state.position.read_in @ self.direction)


class Losses(eqx.Module):
    """Measurement: mean squared errors on the data set and on fresh inputs."""

    target: Posterior
    teacher: Teacher
    num_test: int = eqx.field(static=True)

    def __call__(self, key: Any, state: Any) -> dict[str, Array]:
        direction = self.teacher.direction
        data = single_index(key, direction, self.teacher.coefficients, self.num_test)
        outputs = self.target.network(state.position).batch(data.inputs)
        training = jnp.mean((self.target.predictions(state.position) - self.target.targets) ** 2)
        return {"training": training, "test": jnp.mean((outputs - data.targets) ** 2)}


class Field(eqx.Module):
    r"""The penalty $-h\sum_iq_i$, a weak field that prefers one of a neuron's two signs.

    Attributes:
        direction: $w^*$.
        strength: $h$.
    """

    direction: Float[Array, "*members inputs"]
    strength: float = eqx.field(static=True)

    def __call__(self, network: TwoLayer) -> Array:
        return -self.strength * jnp.sum(network.read_in @ self.direction)


class Students(AbstractExperiment):
    """Two-layer students on the data sets of single-index teachers.

    Starts: "prior" (cold: a draw from the prior) and "droplets" (hot: some neurons aligned with the teacher).

    Attributes:
        num_test: fresh test points per record.
        droplet_fraction: fraction of aligned neurons in a hot start.
        droplet_overlap: their |q|.
        row_tile: samples per tile of the gradient; `choose_tiling` chooses unless given.
        gradient: how it is computed: "auto", "xla" or "fused", see `Posterior.compute`.
        follow_losses: whether training and test loss are kept at every record, in `run.observed["losses"]`.
        field: $h$ of an energy $-h\\sum_iq_i$ that breaks the symmetry of a neuron, $(a,w)\\to(-a,-w)$.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> problem = ts.Students().draw(jax.random.key(0), jax.random.key(1), system)
        >>> problem.target.inputs.shape, problem.truth.degrees
        ((47, 19), (1, 3))
    """

    systems = TeacherStudent

    num_test: int = eqx.field(static=True, default=512)
    droplet_fraction: float = eqx.field(static=True, default=0.2)
    droplet_overlap: float = eqx.field(static=True, default=0.75)
    row_tile: int | None = eqx.field(static=True, default=None)
    gradient: str = eqx.field(static=True, default="auto")
    follow_losses: bool = eqx.field(static=True, default=False)
    field: float = eqx.field(static=True, default=0.0)

    def __check_init__(self):
        check_finite("field", self.field)
        check_whole("num_test", self.num_test)
        check_at_least("droplet_overlap", self.droplet_overlap, 0)
        check_fraction("droplet_fraction", self.droplet_fraction, remedy="Give a fraction of the neurons.")
        if self.row_tile is not None:
            check_whole("row_tile", self.row_tile)

    def draw(self, data_key: Key[Array, ""], start_key: Key[Array, ""], system: TeacherStudent) -> Problem:
        """A data set, a cold and a hot student."""
        width, num_samples, input_dim = int(system.width), int(system.num_samples), int(system.input_dim)
        activation, dtype = activation_function(system.activation), system.noise_variance.dtype
        direction_key, sample_key = jax.random.split(data_key)
        noise_key = jax.random.fold_in(data_key, 2)
        direction = unit_vector(direction_key, input_dim, dtype)
        data = single_index(sample_key, direction, system.teacher, num_samples)
        noise = jnp.sqrt(system.label_noise) * standard_normal(noise_key, data.targets.shape, dtype)
        scales = TwoLayer(
            jnp.sqrt(system.weight_variance / input_dim), jnp.sqrt(system.readout_variance / width), activation
        )
        row_tile = self.row_tile
        if row_tile is None and self.gradient != "fused":
            row_tile = choose_tiling(width, num_samples).row_tile
        penalty = Field(direction, float(self.field)) if self.field else None
        how = {"penalty": penalty, "row_tile": row_tile, "compute": self.gradient}
        target = Posterior(data.inputs, data.targets + noise, system.noise_variance, scales, **how)
        cold = standard_normal_two_layer(
            start_key, width=width, num_inputs=input_dim, num_outputs=1, activation=activation, dtype=dtype
        )
        return Problem(
            target,
            {"prior": cold, "droplets": self._hot(cold, scales, direction)},
            Teacher(direction, system.side_threshold, tuple(system.teacher), dict(system.teacher)),
        )

    def measure(self, key: Key[Array, ""], problem: Problem, state: Any) -> OrderParameters:
        r"""Overlaps $\langle f, He_k\rangle/k!$ on fresh standard-normal inputs, and the side weight."""
        direction, degrees = problem.truth.direction, problem.truth.degrees
        inputs = standard_normal(key, (self.num_test, len(direction)), direction.dtype)
        outputs, along = problem.target.network(state.position).batch(inputs)[0], inputs @ direction
        overlap = {k: jnp.mean(outputs * hermite(k, along)) / math.factorial(k) for k in degrees}
        q = NeuronOverlap(problem.target.prior_scales.read_in, direction)(None, state)
        return OrderParameters(overlap, jnp.mean(jnp.abs(q) > problem.truth.side_threshold, dtype=q.dtype))

    def observables(self, problem: Problem) -> dict[str, Any]:
        """The histogram of every neuron's $q$, and the losses over time if they are wanted."""
        q = NeuronOverlap(problem.target.prior_scales.read_in, problem.truth.direction)
        histogram = {"q": Histogram(q, *HISTOGRAM_RANGE, HISTOGRAM_BINS)}
        if not self.follow_losses:
            return histogram
        return {**histogram, "losses": Series(Losses(problem.target, problem.truth, self.num_test))}

    def prepared(self, system: TeacherStudent, settings: Settings) -> tuple[Any, TeacherStudent, Settings]:
        """Blocks of members that fit in the cache, unless the user says how many."""
        if settings.compute.member_block is None:
            sizes = check_whole("width", system.width), check_whole("num_samples", system.num_samples)
            compute = dataclasses.replace(settings.compute, member_block=choose_tiling(*sizes).member_block)
            settings = settings._replace(compute=compute)
        return self, system, settings

    def _hot(self, cold: TwoLayer, scales: TwoLayer, direction: Array) -> TwoLayer:
        """The first neurons get |q| = overlap along the teacher, and a read-out of the same sign."""
        width = cold.read_in.shape[0]
        chosen = jnp.arange(width) < self.droplet_fraction * width
        q = cold.read_in @ direction
        wanted = jnp.where(chosen, jnp.copysign(self.droplet_overlap / scales.read_in, q), q)
        read_in = cold.read_in + jnp.outer(wanted - q, direction)
        read_out = jnp.where(chosen[None], jnp.copysign(cold.read_out, q[None]), cold.read_out)
        return TwoLayer(read_in.astype(q.dtype), read_out.astype(q.dtype), cold.activation)


simulate = door(
    Students(),
    """Sample an ensemble of students and measure the order parameters of the system.

    `simulate(key, system, num_members=16, num_steps=1500, ...)`: keywords are those of `grokjax.simulate` and the
    fields of `Students`.

    Args:
        key: random key of everything.
        system: concrete sizes; other fields may be arrays, a sweep in one call.

    Returns:
        A `Run` of `OrderParameters`.

    Raises:
        ValueError: a keyword is not known, a size is not concrete, the start is unknown, the step size is unstable, or
            all members of a point diverged.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> run = ts.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> sorted(run.overlap), run.members.side_weight.shape
        ([1, 3], (2,))
    """,
)


def negative_log_density(run: Run, *, num_subsets: int = 5) -> tuple[np.ndarray, Estimate]:
    r"""$-\log p(q)$ of a run on the bins of its histogram, folded over $q\to-q$, with errors over subsets of members.

    Args:
        run: of this system.
        num_subsets: groups of members whose spread is the error.

    Returns:
        Bin centres of shape (bin,) with $q>0$, and an estimate of shape (*sweep, bin); infinite where no neuron was
        seen.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> run = ts.simulate(jax.random.key(0), system, num_members=2, num_steps=24, progress=False)
        >>> q, action = ts.negative_log_density(run, num_subsets=2)
        >>> q.shape == action.mean.shape, bool(np.isinf(action.mean[-1]))  # no neuron is that far out
        (True, True)
    """
    counts, diverged = run.observed["q"], np.asarray(run.diverged)
    half = len(counts.centres) // 2
    folded = counts.counts[..., half:] + counts.counts[..., half - 1 :: -1]
    folded = np.where(diverged[..., None], 0, folded)
    width = np.diff(counts.edges)[half:]

    def minus_log(counts):
        density = counts.sum(axis=-2) / counts.sum(axis=(-2, -1))[..., None] / (2 * width)
        with np.errstate(divide="ignore"):
            return -np.log(density)

    subsets = np.array_split(folded, num_subsets, axis=-2)
    with np.errstate(invalid="ignore"):
        spread = np.stack([minus_log(subset) for subset in subsets]).std(axis=0, ddof=1) / math.sqrt(num_subsets)
    return counts.centres[half:], Estimate(minus_log(folded), spread)


def paper_protocol(system: TeacherStudent) -> dict[str, Any]:
    r"""The published training protocol as arguments of `simulate`: 360 000 overdamped epochs at learning rate 2e-3.

    The learning rate acts on the loss $\sum_\mu(f-y)^2/2$, that is, $h=2\times10^{-3}\sigma^2$ on the energy. It is
    applied in whitened coordinates; in physical ones it would be unstable on the read-out's prior.

    References:
        arXiv:2310.03789, appendix on experiments.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> protocol = ts.paper_protocol(system)
        >>> protocol["num_steps"], round(float(protocol["sampler"].step_size), 6)
        (360000, 0.0006)
    """
    return {"sampler": Langevin(2e-3 * system.noise_variance), "num_steps": 360_000}
