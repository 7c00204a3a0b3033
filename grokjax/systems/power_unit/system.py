r"""One weight that learns one number: the smallest network with a transition, whose theory is exact.

$M$ observations of the same target, $y_\mu=1$, a unit $f=w^p$, and the prior $w\sim N(0,1/M)$:

$$ Z(b)=\sqrt{\frac M{2\pi}}\int e^{-M[w^2/2+b\,(w^p-1)^2/2]}\,dw,\qquad b=1/\sigma^2 . $$

The number of observations is the size of the system. A cubic unit has a first-order transition in the noise, a
quadratic one a continuous transition, a linear one a crossover.

| symbol | name |
|---|---|
| $p$ | `power` |
| $M$ | `num_observations` |
| $\sigma^2=1/b$ | `noise_variance` |
"""

import equinox as eqx

from ..._checks import check_whole
from ...parameters import AbstractParameters, Number, parameter, size


class PowerUnit(AbstractParameters):
    r"""Parameters of a power unit; the noise is a leaf, so theory can be vmapped and differentiated.

    Attributes:
        power: $p$: 1 crossover, 2 continuous, 3 and more first order.
        num_observations: $M$, the size of the system.
        noise_variance: $\sigma^2$; on a ladder the rungs take its place.

    Raises:
        ValueError: the power is no whole number, the size is below 1 or the noise is not positive.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> system
        PowerUnit(power=3, num_observations=20, noise_variance=4)
    """

    power: int = eqx.field(static=True, kw_only=True)
    num_observations: Number = size()
    noise_variance: Number = parameter(positive=True, default=1.0, remedy="A variance is above zero.")

    def __check_init__(self):
        check_whole("power", self.power)

    @property
    def num_samples(self) -> Number:
        """$M$, under the name that counts data in every system."""
        return self.num_observations
