"""What is measured on one student while it is sampled; each is a `measure(key, state)` of `grokjax.observables`."""

import math

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ..._tree import standard_normal
from ...networks import TwoLayer
from ...tasks import hermite


SIDE = 0.5  # a neuron with |q| beyond this counts as specialised


class NeuronOverlap(eqx.Module):
    """Measurement: $q_i = w_i\\cdot w^*$ of every neuron."""

    scales: TwoLayer
    direction: Float[Array, "*members inputs"]

    def __call__(self, key, state):
        del key
        return self.scales.read_in * (state.position.read_in @ self.direction)


class SideWeight(eqx.Module):
    """Measurement: the fraction of neurons with $|q|>1/2$."""

    scales: TwoLayer
    direction: Float[Array, "*members inputs"]

    def __call__(self, key, state):
        q = NeuronOverlap(self.scales, self.direction)(key, state)
        return jnp.mean(jnp.abs(q) > SIDE, dtype=q.dtype)


class FreshOverlap(eqx.Module):
    r"""Measurement: $\{k: \langle f, He_k\rangle/k!\}$ on fresh standard-normal inputs at every record."""

    scales: TwoLayer
    direction: Float[Array, "*members inputs"]
    degrees: tuple[int, ...] = eqx.field(static=True)
    num_test: int = eqx.field(static=True)

    def __call__(self, key, state):
        inputs = standard_normal(key, (self.num_test, len(self.direction)), self.direction.dtype)
        network = jax.tree.map(jnp.multiply, self.scales, state.position)
        outputs, teacher = network.batch(inputs)[0], inputs @ self.direction
        return {k: jnp.mean(outputs * hermite(k, teacher)) / math.factorial(k) for k in self.degrees}
