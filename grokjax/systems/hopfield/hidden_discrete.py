r"""Priors on hidden units, discrete ones, and groups of them.

A discrete unit takes the levels $\tau_k$ with weights $w_k e^{-\beta U_k}$. Coupled in the standard way, one unit per
pattern, it saturates: a recalled pattern would need it to answer a field of order $\sqrt N$, so $\Phi=0$ and nothing is
recalled at any load. A *group* of $n=\alpha_h N$ copies per pattern, coupled by $1/N$, can. Its free energy per spin is
$(\alpha_h/\beta)\,\varphi(\beta m)$ with $\varphi(x)=\ln\langle e^{x\tau}\rangle$, and the groups of all other
patterns, in fields of order $N^{-1/2}$, act like Gaussian units of stiffness $1/(\alpha_h\beta\,\mathrm{var}\,\tau)$.

The slope $\varphi'(0)$ would be a random field that grows like $\sqrt N$; a local bias on the spins cancels it.

References:
    arXiv:2506.10552 (binary and ternary units); the scaling by groups and its high-load theory are derived (README).
"""

import math
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import logsumexp
from jaxtyping import Array, Float

from ..._checks import argument_error, as_scalar, check_positive, check_whole, is_concrete
from .hidden import AbstractHidden, Field, GaussianHidden, Number, Site


def _as_array(values: Any) -> Any:
    return jnp.asarray(values, jnp.result_type(float)) if values is not None else None


class DiscreteHidden(AbstractHidden):
    r"""Levels $\tau_k$ with weights $w_k$ and potentials $U_k$, coupled in the standard way.

    Attributes:
        levels: $\tau_k$.
        weights: $w_k$, summing to one; equal unless given.
        potential: $U_k$; zero unless given.

    Raises:
        ValueError: fewer than two levels, or one that is not finite; weights that are negative or do not sum to one;
            a potential that leaves no mass on any second level.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> unit = hop.DiscreteHidden([-1, 0, 2], weights=[0.25, 0.5, 0.25])
        >>> unit.levels.tolist()
        [-1.0, 0.0, 2.0]
    """

    levels: Float[Array, " levels"] = eqx.field(converter=_as_array)
    weights: Float[Array, " levels"] = eqx.field(converter=_as_array)
    potential: Float[Array, " levels"] = eqx.field(converter=_as_array)

    def __init__(self, levels: Any, weights: Any = None, potential: Any = None):
        self.levels = jnp.atleast_1d(_as_array(levels))
        self.weights = jnp.full_like(self.levels, 1 / self.levels.size) if weights is None else _as_array(weights)
        self.potential = jnp.zeros_like(self.levels) if potential is None else _as_array(potential)

    def __check_init__(self):
        shape = self.levels.shape
        if len(shape) != 1 or self.weights.shape != shape or self.potential.shape != shape:
            got = (shape, self.weights.shape, self.potential.shape)
            raise argument_error("levels", "one axis, as long as weights and potential", got, "Give one entry a level.")
        if is_concrete(self.levels):
            levels = np.asarray(self.levels)
            if not np.all(np.isfinite(levels)) or np.unique(levels).size < 2:
                raise argument_error(
                    "levels", "finite, and two or more of them distinct", levels.tolist(),
                    "Use GaussianHidden or ReLUHidden for unbounded units.",
                )  # fmt: skip
        if is_concrete(self.weights):
            weights = np.asarray(self.weights)
            if not (np.all(weights >= 0) and abs(weights.sum() - 1) < 1e-6):
                raise argument_error(
                    "weights", "non-negative with sum 1", weights.tolist(), "Divide them by their sum."
                )
        if is_concrete(self.potential) and is_concrete(self.weights):
            potential, weights = np.asarray(self.potential), np.asarray(self.weights)
            has_mass = np.isfinite(potential) & (weights > 0)
            if np.any(np.isnan(potential) | (potential == -np.inf)) or has_mass.sum() < 2:
                raise argument_error(
                    "potential", "finite on two or more levels of positive weight", potential.tolist(),
                    "At an infinite threshold the prior has no mass on the active levels.",
                )  # fmt: skip

    def log_weights(self, beta: Number) -> Float[Array, " levels"]:
        r"""$\ln w_k-\beta U_k$."""
        return jnp.where(self.weights > 0, jnp.log(self.weights), -jnp.inf) - beta * self.potential

    def condensed(self, m, beta):
        del beta
        return jnp.zeros_like(m)

    def gap(self, susceptibility, beta):
        del beta
        return jnp.ones_like(susceptibility)

    def exponent(self, field: Field, susceptibility: Number, beta: Number) -> Float[Array, "*units levels"]:
        r"""$\ln w_k-\beta U_k+\beta h\tau_k+\tfrac12\beta C\tau_k^2$."""
        along = lambda values: values.reshape((1,) * field.ndim + (-1,))
        own = self.log_weights(beta) + beta * susceptibility * self.levels**2 / 2
        return along(own) + beta * field[..., None] * along(self.levels)

    def site(self, field, susceptibility, beta):
        exponent = self.exponent(field, susceptibility, beta)
        probability = jax.nn.softmax(exponent, axis=-1)
        mean = probability @ self.levels
        return Site(logsumexp(exponent, axis=-1), mean, probability @ self.levels**2 - mean**2)

    def sample(self, key, field, beta, num_spins):
        del num_spins
        exponent = self.exponent(field, jnp.zeros_like(beta), beta)
        return self.levels[jax.random.categorical(key, exponent.astype(field.dtype))].astype(field.dtype)

    def cold_response(self):
        return jnp.full((), jnp.inf), jnp.full((), jnp.inf)


def BinaryHidden() -> DiscreteHidden:
    r"""$\tau=\pm1$: with one unit per pattern, the bipartite spin glass.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> hop.BinaryHidden().levels.tolist()
        [-1.0, 1.0]
    """
    return DiscreteHidden([-1.0, 1.0])


def BernoulliHidden() -> DiscreteHidden:
    r"""$\tau\in\{0,1\}$: half a spin and a half; the half makes a random field, cancelled in a group.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> free = jnp.asarray(0.0), jnp.asarray(0.0), jnp.asarray(2.0)  # no field, no self-coupling
        >>> float(hop.BernoulliHidden().site(*free).mean)
        0.5
    """
    return DiscreteHidden([0.0, 1.0])


def TernaryHidden(threshold: Any = 0.0) -> DiscreteHidden:
    r"""$\tau\in\{-1,0,1\}$ with $U=\theta\tau^2$: a threshold $\theta>0$ favours silence.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> free = jnp.asarray(0.0), jnp.asarray(0.0), jnp.asarray(2.0)  # no field, no self-coupling
        >>> loud, silent = (hop.TernaryHidden(threshold).site(*free) for threshold in (0.0, 2.0))
        >>> bool(silent.variance < 0.1 * loud.variance)
        True
    """
    threshold = as_scalar(threshold)
    return DiscreteHidden([-1.0, 0.0, 1.0], potential=threshold * jnp.asarray([1.0, 0.0, 1.0]))


def MultilevelHidden(num_levels: int) -> DiscreteHidden:
    """Equispaced levels in [-1, 1].

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> hop.MultilevelHidden(5).levels.tolist()
        [-1.0, -0.5, 0.0, 0.5, 1.0]
    """
    return DiscreteHidden(np.linspace(-1, 1, check_whole("num_levels", num_levels, 2, "Give two levels or more.")))


class GroupedHidden(AbstractHidden):
    r"""A group of $\alpha_h N$ copies of a discrete unit per pattern, coupled by $1/N$ and centred.

    A simulation stores the rescaled sum $N^{-1/2}\sum_a(\tau_a-\bar\tau)$ of each group, so that fields and couplings
    read like those of single units.

    Attributes:
        unit: the law of one copy.
        copies: $\alpha_h$, copies per spin.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> groups = hop.GroupedHidden(hop.BinaryHidden(), copies=4.0)
        >>> hot, cold = hop.low_load(groups, 2.1), hop.low_load(groups, 1.9)  # a transition at the root of the copies
        >>> float(hot.magnetisation), bool(cold.magnetisation > 0.1)
        (0.0, True)
    """

    unit: DiscreteHidden
    copies: Number = eqx.field(converter=as_scalar, default=1.0)

    def __check_init__(self):
        if not isinstance(self.unit, DiscreteHidden):
            raise argument_error(
                "unit", "a DiscreteHidden", type(self.unit).__name__,
                "Single continuous units recall patterns already; only bounded ones are grouped.",
            )  # fmt: skip
        check_positive("copies", self.copies)

    def _free(self, beta: Number) -> Site:
        return self.unit.site(jnp.zeros(()), jnp.zeros(()), beta)

    def _noise_unit(self, beta: Number) -> GaussianHidden:
        return GaussianHidden(stiffness=1 / (self.copies * beta * self._free(beta).variance))

    def condensed(self, m, beta):
        free = self._free(beta)
        log_partition = self.unit.site(m, jnp.zeros_like(m), beta).log_partition
        return self.copies * ((log_partition - free.log_partition) / beta - m * free.mean)

    def gap(self, susceptibility, beta):
        return self._noise_unit(beta).gap(susceptibility, beta)

    def site(self, field, susceptibility, beta):
        return self._noise_unit(beta).site(field, susceptibility, beta)

    def sample(self, key, field, beta, num_spins):
        levels = self.unit.levels.astype(field.dtype)
        exponent = self.unit.exponent(field / math.sqrt(num_spins), jnp.zeros_like(beta), beta)
        probability = jax.nn.softmax(exponent.astype(field.dtype), axis=-1)
        copies = jnp.round(self.copies * num_spins).astype(field.dtype)
        counts = jax.random.multinomial(key, jnp.broadcast_to(copies, field.shape), probability, dtype=field.dtype)
        mean = self._free(beta).mean.astype(field.dtype)
        return (counts @ levels - copies * mean) / math.sqrt(num_spins)

    def cold_response(self):
        raise argument_error(
            "temperature", "above zero for grouped units", 0.0,
            "Their noise diverges (binary) or vanishes (with a threshold) in the limit.",
        )  # fmt: skip
