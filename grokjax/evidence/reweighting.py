r"""Free energies from samples of several states, by the multistate Bennett acceptance ratio (MBAR).

Samples $x_n$ of $K$ states with reduced potentials $u_k(x)$ and $M_k$ samples each are pooled. The free energies
$f_k=-\log Z_k$ minimise the convex function

$$ \Phi(f) = \sum_n\log\sum_k M_k e^{f_k-u_k(x_n)} - \sum_k M_kf_k,\qquad
   W_{nk}=\frac{M_ke^{f_k-u_k(x_n)}}{\sum_jM_je^{f_j-u_j(x_n)}},\qquad \nabla_k\Phi=\sum_nW_{nk}-M_k, $$

whose Hessian is $\mathrm{diag}(\sum_nW_{nk})-W^\top W$: damped Newton from thermodynamic integration reaches it. With
two states this is Bennett's acceptance ratio. The overlap matrix $O_{kl}=\sum_nW_{nk}W_{nl}/M_k$ has rows that sum to
one; states without overlap have no free-energy difference.

Everything is jitted, and vmaps over data sets; masks (`weights`) leave samples out without another shape.

References:
    Shirts & Chodera, J. Chem. Phys. 129, 124105 (2008), equations (11) and (D6); Bennett, J. Comput. Phys. 22, 245
    (1976).
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from .._checks import argument_error, check_x64
from ..status import AbstractSolution, Status, choose_status
from .statistics import Estimate


TOLERANCE = 1e-9  # of the last Newton step, in nats
ZERO_MODE = 1e-10  # eigenvalues below belong to the shift of all free energies by one number


class Reweighting(AbstractSolution):
    r"""What MBAR found.

    Attributes:
        free_energies: $f_k=-\log Z_k$, that of the reference state being zero.
        log_mixture: $\log\sum_kM_ke^{f_k-u_k(x_n)}$ of every sample; the weights of any other state are
            $e^{-u(x_n)}$ over it.
        covariance: asymptotic covariance of the free energies for independent samples.
        overlap: $O_{kl}$.
        step: largest entry of the last Newton step.
        iterations: evaluations of $\Phi$.
        status: how the solver ended.

    Examples:
        >>> from grokjax.evidence.reweighting import mbar
        >>> x = np.random.default_rng(0).normal(size=(2, 1000)) / np.array([[1.0], [2.0]])
        >>> potentials = np.array([[1.0], [4.0]]) * x.ravel() ** 2 / 2
        >>> found = mbar(potentials, np.repeat([0, 1], 1000), reference=0)
        >>> bool(found.converged), found.overlap.shape, round(float(found.difference(0, 1).mean), 1)
        (True, (2, 2), 0.7)
    """

    free_energies: Float[Array, " states"]
    log_mixture: Float[Array, " samples"]
    covariance: Float[Array, "states states"]
    overlap: Float[Array, "states states"]
    step: Float[Array, ""]
    iterations: Int[Array, ""]
    status: Int[Array, ""]

    def difference(self, first: int, second: int) -> Estimate:
        """$f$ of the second state less that of the first, with its error for independent samples."""
        theta = self.covariance
        variance = theta[first, first] + theta[second, second] - 2 * theta[first, second]
        return Estimate(self.free_energies[second] - self.free_energies[first], jnp.sqrt(jnp.maximum(variance, 0)))


def mbar(
    potentials: Any,
    origin: Any,
    *,
    weights: Any = None,
    reference: int = -1,
    start: Float[Array, " states"] | None = None,
    max_steps: int = 200,
) -> Reweighting:
    """Free energies of all states from the pooled samples of all.

    Args:
        potentials: $u_k(x_n)$ of every sample in every state, shape (state, sample).
        origin: index of the state that each sample was drawn from, shape (sample,); every state has samples.
        weights: of the samples; zero leaves one out. Ones unless given.
        reference: the state of free energy zero.
        start: first guess of the free energies; thermodynamic integration along the states unless given.
        max_steps: largest number of evaluations.

    Raises:
        ValueError: 64-bit floats are off, or shapes do not fit.

    Examples:
        >>> from grokjax.evidence.reweighting import mbar
        >>> x = np.random.default_rng(0).normal(size=(2, 1000)) / np.array([[1.0], [2.0]])
        >>> potentials = np.array([[1.0], [4.0]]) * x.ravel() ** 2 / 2
        >>> found = mbar(potentials, np.repeat([0, 1], 1000), reference=0)
        >>> round(float(found.free_energies[1]), 1)  # half the logarithm of the ratio of stiffnesses
        0.7
    """
    check_x64("free energies")
    potentials, origin = jnp.asarray(potentials, float), jnp.asarray(origin)
    if potentials.ndim != 2 or origin.shape != potentials.shape[1:]:
        got = f"potentials of shape {potentials.shape}, origin of shape {origin.shape}"
        raise argument_error("potentials", "of shape (state, sample), with an origin per sample", got, "Match them.")
    weights = jnp.ones(potentials.shape[1]) if weights is None else jnp.asarray(weights, float)
    return _solve(potentials, origin, weights, reference, start, max_steps)


def bar(forward: Any, backward: Any, *, inefficiency: float = 1.0) -> Estimate:
    r"""Bennett's acceptance ratio: $f_2-f_1$ from works in both directions, the two-state case of `mbar`.

    Args:
        forward: $u_2-u_1$ of samples of the first state, shape (sample,).
        backward: $u_1-u_2$ of samples of the second.
        inefficiency: statistical inefficiency of the samples, by which the variance grows.

    Raises:
        ValueError: 64-bit floats are off.

    Examples:
        >>> from grokjax.evidence.reweighting import bar
        >>> round(float(bar(np.array([1.5, 2.5]), np.array([-1.5, -2.5])).mean), 6)
        2.0
    """
    work = jnp.concatenate([jnp.asarray(forward, float), -jnp.asarray(backward, float)])
    origin = jnp.concatenate([jnp.zeros(len(forward), int), jnp.ones(len(backward), int)])
    found = mbar(jnp.stack([jnp.zeros_like(work), work]), origin, reference=0).difference(0, 1)
    return Estimate(found.mean, found.error * jnp.sqrt(inefficiency))


def effective_samples(log_weights: Float[Array, "*batch samples"]) -> Float[Array, "*batch"]:
    r"""Kish's number of samples that carry the weight, $(\sum w)^2/\sum w^2$.

    Args:
        log_weights: up to a constant.

    Examples:
        >>> from grokjax.evidence.reweighting import effective_samples
        >>> [round(float(effective_samples(jnp.array(each))), 6) for each in ([0.0, 0.0, 0.0], [0.0, -50.0, -50.0])]
        [3.0, 1.0]
    """
    return jnp.exp(2 * jax.nn.logsumexp(log_weights, axis=-1) - jax.nn.logsumexp(2 * log_weights, axis=-1))


def perplexity(log_weights: Float[Array, "*batch samples"]) -> Float[Array, "*batch"]:
    r"""The other number of samples that carry the weight, $e^{-\sum w\ln w}$ of normalised weights.

    Args:
        log_weights: up to a constant.

    Examples:
        >>> from grokjax.evidence.reweighting import perplexity
        >>> round(float(perplexity(jnp.log(jnp.array([0.25, 0.25, 0.25, 0.25])))), 6)
        4.0
    """
    log_share = jax.nn.log_softmax(log_weights, axis=-1)
    return jnp.exp(-jnp.sum(jnp.exp(log_share) * jnp.maximum(log_share, -1e300), axis=-1))


@eqx.filter_jit
def _solve(potentials, origin, weights, reference, start, max_steps) -> Reweighting:
    num_states = potentials.shape[0]
    member = (origin[None] == jnp.arange(num_states)[:, None]) * weights[None]
    counts = member.sum(axis=1)
    log_counts = jnp.log(counts)[:, None]

    def expand(f):
        logits = f[:, None] + log_counts - potentials
        log_mixture = jax.nn.logsumexp(logits, axis=0)
        share = jnp.exp(logits - log_mixture[None])
        weighted = share * weights[None]
        # The shift of all free energies by one number costs nothing; the last term makes the Hessian regular.
        totals = weighted.sum(axis=1)
        hessian = jnp.diag(totals) - weighted @ share.T + counts.sum() / num_states**2
        gradient = totals - counts
        value = weights @ log_mixture - counts @ f
        return value, gradient, -jax.scipy.linalg.solve(hessian, gradient, assume_a="pos"), share, log_mixture

    def step(state):
        f, value, gradient, direction, length, iterations = state
        trial = f + length * direction
        new_value, new_gradient, new_direction, _, _ = expand(trial)
        accept = new_value <= value + 1e-4 * length * gradient @ direction + 1e-13 * (1 + jnp.abs(value))
        new = trial, new_value, new_gradient, new_direction, jnp.minimum(1.0, 4 * length)
        old = f, value, gradient, direction, length / 2
        return *jax.tree.map(lambda a, b: jnp.where(accept, a, b), new, old), iterations + 1

    def unfinished(state):
        _, _, _, direction, length, iterations = state
        return (jnp.max(jnp.abs(direction)) > TOLERANCE) & (length > 1e-12) & (iterations < max_steps)

    first = integrate(potentials, member, counts) if start is None else start
    value, gradient, direction, _, _ = expand(first)
    initial = (first, value, gradient, direction, jnp.ones(()), jnp.asarray(1))
    f, _, _, direction, _, iterations = jax.lax.while_loop(unfinished, step, initial)
    f = f - f[reference]
    _, _, _, share, log_mixture = expand(f)
    products = (share * weights[None]) @ share.T
    largest = jnp.max(jnp.abs(direction))
    status = choose_status(
        (~jnp.isfinite(largest), Status.NOT_FINITE),
        (largest <= TOLERANCE, Status.SOLVED),
        (iterations >= max_steps, Status.OUT_OF_STEPS),
        otherwise=Status.STUCK,
    )
    overlap = products / counts[:, None]
    return Reweighting(f, log_mixture, _covariance(products, counts), overlap, largest, iterations, status)


def integrate(
    potentials: Float[Array, "states samples"], member: Float[Array, "states samples"], counts: Float[Array, " states"]
) -> Float[Array, " states"]:
    """Thermodynamic integration along the states: the mean step of the potential, averaged over both ends.

    Args:
        potentials: of every sample in every state.
        member: weight of every sample in the state it was drawn from, zero elsewhere.
        counts: of samples.

    Examples:
        >>> from grokjax.evidence.reweighting import integrate
        >>> potentials = jnp.array([[0.0, 0.0], [3.0, 3.0]])  # two samples, one drawn from each state
        >>> integrate(potentials, jnp.eye(2), jnp.ones(2)).tolist()
        [0.0, 3.0]
    """
    means = member @ potentials.T / counts[:, None]  # of the second state's potential under the first
    at, ahead = jnp.arange(len(counts) - 1), jnp.arange(1, len(counts))
    steps = (means[at, ahead] - means[at, at] + means[ahead, ahead] - means[ahead, at]) / 2
    return jnp.concatenate([jnp.zeros(1), jnp.cumsum(steps)])


def _covariance(products: Array, counts: Array) -> Array:
    r"""$\Theta = W'^\top(1-W'MW'^\top)^+W'$ with $W'=W/M$, through the $K\times K$ matrix $W'^\top W'$."""
    squared, vectors = jnp.linalg.eigh(products / counts[:, None] / counts[None])
    half = vectors * jnp.sqrt(jnp.maximum(squared, 0))[None]
    inner, axes = jnp.linalg.eigh(jnp.eye(len(counts)) - half.T @ (counts[:, None] * half))
    inverse = jnp.where(inner > ZERO_MODE, 1 / jnp.where(inner > ZERO_MODE, inner, 1.0), 0.0)
    rotated = half @ axes
    return (rotated * inverse[None]) @ rotated.T
