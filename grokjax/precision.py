"""Precisions of matrix products by name, and which of them a backend has.

| name | operands | error of a force, relative | where |
|---|---|---|---|
| "highest" | float32 | 1e-7 | everywhere; on TPUs six passes of bfloat16 |
| "bf16x3" | three products of two-term bfloat16 splits | 1e-6 | GPU, TPU ("high" there) |
| "tf32x3" | three products of two-term TF32 splits | 1e-6 | GPU |
| "tf32" | 10 bits of mantissa | 1e-3 | GPU ("high" there, and jax's default since Ampere) |
| "bf16" | 7 bits of mantissa | 1e-2 | GPU, TPU (jax's default there) |

All add up in float32. jax's own names, such as "tensorfloat32" and "BF16_BF16_F32_X3", are taken, too; None and
"default" are what jax does unless told. A CPU computes in float32 whatever the name, and is not asked for less.

The first three are float32 for every purpose of sampling. Whatever is below "highest" is measured: a run ends with a
`samplers.force_error` at its last states, and warns where that would be felt.
"""

from typing import Any

import jax.numpy as jnp

from ._checks import argument_error


_PRESETS = {
    "tf32": "TF32_TF32_F32",
    "tf32x3": "TF32_TF32_F32_X3",
    "bf16": "BF16_BF16_F32",
    "bf16x3": "BF16_BF16_F32_X3",
    "bf16x6": "BF16_BF16_F32_X6",
}
_SAME = {"float32": "highest", "tensorfloat32": "high", "bfloat16": "default"}
_SAME |= {preset.lower(): name for name, preset in _PRESETS.items()}
_USUAL = ("default", "high", "highest")
_EXTRA = {"cpu": (), "gpu": ("bf16", "bf16x3", "tf32", "tf32x3"), "tpu": ("bf16", "bf16x3", "bf16x6")}


def precision_name(precision: Any) -> str:
    """The name used here of a precision.

    Raises:
        ValueError: there is none of that name on any backend.

    Examples:
        >>> from grokjax import precision
        >>> precision.precision_name("bf16x3")
        'bf16x3'
    """
    name = "default" if precision is None else precision
    if isinstance(name, str):
        name = _SAME.get(name.lower(), name.lower())
        if name in (*_USUAL, *_PRESETS):
            return name
    known = ", ".join(f'"{each}"' for each in (*_USUAL, *_PRESETS))
    remedy = 'Try "highest", or None for the default of the device.'
    raise argument_error("precision", f"one of jax's matrix precisions, {known}", precision, remedy)


def precisions_of(platform: str) -> tuple[str, ...]:
    """The names that a platform has.

    Examples:
        >>> from grokjax import precision
        >>> "tf32" in precision.precisions_of("gpu"), "tf32" in precision.precisions_of("cpu")
        (True, False)
    """
    return (*_USUAL, *_EXTRA.get(platform, ()))


def dot_precision(precision: Any, platform: str, dtype: Any = jnp.float32) -> str:
    """A precision as `jax.default_matmul_precision` takes it.

    Args:
        precision: its name.
        platform: of the devices: "cpu", "gpu" or "tpu".
        dtype: of the members.

    Raises:
        ValueError: the backend has no such products, or none of this dtype.

    Examples:
        >>> from grokjax import precision
        >>> precision.dot_precision("tf32", "gpu"), precision.dot_precision("highest", "cpu")
        ('TF32_TF32_F32', 'highest')
    """
    name, has = precision_name(precision), precisions_of(platform)
    if name not in has:
        listed = ", ".join(f'"{each}"' for each in has)
        raise argument_error("precision", f"one that a {platform} has: {listed}", precision, 'Try "highest".')
    if name in _PRESETS and jnp.dtype(dtype) != jnp.float32:
        remedy = 'Take precision="highest", or dtype=jnp.float32.'
        raise argument_error("precision", f"one of {_USUAL} for members in {jnp.dtype(dtype)}", precision, remedy)
    return _PRESETS.get(name, name)


def is_lower(precision: Any, platform: str) -> bool:
    """Whether products of this precision are less than float32's, so that a run measures what that does to its forces.

    Args:
        precision: its name.
        platform: of the devices.

    Examples:
        >>> from grokjax import precision
        >>> precision.is_lower("tf32", "gpu"), precision.is_lower("highest", "gpu"), precision.is_lower("tf32", "cpu")
        (True, False, False)
    """
    return platform != "cpu" and precision_name(precision) != "highest"
