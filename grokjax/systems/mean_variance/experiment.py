"""The road of simulation: pairs of networks trained over the whole square, (seed x rho x gamma) in one compiled call.

Nothing here knows the theory. A member is a seed at one pair of strengths; all share the data.
"""

import dataclasses
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ..._checks import argument_error, check_at_least, check_choice, check_positive, check_whole
from ...driver import door
from ...experiment import AbstractExperiment, Problem, Settings
from ...status import Status
from .metrics import metrics, population_nll
from .networks import INITIALISATIONS, Features, Loss, Objective, Pair, random_pair
from .order_parameters import OVERFITTED, OrderParameters
from .system import MeanVariance, RegressionData
from .training import TwoStage, two_stage


MEAN_SHARE = 0.4  # of the steps; the published schedules have 1/10 to 1/2
HALF_CYCLE_SHARE = 0.25


class Known(eqx.Module):
    """What is needed to measure a pair, the same for all members.

    Attributes:
        data: in the precision of the networks.
        features: of inputs.
    """

    data: RegressionData
    features: Features

    def slopes(self, function: Any) -> Float[Array, " samples"]:
        r"""$|\nabla f|^2$ at the training inputs, in the data's own units, by automatic differentiation.

        Args:
            function: from features to one output per sample.
        """
        total = lambda inputs: jnp.sum(function(self.features(inputs)))
        return jnp.sum(jax.grad(total)(rows(self.data.inputs)) ** 2, axis=1)


class Networks(AbstractExperiment):
    """Pairs of multilayer perceptrons on one data set.

    Attributes:
        width: units of each hidden layer.
        depth: hidden layers.
        initialisation: "he" or "public", see `random_pair`.
        standardise: whether inputs are standardised for the networks; else they are seen as they are. A wider range
            needs smaller weights, and moves the border of flat means to stronger penalties.
        fourier_features: number of random frequencies, none unless given.
        fourier_scale: their standard deviation, per unit of what the networks see.
        mean_steps: steps in which the mean is trained alone; two fifths of all unless given.
        half_cycle: steps from the lowest learning rate to the highest; a quarter of all unless given, for two cycles,
            of which the second has half of the amplitude.
        learning_rate: lowest and highest.
        largest_norm: of a member's gradient, which is clipped to it.
        batch_size: rows drawn for each step of each member; all unless given.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> run = mv.simulate(jax.random.key(0), system, depth=1, num_members=2, num_steps=20, progress=False)
        >>> run.experiment.width, run.experiment.mean_steps  # two fifths of the steps train the mean alone
        (32, 8)
    """

    systems: ClassVar[type] = MeanVariance
    num_members: ClassVar[int] = 6
    num_steps: ClassVar[int] = 4000
    shared: ClassVar[str] = "everything"  # a seed starts alike at all strengths
    followed: ClassVar[bool] = False

    width: int = eqx.field(static=True, default=32)
    depth: int = eqx.field(static=True, default=2)
    initialisation: str = eqx.field(static=True, default="he")
    standardise: bool = eqx.field(static=True, default=True)
    fourier_features: int = eqx.field(static=True, default=0)
    fourier_scale: float = eqx.field(static=True, default=2.0)
    mean_steps: int | None = eqx.field(static=True, default=None)
    half_cycle: float | None = eqx.field(static=True, default=None)
    learning_rate: tuple[float, float] = eqx.field(static=True, default=(1e-4, 1e-2))
    largest_norm: float = eqx.field(static=True, default=1000.0)
    batch_size: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        check_whole("width", self.width)
        check_whole("depth", self.depth)
        check_whole("fourier_features", self.fourier_features, 0)
        check_choice("initialisation", self.initialisation, INITIALISATIONS)
        for name, least in {"batch_size": 1, "mean_steps": 0}.items():
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), least)
        if self.half_cycle is not None:
            check_positive("half_cycle", self.half_cycle)
        check_positive("largest_norm", self.largest_norm)
        check_at_least("fourier_scale", self.fourier_scale, 0)
        if not (isinstance(self.learning_rate, tuple) and len(self.learning_rate) == 2):
            raise argument_error("learning_rate", "the lowest and the highest", self.learning_rate, "Try (1e-4, 1e-2).")
        check_positive("learning_rate", self.learning_rate)

    def draw(self, data_key: Key[Array, ""], start_key: Key[Array, ""], system: MeanVariance) -> Problem:
        """The data in the networks' precision, and a pair at its initialisation."""
        return self.problem(data_key, start_key, system.data, objective_of(system), system.alpha.dtype)

    def problem(
        self,
        data_key: Key[Array, ""],
        start_key: Key[Array, ""],
        data: RegressionData,
        objective: Objective,
        dtype: Any,
    ) -> Problem:
        """One member's problem.

        Args:
            data_key: of random features.
            start_key: of the initialisation.
            data: what is learned.
            objective: how.
            dtype: of the networks.
        """
        data = jax.tree.map(lambda leaf: leaf.astype(dtype), data)
        inputs = rows(data.inputs)
        frequencies = None
        if self.fourier_features:
            shape = (self.fourier_features, inputs.shape[1])
            frequencies = self.fourier_scale * jax.random.normal(data_key, shape, dtype)
        shift, scale = jnp.mean(inputs, axis=0), jnp.std(inputs, axis=0)
        if not self.standardise:
            shift, scale = jnp.zeros_like(shift), jnp.ones_like(scale)
        features = Features(shift, scale, frequencies)
        seen = features(inputs)
        target = Loss(seen, data.targets, jnp.ones_like(data.targets), objective)
        pair = random_pair(start_key, seen.shape[0], self.width, self.depth, self.initialisation, dtype)
        return Problem(target, {self.initialisation: pair}, Known(data, features))

    def share(self, problem: Problem) -> tuple[Any, ...]:
        """The data are kept once, and so are their features unless they are random."""
        shared = problem.truth.data, problem.target.targets, problem.target.weights
        return shared if self.fourier_features else (*shared, problem.target.features, problem.truth.features)

    def measure(self, key: Key[Array, ""], problem: Problem, state: Any) -> OrderParameters:
        """Metrics on training and held-out samples; energies by automatic differentiation."""
        return measure_pair(problem.target, problem.truth, state.position)

    def prepared(self, system: Any, settings: Settings) -> tuple["Networks", Any, Settings]:
        """The stages of the training, where they are left open, as parts of its steps."""
        num_steps = self.num_steps if settings.schedule.num_steps is None else settings.schedule.num_steps
        num_steps = check_whole("num_steps", num_steps)
        mean_steps = MEAN_SHARE * num_steps if self.mean_steps is None else self.mean_steps
        half_cycle = HALF_CYCLE_SHARE * num_steps if self.half_cycle is None else self.half_cycle
        return dataclasses.replace(self, mean_steps=round(mean_steps), half_cycle=float(half_cycle)), system, settings

    def sampler(self, key: Key[Array, ""], system: Any) -> TwoStage:
        """The published trainer."""
        del key, system
        return two_stage(
            self.mean_steps,
            learning_rate=self.learning_rate,
            half_cycle=self.half_cycle,
            largest_norm=self.largest_norm,
            batch_size=self.batch_size,
        )

    def outcome(self, measured: OrderParameters, observed: dict[str, Any]) -> np.ndarray:
        """A mean through the data has collapsed onto them; the others have used their steps."""
        collapsed = np.asarray(measured.fitted) > OVERFITTED
        return np.where(collapsed, int(Status.COLLAPSED), int(Status.OUT_OF_STEPS))


def measure_pair(target: Loss, known: Known, pair: Pair) -> OrderParameters:
    """The order parameters of a pair.

    Args:
        target: what it was trained on.
        known: the data.
        pair: the networks.
    """
    data = known.data
    mean, precision = target.predict(pair, target.features)
    own, test = metrics(mean, precision, data.targets), None
    if data.test is not None:
        test = metrics(*target.predict(pair, known.features(rows(data.test.inputs))), data.test.targets)
    energy = lambda which: jnp.mean(known.slopes(lambda features: target.predict(pair, features)[which]))
    return OrderParameters(
        **{name: getattr(own, name) for name in ("mse", "sd_mse", "chi2", "nll", "calibration_error", "coverage")},
        mean_energy=energy(0),
        precision_energy=energy(1),
        fitted=1 - own.mse / jnp.var(data.targets),
        precision_spread=jnp.std(jnp.log(precision)),
        population_nll=None if data.truth is None else population_nll(mean, precision, *data.truth),
        test=test,
    )


def objective_of(system: MeanVariance) -> Objective:
    """The regularised likelihood at the system's strengths."""
    nothing = jnp.zeros((), system.alpha.dtype)
    return Objective(system.alpha, system.beta, nothing, jnp.zeros((), bool))


def rows(inputs: Float[Array, "samples ..."]) -> Float[Array, "samples inputs"]:
    """Inputs as rows, one column for numbers on a line."""
    return inputs[:, None] if inputs.ndim == 1 else inputs


simulate = door(
    Networks(),
    """Train pairs of networks and measure the order parameters of the system.

    `simulate(key, system, num_members=6, num_steps=4000, ...)`: keywords are those of `grokjax.simulate` and the fields
    of `Networks`. A system over the square trains the whole diagram in one compiled call.

    Args:
        key: random key of everything.
        system: data and strengths; arrays for a sweep.

    Returns:
        A `Run` of `OrderParameters`; errors are over seeds.

    Raises:
        ValueError: a keyword is not known, or a value is out of its range.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> run = mv.simulate(jax.random.key(0), system, depth=1, num_members=2, num_steps=20, progress=False)
        >>> run.members.mse.shape, grokjax.status.describe(run.status)
        ((2,), '2 out of steps')
    """,
)
