r"""Energy, heat capacity and number of droplets of the leading order, over the noise.

By the envelope theorem $E=-dL/db=\frac n2|\delta|^2$ and $C=b^2\,\mathrm{Var}\,S=dE/d\sigma^2$. At a fixed number $k$
of specialised neurons, with one-neuron integrals $z_0$ over $|q|<1/2$ and $z_1$ beyond,

$$ L(k)=\log\binom Nk+\min_T\Big\{\frac{\sigma^2|T|^2}{2n}-T\cdot y+(N-k)\log z_0(T)+k\log z_1(T)\Big\}, $$

a minimum of linear functions of $k$ beside a concave one: $F(k)=-L(k)$ is convex, there is no barrier between networks,
and the droplets are sub-Poissonian,

$$ \frac{\mathrm{Var}\,k}{\langle k\rangle}=\Big[1+\frac k{N-k}+k\,D^\top H^{-1}D\Big]^{-1},\qquad
   D=\nabla\log\frac{z_1}{z_0},\quad H=\frac{\sigma^2}n+k\nabla^2\log z_1+(N-k)\nabla^2\log z_0 . $$

References:
    derived here; the leading order is that of arXiv:2310.03789, section 3.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from ...._checks import check_double
from ...._printing import AbstractPrinted
from ...._tree import over_points
from ....status import AbstractSolution
from ....theory.adaptive_kernel import minimise
from ..quadrature import neuron_nodes, normalised_targets
from ..system import TeacherStudent
from .mean_field import convex_dual


class Thermodynamics(AbstractSolution, AbstractPrinted):
    r"""The leading order over the noise.

    Attributes:
        energy: $E=\langle S\rangle$.
        heat_capacity: $C$.
        droplets: $\langle k\rangle$, specialised neurons.
        droplet_variance: $\mathrm{Var}\,k/\langle k\rangle$.
        status: of the dual.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> prediction = ts.predict(system, theory="mean_field")
        >>> found = ts.thermodynamics(system)
        >>> bool(jnp.isclose(found.droplets, system.width * prediction.side_weight))
        True
    """

    energy: Float[Array, "..."]
    heat_capacity: Float[Array, "..."]
    droplets: Float[Array, "..."]
    droplet_variance: Float[Array, "..."]
    status: Int[Array, "..."]


def thermodynamics(system: TeacherStudent, perpendicular: str = "mean", *, num_nodes: int = 640) -> Thermodynamics:
    """Energy, heat capacity and droplets at leading order.

    Args:
        system: the parameters; fields of shape (point,) make a sweep.
        perpendicular: treatment of the perpendicular norm, as in `predict`.
        num_nodes: over $|q|$, a multiple of 16.

    Raises:
        ValueError: 64-bit floats are off.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> found = ts.thermodynamics(system)
        >>> bool(found.droplet_variance < 1)  # droplets repel each other
        True
    """
    check_double("theory", system)
    return over_points(lambda point: _one(point, perpendicular, num_nodes), system)


@eqx.filter_jit
def _one(system: TeacherStudent, perpendicular: str, num_nodes: int) -> Thermodynamics:
    nodes = neuron_nodes(system, perpendicular, num_nodes, 48)

    def solve(noise):
        return minimise(convex_dual(system.replace(noise_variance=noise), nodes))

    def energy(noise) -> Scalar:
        delta = solve(noise).discrepancy
        return system.num_samples / 2 * delta @ delta

    noise, n, width = system.noise_variance, system.num_samples, system.width
    solution = solve(noise)
    field = n * solution.discrepancy / noise
    is_side = jnp.abs(nodes.alignment) > system.side_threshold

    def log_part(field, inside):
        exponent = nodes.log_prior + system.readout_variance / (2 * width) * (nodes.features @ field) ** 2
        return jax.nn.logsumexp(jnp.where(inside, exponent, -jnp.inf))

    centre, side = (lambda field: log_part(field, ~is_side)), (lambda field: log_part(field, is_side))
    share = jax.nn.sigmoid(side(field) - centre(field))
    droplets = width * share
    pull = jax.grad(side)(field) - jax.grad(centre)(field)
    stiffness = noise / n * jnp.eye(normalised_targets(system).size)
    stiffness = stiffness + droplets * jax.hessian(side)(field) + (width - droplets) * jax.hessian(centre)(field)
    repulsion = droplets * pull @ jnp.linalg.solve(stiffness, pull)
    variance = 1 / (1 + droplets / (width - droplets) + repulsion)
    return Thermodynamics(energy(noise), jax.grad(energy)(noise), droplets, variance, solution.status)
