r"""Eigenvalues of the latent kernel in theory: the outliers that carry the target, and the bulk.

References:
    arXiv:2310.03789, section 4.2; the bulk is derived here, as in `one_loop`.
"""

from typing import NamedTuple

import jax
from jaxtyping import Array, Float

from ...._checks import argument_error
from ...._tree import over_points
from ..pair_measure import pair_nodes
from ..system import ModularAddition
from .prediction import Prediction, convex_dual, predict


class LatentSpectrum(NamedTuple):
    r"""Eigenvalues of the latent kernel on the table.

    Attributes:
        target: $4P^2\sigma_a^2\langle XV\rangle$ of the modes $(k, \pm k)$, the outliers.
        other: $4P^2\sigma_a^2\langle X\rangle^2$ of modes $(k, l)$ with $l\ne\pm k$, the bulk.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> found = ma.latent_spectrum(system)
        >>> bool(found.target > 1.5 * found.other)
        True
    """

    target: Float[Array, "*points"]
    other: Float[Array, "*points"]


def latent_spectrum(system: ModularAddition, *, panel_order: int = 16) -> LatentSpectrum:
    """What theory says of the latent kernel of the whole table, for decay of the Fourier amplitudes.

    Raises:
        ValueError: as `predict`, or the regulariser is another one.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> found = ma.latent_spectrum(system)
        >>> bool(found.target == ma.predict(system).target_eigenvalue)
        True
    """
    found = predict(system, panel_order=panel_order)
    if not isinstance(found, Prediction):
        remedy = "The law of a pair is known for decay of the Fourier amplitudes."
        raise argument_error("regulariser", '"fourier" or "fourier0"', system.regulariser, remedy)

    def power(point):
        system, discrepancy = point
        nodes = pair_nodes(system, panel_order)
        weights = jax.nn.softmax(convex_dual(system, nodes).log_weights(discrepancy[None]))
        return weights @ (nodes.x + nodes.v) / 2

    scale = 4 * system.prime**2 * system.readout_variance
    return LatentSpectrum(found.target_eigenvalue, scale * over_points(power, (system, found.discrepancy)) ** 2)
