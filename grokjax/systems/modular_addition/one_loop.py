r"""Finite width of modular addition: one loop around the saddle of the theory, exactly, in Fourier modes.

The partition function is an integral over conjugate fields with the dual $G$ in the exponent; at width $N$ it is
$e^{G}/\sqrt{\det H}$ and $1/N$ counts loops. $H$ is the Hessian in all $P^2$ inputs times $P$ outputs,

$$ H = \sigma^2 + Q\otimes1_P + Nc^2\,\mathrm{Cov}(\phi\otimes T),\qquad T_p=t^p\cdot\phi,\quad c=\sigma_a^2/N , $$

and the discrepancy moves by $\Delta a = \frac12\,\partial_a\log\det H / G''(a)$, an average $\langle O\rangle$ by the
derivative of $G-\frac12\log\det H$ with respect to a source of $O$.

Under the one-neuron law the phases of all $w_k$ and $v_k$ are independent and uniform. Hence $H$ only couples modes of
equal charge. With $\hat\phi_{k_1k_2} = 2w_{k_1}v_{k_2}$, $\hat\phi_{k_10}=\sum_jw_jw_{k_1-j}+2w_{k_1}v_0$ and
$\hat T_k\propto w_kv_k$ a mode $(k_1,k_2;k)$ of $\phi\otimes T$ stands alone, or in a pair

| block | modes | entries of the covariance, in units of the scale |
|---|---|---|
| exchange | $(k',k';k)$, $(k,k;k')$ | $m_{11}^2$ everywhere |
| $w$ neutral | $(-k,k';k)$, $(-k',k;k')$ | $m_{21}m_{01}$, off the diagonal $m_{11}^2$; likewise $v$ neutral |
| neutral | $(-k,-k;k)$, $(k,k;-k)$ | $m_{22}-m_{11}^2$ everywhere |

with moments $m_{ab}=\langle X^aV^b\rangle$ of one pair. So $\log\det H$ is a sum over few kinds of modes, and needs no
sampling.

References:
    extends arXiv:2310.03789, section 4.2; derived here.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...theory.adaptive_kernel import ConvexDual
from .pair_measure import PairNodes
from .system import ModularAddition


def moments(nodes: PairNodes, weights: Float[Array, " nodes"]) -> Any:
    r"""$m_{ab}=\langle X^aV^b\rangle$ as a function of a and b; nodes stand for their mirror images, too."""
    x, v = nodes.x, nodes.v
    return lambda a, b: weights @ (x**a * v**b + x**b * v**a) / 2


def log_determinant(system: ModularAddition, discrepancy: Float[Array, ""], m: Any) -> Float[Array, ""]:
    r"""$\log\det H$ at $t^p = a\,y^p/\sigma^2$.

    Args:
        system: the parameters, on the whole table, with a prime of at least 5.
        discrepancy: $a$.
        m: moments of the pair law, symmetric in its two arguments.
    """
    p, noise = system.prime, system.noise_variance
    kernel = system.readout_variance * p**2  # Q of a mode is this times <|phi|^2>
    scale = 4 * p**5 * (system.readout_variance * discrepancy / noise) ** 2 / system.width  # of <|phi|^2 XV>
    one, two, pair, square = m(1, 0), m(2, 0), m(1, 1), m(2, 2)
    skew, cubic = m(2, 1), m(3, 1)
    of = lambda count, power, response: count * jnp.log(noise + kernel * power + scale * response)

    # Both input modes differ from zero: powers 4<XV> where k1 = +-k2, 4<X><V> elsewhere.
    same, apart = 4 * pair, 4 * one**2
    total = of(2 * (p - 1), same, 0) + of((p - 1) * (p - 3), apart, 0)  # of the output mode k = 0
    per_output = of(3, same, 4 * square)
    per_output += (of(1, same, 8 * (square - pair**2)) + of(1, same, 0)) / 2  # neutral
    per_output += of(2 * (p - 3), apart, 4 * skew * one)
    for sign in (1, -1):  # w neutral and v neutral
        per_output += of(p - 3, apart, 4 * (skew * one + sign * pair**2))
    per_output += (of(p - 3, same, 8 * pair**2) + of(p - 3, same, 0)) / 2  # exchange
    per_output += of(p - 3, same, 4 * pair**2)
    per_output += of((p - 3) * (p - 5), apart, 4 * one**2 * pair)

    # One input mode is zero: pairs of w that add up to k1, and twice w_{k1} with the two zero modes.
    pairs = (p - 3) / 2
    power = 4 * pairs * one**2 + two + 8 * one / p
    with_k = lambda count: 4 * (count * skew * one + (pairs - count) * one**2 * pair)
    total += of(2 * (p - 1), power, 0)
    per_output += of(4, power, with_k(1) + two * pair + 8 / p * skew)  # k1 = +-k
    per_output += of(4, power, with_k(1) + cubic + 8 / p * one * pair)  # k1 = +-2k
    per_output += of(2 * (p - 5), power, with_k(2) + two * pair + 8 / p * one * pair)

    # Both are zero: phi is the whole power of the neuron.
    half = (p - 1) / 2
    spread, others = 2 * two + 2 * pair - 4 * one**2, 4 * (half - 1) * one
    rest = others + 2 / p
    total += of(1, 4 * half * spread + (4 * half * one + 2 / p) ** 2 + 8 / p**2, 0)
    own = 4 * (2 * cubic + 2 * square) + 8 * skew * rest
    per_output += of(
        1,
        4 * half * spread + (4 * half * one + 2 / p) ** 2 + 8 / p**2,
        own + pair * (rest**2 + 4 * (half - 1) * spread + 8 / p**2),
    )
    return total + (p - 1) * per_output


def width_corrections(
    system: ModularAddition, nodes: PairNodes, dual: ConvexDual, discrepancy: Float[Array, ""]
) -> tuple[Float[Array, ""], Float[Array, ""], Float[Array, ""]]:
    r"""One-loop shifts of $a$, of the side weight, and of $\langle XV\rangle$.

    Args:
        system: the parameters.
        nodes: of the pair measure.
        dual: the problem on them.
        discrepancy: its solution.
    """
    sources = jnp.stack([nodes.is_side, nodes.x * nodes.v])
    per_unit = system.prime * (system.prime - 1) / system.noise_variance

    def potential(a, strength):  # G, in nats; a source enters the prior of every pair
        tilted = jax.nn.logsumexp(dual.log_weights(a[None]) + strength @ sources)
        return per_unit * (a**2 / 2 - a + dual.multiplicity * tilted)

    def loop(a, strength):
        weights = jax.nn.softmax(dual.log_weights(a[None]) + strength @ sources)
        return log_determinant(system, a, moments(nodes, weights)) / 2

    zero = jnp.zeros(2)
    slope, by_source = jax.grad(loop, argnums=(0, 1))(discrepancy, zero)
    curvature = jax.grad(jax.grad(potential))(discrepancy, zero)
    mixed = jax.jacfwd(jax.grad(potential), argnums=1)(discrepancy, zero)
    pairs = system.width * (system.prime - 1) / 2
    shifts = -(by_source - slope * mixed / curvature) / pairs
    return slope / curvature, shifts[0], shifts[1]
