r"""The adaptive-kernel theory of the teacher-student task.

The mean output deviates from the target by $\delta(x) = \sum_k \delta_k h_k(w^*\cdot x)$; each neuron feels the action

$$ S(q, r) = \frac{d\,q^2}{2\sigma_w^2} - \frac{n^2\sigma_a^2}{2N\sigma^4}\Big(\sum_k \delta_k g_k(q,r)\Big)^2 , $$

and $\delta$ is the minimum of the convex dual in `grokjax.theory.adaptive_kernel`. Nothing here is fitted and nothing
is clipped: a negative discrepancy means that the network overshoots.

| symbol | field | meaning |
|---|---|---|
| $\delta_k/\sqrt{k!}$ | `discrepancy[k]` | what is missing of the coefficient $c_k$ |
| $c_k-\delta_k/\sqrt{k!}$ | `overlap[k]` | what has been learned of it |
| $P(|q|>q_b)$ | `side_weight` | mass of specialised neurons |

References:
    arXiv:2310.03789, section 4.1.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ....theory.adaptive_kernel import ConvexDual, evidence, minimise
from ..quadrature import (
    NeuronNodes,
    by_degree,
    log_prior_density,
    neuron_features,
    neuron_nodes,
    norm_rule,
    normalised_targets,
)
from ..system import TeacherStudent
from .fluctuations import rest_determinant
from .result import Prediction, discrepancy_range


class MeanFieldLaw(eqx.Module):
    r"""The law of one neuron's alignment, $p(q)\propto\int dr\,p(r)\,e^{-S(q,r)}$.

    Attributes:
        system: the parameters.
        discrepancy: $\delta_k$ in orthonormal modes.
        log_partition: log of the normalisation, relative to the prior.
        perpendicular: treatment of $r$.
        num_norms: nodes over $r$.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> prediction = ts.predict(system, theory="mean_field")
        >>> q = jnp.linspace(-3.0, 3.0, 601)
        >>> round(float(jnp.trapezoid(jnp.exp(prediction.law.log_density(q)), q)), 4)
        1.0
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


def coupling(system: TeacherStudent) -> Float[Array, ""]:
    r"""$C = n^2\sigma_a^2/(2N\sigma^4)$.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> from grokjax.systems.teacher_student.theory import coupling
        >>> bool(jnp.isclose(coupling(system.replace(noise_variance=0.6)), coupling(system) / 4))
        True
    """
    return system.num_samples**2 * system.readout_variance / (2 * system.width * system.noise_variance**2)


def effective_interaction(system: TeacherStudent) -> Float[Array, ""]:
    r"""$u = n^2\sigma_a^2/(\sigma^4 d N)$, the one number that drives the transition.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> from grokjax.systems.teacher_student.theory import effective_interaction
        >>> round(float(effective_interaction(system)), 1)
        10.7
    """
    return 2 * coupling(system) / system.input_dim


def convex_dual(system: TeacherStudent, nodes: NeuronNodes) -> ConvexDual:
    """The dual problem of `system` on the given nodes.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> from grokjax.systems.teacher_student import quadrature, theory
        >>> dual = theory.convex_dual(system, quadrature.neuron_nodes(system, "mean", 640, 48))
        >>> (-dual.gradient(jnp.zeros(2))).round(2).tolist()  # the teacher in orthonormal modes
        [1.0, -0.73]
    """
    return ConvexDual(
        targets=normalised_targets(system),
        neuron_kernels=nodes.features[:, :, None] * nodes.features[:, None, :],
        log_prior=nodes.log_prior,
        coupling=coupling(system),
        multiplicity=system.width * system.noise_variance / system.num_samples,
    )


@eqx.filter_jit
def mean_field(
    system: TeacherStudent, perpendicular: str, num_nodes: int, num_norms: int, tolerance: float, max_steps: int
) -> Prediction:
    """The published theory at one point; see `predict`."""
    nodes = neuron_nodes(system, perpendicular, num_nodes, num_norms)
    dual = convex_dual(system, nodes)
    solution = minimise(dual, tolerance=tolerance, max_steps=max_steps)
    delta = solution.discrepancy
    log_weights = dual.log_weights(delta)
    log_partition = jax.nn.logsumexp(log_weights)
    finer = convex_dual(system, neuron_nodes(system, perpendicular, 2 * num_nodes, num_norms))
    missing = by_degree(system, delta)
    found = evidence(dual, delta, system.num_samples / system.noise_variance)
    determinant = found.determinant + rest_determinant(system, nodes, dual, delta)
    return Prediction(
        discrepancy=missing,
        overlap={k: c - missing[k] for k, c in system.teacher.items()},
        side_weight=jnp.exp(log_weights - log_partition) @ (jnp.abs(nodes.alignment) > system.side_threshold),
        log_evidence=found.leading + determinant,
        kernel=system.readout_variance * dual.mean_kernel(delta),
        residual=solution.residual,
        quadrature_error=jnp.linalg.norm(finer.gradient(delta)),
        iterations=solution.iterations,
        status=solution.status,
        law=MeanFieldLaw(system, delta, log_partition, perpendicular, num_norms),
        range=discrepancy_range(system, delta),
        theory=("mean_field",),
        chosen=jnp.zeros((), int),
        determinant=determinant,
    )
