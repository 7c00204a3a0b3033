"""The pytree on which theory and experiment of the teacher-student system meet."""

from typing import Any

from ..._printing import AbstractPrinted


class OrderParameters(AbstractPrinted):
    r"""What both roads report; plain numbers from theory, `Estimate`s from experiment.

    Attributes:
        overlap: $\{k: \langle f, He_k\rangle/k!\}$ for each degree of the teacher, the learned part of $c_k$; averages
            over fresh inputs of the network output times $He_k(w^*\cdot x)$. Equals $c_k$ minus the discrepancy.
        side_weight: fraction of neurons with $|w\cdot w^*|$ above the system's `side_threshold`, the specialised ones
            ("droplets").

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> found = ts.OrderParameters(overlap={1: 0.9, 3: -0.1}, side_weight=0.05)
        >>> jax.tree.map(lambda leaf: 2 * leaf, found).overlap
        {1: 1.8, 3: -0.2}
    """

    overlap: dict[int, Any]
    side_weight: Any
