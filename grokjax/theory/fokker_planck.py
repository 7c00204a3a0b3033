r"""The Fokker-Planck equation in one dimension under a ramp: what a loop of a parameter costs.

$\partial_tp=\partial_x(U'p)+\partial_x^2p$ at temperature one with $U(x,b)$, on a grid, by exponentially fitted fluxes,
whose stationary law is $e^{-U}$ exactly, and implicit steps. The work of a loop is $A=\oint\langle S\rangle\,db$ with
$S=\partial_bU$. The generator of a step is that at the middle of its $b$: a loop without hurry costs nothing.

References:
    Chang & Cooper, J. Comput. Phys. 6, 1 (1970), for the fluxes.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from .._checks import check_double


@eqx.filter_jit
def loop_work(
    energy: Callable[[Float[Array, " nodes"], Scalar], Float[Array, " nodes"]],
    nodes: Float[Array, " nodes"],
    low: Any,
    high: Any,
    rate: Any,
    num_steps: int = 1500,
) -> Scalar:
    r"""$A$ of a loop from `low` to `high` and back, from equilibrium at `low`.

    Args:
        energy: $U(x,b)$, linear in $b$.
        nodes: of equal spacing, from one end to the other.
        low: smallest $b$.
        high: largest $b$.
        rate: $|db/dt|$.
        num_steps: implicit steps of each way.

    Raises:
        ValueError: 64-bit floats are off.

    Examples:
        >>> from grokjax import theory
        >>> spring, nodes = lambda x, b: (1 + b) * x**2 / 2, jnp.linspace(-6, 6, 121)
        >>> works = [theory.loop_work(spring, nodes, 0.0, 1.0, rate, num_steps=300) for rate in (0.01, 0.02)]
        >>> round(float(works[1] / works[0]), 1)  # slow loops cost in proportion to their rate
        2.0
    """
    check_double("theory", nodes)
    slope = energy(nodes, jnp.asarray(1.0)) - energy(nodes, jnp.asarray(0.0))  # S
    spacing, change = nodes[1] - nodes[0], (high - low) / num_steps
    time = change / rate / spacing**2
    bernoulli = lambda u: jnp.where(jnp.abs(u) < 1e-8, 1 - u / 2, u / jnp.expm1(jnp.where(jnp.abs(u) < 1e-8, 1.0, u)))

    def step(law, b_and_sign):
        b, sign = b_and_sign
        climb = jnp.diff(energy(nodes, b))
        right, left, nothing = time * bernoulli(climb), time * bernoulli(-climb), jnp.zeros(1)
        diagonal = 1 + jnp.concatenate([right, nothing]) + jnp.concatenate([nothing, left])
        below, above = jnp.concatenate([nothing, -right]), jnp.concatenate([-left, nothing])
        law = jax.lax.linalg.tridiagonal_solve(below, diagonal, above, law[:, None])[:, 0]
        return law, sign * change * (slope @ law)

    middles = low + change * (jnp.arange(num_steps) + 0.5)
    path = jnp.concatenate([middles, middles[::-1]])
    signs = jnp.repeat(jnp.array([1.0, -1.0]), num_steps)
    _, works = jax.lax.scan(step, jax.nn.softmax(-energy(nodes, low)), (path, signs))
    return jnp.sum(works)
