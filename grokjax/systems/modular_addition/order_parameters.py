"""The pytree on which theory and experiment of modular addition meet."""

from typing import Any

from ..._printing import AbstractPrinted


SIDE_THRESHOLD = 0.5  # a pair (X, V) with both beyond this many x* counts as specialised
MOST_OF_IT = 0.7  # a neuron with this share of |w|^2 and |v|^2 at one frequency counts as one of a single frequency


class OrderParameters(AbstractPrinted):
    r"""What both roads report; plain numbers from theory, `Estimate`s from experiment.

    All frequencies are alike, so averages over a pair $(X, V) = (|w_k|^2, |v_k|^2)$ run over neurons and the $(P-1)/2$
    frequencies. Theory of the whole table knows the first four; on a part of it (`predict_on_part`) it knows those of
    training and held-out sums, too. What a road does not know is None. Errors are mean squared, per entry of the table
    and output, accuracies the share of entries whose largest output is the right one; on the whole table there are no
    held-out sums.

    Attributes:
        discrepancy: $a = 1 - \langle f, y\rangle/\langle y, y\rangle$ over the whole table, the part of the target that
            is not learned.
        side_weight: probability that $X$ and $V$ both exceed $x^*/2$, $x^* = \sqrt{3/\gamma}$: a specialised pair.
        overlap_moment: $\langle XV\rangle$.
        target_eigenvalue: $\lambda = 4P^2\sigma_a^2\langle XV\rangle$, of the kernel on the target, summed over the
            table.
        specialised_once: fraction of neurons specialised at exactly one frequency.
        alignment: $\cos(\arg a_k-\arg w_k-\arg v_k)$ summed over specialised pairs, per pair of the network.
        phase_coherence: `alignment` over `side_weight`, the mean cosine of specialised pairs: 1 where read-out phases
            are sums of read-in phases.
        occupation: fraction of neurons specialised at each frequency, shape (..., pair).
        single_frequency: share of the network's weight $|a||w||v|$ in neurons of one frequency: more than
            `MOST_OF_IT` of $|w|^2$ and of $|v|^2$ at the same $k$.
        localised: share of the weight in neurons that sit at a position: more than half of $|w|^2$ at one $n$, and of
            $|v|^2$ at one $m$.
        single_frequency_neurons: fraction of neurons of one frequency.
        localised_neurons: fraction of neurons that sit at a position.
        train_learned: $L=\langle f,y\rangle/\langle y,y\rangle$ of an entry, mean over the training set: 1 learned, 0
            nothing, -1 the opposite.
        held_out_learned: mean outside of it.
        train_error: on the training set.
        held_out_error: outside of it.
        train_accuracy: on the training set; chance is $1/P$.
        held_out_accuracy: outside of it.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> found = ma.predict(system).order_parameters
        >>> round(float(found.discrepancy), 2), found.held_out_accuracy
        (0.86, None)
    """

    discrepancy: Any
    side_weight: Any
    overlap_moment: Any
    target_eigenvalue: Any
    specialised_once: Any = None
    alignment: Any = None
    phase_coherence: Any = None
    occupation: Any = None
    single_frequency: Any = None
    localised: Any = None
    single_frequency_neurons: Any = None
    localised_neurons: Any = None
    train_learned: Any = None
    held_out_learned: Any = None
    train_error: Any = None
    held_out_error: Any = None
    train_accuracy: Any = None
    held_out_accuracy: Any = None
