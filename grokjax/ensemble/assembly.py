"""From local dynamics to the sampler of an ensemble: steps, witnesses at half the step, moves, ladders.

A user gives a sampler whose leaves are scalars or arrays over the sweep, and moves beside it. `Assembly` repeats the
leaves for every entry of the layout, chooses a step where none is given, halves it for witnesses, and wraps the moves
around it. In a ladder of replicas one member of the loop holds all points: its rungs are one more vmapped axis inside.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from .._checks import argument_error, check_instance
from .._tree import partition_members
from ..observables import AbstractObservable, PerRung
from ..samplers.base import AbstractLangevin, AbstractSampler
from ..samplers.droplet_moves import DropletMoves
from ..samplers.replica_exchange import ReplicaExchange, WithReplicaExchange
from ..samplers.stiffness import check_step_size, soft_limits, stability_limits
from .layout import HALF_STEP, Layout


PROBES = 4  # members of a point whose curvature is measured for an automatic step
LARGEST_SHARE = 0.25  # of the step that the softest modes would bear: beyond it their bias shows


class Moves(eqx.Module):
    """Moves beside the local dynamics; each wraps any sampler.

    Attributes:
        droplets: Metropolis moves of single neurons.
        exchange: a ladder of noises. Every member becomes a ladder of replicas on one data set, its rungs are the
            points of the run, and the system's own noise is not used.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> moves = grokjax.Moves(exchange=grokjax.ReplicaExchange([2.0, 4.0, 8.0]))
        >>> run = pu.simulate(jax.random.key(0), system, moves=moves, num_members=4, num_steps=200, progress=False)
        >>> run.output.mean.shape, run.system.noise_variance.tolist()
        ((3,), [2.0, 4.0, 8.0])
    """

    droplets: DropletMoves | None = None
    exchange: ReplicaExchange | None = None

    def __check_init__(self):
        for name, kind in {"droplets": DropletMoves, "exchange": ReplicaExchange}.items():
            if getattr(self, name) is not None:
                check_instance(name, getattr(self, name), kind, f"Try grokjax.{kind.__name__}.")


class Assembly(eqx.Module):
    """The pieces of an ensemble's sampler.

    Attributes:
        layout: points, members and witnesses.
        sampler: the local dynamics; leaves are scalars or arrays over the sweep.
        moves: beside it.
        target: what is sampled, leading axis entry.
        target_axes: 0, or a prefix of the target with None where entries share the arrays below.
        truth: of the problems, leading axis entry.
        key: for the power iteration of an automatic step.
    """

    layout: Layout
    sampler: AbstractSampler
    moves: Moves
    target: Any
    target_axes: Any
    truth: Any
    key: Key[Array, ""]

    @property
    def automatic(self) -> bool:
        """Whether the step is left to us."""
        return isinstance(self.sampler, AbstractLangevin) and self.sampler.step_size is None

    def local(self, positions: PyTree) -> AbstractSampler:
        """The local dynamics of every entry.

        Raises:
            ValueError: a step that was given is unstable at these positions, or an automatic one finds no curvature.
        """
        sampler = jax.tree.map(lambda leaf: self.layout.repeat(leaf) if jnp.ndim(leaf) else leaf, self.sampler)
        if self.automatic:
            sampler = self._with_automatic_step(sampler, positions)
        if HALF_STEP in self.layout.roles:
            factor = jnp.where(self.layout.has_role(HALF_STEP), 0.5, 1.0)
            sampler = eqx.tree_at(lambda s: s.step_size, sampler, factor * sampler.step_size)
        return sampler

    def check(self, positions: PyTree) -> None:
        """Raise if a step that was given is unstable at the first positions of any point."""
        if not self.automatic:
            probes = self.layout.probes(1).ravel()
            check_step_size(self.key, self.local(positions), self.target, positions, probes, self.target_axes)

    def sampler_at(self, positions: PyTree) -> AbstractSampler:
        """The sampler of the loop, with steps for these positions."""
        dynamics = self.local(positions)
        if self.moves.droplets is not None:
            dynamics = self.moves.droplets.around(dynamics, self.target, self.truth, self.layout, self.target_axes)
        exchange = self.moves.exchange
        if exchange is None:
            return dynamics
        rounds = max(1, round(exchange.every / dynamics.about.steps))
        ladder = jnp.broadcast_to(exchange.noise_variances, (self.layout.per_point, self.layout.num_points))
        return WithReplicaExchange(self.layout.by_point(dynamics), ladder, rounds)

    def adapted(self, states: Any) -> AbstractSampler:
        """The sampler with steps for the present states."""
        if self.moves.exchange is None:
            return self.sampler_at(states.position)
        ladders = jax.vmap(lambda state: state.in_order.position)(states)
        return self.sampler_at(jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), ladders))

    @property
    def loop_target(self) -> Any:
        """The target of every member of the loop; replicas of a ladder share theirs."""
        if self.moves.exchange is None:
            return self.target
        batched, shared = partition_members(self.target_axes, self.target)
        return eqx.combine(jax.tree.map(lambda leaf: leaf[:: self.layout.num_points], batched), shared)

    def in_loop(self, tree: PyTree) -> PyTree:
        """Arrays (entry, ...) as the loop wants them."""
        return tree if self.moves.exchange is None else self.layout.by_point(tree)

    def observed(self, observables: dict[str, AbstractObservable]) -> dict[str, AbstractObservable]:
        """Observables of one network, of every member of the loop."""
        if self.moves.exchange is None:
            return observables
        return {name: PerRung(self.layout.by_point(each)) for name, each in observables.items()}

    def per_entry(self, values: np.ndarray) -> np.ndarray:
        """One value per member of the loop as one per entry."""
        return values if self.moves.exchange is None else np.repeat(values, self.layout.num_points)

    def _with_automatic_step(self, sampler: Any, positions: PyTree) -> Any:
        """A safe fraction of the largest stable step of a few members of every point."""
        probes = self.layout.probes(PROBES)
        measured = self.key, sampler, self.target, positions, probes.ravel(), self.target_axes
        limits, soft = stability_limits(*measured), soft_limits(*measured)
        step = np.minimum(sampler.safe_fraction * limits, LARGEST_SHARE * soft).reshape(probes.shape).min(axis=1)
        if not np.isfinite(step).all():
            raise argument_error(
                "step_size", "given", "no curvature at the first positions", "Start from finite energies."
            )
        steps = self.layout.repeat_points(jnp.asarray(step))
        return eqx.tree_at(lambda s: s.step_size, sampler, steps, is_leaf=lambda leaf: leaf is None)
