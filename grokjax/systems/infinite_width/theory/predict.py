"""What theory says of a network: the exponent of every layer, and with it the regime."""

from typing import Any

from jaxtyping import Array

from ...._checks import check_instance
from ...._printing import AbstractPrinted
from ..order_parameters import OrderParameters
from ..regimes import names_of
from ..system import AbstractNetwork
from .budget import budget_exponents


class Prediction(AbstractPrinted):
    r"""Exponents $S$ of $RD\propto m^S$; arrays for a sweep.

    Attributes:
        exponent: by hidden layer, of its input weights in Frobenius norm.
        operator_exponent: of the hidden matrices in operator norm.
        readout_exponent: of the read-out.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> theory = iw.predict(iw.TwoLayer(gamma=1.75))
        >>> round(float(theory.exponent["input"]), 3), theory.regime
        (0.375, {'input': 'condensed'})
    """

    exponent: dict[str, Array]
    operator_exponent: dict[str, Array]
    readout_exponent: Array

    @property
    def order_parameters(self) -> OrderParameters:
        """The pytree that simulations report, too."""
        return OrderParameters(self.exponent, self.operator_exponent, self.readout_exponent)

    @property
    def regime(self) -> dict[str, Any]:
        """ "linear", "critical" or "condensed", by layer."""
        return {layer: names_of(values) for layer, values in self.exponent.items()}


def predict(network: AbstractNetwork) -> Prediction:
    """Exponents of the displacement of every layer as the width grows.

    The numbers are exact powers, so neither 64-bit floats nor a solver are needed; `jit`, `vmap` and `grad` work.

    Args:
        network: its coordinates may be arrays that broadcast.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> iw.predict(iw.TwoLayer(gamma=0.5)).regime
        {'input': 'linear'}
        >>> exponent = lambda gamma: iw.predict(iw.TwoLayer(gamma=gamma)).exponent["input"]
        >>> [round(float(jax.grad(exponent)(gamma)), 2) for gamma in (0.5, 1.75)]
        [1.0, 0.5]
    """
    check_instance("network", network, AbstractNetwork)
    found = budget_exponents(network)
    return Prediction(found.exponent, found.operator_exponent, found.readout_exponent)
