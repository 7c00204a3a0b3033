r"""Finite-size scaling: curves of several sizes brought onto each other, and the exponents with bootstrap errors.

$$ \frac{C(b)}n = n^x\,\Psi\big((b/b_c-1)\,n^y\big) $$

with $x=1,y=1$ at a first-order transition (the heat capacity of two phases), $x=0$ where it saturates. Minimised over
$(\ln b_c,x,y)$ is the mean squared difference of all pairs of scaled curves over their common window, in units of their
mean square; the error is the scatter over bootstraps of data sets (of ladders, where all share one data set).

References:
    Binder, Rep. Prog. Phys. 60, 487 (1997), section 2.4.
"""

from collections.abc import Sequence

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.optimize import minimize
from jaxtyping import Array, Float

from .._checks import argument_error, check_whole
from .free_energy import FreeEnergy
from .statistics import Estimate


NUM_POINTS, WINDOW = 160, 48  # of every curve, and of the common window
LARGEST_REST = 0.1  # of the squared differences, beyond which curves do not collapse


class Collapse(eqx.Module):
    """The scaling that brings the curves together.

    Attributes:
        critical_noise: $1/b_c$.
        growth: $x$.
        sharpness: $y$.
        rest: what is left of the squared differences, relative; one where nothing collapses.
        sizes: $n$.
        inverse_noise: $b$, shape (size, point).
        curves: $C/n$, likewise.

    Examples:
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with 2 n weights
        >>> draw = lambda n: np.random.default_rng(n).gamma(n, scale, size=(3, 1, 8, 500))
        >>> frees = [grokjax.FreeEnergy.of(noise, draw(n), num_samples=n) for n in (4, 16)]
        >>> found = grokjax.collapse(frees, num_bootstraps=2)
        >>> found.sizes, found.curves.shape, found.collapsed
        ((4, 16), (2, 160), False)
    """

    critical_noise: Estimate
    growth: Estimate
    sharpness: Estimate
    rest: float
    sizes: tuple[int, ...] = eqx.field(static=True)
    inverse_noise: np.ndarray
    curves: np.ndarray

    @property
    def collapsed(self) -> bool:
        """Whether curves lie on each other, with a window that shrinks with the size: else there is no transition."""
        narrows = self.sharpness.mean - 3 * self.sharpness.error > 0
        return bool(self.rest < LARGEST_REST and narrows)

    def scaled(self) -> tuple[np.ndarray, np.ndarray]:
        """Abscissa and ordinate of every curve after the scaling, shape (size, point)."""
        size = np.asarray(self.sizes, float)[:, None]
        abscissa = (self.inverse_noise * float(self.critical_noise.mean) - 1) * size ** float(self.sharpness.mean)
        return abscissa, self.curves / size ** float(self.growth.mean)

    def __repr__(self) -> str:
        verdict = "curves collapse" if self.collapsed else "no collapse"
        numbers = f"noise {self.critical_noise}, x = {self.growth}, y = {self.sharpness}"
        return f"{verdict} at {numbers} (n = {', '.join(map(str, self.sizes))}; rest {self.rest:.2g})"


def collapse(free_energies: Sequence[FreeEnergy], *, num_bootstraps: int = 200, seed: int = 0) -> Collapse:
    """Collapse the heat capacities of several sizes.

    Args:
        free_energies: of two different sizes or more.
        num_bootstraps: resamplings.
        seed: of them.

    Raises:
        ValueError: fewer than two sizes.

    Examples:
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with 2 n weights
        >>> draw = lambda n: np.random.default_rng(n).gamma(n, scale, size=(3, 1, 8, 500))
        >>> frees = [grokjax.FreeEnergy.of(noise, draw(n), num_samples=n) for n in (4, 16)]
        >>> grokjax.collapse(frees, num_bootstraps=2).collapsed  # a Gaussian has no transition
        False
    """
    sizes = [each.num_samples for each in free_energies]
    if None in sizes or len(set(sizes)) < 2 or len(set(sizes)) < len(sizes):
        raise argument_error("free_energies", "of two different known sizes or more", sizes, "Run another size.")
    check_whole("num_bootstraps", num_bootstraps, 2)
    given = sorted(free_energies, key=lambda each: each.num_samples or 0)
    rng = np.random.default_rng(seed)
    with jax.enable_x64(True):
        drawn = [_resampled(each, num_bootstraps, rng) for each in given]
        log_b = jnp.stack([jnp.asarray(np.log(points)) for points, _ in drawn])
        curves = jnp.stack([jnp.asarray(values) for _, values in drawn], axis=1)
        size = jnp.asarray([float(each.num_samples or 1) for each in given])
        found, rest = (np.asarray(each) for each in _fit(log_b, curves, size))
    spread = found[1:].std(axis=0, ddof=1)
    noise = np.exp(-found[0, 0])
    return Collapse(
        Estimate(noise, noise * spread[0]),
        Estimate(found[0, 1], spread[1]),
        Estimate(found[0, 2], spread[2]),
        float(rest[0]),
        tuple(int(n) for n in np.asarray(size)),
        np.exp(np.asarray(log_b)),
        np.asarray(curves[0]),
    )


def _resampled(free: FreeEnergy, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noises, and the curve C/n of the mean over data sets, of which the first is that of all, the others resampled."""
    b = np.geomspace(1 / free.noise_variance.max(), 1 / free.noise_variance.min(), NUM_POINTS)
    averages = free.ladder.averages(jnp.asarray(b))
    capacity = b**2 * np.asarray(averages.variance) / (free.num_samples or 1)
    whole = capacity[:, 0].mean(axis=0)
    if free.num_datasets > 1:
        pseudo = capacity[:, 0]
    else:  # pseudo-values of the jackknife stand for independent blocks
        blocks = capacity.shape[1] - 1
        pseudo = blocks * capacity[0, :1] - (blocks - 1) * capacity[0, 1:]
    picks = rng.integers(len(pseudo), size=(count, len(pseudo)))
    return b, np.concatenate([whole[None], pseudo[picks].mean(axis=1)])


@eqx.filter_jit
def _fit(log_b: Float[Array, "sizes points"], curves: Float[Array, "sets sizes points"], size: Float[Array, " sizes"]):
    first, second = np.triu_indices(len(log_b), 1)

    def rest(parameters, curves):
        log_critical, growth, sharpness = parameters
        x = (log_b - log_critical) * size[:, None] ** sharpness
        y = curves / size[:, None] ** growth

        def pair(i, j):
            low, high = jnp.maximum(x[i, 0], x[j, 0]), jnp.minimum(x[i, -1], x[j, -1])
            at = low + (high - low) * jnp.linspace(0.0, 1.0, WINDOW)
            one, other = jnp.interp(at, x[i], y[i]), jnp.interp(at, x[j], y[j])
            spread = (one - one.mean()) @ (one - one.mean()) + (other - other.mean()) @ (other - other.mean())
            return (one - other) @ (one - other) / spread, high > low

        values, overlap = jax.vmap(pair)(jnp.asarray(first), jnp.asarray(second))
        return jnp.sum(jnp.where(overlap, values, 1e3)) / len(first)

    def fit(curves):
        peak = log_b[-1, jnp.argmax(curves[-1])]
        starts = jnp.array([[0.0, 0.0, 0.5], [0.0, 0.5, 0.5], [0.0, 1.0, 1.0], [-0.1, 0.0, 0.5]])
        starts = starts.at[:, 0].add(peak)
        many = jax.lax.map(lambda start: minimize(rest, start, args=(curves,), method="BFGS"), starts)
        best = jnp.argmin(jnp.where(jnp.isfinite(many.fun), many.fun, jnp.inf))
        return many.x[best], many.fun[best]

    return jax.lax.map(fit, curves)
