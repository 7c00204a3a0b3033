r"""What can be said of held-out sums in closed form: the lazy network, two kinds of neuron, and the equivalent kernel.

**Lazy.** What the kernel of `nngp` knows of a cell is diagonal, so a held-out cell is predicted by constant, row and
column alone. Rows of $y$ add up to zero: the training part of a row adds up to minus its held-out part, and the
prediction is negative. To first order in $1/\sigma^2$, averaged over masks,

$$ L_{tr} = \frac{4\sigma_a^2}{\sigma^2}\,[1+2(1-f)],\qquad L_{held} = -\frac{8\sigma_a^2}{\sigma^2}f . $$

**Neurons.** With $|w|^2=|v|^2=\frac12$ and $t=y$ on the training set a neuron is worth
$J=\sum_p(\sum_{tr}t^p(w_n+v_m)^2)^2$, averaged over masks $J = f^2F^2+f(1-f)(1-\frac1P)\sum_{nm}(w_n+v_m)^4$:

$$ J_{frequency} = \tfrac P2f^2+\tfrac94f(1-f),\qquad J_{position} = f^2+f(1-f)\big(\tfrac P2+\tfrac32\big) . $$

Once rows and columns are learned the best that is left to a mask has $J$ of order one, call it $c$; single frequencies
win beyond $Pf_c^2/2=c$, so $f_c=\sqrt{2c/P}$. This is an estimate: numerically $c$ is between 1.7 and 2.6 for
$P = 7$ and 11 at $f=.4$ and $.5$.

**Generalising phase.** Neurons of one frequency with free phases have the kernel

$$ Q = \sigma_a^2x^2[16 + 2C(n-n') + 2C(m-m') + 8C(n+m-n'-m') + 8C(n-m-n'+m')],\quad C(j)=\frac{P\delta_{j0}-1}{P-1}, $$

whose fourth term sees sums alone: this generalises. Sums and differences have the eigenvalue
$8\sigma_a^2x^2P^2/(P-1)$, rows and columns a quarter of it; the ridge is that of `nngp`. It overestimates what is
learned of held-out sums: the ridge takes modes for independent (exact regression with this kernel is 5 to 10 % below
it at $P = 11$, 3 % at $P = 23$), and features of networks bend towards their mask, which costs more.

References:
    extends arXiv:2310.03789, section 4.2; derived here.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ...._checks import argument_error, check_double, check_instance, check_positive
from ...._tree import over_points
from ..nngp import renormalised_ridge
from ..system import ModularAddition
from .norm_decay import predict_norm_decay


LEFT_TO_A_MASK = 2.2  # c, inside of the computed range 1.7 to 2.6


class Learned(NamedTuple):
    r"""$L=\langle f,y\rangle/\langle y,y\rangle$ of an entry of the table, averaged: 1 learned, -1 the opposite.

    Attributes:
        train: over the training set.
        held_out: over the other sums.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> learned = ma.lazy_learned(system.replace(training_fraction=0.8))
        >>> round(float(learned.held_out / learned.train), 2)  # -2f/(3 - 2f)
        -1.14
    """

    train: Float[Array, "*points"]
    held_out: Float[Array, "*points"]


def lazy_learned(system: ModularAddition) -> Learned:
    """What a lazy network learns, to first order in 1/noise, averaged over training sets.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> learned = ma.lazy_learned(system.replace(training_fraction=0.8))
        >>> bool(learned.train > 0), bool(learned.held_out < 0)
        (True, True)
    """
    check_instance("system", system, ModularAddition)
    check_double("theory", system)
    scale, f = 4 * system.readout_variance / system.noise_variance, system.training_fraction
    return Learned(scale * (1 + 2 * (1 - f)), -2 * scale * f)


def reward_of_a_frequency(prime: Any, fraction: Any) -> Any:
    """J of a neuron of one frequency.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> fractions = np.array([0.2, 0.8])
        >>> ma.reward_of_a_frequency(11, fractions) > ma.reward_of_a_position(11, fractions)
        array([False,  True])
    """
    return prime / 2 * fraction**2 + 9 / 4 * fraction * (1 - fraction)


def reward_of_a_position(prime: Any, fraction: Any) -> Any:
    """J of a neuron at one position in $w$ and one in $v$.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> round(ma.reward_of_a_position(11, 0.8), 2), round(ma.reward_of_a_frequency(11, 0.8), 2)
        (1.76, 3.88)
    """
    return fraction**2 + fraction * (1 - fraction) * (prime / 2 + 3 / 2)


def generalisation_boundary(prime: Any, left: float = LEFT_TO_A_MASK) -> Float[Array, "..."]:
    """The training fraction from which neurons of one frequency win, with decay of the norms; an estimate.

    Args:
        prime: $P$, any number for a curve.
        left: $c$, what the best neuron earns from a mask once rows and columns are learned.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> round(float(ma.generalisation_boundary(11)), 2)
        0.63
    """
    check_positive("prime", prime)
    check_positive("left", left)
    return boundary_of(jnp.asarray(prime, float), left)


def boundary_of(prime: Array, left: Array | float) -> Array:
    r"""$\sqrt{2c/P}$."""
    return jnp.sqrt(2 * left / prime)


def equivalent_kernel(system: ModularAddition) -> Learned:
    """What neurons of one frequency with free phases learn of either side, with decay of the norms.

    Their power is that of the whole table at the noise $\\sigma^2/f$ (`norm_decay`).

    Raises:
        ValueError: 64-bit floats are off, or the regulariser is another one.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> part = system.replace(training_fraction=0.8, noise_variance=1e-4, regulariser="norm")
        >>> learned = ma.equivalent_kernel(part)
        >>> bool(0 < learned.held_out < learned.train < 1)
        True
    """
    check_instance("system", system, ModularAddition)
    check_double("theory", system)
    if system.regulariser != "norm":
        remedy = "The powers of single-frequency neurons are known in closed form there."
        raise argument_error("regulariser", '"norm"', system.regulariser, remedy)
    return over_points(_equivalent_kernel, system)


@eqx.filter_jit
def _equivalent_kernel(system: ModularAddition) -> Learned:
    wells = predict_norm_decay(system)
    power, prime = wells.power**2 * wells.specialised, system.prime
    num_samples = system.training_fraction * prime**2
    eigenvalues = (
        system.readout_variance * power * jnp.stack([16 * jnp.ones_like(prime), 8 / (prime - 1), 2 / (prime - 1)])
    )
    multiplicity = jnp.stack([jnp.ones_like(prime), 2 * (prime - 1), 2 * (prime - 1)])
    ridge = renormalised_ridge(system.noise_variance, eigenvalues, multiplicity, num_samples)
    held_out = eigenvalues[1] / (eigenvalues[1] + ridge)
    return Learned(1 - system.noise_variance / (num_samples * ridge) * (1 - held_out), held_out)
