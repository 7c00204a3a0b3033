r"""The regularised pair against its rivals, all trained by one vmapped call and scored on held-out samples.

| name | what |
|---|---|
| regularised | the pair at the system's strengths |
| beta-NLL | no penalty, each sample's likelihood weighted by its variance to the power 1/2 |
| ensemble | maximum likelihood; the Gaussian with the mixture's two moments |
| conformal | the regularised mean, trained on half of the data; a constant band from the other half |
| conformal, adaptive | the band scales with the pair's own standard deviation |

A band that covers 68.2 % stands for one standard deviation on both sides.

References:
    arXiv:2306.16717, tables 2 and 5; beta-NLL arXiv:2203.09168; deep ensembles arXiv:1612.01474; split conformal
    arXiv:1604.04173.
"""

from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ..._checks import argument_error, check_whole
from ..._printing import AbstractPrinted
from ...driver import simulate
from ...evidence.statistics import Estimate, over_members
from ...experiment import Problem
from ...parameters import AbstractParameters, Number, parameter
from ...results import Run
from .experiment import Known, Networks, rows
from .metrics import Metrics, metrics
from .networks import Objective
from .system import MeanVariance, RegressionData


TRAINED = ("regularised", "beta-NLL", "ensemble", "conformal")
DISCOUNT = 0.5  # the exponent recommended by the authors of beta-NLL
BAND = 0.682  # share of a Gaussian within one standard deviation


class Rivals(AbstractParameters):
    """The ways of training as a sweep over one axis.

    Attributes:
        data: what is learned, with held-out samples.
        alpha: penalty of the mean's weights.
        beta: penalty of the precision's weights.
        discount: exponent of the beta-NLL.
        models_variance: one where the second network gives the variance.
        calibrated: one where half of the data is kept for calibration.
    """

    data: RegressionData
    alpha: Number = parameter(at_least=0)
    beta: Number = parameter(at_least=0)
    discount: Number = parameter(at_least=0)
    models_variance: Number = parameter(at_least=0)
    calibrated: Number = parameter(at_least=0)

    @classmethod
    def of(cls, system: MeanVariance) -> "Rivals":
        """All of `TRAINED`, the regularised ones at the strengths of a system.

        Raises:
            ValueError: the system is a sweep, or has no held-out samples.
        """
        if jnp.ndim(system.alpha) or jnp.ndim(system.beta):
            raise argument_error("system", "one point", "a sweep", "Choose one pair of strengths.")
        if system.data.test is None:
            raise argument_error("system", "of data with held-out samples", system.data.name, "Split the data.")
        alpha, beta = float(system.alpha), float(system.beta)
        return cls(
            data=system.data,
            alpha=jnp.asarray([alpha, 0, 0, alpha]),
            beta=jnp.asarray([beta, 0, 0, beta]),
            discount=jnp.asarray([0, DISCOUNT, 0, 0]),
            models_variance=jnp.asarray([0.0, 1, 1, 0]),
            calibrated=jnp.asarray([0.0, 0, 0, 1]),
        )


class Gaussians(AbstractPrinted):
    """Predictions of a pair on some samples.

    Attributes:
        mean: $\\mu$.
        precision: $\\Lambda$.
    """

    mean: Float[Array | np.ndarray, "..."]
    precision: Float[Array | np.ndarray, "..."]


class Outcome(AbstractPrinted):
    """What a pair says of all training and all held-out samples.

    Attributes:
        train: of the training inputs.
        test: of the held-out ones.
    """

    train: Gaussians
    test: Gaussians


class RivalNetworks(Networks):
    """`Networks` under any objective, measured by their predictions.

    The samples that conformal members keep for calibration are every other one.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> networks = mv.RivalNetworks(width=8, depth=1)
        >>> options = {"num_members": 2, "ensemble_size": 2, "num_steps": 20, "progress": False}
        >>> mv.rivals(jax.random.key(0), system, experiment=networks, **options).run.layout.num_points
        4
    """

    systems: ClassVar[type] = Rivals
    num_members: ClassVar[int] = 6
    followed: ClassVar[bool] = True  # the last record holds every member's predictions

    def draw(self, data_key: Key[Array, ""], start_key: Key[Array, ""], system: Rivals) -> Problem:
        """As for `Networks`, with samples weighted."""
        objective = Objective(system.alpha, system.beta, system.discount, system.models_variance > 0.5)
        problem = self.problem(data_key, start_key, system.data, objective, system.alpha.dtype)
        kept = calibration_samples(system.data.num_samples)
        # Of mean one, also where only a part is trained on: the penalties are as strong as before.
        part = jnp.where(kept, 0.0, kept.size / (kept.size - kept.sum()))
        weights = jnp.where(system.calibrated > 0.5, part, 1.0).astype(problem.target.targets.dtype)
        return eqx.tree_at(lambda problem: problem.target.weights, problem, weights)

    def share(self, problem: Problem) -> tuple[Any, ...]:
        """The data, but for their weights."""
        shared = problem.truth.data, problem.target.targets
        return shared if self.fourier_features else (*shared, problem.target.features, problem.truth.features)

    def measure(self, key: Key[Array, ""], problem: Problem, state: Any) -> Outcome:
        """Predictions everywhere."""
        known: Known = problem.truth
        assert known.data.test is not None
        predict = lambda features: Gaussians(*problem.target.predict(state.position, features))
        return Outcome(predict(problem.target.features), predict(known.features(rows(known.data.test.inputs))))

    def outcome(self, measured: Outcome, observed: dict[str, Any]) -> None:
        """No opinion of its own."""
        return None


class RivalTable(AbstractPrinted):
    """Held-out metrics of every method.

    Attributes:
        methods: `Metrics` of `Estimate`s over seeds, by name; no error where there is one ensemble only.
        run: of the networks.
    """

    methods: dict[str, Metrics]
    run: Run

    def __str__(self) -> str:
        names = ("calibration_error", "mse", "sd_mse", "nll", "coverage")
        lines = [f"{'method':22}" + "".join(f"{name:>19}" for name in names)]
        for method, found in self.methods.items():
            lines.append(f"{method:22}" + "".join(f"{getattr(found, name)!s:>19}" for name in names))
        return "\n".join(lines)


def calibration_samples(num_samples: int) -> np.ndarray:
    """Which training samples conformal members keep for calibration: every other one."""
    return np.arange(num_samples) % 2 == 1


def rivals(
    key: Key[Array, ""],
    system: MeanVariance,
    *,
    num_members: int = 6,
    ensemble_size: int = 6,
    experiment: RivalNetworks | None = None,
    num_steps: int = 4000,
    progress: bool = True,
) -> RivalTable:
    """Train the regularised pair and its rivals in one call, and score them on held-out samples.

    Args:
        key: random key of everything.
        system: one point, whose strengths the regularised pair has.
        num_members: seeds of each method, a multiple of `ensemble_size`.
        ensemble_size: networks in an ensemble.
        experiment: options of the networks.
        num_steps: of training.
        progress: whether to show a progress bar.

    Raises:
        ValueError: the members do not make whole ensembles, the system is a sweep, or has no held-out samples.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> networks = mv.RivalNetworks(width=8, depth=1)
        >>> options = {"num_members": 2, "ensemble_size": 2, "num_steps": 20, "progress": False}
        >>> list(mv.rivals(jax.random.key(0), system, experiment=networks, **options).methods)
        ['regularised', 'beta-NLL', 'ensemble', 'conformal', 'conformal, adaptive']
    """
    check_whole("num_members", num_members)
    if num_members % check_whole("ensemble_size", ensemble_size):
        raise argument_error("num_members", f"a multiple of {ensemble_size}", num_members, "Train whole ensembles.")
    run = simulate(
        key,
        Rivals.of(system),
        RivalNetworks() if experiment is None else experiment,
        num_members=num_members,
        num_steps=num_steps,
        record_every=num_steps,
        progress=progress,
    )
    found = _last_predictions(run)
    data, test = system.data, system.data.test
    assert test is not None
    targets = np.asarray(data.targets, np.float64)
    at = lambda method: jax.tree.map(lambda leaf: leaf[TRAINED.index(method)], found)
    predictions = {name: at(name).test for name in ("regularised", "beta-NLL")}
    predictions["ensemble"] = matched(at("ensemble").test, ensemble_size)
    predictions |= conformal(at("conformal"), targets, calibration_samples(len(targets)))
    score = lambda each: _scores(each, np.asarray(test.targets, np.float64))
    return RivalTable({name: score(each) for name, each in predictions.items()}, run.without_states())


def matched(members: Gaussians, ensemble_size: int) -> Gaussians:
    """The Gaussians with the two moments of mixtures.

    Args:
        members: shape (member, sample).
        ensemble_size: consecutive members that make a mixture.
    """
    groups = jax.tree.map(lambda leaf: leaf.reshape(-1, ensemble_size, leaf.shape[-1]), members)
    mean = groups.mean.mean(axis=1)
    variance = (1 / groups.precision + groups.mean**2).mean(axis=1) - mean**2
    return Gaussians(mean, 1 / variance)


def conformal(members: Outcome, targets: np.ndarray, kept: np.ndarray) -> dict[str, Gaussians]:
    """Bands of split conformal prediction as standard deviations.

    Args:
        members: predictions of shape (member, sample), trained without the calibration samples.
        targets: of the training samples.
        kept: which of them are for calibration.
    """
    residual = np.abs(members.train.mean - targets)[:, kept]
    level = min(1.0, np.ceil((kept.sum() + 1) * BAND) / kept.sum())
    quantile = lambda scores: np.quantile(scores, level, axis=1, method="higher")[:, None]
    constant = np.broadcast_to(quantile(residual) ** -2.0, members.test.mean.shape)
    adaptive = quantile(residual * np.sqrt(members.train.precision[:, kept])) ** -2.0 * members.test.precision
    return {
        "conformal": Gaussians(members.test.mean, constant),
        "conformal, adaptive": Gaussians(members.test.mean, adaptive),
    }


def _scores(predictions: Gaussians, targets: np.ndarray) -> Metrics:
    values = jax.vmap(lambda each: metrics(each.mean, each.precision, jnp.asarray(targets)))(
        jax.tree.map(jnp.asarray, predictions)
    )
    return jax.tree.map(lambda leaf: over_members(leaf) if leaf.size > 1 else Estimate(float(leaf[0]), np.nan), values)


def _last_predictions(run: Run) -> Outcome:
    """Predictions of all members, shape (method, member, sample)."""
    return jax.tree.map(lambda leaf: np.asarray(leaf[:, :, -1], np.float64), run.series)
