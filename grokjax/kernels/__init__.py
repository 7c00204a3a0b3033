"""Energy and gradient of two-layer erf networks whose activations never reach memory, for GPU and TPU.

`fused_squared_error` is a function with a gradient of its own: its forward pass keeps the gradient, so that samplers
see nothing of it, and `vmap` of the one-member kernel makes the grid of an ensemble. Which kernel it is, is decided
when the program is compiled for its device; elsewhere it is plain XLA. It has no second derivative.
"""

import functools
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Scalar

from .._checks import argument_error
from .._printing import listed as _listed
from ..precision import precision_name
from . import reference, tpu, triton


__all__ = [
    "PLATFORMS",
    "check_platform",
    "fused_squared_error",
    "kernel_precision",
    "padded",
]


PLATFORMS = ("gpu", "tpu")
SAMPLES, INPUTS = 128, 16  # multiples that samples and input dimensions are padded to
_INSTEAD = {
    "gpu": {"highest": "bf16x3", "high": "tf32", "default": "tf32"},
    "tpu": {"highest": "bf16x3", "high": "bf16x3", "default": "bf16", "bf16x6": "highest"},
}


def kernel_precision(precision: Any, platform: str) -> str:
    """What a kernel computes in where a run asks for this precision; float32 is bf16x3, which no average can tell.

    Examples:
        >>> from grokjax import kernels
        >>> kernels.kernel_precision("highest", "gpu"), kernels.kernel_precision("default", "tpu")
        ('bf16x3', 'bf16')
    """
    name = precision_name(precision)
    return _INSTEAD.get(platform, {}).get(name, name)


def check_platform(platform: str) -> None:
    """Raise unless there is a kernel for a platform.

    Raises:
        ValueError: there is none.

    Examples:
        >>> from grokjax import kernels
        >>> kernels.check_platform("gpu")
        >>> kernels.check_platform("cpu")
        Traceback (most recent call last):
            ...
        ValueError: Argument `compute` must be "xla" on a cpu, but got 'fused'. ...
    """
    if platform not in PLATFORMS:
        listed = " or ".join(PLATFORMS)
        raise argument_error("compute", f'"xla" on a {platform}', "fused", f"Fused kernels are for {listed}.")


def padded(inputs: Array, targets: Array) -> tuple[Array, Array]:
    """Samples and targets as the kernels want them; samples of zeros have residual 0, as erf(0) = 0.

    Args:
        inputs: shape (samples, dim).
        targets: shape (1, samples).

    Examples:
        >>> from grokjax import kernels
        >>> x, y = kernels.padded(jnp.ones((20, 3)), jnp.ones((1, 20)))
        >>> x.shape, y.shape
        ((128, 16), (128,))
    """
    samples, dim = inputs.shape
    more = -samples % SAMPLES
    return jnp.pad(inputs, ((0, more), (0, -dim % INPUTS))), jnp.pad(targets[0], (0, more))


def fused_squared_error(network: Any, inputs: Array, targets: Array) -> Scalar:
    r"""$\sum_s (f(x_s)-y_s)^2$ of one network with one output.

    Args:
        network: a `TwoLayer` with erf; it alone is differentiated.
        inputs: `padded`, as are the targets.
        targets: shape (samples,).

    Examples:
        >>> from grokjax import kernels
        >>> x, y = kernels.padded(jnp.ones((20, 3)), jnp.ones((1, 20)))
        >>> network = grokjax.TwoLayer(jnp.zeros((5, 3)), jnp.ones((1, 5)), jax.lax.erf)
        >>> float(kernels.fused_squared_error(network, x, y))  # outputs are zero, so every sample adds 1
        20.0
    """
    return _squared_error(network, inputs, targets)


@eqx.filter_custom_vjp
def _squared_error(network: Any, inputs: Array, targets: Array) -> Scalar:
    return _energy_and_gradient(*_arrays(network, inputs, targets))[0]


@_squared_error.def_fwd
def _forward(perturbed, network, inputs, targets):
    del perturbed
    energy, by_read_in, by_read_out = _energy_and_gradient(*_arrays(network, inputs, targets))
    return energy, (by_read_in, by_read_out[None])


@_squared_error.def_bwd
def _backward(gradient, cotangent, perturbed, network, inputs, targets):
    del perturbed, inputs, targets
    scaled = jax.tree.map(lambda leaf: cotangent * leaf, gradient)
    return eqx.tree_at(lambda n: (n.read_in, n.read_out), network, scaled)


def _arrays(network: Any, inputs: Array, targets: Array) -> tuple[Array, ...]:
    return network.read_in, network.read_out[0], inputs, targets


@jax.custom_jvp
def _energy_and_gradient(W: Array, a: Array, X: Array, y: Array) -> tuple[Array, Array, Array]:
    asked = jax.config.jax_default_matmul_precision  # pyright: ignore[reportAttributeAccessIssue]
    on_gpu = functools.partial(triton.energy_and_gradient, precision=kernel_precision(asked, "gpu"))
    on_tpu = functools.partial(tpu.energy_and_gradient, precision=kernel_precision(asked, "tpu"))
    return jax.lax.platform_dependent(W, a, X, y, cuda=on_gpu, tpu=on_tpu, default=_in_xla)


@_energy_and_gradient.defjvp
def _no_second_derivative(primals, tangents):
    raise argument_error(
        "compute",
        '"xla" where a second derivative is taken',
        "fused",
        "Take `target.in_plain_xla`, the same energy without kernels.",
    )


def _in_xla(W: Array, a: Array, X: Array, y: Array) -> tuple[Array, Array, Array]:
    return reference.energy_and_gradient(W, a, X[:, : W.shape[1]], y)


__doc__ = _listed(__doc__, globals())
