"""The road of simulation: pairs of networks trained over the whole square, (seed x rho x gamma) in one compiled call.

Nothing here knows the theory. A member is a seed at one pair of strengths; all share the data.
"""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ..._checks import argument_error, check_choice, check_whole
from ..._doors import flat
from ...ensemble import Compute, Schedule
from ...ensemble.assembly import Moves
from ...experiment import AbstractExperiment, Design, Problem, simulate as simulate_any
from ...results import Run
from ...samplers import AbstractSampler
from ...status import Status
from .metrics import metrics, population_nll
from .networks import INITIALISATIONS, Features, Loss, Objective, Pair, random_pair
from .order_parameters import OVERFITTED, OrderParameters
from .system import MeanVariance, RegressionData
from .training import two_stage


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
        fourier_features: number of random frequencies, none unless given.
        fourier_scale: their standard deviation, per standard deviation of the inputs.
        mean_share: part of the steps in which the mean is trained alone.
        batch_size: rows per step and member; all unless given.
        learning_rate: lowest and highest of the cyclic rate.
        cycles: cycles of the learning rate in a training; each has half of the amplitude of the one before.
    """

    num_members: ClassVar[int] = 6
    num_steps: ClassVar[int] = 4000
    shared: ClassVar[str] = "everything"  # a seed starts alike at all strengths
    followed: ClassVar[bool] = False

    width: int = eqx.field(static=True, default=32)
    depth: int = eqx.field(static=True, default=2)
    initialisation: str = eqx.field(static=True, default="he")
    fourier_features: int = eqx.field(static=True, default=0)
    fourier_scale: float = eqx.field(static=True, default=2.0)
    mean_share: float = eqx.field(static=True, default=0.4)
    batch_size: int | None = eqx.field(static=True, default=None)
    learning_rate: tuple[float, float] = eqx.field(static=True, default=(1e-4, 1e-2))
    cycles: float = eqx.field(static=True, default=2.0)

    def __check_init__(self):
        check_whole("width", self.width)
        check_whole("depth", self.depth)
        check_whole("fourier_features", self.fourier_features, 0)
        check_choice("initialisation", self.initialisation, INITIALISATIONS)
        if not 0 <= self.mean_share <= 1:
            raise argument_error("mean_share", "in [0, 1]", self.mean_share, "Give a part of the steps.")
        if self.batch_size is not None:
            check_whole("batch_size", self.batch_size)

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
        features = Features(jnp.mean(inputs, axis=0), jnp.std(inputs, axis=0), frequencies)
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

    def sampler(self, key: Key[Array, ""], system: Any) -> Any:
        """The published trainer, scaled to 4000 steps; give `sampler=` for trainings of other lengths."""
        return self.trainer(self.num_steps)

    def trainer(self, num_steps: int) -> Any:
        """The published trainer for a number of steps: warm-up and cycles keep their shares."""
        half_cycle = num_steps / (2 * self.cycles)
        mean_steps = round(self.mean_share * num_steps)
        return two_stage(
            mean_steps, learning_rate=self.learning_rate, half_cycle=half_cycle, batch_size=self.batch_size
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


def _train(
    key: Key[Array, ""],
    system: MeanVariance,
    experiment: Networks,
    *,
    sampler: AbstractSampler | None = None,
    design: Design,
    moves: Moves,
    schedule: Schedule,
    compute: Compute,
) -> Run:
    """`grokjax.simulate`, with a trainer whose stages fit the number of steps."""
    num_steps = experiment.num_steps if schedule.num_steps is None else check_whole("num_steps", schedule.num_steps)
    sampler = experiment.trainer(num_steps) if sampler is None else sampler
    groups = {"design": design, "moves": moves, "schedule": schedule, "compute": compute}
    return simulate_any(key, system, experiment, sampler=sampler, **groups)


def trained(experiment: Networks, doc: str) -> Any:
    """The flat door of an experiment with networks.

    Args:
        experiment: with default options.
        doc: the docstring of the door.
    """
    groups = {"design": Design(), "moves": Moves(), "schedule": Schedule(), "compute": Compute()}
    return flat(_train, name="simulate", doc=doc, experiment=experiment, **groups)


simulate = trained(
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
    """,
)
