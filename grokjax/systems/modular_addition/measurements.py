"""What is measured on one network while an ensemble of them runs."""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from .network import TwoHotNetwork, fourier_modes, powers, targets


NUM_BINS = 60
HISTOGRAM_REACH = 2.4
"""The histogram of (X, V) has `NUM_BINS` bins a side, from 0 to this many x*."""


class Learned(eqx.Module):
    r"""Measurement: how much of the table the network knows.

    `discrepancy` is $1-\langle f,y\rangle/\langle y,y\rangle$ over the whole table; errors are mean squared, per entry
    and output, accuracies the share of entries whose largest output is the right one. On an empty test set they are
    nan.

    Attributes:
        scales: prior standard deviations of the weights.
        included: 1 on the training set, 0 elsewhere.
    """

    scales: TwoHotNetwork
    included: Float[Array, "..."]

    def __call__(self, key, state) -> dict[str, Array]:
        del key
        network = _physical(self.scales, state.position)
        wanted = targets(network.read_out.shape[0], self.included.dtype)
        outputs = network.batch(jnp.ones_like(self.included))
        squares = jnp.mean((outputs - wanted) ** 2, axis=0)
        hits = (jnp.argmax(outputs, axis=0) == jnp.argmax(wanted, axis=0)).astype(squares.dtype)
        inside = lambda values: values @ self.included / jnp.sum(self.included)
        outside = lambda values: values @ (1 - self.included) / jnp.sum(1 - self.included)
        return {
            "discrepancy": 1 - jnp.sum(outputs * wanted) / jnp.sum(wanted**2),
            "train_error": inside(squares),
            "test_error": outside(squares),
            "train_accuracy": inside(hits),
            "test_accuracy": outside(hits),
        }


class Features(eqx.Module):
    r"""Measurement: what the neurons do at each frequency; a pair is specialised if $X, V > x^*/2$.

    `alignment` is the sum over specialised pairs of $\cos(\arg a_k-\arg w_k-\arg v_k)$ per pair of the network:
    divided by `side_weight` it is the mean cosine, 1 where read-out phases are sums of read-in phases.

    Attributes:
        scales: prior standard deviations of the weights.
        well_position: $x^*$.
    """

    scales: TwoHotNetwork
    well_position: Float[Array, "..."]

    def __call__(self, key, state) -> dict[str, Array]:
        del key
        network = _physical(self.scales, state.position)
        real, imaginary = fourier_modes(network.read_in)
        (w, v), a = jax.lax.complex(real, imaginary), jax.lax.complex(*fourier_modes(network.read_out.T))
        overlap = jnp.abs(w * v) ** 2
        product = jnp.conj(a) * w * v
        cosine = product.real / jnp.maximum(jnp.abs(product), jnp.finfo(product.real.dtype).tiny)
        side = jnp.all(real * real + imaginary * imaginary > self.well_position / 2, axis=0).astype(real.dtype)
        return {
            "side_weight": jnp.mean(side),
            "overlap_moment": jnp.mean(overlap),
            "occupation": jnp.mean(side, axis=0),
            "single_frequency": jnp.mean((jnp.sum(side, axis=1) == 1).astype(side.dtype)),
            "alignment": jnp.mean(side * cosine),
        }


class PairBin(eqx.Module):
    """Measurement: for each pair the flat index of its cell in the histogram of (X, V), plus one half."""

    scales: TwoHotNetwork
    well_position: Float[Array, "..."]

    def __call__(self, key, state) -> Float[Array, "width pairs"]:
        del key
        cells = powers(_physical(self.scales, state.position).read_in) * (
            NUM_BINS / HISTOGRAM_REACH / self.well_position
        )
        x, v = jnp.clip(jnp.floor(cells), 0, NUM_BINS - 1)
        return x * NUM_BINS + v + 0.5


def _physical(scales: TwoHotNetwork, position: TwoHotNetwork) -> TwoHotNetwork:
    return jax.tree.map(jnp.multiply, scales, position)
