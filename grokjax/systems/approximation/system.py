r"""What is approximated, and how: a class of functions, a depth, an activation and a precision.

| symbol | name |
|---|---|
| $r$ | `order`, smoothness; $F_{r,d}$ is the unit ball of $C^{K-1,r-K+1}([0,1]^d)$, $K = \lceil r\rceil$ |
| $d$ | `dim` |
| $\alpha$ | `depth_exponent`, $L\sim W^\alpha$ |

References:
    arXiv:1906.09477, section 2.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import numpy as np

from ..._checks import argument_error, check_choice, check_whole, is_concrete, real_numbers
from ...parameters import AbstractParameters, parameter, size


ACTIVATIONS = ("relu", "piecewise_polynomial", "periodic")
TARGETS = ("kink", "zigzag", "weierstrass", "sine", "parabola", "rough", "bumps")


class Approximation(AbstractParameters):
    """A family of networks that grows, and the function that it approximates.

    Attributes:
        order: $r > 0$, smoothness of the class.
        dim: $d$.
        depth_exponent: $\\alpha$ between 0 and 1.
        target: name of a function of smoothness r (see `targets`), or a function from points to values.
        activation: `"relu"`, `"piecewise_polynomial"` (measured with relu(t)^2) or `"periodic"` (with ReLU).
        weight_bits: bits of a weight's mantissa; unlimited unless given.

    Raises:
        ValueError: order not above 0, dimension below 1, depth exponent outside of [0, 1], or an unknown name.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> float(ap.Approximation(target="kink", order=1).replace(depth_exponent=0.5).depth_exponent)
        0.5
    """

    order: Any = parameter(default=1.0, positive=True, remedy="Smoothness is above zero.")
    dim: Any = size(default=1)
    depth_exponent: Any = parameter(default=1.0, at_least=0, remedy="Depth grows like W^alpha, alpha in [0, 1].")
    target: str | Callable[[Any], Any] = eqx.field(static=True, default="kink", kw_only=True)
    activation: str = eqx.field(static=True, default="relu", kw_only=True)
    weight_bits: int | None = eqx.field(static=True, default=None, kw_only=True)

    def __check_init__(self):
        alpha = self.depth_exponent
        if is_concrete(alpha) and (real_numbers("depth_exponent", alpha, "Try 1.0.") > 1).any():
            alpha = np.asarray(alpha).tolist()
            raise argument_error("depth_exponent", "at most 1", alpha, "No network is deeper than it has weights.")
        if not callable(self.target):
            check_choice("target", self.target, TARGETS)
        check_choice("activation", self.activation, ACTIVATIONS)
        if self.weight_bits is not None:
            check_whole("weight_bits", self.weight_bits, 2, "Give more bits, or None.")
