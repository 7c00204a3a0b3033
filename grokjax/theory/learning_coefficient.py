r"""Learning coefficients that are known: what a measured one is compared with.

Near a minimum of a sum $S$ of squares $\log Z(b)=-\lambda\log b+(m-1)\log\log b+O(1)$, so that $b\langle S\rangle$
tends to $\lambda$. A regular minimum in $D$ dimensions has $\lambda=D/2$, $m=1$.

References:
    Aoyagi & Watanabe, Neural Networks 18, 924 (2005) (reduced rank); Watanabe, Algebraic Geometry and Statistical
    Learning Theory (2009), for monomials.
"""

from collections.abc import Sequence

from .._checks import argument_error, check_whole


def reduced_rank(num_inputs: int, num_outputs: int, num_hidden: int, rank: int) -> tuple[float, int]:
    r"""$(\lambda,m)$ of a two-layer linear network $BA$ whose truth has a given rank.

    Args:
        num_inputs: $M$.
        num_outputs: $N$.
        num_hidden: $H$.
        rank: $r$, from 0 to the smallest of the three.

    Raises:
        ValueError: a size is no whole number, or the rank is too large.

    Examples:
        >>> from grokjax.theory import learning_coefficient
        >>> learning_coefficient.reduced_rank(1, 1, 1, rank=0)  # (b a)**2: two lines that cross
        (0.5, 2)
        >>> learning_coefficient.reduced_rank(5, 5, 2, rank=2)  # regular: half of 2 (5 + 5) - 2**2
        (8.0, 1)
    """
    m, n, h = (
        check_whole(name, size)
        for name, size in (("num_inputs", num_inputs), ("num_outputs", num_outputs), ("num_hidden", num_hidden))
    )
    r = check_whole("rank", rank, 0)
    if r > min(m, n, h):
        raise argument_error("rank", f"at most {min(m, n, h)}", rank, "The truth has to be within the model.")
    if n + r <= m + h and m + r <= n + h and h + r <= m + n:
        whole = 2 * (h + r) * (m + n) + 2 * m * n - (h + r) ** 2 - m**2 - n**2
        odd = (m + n + h + r) % 2
        return (whole + odd) / 8, 1 + odd
    if m + h < n + r:
        return (h * m - h * r + n * r) / 2, 1
    if n + h < m + r:
        return (h * n - h * r + m * r) / 2, 1
    return m * n / 2, 1


def monomial(powers: Sequence[int]) -> tuple[float, int]:
    r"""$(\lambda,m)$ of $S=\prod_iw_i^{2k_i}$ with a density above zero at the origin.

    Args:
        powers: $k_i\ge1$.

    Raises:
        ValueError: no power, or one that is no whole number.

    Examples:
        >>> from grokjax.theory import learning_coefficient
        >>> learning_coefficient.monomial([2, 1])  # loss (x**2 y)**2: zeros of order 4 and 2
        (0.25, 1)
    """
    if not len(powers):
        raise argument_error("powers", "one or more", powers, "Try [1].")
    largest = max(check_whole("powers", k) for k in powers)
    return 1 / (2 * largest), sum(k == largest for k in powers)
