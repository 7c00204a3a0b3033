"""The pytree on which theory and experiment of modular addition meet."""

from typing import Any

from ..._printing import AbstractPrinted


SIDE_THRESHOLD = 0.5  # a pair (X, V) with both beyond this many x* counts as specialised


class OrderParameters(AbstractPrinted):
    r"""What both roads report; plain numbers from theory, `Estimate`s from experiment.

    All frequencies are alike, so averages over a pair $(X, V) = (|w_k|^2, |v_k|^2)$ run over neurons and the $(P-1)/2$
    frequencies. Theory knows the first four; the others are measured on networks only and None elsewhere. Errors are
    mean squared, per entry of the table and output, accuracies the share of entries whose largest output is the right
    one; without test set those on it are None.

    Attributes:
        discrepancy: $a = 1 - \langle f, y\rangle/\langle y, y\rangle$ over the whole table, the part of the target that
            is not learned.
        side_weight: probability that $X$ and $V$ both exceed $x^*/2$, $x^* = \sqrt{3/\gamma}$: a specialised pair.
        overlap_moment: $\langle XV\rangle$.
        target_eigenvalue: $\lambda = 4P^2\sigma_a^2\langle XV\rangle$, of the kernel on the target, summed over the
            table.
        single_frequency: fraction of neurons specialised at exactly one frequency.
        alignment: $\cos(\arg a_k-\arg w_k-\arg v_k)$ summed over specialised pairs, per pair of the network.
        phase_coherence: `alignment` over `side_weight`, the mean cosine of specialised pairs: 1 where read-out phases
            are sums of read-in phases.
        occupation: fraction of neurons specialised at each frequency, shape (..., pair).
        train_error: on the training set.
        test_error: outside of it.
        train_accuracy: on the training set.
        test_accuracy: outside of it.
    """

    discrepancy: Any
    side_weight: Any
    overlap_moment: Any
    target_eigenvalue: Any
    single_frequency: Any = None
    alignment: Any = None
    phase_coherence: Any = None
    occupation: Any = None
    train_error: Any = None
    test_error: Any = None
    train_accuracy: Any = None
    test_accuracy: Any = None
