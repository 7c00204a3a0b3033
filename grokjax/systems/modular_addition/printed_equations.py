r"""The paper's own equations, as printed: kept so that its figure 3 can be drawn again.

One *mode* $k$ (not the conjugate pair) has the action $S_k = P[\frac12(X+V) - ua^2XV + \frac\gamma6(X^3+V^3)]$. Its
law is taken as one point at the centre and four in the side wells, $w_k=\pm\sqrt{x_+}$, $v_k=\pm\sqrt{x_+}$, without
Gaussian widths:

$$ p_{side} = \frac{4e^{-S_k(x_+)}}{1+4e^{-S_k(x_+)}},\qquad \langle XV\rangle = x_+^2\,p_{side},\qquad
   a = \frac{\sigma^2}{\sigma^2+\sigma_a^2\langle XV\rangle} . $$

The eigenvalue lacks the factor $4P^2$ that real networks confirm, so these numbers describe no network.

References:
    arXiv:2310.03789, section 4.2 and figure 3.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...theory.roots import Root, bisect, newton_root
from .pair_measure import PairLaw, effective_noise, interaction
from .system import ModularAddition


def printed_solution(system: ModularAddition, tolerance: float) -> tuple[Root, Float[Array, ""], Float[Array, ""]]:
    r"""The closure solved for $a$ by bisection, polished by Newton: root, side weight and $\langle XV\rangle$."""

    def closure(system, a):
        weight, position = _side_weight(system, a)
        eigenvalue = system.readout_variance * position**2 * weight
        return a * (1 + eigenvalue / effective_noise(system)) - 1

    frozen = jax.lax.stop_gradient(system)
    start = bisect(lambda a: closure(frozen, a) > 0, jnp.ones_like(effective_noise(system)), 0.0, 60)
    root = newton_root(lambda a: closure(system, a), start, tolerance=tolerance)
    weight, position = _side_weight(system, root.position)
    return root, weight, position**2 * weight


def _side_weight(system: ModularAddition, a: Float[Array, ""]) -> tuple[Float[Array, ""], Float[Array, ""]]:
    r"""Weight of the four side points and $x_+$; 0 and any number where there is no side well."""
    strength = interaction(system) * a**2
    inside = strength**2 - system.sextic_decay
    exists = inside > 0
    position = (strength + jnp.sqrt(jnp.where(exists, inside, 1.0))) / system.sextic_decay
    action = PairLaw(system, a, jnp.zeros(())).action(position, position) / 2
    return jnp.where(exists, jax.nn.sigmoid(jnp.log(4.0) - action), 0.0), position
