r"""The road of theory: rate, depth and phase of the best family of a given depth.

A family with $L\sim W^\alpha$ reaches $p = (1+\alpha)r/d$, and ReLU networks reach no more. With at most $\beta$ bits
in a weight, $W\beta\gtrsim\epsilon^{-d/r}$ by counting (the entropy of the class), so any bounded precision leads
back to $p = r/d$.

References:
    arXiv:1906.09477, the phase diagram.
"""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ..._checks import check_instance
from ..._printing import AbstractPrinted
from .order_parameters import OrderParameters
from .phases import PHASES, classify, max_rate
from .system import Approximation


class Prediction(AbstractPrinted):
    """What theory says of a system; arrays have the shape of the sweep.

    Attributes:
        rate: $p$; infinite where the error falls faster than any power.
        depth_exponent: $\\alpha$.
        resolution_rate: exponent of the error in the number of cells along an axis, the smoothness itself.
        label: index into `PHASES`.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> found = ap.predict(ap.Approximation(depth_exponent=jnp.array([0.0, 0.5, 1.0])))
        >>> found.rate.tolist()
        [1.0, 1.5, 2.0]
        >>> found.phase.tolist()
        ['boundary', 'deep discontinuous', 'boundary']
    """

    rate: Any
    depth_exponent: Any
    resolution_rate: Any
    label: Int[Array, "*sweep"]

    @property
    def phase(self) -> Any:
        """Name of the phase; both borders are called "boundary"; an array of names for a sweep."""
        names = np.array(["boundary" if name.startswith("boundary") else name for name in PHASES])
        return str(names[int(self.label)]) if jnp.ndim(self.label) == 0 else names[np.asarray(self.label)]

    @property
    def order_parameters(self) -> OrderParameters:
        """The pytree that experiments report too."""
        return OrderParameters(self.rate, self.depth_exponent, self.rate, self.resolution_rate)


def predict(system: Approximation) -> Prediction:
    """The best rate at the depth of `system`, its depth exponent and its phase; works under `jit` and `vmap`.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> system = ap.Approximation(target="kink", order=1, depth_exponent=1.0)
        >>> float(ap.predict(system).rate)
        2.0
    """
    check_instance("system", system, Approximation)
    order, dim, alpha = (jnp.asarray(value, float) for value in (system.order, system.dim, system.depth_exponent))
    if system.weight_bits is not None and system.activation != "periodic":
        alpha = 0 * alpha
    rate = max_rate(alpha, order, dim, system.activation)
    order, dim, alpha, rate = jnp.broadcast_arrays(order, dim, alpha, rate)
    return Prediction(rate, alpha, order, classify(rate, order, dim, system.activation))
