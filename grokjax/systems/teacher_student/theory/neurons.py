r"""Nodes over one neuron for the theory of finite data: alignment, two tilts towards the data, rest of the norm.

Everything but the tilts is a table over $q$ and $\rho$, so that functions of $z$ (`profiles`) are evaluated there and
carried to the nodes by one interpolation matrix.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ....theory.gaussian import gauss_legendre_panels
from ..quadrature import alignment_reach, log_prior_density
from ..system import TeacherStudent
from .profiles import NUM_EVEN, Basis, Coordinates, Tables, interpolation, largest_rho, rho_nodes, tables


PANEL_ORDER = 5
GRADING = (0.0, 0.067, 0.167, 0.267, 0.4, 0.6, 1.0)  # ends of panels beyond the threshold: fine where the well is


class Field(eqx.Module):
    """What is solved: the system on quadrature nodes.

    Attributes:
        system: the parameters.
        coordinates: how averages over $z$ are taken.
        made: profiles.
        sizes: nodes over (tilt, norm).
        rest: 1 with the random field that no profile follows, 0 without.
    """

    system: TeacherStudent
    coordinates: Coordinates
    made: Basis
    sizes: tuple[int, int] = eqx.field(static=True)
    rest: Float[Array, ""]


class Nodes(eqx.Module):
    """Nodes over one neuron's prior, flattened over alignment and the others.

    Attributes:
        features: $g$, odd profiles, then (profile, tilt) of the vectors.
        even: $\\beta_a$.
        teacher: $g_k$, exact.
        remaining: $R$.
        log_prior: log prior weight.
        response: tables behind them.
        between: interpolation matrix from the tables' rho to the nodes of one alignment.
    """

    features: Float[Array, "modes nodes"]
    even: Float[Array, "even nodes"]
    teacher: Float[Array, "degrees nodes"]
    remaining: Float[Array, " nodes"]
    log_prior: Float[Array, " nodes"]
    response: Tables
    between: Float[Array, "others rho"]

    def spread(self, table: Float[Array, "q rho"]) -> Float[Array, " nodes"]:
        """A table at all nodes."""
        return (table @ self.between.T).ravel()

    def gather(self, weights: Float[Array, " nodes"]) -> Float[Array, "q rho"]:
        """The transpose: weights of nodes on the table."""
        return weights.reshape(-1, self.between.shape[0]) @ self.between


def alignments(system: TeacherStudent, num_nodes: int) -> tuple[Float[Array, " q"], Float[Array, " q"]]:
    """Nodes $q>0$ and log weights of the prior; panels end at the side threshold and widen outwards.

    Args:
        system: the parameters; teacher and activation are odd.
        num_nodes: a multiple of the panels' order.
    """
    panels = num_nodes // PANEL_ORDER
    inner = max(2, round(0.4 * panels))
    reach = jax.lax.stop_gradient(jnp.minimum(alignment_reach(system), 2.2 * jnp.sqrt(0.5 + system.weight_variance)))
    grading = jnp.interp(jnp.linspace(0, 1, panels - inner + 1), jnp.linspace(0, 1, len(GRADING)), jnp.array(GRADING))
    outer = system.side_threshold + (reach - system.side_threshold) * grading
    edges = jnp.concatenate([jnp.linspace(0, system.side_threshold, inner + 1)[:-1], outer])
    nodes, weights = gauss_legendre_panels(edges, PANEL_ORDER)
    return nodes, jnp.log(2 * weights) + log_prior_density(system, nodes)


def norm_nodes(freedom: Any, scale: Any, num_nodes: int) -> tuple[Float[Array, " norms"], Float[Array, " norms"]]:
    r"""Nodes and log weights of `scale` $\chi^2_\nu$, as `chi_squared_rule` on a shorter range of its logarithm.

    A tilted, specialised neuron keeps little more than half of the prior's norm, so the range ends lower than the prior
    alone would ask for.

    Args:
        freedom: $\nu$.
        scale: unit.
        num_nodes: nodes.
    """
    width = jnp.sqrt(2 / jax.lax.stop_gradient(freedom))
    x = jnp.linspace(-0.75 - 5 * width - 10 * width**4, 5 * width + width**2, num_nodes)
    log_weights = freedom / 2 * (x - jnp.exp(x))
    return scale * freedom * jnp.exp(x), log_weights - jax.nn.logsumexp(log_weights)


def neurons(setup: Field, alignment: Float[Array, " q"], log_prior: Float[Array, " q"]) -> Nodes:
    """All nodes (alignment, two tilts, rest of the norm) for the given alignments and their log weights."""
    system, (num_tilts, num_norms) = setup.system, setup.sizes
    variance = system.weight_variance / system.input_dim
    reach = jax.lax.stop_gradient(5 * jnp.sqrt(variance) + 0.5 * jnp.sqrt(system.weight_variance))
    tilt = jnp.linspace(-reach, reach, num_tilts)
    log_tilt = log_prior_density(system, tilt) + jnp.log(2 * reach / (num_tilts - 1))
    norm, log_norm = norm_nodes(system.input_dim - 3, variance, num_norms)
    first, second, remaining = (x.ravel() for x in jnp.meshgrid(tilt, tilt, norm, indexing="ij"))
    log_others = (log_tilt[:, None, None] + log_tilt[None, :, None] + log_norm[None, None]).ravel()
    rho = rho_nodes(largest_rho(reach, norm))
    between = interpolation(rho, first**2 + second**2 + remaining)
    table = tables(system, alignment, rho, setup.made, setup.coordinates)
    over = lambda entry: jnp.einsum("qre,or->eqo", entry, between).reshape(entry.shape[-1], -1)
    odd, even, teacher = over(table.odd), over(table.even), over(table.teacher)
    everywhere = lambda values: jnp.broadcast_to(values[None], (alignment.size, values.size)).ravel()
    tilts = jnp.stack([everywhere(first), everywhere(second)])
    vectors = (even[:, None] * tilts[None]).reshape(2 * NUM_EVEN, -1)
    log_weights = (log_prior[:, None] + log_others[None]).ravel()
    features = jnp.concatenate([odd, vectors])
    return Nodes(features, even, teacher, everywhere(remaining), log_weights, table, between)
