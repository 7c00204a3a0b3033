r"""The posterior of a network as an energy, in whitened coordinates.

$$ p(\theta\,|\,\text{data}) \propto e^{-U(\theta)},\qquad
   U = \frac{1}{2\sigma^2}\sum_\mu |f(x_\mu)-y_\mu|^2 + \frac{1}{2}|\theta|^2 + \text{penalty} . $$

The position $\theta$ is a network whose every weight array has been divided by its prior standard deviation
(`prior_scales`), so that all Gaussian priors read $|\theta|^2/2$, their curvature is 1, and one dimensionless step
size serves all layers.

Other likelihoods take the place of the squared error (`grokjax.likelihoods`), and any network that of a two-layer one
(`Posterior.of`).

The data energy is a sum over samples, so it can be summed in tiles of rows (`row_tile`): the gradient is the same, and
memory per member falls from samples x width to tile x width. On a GPU or TPU a fused kernel (`compute="fused"`,
`grokjax.kernels`) keeps the activations of a two-layer erf network out of memory altogether.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree, Scalar, Shaped

from ._checks import argument_error, check_choice, check_positive
from ._tree import tree_add, tree_dot
from .kernels import fused_squared_error, padded
from .likelihoods import Gaussian
from .networks import TwoLayer


class Posterior(eqx.Module):
    """Callable energy of a whitened network.

    Attributes:
        inputs: one row per sample; whatever the network's `batch` takes.
        targets: one row per output.
        noise_variance: $\\sigma^2$; what the likelihood is divided by.
        prior_scales: prior standard deviations, a pytree of scalars in the structure of the position.
        penalty: further prior energy as a function of the physical network, or None.
        row_tile: rows per tile of the data energy; None takes all rows at once.
        likelihood: a function of outputs and targets that adds up over the samples, see `likelihoods`.
        static: what a network has beside its floating-point arrays, where the position holds these alone.
        compute: of the gradient: "fused" by a kernel, for one output of a `TwoLayer` with erf and the squared error in
            float32; "xla" by the compiler; "auto" is "xla" until a device has shown that kernels are faster.
        packed: inputs and targets as a kernel wants them, made by `prepared`.

    Examples:
        >>> x = jax.random.normal(jax.random.key(0), (20, 3))
        >>> network = grokjax.TwoLayer(jnp.ones((5, 3)), jnp.ones((1, 5)), jnp.tanh)
        >>> posterior, position = grokjax.Posterior.of(network, x, x[:, :1].T, noise_variance=0.1)
        >>> posterior.predictions(position).shape, posterior(position).shape
        ((1, 20), ())
    """

    inputs: Shaped[Array, "samples ..."]
    targets: Float[Array, "outputs samples"]
    noise_variance: Scalar
    prior_scales: PyTree
    penalty: Callable[[Any], Scalar] | None = None
    row_tile: int | None = eqx.field(static=True, default=None)
    likelihood: Callable[[Any, Any], Scalar] = Gaussian()
    static: Any = None
    compute: str = eqx.field(static=True, default="auto")
    packed: Any = None

    softest_curvature: ClassVar[float] = 1.0  # of the whitened prior

    def __check_init__(self):
        check_choice("compute", self.compute, ("auto", "xla", "fused"))
        if self.compute == "fused" and (lacking := self._not_fused()):
            raise argument_error("compute", f'"xla" for {lacking}', self.compute, "Kernels are for one output and erf.")

    @classmethod
    def of(
        cls, network: Any, inputs: Any, targets: Any, noise_variance: Any = 1.0, *, scales: Any = None, **options: Any
    ) -> tuple["Posterior", PyTree]:
        """The posterior of any network, such as one of `equinox.nn`, and the position of this one.

        Args:
            network: a callable pytree; its floating-point arrays are sampled, all else stays.
            inputs: one row per sample.
            targets: one row per output.
            noise_variance: what the likelihood is divided by.
            scales: prior standard deviations: a number, or a pytree of numbers with the structure of the network's
                arrays. One over the square root of the inputs to a matrix, and 1 for a vector, unless given.
            **options: further fields.

        Raises:
            ValueError: the network has no floating-point array, or a scale is not positive.
        """
        arrays, static = eqx.partition(network, eqx.is_inexact_array)
        if not jax.tree.leaves(arrays):
            raise argument_error("network", "one with floating-point arrays", network, "There is nothing to sample.")
        dtype = jnp.result_type(*jax.tree.leaves(arrays))
        usual = lambda leaf: leaf[0].size ** -0.5 if leaf.ndim > 1 else 1.0
        if scales is None or (jnp.ndim(scales) == 0 and not isinstance(scales, dict)):
            scales = jax.tree.map(lambda leaf: usual(leaf) if scales is None else scales, arrays)
        for scale in jax.tree.leaves(scales):
            check_positive("scales", scale, "Prior standard deviations are above zero.")
        as_array = lambda value: jnp.asarray(value, dtype)
        prior = jax.tree.map(as_array, scales)
        inputs = jnp.asarray(inputs)
        posterior = cls(inputs, as_array(targets), as_array(noise_variance), prior, static=static, **options)
        return posterior, posterior.whiten(arrays)

    def __call__(self, position: PyTree) -> Scalar:
        """The energy $U$ at a whitened position."""
        return self.data_energy(position) + self.prior_energy(position)

    def network(self, position: PyTree) -> Any:
        """The network with physical weights."""
        arrays = jax.tree.map(lambda scale, leaf: scale * leaf, self.prior_scales, position)
        return arrays if self.static is None else eqx.combine(arrays, self.static)

    def whiten(self, network: PyTree) -> PyTree:
        """The whitened position of a network with physical weights."""
        arrays = network if self.static is None else eqx.filter(network, eqx.is_inexact_array)
        return jax.tree.map(lambda scale, leaf: leaf / scale, self.prior_scales, arrays)

    @property
    def in_plain_xla(self) -> "Posterior":
        """The same energy without kernels, which has all derivatives."""
        return dataclasses.replace(self, compute="xla", packed=None)

    def prepared(self) -> "Posterior":
        """The same energy with what a kernel needs at every step made once."""
        if self.compute != "fused":
            return self
        return eqx.tree_at(lambda p: p.packed, self, self._packed(), is_leaf=lambda leaf: leaf is None)

    def prior_energy(self, position: PyTree) -> Scalar:
        """The energy without the data."""
        energy = tree_dot(position, position) / 2
        return energy if self.penalty is None else energy + self.penalty(self.network(position))

    def predictions(self, position: PyTree) -> Float[Array, "outputs samples"]:
        """Outputs of the network on the inputs, in tiles of rows."""
        network = self.network(position)
        if self.row_tile is None:
            return _outputs(network, self.inputs)
        rows = jax.lax.map(lambda x: _outputs(network, x[None])[:, 0], self.inputs, batch_size=self.row_tile)
        return rows.T

    def data_energy(self, position: PyTree) -> Scalar:
        r"""The likelihood over $\sigma^2$; $\sum_\mu |f(x_\mu)-y_\mu|^2/(2\sigma^2)$ unless another is given."""
        arrays = jax.tree.map(lambda scale, leaf: scale * leaf, self.prior_scales, position)
        if self.compute == "fused":
            return fused_squared_error(arrays, *self._packed()) / 2 / self.noise_variance
        misfit = _Misfit(self.likelihood, self.static)
        total = misfit if self.row_tile is None else _tiled(misfit, self.row_tile)
        return total(arrays, self.inputs, self.targets) / self.noise_variance

    def _packed(self) -> tuple[Array, Array]:
        return padded(self.inputs, self.targets) if self.packed is None else self.packed

    def _not_fused(self) -> str | None:
        """What a kernel cannot do here, in words."""
        if not isinstance(self.prior_scales, TwoLayer) or self.static is not None:
            return "networks other than TwoLayer"
        if self.prior_scales.activation is not jax.lax.erf:
            return "activations other than erf"
        if not isinstance(self.likelihood, Gaussian):
            return "likelihoods other than the squared error"
        if self.targets.shape[-2] != 1:
            return "several outputs"
        if {self.inputs.dtype, self.targets.dtype} != {jnp.dtype(jnp.float32)}:
            return "members in another dtype than float32"
        return None if self.row_tile is None else "rows in tiles"


def _outputs(network: Any, inputs: Array) -> Array:
    """Outputs of many rows, shape (output, sample); networks without a `batch` are mapped over the rows."""
    if hasattr(network, "batch"):
        return network.batch(inputs)
    outputs = jax.vmap(network)(inputs)
    return outputs.reshape(len(inputs), -1).T


class _Misfit(eqx.Module):
    """The likelihood of a network's arrays on some rows."""

    likelihood: Callable[[Any, Any], Scalar]
    static: Any

    def __call__(self, arrays: Any, inputs: Array, targets: Array) -> Scalar:
        network = arrays if self.static is None else eqx.combine(arrays, self.static)
        return self.likelihood(_outputs(network, inputs), targets)


def _tiled(misfit: _Misfit, tile: int):
    """A misfit whose forward pass also accumulates the gradient, tile by tile."""

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
    def total(network, inputs, targets):
        return over_tiles(lambda x, y: misfit(network, x, y), jnp.zeros((), targets.dtype), inputs, targets)

    @total.def_fwd
    def forward(perturbed, network, inputs, targets):
        del perturbed
        function = lambda x, y: jax.value_and_grad(misfit)(network, x, y)
        zero = (jnp.zeros((), targets.dtype), jax.tree.map(jnp.zeros_like, network))
        return over_tiles(function, zero, inputs, targets)

    @total.def_bwd
    def backward(gradient, cotangent, perturbed, network, inputs, targets):
        del perturbed, inputs, targets
        return tree_add(jax.tree.map(jnp.zeros_like, network), (cotangent, gradient))

    return total
