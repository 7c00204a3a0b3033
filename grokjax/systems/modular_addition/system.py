r"""The modular-addition task: $(n + m) \bmod P$ from two one-hot numbers, by a quadratic two-layer network.

All $P^2$ pairs are inputs, two-hot in $\mathbb R^{2P}$, and output $p$ has the target $y^p_{nm} =
\delta_{p,(n+m)\bmod P} - 1/P$. Each of the $N$ hidden units has a read-in $w, v\in\mathbb R^P$ for the two numbers:

$$ f_p(n,m) = \sum_{i=1}^N a_{pi}\,(w_{i,n} + v_{i,m})^2 ,\qquad a_{pi}\sim N(0,\sigma_a^2/N),\qquad
   -\log p(w,v) = \tfrac12(|w|^2+|v|^2) + \Gamma(w) + \Gamma(v) . $$

With $w_n = \sum_k w_k e^{-2\pi i kn/P}$ the sextic decay is $\Gamma(w) = P\frac\gamma6\sum_{k\ne0}|w_k|^6$. It bounds
the quartic attraction of the data; without it the one-neuron law of the theory cannot be normalised. The modes $k$ and
$P-k$ are complex conjugates, so a neuron is described by $(P-1)/2$ pairs $X_k=|w_k|^2$, $V_k=|v_k|^2$.

| symbol | name | symbol | name |
|---|---|---|---|
| $P$ | `prime` | $\sigma^2$ | `noise_variance` |
| $N$ | `width` | $\sigma_a^2$ | `readout_variance` |
| $\gamma$ | `sextic_decay` | $f$ | `training_fraction` |

References:
    arXiv:2310.03789, section 4.2.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np

from ..._checks import argument_error, check_choice, is_concrete, real_numbers
from ...parameters import AbstractParameters, Number, parameter, scaled_width, size
from .regularisers import REGULARISERS


_WHOLE = "1 is the whole table."


class ModularAddition(AbstractParameters):
    """Parameters of task and network; every field is a leaf, so theory can be vmapped and differentiated, P included.

    Attributes:
        prime: $P$, an odd prime.
        width: $N$, hidden units.
        noise_variance: $\\sigma^2$, variance of the observation noise in the likelihood (the temperature).
        readout_variance: $\\sigma_a^2$; a single read-out weight has variance $\\sigma_a^2/N$.
        sextic_decay: $\\gamma$, strength of the sextic decay. (Plain Gaussian decay has none; there it sets $x^*$, the
            unit of powers and the amplitude of hot starts, alone.)
        training_fraction: $f$, fraction of the $P^2$ pairs in the training set.
        regulariser: what decays, see `regularisers`: "fourier" (as published), "fourier0", "norm" (to take on a part of
            the table), "position", or "gaussian".

    Raises:
        ValueError: `prime` is not an odd prime, `width` is below 1, a variance or the decay is not positive, or the
            training fraction is outside (0, 1] or leaves a side without a sum; the regulariser is not known.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> float(system.well_position), int(system.num_samples)
        (1.0, 121)
        >>> int(system.replace(training_fraction=0.8).num_samples)
        97
    """

    prime: Number = size()
    width: Number = size(remedy="Give the number of hidden units.")
    noise_variance: Number = parameter(positive=True, remedy="A variance is above zero.")
    readout_variance: Number = parameter(positive=True, remedy="A variance is above zero.")
    sextic_decay: Number = parameter(
        positive=True,
        remedy="Without sextic decay the attraction of the data wins at large weights and the theory's posterior is "
        "not normalisable.",
    )
    training_fraction: Number = parameter(
        positive=True, remedy="Give a fraction of the table in (0, 1]; 1 is the whole table.", default=1.0
    )

    regulariser: str = eqx.field(static=True, default="fourier", kw_only=True)

    def __check_init__(self):
        check_primes("prime", self.prime)
        check_choice("regulariser", self.regulariser, REGULARISERS)
        fraction = self.training_fraction
        if is_concrete(fraction):
            if not (real_numbers("training_fraction", fraction, _WHOLE) <= 1).all():
                raise argument_error("training_fraction", "in (0, 1]", np.asarray(fraction).tolist(), _WHOLE)
            if is_concrete(self.prime):
                _check_sides(np.asarray(fraction, float), np.asarray(self.prime, float))

    def at_width(self, factor: Any) -> "ModularAddition":
        """The same mean field at another width, $m$ times as many neurons; see `grokjax.parameters.scaled_width`."""
        return scaled_width(self, factor)

    @property
    def num_samples(self) -> Number:
        """Pairs in the training set, under the name that counts data in every system."""
        return jnp.maximum(1, jnp.round(self.training_fraction * jnp.asarray(self.prime) ** 2))

    @property
    def well_position(self) -> Number:
        r"""$x^*=\sqrt{3/\gamma}$: $X=V$ of a specialised neuron where it coexists with unspecialised ones."""
        return jnp.sqrt(3 / self.sextic_decay)


def check_primes(name: str, value: Any) -> None:
    """Raise unless every entry of a concrete `value` is an odd prime."""
    if not is_concrete(value):
        return
    remedy = "Modes k and P-k pair up, and all frequencies are alike, only then; try 11, 23, 59 or 113."
    for number in np.unique(real_numbers(name, value, remedy).astype(float)):
        if not _is_odd_prime(number):
            raise argument_error(
                name,
                "an odd prime",
                int(number) if np.isfinite(number) and number == round(number) else float(number),
                remedy,
            )


def _check_sides(fraction: np.ndarray, prime: np.ndarray) -> None:
    """Raise where a part of the table, or what is left of it, holds no sum."""
    sums = np.round(fraction * prime**2)
    if ((sums < 1) | ((fraction < 1) & (sums > prime**2 - 1))).any():
        remedy = f"The table has {np.unique(prime**2).astype(int).tolist()} sums. {_WHOLE}"
        raise argument_error("training_fraction", "a part with one sum or more on each side", fraction.tolist(), remedy)


def _is_odd_prime(number: float) -> bool:
    if not np.isfinite(number) or number != round(number) or number < 3:
        return False
    whole = int(number)
    return whole % 2 == 1 and all(whole % divisor for divisor in range(3, int(whole**0.5) + 1, 2))
