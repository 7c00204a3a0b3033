r"""Energy and heat capacity of modular addition over the noise: two kinks in the limit.

The energy is what is missing of the target, $E=\frac12P(P-1)a^2$, and $C=dE/d\sigma^2$. In the limit $Px^*\to\infty$,
with $s=\sigma^2/\sigma_c^2$ and $\Lambda=\lambda_{\rm sat}/\sigma_c^2$,

$$ a = 1\ (s>1),\qquad a = s\ (1-\Lambda<s<1),\qquad a=\frac s{s+\Lambda\xi^2}\ (s<1-\Lambda),\qquad
   \xi=\tfrac16\big(4\phi+\sqrt{16\phi^2-12}\big),\ \phi=(a/s)^2 . $$

In between the wells are level and the share $(1-s)/\Lambda$ of all pairs is specialised: $a$ and with it the energy are
continuous, and the heat capacity jumps at both ends of the mixed phase.

References:
    the phases of arXiv:2310.03789, section 4.2; the rest is derived here.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from ..._checks import argument_error, check_double, check_instance, is_concrete
from ..._printing import AbstractPrinted
from ..._tree import over_points
from ...status import AbstractSolution, Status, choose_status
from ...theory.roots import bisect, newton_root
from .pair_measure import saturated_eigenvalue, well_ratio
from .phases import check_pairs, transitions
from .system import ModularAddition
from .theory import predict


class Thermodynamics(AbstractSolution, AbstractPrinted):
    r"""Over the noise, on the whole table.

    Attributes:
        energy: $E=\langle S\rangle$.
        heat_capacity: $C$, one-sided at the kinks of the limit.
        specialised: share of specialised pairs.
        status: of the solution.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> found = ma.sharp_thermodynamics(system)
        >>> bool(found.converged), round(float(found.specialised), 3)
        (True, 0.103)
    """

    energy: Float[Array, "..."]
    heat_capacity: Float[Array, "..."]
    specialised: Float[Array, "..."]
    status: Int[Array, "..."]


def thermodynamics(system: ModularAddition) -> Thermodynamics:
    """Energy and heat capacity of the leading order at finite P.

    Args:
        system: the parameters; fields of shape (point,) make a sweep.

    Raises:
        ValueError: 64-bit floats are off, the training set is a part of the table, or the regulariser has no
            theory of it.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> found, a = ma.thermodynamics(system), ma.predict(system).discrepancy
        >>> bool(jnp.isclose(found.energy, 11 * 10 / 2 * a**2))
        True
    """
    return _solved(_thermodynamics, system)


def sharp_thermodynamics(system: ModularAddition) -> Thermodynamics:
    """The same in the limit of large $Px^*$, for independent frequencies; else as `thermodynamics`.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> round(float(ma.sharp_thermodynamics(system).energy), 2)  # 55 (4.0 / 4.4)^2
        45.45
    """
    check_instance("system", system, ModularAddition)
    check_pairs(system)
    return _solved(_sharp, system)


def _solved(one: Callable[[ModularAddition], Thermodynamics], system: ModularAddition) -> Thermodynamics:
    check_instance("system", system, ModularAddition)
    check_double("theory", system)
    fraction = system.training_fraction
    if is_concrete(fraction) and bool(jnp.any(jnp.asarray(fraction) != 1)):
        raise argument_error("training_fraction", "1", fraction, "The energy is that of the whole table.")
    return over_points(one, system)


@eqx.filter_jit
def _thermodynamics(system: ModularAddition) -> Thermodynamics:
    found = lambda noise: predict(system.replace(noise_variance=noise))
    energy = lambda noise: system.prime * (system.prime - 1) / 2 * found(noise).discrepancy ** 2
    here = found(system.noise_variance)
    value, slope = jax.value_and_grad(energy)(system.noise_variance)
    return Thermodynamics(value, slope, here.side_weight, here.status)


@eqx.filter_jit
def _sharp(system: ModularAddition) -> Thermodynamics:
    start = transitions(system).start
    saturated = saturated_eigenvalue(system) / start
    energy = lambda noise: system.prime * (system.prime - 1) / 2 * _discrepancy(noise / start, saturated) ** 2
    s = system.noise_variance / start
    value, slope = jax.value_and_grad(energy)(system.noise_variance)
    share = jnp.clip((1 - s) / saturated, 0, 1)
    return Thermodynamics(value, slope, share, choose_status((~(s > 0), Status.NO_SOLUTION)))


def _discrepancy(s: Scalar, saturated: Scalar) -> Scalar:
    """$a$ in the limit, with its derivative from inside of each phase."""
    end = jnp.maximum(1 - saturated, 0.0)
    saturated = jnp.minimum(saturated, 1 - 1e-9)  # without an end what lies beyond it is not asked for
    cold = jnp.minimum(s, (1 - saturated) * (1 - 1e-12))
    excess = lambda a: a * (cold + saturated * well_ratio((a / cold) ** 2) ** 2) - cold
    frozen = jax.lax.stop_gradient
    first = bisect(lambda a: frozen(excess(a)) < 0, frozen(cold) * jnp.ones(()), jnp.ones(()))
    below = newton_root(excess, jnp.where(s < end, first, frozen(cold))).position
    return jnp.where(s >= 1, 1.0, jnp.where(s > end, s, below))
