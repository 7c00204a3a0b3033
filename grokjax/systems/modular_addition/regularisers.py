r"""What keeps read-in weights finite beside the Gaussian prior, and with it which features networks grow.

A neuron of one frequency with $|w_k|^2 = X$ and nothing else has the energy $P\frac\gamma3X^3$ a side (half of it with
`position`), so that $\gamma$ means the same in all of them. They differ in what they ask of a neuron with more:

| name | energy of $w$ (and the same of $v$) | what a neuron may carry |
|---|---|---|
| `fourier` | $P\frac\gamma6\sum_{k\ne0}\lvert w_k\rvert^6$ | all frequencies at once: each has its own well |
| `fourier0` | the same with $k=0$ | likewise, and the mean of $w$ cannot run away |
| `norm` | $P\frac\gamma{24}(\lvert w\rvert^2/P)^3$ | one frequency, or one position: they compete for the norm |
| `position` | $P\frac\gamma{120}\langle w_n^6\rangle_n$ | waves, spread out over positions |
| `gaussian` | 0 | anything; the whole network's weight decay alone |

`fourier` is the published one. With it held-out sums get nearly the opposite of their target; with `norm` and
`gaussian` they are learned from a fraction of the table on.

References:
    arXiv:2310.03789, section 4.2 (`fourier`); arXiv:2301.02679 (plain weight decay); the others are this library's.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from .network import TwoHotNetwork, powers


REGULARISERS = ("fourier", "fourier0", "norm", "position", "gaussian")


def sextic_energy(read_in: Float[Array, "2 width prime"], regulariser: str) -> Scalar:
    r"""The energy per unit of $\gamma$, summed over neurons."""
    prime = read_in.shape[-1]
    if regulariser == "norm":
        return prime / 24 * jnp.sum(jnp.mean(read_in**2, axis=-1) ** 3)
    if regulariser == "position":
        return prime / 120 * jnp.sum(jnp.mean(read_in**6, axis=-1))
    if regulariser == "gaussian":
        return jnp.zeros((), read_in.dtype)
    pairs = prime / 3 * jnp.sum(powers(read_in) ** 3)
    return pairs if regulariser == "fourier" else pairs + prime / 6 * jnp.sum(jnp.mean(read_in, axis=-1) ** 6)


class SexticDecay(eqx.Module):
    r"""The penalty of a network.

    Attributes:
        sextic_decay: $\gamma$.
        regulariser: one of `REGULARISERS`.
    """

    sextic_decay: Float[Array, "..."]
    regulariser: str = eqx.field(static=True, default="fourier")

    def __call__(self, network: TwoHotNetwork) -> Scalar:
        return self.sextic_decay * sextic_energy(network.read_in, self.regulariser)
