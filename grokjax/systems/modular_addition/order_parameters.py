"""The pytree on which theory and experiment of modular addition meet."""

from typing import Any

import equinox as eqx


class OrderParameters(eqx.Module):
    r"""What both roads report; plain numbers from theory, `Estimate`s from experiment.

    All frequencies are alike, so averages over a pair $(X, V) = (|w_k|^2, |v_k|^2)$ run over neurons and the $(P-1)/2$
    frequencies.

    Attributes:
        discrepancy: $a = 1 - \langle f, y\rangle/\langle y, y\rangle$, the part of the target that is not learned.
        side_weight: probability that $X$ and $V$ both exceed $x^*/2$, $x^* = \sqrt{3/\gamma}$: a specialised pair.
        overlap_moment: $\langle XV\rangle$.
        target_eigenvalue: $\lambda = 4P^2\sigma_a^2\langle XV\rangle$, of the kernel on the target, summed over the
            table.
    """

    discrepancy: Any
    side_weight: Any
    overlap_moment: Any
    target_eigenvalue: Any
