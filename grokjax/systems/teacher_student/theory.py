r"""The adaptive-kernel theory of the teacher-student task.

The mean output deviates from the target by $\delta(x) = \sum_k \delta_k h_k(w^*\cdot x)$; each neuron feels the action

$$ S(q, r) = \frac{d\,q^2}{2\sigma_w^2} - \frac{n^2\sigma_a^2}{2N\sigma^4}\Big(\sum_k \delta_k g_k(q,r)\Big)^2 , $$

and $\delta$ is the minimum of the convex dual in `grokjax.theory.adaptive_kernel`. Nothing here is fitted and nothing
is
clipped: a negative discrepancy means that the network overshoots.

| symbol | field | meaning |
|---|---|---|
| $\delta_k/\sqrt{k!}$ | `discrepancy[k]` | what is missing of the coefficient $c_k$ |
| $c_k-\delta_k/\sqrt{k!}$ | `overlap[k]` | what has been learned of it |
| $P(|q|>1/2)$ | `side_weight` | mass of specialised neurons |

References:
    arXiv:2310.03789, section 4.1.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float, Int

from ..._checks import check_at_least, check_choice, check_double
from ..._tree import over_points
from ...status import AbstractSolution
from ...theory.adaptive_kernel import ConvexDual, minimise
from .finite_size import CORRECTIONS, FiniteSize, FiniteSizeLaw, dual, neurons, solve
from .order_parameters import OrderParameters
from .quadrature import (
    PERPENDICULAR,
    SIDE_THRESHOLD,
    NeuronNodes,
    alignment_rule,
    by_degree,
    log_prior_density,
    neuron_features,
    neuron_nodes,
    norm_rule,
    normalised_targets,
)
from .system import TeacherStudent


class MeanFieldLaw(eqx.Module):
    r"""The law of one neuron's alignment, $p(q)\propto\int dr\,p(r)\,e^{-S(q,r)}$.

    Attributes:
        system: the parameters.
        discrepancy: $\delta_k$ in orthonormal modes.
        log_partition: log of the normalisation, relative to the prior.
        perpendicular: treatment of $r$.
        num_norms: nodes over $r$.
    """

    system: TeacherStudent
    discrepancy: Float[Array, " modes"]
    log_partition: Float[Array, ""]
    perpendicular: str = eqx.field(static=True)
    num_norms: int = eqx.field(static=True)

    @eqx.filter_jit
    def log_density(self, alignment: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """Log of the normalised density at `alignment`, on the whole line."""
        norm, log_weight = norm_rule(self.system, self.perpendicular, self.num_norms)
        q, r = jnp.broadcast_arrays(alignment[..., None], norm.reshape((1,) * alignment.ndim + (-1,)))
        field = neuron_features(self.system, q, r) @ self.discrepancy
        exponent = jax.nn.logsumexp(
            coupling(self.system) * field**2 + log_weight.reshape((1,) * alignment.ndim + (-1,)), axis=-1
        )
        return log_prior_density(self.system, alignment) + exponent - self.log_partition


class Prediction(AbstractSolution):
    r"""What theory says about one system.

    Attributes:
        discrepancy: $\{k: \delta_k/\sqrt{k!}\}$, the part of $c_k$ that is not learned, in units of $He_k$.
        overlap: $\{k: c_k - \delta_k/\sqrt{k!}\}$, the learned part.
        side_weight: probability that a neuron has $|q| > 1/2$.
        log_evidence: mean-field $\log p(\text{data})$ in nats, $(n/\sigma^2)\,G$ at the minimum: the log of the prior
            average of $e^{-\sum(f-y)^2/2\sigma^2}$ at the saddle. It is at most 0, and 0 for a student without data.
            Left out are the Gaussian normalisation $-(n/2)\log 2\pi\sigma^2$ and the determinant of fluctuations
            around the saddle. For an infinitely wide network it becomes $-\frac12 y^{\top}(K+\sigma^2)^{-1}y$. None
            beyond mean field.
        kernel: $Q_{kl} = \sigma_a^2\langle g_k g_l\rangle_S$, the adaptive kernel in the teacher's modes.
        residual: norm of the stationarity condition at the solution; beyond mean field the relative change by one more
            iteration.
        quadrature_error: the same norm on twice as many nodes, which bounds the error of the discrepancy by quadrature.
        iterations: evaluations used by the solver.
        status: how the solver ended.
        law: the law of one neuron; `law.log_density(q)`.
    """

    discrepancy: dict[int, Float[Array, ""]]
    overlap: dict[int, Float[Array, ""]]
    side_weight: Float[Array, ""]
    log_evidence: Any
    kernel: Float[Array, "modes modes"]
    residual: Float[Array, ""]
    quadrature_error: Float[Array, ""]
    iterations: Int[Array, ""]
    status: Int[Array, ""]
    law: Any

    @property
    def order_parameters(self) -> OrderParameters:
        """The pytree that simulations report too."""
        return OrderParameters(overlap=self.overlap, side_weight=self.side_weight)

    def log_density(self, alignment: Float[ArrayLike, "*points"]) -> Float[Array, "*points"]:
        r"""$\log p(q)$ of one neuron's alignment, normalised on the whole line."""
        return self.law.log_density(jnp.asarray(alignment, float))


def coupling(system: TeacherStudent) -> Float[Array, ""]:
    r"""$C = n^2\sigma_a^2/(2N\sigma^4)$."""
    return system.num_samples**2 * system.readout_variance / (2 * system.width * system.noise_variance**2)


def effective_interaction(system: TeacherStudent) -> Float[Array, ""]:
    r"""$u = n^2\sigma_a^2/(\sigma^4 d N)$, the one number that drives the transition."""
    return 2 * coupling(system) / system.input_dim


def convex_dual(system: TeacherStudent, nodes: NeuronNodes) -> ConvexDual:
    """The dual problem of `system` on the given nodes."""
    return ConvexDual(
        targets=normalised_targets(system),
        neuron_kernels=nodes.features[:, :, None] * nodes.features[:, None, :],
        log_prior=nodes.log_prior,
        coupling=coupling(system),
        multiplicity=system.width * system.noise_variance / system.num_samples,
    )


def predict(
    system: TeacherStudent,
    perpendicular: str = "mean",
    theory: str = "mean_field",
    *,
    corrections: tuple[str, ...] = CORRECTIONS,
    num_nodes: int | None = None,
    num_norms: int | None = None,
    num_tilts: int = 40,
    tolerance: float = 1e-10,
    max_steps: int = 200,
) -> Prediction:
    """Order parameters, evidence and the law of one neuron; works under `jit`, `vmap` and `grad`.

    Sizes need not be whole. Derivatives with respect to every number in `system` are those of the exact solution.

    Args:
        system: the parameters; fields of shape (point,) make a sweep, and every result has that leading axis.
        perpendicular: `"mean"` (as in the paper), `"finite"` or `"chi2"`; see `quadrature`.
        theory: `"mean_field"`, leading order in width and samples, or `"finite_size"`, with `corrections`.
        corrections: any of `"norm"` (the same as `perpendicular="chi2"`), `"readout"` and `"sample"`; see
            `finite_size`.
        num_nodes: quadrature nodes over $|q|$, a multiple of 16; 640, or 160 with `"finite_size"`.
        num_norms: quadrature nodes over $r$; 48, or 24 with `"finite_size"`.
        num_tilts: quadrature nodes over the random direction of the correction `"sample"`.
        tolerance: accepted residual of the stationarity condition.
        max_steps: largest number of evaluations; a point that needs more comes back out of steps.

    Raises:
        ValueError: 64-bit floats are off, the system's fields have more than one axis, or an option is unknown.
    """
    check_double("theory", system)
    check_choice("perpendicular", perpendicular, PERPENDICULAR)
    check_choice("theory", theory, ("mean_field", "finite_size"))
    for correction in corrections:
        check_choice("corrections", correction, CORRECTIONS)
    if perpendicular != "mean" or (theory == "finite_size" and "norm" in corrections):
        check_at_least("input_dim", system.input_dim, 2, 'Use perpendicular="mean" in one dimension.')
    if theory == "mean_field":
        mean_field = (perpendicular, num_nodes or 640, num_norms or 48, tolerance, max_steps)
        return over_points(lambda point: _mean_field(point, *mean_field), system)
    if "norm" in corrections:
        perpendicular = "chi2"
    if "sample" in corrections:
        check_at_least("input_dim", system.input_dim, 3, "Leave out the correction `sample` in fewer dimensions.")
    corrections = tuple(name for name in CORRECTIONS if name in corrections)
    sizes = (num_nodes or 160, num_norms or 24, num_tilts)
    finite_size = (perpendicular, corrections, *sizes, tolerance, max_steps)
    return over_points(lambda point: _finite_size(point, *finite_size), system)


@eqx.filter_jit
def _mean_field(system, perpendicular, num_nodes, num_norms, tolerance, max_steps):
    nodes = neuron_nodes(system, perpendicular, num_nodes, num_norms)
    dual = convex_dual(system, nodes)
    solution = minimise(dual, tolerance=tolerance, max_steps=max_steps)
    delta = solution.discrepancy
    log_weights = dual.log_weights(delta)
    log_partition = jax.nn.logsumexp(log_weights)
    finer = convex_dual(system, neuron_nodes(system, perpendicular, 2 * num_nodes, num_norms))
    missing = by_degree(system, delta)
    return Prediction(
        discrepancy=missing,
        overlap={k: c - missing[k] for k, c in system.teacher.items()},
        side_weight=jnp.exp(log_weights - log_partition) @ (jnp.abs(nodes.alignment) > SIDE_THRESHOLD),
        log_evidence=system.num_samples / system.noise_variance * solution.value,
        kernel=system.readout_variance * dual.mean_kernel(delta),
        residual=solution.residual,
        quadrature_error=jnp.linalg.norm(finer.gradient(delta)),
        iterations=solution.iterations,
        status=solution.status,
        law=MeanFieldLaw(system, delta, log_partition, perpendicular, num_norms),
    )


@eqx.filter_jit
def _finite_size(system, perpendicular, corrections, num_nodes, num_norms, num_tilts, tolerance, max_steps):
    given = tuple(system.teacher)
    if 1 not in system.teacher:  # the linear mode is special here: with no target it is still a learnable direction
        system = system.replace(teacher={1: 0.0, **system.teacher})
    setup = FiniteSize(system, corrections, perpendicular, num_norms, num_tilts)
    alignment, log_prior = alignment_rule(system, num_nodes)
    nodes = neurons(setup, alignment, log_prior)
    around, change, iterations, status = solve(setup, nodes, tolerance=tolerance, max_steps=max_steps)
    problem = dual(setup, nodes, around)
    log_weights = problem.log_weights(around.discrepancy)
    log_partition = jax.nn.logsumexp(log_weights)
    weights = jnp.exp(log_weights - log_partition).reshape(alignment.size, -1).sum(axis=1)
    finer = dual(setup, neurons(setup, *alignment_rule(system, 2 * num_nodes)), around)
    missing = by_degree(system, around.discrepancy)
    return Prediction(
        discrepancy={k: missing[k] for k in given},
        overlap={k: system.teacher[k] - missing[k] for k in given},
        side_weight=weights @ (jnp.abs(alignment) > SIDE_THRESHOLD),
        log_evidence=None,
        kernel=around.kernel,
        residual=change,
        quadrature_error=jnp.linalg.norm(finer.gradient(around.discrepancy)),
        iterations=iterations,
        status=status,
        law=FiniteSizeLaw(setup, around, log_partition),
    )
