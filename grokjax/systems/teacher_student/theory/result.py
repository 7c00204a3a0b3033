r"""What every theory of the teacher-student task returns, and how far it may be trusted.

A theory knows where it ends, by numbers of its own:

| number | meaning | limit |
|---|---|---|
| `noise_to_signal[k]` $R_k$ | random field of the data in the directions of the degree-$k$ component | 0.3 or 10 |
| `rest_exponent` $A$ | gain in log weight of a specialised neuron by overfitting all other directions | 1 |
| `effective_samples` $(\sum t^2)^2/\sum t^4$ | samples that carry the force of a typical data set | |
| `readout_fluctuation` | $\langle L-1\rangle$ of specialised neurons | |

With the squared discrepancy $D(z)$ given the teacher's coordinate, $R_k=\frac{d-1}n\langle D\,h_{k-1}^2\rangle/y_k^2$;
its limit is 0.3 for theories without these fields and 10 for those with them. Noise in the targets of variance $v$ adds
$v$ to $D$. For $A$ between 1 and 2 the values with and without the rest are a bracket (`Prediction.bracket`). With few
effective samples, below 50, average over draws of the teacher coordinates (`z_samples`): a data set's largest few
coordinates then matter, and those beyond them, which an exact average includes, are rarely there.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Bool, Float, Int, Scalar

from ...._printing import AbstractPrinted
from ....status import AbstractSolution, describe, succeeded
from ....theory.gaussian import normal_rule, normalised_hermite
from ..order_parameters import OrderParameters
from ..quadrature import normalised_targets
from ..system import TeacherStudent


LARGEST_REST_EXPONENT, LARGEST_BRACKET = 1.0, 2.0
WITHOUT_FIELDS, WITH_FIELDS = 0.3, 10.0
"""Largest noise over signal of a theory without the vector fields of the data, and of one with them."""


class Range(AbstractPrinted):
    """Where a theory stops, by its own computation; see the table above.

    Attributes:
        noise_to_signal: $\\{k: R_k\\}$.
        rest_exponent: $A$, 0 in a theory without the rest of the random field.
        effective_samples: samples that carry the force.
        readout_fluctuation: mean of $L-1$ over specialised neurons; 0 without read-out fluctuations.
        largest_noise: limit of $R_k$.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> prediction = ts.predict(system, theory="mean_field")
        >>> bool(prediction.range.holds), prediction.range.reasons()
        (False, ['noise to signal of degree 3 up to 6.62 > 0.3'])
    """

    noise_to_signal: dict[int, Any]
    rest_exponent: Any
    effective_samples: Any
    readout_fluctuation: Any
    largest_noise: Any

    @property
    def holds(self) -> Bool[Array, "..."]:
        """Whether all numbers are within their limits."""
        worst = jnp.max(jnp.stack([jnp.asarray(ratio) for ratio in self.noise_to_signal.values()]), axis=0)
        return (worst < self.largest_noise) & (jnp.asarray(self.rest_exponent) < LARGEST_REST_EXPONENT)

    def reasons(self) -> list[str]:
        """Why it does not hold, each reason once, with its largest number over the points."""
        found = []
        for degree, ratio in self.noise_to_signal.items():
            excess = np.asarray(ratio) / np.asarray(self.largest_noise)
            if np.any(excess >= 1):
                limit = np.ravel(np.broadcast_to(self.largest_noise, excess.shape))[np.argmax(excess)]
                found.append(f"noise to signal of degree {degree} up to {np.max(ratio):.3g} > {limit:g}")
        if np.any(np.asarray(self.rest_exponent) >= LARGEST_REST_EXPONENT):
            found.append(f"rest exponent up to {np.max(self.rest_exponent):.2g} > {LARGEST_REST_EXPONENT:g}")
        return found


class Prediction(AbstractSolution, AbstractPrinted):
    r"""What theory says about one system.

    Attributes:
        discrepancy: $\{k: \delta_k/\sqrt{k!}\}$, the part of $c_k$ that is not learned, in units of $He_k$.
        overlap: $\{k: c_k - \delta_k/\sqrt{k!}\}$, the learned part.
        side_weight: probability that a neuron has $|q|$ above the side threshold.
        log_evidence: $L=\log\langle e^{-\sum(f-y)^2/2\sigma^2}\rangle_{\rm prior}$ in nats, to one loop: the minimum
            of the dual, $(n/\sigma^2)\,G$, and the `determinant` of fluctuations around it; at most 0. Left out is the
            Gaussian normalisation $-(n/2)\log 2\pi\sigma^2$. Of `"mean_field"` (which `"best"` shows, too) in the
            continuum of samples; of `"data"` on the data set; None for the others.
        kernel: $Q_{kl} = \sigma_a^2\langle g_k g_l\rangle_S$, the adaptive kernel in the modes of the theory.
        residual: norm of the stationarity condition at the solution; beyond mean field the relative change by one more
            iteration.
        quadrature_error: the same norm on twice as many nodes, which bounds the error of the discrepancy by quadrature;
            None where it is not computed.
        iterations: evaluations used by the solver.
        status: how the solver ended.
        law: the law of one neuron; `law.log_density(q)`.
        range: where this theory stops, and why.
        theory: name of the theory, or of those that `"best"` chose from.
        chosen: index into `theory`, point by point; 0 where there is no choice.
        spread: `OrderParameters` with the standard deviation over data sets, where the theory knows it.
        determinant: the part of `log_evidence` that is $-\frac12\log\det$; what is left of it is
            $-\frac12 y^{\top}(K+\sigma^2)^{-1}y$ for an infinitely wide network.
        without_rest: `OrderParameters` of `"field"` without the rest of the random field; where the rest exponent is
            between 1 and 2 the two bracket the truth.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> prediction = ts.predict(system, theory="mean_field")
        >>> round(float(prediction.overlap[3] + prediction.discrepancy[3]), 6)  # the teacher's coefficient
        -0.3
        >>> bool(prediction.converged), bool(prediction.trustworthy)  # solved, and too few data for this theory
        (True, False)
    """

    discrepancy: dict[int, Any]
    overlap: dict[int, Any]
    side_weight: Float[Array, "..."]
    log_evidence: Any = eqx.field(repr=False)
    kernel: Any = eqx.field(repr=False)
    residual: Float[Array, "..."]
    quadrature_error: Any = eqx.field(repr=False)
    iterations: Int[Array, "..."] = eqx.field(repr=False)
    status: Int[Array, "..."] = eqx.field(repr=False)
    law: Any = eqx.field(repr=False)
    range: Range
    theory: tuple[str, ...] = eqx.field(static=True)
    chosen: Any = eqx.field(repr=False, default=0)
    spread: Any = None
    without_rest: Any = None
    determinant: Any = eqx.field(repr=False, default=None)

    @property
    def order_parameters(self) -> OrderParameters:
        """The pytree that simulations report too."""
        return OrderParameters(overlap=self.overlap, side_weight=self.side_weight)

    @property
    def trustworthy(self) -> Bool[Array, "..."]:
        """Whether each point was solved and lies within the theory's range."""
        return succeeded(self.status) & self.range.holds

    @property
    def bracket(self) -> Any:
        """`OrderParameters` without the rest where these and those with it bracket the truth, nan elsewhere."""
        if self.without_rest is None:
            return None
        exponent = jnp.asarray(self.range.rest_exponent)
        between = (exponent >= LARGEST_REST_EXPONENT) & (exponent < LARGEST_BRACKET) & succeeded(self.status)
        return jax.tree.map(lambda leaf: jnp.where(between, leaf, jnp.nan), self.without_rest)

    @property
    def chosen_theory(self) -> Any:
        """Name of the theory behind each point."""
        return (
            np.asarray(self.theory)[np.asarray(self.chosen)] if np.ndim(self.chosen) else self.theory[int(self.chosen)]
        )

    def log_density(self, alignment: Float[ArrayLike, "*points"]) -> Float[Array, "*points"]:
        r"""$\log p(q)$ of one neuron's alignment, normalised on the whole line."""
        return self.law.log_density(jnp.asarray(alignment, float))

    def __repr__(self) -> str:
        numbers = AbstractPrinted.__repr__(self)
        try:
            good, reasons = np.asarray(self.trustworthy), self.range.reasons()
            ended = describe(self.status)
        except Exception:  # traced
            return numbers
        verdict = "trustworthy" if good.all() else f"trustworthy at {good.sum()} of {good.size} points"
        return "\n  ".join([numbers, f"{ended}; {verdict}", *reasons])


def noise_to_signal(
    system: TeacherStudent, squared_discrepancy: Float[Array, " nodes"], nodes: Any, weights: Any
) -> dict[int, Any]:
    r"""$R_k = \frac{d-1}{n}\langle D\,h_{k-1}^2\rangle/y_k^2$.

    Args:
        system: the parameters.
        squared_discrepancy: $D(z)$, the noise of the targets included.
        nodes: $z$.
        weights: of the average.
    """
    degrees = tuple(system.teacher)
    basis = normalised_hermite([degree - 1 for degree in degrees], nodes) ** 2
    noise = (system.input_dim - 1) / system.num_samples * (weights * squared_discrepancy) @ basis
    ratio = noise / jnp.maximum(normalised_targets(system) ** 2, 1e-300)
    return {degree: jnp.where(c == 0, 0.0, ratio[i]) for i, (degree, c) in enumerate(system.teacher.items())}


def effective_samples(
    system: TeacherStudent, second: Float[Array, " nodes"], fourth: Float[Array, " nodes"], nodes: Any, weights: Any
) -> Scalar:
    r"""$(\sum t^2)^2/\sum t^4$ of a typical data set, whose coordinates end at the median of the largest of $n$.

    Args:
        system: the parameters.
        second: $\langle t^2\rangle$ at each node.
        fourth: $\langle t^4\rangle$.
        nodes: $z$.
        weights: of the average.
    """
    end = -jax.scipy.special.ndtri(jnp.log(2.0) / (2 * jax.lax.stop_gradient(system.num_samples)))
    weights = jnp.where(jnp.abs(nodes) < jnp.maximum(end, 1.0), weights, 0.0)
    return system.num_samples * (weights @ second) ** 2 / jnp.maximum(weights @ fourth, 1e-300)


def discrepancy_range(
    system: TeacherStudent, discrepancy: Float[Array, " modes"], readout_fluctuation: Any = 0.0
) -> Range:
    """The range of a theory without vector fields, from its discrepancy in the teacher's modes.

    Args:
        system: the parameters.
        discrepancy: $\\delta_k$, orthonormal modes of the teacher.
        readout_fluctuation: of specialised neurons.
    """
    nodes, weights = normal_rule(4, 9.0)
    squared, noise = (normalised_hermite(tuple(system.teacher), nodes) @ discrepancy) ** 2, system.label_noise
    ratio = noise_to_signal(system, squared + noise, nodes, weights)
    fourth = squared**2 + 6 * noise * squared + 3 * noise**2
    effective = effective_samples(system, squared + noise, fourth, nodes, weights)
    zero = jnp.zeros(())
    return Range(ratio, zero, effective, zero + readout_fluctuation, jnp.asarray(WITHOUT_FIELDS))
