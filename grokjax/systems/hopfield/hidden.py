r"""Priors on hidden units, continuous ones: what a prior has to offer, and the members of the Gaussian family.

A prior enters the theory twice and the simulation once. The unit of the recalled pattern feels a field of order
$\sqrt N$ and only answers through its tail: the *condensed response* $\Phi(m)$. The units of all other patterns are
noise, one-unit problems in a Gaussian field with a self-coupling $C=\beta(1-q)$ from the visible layer: the *site*

$$ Z(h) = \int d\nu(\tau)\,\exp\beta\big[h\tau + \tfrac12 C\tau^2 - U(\tau)\big] . $$

Sampling needs the same law at $C=0$.

| symbol | name | symbol | name |
|---|---|---|---|
| $\lambda$ | `stiffness` | $\Delta=\lambda-C$ | `gap` |
| $\eta$ | `bias` | $\theta$ | `threshold` |
| $\Omega$ | `gaussian_fraction` | $\varrho$ | `cold_response` |

References:
    arXiv:2506.10552 (priors on hidden units); Gauss-binary mixtures: Barra et al., arXiv:1702.05882.
"""

import abc
import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jax.scipy.special import log_ndtr, ndtr
from jaxtyping import Array, Float, Key

from ..._checks import argument_error, as_scalar, check_at_least, check_finite, check_positive, is_concrete
from ..._printing import AbstractPrinted
from ..._tree import drawn_flat, standard_normal
from ...parameters import Number
from .half_line import half_line_moments, sample_half_line


Field = Float[Array, "*units"]
SMALLEST_GAP = 1e-12


class Site(eqx.Module):
    """One hidden unit in a field: $\\ln Z$, $\\langle\\tau\\rangle$ and the variance of $\\tau$.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> field, coupling, beta = jnp.asarray(0.0), jnp.asarray(0.0), jnp.asarray(2.0)
        >>> site = hop.BinaryHidden().site(field, coupling, beta)
        >>> float(site.mean), float(site.variance)
        (0.0, 1.0)
    """

    log_partition: Array
    mean: Array
    variance: Array


class AbstractHidden(AbstractPrinted):
    """A prior on hidden units; subclass it (finally) to bring your own.

    The Gibbs weight is $e^{-\\beta H}$ with the hidden potential inside of $H$, so $\\beta$ multiplies everything.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> class Shifted(hop.AbstractHidden):
        ...     unit: hop.DiscreteHidden
        ...     def condensed(self, m, beta): return self.unit.condensed(m, beta)
        ...     def gap(self, susceptibility, beta): return self.unit.gap(susceptibility, beta)
        ...     def site(self, field, susceptibility, beta): return self.unit.site(field + 1, susceptibility, beta)
        ...     def sample(self, key, field, beta, num_spins): return self.unit.sample(key, field + 1, beta, num_spins)
        ...     def cold_response(self): return self.unit.cold_response()
        >>> field, coupling, beta = jnp.asarray(0.0), jnp.asarray(0.0), jnp.asarray(2.0)
        >>> bool(Shifted(hop.BinaryHidden()).site(field, coupling, beta).mean > 0.9)
        True
    """

    @abc.abstractmethod
    def condensed(self, m: Number, beta: Number) -> Number:
        r"""$\Phi(m)$, free energy gained by the unit of a pattern recalled with magnetisation $m$."""

    @abc.abstractmethod
    def gap(self, susceptibility: Number, beta: Number) -> Number:
        r"""$\Delta(C)$; the site integral exists while it is positive. One for bounded units."""

    @abc.abstractmethod
    def site(self, field: Field, susceptibility: Number, beta: Number) -> Site:
        r"""The one-unit problem in the field $h$ with self-coupling $C$."""

    @abc.abstractmethod
    def sample(self, key: Key[Array, ""], field: Field, beta: Number, num_spins: int) -> Field:
        """A draw of each unit given its field; `num_spins` matters to grouped units only."""

    @abc.abstractmethod
    def cold_response(self) -> tuple[Number, Number]:
        r"""$\varrho=\int Dz\,S(z)^2$ and $\int Dz\,S'(z)$ of the answer $\langle\tau\rangle\to S(h)/\Delta$ at $T=0$.

        The noise is infinite if no pattern can be recalled.

        Raises:
            ValueError: the prior has no such law.
        """


def _positive(gap: Number) -> Number:
    return jnp.maximum(gap, SMALLEST_GAP)


class AbstractBoundHidden(AbstractHidden):
    r"""Units in the potential $\lambda\tau^2/2$ and what a subclass adds, free in both tails unless it cuts one off.

    Attributes:
        stiffness: $\lambda$.
    """

    stiffness: eqx.AbstractVar[Number]

    def __check_init__(self):
        check_positive("stiffness", self.stiffness, "The quadratic part of the potential binds the unit.")

    def condensed(self, m, beta):
        del beta
        return m * m / (2 * self.stiffness)

    def gap(self, susceptibility, beta):
        del beta
        return self.stiffness - susceptibility

    def _width_term(self, gap: Number) -> Number:
        """What the self-coupling adds to the log partition function of a Gaussian by widening it."""
        return -jnp.log(gap / self.stiffness) / 2


class GaussianHidden(AbstractBoundHidden):
    r"""$U=\lambda\tau^2/2-\eta\tau$ on the real line: the Hopfield model with its self-interaction.

    Attributes:
        stiffness: $\lambda$.
        bias: $\eta$; anything but zero makes a random field on the spins.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> round(float(hop.capacity(hop.GaussianHidden(), 0.0).spinodal), 3)  # of the Hopfield model
        0.138
    """

    stiffness: Number = eqx.field(converter=as_scalar, default=1.0)
    bias: Number = eqx.field(converter=as_scalar, default=0.0)

    def __check_init__(self):
        check_finite("bias", self.bias)

    def site(self, field, susceptibility, beta):
        gap = _positive(self.gap(susceptibility, beta))
        field = field + self.bias
        squares = field * field / gap - self.bias**2 / self.stiffness
        return Site(
            self._width_term(gap) + beta * squares / 2, field / gap, jnp.broadcast_to(1 / (beta * gap), field.shape)
        )

    def sample(self, key, field, beta, num_spins):
        del num_spins
        noise = standard_normal(key, field.shape, field.dtype)
        return (field + self.bias) / self.stiffness + noise / jnp.sqrt(beta * self.stiffness)

    def cold_response(self):
        return 1 + self.bias**2, jnp.ones_like(self.bias)


class ReLUHidden(AbstractBoundHidden):
    r"""$U=\lambda\tau^2/2-\eta\tau$ on $\tau\ge 0$: a rectified unit with the threshold $-\eta$.

    Attributes:
        bias: $\eta$.
        stiffness: $\lambda$.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> bool(hop.capacity(hop.ReLUHidden(-0.5), 0.0).spinodal > hop.capacity(hop.GaussianHidden(), 0.0).spinodal)
        True
    """

    bias: Number = eqx.field(converter=as_scalar, default=0.0)
    stiffness: Number = eqx.field(converter=as_scalar, default=1.0)

    def __check_init__(self):
        check_finite("bias", self.bias, "At an infinite threshold the unit never fires: the prior has no mass there.")

    def condensed(self, m, beta):
        del beta
        return jnp.maximum(m, 0) ** 2 / (2 * self.stiffness)

    def site(self, field, susceptibility, beta):
        gap = _positive(self.gap(susceptibility, beta))
        half = _half_line_site(field + self.bias, gap, beta)
        return Site(half.log_partition + self._width_term(gap) + math.log(2), half.mean, half.variance)

    def sample(self, key, field, beta, num_spins):
        del num_spins
        return _sample_half_line_unit(key, field + self.bias, self.stiffness, beta)

    def cold_response(self):
        return _half_line_cold_response(self.bias)


class SoftThresholdHidden(AbstractBoundHidden):
    r"""$U=\lambda\tau^2/2+\theta|\tau|$: silent below a threshold on either side, a symmetric pair of rectified units.

    Attributes:
        threshold: $\theta\ge 0$.
        stiffness: $\lambda$.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> soft, plain = hop.SoftThresholdHidden(0.6), hop.SoftThresholdHidden(0.0)
        >>> bool(hop.capacity(soft, 0.0).spinodal > hop.capacity(plain, 0.0).spinodal)
        True
    """

    threshold: Number = eqx.field(converter=as_scalar, default=0.0)
    stiffness: Number = eqx.field(converter=as_scalar, default=1.0)

    def __check_init__(self):
        check_at_least("threshold", self.threshold, 0, "A finite threshold; beyond all bounds the prior has no mass.")

    def site(self, field, susceptibility, beta):
        gap = _positive(self.gap(susceptibility, beta))
        up, down = (_half_line_site(sign * field - self.threshold, gap, beta) for sign in (1, -1))
        weight = jax.nn.sigmoid(up.log_partition - down.log_partition)
        mean = weight * up.mean - (1 - weight) * down.mean
        within = weight * up.variance + (1 - weight) * down.variance
        between = weight * (1 - weight) * (up.mean + down.mean) ** 2
        reference = math.log(2) + _half_line_site(-self.threshold, self.stiffness, beta).log_partition
        log_partition = jnp.logaddexp(up.log_partition, down.log_partition) + self._width_term(gap) - reference
        return Site(log_partition, mean, within + between)

    def sample(self, key, field, beta, num_spins):
        del num_spins
        side_key, size_key = jax.random.split(key)
        up, down = (_half_line_site(sign * field - self.threshold, self.stiffness, beta) for sign in (1, -1))
        weight = jax.nn.sigmoid(up.log_partition - down.log_partition)
        sign = jnp.where(drawn_flat(jax.random.uniform, side_key, field.shape, field.dtype) < weight, 1, -1)
        return sign * _sample_half_line_unit(size_key, sign * field - self.threshold, self.stiffness, beta)

    def cold_response(self):
        noise, response = _half_line_cold_response(-self.threshold)
        return 2 * noise, 2 * response


class GaussBinaryHidden(AbstractHidden):
    r"""Between Hopfield and binary: $t=\sqrt\beta\tau$ from $\frac12N(c,\Omega)+\frac12N(-c,\Omega)$, $c^2=1-\Omega$.

    This prior does not depend on the temperature and couples through $\sqrt\beta$, the convention of the literature on
    mixtures: its binary end $\Omega=0$ has the glass temperature $\sqrt\alpha$ where `BinaryHidden` has $\alpha^{1/4}$.

    Attributes:
        gaussian_fraction: $\Omega$ in [0, 1]; 1 is the Hopfield model.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> field, coupling, beta = jnp.asarray(0.5), jnp.asarray(0.0), jnp.asarray(2.0)
        >>> site = hop.GaussBinaryHidden(1.0).site(field, coupling, beta)  # a Gaussian unit
        >>> round(float(site.mean), 6), round(float(site.variance), 6)
        (0.5, 0.5)
    """

    gaussian_fraction: Number = eqx.field(converter=as_scalar)

    def __check_init__(self):
        check_at_least("gaussian_fraction", self.gaussian_fraction, 0, "Give a number in [0, 1].")
        if is_concrete(self.gaussian_fraction) and bool(jnp.any(self.gaussian_fraction > 1)):
            raise argument_error("gaussian_fraction", "at most 1", self.gaussian_fraction, "Give a number in [0, 1].")

    @property
    def _centre(self) -> Number:
        return jnp.sqrt(1 - self.gaussian_fraction)

    def condensed(self, m, beta):
        del beta
        return self.gaussian_fraction * m * m / 2

    def gap(self, susceptibility, beta):
        del beta
        return 1 - self.gaussian_fraction * susceptibility

    def site(self, field, susceptibility, beta):
        omega, c, delta = self.gaussian_fraction, self._centre, _positive(self.gap(susceptibility, beta))
        y = jnp.sqrt(beta) * field
        tanh = jnp.tanh(c * y / delta)
        log_cosh = jnp.logaddexp(c * y / delta, -c * y / delta) - math.log(2)
        log_partition = (omega * y * y + c * c * susceptibility) / (2 * delta) + log_cosh - jnp.log(delta) / 2
        variance = omega / delta + (c / delta) ** 2 * (1 - tanh * tanh)
        return Site(log_partition, (omega * y + c * tanh) / (delta * jnp.sqrt(beta)), variance / beta)

    def sample(self, key, field, beta, num_spins):
        del num_spins
        side_key, noise_key = jax.random.split(key)
        omega, c, y = self.gaussian_fraction, self._centre, jnp.sqrt(beta) * field
        up = drawn_flat(jax.random.uniform, side_key, field.shape, field.dtype) < jax.nn.sigmoid(2 * c * y)
        noise = standard_normal(noise_key, field.shape, field.dtype)
        return (jnp.where(up, c, -c) + omega * y + jnp.sqrt(omega) * noise) / jnp.sqrt(beta)

    def cold_response(self):
        noise = jnp.where(self.gaussian_fraction > 0, 1.0, jnp.inf)
        return noise, noise


def _half_line_site(field: Field, stiffness: Number, beta: Number) -> Site:
    r"""A unit on the positive half-line: $\ln Z=t^2/2+\ln\Phi_N(t)$, $t=h\sqrt{\beta/\lambda}$, up to a constant."""
    t, scale = field * jnp.sqrt(beta / stiffness), 1 / jnp.sqrt(beta * stiffness)
    mean, variance = half_line_moments(t)
    return Site(t * t / 2 + log_ndtr(t), scale * mean, scale**2 * variance)


def _sample_half_line_unit(key: Key[Array, ""], field: Field, stiffness: Number, beta: Number) -> Field:
    """A draw of that unit."""
    return sample_half_line(key, field * jnp.sqrt(beta / stiffness)) / jnp.sqrt(beta * stiffness)


def _half_line_cold_response(bias: Number) -> tuple[Number, Number]:
    """`cold_response` of that unit."""
    density = jnp.exp(-bias * bias / 2) / math.sqrt(2 * math.pi)
    return (1 + bias**2) * ndtr(bias) + bias * density, ndtr(bias)
