"""The fused gradient for TPUs: W, a and the gradient stay on the chip while the samples of a member pass by.

One grid step takes a tile of samples: Z (units x tile) is made, used for residual and gradient, and dropped. 4 N n d
floating-point operations, and no array of units x samples in memory.
"""

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jaxtyping import Array

from .reference import erf_and_slope


TILES = (512, 384, 256, 128)  # samples; beyond 600 the arrays of a member of the base point leave too little room
PRECISIONS = ("highest", "bf16x3", "bf16")


def _product(a: Array, b: Array, contracted: tuple[int, int], precision: str) -> Array:
    """A product in float32, or as one or three of bfloat16 operands, for which the compiler has no name here."""
    dot = functools.partial(
        jax.lax.dot_general,
        dimension_numbers=(((contracted[0],), (contracted[1],)), ((), ())),
        preferred_element_type=jnp.float32,
    )
    if precision == "highest":
        return dot(a, b, precision=jax.lax.Precision.HIGHEST)
    high = lambda x: x.astype(jnp.bfloat16)
    once = functools.partial(dot, precision=jax.lax.Precision.DEFAULT)
    if precision == "bf16":
        return once(high(a), high(b))
    low = lambda x: (x - high(x).astype(jnp.float32)).astype(jnp.bfloat16)
    return once(high(a), high(b)) + (once(high(a), low(b)) + once(low(a), high(b)))


def _body(W, a, X, y, S, by_W, by_a, *, precision):
    @pl.when(pl.program_id(0) == 0)
    def _():
        S[...] = jnp.zeros_like(S)
        by_W[...] = jnp.zeros_like(by_W)
        by_a[...] = jnp.zeros_like(by_a)

    x, column = X[...], a[...]
    hidden, slope = erf_and_slope(_product(W[...], x, (1, 1), precision))
    residual = jnp.sum(column * hidden, axis=0, keepdims=True) - y[0]
    S[...] += jnp.sum(residual * residual, keepdims=True)
    by_a[...] += 2 * jnp.sum(hidden * residual, axis=1, keepdims=True)
    by_W[...] += _product((2 * column) * (slope * residual), x, (1, 0), precision)


def energy_and_gradient(
    W: Array, a: Array, X: Array, y: Array, *, precision: str = "bf16x3", interpret: Any = False
) -> tuple[Array, Array, Array]:
    """$S$ and its gradients of one member; `vmap` makes the grid of an ensemble.

    Args:
        W: read-in, shape (units, dim).
        a: read-out, shape (units,).
        X: samples, shape (samples, dim'), padded with zeros to multiples of 128 and 16.
        y: targets, shape (samples,), likewise: a sample of zeros has residual 0.
        precision: of the two products, one of `PRECISIONS`.
        interpret: whether to run on any backend, slowly.
    """
    units, dim = W.shape
    samples, padded_dim = X.shape
    W = jnp.pad(W, ((0, 0), (0, padded_dim - dim)))
    tile = next(size for size in TILES if samples % size == 0)
    whole = lambda shape: pl.BlockSpec(shape, lambda s: (0,) * len(shape))
    shapes, options = ((1, 1), (units, padded_dim), (units, 1)), {}
    if not interpret:
        from jax.experimental.pallas import tpu as pltpu

        options["compiler_params"] = pltpu.CompilerParams(dimension_semantics=("arbitrary",))
    S, by_W, by_a = pl.pallas_call(
        functools.partial(_body, precision=precision),
        grid=(samples // tile,),
        in_specs=[
            whole((units, padded_dim)),
            whole((units, 1)),
            pl.BlockSpec((tile, padded_dim), lambda s: (s, 0)),
            pl.BlockSpec((1, 1, tile), lambda s: (s, 0, 0)),
        ],
        out_specs=[whole(shape) for shape in shapes],
        out_shape=[jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes],
        interpret=interpret,
        name="fused_gradient",
        **options,
    )(W, a[:, None], X, y.reshape(-1, 1, tile))
    return S[0, 0], by_W[:, :dim], by_a[:, 0]
