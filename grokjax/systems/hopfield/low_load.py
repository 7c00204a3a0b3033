r"""A finite number of patterns: pure states, symmetric mixtures of them, and what they are stable against.

Without noise from other patterns the free energy per spin of $L$ patterns recalled equally well is

$$ f = L\,[m\hat m-\Phi(m)] - T\,\langle\ln 2\cosh\beta\hat mS\rangle_S,\qquad
   \hat m=\Phi'(m),\quad m = \Big\langle\frac SL\tanh\beta\hat mS\Big\rangle_S . $$

With $k=\Phi''(m)$, $Q=\langle\tanh^2\rangle$ and $R=\langle(S^2-L)\tanh^2\rangle/(L(L-1))$ a mixture is stable while
all of these are positive:

| against | curvature |
|---|---|
| favouring one of its patterns | $1-k\beta(1-Q+R)$ |
| all of them together | $1-k\beta(1-Q-(L-1)R)$ |
| any other pattern | $1-\Phi''(0)\beta(1-Q)$ |

Gaussian units give the Hopfield model, $m=\tanh\beta m$. Groups of $\alpha_hN$ binary units give
$m=\tanh(\beta\alpha_h\tanh\beta m)$, with a continuous transition at $T=\sqrt{\alpha_h}$.

References:
    Amit, Gutfreund & Sompolinsky, Phys. Rev. A 32, 1007 (1985); groups of binary units: arXiv:2506.10552.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int, Scalar

from ..._checks import argument_error, check_double, check_instance, check_positive, check_whole
from ..._tree import over_points
from ...status import AbstractSolution, choose_status
from ...theory.roots import largest_root, newton_root
from .free_energy import condensed_field
from .hidden import AbstractHidden
from .visible import visible_layer


class LowLoad(AbstractSolution):
    """A symmetric state of a few patterns; the paramagnet, $m=0$, where there is none.

    Attributes:
        magnetisation: $m$ with each of its patterns.
        overlap: $q$.
        free_energy: $f$ per spin.
        transverse: curvature against favouring one of its patterns; that of `uncondensed` for a pure state.
        longitudinal: curvature against all of them together.
        uncondensed: curvature against any other pattern.
        status: how the search ended.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> state = hop.low_load(hop.GroupedHidden(hop.BinaryHidden()), 0.5)
        >>> bool(state.stable), bool(state.magnetisation > 0.9)
        (True, True)
    """

    magnetisation: Float[Array, "*temperatures"]
    overlap: Float[Array, "*temperatures"]
    free_energy: Float[Array, "*temperatures"]
    transverse: Float[Array, "*temperatures"]
    longitudinal: Float[Array, "*temperatures"]
    uncondensed: Float[Array, "*temperatures"]
    status: Int[Array, "*temperatures"]

    @property
    def stable(self) -> Bool[Array, "*temperatures"]:
        """Whether the state is a local minimum."""
        return (self.transverse > 0) & (self.longitudinal > 0) & (self.uncondensed > 0)


def low_load(hidden: AbstractHidden, temperature: Any, *, num_mixed: int = 1) -> LowLoad:
    """The state with the largest magnetisation, of a number of patterns that does not grow with the spins.

    Args:
        hidden: the prior; it has to recall, so single bounded units have no such state.
        temperature: one number above zero, or an axis of them.
        num_mixed: odd number of patterns recalled equally well.

    Raises:
        ValueError: 64-bit numbers are off, a temperature is not positive, or the number of patterns is even.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> states = [hop.low_load(hop.GaussianHidden(), 0.5, num_mixed=count) for count in (1, 3)]
        >>> bool(states[0].free_energy < states[1].free_energy)  # the Hopfield model prefers one pattern to three
        True
    """
    check_instance("hidden", hidden, AbstractHidden, "Try GaussianHidden().")
    check_double("a state of few patterns", hidden)
    check_positive("temperature", temperature, "The temperature is in units of the coupling.")
    if not check_whole("num_mixed", num_mixed) % 2:
        raise argument_error("num_mixed", "odd", num_mixed, "Even mixtures are no states.")
    return _low_load(hidden, jnp.asarray(temperature, float), num_mixed)


@eqx.filter_jit
def _low_load(hidden: AbstractHidden, temperature: Array, num_mixed: int) -> LowLoad:
    return over_points(lambda t: _at(hidden, t, num_mixed), temperature)


def _at(hidden: AbstractHidden, temperature: Scalar, num_mixed: int) -> LowLoad:
    beta, none = 1 / temperature, jnp.zeros(())
    field = lambda m: condensed_field(hidden, m, beta)
    spins = lambda m: visible_layer(field(m), none, beta, num_mixed)
    # On a logarithmic axis, so that the paramagnet is no root.
    excess = lambda log_m: jnp.log(spins(jnp.exp(log_m)).magnetisation) - log_m
    frozen = lambda log_m: jax.lax.stop_gradient(excess(log_m))
    start, found = largest_root(frozen, jnp.log(1e-4), jnp.log(1.5), num_scan=64)
    root = newton_root(excess, jnp.where(found, start, 0.0))
    m = jnp.where(found, jnp.exp(root.position), 0.0)
    layer, signal = spins(m), field(m)
    bend = lambda m: jax.grad(field)(m) * beta
    return LowLoad(
        magnetisation=m,
        overlap=layer.overlap,
        free_energy=num_mixed * (m * signal - hidden.condensed(m, beta)) - temperature * layer.log_cosh,
        transverse=1 - bend(m if num_mixed > 1 else none) * (1 - layer.overlap + layer.asymmetry),
        longitudinal=1 - bend(m) * (1 - layer.overlap - (num_mixed - 1) * layer.asymmetry),
        uncondensed=1 - bend(none) * (1 - layer.overlap),
        status=choose_status((found, root.status)),
    )
