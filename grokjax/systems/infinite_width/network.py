r"""Normalised ReLU networks of any depth, written for their flow: features, tangent kernel, steps.

Position of the flow are *displacements* $\Delta_l$; the first weights $W_l(0)\sim N(0,1)$ stay in the target. So lazy
layers keep their digits in float32, where $W(0)+\Delta$ loses them.

With $h_0=\tilde x$, $z_l=W_lh_{l-1}$, $h_l=\sigma(z_l)$ and $B_l = \partial(a\cdot h_{L-1})/\partial z_l$,

$$ f = \kappa\,a\cdot h_{L-1}, \qquad
   K_{ij} = \frac{\kappa^2}{n}\Big[\rho_L\,h_{L-1,i}\cdot h_{L-1,j}
   + \sum_l\rho_l\,(B_{l,i}\cdot B_{l,j})(h_{l-1,i}\cdot h_{l-1,j})\Big], $$

where $\rho_l\propto\beta_l^{-2}$ are the rates of the normalised blocks. Time is measured so that the largest rate and
the kernel at the start are of order one at any width.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._tree import normal_like
from .system import AbstractNetwork


Blocks = dict[str, Array]
READOUT = "readout"


class Features(eqx.Module):
    r"""What one pass forward leaves behind.

    Attributes:
        hidden: $h_1, \dots, h_{L-1}$, shape (samples, units); a unit is active where it is positive.
        output: $a\cdot h_{L-1}$, without $\kappa$.
    """

    hidden: tuple[Float[Array, "*members samples _"], ...]
    output: Float[Array, "*members samples"]


class FlowProblem(eqx.Module):
    r"""What one member trains: $\frac1{2n}\sum_i(f(x_i)-y_i)^2$ from its own first weights.

    Attributes:
        weights: at the start, by layer and "readout".
        inputs: $\tilde x$.
        targets: $y$.
        offset: the output at the start without $\kappa$ where it is subtracted, else zero.
        log_kappa: $\log\kappa$.
        rates: $\rho_l$, in units of the largest.
        layers: names of the hidden layers.
        hidden_bias: whether hidden matrices see a constant input, too.
    """

    weights: Blocks
    inputs: Float[Array, "*members samples augmented"]
    targets: Float[Array, "*members samples"]
    offset: Float[Array, "*members samples"]
    log_kappa: Float[Array, "*members"]
    rates: Blocks
    layers: tuple[str, ...] = eqx.field(static=True)
    hidden_bias: bool = eqx.field(static=True, default=False)

    @classmethod
    def of(
        cls, network: AbstractNetwork, weights: Blocks, inputs: Array, targets: Array, hidden_bias: bool
    ) -> "FlowProblem":
        """The problem of a network at one width.

        Args:
            network: a single point, with its width.
            weights: N(0, 1) at the start.
            inputs: with the constant of the bias.
            targets: one per sample.
            hidden_bias: see above.
        """
        scales, log_width = network.scales, jnp.log(jnp.asarray(network.width, inputs.dtype))
        powers = jnp.stack([*(-2 * s for s in scales.blocks), jnp.zeros_like(scales.output)])
        rates = jnp.exp(log_width * (powers - powers.max()))
        names = (*network.layers, READOUT)
        problem = cls(
            weights,
            inputs,
            targets,
            jnp.zeros_like(targets),
            -scales.output * log_width,
            dict(zip(names, rates, strict=True)),
            network.layers,
            hidden_bias,
        )
        if not network.centred:
            return problem
        start = problem.features(problem.at_rest()).output
        return eqx.tree_at(lambda p: p.offset, problem, start)

    def at_rest(self) -> Blocks:
        """No displacement."""
        return jax.tree.map(jnp.zeros_like, self.weights)

    @property
    def kappa(self) -> Array:
        return jnp.exp(self.log_kappa)

    def features(self, displacement: Blocks, inputs: Array | None = None) -> Features:
        """One pass forward.

        Args:
            displacement: of all blocks.
            inputs: other points than the training samples, with the constant of the bias.
        """
        hidden = [self.inputs if inputs is None else inputs]
        for layer in self.layers:
            z = self.seen(layer, hidden[-1]) @ (self.weights[layer] + displacement[layer]).T
            hidden.append(jnp.maximum(z, 0))
        return Features(tuple(hidden[1:]), hidden[-1] @ (self.weights[READOUT] + displacement[READOUT]))

    def below(self, features: Features) -> dict[str, Array]:
        """What the matrix of each layer multiplies, $h_{l-1}$."""
        hidden = (self.inputs, *features.hidden[:-1])
        return {layer: self.seen(layer, h) for layer, h in zip(self.layers, hidden, strict=True)}

    def seen(self, layer: str, hidden: Array) -> Array:
        """What a layer's matrix multiplies."""
        if layer == self.layers[0] or not self.hidden_bias:
            return hidden
        return jnp.concatenate([hidden, jnp.ones_like(hidden[..., :1])], axis=-1)

    def residual(self, output: Float[Array, " samples"]) -> Float[Array, " samples"]:
        r"""$e_i = f(x_i)-y_i$ from $a\cdot h$."""
        return self.kappa * (output - self.offset) - self.targets

    def backward(self, displacement: Blocks, features: Features) -> dict[str, Array]:
        """$B_l$ of all hidden layers, shape (samples, units)."""
        back = {}
        signal = (self.weights[READOUT] + displacement[READOUT])[None]
        for index in range(len(self.layers) - 1, -1, -1):
            layer = self.layers[index]
            back[layer] = signal * (features.hidden[index] > 0)
            if index:
                matrix = self.weights[layer] + displacement[layer]
                signal = back[layer] @ (matrix[:, :-1] if self.hidden_bias else matrix)
        return back

    def kernel(self, features: Features, back: dict[str, Array]) -> Float[Array, "samples samples"]:
        r"""The tangent kernel over n, in units of $\kappa^2m^{L-1}$."""
        last = features.hidden[-1]
        total = self.rates[READOUT] * (last @ last.T)
        for layer, seen in self.below(features).items():
            total = total + self.rates[layer] * (back[layer] @ back[layer].T) * (seen @ seen.T)
        return total / (len(self.targets) * self._volume)

    def update(self, features: Features, back: dict[str, Array], impulse: Float[Array, " samples"]) -> Blocks:
        r"""The change $-\rho_l\sum_iE_i\,\partial f_i/\partial W_l$ of all blocks, $E$ in units of time."""
        scale = -jnp.exp(-self.log_kappa) / self._volume * impulse
        steps = {READOUT: self.rates[READOUT] * (scale @ features.hidden[-1])}
        for layer, seen in self.below(features).items():
            steps[layer] = self.rates[layer] * ((scale[:, None] * back[layer]).T @ seen)
        return steps

    @property
    def _volume(self) -> float:
        """$m^{L-1}$."""
        return float(len(self.weights[READOUT])) ** len(self.layers)

    def relative_change(self, displacement: Blocks, features: Features, steps: Blocks) -> Array:
        """The largest relative change of the read-out, the first layer, and what hidden matrices put out."""
        changes = [_ratio(steps[name], self.weights[name] + displacement[name]) for name in (READOUT, self.layers[0])]
        below = self.below(features)
        for layer in self.layers[1:]:
            whole = self.weights[layer] + displacement[layer]
            changes.append(_ratio(below[layer] @ steps[layer].T, below[layer] @ whole.T))
        return jnp.stack(changes).max()


def _ratio(change: Array, whole: Array) -> Array:
    return jnp.sqrt(jnp.sum(change**2) / jnp.sum(whole**2))


def standard_weights(key: Any, network: AbstractNetwork, num_inputs: int, hidden_bias: bool, dtype: Any) -> Blocks:
    """N(0, 1) weights of all blocks.

    Args:
        key: random key.
        network: with its width.
        num_inputs: with the constant of the bias.
        hidden_bias: whether hidden matrices have a column for a constant.
        dtype: float type.
    """
    m = int(network.width)
    shapes: dict[str, tuple[int, ...]] = {layer: (m, m + hidden_bias) for layer in network.layers}
    shapes |= {network.layers[0]: (m, num_inputs), READOUT: (m,)}
    template = {name: jnp.zeros(shape, dtype) for name, shape in shapes.items()}
    return normal_like(key, template)
