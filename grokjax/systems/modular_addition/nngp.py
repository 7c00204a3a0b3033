r"""The lazy baseline: the Gaussian process that an infinitely wide network with fixed features becomes.

With standard normal read-in weights (no sextic decay) and $z = w_n + v_m$ the kernel of the quadratic network is
$K = \sigma_a^2\langle z^2z'^2\rangle = \sigma_a^2\,[4 + 2(\delta_{nn'}+\delta_{mm'})^2]$. It is diagonal in the
Fourier modes $(k, l)$ of the table, with three distinct eigenvalues:

| modes | number | eigenvalue $/\sigma_a^2$ |
|---|---|---|
| $k=l=0$ | 1 | $4P^2+4P+4$ |
| one of them 0 | $2(P-1)$ | $2P+4$ |
| both nonzero, the target among them | $(P-1)^2$ | $4$ |

The target shares its eigenvalue with $(P-1)^2$ modes, so nothing is learned about unseen sums before a finite fraction
of the table has been seen. With $n$ random pairs (equivalent-kernel theory, ridge renormalised by unlearned modes)

$$ L_i = \frac{\lambda_i}{\lambda_i+\rho},\qquad n = \frac{\sigma^2}{\rho} + \sum_i m_i\,L_i(\rho),\qquad
\lambda_i=\text{eigenvalue}/P^2 . $$

References:
    arXiv:2310.03789, sections 2 and 4.2; the renormalised ridge is that of arXiv:2002.02561, equation (4).
"""

import jax.numpy as jnp
from jaxtyping import Array, Float, Scalar

from ..._checks import argument_error, check_double, check_instance, check_positive, check_whole, is_concrete
from ...theory.roots import bisect
from .system import ModularAddition


def nngp_kernel(system: ModularAddition) -> Float[Array, "pairs pairs"]:
    """The kernel between all pairs of the table, in the order (0, 0), (0, 1), ...; for a concrete prime.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> ma.nngp_kernel(system).shape
        (121, 121)
    """
    check_instance("system", system, ModularAddition)
    prime = check_whole("prime", system.prime)
    number = jnp.arange(prime)
    n, m = (grid.ravel() for grid in jnp.meshgrid(number, number, indexing="ij"))
    same = (n[:, None] == n[None]).astype(float) + (m[:, None] == m[None])
    return system.readout_variance * (4 + 2 * same**2)


def nngp_eigenvalues(system: ModularAddition) -> tuple[Float[Array, "3"], Float[Array, "3"]]:
    """The three eigenvalues of `nngp_kernel`, the target's last, and how many modes have each.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> eigenvalues, multiplicity = ma.nngp_eigenvalues(system)
        >>> multiplicity.astype(int).tolist()
        [1, 20, 100]
    """
    check_instance("system", system, ModularAddition)
    prime, one = system.prime, jnp.ones_like(system.prime)
    eigenvalues = system.readout_variance * jnp.stack([4 * prime**2 + 4 * prime + 4, 2 * prime + 4, 4 * one])
    return eigenvalues, jnp.stack([one, 2 * (prime - 1), (prime - 1) ** 2])


def gp_sample_complexity(system: ModularAddition, learned: float | Array = 0.5) -> Scalar:
    """Number of random pairs from which the Gaussian process learns the given fraction of the target; of order P^2.

    Raises:
        ValueError: `learned` is not in (0, 1).

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> bool(ma.gp_sample_complexity(system) > 11**2 / 2)
        True
    """
    check_instance("system", system, ModularAddition)
    check_double("theory", system)
    learned = jnp.asarray(learned, float)
    if is_concrete(learned) and not bool(((learned > 0) & (learned < 1)).all()):
        raise argument_error("learned", "in (0, 1)", learned.tolist(), "All of it takes infinitely many samples.")
    target = nngp_eigenvalues(system)[0][-1] / system.prime**2
    return _samples(system, target * (1 - learned) / learned)


def gp_learned(system: ModularAddition, num_samples: float | Array) -> Scalar:
    r"""$\langle f,y\rangle/\langle y,y\rangle$ of Gaussian-process regression on `num_samples` random pairs.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> half = ma.gp_sample_complexity(system, learned=0.5)
        >>> round(float(ma.gp_learned(system, half)), 3)
        0.5
    """
    check_instance("system", system, ModularAddition)
    check_double("theory", system)
    check_positive("num_samples", num_samples)
    eigenvalues, multiplicity = nngp_eigenvalues(system)
    eigenvalues = eigenvalues / system.prime**2
    ridge = renormalised_ridge(system.noise_variance, eigenvalues, multiplicity, jnp.asarray(num_samples, float))
    return eigenvalues[-1] / (eigenvalues[-1] + ridge)


def renormalised_ridge(noise: Array, eigenvalues: Array, multiplicity: Array, num_samples: Array) -> Scalar:
    r"""$\rho$ with $n = \sigma^2/\rho + \sum_i m_i\lambda_i/(\lambda_i+\rho)$; both sides fall with it."""
    count = lambda ridge: noise / ridge + jnp.sum(multiplicity * eigenvalues / (eigenvalues + ridge))
    enough = lambda log_ridge: jnp.log(count(jnp.exp(log_ridge))) > jnp.log(num_samples)
    lowest, highest = noise / num_samples, (noise + multiplicity @ eigenvalues) / num_samples  # nothing, all unlearned
    return jnp.exp(bisect(enough, jnp.log(lowest), jnp.log(highest), 60))


def _samples(system: ModularAddition, ridge: Scalar) -> Scalar:
    eigenvalues, multiplicity = nngp_eigenvalues(system)
    eigenvalues = eigenvalues / system.prime**2
    return system.noise_variance / ridge + jnp.sum(multiplicity * eigenvalues / (eigenvalues + ridge))
