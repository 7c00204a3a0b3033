r"""Energies of toys whose free energies are known: two harmonic wells, two anharmonic ones, an Einstein solid.

| symbol | name |
|---|---|
| $k_I,k_{II}$ | `stiffness` |
| $e$ | `offset` of the second phase |
| $B$ | `bulk` |
| $g$ | `gruneisen` |
| $v_0$ | `volume` |
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, PyTree, Scalar

from .crystal import Well
from .energies import AbstractEnergy


class HarmonicWells(AbstractEnergy):
    r"""$U_I=k_I|x|^2/2$ and $U_{II}=e+k_{II}|x|^2/2$; the parameters are $(\ln k_I,\ln k_{II})$.

    Attributes:
        offset: $e$.
    """

    offset: Scalar

    def __call__(self, theta: Float[Array, " 2"], phase: Well, displacement: Array, strain: Array) -> Scalar:
        del strain
        return self.offset * phase.index + jnp.exp(theta[phase.index]) * jnp.sum(displacement**2) / 2


class AnharmonicWells(AbstractEnergy):
    r"""$U_I=2x^2+x^4$ and $U_{II}=e+x^4/4$, both with $s\,\mathrm{MLP}_\theta(x)$; the parameters are the network.

    Attributes:
        offset: $e$.
        scale: $s$.
    """

    offset: Scalar
    scale: float = eqx.field(static=True, default=0.3)

    def __call__(self, theta: eqx.nn.MLP, phase: Well, displacement: Array, strain: Array) -> Scalar:
        del strain
        x = displacement[0, 0]
        first, second = 2 * x**2 + x**4, self.offset + x**4 / 4
        network = theta(displacement[0])
        return jnp.where(phase.index == 0, first, second) + self.scale * jnp.squeeze(network)


class EinsteinSolid(AbstractEnergy):
    r"""$U=N[e+\frac B2(v-v_0)^2/v_0]+\frac{k(v)}2\sum|x_i|^2$ with $k(v)=k_0(v/v_0)^{-2g}$.

    The parameters are `theta = {"offset", "bulk", "volume", "log_stiffness", "gruneisen"}`, each of two phases.
    """

    def __call__(self, theta: dict[str, PyTree], phase: Well, displacement: Array, strain: Array) -> Scalar:
        x, mine = phase.physical(displacement, strain), phase.index
        per_atom = phase.volume(strain) / phase.num_atoms
        return (
            phase.num_atoms * cold_energy(theta, mine, per_atom) + stiffness(theta, mine, per_atom) * jnp.sum(x**2) / 2
        )


def cold_energy(theta: dict[str, Any], index: Any, volume: Any) -> Any:
    r"""$e+\frac B2(v-v_0)^2/v_0$ of an Einstein solid.

    Args:
        theta: its parameters.
        index: of the phase.
        volume: per atom.
    """
    v0 = theta["volume"][index]
    return theta["offset"][index] + theta["bulk"][index] / 2 * (volume - v0) ** 2 / v0


def stiffness(theta: dict[str, Any], index: Any, volume: Any) -> Any:
    r"""$k(v)=k_0(v/v_0)^{-2g}$ of an Einstein solid.

    Args:
        theta: its parameters.
        index: of the phase.
        volume: per atom.
    """
    log_ratio = jnp.log(volume / theta["volume"][index])
    return jnp.exp(theta["log_stiffness"][index] - 2 * theta["gruneisen"][index] * log_ratio)
