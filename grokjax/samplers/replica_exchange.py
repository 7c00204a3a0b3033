r"""Replica exchange over the noise variance: a ladder of noises for each member, swaps of temperatures between rungs.

Only the data term knows the noise, so neighbours $i, j$ of the ladder swap their noises with probability

$$ \min\Bigl(1,\ \exp\bigl[(1/\sigma_i^2-1/\sigma_j^2)(S_i-S_j)\bigr]\Bigr),\qquad
   S=\tfrac12\sum_\mu |f(x_\mu)-y_\mu|^2 . $$

Even and odd pairs take turns, which lets a replica drift along the ladder instead of diffusing. The networks stay where
they are; noises are exchanged, and energy and gradient are rescaled without evaluating the network. The ladder is one
more vmapped axis inside a member, so members may be sharded over devices and nothing is communicated.

References:
    Swendsen & Wang, PRL 57, 2607 (1986); Syed, Bouchard-Cote, Deligiannidis & Doucet, JRSSB 84, 321 (2022),
    arXiv:1905.02939, for the even-odd scheme. Acceptance between Gaussian energies: erfc(delta sd(E)/2) for a relative
    change delta of 1/noise, Kofke, J. Chem. Phys. 117, 6911 (2002).
"""

from functools import partial
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import erfinv
from jaxtyping import Array, Float, Int, Key, PyTree, Scalar

from .._checks import argument_error, as_scalar, check_fraction, check_positive, check_whole
from .._tree import leading_axes
from ..posterior import Posterior
from .base import About, AbstractSampler, AbstractWrapper


class ReplicaExchange(eqx.Module):
    r"""A ladder of noise variances.

    Attributes:
        noise_variances: $\sigma^2$ of the rungs, strictly increasing or decreasing, shape (rung,).
        every: Langevin steps between swaps.

    Examples:
        >>> ladder = grokjax.ReplicaExchange([0.1, 0.15, 0.2])
        >>> ladder.noise_variances.shape, ladder.every
        ((3,), 5)
    """

    noise_variances: Float[Array, " rungs"] = eqx.field(converter=as_scalar)
    every: int = eqx.field(static=True, default=5)

    def __check_init__(self):
        check_whole("every", self.every)
        if self.noise_variances is None:
            raise argument_error("noise_variances", "a ladder of noises", None, "Try [0.05, 0.1, 0.2].")
        check_positive("noise_variances", self.noise_variances)
        steps = np.diff(np.atleast_1d(np.asarray(self.noise_variances)))
        if self.noise_variances.ndim != 1 or len(steps) < 1 or not ((steps > 0).all() or (steps < 0).all()):
            raise argument_error(
                "noise_variances",
                "two or more noises in strictly increasing or decreasing order",
                np.asarray(self.noise_variances).tolist(),
                "See grokjax.ReplicaExchange.between for a ladder of a wanted acceptance.",
            )

    @classmethod
    def between(
        cls, low: float, high: float, num_samples: Any, *, acceptance: float = 0.3, every: int = 5
    ) -> "ReplicaExchange":
        r"""A geometric ladder whose neighbours swap with the given probability while the energies are Gaussian.

        The data energy of $n$ samples has a variance of about $n/2$; a first-order jump between the rungs comes on top
        and is not cured by more of them.
        """
        for name, value in {"low": low, "high": high, "num_samples": num_samples}.items():
            check_positive(name, value)
        check_fraction("acceptance", acceptance, inside=True, remedy="Try 0.3.")
        if low == high:
            raise argument_error("high", "another noise than `low`", high, "A ladder has two rungs or more.")
        spread = np.sqrt(float(np.asarray(num_samples)) / 2)
        delta = 2 * float(erfinv(1 - acceptance)) / spread
        rungs = max(2, int(np.ceil(abs(np.log(high / low)) / np.log1p(delta))) + 1)
        return cls(jnp.geomspace(low, high, rungs), every)


class LadderState(eqx.Module):
    r"""Replicas with leading axis slot, and which rung of the ladder each one holds.

    Attributes:
        replicas: states of the local dynamics.
        rung: rung of each replica.
        data_energy: $S$ of each replica, after its last step.
        attempts: rounds of swaps so far.
        tried: swaps tried between rung i and i + 1.
        accepted: swaps accepted.
        heading: per replica, +1 after it was on the last rung, -1 after the first one, 0 before either.
        round_trips: per replica, arrivals on the first rung from the last one.
    """

    replicas: Any
    rung: Int[Array, "*batch rungs"]
    data_energy: Float[Array, "*batch rungs"]
    attempts: Int[Array, "*batch"]
    tried: Int[Array, "*batch pairs"]
    accepted: Int[Array, "*batch pairs"]
    heading: Int[Array, "*batch rungs"]
    round_trips: Int[Array, "*batch rungs"]

    @property
    def position(self) -> PyTree:
        """Position of every replica."""
        return self.replicas.position

    @property
    def energy(self) -> Array:
        """Energy of every replica."""
        return self.replicas.energy

    @property
    def data_energy_in_order(self) -> Array:
        """$S$ by rung."""
        return self.data_energy[jnp.argsort(self.rung)]

    @property
    def in_order(self) -> Any:
        """The replicas sorted by rung."""
        slot = jnp.argsort(self.rung)
        return jax.tree.map(lambda leaf: leaf[slot] if eqx.is_array(leaf) else leaf, self.replicas)


class WithReplicaExchange(AbstractWrapper):
    """`every` steps of local dynamics on every rung, then one round of swaps: one `step`. Positions have axis rung.

    Attributes:
        sampler: the local dynamics; its leaves are scalars or arrays with leading axis rung.
        noise_variances: the ladder.
        every: local steps per round.

    Examples:
        >>> ladder = jnp.array([0.1, 0.15, 0.2])
        >>> sampler = grokjax.samplers.WithReplicaExchange(grokjax.Langevin(0.01), ladder, every=5)
        >>> sampler.num_rungs, sampler.about.steps
        (3, 5)
    """

    sampler: AbstractSampler
    noise_variances: Float[Array, "*members rungs"]
    every: int = eqx.field(static=True)

    @property
    def num_rungs(self) -> int:
        return self.noise_variances.shape[-1]

    @property
    def about(self) -> About:
        """Like the local dynamics, several of its steps at a time."""
        local = self.sampler.about
        return local._replace(steps=self.every * local.steps)

    def report(self, states: LadderState) -> dict[str, Any]:
        """What the local dynamics tells, and how the replicas travelled."""
        return {**self.sampler.report(states.replicas), "exchange": ExchangeReport.of(self, states)}

    def init(self, key: Key[Array, ""], target: Posterior, position: PyTree) -> LadderState:
        keys = jax.random.split(key, self.num_rungs)
        rung = jnp.arange(self.num_rungs, dtype=jnp.int32)
        replicas = self._over_replicas(
            lambda sampler, target, key, position: sampler.init(key, target, position), rung, target, keys, position
        )
        pairs, none = jnp.zeros(self.num_rungs - 1, jnp.int32), jnp.zeros(self.num_rungs, jnp.int32)
        error = self._data_energy(replicas, rung, jax.vmap(target.prior_energy)(replicas.position))
        return LadderState(replicas, rung, error, jnp.zeros((), jnp.int32), pairs, pairs, none, none)

    def step(self, key: Key[Array, ""], target: Posterior, state: LadderState) -> LadderState:
        local_key, swap_key = jax.random.split(key)
        one = lambda sampler, target, key, replica: sampler.step(key, target, replica)

        def local_step(replicas, i):
            # Keys belong to rungs: which replica holds a rung must not matter.
            keys = jax.random.split(jax.random.fold_in(local_key, i), self.num_rungs)[state.rung]
            return self._over_replicas(one, state.rung, target, keys, replicas), None

        replicas, _ = jax.lax.scan(local_step, state.replicas, jnp.arange(self.every))
        return self._swap(swap_key, target, eqx.tree_at(lambda s: s.replicas, state, replicas))

    def _swap(self, key: Key[Array, ""], target: Posterior, state: LadderState) -> LadderState:
        """One round of swaps between even or odd pairs of rungs."""
        replicas, noise = state.replicas, self.noise_variances
        error = self._data_energy(replicas, state.rung, jax.vmap(target.prior_energy)(replicas.position))
        slot = jnp.argsort(state.rung)
        pair = jnp.arange(self.num_rungs - 1)
        tried = pair % 2 == state.attempts % 2
        by_rung = error[slot]
        log_ratio = (1 / noise[:-1] - 1 / noise[1:]) * (by_rung[:-1] - by_rung[1:])
        log_u = jnp.log(jax.random.uniform(key, (self.num_rungs - 1,), log_ratio.dtype))
        accepted = tried & (log_u < log_ratio)  # False for a diverged replica, whose ratio is nan
        upwards = jnp.append(accepted, False)[state.rung]
        downwards = jnp.insert(accepted, 0, False)[state.rung]
        rung = state.rung + upwards.astype(jnp.int32) - downwards.astype(jnp.int32)

        ratio = (noise[state.rung] / noise[rung]).astype(replicas.energy.dtype)
        energy, gradient = jax.vmap(partial(at_noise, target))(replicas, ratio)
        # What the memory of the dynamics holds of the gradient goes by the step of the old rung and comes by the new's.
        moved = lambda sampler, target, *arguments: sampler.moved(*arguments)
        nothing = jax.tree.map(jnp.zeros_like, gradient)
        replicas = self._over_replicas(moved, state.rung, target, replicas, replicas.position, energy, nothing)
        replicas = self._over_replicas(moved, rung, target, replicas, replicas.position, energy, gradient)

        heading = jnp.where(rung == self.num_rungs - 1, 1, jnp.where(rung == 0, -1, state.heading))
        arrived = (rung == 0) & (state.heading == 1)
        return LadderState(
            replicas,
            rung,
            error,
            state.attempts + 1,
            state.tried + tried,
            state.accepted + accepted,
            heading.astype(jnp.int32),
            state.round_trips + arrived,
        )

    def _data_energy(self, replicas: Any, rung: Array, prior: Array) -> Array:
        """$S$ of every replica, from its energy and that of its prior."""
        return (replicas.energy - prior) * self.noise_variances[rung].astype(replicas.energy.dtype)

    def _over_replicas(self, function, rung, target, *arguments):
        """`vmap` over replicas of `function(sampler, target, ...)`, each with the noise and sampler of its rung."""
        noise = self.noise_variances[rung].astype(target.noise_variance.dtype)
        local = jax.tree.map(lambda leaf: leaf[rung] if eqx.is_array(leaf) and leaf.ndim else leaf, self.sampler)

        def one(sampler, noise, *arguments):
            return function(sampler, eqx.tree_at(lambda t: t.noise_variance, target, noise), *arguments)

        axes = (leading_axes(local), 0, *(eqx.if_array(0) for _ in arguments))
        return eqx.filter_vmap(one, in_axes=axes)(local, noise, *arguments)


class ExchangeReport(eqx.Module):
    """How replicas travelled the ladder.

    Attributes:
        noise_variances: the ladder.
        acceptance: of swaps between neighbours over all members, shape (rung - 1,).
        round_trips: first rung to last and back, per member (witnesses included).
        rounds: rounds of swaps.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> run.exchange.acceptance.shape, run.exchange.rounds
        ((2,), 40)
    """

    noise_variances: np.ndarray
    acceptance: np.ndarray
    round_trips: np.ndarray
    rounds: int = eqx.field(static=True)

    @staticmethod
    def of(exchange: WithReplicaExchange, state: LadderState) -> "ExchangeReport":
        """The report of an ensemble's last state, leading axis member."""
        tried, accepted = np.asarray(state.tried).sum(axis=0), np.asarray(state.accepted).sum(axis=0)
        return ExchangeReport(
            np.asarray(exchange.noise_variances).reshape(-1, exchange.num_rungs)[0],
            accepted / np.maximum(tried, 1),
            np.asarray(state.round_trips).sum(axis=-1),
            int(np.max(state.attempts)),
        )

    def __str__(self) -> str:
        low, high = self.acceptance.min(), self.acceptance.max()
        return (
            f"replica exchange: {len(self.noise_variances)} rungs, acceptance {low:.2f} to {high:.2f}, "
            f"{self.round_trips.mean():.1f} round trips per ladder in {self.rounds} rounds"
        )


def at_noise(target: Posterior, state: Any, ratio: Scalar) -> tuple[Scalar, PyTree]:
    """Energy and gradient of a state where the data weigh `ratio` times as much; no pass over the data.

    Args:
        target: whose prior is kept.
        state: at the noise so far.
        ratio: of the noise so far to the new one.
    """
    prior, slope = jax.value_and_grad(target.prior_energy)(state.position)
    weighed = lambda total, prior: prior + ratio.astype(total.dtype) * (total - prior)
    return weighed(state.energy, prior), jax.tree.map(weighed, state.gradient, slope)
