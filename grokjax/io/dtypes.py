"""The dtypes that files hold: numbers of numpy, numbers shorter than numpy's (bfloat16, float8, int4), and text.

.npy files do not know the short numbers; they are kept as whole numbers of the same bits.
"""

import re
from typing import Any

import jax.numpy as jnp
import numpy as np


_NUMBERS = {np.dtype(order + code).str for code in "?bBhHiIlLqQefdFD" for order in "<>"}
_TEXT = re.compile(r"[<>]U[1-9]\d{0,5}|\|S[1-9]\d{0,5}")
_SHORT_NAMES = ("bfloat16", "float8_e4m3fn", "float8_e5m2", "float8_e4m3b11fnuz", "float8_e5m2fnuz", "int4", "uint4")
_SHORT = {name: np.dtype(getattr(jnp, name)) for name in _SHORT_NAMES if hasattr(jnp, name)}


def dtype_name(dtype: np.dtype) -> str | None:
    """The name of a dtype in files, None if arrays of it cannot be kept."""
    name = dtype.name if dtype.name in _SHORT else dtype.str
    return name if dtype_of(name) is not None else None


def dtype_of(name: str) -> np.dtype | None:
    """The dtype of a name in a file, None if there is none."""
    if name in _SHORT:
        return _SHORT[name]
    return np.dtype(name) if name in _NUMBERS or _TEXT.fullmatch(name) else None


def stored_dtype(dtype: np.dtype) -> np.dtype:
    """The dtype under which arrays lie in an .npy file."""
    return np.dtype(f"u{dtype.itemsize}") if dtype.name in _SHORT else dtype


def raw(array: np.ndarray) -> Any:
    """The bytes of an array, in the order in which an .npy file has them."""
    return array.reshape(-1, order="A").view(np.uint8)


def is_valid(array: np.ndarray) -> bool:
    """Whether all bytes of an array stand for a value of its dtype: booleans are 0 or 1, text is of characters."""
    if array.dtype.kind == "b":
        return not (raw(array) > 1).any()
    if array.dtype.kind == "U":
        code = raw(array).view(np.dtype(np.uint32).newbyteorder(array.dtype.byteorder))
        return not ((code > 0x10FFFF) | ((code >= 0xD800) & (code < 0xE000))).any()
    return True
