"""Errors at the door: every message names the argument, what was expected, what came, and what to do."""

import math
from collections.abc import Sequence
from typing import Any

import chex
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer


def argument_error(name: str, expected: str, got: Any, remedy: str) -> ValueError:
    """The one form of a `ValueError` in this library."""
    return ValueError(f"Argument `{name}` must be {expected}, but got {got!r}. {remedy}")


def is_concrete(value: Any) -> bool:
    """Whether the numbers of `value` can be looked at (False under `jit`, `vmap` and `grad`)."""
    return not isinstance(value, Tracer) and value is not None


def as_scalar(value: Any) -> Any:
    """A hyperparameter as a floating-point array leaf, so that a sweep over it traces once; what is no number stays."""
    if isinstance(value, int | float | np.generic | np.ndarray | list | tuple):
        array = _as_array(value)
        return value if array is None or array.dtype.kind not in "biuf" else jnp.asarray(array, jnp.result_type(float))
    return value


def real_numbers(name: str, value: Any, remedy: str) -> np.ndarray:
    """A concrete `value` as an array of real numbers.

    Raises:
        ValueError: it is something else, such as text or a ragged list.
    """
    array = _as_array(value)
    real = array is not None and (array.dtype.kind == "b" or jnp.issubdtype(array.dtype, jnp.number))
    if array is None or not real or jnp.iscomplexobj(array):
        raise argument_error(name, "a real number, or an array of them", value, remedy)
    return array


def check_key(key: Any, name: str = "key") -> Any:
    """One random key; the old form, two raw numbers, is brought into the new one.

    Raises:
        ValueError: it is something else, such as a seed, or several keys.
    """
    if isinstance(key, jax.Array):
        if jnp.issubdtype(key.dtype, jax.dtypes.prng_key) and key.shape == ():
            return key
        if key.dtype == jnp.uint32 and key.shape == jax.random.key_data(jax.random.key(0)).shape:
            return jax.random.wrap_key_data(key)
    got = f"keys of shape {key.shape}" if isinstance(key, jax.Array) else key
    raise argument_error(name, "one random key", got, "Make one of a seed: jax.random.key(0).")


def _as_array(value: Any) -> np.ndarray | None:
    """`value` as an array, or None where it has no shape, such as a ragged list."""
    try:
        return np.asarray(value)
    except (ValueError, TypeError):
        return None


def check_positive(name: str, value: Any, remedy: str = "Give a number above zero.") -> None:
    """Raise unless every entry of `value` is finite and above zero; a traced one passes."""
    if not isinstance(value, Tracer):
        number = real_numbers(name, value, remedy)
        if not (np.all(np.isfinite(number)) and np.all(number > 0)):
            raise argument_error(name, "finite and above zero", _shown(number), remedy)


def check_at_least(name: str, value: Any, bound: float, remedy: str = "Give a larger number.") -> None:
    """Raise unless every entry of `value` is finite and at least `bound`; a traced one passes."""
    if not isinstance(value, Tracer):
        number = real_numbers(name, value, remedy)
        if not (np.all(np.isfinite(number)) and np.all(number >= bound)):
            raise argument_error(name, f"at least {bound:g}", _shown(number), remedy)


def check_finite(name: str, value: Any, remedy: str = "Give a finite number.") -> None:
    """Raise unless every entry of `value` is finite; a traced one passes."""
    if not isinstance(value, Tracer):
        number = real_numbers(name, value, remedy)
        if not np.all(np.isfinite(number)):
            raise argument_error(name, "finite", _shown(number), remedy)


def check_instance(name: str, value: Any, kind: type, remedy: str = "See its documentation.") -> None:
    """Raise unless `value` is of this class."""
    if not isinstance(value, kind):
        got = f"the class {value.__name__}" if isinstance(value, type) else value
        article = "an" if kind.__name__.startswith(tuple("AEIOU")) else "a"
        raise argument_error(name, f"{article} {kind.__name__}", got, remedy)


def check_fraction(name: str, value: Any, *, inside: bool = False, remedy: str = "Give a fraction.") -> None:
    """Raise unless `value` is one number in [0, 1], or inside of it; a traced one passes."""
    if not isinstance(value, Tracer):
        number = real_numbers(name, value, remedy)
        good = (number > 0) & (number < 1) if inside else (number >= 0) & (number <= 1)
        if number.ndim or not good:
            raise argument_error(name, "inside (0, 1)" if inside else "in [0, 1]", _shown(number), remedy)


def check_tolerance(name: str, value: Any) -> None:
    """Raise unless `value` is one number above zero: not traced, and not left out."""
    if value is None or np.ndim(real_numbers(name, value, "Try 1e-8.")):
        raise argument_error(name, "one number above zero", value, "Try 1e-8.")
    check_positive(name, value, "Try 1e-8.")


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise unless `value` is one of the names in `choices`."""
    if not isinstance(value, str) or value not in choices:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        raise argument_error(name, f"one of {listed}", value, "Choose one of these names.")


def check_whole(name: str, value: Any, bound: int = 1, remedy: str = "Give a whole number.") -> int:
    """`value` as an `int`, or an error if it is traced, fractional or below `bound`."""
    if not is_concrete(value):
        got = "nothing" if value is None else "a traced value"
        raise argument_error(name, "a concrete whole number", got, remedy)
    if isinstance(value, bool):
        raise argument_error(name, f"one whole number of at least {bound}", value, remedy)
    number = np.unique(real_numbers(name, value, remedy))
    if number.size != 1 or not math.isfinite(number[0]) or number[0] != round(number[0]) or number[0] < bound:
        raise argument_error(name, f"one whole number of at least {bound}", _shown(np.asarray(value)), remedy)
    return int(number[0])


def check_alike(name: str, trees: Sequence[Any], remedy: str) -> None:
    """Raise unless all pytrees have one structure, and leaves of equal shapes and dtypes."""
    try:
        chex.assert_trees_all_equal_structs(*trees)
        chex.assert_trees_all_equal_shapes_and_dtypes(*trees)
    except AssertionError as error:
        got = " ".join(str(error).split())
        raise argument_error(name, "alike in structure, shapes and dtypes", got[:300], remedy) from None


def check_x64(where: str) -> None:
    """Raise unless 64-bit floating point is switched on."""
    if jnp.result_type(float) != jnp.float64:
        raise argument_error(
            "jax_enable_x64",
            f"True for {where}",
            False,
            'Call jax.config.update("jax_enable_x64", True) before the first array is made, or set JAX_ENABLE_X64=1.',
        )


def check_double(where: str, tree: Any) -> None:
    """Raise unless 64-bit floating point is on and every floating leaf of `tree` was made with it."""
    check_x64(where)
    for leaf in jax.tree.leaves(eqx.filter(tree, eqx.is_inexact_array)):
        if leaf.dtype not in (jnp.float64, jnp.complex128):
            raise argument_error(
                "system",
                f"made of 64-bit numbers for {where}",
                str(leaf.dtype),
                "Build it again after jax_enable_x64 was switched on.",
            )


def _shown(number: np.ndarray) -> Any:
    return number.item() if number.size == 1 else number.tolist()
