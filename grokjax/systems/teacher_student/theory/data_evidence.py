r"""The evidence of a data set at leading order and to one loop, on fixed nodes.

With $\phi_\mu(w)=\phi(w\cdot x_\mu)$ as modes the leading order on a data set is the convex dual

$$ G(\delta)=\tfrac12|\delta|^2-\delta\cdot y
   +N\sigma^2\log\Big\langle e^{\frac{\sigma_a^2}{2N\sigma^4}(\delta\cdot\phi)^2}\Big\rangle_{\rm prior},\qquad
   L = \frac1{\sigma^2}G_{\min}-\tfrac12\log\det\nabla^2G . $$

The average over $w$ is on panels along the teacher and draws from the prior across it: a minimum on fixed nodes always
exists, and the nodes do not follow the solution. What they leave open is the difference to half as many draws. (The
theory of order parameters on a data set, `predict(theory="data")`, has the back-action of a read-out and nodes that
follow; on strongly specialised networks it may find no solution, where the evidence still has one.)

References:
    arXiv:2310.03789, equations of section 3; the determinant is derived here.
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ...._checks import argument_error, check_double, check_whole
from ...._printing import AbstractPrinted
from ....networks import activation_function
from ....status import AbstractSolution, Status, choose_status
from ....theory.adaptive_kernel import evidence, minimise
from ....theory.gaussian import gauss_legendre_panels
from ..quadrature import log_prior_density
from ..system import TeacherStudent
from .feature_dual import FeatureDual
from .sampled_neurons import teacher_direction


PANELS, ORDER, REACH = 8, 8, 1.7  # along the teacher, in units of the weight's prior at weight_variance = 1/2
LARGEST_MISFIT = 0.05  # of the fitted teacher, relative


class DataEvidence(AbstractSolution, AbstractPrinted):
    r"""Of every data set; arrays of shape (dataset, noise).

    Attributes:
        leading: $G_{\min}/\sigma^2$.
        determinant: $-\frac12\log\det\nabla^2G$.
        total: their sum.
        quadrature_error: what changes when half of the draws are left out.
        status: unreliable where the teacher could not be found.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> inputs, directions = jax.random.normal(jax.random.key(0), (2, 47, 19)), jnp.tile(jnp.eye(19)[0], (2, 1))
        >>> found = ts.data_evidence(system, inputs, inputs[..., 0], [0.6, 0.3], directions=directions, num_draws=8)
        >>> found.total.shape, bool((found.determinant < 0).all())
        ((2, 2), True)
    """

    leading: Float[Array, "..."]
    determinant: Float[Array, "..."]
    total: Float[Array, "..."]
    quadrature_error: Float[Array, "..."]
    status: Int[Array, "..."]


def data_evidence(
    system: TeacherStudent,
    inputs: Any,
    targets: Any,
    noise_variances: Any,
    *,
    directions: Any = None,
    num_draws: int = 128,
) -> DataEvidence:
    """Evidence of several data sets at several noises.

    Args:
        system: one point; its own noise plays no role.
        inputs: shape (dataset, sample, input).
        targets: shape (dataset, sample).
        noise_variances: shape (noise,); each solution starts from the last, so the hottest should come first.
        directions: of the teachers, shape (dataset, input); fitted to the data unless given.
        num_draws: across the teacher at each of 64 alignments.

    Raises:
        ValueError: 64-bit floats are off, or the data do not fit together.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> inputs, directions = jax.random.normal(jax.random.key(0), (2, 47, 19)), jnp.tile(jnp.eye(19)[0], (2, 1))
        >>> found = ts.data_evidence(system, inputs, inputs[..., 0], [0.6, 0.3], directions=directions, num_draws=8)
        >>> bool((found.total[:, 0] > found.total[:, 1]).all())  # a hotter likelihood asks for less
        True
    """
    check_double("theory", system)
    check_whole("num_draws", num_draws, 2)
    inputs, targets = jnp.asarray(inputs, float), jnp.asarray(targets, float)
    if inputs.ndim != 3 or targets.shape != inputs.shape[:2]:
        got = f"inputs of shape {inputs.shape}, targets of shape {targets.shape}"
        raise argument_error("inputs", "of shape (dataset, sample, input), with a target each", got, "Match them.")
    noises = jnp.atleast_1d(jnp.asarray(noise_variances, float))
    if directions is None:
        directions, misfit = jax.lax.map(lambda data: teacher_direction(system, *data), (inputs, targets))
    else:
        directions, misfit = jnp.asarray(directions, float), jnp.zeros(len(inputs))
    if directions.shape != (inputs.shape[0], inputs.shape[2]):
        expected = f"of shape {(inputs.shape[0], inputs.shape[2])}"
        raise argument_error("directions", expected, directions.shape, "One unit vector for each data set.")
    solve = lambda draws: _evidences(system, inputs, targets, directions, noises, draws)
    found, fewer = solve(num_draws), solve(num_draws // 2)
    status = choose_status((misfit[:, None] > LARGEST_MISFIT, Status.UNRELIABLE), otherwise=found[2])
    error = jnp.abs(sum(found[:2]) - sum(fewer[:2]))
    return DataEvidence(found[0], found[1], found[0] + found[1], error, status)


@eqx.filter_jit
def _evidences(system, inputs, targets, directions, noises, num_draws):
    width, readout, dimension = system.width, system.readout_variance, inputs.shape[-1]
    activation = activation_function(system.activation)
    scale = jnp.sqrt(system.weight_variance / dimension)
    q, weight = gauss_legendre_panels(
        jnp.linspace(0.0, REACH, PANELS + 1) * jnp.sqrt(2 * system.weight_variance), ORDER
    )
    log_prior = jnp.log(weight) + log_prior_density(system, q)
    log_prior = jnp.repeat(log_prior - jax.nn.logsumexp(log_prior) - math.log(num_draws), num_draws)
    rule = jax.random.normal(jax.random.key(0), (q.size, num_draws, dimension))  # the same for all data sets

    def of_dataset(entry):
        x, y, direction = entry
        across = scale * (rule - (rule @ direction)[..., None] * direction[None, None])
        hidden = activation((across + q[:, None, None] * direction[None, None]) @ x.T).reshape(-1, len(y)).T

        def at(start, noise):
            dual = FeatureDual(y, hidden, log_prior, readout / (2 * width * noise**2), width * noise)
            solution = minimise(dual, start=start, tolerance=1e-8)
            found = evidence(dual, solution.discrepancy, 1 / noise)
            return solution.discrepancy, (found.leading, found.determinant, solution.status)

        return jax.lax.scan(at, jnp.zeros_like(y), noises)[1]

    return jax.lax.map(of_dataset, (inputs, targets, directions))
