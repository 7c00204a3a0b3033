r"""What a training set implies about the representation, by linear algebra alone.

A training set $D$ closes its parallelograms $P_0(D)$: each is one linear equation $q\cdot E = 0$ with
$q = e_i+e_j-e_m-e_n$. With $A$ the matrix of these rows, $M = A^TA$ holds everything: its kernel is the set of ground
states, its spectrum the rates of the effective flow. No row is ever listed; with the incidence matrix $X$ (rows
$e_i+e_j$), class indicators $S$, the training mask $w$, $m = Sw$ and $B = S\,\mathrm{diag}(w)X$,

$$ M = X^T\,\mathrm{diag}(w\odot S^Tm)\,X - B^TB, $$

of one shape for all training sets, so that thousands are one `vmap`.

References:
    arXiv:2205.10343, section 3 (ground states) and appendix E, eq. 14 (implied parallelograms).
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Scalar

from .tasks import AbstractSumTask


KERNEL_TOLERANCE = 1e-8
"""Eigenvalues of $M$ below this are zero (float64). The smallest others met at 10 symbols are about 0.03."""


def class_sizes(task: AbstractSumTask, train_mask: Bool[Array, " samples"]) -> Float[Array, " classes"]:
    """$m_s$: training samples in each class."""
    return jax.ops.segment_sum(train_mask.astype(float), task.labels, task.num_classes)


def num_train_parallelograms(task: AbstractSumTask, train_mask: Bool[Array, " samples"]) -> Scalar:
    r"""$|P_0(D)| = \sum_s\binom{m_s}{2}$."""
    sizes = class_sizes(task, train_mask)
    return jnp.sum(sizes * (sizes - 1)) / 2


def energy_matrix(task: AbstractSumTask, train_mask: Bool[Array, " samples"]) -> Float[Array, "symbols symbols"]:
    r"""$M = A^TA$, so that $\mathrm{tr}(E^TME)$ is the sum of squared gaps of the training parallelograms."""
    weight = train_mask.astype(float)
    incidence = jnp.asarray(task.incidence)
    weighted = weight[:, None] * incidence
    per_class = jax.ops.segment_sum(weighted, task.labels, task.num_classes)
    partners = class_sizes(task, train_mask)[task.labels]
    return weighted.T @ (partners[:, None] * incidence) - per_class.T @ per_class


def nullity(task: AbstractSumTask, train_mask: Bool[Array, " samples"]) -> Scalar:
    """$n_0$, dimension of the ground states in one coordinate: 2 or more for addition."""
    return jnp.sum(jnp.linalg.eigvalsh(energy_matrix(task, train_mask)) < KERNEL_TOLERANCE)


def implied_parallelograms(
    task: AbstractSumTask,
    eigenvalues: Float[Array, " symbols"],
    eigenvectors: Float[Array, "symbols symbols"],
) -> Bool[Array, " parallelograms"]:
    r"""$P(D)$: parallelograms whose equation follows from those of $P_0(D)$, that is $q\perp\ker M$.

    Args:
        task: the table of samples.
        eigenvalues: of $M$, ascending.
        eigenvectors: of $M$, one per column.
    """
    kernel = jnp.where(eigenvalues < KERNEL_TOLERANCE, eigenvectors, 0.0)
    first, second = task.parallelograms.T
    ground_inputs = task.inputs(kernel)
    gap = ground_inputs[first] - ground_inputs[second]
    return jnp.sum(gap * gap, axis=1) < KERNEL_TOLERANCE
