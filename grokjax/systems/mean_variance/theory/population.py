r"""The population's theory of one mode at constant precision: a cusp, and hysteresis beyond it.

Let the true mean be one mode of curvature $\kappa$ and mean square $S$, and the noise $\sigma^2$ constant, with
$\beta=\infty$. With $z=\Lambda/(2\alpha\kappa)$ the mean is the truth times $z/(1+z)$, and

$$ \frac1{2\alpha\kappa} = z\Big(\frac S{(1+z)^2}+\sigma^2\Big). $$

Spinodals are where the right-hand side turns, $(S/\sigma^2)(z-1)=(1+z)^3$. They exist for a signal-to-noise ratio
$S/\sigma^2>27$ only, and merge there at $z=2$, $\alpha=27/(16\kappa S)$: below it the fit sets in smoothly.
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from ...._checks import check_positive
from ...._printing import AbstractPrinted


CUSP_RATIO = 27.0
CUSP_POSITION = 2.0


class Mode(AbstractPrinted):
    """One mode of the truth.

    Attributes:
        signal: $S$, the mean square of the true mean.
        noise: $\\sigma^2$.
        curvature: $\\kappa$ of the mode, see `lattice.spectrum`.

    Examples:
        >>> from grokjax.systems import mean_variance as mv
        >>> mode = mv.Mode(signal=1.0, noise=0.01, curvature=100.0)
        >>> [round(float(alpha), 4) for alpha in mode.spinodals]  # a jump on the way down, and one on the way up
        [0.0192, 0.028]
    """

    signal: Any
    noise: Any
    curvature: Any

    def __check_init__(self):
        for name in ("signal", "noise", "curvature"):
            check_positive(name, getattr(self, name))

    def alpha(self, z: Any) -> Any:
        """The strength at which the precision is $2\\alpha\\kappa z$: the whole curve of fits, stable or not."""
        return 1 / (2 * self.curvature * z * (self.signal / (1 + z) ** 2 + self.noise))

    def precision(self, z: Any) -> Any:
        """$\\Lambda=2\\alpha\\kappa z$, one over the mean square error."""
        return 1 / (self.signal / (1 + z) ** 2 + self.noise)

    def amplitude(self, z: Any) -> Any:
        """Share of the true mean that is fitted."""
        return z / (1 + z)

    @property
    def cusp_alpha(self) -> Any:
        """Where the spinodals merge as the noise grows to a 27th of the signal."""
        return CUSP_RATIO / (16 * self.curvature * self.signal)

    @property
    def spinodals(self) -> Float[Array, "2 ..."]:
        r"""$\alpha$ where the flat branch ends on the way down, and the fitted one on the way up; nan below the cusp.

        Roots of $w^3-Rw+2R=0$ in $w=1+z$, by cosines.
        """
        ratio = jnp.asarray(self.signal / self.noise, float)
        angle = jnp.arccos(-jnp.sqrt(CUSP_RATIO / ratio)) / 3
        root = lambda k: 2 * jnp.sqrt(ratio / 3) * jnp.cos(angle - 2 * jnp.pi * k / 3) - 1
        return jnp.sort(jnp.stack([self.alpha(root(0)), self.alpha(root(1))]), axis=0)
