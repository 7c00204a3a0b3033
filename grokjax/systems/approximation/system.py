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

from ..._checks import argument_error, check_choice, is_concrete
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
    """

    order: Any = parameter(default=1.0, positive=True, remedy="Smoothness is above zero.")
    dim: Any = size(default=1)
    depth_exponent: Any = parameter(default=1.0, at_least=0, remedy="Depth grows like W^alpha, alpha in [0, 1].")
    target: str | Callable[[Any], Any] = eqx.field(static=True, default="kink", kw_only=True)
    activation: str = eqx.field(static=True, default="relu", kw_only=True)
    weight_bits: int | None = eqx.field(static=True, default=None, kw_only=True)

    def __check_init__(self):
        if is_concrete(self.depth_exponent) and (np.asarray(self.depth_exponent) > 1).any():
            alpha = np.asarray(self.depth_exponent).tolist()
            raise argument_error("depth_exponent", "at most 1", alpha, "No network is deeper than it has weights.")
        if not callable(self.target):
            check_choice("target", self.target, TARGETS)
        check_choice("activation", self.activation, ACTIVATIONS)
        if self.weight_bits is not None and self.weight_bits < 2:
            raise argument_error("weight_bits", "at least 2, or None", self.weight_bits, "Give more bits.")
