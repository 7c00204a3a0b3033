r"""Regimes, their borders, and diagrams.

| regime | displacement of a layer as m grows |
|---|---|
| linear | $RD\to0$: the network is its linearisation |
| critical | $RD=O(1)$ |
| condensed | $RD\to\infty$: neurons forget their start and gather in a few directions |

Analytic borders, where $S=0$: two layers $\gamma=\max(1, 1+\gamma')$. Three layers with $\gamma_1=0$: the first layer
$\gamma_3 = 3/2+2\max(\gamma_2,0)$, the second one $\gamma_3=\max(3-\gamma_2, 5/2)$; they cross at (1/2, 5/2), so that
there are four regimes. In operator norm the second layer condenses with the first one at $\gamma_2\le0$ already.

References:
    arXiv:2007.07497, theorem on regimes and its phase diagram; arXiv:2205.12101. The borders of three layers are
    derived here.
"""

import dataclasses
import itertools
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ..._checks import argument_error
from ...phases import PhaseDiagram, PhasePoint, sweep
from ...status import Status
from .regimes import PHASES, classify
from .system import AbstractNetwork
from .theory.budget import budget_exponents


def two_layer_border(gamma_prime: Any) -> Float[Array, "..."]:
    r"""$\gamma$ at which the input weights are critical.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> iw.two_layer_border(jnp.array([-1.0, 0.5])).tolist()
        [1.0, 1.5]
    """
    return jnp.maximum(1.0, 1.0 + jnp.asarray(gamma_prime, float))


def first_layer_border(gamma_2: Any) -> Float[Array, "..."]:
    r"""$\gamma_3$ at which the first of three layers is critical ($\gamma_1=0$).

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> iw.first_layer_border(jnp.array([-1.0, 0.5])).tolist()
        [1.5, 2.5]
    """
    return 1.5 + 2 * jnp.maximum(jnp.asarray(gamma_2, float), 0.0)


def second_layer_border(gamma_2: Any) -> Float[Array, "..."]:
    r"""$\gamma_3$ at which the second of three layers is critical in Frobenius norm ($\gamma_1=0$).

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> iw.second_layer_border(jnp.array([-1.0, 0.5])).tolist()  # both borders cross at gamma_2 = 1/2
        [4.0, 2.5]
    """
    return jnp.maximum(3.0 - jnp.asarray(gamma_2, float), 2.5)


class _Point(eqx.Module):
    network: AbstractNetwork

    def __call__(self, **coordinates: Array) -> PhasePoint:
        network = self.network.replace(**coordinates)
        found = budget_exponents(network)
        label = jnp.zeros((), jnp.int32)
        for layer in network.layers:
            label = len(PHASES) * label + classify(found.exponent[layer])
        return PhasePoint(found, label, jnp.asarray(int(Status.SOLVED)))


def phase_diagram(network: AbstractNetwork, **axes: Any) -> PhaseDiagram:
    """Theory over a grid of coordinates: `phase_diagram(ThreeLayer(gamma_3=1), gamma_2=..., gamma_3=...)`.

    Args:
        network: the coordinates that are not swept.
        **axes: names of coordinates and their 1-d values.

    Returns:
        A diagram whose phases name the regimes of all layers, such as "condensed / linear".

    Raises:
        ValueError: no axis, or one that is no coordinate.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> diagram = iw.phase_diagram(iw.ThreeLayer(gamma_3=1.0), gamma_2=[0.0, 1.5], gamma_3=[1.0, 3.5])
        >>> diagram.names().tolist()
        [['linear / linear', 'condensed / condensed'], ['linear / linear', 'linear / condensed']]
    """
    for name in axes:
        if name not in coordinate_names(network):
            raise argument_error(name, f"one of {coordinate_names(network)}", axes[name], "Sweep a coordinate.")
    names = tuple(" / ".join(regimes) for regimes in itertools.product(PHASES, repeat=len(network.layers)))
    return sweep(_Point(network), axes, names)


def coordinate_names(network: AbstractNetwork) -> list[str]:
    """The fields of a network that are coordinates."""
    return [field.name for field in dataclasses.fields(network) if field.name.startswith("gamma")]


def zero_crossing(coordinate: Any, exponent: Any) -> float:
    """Where a measured exponent changes sign, by linear interpolation; NaN where it does not.

    Args:
        coordinate: increasing, shape (n,).
        exponent: $S$ there; entries that are not finite are left out.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> iw.zero_crossing([0.5, 1.0, 2.0], [-0.5, np.nan, 0.5])
        1.25
    """
    x, s = np.asarray(coordinate, float), np.asarray(exponent, float)
    x, s = x[np.isfinite(s)], s[np.isfinite(s)]
    change = np.flatnonzero((s[:-1] < 0) & (s[1:] >= 0))
    if not change.size:
        return float("nan")
    i = change[0]
    return float(x[i] - s[i] * (x[i + 1] - x[i]) / (s[i + 1] - s[i]))
