r"""The lazy regime beyond its exponent: the neural tangent kernel gives the prefactor of the displacement, too.

In the kernel regime the flow is linear, and ends at $\Delta\theta = -\nabla f\,K^{-1}(f(\theta_0)-y)$. The displacement
of one block follows from the part of the kernel that is its own:

$$ \|\Delta W_l\|^2 = e^\top K^{-1}K_lK^{-1}e, \qquad K=\sum_l K_l . $$

For two layers, normalised to one per neuron, with θ the angle of $\tilde x_i$ and $\tilde x_j$,

$$ K_a = \frac{|\tilde x_i||\tilde x_j|}{2\pi}\big(\sin\theta+(\pi-\theta)\cos\theta\big),\qquad
   K_w = \frac{\pi-\theta}{2\pi}\,\tilde x_i\cdot\tilde x_j, $$

and $RD\,m^{-S}\to c$ with $c^2 = y^\top K^{-1}K_wK^{-1}y/(d+1)$.

References:
    Arc-cosine kernels: Cho & Saul, Advances in Neural Information Processing Systems 22 (2009).
"""

import numpy as np
from jaxtyping import Float

from ...._checks import check_finite
from ..data import augmented, check_data


def lazy_prefactor(inputs: object, targets: object, gamma_prime: float = 0.0) -> float:
    r"""$c$ of $RD\approx c\,m^{S}$ for the input weights of two layers in the kernel regime, $\gamma<1$, centred.

    Args:
        inputs: shape (n,) or (n, d), without the constant of the bias.
        targets: shape (n,).
        gamma_prime: which block dominates the kernel: both at 0, the read-out above, the input weights below. The
            prefactor depends on its sign only.

    Raises:
        ValueError: the data are not finite, or equal inputs have different targets.

    Examples:
        >>> from grokjax.systems import infinite_width as iw
        >>> data = iw.four_points()
        >>> round(iw.lazy_prefactor(data.inputs, data.targets), 3)  # RD m^(1/2) of networks at gamma = 1/2
        1.147
    """
    check_finite("gamma_prime", gamma_prime)
    points, y = check_data(inputs, targets)
    x = augmented(points)
    readout, weights = arc_cosine_kernels(x)
    kernel = (gamma_prime >= 0) * readout + (gamma_prime <= 0) * weights
    dual = np.linalg.pinv(kernel, hermitian=True) @ y
    return float(np.sqrt(dual @ weights @ dual / x.shape[1]))


def arc_cosine_kernels(
    x: Float[np.ndarray, "samples inputs"],
) -> tuple[Float[np.ndarray, "samples samples"], Float[np.ndarray, "samples samples"]]:
    r"""$K_a = E[\sigma(w\cdot x_i)\sigma(w\cdot x_j)]$ and $K_w = x_i\cdot x_j\,E[\sigma'\sigma']$, $w\sim N(0, 1)$."""
    norms = np.linalg.norm(x, axis=1)
    lengths, inner = np.outer(norms, norms), x @ x.T
    cosine = np.clip(inner / lengths, -1, 1)
    angle = np.arccos(cosine)
    return (
        lengths * (np.sin(angle) + (np.pi - angle) * cosine) / (2 * np.pi),
        (np.pi - angle) / (2 * np.pi) * inner,
    )
