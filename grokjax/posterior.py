r"""The posterior of a network as an energy, in whitened coordinates.

$$ p(\theta\,|\,\text{data}) \propto e^{-U(\theta)},\qquad
   U = \frac{1}{2\sigma^2}\sum_\mu |f(x_\mu)-y_\mu|^2 + \frac{1}{2}|\theta|^2 + \text{penalty} . $$

The position $\theta$ is a network whose every weight array has been divided by its prior standard deviation
(`prior_scales`), so that all Gaussian priors read $|\theta|^2/2$, their curvature is 1, and one dimensionless step
size serves all layers.

The data energy is a sum over samples, so it can be summed in tiles of rows (`row_tile`): the gradient is the same, and
memory per member falls from samples x width to tile x width.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree, Scalar

from ._tree import tree_add, tree_dot


class Posterior(eqx.Module):
    """Callable energy of a whitened network.

    Attributes:
        inputs: one row per sample; whatever the network's `batch` takes.
        targets: one row per output.
        noise_variance: $\\sigma^2$.
        prior_scales: prior standard deviations, a pytree of scalars in the structure of the network.
        penalty: further prior energy as a function of the physical network, or None.
        row_tile: rows per tile of the data energy; None takes all rows at once.
    """

    inputs: Float[Array, "samples ..."]
    targets: Float[Array, "outputs samples"]
    noise_variance: Scalar
    prior_scales: PyTree
    penalty: Callable[[Any], Scalar] | None = None
    row_tile: int | None = eqx.field(static=True, default=None)

    def __call__(self, position: PyTree) -> Scalar:
        """The energy $U$ at a whitened position."""
        return self.data_energy(position) + self.prior_energy(position)

    def network(self, position: PyTree) -> Any:
        """The network with physical weights."""
        return jax.tree.map(lambda scale, leaf: scale * leaf, self.prior_scales, position)

    def whiten(self, network: PyTree) -> PyTree:
        """The whitened position of a network with physical weights."""
        return jax.tree.map(lambda scale, leaf: leaf / scale, self.prior_scales, network)

    def prior_energy(self, position: PyTree) -> Scalar:
        """The energy without the data."""
        energy = tree_dot(position, position) / 2
        return energy if self.penalty is None else energy + self.penalty(self.network(position))

    def predictions(self, position: PyTree) -> Float[Array, "outputs samples"]:
        """Outputs of the network on the inputs, in tiles of rows."""
        batch = self.network(position).batch
        if self.row_tile is None:
            return batch(self.inputs)
        rows = jax.lax.map(lambda x: batch(x[None])[:, 0], self.inputs, batch_size=self.row_tile)
        return rows.T

    def data_energy(self, position: PyTree) -> Scalar:
        r"""$\sum_\mu |f(x_\mu)-y_\mu|^2/(2\sigma^2)$."""
        squared_error = _squared_error if self.row_tile is None else _tiled_squared_error(self.row_tile)
        return squared_error(self.network(position), self.inputs, self.targets) / (2 * self.noise_variance)


def _squared_error(network: Any, inputs: Array, targets: Array) -> Scalar:
    residual = network.batch(inputs) - targets
    return jnp.sum(residual * residual)


def _tiled_squared_error(tile: int):
    """`_squared_error` whose forward pass also accumulates the gradient, tile by tile."""

    def over_tiles(function, initial, inputs, targets):
        full = inputs.shape[0] // tile * tile

        def cut(array, axis):
            tiles = array.shape[:axis] + (full // tile, tile) + array.shape[axis + 1 :]
            return jnp.moveaxis(jax.lax.slice_in_dim(array, 0, full, axis=axis).reshape(tiles), axis, 0)

        body = lambda total, rows: (jax.tree.map(jnp.add, total, function(*rows)), None)
        total, _ = jax.lax.scan(body, initial, (cut(inputs, 0), cut(targets, 1)))
        if full < inputs.shape[0]:
            total = jax.tree.map(jnp.add, total, function(inputs[full:], targets[:, full:]))
        return total

    @eqx.filter_custom_vjp
    def squared_error(network, inputs, targets):
        return over_tiles(lambda x, y: _squared_error(network, x, y), jnp.zeros((), targets.dtype), inputs, targets)

    @squared_error.def_fwd
    def forward(perturbed, network, inputs, targets):
        del perturbed
        function = lambda x, y: jax.value_and_grad(_squared_error)(network, x, y)
        zero = (jnp.zeros((), targets.dtype), jax.tree.map(jnp.zeros_like, network))
        return over_tiles(function, zero, inputs, targets)

    @squared_error.def_bwd
    def backward(gradient, cotangent, perturbed, network, inputs, targets):
        del perturbed, inputs, targets
        return tree_add(jax.tree.map(jnp.zeros_like, network), (cotangent, gradient))

    return squared_error
