"""Equinox networks, written units-major so that an ensemble of them is one plain batched matrix product.

A network holds *physical* weights when a user sees it; the samplers move in whitened coordinates, where every Gaussian
prior is N(0, 1) (`grokjax.posterior`). Both are the same class: the pytree is the coordinate system's only difference.
"""

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ._checks import argument_error
from ._tree import standard_normal


def _linear(z):
    return z


def _square(z):
    return z * z


ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "erf": jax.lax.erf,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "gelu": jax.nn.gelu,
    "sigmoid": jax.nn.sigmoid,
    "linear": _linear,
    "square": _square,
}


def activation_function(activation: str | Callable[[Array], Array]) -> Callable[[Array], Array]:
    """The elementwise function behind a name, or the callable itself.

    Raises:
        ValueError: the name is unknown, or the argument is neither a name nor callable.

    Examples:
        >>> from grokjax import networks
        >>> float(networks.activation_function("square")(jnp.array(3.0)))
        9.0
        >>> networks.activation_function(jnp.sin) is jnp.sin
        True
    """
    if isinstance(activation, str):
        if activation in ACTIVATIONS:
            return ACTIVATIONS[activation]
    elif callable(activation):
        return activation
    known = ", ".join(f'"{name}"' for name in ACTIVATIONS)
    raise argument_error("activation", f"a callable or one of {known}", activation, "Pass a function such as jnp.sin.")


class TwoLayer(eqx.Module):
    r"""$f_p(x) = \sum_{i=1}^N a_{pi}\,\phi(w_i\cdot x)$.

    Attributes:
        read_in: $w$, shape (width, inputs). (A pytree of prior scales has scalars here and below.)
        read_out: $a$, shape (outputs, width).
        activation: $\phi$, elementwise.

    Examples:
        >>> network = grokjax.TwoLayer(jnp.ones((5, 3)), jnp.ones((1, 5)), jnp.tanh)
        >>> network.batch(jnp.zeros((20, 3))).shape
        (1, 20)
    """

    read_in: Float[Array, "..."]
    read_out: Float[Array, "..."]
    activation: Callable[[Array], Array] = eqx.field(static=True)

    def __call__(self, x: Float[Array, " inputs"]) -> Float[Array, " outputs"]:
        """Outputs at one input."""
        return self.read_out @ self.activation(self.read_in @ x)

    def batch(self, inputs: Float[Array, "samples inputs"]) -> Float[Array, "outputs samples"]:
        """Outputs at many inputs; hidden units run along rows, so no product needs a transpose under `vmap`."""
        hidden = self.activation(self.read_in @ inputs.T)
        if self.read_out.shape[0] > 1:
            return self.read_out @ hidden
        return jax.lax.platform_dependent(self.read_out, hidden, cpu=jnp.matmul, default=_multiply_and_sum)


def _multiply_and_sum(
    weights: Float[Array, "1 width"], hidden: Float[Array, "width samples"]
) -> Float[Array, "1 samples"]:
    """The product with a single row: as a sum it joins the activation's kernel, as a product it waits for memory."""
    return jnp.sum(weights[0][:, None] * hidden, axis=0, keepdims=True)


def standard_normal_two_layer(
    key: Key[Array, ""],
    *,
    width: int,
    num_inputs: int,
    num_outputs: int,
    activation: Callable[[Array], Array],
    dtype: jnp.dtype | type = jnp.float32,
) -> TwoLayer:
    """A `TwoLayer` whose weights are all N(0, 1): a prior draw in whitened coordinates.

    Examples:
        >>> from grokjax import networks
        >>> options = {"width": 5, "num_inputs": 3, "num_outputs": 1, "activation": jnp.tanh}
        >>> network = networks.standard_normal_two_layer(jax.random.key(0), **options)
        >>> network.read_in.shape, network.read_out.shape
        ((5, 3), (1, 5))
    """
    read_in_key, read_out_key = jax.random.split(key)
    return TwoLayer(
        standard_normal(read_in_key, (width, num_inputs), dtype),
        standard_normal(read_out_key, (num_outputs, width), dtype),
        activation,
    )
