r"""The leading correction of finite size: the condensed unit taken exactly.

In the limit of many spins the unit of the recalled pattern answers through its tail alone. At $N$ spins its field is
$\sqrt N m$, and

$$ \Phi_N(m) = \frac1{\beta N}\ln\frac{Z(\sqrt N m)}{Z(0)},\qquad
   \Phi_N'(m) = \langle\tau\rangle_{\sqrt N m}/\sqrt N . $$

A threshold costs $\Phi_N'-\Phi'\approx-\theta/(\lambda\sqrt N)$, several standard errors of a simulation of thousands
of spins; a saturated binary unit leaves $\Phi_N'\approx1/\sqrt N$ and with it the remnant $m\approx\beta/\sqrt N$. The
other units stay in the limit of many spins, where corrections are of order $1/N$.
"""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._checks import argument_error, as_scalar, check_at_least
from .hidden import AbstractHidden
from .hidden_discrete import GroupedHidden


class FiniteSizeHidden(AbstractHidden):
    """A prior whose condensed unit feels $N$ spins; use it like the prior itself.

    Attributes:
        unit: the prior, any but a group, whose $\\Phi$ has no correction of this kind.
        num_spins: $N$.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> unit, beta = hop.ReLUHidden(-0.5), jnp.asarray(2.0)
        >>> signals = [jax.grad(each.condensed)(1.0, beta) for each in (unit, hop.FiniteSizeHidden(unit, 1000))]
        >>> round(float(signals[0] - signals[1]) * 1000**0.5, 2)  # the threshold, over the root of the spins
        0.5
    """

    unit: AbstractHidden
    num_spins: Float[Array, "..."] = eqx.field(converter=as_scalar)

    def __check_init__(self):
        if isinstance(self.unit, GroupedHidden | FiniteSizeHidden):
            raise argument_error("unit", "a single unit", type(self.unit).__name__, "Use the prior as it is.")
        check_at_least("num_spins", self.num_spins, 2, "A memory has two spins or more.")

    def condensed(self, m, beta):
        none = jnp.zeros_like(m)
        log_partition = lambda field: self.unit.site(field, none, beta).log_partition
        return (log_partition(jnp.sqrt(self.num_spins) * m) - log_partition(none)) / (beta * self.num_spins)

    def gap(self, susceptibility, beta):
        return self.unit.gap(susceptibility, beta)

    def site(self, field, susceptibility, beta):
        return self.unit.site(field, susceptibility, beta)

    def sample(self, key, field, beta, num_spins):
        return self.unit.sample(key, field, beta, num_spins)

    def cold_response(self):
        raise argument_error(
            "temperature", "above zero for a finite size", 0.0, "The law of zero temperature is one of infinite size."
        )
