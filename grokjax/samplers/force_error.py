r"""What matrix products of low precision do to the forces, and whether the stationary law feels it.

An error $\delta F$ of the force that is new at every step heats each degree of freedom by
$h\langle\delta F^2\rangle/2$ of its temperature at friction 1; one that pulls along the position shifts the virial
identity $\langle\theta\cdot\nabla U\rangle=1$ by $\langle\theta\cdot\delta F\rangle$. Both are measured from one
gradient of a few members, against float64 where jax has it switched on, else against true float32.

References:
    Heat: the fluctuation-dissipation balance of a kick of variance $h^2\langle\delta F^2\rangle$ and a friction 1.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, PyTree

from .._checks import argument_error, check_whole
from .._tree import layer_names, partition_members
from ..precision import dot_precision, precision_name


LARGEST_HEAT = 1e-5  # relative rise of the temperature: far below what any ensemble resolves
LARGEST_PULL = 1e-3  # shift of the virial; a tenth of what a certificate lets pass
PROBES = 4


class ForceError(eqx.Module):
    r"""Errors of the forces by layer, per degree of freedom.

    Attributes:
        precision: what was measured.
        reference: what it was compared with, "float64" or "float32".
        rms: $\langle\delta F^2\rangle^{1/2}$.
        pull: $\langle\theta\cdot\delta F\rangle$, the shift of the virial.
        step_size: $h$ of the dynamics.

    Examples:
        >>> energy, position = lambda x: x @ x / 2, jnp.ones((4, 3), jnp.float32)
        >>> states = jax.vmap(lambda x: grokjax.Langevin(0.1).init(jax.random.key(0), energy, x))(position)
        >>> error = grokjax.samplers.force_error(energy, states, "highest", step_size=0.1)
        >>> error.heat, error.admissible
        ({'...': 0.0}, True)
    """

    precision: str = eqx.field(static=True)
    reference: str = eqx.field(static=True)
    rms: dict[str, float]
    pull: dict[str, float]
    step_size: float = 1.0

    @property
    def heat(self) -> dict[str, float]:
        r"""$h\langle\delta F^2\rangle/2$ by layer, the relative rise of the temperature at friction 1."""
        return {layer: self.step_size * rms**2 / 2 for layer, rms in self.rms.items()}

    @property
    def admissible(self) -> bool:
        """Whether neither heat nor pull would be felt; an error that is no number would."""
        heats, pulls = list(self.heat.values()), np.abs(list(self.pull.values()))
        return bool(np.all(np.asarray(heats) < LARGEST_HEAT) and np.all(pulls < LARGEST_PULL))

    def __str__(self) -> str:
        layers = ", ".join(f"{name} {rms:.1e} (virial {self.pull[name]:+.1e})" for name, rms in self.rms.items())
        return f"{self.precision}: force error {layers} against {self.reference}"


def force_error(
    target: Any,
    states: Any,
    precision: str | None = "highest",
    *,
    step_size: Any = 1.0,
    target_axes: Any = 0,
    num_members: int = PROBES,
) -> ForceError:
    """The errors of the forces at some states.

    Args:
        target: energies, leading axis member, as in `ensemble.run`.
        states: of an ensemble, such as `run.states`.
        precision: of the matrix products, by name.
        step_size: of the dynamics, or several, the largest of which counts.
        target_axes: 0, or a prefix of `target` with None where members share the arrays below.
        num_members: the first of them that are asked, or all if there are fewer.

    Raises:
        ValueError: the target is no energy, or the backend has no such precision.

    Examples:
        >>> energy, position = lambda x: x @ x / 2, jnp.ones((4, 3), jnp.float32)
        >>> states = jax.vmap(lambda x: grokjax.Langevin(0.1).init(jax.random.key(0), energy, x))(position)
        >>> error = grokjax.samplers.force_error(energy, states, "highest", step_size=0.1)
        >>> error.precision, error.admissible
        ('highest', True)
    """
    if not callable(target):
        raise argument_error("target", "an energy, a function of a position", target, "Only energies have forces.")
    num_members = check_whole("num_members", num_members)
    leaf = next(leaf for leaf in jax.tree.leaves(states.position) if eqx.is_inexact_array(leaf))
    platform = next(iter(leaf.devices())).platform
    products = dot_precision(precision, platform, leaf.dtype)
    double = jnp.result_type(float) == jnp.float64
    rms, pull = _errors(target, states.position, target_axes, num_members, products, double)
    names = layer_names(states.position)
    numbers = lambda tree: dict(zip(names, map(float, jax.tree.leaves(tree)), strict=True))
    reference = "float64" if double else "float32"
    step = float(np.max(np.asarray(step_size, float)))
    return ForceError(precision_name(precision), reference, numbers(rms), numbers(pull), step)


@eqx.filter_jit
def _errors(
    target: Any, positions: PyTree, target_axes: Any, num_members: int, products: str, double: bool
) -> tuple[PyTree, PyTree]:
    """Root mean square and pull of every layer."""
    batched, shared = partition_members(target_axes, target)
    batched, positions = jax.tree.map(lambda leaf: leaf[:num_members], (batched, positions))

    def gradients(kind, batched, shared, positions):
        one = lambda batched, position: jax.grad(kind(eqx.combine(batched, shared)))(position)
        return jax.vmap(one)(batched, positions)

    with jax.default_matmul_precision(products):
        low = gradients(lambda energy: energy, batched, shared, positions)
    exact = jnp.float64 if double else jnp.float32
    up = lambda leaf: leaf.astype(exact) if eqx.is_inexact_array(leaf) else leaf
    with jax.default_matmul_precision("highest"):
        batched, shared, positions = jax.tree.map(up, (batched, shared, positions))
        high = gradients(twice_differentiable, batched, shared, positions)
    error = jax.tree.map(lambda a, b: a.astype(b.dtype) - b, low, high)
    mean_product = lambda a, b: jax.tree.map(lambda x, y: jnp.mean(x * y), a, b)
    rms = jax.tree.map(jnp.sqrt, mean_product(error, error))
    return rms, mean_product(positions, error)


def twice_differentiable(target: Any) -> Any:
    """The same energy without kernels that have their gradient only."""
    return getattr(target, "in_plain_xla", target)


def step_size_of(sampler: Any) -> Array | float:
    """The step of the dynamics inside of all wrappers, 0 where there is none."""
    while not hasattr(sampler, "step_size") and hasattr(sampler, "sampler"):
        sampler = sampler.sampler
    step = getattr(sampler, "step_size", None)
    return 0.0 if step is None else step
