r"""The law of one neuron at one frequency, and quadrature nodes that follow its wells at every $P$.

With $X=|w_k|^2$, $V=|v_k|^2$ (the phases are uniform, which leaves the flat measure $dX\,dV$) the action of a pair is

$$ S(X,V) = P\big[X + V - 2ua^2XV + \tfrac\gamma3(X^3+V^3)\big],\qquad u = \frac{2\sigma_a^2P^2}{N\sigma^4} . $$

In units of $x^* = \sqrt{3/\gamma}$, with $s = (X+V)/x^*$, $d = (X-V)/x^*$, it depends on two numbers only and is
quadratic in $d$:

$$ S = \Lambda\big[s + \tfrac14 s^3 - g s^2 + (\tfrac34 s + g)\,d^2\big],\quad |d|\le s,\qquad
   \Lambda = Px^*,\quad g = \tfrac12 ua^2x^* . $$

The centre is the corner $s=0$ with extent $1/\Lambda$; side wells exist for $g > \sqrt3/2$ at
$s_+ = \frac23(2g + \sqrt{4g^2-3})$ with width $[\Lambda(\frac32 s_+-2g)]^{-1/2}$, and are level with the centre at
$g=1$, $s_+=2$. Panels are placed by these scales, so one fixed number of nodes serves all $P$.

References:
    arXiv:2310.03789, section 4.2 (action per mode; the pair action with its measure is derived here).
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Scalar

from ...theory.gaussian import gauss_legendre_panels
from ...theory.roots import bisect
from .order_parameters import SIDE_THRESHOLD
from .system import ModularAddition


REACH = 10.0  # standard deviations of a well that are covered
CENTRE_PANELS, SIDE_PANELS = 14, 4


def effective_noise(system: ModularAddition) -> Float[Array, "..."]:
    r"""$\sigma^2$ over the training fraction: what a random part of the table amounts to in the continuum limit."""
    return system.noise_variance / system.training_fraction


def interaction(system: ModularAddition) -> Float[Array, "..."]:
    r"""$u = 2\sigma_a^2P^2/(N\sigma^4)$."""
    return 2 * system.readout_variance * system.prime**2 / (system.width * effective_noise(system) ** 2)


def saturated_eigenvalue(system: ModularAddition) -> Float[Array, "..."]:
    r"""$\lambda_{sat} = 4P^2\sigma_a^2x^{*2}$: every pair of every neuron sits at $X=V=x^*$."""
    return 4 * system.prime**2 * system.readout_variance * system.well_position**2


class PairNodes(eqx.Module):
    """Quadrature over one pair, flattened; the nodes run over $X\\ge V$ and stand for their mirror images too.

    Attributes:
        x: $X$ of each node.
        v: $V$ of each node.
        is_side: 1 where both exceed $x^*/2$, 0 elsewhere; panels end on the border.
        log_volume: log of the area dX dV that each node stands for.
        log_prior: log prior weight of each node (data switched off); the weights add up to 1.
    """

    x: Float[Array, " nodes"]
    v: Float[Array, " nodes"]
    is_side: Float[Array, " nodes"]
    log_volume: Float[Array, " nodes"]
    log_prior: Float[Array, " nodes"]


def pair_nodes(system: ModularAddition, panel_order: int = 16) -> PairNodes:
    """Gauss-Legendre panels along s and, for each s, along d.

    Args:
        system: the parameters; the noise decides only where the side panels sit.
        panel_order: nodes per panel; there are 18 panels along s and 3 along d.
    """
    sharpness = system.prime * system.well_position
    sum_, sum_weight = gauss_legendre_panels(_sum_edges(jax.lax.stop_gradient(system)), panel_order)

    frozen, strength = jax.lax.stop_gradient((sharpness, expected_strength(system)))
    border = jnp.maximum(sum_ - 2 * SIDE_THRESHOLD, 0)  # min(X, V) > x*/2 means |d| < s - 1
    deviation = lambda stiffness: (2 * frozen * stiffness) ** -0.5  # of d at this s
    end = jnp.minimum(sum_, REACH * deviation(0.75 * sum_))
    narrow = REACH * deviation(0.75 * sum_ + strength)
    edges = jnp.stack([jnp.zeros_like(end), jnp.minimum(border, end), jnp.minimum(narrow, end), end])
    difference, difference_weight = jax.vmap(gauss_legendre_panels, in_axes=(1, None))(
        jnp.sort(edges, axis=0), panel_order
    )

    s, d = sum_[:, None], difference
    energy = sharpness * (s + s**3 / 4 + 0.75 * s * d**2)
    # A panel of zero length carries no weight and no derivative.
    weight = sum_weight[:, None] * difference_weight
    log_volume = jnp.where(weight > 0, jnp.log(jnp.where(weight > 0, weight, 1.0)), -jnp.inf)
    log_weight = log_volume - energy
    return PairNodes(
        x=(system.well_position * (s + d) / 2).ravel(),
        v=(system.well_position * jnp.maximum(s - d, 0) / 2).ravel(),
        is_side=jnp.where(d < border[:, None], 1.0, 0.0).ravel(),
        # dX dV = x*^2 ds dd / 2, and d of both signs
        log_volume=(log_volume + 2 * jnp.log(system.well_position)).ravel(),
        log_prior=(log_weight - jax.nn.logsumexp(log_weight)).ravel(),
    )


def _sum_edges(system: ModularAddition) -> Float[Array, " edges"]:
    """Panels along s: graded from the corner to the foot of the side well, then even across the well."""
    sharpness = system.prime * system.well_position
    strength = expected_strength(system)
    top = 2 * well_ratio(strength)
    width = (sharpness * (1.5 * top - 2 * strength)) ** -0.5
    foot = jnp.maximum(top - REACH * width - 8 / sharpness, 0.2 / (1 + 0.02 * sharpness))
    end = jnp.minimum(top + REACH * width + 8 / sharpness, 4 * strength + (200 / sharpness) ** (1 / 3))
    middle = jnp.where(foot < 2 * SIDE_THRESHOLD, 2 * SIDE_THRESHOLD, top)  # the side region starts at s = 1
    grading = jnp.linspace(0, 1, CENTRE_PANELS + 1)
    graded = jnp.expm1(grading * jnp.log1p(sharpness * foot)) / sharpness
    halves = jnp.linspace(0, 1, SIDE_PANELS // 2 + 1)[1:]
    return jnp.concatenate([graded, foot + (middle - foot) * halves, middle + (end - middle) * halves])


def well_ratio(strength: Float[Array, "*points"]) -> Float[Array, "*points"]:
    r"""$x_+/x^* = (2g+\sqrt{4g^2-3})/3$; the double root where there is no side well."""
    return (2 * strength + jnp.sqrt(jnp.maximum(4 * strength**2 - 3, 0))) / 3


def expected_discrepancy(system: ModularAddition) -> Scalar:
    """The discrepancy of the sharp limit: where the solver starts."""
    bare = interaction(system) * system.well_position / 2
    return jnp.minimum(jnp.sqrt(expected_strength(system) / bare), 1)


def expected_strength(system: ModularAddition) -> Scalar:
    r"""The $g\ge1$ at which side wells settle as $P\to\infty$: 1 in the mixed phase, above it when they hold all
    weight.

    Then $a = \sigma^2/(\sigma^2+\lambda_{sat}x_+^2/x^{*2})$; one monotone equation, by bisection.
    """
    bare = interaction(system) * system.well_position / 2
    load = saturated_eigenvalue(system) / effective_noise(system)
    excess = lambda log_g: log_g + 2 * jnp.log1p(load * well_ratio(jnp.exp(log_g)) ** 2) - jnp.log(bare)
    return jnp.exp(bisect(lambda log_g: excess(log_g) > 0, jnp.maximum(jnp.log(bare), 0), 0.0, 40))


class PairLaw(eqx.Module):
    r"""The law $p(X,V)\,dX\,dV \propto e^{-S}$ of one neuron at one frequency.

    Attributes:
        system: the parameters.
        discrepancy: $a$.
        log_normalisation: log of $\int e^{-S}dX\,dV$.
    """

    system: ModularAddition
    discrepancy: Float[Array, "..."]
    log_normalisation: Float[Array, "..."]

    def action(self, x: Float[Array, "*points"], v: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """$S(X, V)$, zero at the centre; `action(x, x)` is the cut through both wells."""
        system = self.system
        attraction = 2 * interaction(system) * self.discrepancy**2 * x * v
        return system.prime * (x + v - attraction + system.sextic_decay / 3 * (x**3 + v**3))

    def log_density(self, x: Float[Array, "*points"], v: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """Log of the normalised density with respect to dX dV."""
        return -self.action(x, v) - self.log_normalisation

    def wells(self) -> "Wells":
        """Centre and side well with the Gaussian mixture that they make."""
        system, strength = self.system, interaction(self.system) * self.discrepancy**2
        inside = strength**2 - system.sextic_decay
        exists = inside > 0
        x = jnp.where(exists, (strength + jnp.sqrt(jnp.where(exists, inside, 1.0))) / system.sextic_decay, jnp.nan)
        diagonal, off = 2 * system.prime * system.sextic_decay * x, -2 * system.prime * strength
        gap = self.action(x, x)
        log_side = jnp.where(
            exists, jnp.log(2 * np.pi) - jnp.log(diagonal**2 - off**2) / 2 - gap + 2 * jnp.log(system.prime), -jnp.inf
        )
        return Wells(
            position=x,
            gap=gap,
            width_along=(diagonal + off) ** -0.5,
            width_across=(diagonal - off) ** -0.5,
            weight=jax.nn.sigmoid(log_side),
            exists=exists,
        )


class Wells(eqx.Module):
    r"""The side well of $S$ beside the centre at $X=V=0$; by symmetry there is no minimum off the diagonal.

    Attributes:
        position: $x_+ = (ua^2 + \sqrt{u^2a^4-\gamma})/\gamma$; nan where there is none.
        gap: action of the side well above the centre.
        width_along: standard deviation along the diagonal.
        width_across: standard deviation across it.
        weight: share of the side well, with $2\pi/\sqrt{\det S''}$ for it and $1/P^2$ for the centre.
        exists: whether there is a side well.
    """

    position: Float[Array, ""]
    gap: Float[Array, ""]
    width_along: Float[Array, ""]
    width_across: Float[Array, ""]
    weight: Float[Array, ""]
    exists: Array
