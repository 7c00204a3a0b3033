"""The pytree on which both roads of the approximation system meet: exponents."""

from typing import Any

import equinox as eqx


class OrderParameters(eqx.Module):
    r"""Exponents of a family of networks; numbers from theory, `Estimate`s from experiment.

    Attributes:
        rate: $p$ of an error $W^{-p}$.
        depth_exponent: $\alpha$ of a depth $W^\alpha$.
        growing_rate: $p$ again, against the part of $W$ that grows like a size (without the logarithms that make small
            networks heavy): the same in theory, closer to it in experiment.
        resolution_rate: exponent of the error in the number of fine cells $NM$ along an axis; $r$ in theory.
        rate_interval: 95 % interval of the rate, shape (..., 2); experiment only, as is the rest.
        errors: sup-norm error of each network, shape (..., size).
        num_weights: $W$ of each network.
        depths: $L$ of each network.
        resolutions: $NM$ of each network.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> run = ap.simulate(ap.Approximation(target="kink"), sizes=[8, 16, 32])
        >>> round(float(run.order_parameters.resolution_rate.mean), 2), run.order_parameters.num_weights.tolist()
        (1.0, [127.0, 195.0, 325.0])
        >>> float(ap.predict(run.system).order_parameters.rate)
        2.0
    """

    rate: Any
    depth_exponent: Any
    growing_rate: Any = None
    resolution_rate: Any = None
    rate_interval: Any = None
    errors: Any = None
    num_weights: Any = None
    depths: Any = None
    resolutions: Any = None
