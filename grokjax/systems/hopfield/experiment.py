r"""The road of simulation: block Gibbs sampling of random memories, started at a stored pattern.

Members are independent draws of the patterns, so errors over members are errors over the disorder. Each member runs a
few replicas on the same patterns: their overlap $N^{-1}\sum_i s_i^as_i^b$ is a distribution, and
$q=N^{-1}\sum_i\langle s_i^a\rangle\langle s_i^b\rangle$ has no bias from finite averaging. A sweep over load or
temperature is more members in the same compiled call. Nothing here knows the theory.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ... import ensemble, statistics
from ..._checks import argument_error, check_at_least, check_positive, check_whole, is_concrete
from ...evidence.statistics import Estimate
from ...observables import Counts, Histogram, RunningMoments, Series
from ...samplers.gibbs import BlockGibbs, GibbsState
from ...sweeps import Layout
from .order_parameters import OrderParameters
from .system import AssociativeMemory, BipartiteNetwork, draw_patterns


NUM_BINS = 200


class Run(eqx.Module):
    """Order parameters of an ensemble of memories with their errors, and how they were obtained.

    For a sweep over loads or temperatures of shape (point,) every estimate has that shape; series have shape
    (point, member, record, ...), or (member, record, ...) for a single system.

    Attributes:
        system: what was simulated; its load is that of the whole number of patterns.
        magnetisation: overlap with the pattern that was stored first, averaged over records and replicas.
        overlap: $q$ between the time averages of two replicas; nan with one replica.
        coupling_energy: energy of the couplings per spin.
        series: "magnetisation" of each replica, shape (..., record, replica), and "coupling_energy".
        replica_overlap: histogram of the overlap of two replicas at equal times.
        pattern_overlap: histogram of the overlaps with all other patterns, $N^{-1}\\sum_i\\xi_i^\\mu s_i$.
        diverged: members left out.
        num_spins: $N$.
        layout: points x members.
        ensemble: the run itself: plan, timing, last states.
    """

    system: AssociativeMemory
    magnetisation: Estimate
    overlap: Estimate
    coupling_energy: Estimate
    series: dict[str, Any]
    replica_overlap: Counts
    pattern_overlap: Counts
    diverged: np.ndarray
    num_spins: int = eqx.field(static=True)
    layout: Layout
    ensemble: ensemble.EnsembleRun

    @property
    def order_parameters(self) -> OrderParameters:
        """What is compared with theory."""
        return OrderParameters(self.magnetisation, self.overlap, self.coupling_energy)

    @property
    def final_magnetisation(self) -> np.ndarray:
        """Mean over the second half of the records, of each member and replica: shape (..., member, replica)."""
        series = self.series["magnetisation"]
        return series[..., series.shape[-2] // 2 :, :].mean(axis=-2)

    def recalled(self, threshold: float = 0.6) -> Estimate:
        """Fraction of the replicas that end with a magnetisation above `threshold`."""
        return self.layout.estimate((self.final_magnetisation > threshold).mean(axis=-1), self.diverged)

    @property
    def autocorrelation_time(self) -> np.ndarray:
        """Of the magnetisation, in records, pooled over members and replicas after each chain's mean is taken off."""
        series = np.moveaxis(self.series["magnetisation"], -1, -2)
        chains = (series - series.mean(axis=-1, keepdims=True)).reshape(-1, *series.shape[-3:])
        times = [statistics.autocorrelation_time(one.reshape(-1, one.shape[-1])) for one in chains]
        return np.array(times).reshape(self.layout.shape)

    def without_states(self) -> "Run":
        """A copy without the last configurations, small enough for a file."""
        return eqx.tree_at(lambda run: run.ensemble.states, self, None)

    def __str__(self) -> str:
        head = f"{self.ensemble.num_members} memories of {self.num_spins} spins, {self.ensemble.num_steps} sweeps"
        lines = [f"  {name:16s} {getattr(self, name)}" for name in ("magnetisation", "overlap", "coupling_energy")]
        return "\n".join([head, *lines, f"  {'recalled':16s} {self.recalled()}"])


class _Magnetisation(eqx.Module):
    """Overlap of each replica with the first pattern."""

    pattern: Float[Array, "*member spins"]

    def __call__(self, key: Any, state: GibbsState) -> Float[Array, " replicas"]:
        del key
        return state.position @ self.pattern / self.pattern.shape[-1]


class _PatternOverlaps(eqx.Module):
    """Overlaps of the first replica with the other patterns; where a sweep has fewer, some of them twice."""

    patterns: Array
    num_patterns: Array

    def __call__(self, key: Any, state: GibbsState) -> Float[Array, " patterns"]:
        del key
        overlaps = state.position[0] @ self.patterns.T.astype(state.position.dtype) / self.patterns.shape[-1]
        others = jnp.arange(len(overlaps) - 1) % jnp.maximum(self.num_patterns - 1, 1)
        return overlaps[1 + others]


def _spins(key, state):
    del key
    return state.position


def _energy_per_spin(key, state):
    del key
    return state.energy / state.position.shape[-1]


def _replica_overlap(key, state):
    del key
    return jnp.mean(state.position[0] * state.position[-1])


def simulate(
    key: Key[Array, ""],
    system: AssociativeMemory,
    *,
    num_spins: int = 2000,
    num_members: int = 4,
    num_sweeps: int = 500,
    warmup: int | None = None,
    num_replicas: int = 2,
    corruption: float = 0.0,
    pattern_dtype: Any = jnp.float32,
    dtype: Any = jnp.float32,
    **options: Any,
) -> Run:
    """Recall a stored pattern by Gibbs sampling, in an ensemble of random memories.

    Args:
        key: random key of everything.
        system: load and temperature are numbers or arrays of shape (point,), a sweep in one call.
        num_spins: $N$; the number of patterns is the nearest whole number to load x N.
        num_members: draws of the patterns per point.
        num_sweeps: sweeps in all, each an update of every hidden unit and every spin.
        warmup: sweeps before the first record; two fifths of `num_sweeps` unless given.
        num_replicas: chains per draw of the patterns, which they share.
        corruption: fraction of the spins that start flipped; 1/2 is a random start.
        pattern_dtype: how patterns are stored: `jnp.int8` takes a quarter of the memory, float products are faster.
        dtype: float type of the spins and fields.
        **options: further arguments of `ensemble.run`, such as `progress` or `num_chunks`.

    Returns:
        A `Run`; every estimate has `.mean` and `.error` over draws of the patterns.

    Raises:
        ValueError: fewer than two spins, a load below one pattern, a temperature of zero, or a corruption that is no
            fraction.
    """
    num_spins = check_whole("num_spins", num_spins, 2, "A memory has two spins or more.")
    num_replicas = check_whole("num_replicas", num_replicas)
    num_sweeps = check_whole("num_sweeps", num_sweeps, 2, "Take two sweeps or more.")
    check_positive("temperature", system.temperature, "Sampling needs a temperature above zero.")
    if not (is_concrete(corruption) and 0 <= corruption <= 1):
        raise argument_error("corruption", "a fraction in [0, 1]", corruption, "One half is a random start.")
    layout = Layout.of((system.load, system.temperature), num_members)
    sizes = np.rint(np.asarray(system.load) * num_spins).astype(int)
    check_at_least("load", sizes, 1, f"One pattern in {num_spins} spins is a load of {1 / num_spins:g}.")
    system = system.replace(load=sizes / num_spins)

    pattern_key, start_key, run_key = jax.random.split(key, 3)
    loads, temperatures = layout.members((system.load, system.temperature), dtype)
    num_patterns = jnp.rint(loads * num_spins).astype(int)
    shape = (int(sizes.max()), num_spins, num_replicas)
    draw = lambda pattern_key, start_key, count: _draw(pattern_key, start_key, count, shape, corruption, dtype)
    keys = layout.dataset_keys(pattern_key), layout.member_keys(start_key)
    patterns, positions = jax.vmap(draw)(*keys, num_patterns)
    networks = BipartiteNetwork(
        patterns.astype(pattern_dtype),
        jax.tree.map(lambda leaf: leaf.astype(dtype), system.hidden),
        1 / temperatures,
    )
    observables = {
        "magnetisation": Series(_Magnetisation(patterns[:, 0])),
        "coupling_energy": Series(_energy_per_spin),
        "spins": RunningMoments(_spins),
        "replica_overlap": Histogram(_replica_overlap, -1.0, 1.0, NUM_BINS),
        "pattern_overlap": Histogram(_PatternOverlaps(networks.patterns, num_patterns), -1.0, 1.0, NUM_BINS),
    }
    run = ensemble.run(
        run_key,
        BlockGibbs(),
        networks,
        positions,
        num_steps=num_sweeps,
        warmup=2 * num_sweeps // 5 if warmup is None else warmup,
        observables=observables,
        target_axes=eqx.tree_at(lambda net: (net.patterns, net.hidden, net.beta), networks, (0, None, 0)),
        **{"label": "memories", **options},
    )
    results = {name: layout.fold(run.results[name]) for name in ("magnetisation", "coupling_energy", "spins")}
    counts = lambda name: Counts(layout.fold(run.results[name].counts), run.results[name].edges)
    diverged = layout.fold(run.diverged)
    means = results["spins"].mean
    overlap = (means[..., 0, :] * means[..., -1, :]).mean(axis=-1) if num_replicas > 1 else means[..., 0, 0] * np.nan
    series = {name: results[name] for name in ("magnetisation", "coupling_energy")}
    return Run(
        system=system,
        magnetisation=layout.estimate(series["magnetisation"].mean(axis=(-2, -1)), diverged),
        overlap=layout.estimate(overlap, diverged),
        coupling_energy=layout.estimate(series["coupling_energy"].mean(axis=-1), diverged),
        series=series,
        replica_overlap=counts("replica_overlap"),
        pattern_overlap=counts("pattern_overlap"),
        diverged=diverged,
        num_spins=num_spins,
        layout=layout,
        ensemble=run,
    )


def _draw(pattern_key, start_key, count, shape, corruption, dtype):
    """Patterns, those beyond `count` zero, and replicas that start at the first one with some spins flipped."""
    num_patterns, num_spins, num_replicas = shape
    patterns = draw_patterns(pattern_key, num_patterns, num_spins, dtype)
    flipped = jax.random.uniform(start_key, (num_replicas, num_spins)) < corruption
    start = jnp.where(flipped, -patterns[:1], patterns[:1])
    return jnp.where(jnp.arange(num_patterns)[:, None] < count, patterns, 0), start
