r"""Averages over the visible layer: spins in a signal and a Gaussian field, at any temperature.

A spin of a state that recalls $L$ patterns equally well feels $\hat m S + s z$, where $S$ sums $L$ fair signs and
$z\sim N(0,1)$, and a local bias $g$ if there is one. Both signs of $S$ come together, so $g$ counts with either sign
beside $|S|$:

$$ m = \Big\langle\frac SL\int Dz\,\tanh\beta(\hat mS+sz)\Big\rangle_S,\qquad
   q = \Big\langle\int Dz\,\tanh^2\beta(\hat mS+sz)\Big\rangle_S . $$

At low temperature $\tanh\beta u$ is nearly a sign and plain Gauss-Hermite quadrature fails (in the third digit at
$\beta=50$). For $\beta s\ge 0.6$ the sign is therefore integrated exactly, and quadrature sees the smooth remainder
$1-\tanh u$, which lives on $0\le u\lesssim 20$ whatever the temperature.
"""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erf
from jaxtyping import Array, Float

from ...theory.gaussian import gauss_legendre_panels


Number = Float[Array, ""]
SPLIT = 0.6
_EDGES = np.array([0.0, 1.5, 4.0, 9.0, 20.0])
_HERMITE_NODES, _HERMITE_WEIGHTS = np.polynomial.hermite_e.hermegauss(128)  # as many nodes as the split rule
_HERMITE_WEIGHTS = _HERMITE_WEIGHTS / math.sqrt(2 * math.pi)


class SpinAverages(eqx.Module):
    r"""Averages of $\tanh$, $\tanh^2$, $\mathrm{sech}^4$ and $\ln 2\cosh$ of $\beta(h+sz)$."""

    tanh: Number
    tanh_squared: Number
    sech_fourth: Number
    log_cosh: Number


class VisibleLayer(eqx.Module):
    r"""What the visible layer answers to a signal and a noise.

    Attributes:
        magnetisation: $m$.
        overlap: $q$.
        fourth: $\langle\mathrm{sech}^4\rangle$, of the stability against replica-symmetry breaking.
        log_cosh: $\langle\ln 2\cosh\rangle$, of the free energy.
        asymmetry: $R=\langle(S^2-L)\tanh^2\rangle/(L(L-1))$, of the stability of a mixture; 0 for $L=1$.
    """

    magnetisation: Number
    overlap: Number
    fourth: Number
    log_cosh: Number
    asymmetry: Number


def spin_averages(signal: Number, spread: Number, beta: Number) -> SpinAverages:
    r"""Averages over $z\sim N(0,1)$ of functions of $\beta(h+sz)$, to $10^{-12}$ at any temperature.

    Args:
        signal: $h$.
        spread: $s\ge 0$.
        beta: inverse temperature.
    """
    # One formula for both rules: above the split, the sign and the modulus of u are taken out and integrated exactly.
    is_split = beta * spread >= SPLIT
    split = is_split.astype(spread.dtype)
    s = jnp.where(is_split, spread, SPLIT / beta)
    k = signal / s
    half, half_weights = gauss_legendre_panels(jnp.asarray(_EDGES))
    u_split, w_split = jnp.concatenate([half, -half]), jnp.concatenate([half_weights, half_weights])
    density = jnp.exp(-((u_split / (beta * s) - k) ** 2) / 2) / (beta * s * math.sqrt(2 * math.pi))

    u = jnp.where(is_split, u_split, beta * (signal + spread * _HERMITE_NODES))
    weights = jnp.where(is_split, w_split * density, jnp.asarray(_HERMITE_WEIGHTS))
    tanh, modulus = jnp.tanh(u), jnp.abs(u)
    sign = erf(k / math.sqrt(2))
    magnitude = beta * (s * math.sqrt(2 / math.pi) * jnp.exp(-k * k / 2) + signal * sign)
    return SpinAverages(
        split * sign + weights @ (tanh - split * jnp.sign(u)),
        split + weights @ (tanh**2 - split),
        weights @ (1 - tanh**2) ** 2,
        split * magnitude + weights @ (jnp.log1p(jnp.exp(-2 * modulus)) + (1 - split) * modulus),
    )


def visible_layer(
    signal: Number, spread: Number, beta: Number, num_mixed: int = 1, field: Number | None = None
) -> VisibleLayer:
    r"""Average the spins over the sum $S$ of `num_mixed` fair signs, in the field $\hat mS+g+sz$.

    Args:
        signal: $\hat m$ per pattern.
        spread: $s=\sqrt{\alpha r}$.
        beta: inverse temperature.
        num_mixed: $L$, patterns recalled at once.
        field: $g$, none unless given.
    """
    sums, weights = fair_sums(num_mixed)
    signals = signal * sums
    if field is not None:
        signals = jnp.concatenate([signals + field, signals - field])
        sums, weights = jnp.tile(sums, 2), jnp.tile(weights / 2, 2)
    spins = jax.vmap(lambda signal: spin_averages(signal, spread, beta))(signals)
    pairs = num_mixed * max(num_mixed - 1, 1)
    return VisibleLayer(
        weights * sums / num_mixed @ spins.tanh,
        weights @ spins.tanh_squared,
        weights @ spins.sech_fourth,
        weights @ spins.log_cosh,
        weights * (sums**2 - num_mixed) / pairs @ spins.tanh_squared,
    )


def fair_sums(num_terms: int) -> tuple[Float[Array, " sums"], Float[Array, " sums"]]:
    """Modulus of a sum of fair signs and its probability."""
    sums = np.arange(num_terms, -1, -2)
    weights = [(2 if s else 1) * math.comb(num_terms, (num_terms + s) // 2) / 2**num_terms for s in sums]
    return jnp.asarray(sums, float), jnp.asarray(weights)
