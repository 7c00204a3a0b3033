r"""The critical training fraction: when does a random training set fix a unique linear structure?

Samples are revealed in random order; the *first unique size* $n^*$ is the number revealed when $n_0$ falls to its
final value. A larger training set implies more, so one order gives the verdict at all sizes,
$P(n_0 = 2\,|\,n) = P(n^*\le n)$, and the critical fraction is the median of $n^*$ over the number of samples. Each
$n^*$ is found by bisection, all of them in one compiled call.

For many symbols the last obstruction is an isolated symbol, as in the coupon collector's problem, and
$r_c\simeq(\ln p + \mathrm{const})/p$.

References:
    arXiv:2205.10343, section 4.1, Fig. 4a (10 symbols); the dependence on $p$ goes beyond the paper.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, Key, Scalar

from ..._checks import argument_error, check_choice, check_whole, check_x64
from ...theory.roots import bisect, narrow
from .exact_counts import exact_unique_counts
from .parallelograms import nullity
from .tasks import AbstractSumTask, Addition, check_sum_task


METHODS = ("monte_carlo", "exact", "isolated_symbol")


def critical_fraction(
    num_symbols: int = 10,
    *,
    key: Key[Array, ""] | None = None,
    num_orders: int = 4000,
    method: str = "monte_carlo",
) -> float:
    r"""$r_c$ of addition: the training fraction where the linear structure is unique with probability 1/2.

    Between whole sizes the probability is interpolated linearly.

    Args:
        num_symbols: $p$.
        key: random key of the Monte Carlo estimate; fixed unless given.
        num_orders: random orders of the samples; the error of $r_c$ falls as their inverse root, about 0.001 at
            10 symbols and 4000 orders.
        method: "monte_carlo"; "exact" by enumeration, up to 10 symbols; "isolated_symbol" by the estimate for many
            symbols (10 % low at 10, within about 1 % from 30).

    Raises:
        ValueError: x64 is off, fewer than 3 symbols, too many for "exact", or an unknown method.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> bool(0 < rep.critical_fraction(num_symbols=6, num_orders=200) < 1)
        True
    """
    check_x64("the critical fraction")
    check_choice("method", method, METHODS)
    task = Addition(num_symbols)
    if method == "isolated_symbol":
        partners = _partners(task)
        return float(bisect(lambda fraction: _none_isolated(partners, fraction) < 0.5, 0.0, 1.0))
    if method == "exact":
        probability = exact_unique_probability(num_symbols)
    else:
        first = first_unique_sizes(jax.random.key(0) if key is None else key, task, num_orders=num_orders)
        probability = unique_probability(first, task.num_samples)
    above = int(np.argmax(probability >= 0.5))
    low, high = probability[above - 1], probability[above]
    return float(above - 1 + (0.5 - low) / (high - low)) / task.num_samples


def first_unique_sizes(key: Key[Array, ""], task: AbstractSumTask, *, num_orders: int) -> Int[np.ndarray, " orders"]:
    """$n^*$ for independent random orders of the samples.

    Raises:
        ValueError: x64 is off, the operation is not a sum, or `num_orders` is not a whole number above zero.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> first = rep.first_unique_sizes(jax.random.key(0), rep.Addition(6), num_orders=200)
        >>> first.shape, bool(first.max() <= rep.Addition(6).num_samples)
        ((200,), True)
    """
    check_x64("the critical fraction")
    check_sum_task(task)
    keys = jax.random.split(key, check_whole("num_orders", num_orders))
    return np.asarray(_first_unique_sizes(keys, task))


def unique_probability(first_sizes: Int[np.ndarray, " orders"], num_samples: int) -> Float[np.ndarray, " sizes"]:
    """$P(n_0 = 2)$ at training sizes $0, 1, \\dots, N$ from random orders; binomial errors at each size.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> first = rep.first_unique_sizes(jax.random.key(0), rep.Addition(6), num_orders=200)
        >>> probability = rep.unique_probability(first, rep.Addition(6).num_samples)
        >>> len(probability), float(probability[0]), round(float(probability[-1]), 6)
        (22, 0.0, 1.0)
    """
    return np.cumsum(np.bincount(first_sizes, minlength=num_samples + 1)) / len(first_sizes)


def exact_unique_probability(num_symbols: int) -> Float[np.ndarray, " sizes"]:
    """$P(n_0 = 2)$ of addition at training sizes $0, 1, \\dots, N$, from exact counts (up to 10 symbols).

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> rep.exact_unique_probability(3).round(2).tolist()
        [0.0, 0.0, 0.07, 0.2, 0.4, 0.67, 1.0]
    """
    counts = exact_unique_counts(num_symbols)
    return np.array([count / math.comb(len(counts) - 1, size) for size, count in enumerate(counts)])


def isolated_symbol_estimate(num_symbols: int, fraction: float) -> float:
    r"""$P(n_0=2)\approx\exp(-\sum_k\pi_k)$, with $\pi_k$ the probability that no equation holds symbol $k$.

    $$ \pi_k = \prod_{j=0}^{p-1}\left[1 - r\,\left(1 - (1-r)^{k_{k+j}-1}\right)\right], $$

    where $k_s$ is the size of class $s$: sample $(k, j)$ is drawn and has a partner in its class, independently for
    each $j$ as the classes differ.

    Examples:
        >>> from grokjax.systems import representation as rep
        >>> [round(rep.isolated_symbol_estimate(10, fraction), 3) for fraction in (0.0, 1.0)]
        [0.0, 1.0]
    """
    task = Addition(num_symbols)
    if not 0 <= fraction <= 1:
        raise argument_error("fraction", "between 0 and 1", fraction, "It is the training fraction.")
    return float(_none_isolated(_partners(task), fraction))


def _partners(task: Addition) -> Int[np.ndarray, "symbols symbols"]:
    """Other samples in the class of each pair of symbols."""
    symbols = np.arange(task.num_symbols)
    return np.bincount(task.labels)[symbols[:, None] + symbols[None, :]] - 1


def _none_isolated(partners: Int[np.ndarray, "symbols symbols"], fraction: Scalar | float) -> Scalar:
    isolated = jnp.prod(1 - fraction * (1 - (1 - fraction) ** partners), axis=1)
    return jnp.exp(-isolated.sum())


@eqx.filter_jit
def _first_unique_sizes(keys, task):
    size = task.num_samples

    def first(key):
        rank = jax.random.permutation(key, size)
        unique = lambda revealed: nullity(task, rank < revealed) <= task.ground_nullity
        smallest, _ = narrow(unique, size, 0, math.ceil(math.log2(size)))
        return smallest

    return jax.lax.map(first, keys, batch_size=64)
