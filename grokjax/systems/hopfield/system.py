r"""The associative memory: spins, hidden units of a chosen prior, random patterns between them.

$$ H(s,\tau) = -\frac1{\sqrt N}\sum_{i,\mu} s_i\,\xi_i^\mu\,\tau_\mu - g\sum_i s_i + \sum_\mu U(\tau_\mu),\qquad
   s_i=\pm1,\quad \xi_i^\mu=\pm1\ \text{at random},\quad \mu=1\ldots\alpha N, $$

with law $e^{-H/T}$. Summing out Gaussian units gives the Hopfield model with its self-interaction.

| symbol | name | symbol | name |
|---|---|---|---|
| $\alpha$ | `load` | $N$ | `num_spins` (simulation only) |
| $T=1/\beta$ | `temperature` | $U$, law of $\tau$ | `hidden` |
| $g$ | `field`, a local bias on the spins | | |

References:
    arXiv:2506.10552; Amit, Gutfreund & Sompolinsky, Phys. Rev. Lett. 55, 1530 (1985).
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key, Scalar, Shaped

from ..._checks import argument_error
from ..._tree import drawn_flat
from ...parameters import AbstractParameters, Number, parameter
from .hidden import AbstractHidden, GaussianHidden


class AssociativeMemory(AbstractParameters):
    """Parameters of a memory, by name or in this order; load, temperature and field may be swept.

    Attributes:
        load: $\\alpha$, patterns per spin.
        temperature: $T$; it multiplies the whole energy, hidden potentials included. Zero is allowed in theory where
            the prior has a zero-temperature law.
        hidden: the prior on hidden units, the same at every point of a sweep.
        field: $g$, the same local bias on every spin; none unless given. Patterns are fair signs, so half of the spins
            of a pattern are held against it.

    Raises:
        ValueError: a negative or non-finite load or temperature, a field that is not finite, or a prior that is not one
            of `hidden`.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> hot = memory.replace(temperature=2.0)
        >>> bool(hop.predict(memory).magnetisation > 0.9), float(hop.predict(hot).magnetisation)
        (True, 0.0)
    """

    load: Number = parameter(at_least=0, remedy="The load is the number of patterns per spin.", kw_only=False)
    temperature: Number = parameter(at_least=0, remedy="The temperature is in units of the coupling.", kw_only=False)
    hidden: AbstractHidden = eqx.field(default_factory=GaussianHidden)
    field: Number | None = parameter(default=None, remedy="The field is in units of the coupling.")

    def __check_init__(self):
        if not isinstance(self.hidden, AbstractHidden):
            raise argument_error("hidden", "a prior on hidden units", self.hidden, "Try GaussianHidden().")


class BipartiteNetwork(eqx.Module):
    """One draw of the patterns, as a target of block Gibbs sampling; all numbers in one floating-point type.

    Visible configurations have shape (replicas, spins): several chains share the patterns, and one product serves all.

    Attributes:
        patterns: $\\xi$, one row per pattern; rows of zeros are patterns beyond the load of this member of a sweep.
        hidden: the prior on hidden units.
        beta: inverse temperature.
        field: $g$, or None.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> network = hop.BipartiteNetwork(jnp.ones((3, 8)), hop.GaussianHidden(), jnp.asarray(2.0))
        >>> spins = jnp.ones((2, 8))  # two replicas at the pattern
        >>> network.hidden_field(spins).shape, network.draw_hidden(jax.random.key(0), spins).shape
        ((2, 3), (2, 3))
    """

    patterns: Shaped[Array, "*members patterns spins"]
    hidden: AbstractHidden
    beta: Float[Array, "*members"]
    field: Float[Array, "*members"] | None = None

    @property
    def num_spins(self) -> int:
        """$N$."""
        return self.patterns.shape[-1]

    def hidden_field(self, visible: Float[Array, "replicas spins"]) -> Float[Array, "replicas patterns"]:
        r"""$N^{-1/2}\sum_i\xi_i^\mu s_i$."""
        return visible @ self.patterns.T.astype(visible.dtype) * self.num_spins**-0.5

    def visible_field(self, hidden: Float[Array, "replicas patterns"]) -> Float[Array, "replicas spins"]:
        r"""$N^{-1/2}\sum_\mu\xi_i^\mu\tau_\mu$, without $g$."""
        return hidden @ self.patterns.astype(hidden.dtype) * self.num_spins**-0.5

    def draw_hidden(
        self, key: Key[Array, ""], visible: Float[Array, "replicas spins"]
    ) -> Float[Array, "replicas patterns"]:
        """All hidden units given the spins."""
        return self.hidden.sample(key, self.hidden_field(visible), self.beta, self.num_spins)

    def draw_visible(
        self, key: Key[Array, ""], hidden: Float[Array, "replicas patterns"]
    ) -> Float[Array, "replicas spins"]:
        r"""All spins given the hidden units: $+1$ with probability $1/(1+e^{-2\beta h_i})$."""
        field = self.visible_field(hidden)
        field = field if self.field is None else field + self.field
        up = drawn_flat(jax.random.uniform, key, field.shape, field.dtype) < jax.nn.sigmoid(2 * self.beta * field)
        return jnp.where(up, 1.0, -1.0).astype(field.dtype)

    def energy(self, visible: Float[Array, "replicas spins"], hidden: Float[Array, "replicas patterns"]) -> Scalar:
        """The coupling part of $H$, mean over replicas; hidden potentials belong to the prior."""
        return -jnp.mean(jnp.sum(visible * self.visible_field(hidden), axis=-1))


def draw_patterns(key: Key[Array, ""], num_patterns: int, num_spins: int, dtype: Any = jnp.int8) -> Array:
    """Fair signs, one row per pattern."""
    return drawn_flat(jax.random.rademacher, key, (num_patterns, num_spins), dtype)
