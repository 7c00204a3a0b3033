r"""Networks whose initialisation scales as powers of their width, and where the common schemes sit.

A bias-free ReLU network of depth L (a bias enters through a constant input),

$$ f(x) = \frac1\alpha\, a\cdot\sigma(W_{L-1}\cdots\sigma(W_1\tilde x)), \qquad \tilde x = (x, 1), $$

has all entries of a block drawn from N(0, β²), with one β per block. Divided by its own β, every block starts at
N(0, 1), and gradient flow depends on the width m only through κ = β_1...β_L/α and the ratios of the β's. As powers of m
these are the coordinates:

| symbol | field | meaning |
|---|---|---|
| $\gamma$ (two layers), $\gamma_L$ | `gamma`, `gamma_3`, `gamma_4` | $-\log_m\kappa$ |
| $\gamma'$ | `gamma_prime` | $-\log_m(\beta_{\rm output}/\beta_{\rm input})$ |
| $\gamma_2$ (three layers) | `gamma_2` | $-\log_m(\beta_3/\beta_1)$, output over input |
| $\gamma_1$ (three layers) | `gamma_1` | $-\log_m(\beta_2/\beta_3)$, 0 for all common schemes |

References:
    arXiv:2007.07497 (two layers); arXiv:2205.12101 (three layers).
"""

import abc
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp

from ..._checks import argument_error, check_choice
from ...parameters import AbstractParameters, Number, parameter, size


class Scales(eqx.Module):
    r"""A network's initialisation as powers of its width, in units of the read-out's standard deviation.

    Attributes:
        output: $\gamma_L = -\log_m\kappa$.
        blocks: $s_l = \log_m(\beta_l/\beta_L)$ of $W_1, \dots, W_{L-1}$.
    """

    output: Number
    blocks: tuple[Number, ...]

    @property
    def depth(self) -> int:
        """Number of weight layers."""
        return len(self.blocks) + 1


class AbstractNetwork(AbstractParameters):
    """A network of some depth; its coordinates are leaves and may be swept, its width is fixed by `simulate`.

    Attributes:
        layers: names of the hidden layers, whose input weights move or do not.
        width: neurons of every hidden layer; theory does not need it.
        centred: whether the output at the start is subtracted, $f-f(\\theta_0)$.
    """

    layers: eqx.AbstractClassVar[tuple[str, ...]]
    width: eqx.AbstractVar[Any]
    centred: eqx.AbstractVar[bool]

    @property
    @abc.abstractmethod
    def scales(self) -> Scales:
        """The coordinates in a form that all depths share."""


class TwoLayer(AbstractNetwork):
    r"""$f(x) = \frac1\alpha\sum_k a_k\sigma(w_k\cdot\tilde x)$.

    Attributes:
        gamma: $\gamma$, such that $\beta_1\beta_2/\alpha = m^{-\gamma}$.
        gamma_prime: $\gamma'$, such that $\beta_1/\beta_2 = m^{-\gamma'}$ (read-out over input weights).
        width: $m$.
        centred: see `AbstractNetwork`.

    Raises:
        ValueError: a coordinate is not finite.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> network = iw.TwoLayer(gamma=jnp.array([0.5, 1.0, 1.75]))
        >>> iw.predict(network).regime["input"].tolist()
        ['linear', 'critical', 'condensed']
    """

    layers: ClassVar[tuple[str, ...]] = ("input",)

    gamma: Number = parameter(remedy="Coordinates are finite powers of the width.")
    gamma_prime: Number = parameter(remedy="Coordinates are finite powers of the width.", default=0.0)
    width: Any = size(at_least=2, default=None)
    centred: bool = eqx.field(static=True, default=True, kw_only=True)

    @property
    def scales(self) -> Scales:
        return Scales(self.gamma, (self.gamma_prime,))


class ThreeLayer(AbstractNetwork):
    r"""$f(x) = \frac1\alpha a\cdot\sigma(W_2\sigma(W_1\tilde x))$.

    Attributes:
        gamma_3: $-\log_m(\beta_1\beta_2\beta_3/\alpha)$.
        gamma_2: $-\log_m(\beta_3/\beta_1)$.
        gamma_1: $-\log_m(\beta_2/\beta_3)$.
        width: $m$ of both hidden layers.
        centred: see `AbstractNetwork`.

    Raises:
        ValueError: a coordinate is not finite.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> iw.predict(iw.ThreeLayer(gamma_2=1.5, gamma_3=3.5)).regime  # layers differ
        {'layer1': 'linear', 'layer2': 'condensed'}
    """

    layers: ClassVar[tuple[str, ...]] = ("layer1", "layer2")

    gamma_3: Number = parameter(remedy="Coordinates are finite powers of the width.")
    gamma_2: Number = parameter(remedy="Coordinates are finite powers of the width.", default=0.0)
    gamma_1: Number = parameter(remedy="Coordinates are finite powers of the width.", default=0.0)
    width: Any = size(at_least=2, default=None)
    centred: bool = eqx.field(static=True, default=True, kw_only=True)

    @property
    def scales(self) -> Scales:
        return Scales(self.gamma_3, (self.gamma_2, -self.gamma_1))


class FourLayer(AbstractNetwork):
    r"""One hidden layer more than `ThreeLayer`, in the same convention.

    Attributes:
        gamma_4: $-\log_m(\beta_1\beta_2\beta_3\beta_4/\alpha)$.
        gamma_3: $-\log_m(\beta_4/\beta_1)$.
        gamma_2: $-\log_m(\beta_3/\beta_4)$.
        gamma_1: $-\log_m(\beta_2/\beta_4)$.
        width: $m$ of all hidden layers.
        centred: see `AbstractNetwork`.

    Raises:
        ValueError: a coordinate is not finite.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> iw.predict(iw.FourLayer(gamma_4=2.0)).regime
        {'layer1': 'critical', 'layer2': 'linear', 'layer3': 'linear'}
    """

    layers: ClassVar[tuple[str, ...]] = ("layer1", "layer2", "layer3")

    gamma_4: Number = parameter(remedy="Coordinates are finite powers of the width.")
    gamma_3: Number = parameter(remedy="Coordinates are finite powers of the width.", default=0.0)
    gamma_2: Number = parameter(remedy="Coordinates are finite powers of the width.", default=0.0)
    gamma_1: Number = parameter(remedy="Coordinates are finite powers of the width.", default=0.0)
    width: Any = size(at_least=2, default=None)
    centred: bool = eqx.field(static=True, default=True, kw_only=True)

    @property
    def scales(self) -> Scales:
        return Scales(self.gamma_4, (self.gamma_3, -self.gamma_1, -self.gamma_2))


def coordinates(
    *,
    alpha: Any,
    input_std: Any,
    output_std: Any,
    hidden_std: Any = None,
) -> AbstractNetwork:
    r"""The network of an initialisation whose scales are powers of the width.

    `coordinates(alpha=0.5, input_std=0, output_std=0)` is the NTK parametrisation: $\alpha = m^{1/2}$ and all weights
    N(0, 1). Factors that do not depend on the width change no coordinate.

    Args:
        alpha: power of the divisor of the output.
        input_std: power of the standard deviation of $W_1$.
        output_std: power of that of the read-out.
        hidden_std: None for two layers; one power for three layers, a pair of them for four.

    Returns:
        A `TwoLayer`, `ThreeLayer` or `FourLayer`.

    Raises:
        ValueError: a power is not finite, or there are more than two hidden matrices.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> network = iw.coordinates(alpha=1.0, input_std=0.0, output_std=0.0)  # mean-field: an average over neurons
        >>> float(network.gamma), float(network.gamma_prime)
        (1.0, 0.0)
    """
    alpha, first, last = (jnp.asarray(power, float) for power in (alpha, input_std, output_std))
    hidden = () if hidden_std is None else tuple(hidden_std) if isinstance(hidden_std, tuple | list) else (hidden_std,)
    between = [jnp.asarray(power, float) for power in hidden]
    gamma, ratio = alpha - first - last - sum(between), first - last
    if not between:
        return TwoLayer(gamma=gamma, gamma_prime=ratio)
    if len(between) == 1:
        return ThreeLayer(gamma_3=gamma, gamma_2=ratio, gamma_1=last - between[0])
    if len(between) == 2:
        return FourLayer(gamma_4=gamma, gamma_3=ratio, gamma_2=last - between[1], gamma_1=last - between[0])
    raise argument_error("hidden_std", "None, one power or a pair of them", hidden_std, "Up to four layers are known.")


# Powers (alpha, input_std, output_std) of two layers, and (alpha, input_std, hidden_std, output_std) of three. The
# number of inputs does not grow, so a variance of 1/fan_in of the first layer is of order one, one of 1/(fan_in +
# fan_out) is of order 1/m.
_TWO_LAYERS: dict[str, tuple[float, float, float]] = {
    "LeCun": (0.0, 0.0, -0.5),
    "He": (0.0, 0.0, -0.5),
    "PyTorch": (0.0, 0.0, -0.5),
    "NTK": (0.5, 0.0, 0.0),
    "Xavier": (0.0, -0.5, -0.5),
    "mean-field": (1.0, 0.0, 0.0),
}
_THREE_LAYERS: dict[str, tuple[float, float, float, float]] = {
    "LeCun": (0.0, 0.0, -0.5, -0.5),
    "He": (0.0, 0.0, -0.5, -0.5),
    "PyTorch": (0.0, 0.0, -0.5, -0.5),
    "NTK": (1.0, 0.0, 0.0, 0.0),
    "Xavier": (0.0, -0.5, -0.5, -0.5),
    "mean-field": (1.5, 0.0, 0.0, 0.0),
    "two averages": (2.0, 0.0, 0.0, 0.0),
}
INITIALISATIONS = {2: tuple(_TWO_LAYERS), 3: tuple(_THREE_LAYERS)}
"""Names that `initialisation` knows, by depth."""


def initialisation(name: str, depth: int = 2) -> AbstractNetwork:
    """The network of a common initialisation, by its name.

    Args:
        name: one of `INITIALISATIONS[depth]`. "two averages" divides every hidden layer by the width.
        depth: 2 or 3.

    Raises:
        ValueError: no such depth or name.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> {name: iw.predict(iw.initialisation(name)).regime["input"] for name in ("He", "NTK", "mean-field")}
        {'He': 'linear', 'NTK': 'linear', 'mean-field': 'critical'}
    """
    if depth not in INITIALISATIONS:
        raise argument_error("depth", "2 or 3", depth, "Use `coordinates` for other networks.")
    check_choice("name", name, INITIALISATIONS[depth])
    if depth == 2:
        alpha, first, last = _TWO_LAYERS[name]
        return coordinates(alpha=alpha, input_std=first, output_std=last)
    alpha, first, hidden, last = _THREE_LAYERS[name]
    return coordinates(alpha=alpha, input_std=first, hidden_std=hidden, output_std=last)


def small_initialisation(power: Any, depth: int = 2) -> AbstractNetwork:
    r"""All blocks with standard deviation $m^{-c}$ and nothing divided: condensed beyond $c=1/2$.

    Args:
        power: $c$.
        depth: 2, 3 or 4.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> [iw.predict(iw.small_initialisation(power)).regime["input"] for power in (0.4, 0.5, 0.6)]
        ['linear', 'critical', 'condensed']
    """
    c = -jnp.asarray(power, float)
    return coordinates(alpha=0.0, input_std=c, output_std=c, hidden_std=None if depth == 2 else (c,) * (depth - 2))
