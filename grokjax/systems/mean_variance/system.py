r"""Mean and precision of a target, both learned, each with a regulariser of its own.

Data $y|x\sim N(\mu(x), 1/\Lambda(x))$ and the loss

$$ \mathcal L = \frac1{2N}\sum_i\big[\Lambda_i r_i^2 - \log\Lambda_i\big] + \alpha R_\mu + \beta R_\Lambda,
\qquad r_i = \mu(x_i) - y_i. $$

Networks are penalised by the squares of their weights, fields by their Dirichlet energy. The paper's square
$(\rho,\gamma)\in(0,1)^2$ holds the same strengths:

$$ \alpha=\gamma\frac{1-\rho}\rho,\quad \beta=(1-\gamma)\frac{1-\rho}\rho,\quad
\rho=\frac1{1+\alpha+\beta},\quad \gamma=\frac\alpha{\alpha+\beta},\quad
\mathcal L_{\rho,\gamma}=\rho\,\mathcal L_{\alpha,\beta}. $$

| symbol | name | symbol | name |
|---|---|---|---|
| $\alpha$ | `alpha`, regularisation of the mean | $\rho$ | `rho`, weight of the likelihood |
| $\beta$ | `beta`, regularisation of the precision | $\gamma$ | `gamma`, the mean's share of the regularisation |

References:
    arXiv:2306.16717, section 3, equations 3 to 6.
"""

from typing import Any

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float

from ..._checks import argument_error, as_scalar, is_concrete
from ..._printing import AbstractPrinted
from ...parameters import AbstractParameters, Number, parameter


_LEAST_DATA = 3


def _array(values: Any) -> Any:
    """Numbers as a floating-point array of JAX's default precision; what is no array (an axis of a `vmap`) as it is."""
    return as_scalar(values)


class RegressionData(AbstractPrinted):
    """Inputs and standardised targets, and the truth where it is known.

    Attributes:
        inputs: positions on a line, shape (samples,), or rows of a table, shape (samples, inputs).
        targets: $y$.
        mean: $m(x)$, the mean that targets were drawn with, in their units; None for real tables.
        noise: $f(x)$, their standard deviation; likewise.
        test: held-out samples of the same law and units.
        name: of the data set.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> data = mv.RegressionData([0.0, 0.5, 1.0], [-1.0, 0.5, 0.5])
        >>> data.num_samples, data.on_a_line, data.truth is None
        (3, True, True)
    """

    inputs: Float[Array, "samples ..."] = eqx.field(converter=_array)
    targets: Float[Array, " samples"] = eqx.field(converter=_array)
    mean: Float[Array, " samples"] | None = eqx.field(default=None, converter=_array)
    noise: Float[Array, " samples"] | None = eqx.field(default=None, converter=_array)
    test: "RegressionData | None" = None
    name: str = eqx.field(static=True, default="data")

    @property
    def num_samples(self) -> int:
        """Number of samples."""
        return self.targets.shape[0]

    @property
    def truth(self) -> tuple[Array, Array] | None:
        """Mean and noise, or None where they are unknown."""
        return None if self.mean is None or self.noise is None else (self.mean, self.noise)

    @property
    def on_a_line(self) -> bool:
        """Whether inputs are numbers, as the field theory needs."""
        return self.inputs.ndim == 1


def check_targets(targets: Any) -> None:
    """Raise unless concrete targets are at least three finite numbers that are not all the same.

    Raises:
        ValueError: as said.
    """
    if not is_concrete(targets):
        return
    values = np.asarray(targets)
    if values.ndim != 1 or values.shape[0] < _LEAST_DATA:
        raise argument_error(
            "targets", f"at least {_LEAST_DATA} numbers in one row", f"shape {values.shape}", "Add data."
        )
    if not np.all(np.isfinite(values)):
        bad = int(np.sum(~np.isfinite(values)))
        raise argument_error("targets", "finite", f"{bad} that are not", "Drop these samples.")
    if np.ptp(values) == 0:
        raise argument_error("targets", "not all the same", float(values[0]), "A constant has no variance to explain.")


def check_inputs(inputs: Any, num_samples: int) -> None:
    """Raise unless concrete inputs are finite, one per target, and distinct on a line.

    Args:
        inputs: shape (samples,) or (samples, inputs).
        num_samples: number of targets.

    Raises:
        ValueError: as said.
    """
    if not is_concrete(inputs):
        return
    values = np.asarray(inputs)
    if values.ndim not in (1, 2) or values.shape[0] != num_samples:
        raise argument_error("inputs", f"one row for each of {num_samples} targets", f"shape {values.shape}", "Match.")
    if not np.all(np.isfinite(values)):
        raise argument_error(
            "inputs", "finite", f"{int(np.sum(~np.isfinite(values)))} that are not", "Drop these samples."
        )
    if values.ndim == 1 and np.unique(values).size < values.size:
        seen, counts = np.unique(values, return_counts=True)
        raise argument_error(
            "inputs",
            "distinct on a line",
            f"{float(seen[counts > 1][0])!r} more than once",
            "Average the targets of repeated inputs.",
        )


class MeanVariance(AbstractParameters):
    """A data set and the two strengths of regularisation.

    Attributes:
        data: what is learned; the same for every point of a sweep.
        alpha: strength of the mean's regulariser.
        beta: strength of the precision's regulariser.

    Raises:
        ValueError: fewer than three data, repeated inputs on a line, a constant or non-finite target, or a strength
            that is not positive.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> system = mv.MeanVariance.from_square(mv.sine(16), rho=0.5, gamma=0.25)
        >>> round(float(system.alpha), 2), round(float(system.beta), 2)
        (0.25, 0.75)
    """

    data: RegressionData
    alpha: Number = parameter(positive=True, remedy="Without it no fit has a finite precision.")
    beta: Number = parameter(positive=True, remedy="Without it no fit is stable.")

    def __check_init__(self):
        if not isinstance(self.data, RegressionData):
            raise argument_error("data", "RegressionData", type(self.data).__name__, "Try mean_variance.sine(64).")
        for name in ("inputs", "targets"):
            if not isinstance(getattr(self.data, name), Array):
                raise argument_error(name, "an array of numbers", getattr(self.data, name), "Give one row per sample.")
        check_targets(self.data.targets)
        check_inputs(self.data.inputs, self.data.num_samples)

    @classmethod
    def from_square(cls, data: RegressionData, *, rho: Any, gamma: Any) -> "MeanVariance":
        r"""The system at $(\rho,\gamma)$, arrays for a sweep.

        Concrete numbers are taken in 64 bits whatever JAX's precision, so that $\rho=1-10^{-11}$ is not rounded to 1.

        Args:
            data: what is learned.
            rho: weight of the likelihood, in (0, 1).
            gamma: the mean's share of the regularisation, in (0, 1).

        Raises:
            ValueError: a coordinate is outside (0, 1), or the data are unfit.
        """
        alpha, beta = from_square(rho, gamma)
        return cls(data, alpha=alpha, beta=beta)

    @property
    def rho(self) -> Number:
        """Weight of the likelihood in the loss."""
        return 1 / (1 + self.alpha + self.beta)

    @property
    def gamma(self) -> Number:
        """The mean's share of the regularisation."""
        return self.alpha / (self.alpha + self.beta)


def from_square(rho: Any, gamma: Any) -> tuple[Any, Any]:
    r"""$(\alpha,\beta)$ of a point of the square, in 64 bits where the numbers are concrete.

    Args:
        rho: in (0, 1).
        gamma: in (0, 1).

    Raises:
        ValueError: a coordinate is outside.
    """
    concrete = is_concrete(rho) and is_concrete(gamma)
    if concrete:
        rho, gamma = np.asarray(rho, np.float64), np.asarray(gamma, np.float64)
        for name, value in {"rho": rho, "gamma": gamma}.items():
            if not np.all((value > 0) & (value < 1)):
                raise argument_error(
                    name, "inside (0, 1)", np.asarray(value).tolist(), "At the edges no fit exists or it is not unique."
                )
    regularisation = (1 - rho) / rho
    return gamma * regularisation, (1 - gamma) * regularisation
