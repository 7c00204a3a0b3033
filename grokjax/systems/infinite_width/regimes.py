"""Names of the regimes, and which one an exponent belongs to; both roads ask here."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Int

from ..._checks import argument_error, is_concrete


PHASES = ("linear", "critical", "condensed")


def classify(exponent: Any, tolerance: Any = 1e-6) -> Int[Array, "..."]:
    """Index into `PHASES` of an exponent.

    Args:
        exponent: $S$.
        tolerance: what counts as zero; for a measured exponent twice its error, and more at small widths.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> [iw.PHASES[i] for i in iw.classify(jnp.array([-1.0, 0.0, 0.5]))]
        ['linear', 'critical', 'condensed']
    """
    exponent = jnp.asarray(exponent, float)
    return jnp.where(exponent < -tolerance, 0, jnp.where(exponent > tolerance, 2, 1))


def names_of(exponent: Any, tolerance: Any = 1e-6) -> Any:
    """The regime's name, or an array of names."""
    if not is_concrete(exponent):
        raise argument_error("exponent", "concrete", "a traced value", "Use `classify` under jit.")
    names = np.asarray(PHASES)[np.asarray(classify(exponent, tolerance))]
    return str(names) if names.ndim == 0 else names
