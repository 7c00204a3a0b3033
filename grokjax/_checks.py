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
    """A hyperparameter as a floating-point array leaf, so that a sweep over it traces once."""
    if isinstance(value, int | float | np.generic | np.ndarray):
        return jnp.asarray(value, dtype=jnp.result_type(float))
    return value


def check_positive(name: str, value: Any, remedy: str = "Give a number above zero.") -> None:
    """Raise unless every entry of a concrete `value` is finite and above zero."""
    if is_concrete(value):
        number = np.asarray(value)
        if not (np.all(np.isfinite(number)) and np.all(number > 0)):
            raise argument_error(name, "finite and above zero", _shown(number), remedy)


def check_at_least(name: str, value: Any, bound: float, remedy: str = "Give a larger number.") -> None:
    """Raise unless every entry of a concrete `value` is finite and at least `bound`."""
    if is_concrete(value):
        number = np.asarray(value)
        if not (np.all(np.isfinite(number)) and np.all(number >= bound)):
            raise argument_error(name, f"at least {bound:g}", _shown(number), remedy)


def check_finite(name: str, value: Any, remedy: str = "Give a finite number.") -> None:
    """Raise unless every entry of a concrete `value` is finite."""
    if is_concrete(value) and not np.all(np.isfinite(np.asarray(value))):
        raise argument_error(name, "finite", _shown(np.asarray(value)), remedy)


def check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    """Raise unless `value` is one of the names in `choices`."""
    if value not in choices:
        listed = ", ".join(f'"{choice}"' for choice in choices)
        raise argument_error(name, f"one of {listed}", value, "Choose one of these names.")


def check_whole(name: str, value: Any, bound: int = 1, remedy: str = "Give a whole number.") -> int:
    """`value` as an `int`, or an error if it is traced, fractional or below `bound`."""
    if not is_concrete(value):
        got = "nothing" if value is None else "a traced value"
        raise argument_error(name, "a concrete whole number", got, remedy)
    number = np.unique(np.asarray(value))
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
