"""The pytree on which both roads of the approximation system meet: exponents."""

from typing import Any

import equinox as eqx


class OrderParameters(eqx.Module):
    r"""Exponents of a family of networks; numbers from theory, `Estimate`s from experiment.

    Attributes:
        rate: $p$ of an error $W^{-p}$.
        depth_exponent: $\alpha$ of a depth $W^\alpha$.
        resolution_rate: exponent of the error in the number of fine cells $NM$ along an axis, free of the overhead of
            small networks; experiment only, as is the rest.
        rate_interval: 95 % interval of the rate, shape (..., 2).
        errors: sup-norm error of each network, shape (..., size).
        num_weights: $W$ of each network.
        depths: $L$ of each network.
        resolutions: $NM$ of each network.
    """

    rate: Any
    depth_exponent: Any
    resolution_rate: Any = None
    rate_interval: Any = None
    errors: Any = None
    num_weights: Any = None
    depths: Any = None
    resolutions: Any = None
