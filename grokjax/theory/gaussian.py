r"""Averages over Gaussian variables: quadrature rules, Hermite polynomials, Hermite coefficients of an activation.

$$ \langle f\rangle = \int dz\,\frac{e^{-z^2/2}}{\sqrt{2\pi}} f(z),\qquad
   h_k = He_k/\sqrt{k!},\qquad \langle h_k h_l\rangle = \delta_{kl} . $$

The rules are composite Gauss-Legendre. Cut at zero they stay exact for activations with a kink there, where plain
Gauss-Hermite converges only like one over the number of nodes; and their panels may end wherever a threshold sits.
"""

import math
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from .._checks import argument_error


PANEL_ORDER = 16
"""Nodes per Gauss-Legendre panel."""


def gauss_legendre_panels(
    edges: Float[Array, " edges"], order: int = PANEL_ORDER
) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"]]:
    """Nodes and weights of Gauss-Legendre quadrature on every panel between neighbouring `edges`.

    Args:
        edges: increasing ends of the panels; may be traced.
        order: nodes per panel; a panel is exact for polynomials of degree `2 * order - 1`.

    Examples:
        >>> from grokjax import theory
        >>> x, weight = theory.gauss_legendre_panels(jnp.array([0.0, 1.0, 3.0]))
        >>> x.shape, round(float(jnp.sum(weight * x**2)), 6)
        ((32,), 9.0)
    """
    unit_nodes, unit_weights = np.polynomial.legendre.leggauss(order)
    half_width = (edges[1:] - edges[:-1])[:, None] / 2
    centre = (edges[1:] + edges[:-1])[:, None] / 2
    return (centre + half_width * unit_nodes[None]).ravel(), (half_width * unit_weights[None]).ravel()


def normal_rule(num_panels: int = 10, reach: float = 11.0) -> tuple[Float[Array, " nodes"], Float[Array, " nodes"]]:
    r"""Nodes and weights for $\langle f\rangle$, cut at zero; $|z|$ beyond `reach` has mass below $10^{-27}$.

    Args:
        num_panels: panels on each side of zero, of 16 nodes each.
        reach: the largest $|z|$.

    Examples:
        >>> from grokjax import theory
        >>> z, weight = theory.normal_rule()
        >>> float(jnp.round(jnp.sum(weight * z**4), 6))
        3.0
    """
    nodes, weights = gauss_legendre_panels(jnp.linspace(-reach, reach, 2 * num_panels + 1))
    return nodes, weights * jnp.exp(-(nodes**2) / 2) / math.sqrt(2 * math.pi)


def normalised_hermite(degrees: Sequence[int], z: Float[Array, "*points"]) -> Float[Array, "*points degrees"]:
    r"""Orthonormal $h_k(z)$ for each $k$ in `degrees`, by $\sqrt{k+1}\,h_{k+1} = z h_k - \sqrt{k}\,h_{k-1}$.

    Examples:
        >>> from grokjax import theory
        >>> z, weight = theory.normal_rule()
        >>> h = theory.normalised_hermite((1, 3), z)
        >>> jnp.round(jnp.abs(jnp.einsum("i,ij,ik", weight, h, h)), 6).tolist()
        [[1.0, 0.0], [0.0, 1.0]]
    """
    if any(degree < 0 for degree in degrees):
        raise argument_error(
            "degrees", "of whole numbers of at least 0", tuple(degrees), "Hermite degrees count from 0."
        )
    ladder = [jnp.ones_like(z), z]
    for k in range(1, max(degrees, default=0)):
        ladder.append((z * ladder[k] - math.sqrt(k) * ladder[k - 1]) / math.sqrt(k + 1))
    return jnp.stack([ladder[degree] for degree in degrees], axis=-1)


def hermite_coefficients(
    activation: Callable[[Array], Array], scale: Float[Array, "*points"], degrees: Sequence[int]
) -> Float[Array, "*points degrees"]:
    r"""$\langle \phi(s z)\,h_k(z)\rangle$ for every scale $s$ and degree $k$, by quadrature cut at zero.

    Args:
        activation: $\phi$, elementwise.
        scale: $s$, standard deviations of the pre-activation.
        degrees: the $k$.

    Examples:
        >>> from grokjax import theory
        >>> jnp.round(jnp.abs(theory.hermite_coefficients(lambda x: x, jnp.array(2.0), (1, 3))), 6).tolist()
        [2.0, 0.0]
    """
    nodes, weights = normal_rule()
    basis = weights[:, None] * normalised_hermite(degrees, nodes)
    return _over_scales(lambda s: activation(s * nodes) @ basis, scale)


def second_moment(activation: Callable[[Array], Array], scale: Float[Array, "*points"]) -> Float[Array, "*points"]:
    r"""$\langle\phi(s z)^2\rangle$ for every scale $s$; $\frac2\pi\arcsin\frac{2s^2}{1+2s^2}$ for erf.

    Examples:
        >>> from grokjax import theory
        >>> float(jnp.round(theory.second_moment(lambda x: x, jnp.array(2.0)), 6))
        4.0
    """
    if is_erf(activation):
        return 2 / math.pi * jnp.arcsin(2 * scale**2 / (1 + 2 * scale**2))
    nodes, weights = normal_rule()
    return _over_scales(lambda s: activation(s * nodes) ** 2 @ weights, scale)


def is_erf(activation: Callable[[Array], Array]) -> bool:
    """Whether the closed forms of the error function apply.

    Examples:
        >>> from grokjax import theory
        >>> theory.gaussian.is_erf(jax.lax.erf), theory.gaussian.is_erf(jnp.tanh)
        (True, False)
    """
    return activation is jax.lax.erf or activation is jax.scipy.special.erf


def _over_scales(average: Callable[[Array], Array], scale: Float[Array, "*points"]) -> Array:
    values = jax.lax.map(average, scale.ravel(), batch_size=min(4096, max(scale.size, 1)))
    return values.reshape(*scale.shape, *values.shape[1:])
