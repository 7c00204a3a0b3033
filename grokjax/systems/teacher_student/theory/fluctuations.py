r"""The determinant of fluctuations around the leading order: what $\log p(\text{data})$ has beside the dual's minimum.

In the continuum of samples the Hessian of the dual splits into the teacher's modes, the $d-1$ linear modes at right
angles to it, each of eigenvalue $\lambda$, and many modes that are hardly learned, of total eigenvalue $\tau$:

$$ -\tfrac12\Big[\log\det\nabla^2G + (d-1)\log\Big(1+\frac{n\lambda}{\sigma^2}\Big) + \frac{n\tau}{\sigma^2}\Big],
\qquad (d-1)\lambda = \sigma_a^2\Big\langle\rho\,|g_\perp|^2\Big\rangle,\quad
   \tau = \sigma_a^2\Big\langle\rho\,\big[\langle\phi^2\rangle_x-|g|^2-|g_\perp|^2\big]\Big\rangle . $$

A neuron counts $\rho = 1+\frac{\sigma_a^2}N(t\cdot\phi)^2$ times in the Hessian: specialised ones many times.

References:
    derived here; the leading order is that of arXiv:2310.03789, section 3.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from ....networks import activation_function
from ....theory.adaptive_kernel import ConvexDual
from ....theory.gaussian import second_moment
from ..quadrature import NeuronNodes, neuron_features
from ..system import TeacherStudent


def rest_determinant(
    system: TeacherStudent, nodes: NeuronNodes, dual: ConvexDual, discrepancy: Float[Array, " modes"]
) -> Scalar:
    """The part of all modes but those of the teacher.

    Args:
        system: the parameters.
        nodes: of one neuron.
        dual: the problem on them.
        discrepancy: its solution.
    """
    scale = jnp.sqrt(nodes.alignment**2 + nodes.norm)
    linear = neuron_features(system.replace(teacher={1: 1.0}), scale, jnp.zeros_like(scale))[:, 0] / scale
    perpendicular = nodes.norm * linear**2
    total = second_moment(activation_function(system.activation), scale)
    log_weights = dual.log_weights(discrepancy)
    response = jax.nn.softmax(log_weights) * (1 + 2 * (log_weights - nodes.log_prior))
    others = jnp.maximum(system.input_dim - 1, 1)
    signal = system.num_samples * system.readout_variance / system.noise_variance
    tail = response @ (total - jnp.sum(nodes.features**2, axis=1) - perpendicular)
    return -(others * jnp.log1p(signal * (response @ perpendicular) / others) + signal * tail) / 2
