r"""The effective theory of representation learning: embeddings slide down the parallelogram energy.

$$ \ell_{\mathrm{eff}} = \frac{\ell_0}{Z_0},\qquad
   \ell_0 = \frac{1}{|P_0(D)|}\sum_{P_0(D)}|E_i+E_j-E_m-E_n|^2 = \frac{\mathrm{tr}(E^TME)}{|P_0(D)|},\qquad
   Z_0 = \sum_k|E_k|^2,\qquad \dot E = -\frac{\partial\ell_{\mathrm{eff}}}{\partial E}. $$

The energy is homogeneous of degree 0, so $Z_0$ is conserved and the flow has a closed form: a linear decay, put back
on the sphere,

$$ E(t) = \sqrt{Z_0}\;\frac{e^{-Ht}E(0)}{\|e^{-Ht}E(0)\|_F},\qquad H = \frac{2M}{Z_0|P_0(D)|}, $$

and every mode decays relative to the ground states as exactly $e^{-\lambda_k t}$. The slowest, $\lambda_3$, is the
grokking rate. The centre $C = \sum_kE_k$ obeys $\dot C = (2\ell_{\mathrm{eff}}/Z_0)\,C$: it stays at 0, but away
from 0 it is *not* conserved.

| symbol | name | symbol | name |
|---|---|---|---|
| $\ell_{\mathrm{eff}}$ | `effective_loss` | $H$ | `hamiltonian` |
| $E(t)$ | `effective_flow` | $1/(\lambda_3\eta)$ | `steps_to_structure` |

References:
    arXiv:2205.10343, section 3.2, eqs. 5-8 and appendix F; the closed form is exact and goes beyond the paper's
    linear law $\dot R = -HR$.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Scalar

from ..._checks import check_positive, check_x64
from .parallelograms import energy_matrix, num_train_parallelograms
from .tasks import AbstractSumTask, check_sum_task
from .theory import predict, spectrum_scale


Embedding = Float[Array | np.ndarray, "symbols dimension"]
Mask = Bool[Array | np.ndarray, " samples"]


def effective_loss(task: AbstractSumTask, train_mask: Mask, embedding: Embedding) -> Scalar:
    r"""$\ell_{\mathrm{eff}}(E)$, 0 for a training set without parallelograms.

    Raises:
        ValueError: the mask does not fit the task, or the operation is not a sum.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> mask = np.ones(task.num_samples, bool)
        >>> line = np.arange(5.0)[:, None]
        >>> bool(rep.effective_loss(task, mask, line) < 1e-12), bool(rep.effective_loss(task, mask, line**2) > 0.01)
        (True, True)
    """
    check_sum_task(task)
    task.check_train_mask(train_mask)
    embedding, train_mask = jnp.asarray(embedding), jnp.asarray(train_mask)
    energy = jnp.sum(embedding * (energy_matrix(task, train_mask) @ embedding))
    return energy / (jnp.maximum(num_train_parallelograms(task, train_mask), 1.0) * jnp.sum(embedding**2))


@eqx.filter_jit
def effective_flow(
    task: AbstractSumTask, train_mask: Mask, embedding: Embedding, times: Float[Array | np.ndarray, " times"]
) -> Float[Array, "times symbols dimension"]:
    r"""The exact solution $E(t)$ of $\dot E = -\partial\ell_{\mathrm{eff}}/\partial E$ at each of `times`.

    Raises:
        ValueError: x64 is off, the mask does not fit the task, or the operation is not a sum.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> mask = np.ones(task.num_samples, bool)
        >>> start = np.array([[1.0], [0.0], [2.0], [1.0], [3.0]])
        >>> flow = rep.effective_flow(task, mask, start, np.array([0.0, 1e4]))
        >>> bool(jnp.allclose(jnp.diff(flow[-1, :, 0], 2), 0, atol=1e-6))  # symbols end on a line, evenly spaced
        True
    """
    check_x64("the effective flow")
    check_sum_task(task)
    task.check_train_mask(train_mask)
    embedding, train_mask = jnp.asarray(embedding, float), jnp.asarray(train_mask)
    modes, vectors = jnp.linalg.eigh(energy_matrix(task, train_mask))
    size = jnp.sum(embedding**2)
    rates = 2 * modes / (size * jnp.maximum(num_train_parallelograms(task, train_mask), 1.0))
    start = vectors.T @ embedding

    def at(time):
        decayed = vectors @ (jnp.exp(-(rates - rates[0]) * time)[:, None] * start)
        return jnp.sqrt(size / jnp.sum(decayed**2)) * decayed

    return jax.vmap(at)(jnp.asarray(times, float))


@eqx.filter_jit
def euler_flow(
    hamiltonian: Float[Array, "symbols symbols"], embedding: Embedding, step_size: float, num_steps: int
) -> Float[Array, "symbols dimension"]:
    r"""Explicit Euler for the same flow, as in the released script: $Z_0$ is kept at its first value.

    $$ E \leftarrow E - \eta\,(H - \rho)\,E,\qquad \rho = \mathrm{tr}(E^THE)/Z_0. $$

    Args:
        hamiltonian: $H$, such as `hamiltonian(task, mask, normalisation="code")`.
        embedding: the start.
        step_size: $\eta$.
        num_steps: how many.

    Raises:
        ValueError: x64 is off.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> mask = np.ones(task.num_samples, bool)
        >>> start = np.array([[1.0], [0.0], [2.0], [1.0], [3.0]])
        >>> end = rep.euler_flow(rep.hamiltonian(task, mask), start, 0.01, 100)
        >>> round(float(jnp.sum(end**2) / np.sum(start**2)), 2)  # on its sphere
        1.0
    """
    check_x64("the effective flow")
    embedding = jnp.asarray(embedding, float)
    size = jnp.sum(embedding**2)

    def step(_, now):
        slope = hamiltonian @ now
        return now - step_size * (slope - jnp.sum(now * slope) / size * now)

    return jax.lax.fori_loop(0, num_steps, step, embedding)


def hamiltonian(
    task: AbstractSumTask, train_mask: Mask, *, normalisation: str = "paper"
) -> Float[Array, "symbols symbols"]:
    """$H$, the matrix whose spectrum is `predict(...).eigenvalues`; see there for `normalisation`.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> mask = np.ones(task.num_samples, bool)
        >>> spectrum = jnp.linalg.eigvalsh(rep.hamiltonian(task, mask))
        >>> bool(jnp.allclose(spectrum, rep.predict(task, mask).eigenvalues, atol=1e-8))
        True
    """
    prediction = predict(task, train_mask, normalisation=normalisation)
    scale = spectrum_scale(task, prediction.num_train_parallelograms, normalisation)
    return energy_matrix(task, jnp.asarray(train_mask)) * scale


def steps_to_structure(
    task: AbstractSumTask,
    train_mask: Bool[Array | np.ndarray, "*sets samples"],
    learning_rate: float = 1e-3,
    *,
    normalisation: str = "paper",
) -> Float[Array, "*sets"]:
    r"""$n_h = 1/(\lambda_3\eta)$, the theory's steps to a linear structure; infinite where it is not unique.

    Raises:
        ValueError: as `predict`, or a learning rate that is not above zero.

    References:
        arXiv:2205.10343, section 3.2 and Fig. 5b.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> masks = np.arange(task.num_samples) < np.array([[3], [15]])  # the first three samples, and all
        >>> np.isfinite(rep.steps_to_structure(task, masks)).tolist()
        [False, True]
    """
    check_positive("learning_rate", learning_rate)
    return 1.0 / (predict(task, train_mask, normalisation=normalisation).third_eigenvalue * learning_rate)


@eqx.filter_jit
def flow_time_to_structure(
    task: AbstractSumTask, train_mask: Mask, embedding: Embedding, *, threshold: float = 0.95, longest: float = 40.0
) -> Scalar:
    r"""$\lambda_3t$ when the exact flow first shows RQI above `threshold`; infinite if not until `longest`.

    Resolved to 0.01. The unit $1/\lambda_3$ takes the normalisation out.

    Args:
        task: the operation.
        train_mask: the training set.
        embedding: where the flow starts, in any scale.
        threshold: of the representation quality index.
        longest: the last $\lambda_3t$ looked at.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> task = rep.Addition(num_symbols=5)
        >>> mask = np.ones(task.num_samples, bool)
        >>> float(rep.flow_time_to_structure(task, mask, np.arange(5.0)[:, None]))  # it is there
        0.0
    """
    embedding = task.standardise(jnp.asarray(embedding, float))
    rate = predict(task, train_mask).third_eigenvalue * task.num_symbols / jnp.sum(embedding**2)
    scaled = jnp.arange(0.0, longest, 0.01)
    times = jnp.where(rate > 0, scaled / jnp.where(rate > 0, rate, 1.0), 0.0)
    quality = jax.vmap(task.quality)(effective_flow(task, train_mask, embedding, times))
    reached = (quality > threshold) & (rate > 0)
    return jnp.where(jnp.any(reached), scaled[jnp.argmax(reached)], jnp.inf)
