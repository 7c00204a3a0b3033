r"""What an ensemble samples, and where its members start.

A cold start draws all weights from the Gaussian part of the prior. A hot start gives every neuron a cosine of one
random frequency with random phases, $w_n = 2\sqrt{x^*}\cos(2\pi kn/P-\varphi)$ and likewise $v$, and draws the
read-outs given the read-ins: a state with far more specialised neurons than equilibrium holds before the transition.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Key

from ..._checks import check_choice, check_whole
from ...posterior import Posterior
from ...sweeps import OTHER_START, Layout
from .network import SexticDecay, TwoHotNetwork, standard_normal_network, targets
from .system import ModularAddition


STARTS = ("prior", "frequencies")


class Problem(eqx.Module):
    """Posteriors and first positions, each with leading axis member.

    Attributes:
        target: the energies; their `inputs` are 1 on the training set and 0 elsewhere on the table.
        positions: whitened networks.
    """

    target: Posterior
    positions: TwoHotNetwork


def prepare(key: Key[Array, ""], system: ModularAddition, layout: Layout, *, start: str, dtype) -> Problem:
    """The ensemble's problem; witnesses of the other start take the other one.

    Raises:
        ValueError: `prime` or `width` is not one concrete whole number, or the start is unknown.
    """
    check_choice("start", start, STARTS)
    sizes = check_whole("prime", system.prime), check_whole("width", system.width)
    data_key, position_key = jax.random.split(key)
    keys = layout.dataset_keys(data_key), layout.member_keys(position_key)
    hot = layout.has_role(OTHER_START) ^ (start == "frequencies")
    return _prepare(*keys, layout.members(system, dtype), jnp.asarray(hot), sizes, bool(hot.any()))


@eqx.filter_jit
def _prepare(task_keys, position_keys, members, hot, sizes, any_hot):
    prime, width = sizes
    dtype = members.noise_variance.dtype

    def one(task_key, position_key, system: ModularAddition, hot):
        rank = jax.random.permutation(task_key, prime**2)
        included = (rank < jnp.maximum(1, jnp.round(system.training_fraction * prime**2))).astype(dtype)
        scales = TwoHotNetwork(jnp.ones((), dtype), jnp.sqrt(system.readout_variance / width))
        target = Posterior(
            included,
            targets(prime, dtype) * included[None],
            system.noise_variance,
            scales,
            penalty=SexticDecay(system.sextic_decay),
        )
        network_key, hot_key = jax.random.split(position_key)
        position = standard_normal_network(network_key, width=width, prime=prime, dtype=dtype)
        if any_hot:
            specialised = _specialised(hot_key, position, target, system.well_position)
            position = jax.tree.map(lambda new, old: jnp.where(hot, new, old), specialised, position)
        return target, position

    return Problem(*jax.vmap(one)(task_keys, position_keys, members, hot))


def _specialised(key: Key[Array, ""], position: TwoHotNetwork, target: Posterior, power: Array) -> TwoHotNetwork:
    """Every neuron gets one random frequency with the given power and random phases; read-outs follow by regression."""
    frequency_key, phase_key, noise_key = jax.random.split(key, 3)
    _, width, prime = position.read_in.shape
    number = jnp.arange(prime)
    frequency = jax.random.randint(frequency_key, (width,), 1, prime // 2 + 1)[:, None]
    angle = 2 * jnp.pi / prime * (frequency * number[None] % prime)
    wave = lambda phase: jnp.cos(angle[None] - phase)
    phase = 2 * jnp.pi * jax.random.uniform(phase_key, (2 * width,), position.read_in.dtype).reshape(2, width, 1)
    quarter = phase + jnp.pi / 2
    along = lambda shift: jnp.sum(position.read_in * wave(shift), axis=-1, keepdims=True) * wave(shift)
    others = position.read_in - (along(phase) + along(quarter)) * 2 / prime
    read_in = others + 2 * jnp.sqrt(power) * wave(phase)
    read_in = read_in.astype(position.read_in.dtype)
    return TwoHotNetwork(read_in, _drawn_read_out(noise_key, TwoHotNetwork(read_in, position.read_out), target))


def _drawn_read_out(key: Key[Array, ""], position: TwoHotNetwork, target: Posterior) -> Float[Array, "outputs width"]:
    r"""A draw from the Gaussian law of the read-out given the read-in, in whitened coordinates.

    The prior draw $a_0$ in `position` is conditioned on the data,
    $a = a_0 + (y - a_0\Phi - \epsilon)\,\Phi^\top(\Phi\Phi^\top + \sigma^2)^{-1}$ with $\epsilon\sim N(0,\sigma^2)$
    and the smaller one of the two equivalent inverses.
    """
    features = target.network(position).hidden() * target.inputs[None] * target.prior_scales.read_out
    noise = jax.random.normal(key, (target.targets.size,), features.dtype).reshape(target.targets.shape)
    noise = jnp.sqrt(target.noise_variance) * noise
    missing = target.targets - position.read_out @ features - noise * target.inputs[None]
    width, table = features.shape
    if width <= table:
        gram = features @ features.T + target.noise_variance * jnp.eye(width, dtype=features.dtype)
        change = jax.scipy.linalg.solve(gram, features @ missing.T, assume_a="pos").T
    else:
        gram = features.T @ features + target.noise_variance * jnp.eye(table, dtype=features.dtype)
        change = jax.scipy.linalg.solve(gram, missing.T, assume_a="pos").T @ features.T
    return position.read_out + change
