"""The fused gradient for GPUs, in two kernels, as shared memory cannot hold a member.

`residuals`: a block owns a tile of samples and walks over the units. `gradients`: a block owns a tile of units, with
its gradient in registers, and walks over the samples, making Z again. 6 N n d floating-point operations, and no array
of units x samples in memory. What comes from the L2 cache falls with the samples of the first tiles and the units of
the second, so each kernel has tiles of its own.

Triton wants powers of two: the input dimension is cut into parts (160 into 128 + 32), and units are padded with a = 0.
"""

import functools
import math
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax.experimental import pallas as pl
from jaxtyping import Array

from .reference import erf_and_slope


class Tiles(NamedTuple):
    """How the kernels are cut; the default spills no register of an H100 with TF32 or bf16x3.

    Attributes:
        units: of a block of the gradient, powers of two here and below.
        samples: that it takes at a time.
        residual_units: that a block of the residuals takes at a time.
        residual_samples: of that block.
        warps: threads of a block, in 32.
        stages: tiles that are loaded ahead.
    """

    units: int = 128
    samples: int = 32
    residual_units: int = 32
    residual_samples: int = 128
    warps: int = 8
    stages: int = 2


PRESETS = {
    "bf16x3": jax.lax.DotAlgorithmPreset.BF16_BF16_F32_X3,
    "bf16": jax.lax.DotAlgorithmPreset.BF16_BF16_F32,
    "tf32x3": jax.lax.DotAlgorithmPreset.TF32_TF32_F32_X3,
    "tf32": jax.lax.DotAlgorithmPreset.TF32_TF32_F32,
}
PRECISIONS = tuple(PRESETS)  # true float32 has no tensor cores there, and is slower than without the kernel


def parts_of(dim: int) -> list[tuple[int, int]]:
    """(offset, size) of powers of two of at least 16 that cover a multiple of 16: 160 as (0, 128), (128, 32)."""
    at, parts = 0, []
    while at < dim:
        size = 1 << ((dim - at).bit_length() - 1)
        parts.append((at, size))
        at += size
    return parts


def _dot(precision: str, interpret: Any):
    """The product of tiles; it has moved in jax 0.11, and a CPU, which interprets, has no presets."""
    from jax.experimental.pallas import triton as plgpu

    chosen = jax.lax.Precision.HIGHEST if interpret else PRESETS[precision]
    return functools.partial(getattr(plgpu, "dot", None) or pl.dot, precision=chosen)


def _residuals(W, a, X, y, r, *, step, parts, dot):
    xs = [X[:, at : at + size] for at, size in parts]

    def over_units(t, total):
        rows = pl.ds(t * step, step)
        z: Any = sum(dot(W[rows, at : at + size], x, trans_b=True) for (at, size), x in zip(parts, xs, strict=True))
        return total + jnp.sum(a[rows][:, None] * erf_and_slope(z)[0], axis=0)

    total = jax.lax.fori_loop(0, W.shape[0] // step, over_units, jnp.zeros((X.shape[0],), jnp.float32))
    r[...] = total - y[...]


def _gradients(W, a, X, r, by_W, by_a, *, step, parts, dot):
    ws, column = [W[:, at : at + size] for at, size in parts], a[...]

    def over_samples(t, carry):
        by_read_in, by_read_out = carry
        rows = pl.ds(t * step, step)
        xs = [X[rows, at : at + size] for at, size in parts]
        z: Any = sum(dot(w, x, trans_b=True) for w, x in zip(ws, xs, strict=True))
        residual = r[rows]
        hidden, slope = erf_and_slope(z)
        by_read_out = by_read_out + jnp.sum(hidden * residual[None], axis=1)
        back = column[:, None] * slope * residual[None]
        return tuple(g + dot(back, x) for g, x in zip(by_read_in, xs, strict=True)), by_read_out

    zero = tuple(jnp.zeros((W.shape[0], size), jnp.float32) for _, size in parts)
    start = zero, jnp.zeros((W.shape[0],), jnp.float32)
    by_read_in, by_read_out = jax.lax.fori_loop(0, X.shape[0] // step, over_samples, start)
    for (at, size), gradient in zip(parts, by_read_in, strict=True):
        by_W[:, at : at + size] = 2 * gradient
    by_a[...] = 2 * by_read_out


def energy_and_gradient(
    W: Array,
    a: Array,
    X: Array,
    y: Array,
    *,
    precision: str = "bf16x3",
    tiles: Tiles = Tiles(),
    interpret: Any = False,
) -> tuple[Array, Array, Array]:
    """$S$ and its gradients of one member; `vmap` makes the grid of an ensemble.

    Args:
        W: read-in, shape (units, dim).
        a: read-out, shape (units,).
        X: samples, shape (samples, dim'), padded with zeros to multiples of 128 and 16.
        y: targets, shape (samples,), likewise: a sample of zeros has residual 0.
        precision: of the products, one of `PRECISIONS`.
        tiles: how the kernels are cut.
        interpret: whether to run on any backend, slowly and in float32.
    """
    units, dim = W.shape
    samples, padded_dim = X.shape
    whole_tile = math.lcm(tiles.units, tiles.residual_units)
    padded = -(-units // whole_tile) * whole_tile
    W, a = jnp.pad(W, ((0, padded - units), (0, padded_dim - dim))), jnp.pad(a, (0, padded - units))
    cut, options = {"parts": parts_of(padded_dim), "dot": _dot(precision, interpret)}, {}
    if not interpret:
        from jax.experimental.pallas import triton as plgpu

        options["compiler_params"] = plgpu.CompilerParams(num_warps=tiles.warps, num_stages=tiles.stages)
    call = functools.partial(pl.pallas_call, interpret=interpret, **options)
    rows = lambda size: pl.BlockSpec((size, padded_dim), lambda i: (i, 0))
    entries = lambda size: pl.BlockSpec((size,), lambda i: (i,))
    every = lambda size: (pl.BlockSpec((size, padded_dim), lambda i: (0, 0)), pl.BlockSpec((size,), lambda i: (0,)))
    array = lambda *shape: jax.ShapeDtypeStruct(shape, jnp.float32)
    r = call(
        functools.partial(_residuals, step=tiles.residual_units, **cut),
        grid=(samples // tiles.residual_samples,),
        in_specs=[*every(padded), rows(tiles.residual_samples), entries(tiles.residual_samples)],
        out_specs=entries(tiles.residual_samples),
        out_shape=array(samples),
        name="fused_residuals",
    )(W, a, X, y)
    by_W, by_a = call(
        functools.partial(_gradients, step=tiles.samples, **cut),
        grid=(padded // tiles.units,),
        in_specs=[rows(tiles.units), entries(tiles.units), *every(samples)],
        out_specs=[rows(tiles.units), entries(tiles.units)],
        out_shape=[array(padded, padded_dim), array(padded)],
        name="fused_gradients",
    )(W, a, X, r)
    return jnp.sum(r * r), by_W[:units, :dim], by_a[:units]
