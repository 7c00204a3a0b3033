"""From a posterior to a certified sample: what the roads of simulation of all systems share.

`sample` assembles the sampler (automatic steps, witnesses at half the step, droplet moves, replica exchange), runs the
ensemble, and hands back measurements in the order of the layout. A ladder of replicas is one member of the ensemble:
its rungs are one more vmapped axis inside.
"""

from collections.abc import Callable, Mapping
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from . import ensemble
from ._checks import argument_error, check_whole
from ._tree import layer_name
from .certificate import Certificate, certify
from .observables import AbstractObservable, PerRung, Series, measure_energy, measure_temperature, measure_virial
from .samplers import (
    MALA,
    AbstractLangevin,
    AbstractSampler,
    ExchangeReport,
    ReplicaExchange,
    UnderdampedLangevin,
    WithDropletMoves,
    WithReplicaExchange,
    check_step_size,
    stability_limits,
)
from .statistics import Estimate
from .sweeps import HALF_STEP, OTHER_START, Layout


PROBES = 4  # members of a point whose curvature is measured for an automatic step
LARGEST_AUTOMATIC_STEP = 0.5


class Sample(eqx.Module):
    """What `sample` measured, in the order of the layout.

    Attributes:
        results: finalised observables by name, leading axis entry.
        energy: shape (entry, record).
        virial: by layer, shape (entry, record).
        temperature: by layer, likewise; None for dynamics without a velocity.
        diverged: shape (entry,).
        ensemble: the run itself, without results.
        steps_per_call: Langevin steps in one step of the assembled sampler.
        exchange: how replicas travelled the ladder, None without one.
        droplet_acceptance: of droplet moves, None without them.
        bias_order: power of the step in the bias of the local dynamics, None if it has none or is no dynamics.
        exact: whether the local dynamics has no bias by construction.
    """

    results: dict[str, Any]
    energy: np.ndarray
    virial: dict[str, np.ndarray]
    temperature: dict[str, np.ndarray] | None
    diverged: np.ndarray
    ensemble: ensemble.EnsembleRun
    exchange: ExchangeReport | None
    droplet_acceptance: float | None
    steps_per_call: int = eqx.field(static=True)
    bias_order: int | None = eqx.field(static=True)
    exact: bool = eqx.field(static=True)

    def certificate(self, layout: Layout, order_parameters: Mapping[str, np.ndarray]) -> Certificate:
        """The evidence of equilibrium, from series (entry, record) of the order parameters."""
        return certify(
            layout,
            order_parameters,
            self.energy,
            self.virial,
            self.temperature,
            self.diverged,
            bias_order=self.bias_order,
            exact=self.exact,
            steps_per_record=self.steps_per_call * self.ensemble.record_every,
        )


class AbstractRun(eqx.Module):
    """What the runs of all systems have: series of shape (point, member, record), or (member, record)."""

    layout: eqx.AbstractVar[Layout]
    series: eqx.AbstractVar[dict[str, Any]]
    diverged: eqx.AbstractVar[np.ndarray]
    ensemble: eqx.AbstractVar[ensemble.EnsembleRun]

    def without_states(self):
        """A copy without the networks' last states, small enough for a file."""
        return eqx.tree_at(lambda run: run.ensemble.states, self, None)

    @property
    def equipartition(self) -> dict[str, Estimate]:
        r"""$\langle\theta\cdot\nabla U\rangle/\dim$ of every layer; 1 in equilibrium."""
        return {name: self.estimate(values) for name, values in self.series["virial"].items()}

    def estimate(self, series: np.ndarray) -> Estimate:
        """Mean and error of a series (..., member, record)."""
        return self.layout.estimate(series.mean(axis=-1), self.diverged)


def layout_of(
    system: PyTree,
    sampler: AbstractSampler,
    num_members: int,
    num_datasets: int | None,
    num_witnesses: int | None,
    exchange: ReplicaExchange | None,
) -> tuple[PyTree, Layout]:
    """The system, swept over the ladder if there is one, and its layout with the witnesses that make sense.

    Raises:
        ValueError: a ladder is asked for on top of a sweep, or a size is wrong.
    """
    roles = (OTHER_START,) + ((HALF_STEP,) if isinstance(sampler, AbstractLangevin) else ())
    if exchange is not None:
        shape = np.broadcast_shapes(*(leaf.shape for leaf in jax.tree.leaves(system)))
        if shape:
            raise argument_error(
                "system", "a single point when replicas are exchanged: the ladder is the sweep", shape, "Loop over it."
            )
        system = eqx.tree_at(lambda s: s.noise_variance, system, exchange.noise_variances)
    layout = Layout.of(
        system, num_members, num_datasets, roles=roles, num_witnesses=num_witnesses, ladder=exchange is not None
    )
    return system, layout


def sample(
    key: Key[Array, ""],
    layout: Layout,
    sampler: AbstractSampler,
    target: Any,
    positions: PyTree,
    observables: Mapping[str, AbstractObservable],
    *,
    num_steps: int,
    warmup: int | None = None,
    record_every: int | None = None,
    exchange: ReplicaExchange | None = None,
    with_droplets: Callable[[AbstractSampler], WithDropletMoves] | None = None,
    **options: Any,
) -> Sample:
    """Run an ensemble.

    Args:
        key: random key of the dynamics.
        layout: points, members and witnesses.
        sampler: the local dynamics; leaves are scalars or have shape (point,).
        target: posteriors with leading axis entry.
        positions: likewise.
        observables: what to measure on one network; energy, virial and temperature are measured always.
        num_steps: Langevin steps in all.
        warmup: steps before the first record, a third of them unless given. Half-way an automatic step is chosen again.
        record_every: Langevin steps between records.
        exchange: the ladder that the points of the layout are.
        with_droplets: adds droplet moves to the local dynamics.
        **options: further arguments of `ensemble.run`.

    Raises:
        ValueError: the step is unstable at the first positions, or no member of some point survived.
    """
    step_key, run_key = jax.random.split(key)
    num_steps = check_whole("num_steps", num_steps)
    warmup = num_steps // 3 if warmup is None else warmup
    automatic = isinstance(sampler, AbstractLangevin) and sampler.step_size is None
    swept = lambda leaf: bool(layout.shape) and jnp.shape(leaf) == layout.shape
    given: Any = jax.tree.map(lambda leaf: layout.repeat(leaf) if swept(leaf) else leaf, sampler)

    def assemble(positions):
        local = _with_automatic_step(step_key, given, layout, target, positions) if automatic else given
        local = _with_half_steps(local, layout)
        dynamics = local if with_droplets is None else with_droplets(local)
        if exchange is None:
            return local, dynamics
        rounds = max(1, round(exchange.every / steps_per_call(dynamics)))
        ladder = jnp.broadcast_to(exchange.noise_variances, (layout.per_point, layout.num_points))
        return local, WithReplicaExchange(_by_ladder(dynamics, layout), ladder, rounds)

    local, assembled = assemble(positions)
    if not automatic:
        check_step_size(step_key, local, target, positions, layout.probes(1).ravel())
    measured: dict[str, AbstractObservable] = {
        **observables,
        "energy": Series(measure_energy),
        "virial": Series(measure_virial),
    }
    if isinstance(local, UnderdampedLangevin):
        measured["temperature"] = Series(measure_temperature)
    start, energies = positions, target
    if exchange is not None:
        measured = {name: PerRung(_by_ladder(each, layout)) for name, each in measured.items()}
        start = _by_ladder(positions, layout)
        energies = jax.tree.map(lambda leaf: leaf[:: layout.num_points] if eqx.is_array(leaf) else leaf, target)

    def adapt(states):
        if exchange is None:
            return assemble(states.position)[1]
        ladders = jax.vmap(lambda state: state.in_order.position)(states)
        return assemble(jax.tree.map(lambda leaf: leaf.reshape(-1, *leaf.shape[2:]), ladders))[1]

    per_call = steps_per_call(assembled)
    calls = lambda steps: -(-steps // per_call)
    run = ensemble.run(
        run_key,
        assembled,
        energies,
        start,
        num_steps=calls(num_steps),
        warmup=calls(warmup),
        record_every=None if record_every is None else calls(record_every),
        observables=measured,
        adapt=adapt if automatic else None,
        **options,
    )
    diverged = run.diverged if exchange is None else np.repeat(run.diverged, layout.num_points)
    layout.check_survivors(layout.fold(diverged), local)
    results = dict(run.results)
    layers = lambda tree: {layer_name(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(tree)}
    energy, virial = results.pop("energy"), layers(results.pop("virial"))
    temperature = layers(results.pop("temperature")) if "temperature" in results else None
    return Sample(
        results=results,
        energy=energy,
        virial=virial,
        temperature=temperature,
        diverged=diverged,
        ensemble=eqx.tree_at(lambda r: r.results, run, {}),
        exchange=None if exchange is None else ExchangeReport.of(exchange, run.states),
        droplet_acceptance=None if with_droplets is None else _droplet_acceptance(run.states),
        steps_per_call=per_call,
        bias_order=local.bias_order if isinstance(local, AbstractLangevin) else None,
        exact=isinstance(local, MALA),
    )


def steps_per_call(sampler: AbstractSampler) -> int:
    """Langevin steps in one step of a sampler that may be wrapped in moves."""
    if isinstance(sampler, WithDropletMoves | WithReplicaExchange):
        return sampler.every * steps_per_call(sampler.sampler)
    return 1


def _droplet_acceptance(state: Any) -> float:
    state = getattr(state, "replicas", state)
    return float(np.sum(np.asarray(state.accepted)) / max(1, np.sum(np.asarray(state.tried))))


def _with_automatic_step(key, sampler: AbstractLangevin, layout: Layout, target: Any, positions: PyTree) -> Any:
    """A safe fraction of the largest stable step of a few members of every point."""
    probes = layout.probes(PROBES)
    limits = stability_limits(key, sampler, target, positions, probes.ravel()).reshape(probes.shape)
    step = np.minimum(sampler.safe_fraction * limits.min(axis=1), LARGEST_AUTOMATIC_STEP)
    if not np.isfinite(step).all():
        raise argument_error("step_size", "given", "no curvature at the first positions", "Start from finite energies.")
    return eqx.tree_at(lambda s: s.step_size, sampler, layout.repeat(jnp.asarray(step)), is_leaf=_is_none)


def _with_half_steps(sampler: AbstractSampler, layout: Layout) -> Any:
    """Half the step for the witnesses whose role it is."""
    if HALF_STEP not in layout.roles or not isinstance(sampler, AbstractLangevin):
        return sampler
    factor = jnp.where(layout.has_role(HALF_STEP), 0.5, 1.0)
    return eqx.tree_at(lambda s: s.step_size, sampler, factor * sampler.step_size)


def _by_ladder(tree: PyTree, layout: Layout) -> PyTree:
    """Arrays (entry, ...) as (ladder, rung, ...)."""
    fold = lambda leaf: leaf.reshape(layout.per_point, layout.num_points, *leaf.shape[1:])
    return jax.tree.map(lambda leaf: fold(leaf) if eqx.is_array(leaf) and leaf.ndim else leaf, tree)


def _is_none(leaf: Any) -> bool:
    return leaf is None
