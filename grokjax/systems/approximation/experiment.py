r"""The road of experiment: construct a family, count its weights, measure its errors, fit its exponents.

Nothing is trained or drawn. For each size the network is built, its sup-norm error is looked for in every transition
zone, and $\log$ error is regressed on $\log W$ by ordinary least squares. The error of a slope is its standard error,
its interval that of Student's t. A fit in $NM$ beside it separates the rate from the overhead of small networks.

References:
    arXiv:1906.09477.
"""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from ..._checks import argument_error, check_choice, check_instance, check_whole
from ...driver import evaluate
from ...evidence.power_law import power_law
from ...evidence.statistics import Estimate
from ...experiment import AbstractEvaluation
from ...parameters import map_parameters, sweep_shape, with_sizes
from ...results import Run
from . import families, targets
from .constructions import interpolant, sup_error, two_scale
from .order_parameters import OrderParameters
from .system import Approximation


class Families(AbstractEvaluation):
    """A family of networks for each point of a sweep.

    Attributes:
        sizes: coarse cells N of each network (cells $2^m$ of the periodic one); by default six powers of two.
        construction: name, or `"auto"` for the one that belongs to the system.
        num_seeds: functions with a random part are measured on so many draws, and errors averaged geometrically.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> families = ap.Families(sizes=(8, 16, 32), construction="interpolant")
        >>> families.evaluate(ap.Approximation()).num_weights.tolist()  # 3N + 1
        [25.0, 49.0, 97.0]
    """

    sizes: tuple[int, ...] | None = eqx.field(static=True, default=None)
    construction: str = eqx.field(static=True, default="auto")
    num_seeds: int = eqx.field(static=True, default=1)

    def __check_init__(self):
        check_choice("construction", self.construction, ("auto", *families.CONSTRUCTIONS))
        check_whole("num_seeds", self.num_seeds)
        if self.sizes is not None:
            for size in self.sizes:
                check_whole("sizes", size, 2, "Sizes are whole numbers of cells.")
            if len(set(self.sizes)) < 3:
                raise argument_error("sizes", "at least three different ones", self.sizes, "A slope needs an error.")

    def evaluate(self, system: Approximation) -> OrderParameters:
        """Exponents, errors and counts; leaves have the shape of the sweep first."""
        shape = sweep_shape(system)
        points = [
            map_parameters(lambda leaf, i=index: np.broadcast_to(np.asarray(leaf), shape)[i], system)
            for index in np.ndindex(shape)
        ]
        found = [self._family(with_sizes(point)) for point in points]
        lengths = {len(each.errors) for each in found}
        if len(lengths) > 1:
            raise argument_error("sizes", "equally many at every point of a sweep", sorted(lengths), "Give sizes.")
        stack = lambda *leaves: np.stack(leaves).reshape(shape + np.shape(leaves[0]))
        return jax.tree.map(stack, *found) if shape else found[0]

    def _family(self, system: Approximation) -> OrderParameters:
        """One point of a sweep."""
        order, alpha = float(system.order), float(system.depth_exponent)
        dim = int(system.dim)
        name = self.construction
        if name == "auto":
            name = families.choose(order, dim, alpha, system.activation)
        sizes = self.sizes or families.default_sizes(name, order, dim, alpha, system.weight_bits)
        options = {"order": order, "dim": dim, "depth_exponent": alpha, "activation": system.activation}
        seeds = self.num_seeds if isinstance(system.target, str) else 1
        networks, errors = [], np.empty((seeds, len(sizes)))
        for seed in range(seeds):
            f = (
                targets.target(system.target, order, dim, seed=seed)
                if isinstance(system.target, str)
                else system.target
            )
            for index, size in enumerate(sizes):
                network = families.build(name, f, size, bits=system.weight_bits, **options)
                errors[seed, index] = sup_error(network, f)
                networks += [network] if seed == 0 else []
        return _exponents(networks, np.exp(np.log(errors).mean(axis=0)))


def simulate(
    system: Approximation, *, sizes: Sequence[int] | None = None, construction: str = "auto", num_seeds: int = 1
) -> Run:
    """Build a family, measure its errors and fit its exponents; no key, because nothing is random.

    Args:
        system: what is approximated; parameters that are arrays make a sweep.
        sizes: coarse cells N of each network; six powers of two unless given.
        construction: name of a construction, or `"auto"`.
        num_seeds: draws of a target with a random part.

    Returns:
        A run with `rate` and `depth_exponent` (estimates), `resolution_rate`, `errors`, `num_weights`, `depths`.

    Raises:
        ValueError: nothing is built for such a system, too few sizes, or a target of wrong shape or not finite.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> run = ap.simulate(ap.Approximation(target="kink"), sizes=[8, 16, 32])
        >>> run.num_weights.tolist(), run.depths.tolist()
        ([127.0, 195.0, 325.0], [15.0, 18.0, 24.0])
        >>> round(float(run.growing_rate.mean), 1)  # tends to the 2 of theory
        1.9
    """
    check_instance("system", system, Approximation)
    if sizes is not None and not isinstance(sizes, Sequence | np.ndarray):
        raise argument_error("sizes", "three or more numbers", sizes, "Try [4, 8, 16].")
    sizes = None if sizes is None else tuple(check_whole("sizes", size, 2) for size in sizes)
    return evaluate(system, Families(sizes, construction, num_seeds))


def _exponents(networks: list[Any], errors: np.ndarray) -> OrderParameters:
    weights, growing, depths, resolutions = (
        np.array([read(network) for network in networks], float)
        for read in (lambda n: n.num_weights, lambda n: n.num_growing, lambda n: n.depth, families.resolution)
    )
    exponent = lambda sizes, values: power_law(sizes, values).exponent
    falls = lambda sizes: exponent(sizes, 1 / errors)
    rate = falls(weights)
    reach = student_quantile(len(errors) - 2) * rate.error
    return OrderParameters(
        rate=rate,
        depth_exponent=exponent(weights, depths),
        growing_rate=falls(growing),
        resolution_rate=falls(resolutions),
        rate_interval=np.array([rate.mean - reach, rate.mean + reach]),
        errors=errors,
        num_weights=weights,
        depths=depths,
        resolutions=resolutions,
    )


def student_quantile(freedom: int, probability: float = 0.95) -> float:
    """The t with $P(|t| < t) =$ `probability`, by bisection of the incomplete beta function.

    Args:
        freedom: degrees of freedom.
        probability: of the central interval.
    """
    lower, upper = 0.0, 1e3
    for _ in range(60):
        middle = (lower + upper) / 2
        outside = float(jax.scipy.special.betainc(freedom / 2, 0.5, freedom / (freedom + middle**2)))
        lower, upper = (middle, upper) if outside > 1 - probability else (lower, middle)
    return (lower + upper) / 2


class Capacity(eqx.Module):
    """Least networks that tell all sign patterns of K bumps apart: the experimental face of the VC dimension.

    Attributes:
        num_bumps: $K$.
        num_weights: least W with an error of at most half the height of a bump.
        num_growing: the part of these weights that grows like a size.
        exponent: of W in K; 1/2 for two-scale networks, 1 for shallow ones.
        growing_exponent: of that part; the logarithms beside it flatten the other at small K.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> found = ap.capacity([32, 128, 512])
        >>> found.num_growing.tolist()  # four times the bumps, twice the weights
        [152, 304, 608]
    """

    num_bumps: np.ndarray
    num_weights: np.ndarray
    num_growing: np.ndarray
    exponent: Estimate
    growing_exponent: Estimate


def capacity(num_bumps: Sequence[int], construction: str = "two_scale", *, seed: int = 0) -> Capacity:
    """Least W for K bumps of random signs, width 1/K and height 1/(2K).

    Args:
        num_bumps: values of $K$, at least three.
        construction: `"two_scale"` or `"interpolant"`.
        seed: of the signs.

    Raises:
        ValueError: another construction.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> names = ("two_scale", "interpolant")
        >>> [round(float(ap.capacity([32, 128, 512], name).growing_exponent.mean), 2) for name in names]
        [0.5, 1.0]
    """
    check_choice("construction", construction, ("two_scale", "interpolant"))
    least = [_least_weights(check_whole("num_bumps", count, 2), construction, seed) for count in num_bumps]
    weights, growing = (np.array(column) for column in zip(*least, strict=True))
    exponents = (power_law(num_bumps, values).exponent for values in (weights, growing))
    return Capacity(np.asarray(num_bumps), weights, growing, *exponents)


def _least_weights(count: int, construction: str, seed: int) -> tuple[int, int]:
    """Least W, and its growing part, over all M and a few powers of two N around $6N = 14M$, $NM = 2K$."""
    f = targets.bumps(count, seed=seed)
    middle = round(np.log2(np.sqrt(2 * count * 14 / 6)))
    if construction == "interpolant":
        builders = [lambda size: interpolant(f, size)]
    else:
        coarse = [2**k for k in range(max(1, middle - 1), middle + 2)]
        builders = [lambda size, n=n: two_scale(f, n, size, backend="exact") for n in coarse]
    least = []
    for grow in builders:
        good = lambda size, grow=grow: sup_error(grow(size), f, num_uniform=0) <= 1 / (4 * count)
        lower, upper = 1, 2
        while not good(upper):
            lower, upper = upper, 2 * upper
        while upper - lower > 1:
            half = (lower + upper) // 2
            lower, upper = (lower, half) if good(half) else (half, upper)
        network = grow(upper)
        least.append((network.num_weights, network.num_growing))
    return min(least)


class Grid(eqx.Module):
    """Networks of many shapes.

    Attributes:
        num_weights: $W$, shape (network,).
        depths: $L$.
        errors: sup-norm errors.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> found = ap.grid(ap.Approximation(), coarse=[4, 8], fine=[2, 4])
        >>> float(found.best(max_weights=200, max_depth=30)) < float(found.best(max_weights=200, max_depth=2))
        True
    """

    num_weights: np.ndarray
    depths: np.ndarray
    errors: np.ndarray

    def best(self, max_weights: Any, max_depth: Any) -> np.ndarray:
        """Least error of a network within a budget; nan if there is none.

        Args:
            max_weights: largest $W$.
            max_depth: largest $L$, of the same shape.
        """
        weights, depth = np.broadcast_arrays(max_weights, max_depth)
        fits = (self.num_weights <= weights[..., None]) & (self.depths <= depth[..., None])
        least = np.where(fits, self.errors, np.inf).min(axis=-1)
        return np.where(np.isfinite(least), least, np.nan)


def grid(system: Approximation, coarse: Sequence[int], fine: Sequence[int]) -> Grid:
    """Two-scale networks of all shapes N x M, and the interpolants of N cells, on one function of $r\\le1$.

    Args:
        system: a single point; its depth exponent has no part in it.
        coarse: values of N.
        fine: values of M.

    Raises:
        ValueError: an order above 1.

    Examples:
        >>> from grokjax.systems import approximation as ap
        >>> found = ap.grid(ap.Approximation(), coarse=[4, 8], fine=[2, 4])
        >>> found.depths.tolist()  # two interpolants, four networks of digits
        [2.0, 2.0, 12.0, 18.0, 12.0, 18.0]
    """
    if float(system.order) > 1:
        raise argument_error("order", "at most 1", float(system.order), "Only first-order digits are mapped.")
    f = system.target if callable(system.target) else targets.target(system.target, float(system.order))
    networks = [interpolant(f, size) for size in coarse]
    networks += [two_scale(f, size, digits, backend="exact") for size in coarse for digits in fine]
    columns = [(network.num_weights, network.depth, sup_error(network, f)) for network in networks]
    return Grid(*(np.array(column, float) for column in zip(*columns, strict=True)))
