r"""Where in the square to train: the published line, and one that finds more.

The paper searches the diagonal $\rho=t$, $\gamma=1-t$, which crosses every phase of the mean. But $\beta^2=t\alpha$:
where the mean fits, the precision is still stiff. The two strengths nearly decouple, so a search of one and then the
other costs as little, and finds fits that adapt both.

References:
    arXiv:2306.16717, section 4.3 and appendix D.2.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from ..._checks import argument_error, check_choice, check_positive
from ..._printing import AbstractPrinted
from ...evidence.statistics import is_estimate
from ...status import Status
from .order_parameters import OVERFITTED, OrderParameters
from .system import MeanVariance, RegressionData


PATHS = ("diagonal", "main_diagonal", "half")
CRITERIA = ("test_nll", "population_nll", "test_mse", "mse", "sd_mse")
STIFF = 100.0  # beta at which the precision is flat on standardised data, for the first stage of the separable search

Evaluate = Callable[[MeanVariance], Any]


class Choice(AbstractPrinted):
    """The best of some fits.

    Attributes:
        system: its strengths.
        index: where it stands on the path.
        value: its criterion.
        found: the predictions, or the run, of all fits of the last path.
        num_fits: how many were made in all.
    """

    system: MeanVariance
    index: int
    value: float
    found: Any
    num_fits: int


def path(data: RegressionData, points: Any, name: str = "diagonal") -> MeanVariance:
    r"""The systems on a line through the square.

    Args:
        data: what is learned.
        points: $t\in(0,1)$.
        name: "diagonal" ($\rho=t,\gamma=1-t$), "main_diagonal" ($\rho=\gamma=t$) or "half" ($\rho=t,\gamma=1/2$).

    Raises:
        ValueError: the name is unknown, or a point is outside (0, 1).

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> line = mv.path(mv.sine(16), [0.2, 0.5, 0.8])
        >>> jnp.round(line.alpha, 3).tolist()  # (1 - t)^2 / t
        [3.2, 0.5, 0.05]
    """
    check_choice("name", name, PATHS)
    t = np.asarray(points, np.float64)
    return MeanVariance.from_square(
        data, rho=t, gamma={"diagonal": 1 - t, "main_diagonal": t, "half": 0.5 + 0 * t}[name]
    )


def best(found: Any, criterion: str = "test_nll") -> tuple[int, float]:
    """Index and value of the best fit that has not collapsed.

    Args:
        found: predictions of the theory or a run of networks, along one axis.
        criterion: "test_nll" (held-out samples), "population_nll" (known truth), "test_mse", or the training metrics
            "mse" and "sd_mse".

    Raises:
        ValueError: the criterion is unknown, needs samples or a truth that are missing, or all fits have collapsed.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> found = mv.predict(mv.path(mv.sine(16), [0.2, 0.8, 0.999]))
        >>> index, value = mv.best(found)  # of the held-out samples' likelihood
        >>> index
        1
    """
    values = np.where(collapsed(found), np.inf, _values(found, criterion))
    values = np.where(np.isnan(values), np.inf, values)
    index = int(np.argmin(values))
    if not np.isfinite(values[index]):
        raise argument_error("found", "fits of which one has not collapsed", "none", "Take weaker likelihoods.")
    return index, float(values[index])


def collapsed(found: Any) -> Bool[np.ndarray, "*points"]:
    """Which fits ran through the data; networks where more than half of the seeds did.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> found = mv.predict(mv.path(mv.sine(16), [0.2, 0.8, 0.999]))
        >>> mv.collapsed(found).tolist()
        [False, False, True]
    """
    status, fitted = np.asarray(found.status), _mean(found.order_parameters.fitted)
    over = status == int(Status.COLLAPSED)
    over = over.mean(axis=-1) > 0.5 if over.ndim > fitted.ndim else over
    return over | (fitted > OVERFITTED)


def search(
    evaluate: Evaluate, data: RegressionData, points: Any, name: str = "diagonal", *, criterion: str = "test_nll"
) -> Choice:
    """The best fit on a line through the square.

    Args:
        evaluate: `predict`, or `lambda system: simulate(key, system)`.
        data: what is learned.
        points: along the line, in (0, 1).
        name: of the line, see `path`.
        criterion: see `best`.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> choice = mv.search(mv.predict, mv.sine(16), [0.2, 0.8, 0.999])
        >>> choice.index, round(float(choice.system.rho), 2)
        (1, 0.8)
    """
    system = path(data, points, name)
    found = evaluate(system)
    index, value = best(found, criterion)
    return Choice(_at(system, index), index, value, found, len(np.asarray(points)))


def published_midpoint(evaluate: Evaluate, data: RegressionData, points: Any) -> tuple[float, float, float]:
    r"""The paper's choice on the diagonal: midway in logit t between the best training `mse` and the best `sd_mse`.

    Fits that have collapsed are left out, which the paper does not do: on training data both of its choices lie there.

    Args:
        evaluate: `predict`, or `lambda system: simulate(key, system)`.
        data: what is learned.
        points: $t$ along the diagonal.

    Returns:
        t of the midpoint, of the best mean, and of the best standard deviation.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> middle, mean, deviation = mv.published_midpoint(mv.predict, mv.sine(16), [0.2, 0.8, 0.999])
        >>> round(middle, 2), mean, deviation
        (0.8, 0.8, 0.8)
    """
    t = np.asarray(points, np.float64)
    found = evaluate(path(data, t))
    first, second = (t[best(found, criterion)[0]] for criterion in ("mse", "sd_mse"))
    middle = (np.log(first / (1 - first)) + np.log(second / (1 - second))) / 2
    return float(1 / (1 + np.exp(-middle))), float(first), float(second)


def separable(
    evaluate: Evaluate,
    data: RegressionData,
    alphas: Any,
    betas: Any,
    *,
    mean_criterion: str = "test_mse",
    criterion: str = "test_nll",
) -> Choice:
    r"""First $\alpha$ by the error of the mean at a stiff precision, then $\beta$ by the likelihood.

    Args:
        evaluate: `predict`, or `lambda system: simulate(key, system)`.
        data: what is learned.
        alphas: strengths of the mean.
        betas: strengths of the precision.
        mean_criterion: of the first stage.
        criterion: of the second.

    Raises:
        ValueError: a strength is not positive; or as in `best`.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> choice = mv.separable(mv.predict, mv.sine(16), [1e-3, 1e-2, 1e-1], [1e-2, 1.0, 100.0])
        >>> choice.num_fits, round(float(choice.system.alpha), 4)
        (6, 0.01)
    """
    alphas, betas = (jnp.asarray(values, float) for values in (alphas, betas))
    check_positive("alphas", alphas)
    check_positive("betas", betas)
    first = best(evaluate(MeanVariance(data, alpha=alphas, beta=STIFF)), mean_criterion)[0]
    system = MeanVariance(data, alpha=alphas[first], beta=betas)
    found = evaluate(system)
    index, value = best(found, criterion)
    return Choice(_at(system, index), index, value, found, alphas.size + betas.size)


def _values(found: Any, criterion: str) -> Float[np.ndarray, "*points"]:
    check_choice("criterion", criterion, CRITERIA)
    order_parameters: OrderParameters = found.order_parameters
    if criterion.startswith("test_"):
        if order_parameters.test is None:
            raise argument_error("criterion", "one without held-out samples", criterion, "Split the data.")
        return _mean(getattr(order_parameters.test, criterion.removeprefix("test_")))
    value = getattr(order_parameters, criterion)
    if value is None:
        raise argument_error("criterion", "one that needs no truth", criterion, 'Try "test_nll".')
    return _mean(value)


def _mean(value: Any) -> np.ndarray:
    return np.asarray(value.mean if is_estimate(value) else value, np.float64)


def _at(system: MeanVariance, index: int) -> MeanVariance:
    pick = lambda leaf: leaf[index] if jnp.ndim(leaf) else leaf
    return MeanVariance(system.data, alpha=pick(system.alpha), beta=pick(system.beta))


def seed_spread(run: Any) -> OrderParameters:
    """Standard deviation over seeds of every order parameter, in the shape of the sweep: the paper's variability.

    Args:
        run: of networks.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance(mv.sine(16), alpha=1e-2, beta=1e-2)
        >>> run = mv.simulate(jax.random.key(0), system, depth=1, num_members=2, num_steps=20, progress=False)
        >>> bool(np.isclose(mv.seed_spread(run).mse, np.std(run.members.mse, ddof=1)))
        True
    """
    members = run.layout.num_members
    return jax.tree.map(lambda each: each.error * members**0.5, run.order_parameters, is_leaf=is_estimate)
