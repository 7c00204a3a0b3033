r"""How a neuron responds to one teacher coordinate: profiles in $z = w^*\cdot x$, of any odd activation.

With $w\cdot x = qz + w_\perp\cdot x_\perp$ and $\rho=|w_\perp|^2$ the response splits, given $z$, into a scalar, a
vector and a rest:

$$ F(z) = \langle\phi(qz+\sqrt\rho u)\rangle_u,\qquad
   E(z) = \langle\phi'(qz+\sqrt\rho u)\rangle_u,\qquad
   V(z) = \langle\phi^2\rangle_u - F^2 - \rho E^2 . $$

The data act through odd functions of $z$ and through vectors $\sum_\mu t_\mu b(z_\mu)x_{\perp,\mu}$ with even profiles
$b$. A few profiles span them: the teacher's Hermite polynomials and the leading remainders of $F$ for the odd ones, the
leading parts of $E$ for the even ones. They are weighted by where the noise is, the Gaussian law of $z$ times the
expected squared discrepancy: $t(z)$ grows as fast as the target, and profiles that are best under the Gaussian alone
converge slowly.

Everything is a table over $q$, Chebyshev nodes in $\rho$, and $z$; sums over neurons become matrix products.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ....networks import activation_function
from ....theory.gaussian import is_erf, normal_rule, normalised_hermite
from ..quadrature import neuron_features, normalised_targets
from ..system import TeacherStudent


NUM_RHO = 20  # the nearest singularity, at rho = -1/2 for erf, leaves errors of 1e-8
NUM_REMAINDERS, NUM_EVEN = 2, 2
EXPECTED_LEFT = 0.15, 0.8  # share of the linear and of the other components that the weight of the profiles expects


class Coordinates(eqx.Module):
    """Teacher coordinates and the weights of their average; by symmetry only |z| counts.

    Attributes:
        z: coordinates.
        weights: add up to 1.
        quenched: whether they are those of a data set instead of a quadrature rule.
    """

    z: Float[Array, " coordinates"]
    weights: Float[Array, " coordinates"]
    quenched: bool = eqx.field(static=True)


def gaussian_coordinates() -> Coordinates:
    """The exact average over a Gaussian coordinate."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(60)
    half = nodes > 0
    return Coordinates(jnp.asarray(nodes[half]), jnp.asarray(2 * weights[half] / weights.sum()), False)


def quenched_coordinates(z: Float[Array, " samples"]) -> Coordinates:
    """The average over the samples of a data set."""
    return Coordinates(jnp.abs(z), jnp.full(z.shape, 1 / z.size), True)


def responses(
    system: TeacherStudent, q: Float[Array, "*neurons"], rho: Float[Array, "*neurons"], z: Float[Array, " z"]
) -> tuple[Float[Array, "*neurons z"], Float[Array, "*neurons z"], Float[Array, "*neurons z"]]:
    r"""$F$, $E$ and $\langle\phi^2\rangle_u$ of neurons at coordinates.

    Args:
        system: gives the activation.
        q: alignment.
        rho: squared norm of the rest.
        z: coordinates.
    """
    activation = activation_function(system.activation)
    z = z.reshape((1,) * q.ndim + (-1,))
    shift, spread = q[..., None] * z, jnp.broadcast_to(jnp.sqrt(rho)[..., None], (*q.shape, z.size))
    nodes, weights = (jnp.asarray(x) for x in np.polynomial.hermite_e.hermegauss(28))
    weights = weights / jnp.sum(weights)

    def at(row):
        values = activation(row[0][..., None] + row[1][..., None] * nodes.reshape((1,) * row[0].ndim + (-1,)))
        return values @ weights, values @ (weights * nodes) / row[1], values**2 @ weights

    mean, slope, square = jax.lax.map(at, (shift, spread)) if q.ndim else at((shift, spread))
    if is_erf(activation):
        wide = 1 + 2 * rho[..., None]
        mean = jax.lax.erf(shift / jnp.sqrt(wide))
        slope = 2 / jnp.sqrt(jnp.pi * wide) * jnp.exp(-(shift**2) / wide)
    return mean, slope, square


class Basis(eqx.Module):
    """Odd and even profiles, orthonormal under `weight` on quadrature nodes where they were made, and at coordinates.

    Attributes:
        nodes, weight: where projections are taken.
        odd, even: on these nodes, one row per profile; the teacher's degrees come first among the odd ones.
        odd_at, even_at: at the coordinates of the average.
    """

    nodes: Float[Array, " nodes"]
    weight: Float[Array, " nodes"]
    odd: Float[Array, "odd nodes"]
    even: Float[Array, "even nodes"]
    odd_at: Float[Array, "odd z"]
    even_at: Float[Array, "even z"]

    def project_odd(self, values: Float[Array, "*neurons nodes"]) -> Float[Array, "*neurons odd"]:
        """Least-squares coefficients of odd functions."""
        gram = (self.odd * self.weight[None]) @ self.odd.T
        return values @ (self.odd * self.weight[None]).T @ jnp.linalg.inv(gram)

    def project_even(self, values: Float[Array, "*neurons nodes"]) -> Float[Array, "*neurons even"]:
        """Least-squares coefficients of even functions."""
        gram = (self.even * self.weight[None]) @ self.even.T
        return values @ (self.even * self.weight[None]).T @ jnp.linalg.inv(gram)


def basis(system: TeacherStudent, coordinates: Coordinates) -> Basis:
    """The profiles of a system; they are chosen, not differentiated.

    Args:
        system: gives activation and teacher.
        coordinates: where they are wanted, too.
    """
    system = jax.lax.stop_gradient(system)
    rule = gaussian_coordinates()
    degrees = tuple(system.teacher)
    targets = normalised_targets(system)
    left = jnp.asarray([EXPECTED_LEFT[degree > 1] for degree in degrees]) * targets
    weight = rule.weights * (0.065 * targets @ targets + (normalised_hermite(degrees, rule.z) @ left) ** 2)
    scale = jnp.sqrt(jnp.linspace(0.004, 0.75, 60) * (1 + 2 * system.weight_variance))
    norm = jnp.full(scale.shape, system.weight_variance)
    places = jnp.concatenate([rule.z, coordinates.z])
    mean, slope, _ = responses(system, scale, norm, places)
    here = slice(0, rule.z.size)
    hermite = normalised_hermite(degrees, places).T
    gram = (hermite[:, here] * weight[None]) @ hermite[:, here].T
    explained = jnp.linalg.solve(gram, (hermite[:, here] * weight[None]) @ mean[:, here].T)
    remainder = _leading(mean - explained.T @ hermite, weight, here, NUM_REMAINDERS)
    even = _leading(slope, weight, here, NUM_EVEN)
    odd = jnp.concatenate([hermite, remainder])
    cut = rule.z.size
    made = Basis(rule.z, weight, odd[:, :cut], even[:, :cut], odd[:, cut:], even[:, cut:])
    return jax.lax.stop_gradient(made)


def _leading(
    family: Float[Array, "members places"], weight: Float[Array, " nodes"], here: slice, count: int
) -> Float[Array, "leading places"]:
    """The leading principal functions of a family, orthonormal under the weight, at all places."""
    left, values, _ = jnp.linalg.svd(family[:, here] * jnp.sqrt(weight)[None], full_matrices=False)
    return (left / values[None])[:, :count].T @ family


class Tables(eqx.Module):
    r"""A neuron's response at every alignment and Chebyshev node of $\rho$.

    Attributes:
        odd: coefficients of $F$ in the odd profiles.
        even: coefficients of $E$ in the even ones.
        teacher: $g_k$, exact.
        rest: $V(z)$ at the coordinates.
    """

    odd: Float[Array, "q rho odd"]
    even: Float[Array, "q rho even"]
    teacher: Float[Array, "q rho degrees"]
    rest: Float[Array, "q rho z"]


def tables(
    system: TeacherStudent,
    alignment: Float[Array, " q"],
    rho: Float[Array, " rho"],
    made: Basis,
    coordinates: Coordinates,
) -> Tables:
    """Tables on the product of alignments and nodes of rho.

    Args:
        system: gives activation and teacher.
        alignment: $q$.
        rho: nodes of `rho_nodes`.
        made: profiles.
        coordinates: of the average.
    """
    q, norm = jnp.meshgrid(alignment, rho, indexing="ij")
    mean, slope, square = responses(system, q, norm, made.nodes)
    odd, even = made.project_odd(mean), made.project_even(slope)
    if coordinates.quenched:
        mean, slope, square = responses(system, q, norm, coordinates.z)
    rest = jnp.maximum(square - mean**2 - norm[..., None] * slope**2, 0)
    return Tables(odd, even, neuron_features(system, q, norm), rest)


def rho_nodes(largest: Float[Array, ""]) -> Float[Array, " rho"]:
    """Chebyshev nodes between nearly zero and the largest rho."""
    unit = np.cos((np.arange(NUM_RHO) + 0.5) * np.pi / NUM_RHO)
    return jax.lax.stop_gradient(largest) * (1.002 + unit) / 2


def interpolation(rho: Float[Array, " nodes"], at: Float[Array, " points"]) -> Float[Array, "points nodes"]:
    """The matrix that takes values on Chebyshev nodes to points, barycentric form of the second kind.

    Args:
        rho: nodes of `rho_nodes`.
        at: points within their interval.
    """
    angle = (np.arange(NUM_RHO) + 0.5) * np.pi / NUM_RHO
    weights = jnp.asarray((-1.0) ** np.arange(NUM_RHO) * np.sin(angle))
    gap = at[:, None] - rho[None]
    gap = jnp.where(jnp.abs(gap) < 1e-13, 1e-13, gap)
    terms = weights[None] / gap
    return terms / jnp.sum(terms, axis=1, keepdims=True)


def largest_rho(reach: Float[Array, ""], norms: Float[Array, " norms"]) -> Float[Array, ""]:
    """The end of the interval of `rho_nodes` for two tilts of this reach."""
    return 2 * reach**2 + norms[-1]


def coordinate_rule() -> tuple[Float[Array, " nodes"], Float[Array, " nodes"]]:
    """A fine rule for averages over the coordinate that need no tables."""
    return normal_rule(4, 9.0)
