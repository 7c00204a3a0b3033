r"""The road of simulation: block Gibbs sampling of random memories, started at a stored pattern.

Members are independent draws of the patterns, so errors over members are errors over the disorder. Each member runs a
few replicas on the same patterns: their overlap $N^{-1}\sum_i s_i^as_i^b$ is a distribution, and
$q=N^{-1}\sum_i\langle s_i^a\rangle\langle s_i^b\rangle$ has no bias from finite averaging. A sweep over load or
temperature is more members in the same compiled call. Nothing here knows the theory.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ..._checks import argument_error, check_at_least, check_fraction, check_positive, check_whole
from ..._tree import drawn_flat
from ...driver import door
from ...evidence.statistics import Estimate
from ...experiment import AbstractExperiment, Problem, Settings
from ...observables import Histogram, RunningMoments
from ...results import Run
from ...samplers.gibbs import BlockGibbs, GibbsState
from .order_parameters import OrderParameters
from .system import AssociativeMemory, BipartiteNetwork, draw_patterns


NUM_BINS = 200
NEARBY = 0.05  # of the spins are flipped for witnesses: more than fluctuate, and far less than leaves a basin


def _as_fraction(value: Any) -> np.ndarray:
    # A leaf, so that runs from other starts share a compiled program.
    return np.asarray(value, float) if isinstance(value, int | float | np.ndarray | np.generic) else value


def _as_dtype(value: Any) -> Any:
    try:
        return jnp.dtype(value).name if value is not None else ()
    except TypeError:
        return (value,)


class Memories(AbstractExperiment):
    """Random memories that recall their first pattern; one step is a sweep over all hidden units and all spins.

    Starts: "pattern" (the first one, corrupted as asked for) and "nearby" (the same with a twentieth of the spins
    flipped beside). From far away a memory may sit in another state by right; from nearby it comes back to the state of
    its pattern if there is one, or else is in none that lasts: so equilibrium within a state has its evidence, too.

    Attributes:
        num_spins: $N$; the number of patterns is the nearest whole number to load x N.
        num_replicas: chains per draw of the patterns, which they share.
        corruption: fraction of the spins that start flipped; 1/2 is a random start.
        pattern_dtype: how patterns are stored: "int8" takes a quarter of the memory, float products are faster.
        max_patterns: rows of patterns, those beyond the load of a point zero. As many as the largest load of a sweep
            needs; ask for more to share a compiled program with a run at a larger load.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> experiment = hop.Memories(num_spins=100, corruption=0.2)
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> run = grokjax.simulate(jax.random.key(0), memory, experiment, num_members=2, num_steps=24, progress=False)
        >>> run.series.magnetisation.shape[0], run.series.magnetisation.shape[-1]  # members, replicas
        (2, 2)
    """

    systems = AssociativeMemory
    num_members = 4
    num_steps = 500
    warmup_share = 0.4

    num_spins: int = eqx.field(static=True, default=2000)
    num_replicas: int = eqx.field(static=True, default=2)
    corruption: Any = eqx.field(converter=_as_fraction, default=0.0)
    pattern_dtype: str = eqx.field(static=True, converter=_as_dtype, default="float32")
    max_patterns: int = eqx.field(static=True, default=0)

    def __check_init__(self):
        check_whole("num_spins", self.num_spins, 2, "A memory has two spins or more.")
        check_whole("num_replicas", self.num_replicas)
        check_whole("max_patterns", self.max_patterns, 0)
        check_fraction("corruption", self.corruption, remedy="One half is a random start.")
        if not isinstance(self.pattern_dtype, str):
            raise argument_error("pattern_dtype", "a type of numbers", self.pattern_dtype, 'Try "int8" or "float32".')

    def prepared(self, system: AssociativeMemory, settings: Settings) -> tuple["Memories", AssociativeMemory, Settings]:
        """Loads of whole numbers of patterns, and room for the largest.

        Raises:
            ValueError: a load below one pattern, or a temperature of zero.
        """
        check_positive("temperature", system.temperature, "Sampling needs a temperature above zero.")
        counts = np.rint(np.asarray(system.load) * self.num_spins).astype(int)
        remedy = f"One pattern in {self.num_spins} spins is a load of {1 / self.num_spins:g}."
        check_at_least("load", counts, 1, remedy)
        roomy = dataclasses.replace(self, max_patterns=max(self.max_patterns, int(counts.max())))
        return roomy, system.replace(load=counts / self.num_spins), settings

    def draw(self, data_key: Key[Array, ""], start_key: Key[Array, ""], system: AssociativeMemory) -> Problem:
        """Patterns, and replicas at the first of them with some spins flipped."""
        dtype, num_patterns = system.load.dtype, jnp.rint(system.load * self.num_spins).astype(int)
        patterns = draw_patterns(data_key, self.max_patterns, self.num_spins, dtype)
        each_spin = self.num_replicas, self.num_spins
        flipped = drawn_flat(jax.random.uniform, start_key, each_spin, float) < self.corruption
        start = jnp.where(flipped, -patterns[:1], patterns[:1])
        aside = drawn_flat(jax.random.uniform, jax.random.fold_in(start_key, 1), each_spin, float) < NEARBY
        stored = jnp.where(jnp.arange(self.max_patterns)[:, None] < num_patterns, patterns, 0)
        hidden = jax.tree.map(lambda leaf: leaf.astype(dtype), system.hidden)
        packed = stored.astype(self.pattern_dtype)
        network = BipartiteNetwork(packed, hidden, 1 / system.temperature, system.field)
        return Problem(network, {"pattern": start, "nearby": jnp.where(aside, -start, start)}, truth=num_patterns)

    def share(self, problem: Problem) -> tuple[Any, ...]:
        """The prior on hidden units."""
        return (problem.target.hidden,)

    def sampler(self, key: Key[Array, ""], system: AssociativeMemory) -> BlockGibbs:
        """Exact draws of one layer given the other."""
        del key, system
        return BlockGibbs()

    def measure(self, key: Key[Array, ""], problem: Problem, state: GibbsState) -> OrderParameters:
        """At one time: the magnetisation of each replica, the overlap of two of them, and the energy per spin."""
        del key
        spins = state.position
        magnetisation = spins @ problem.target.patterns[0].astype(spins.dtype) / self.num_spins
        return OrderParameters(magnetisation, _replica_overlap(None, state), state.energy / self.num_spins)

    def observables(self, problem: Problem) -> dict[str, Any]:
        """Averages of the spins, and histograms of overlaps: of two replicas, and with the patterns not recalled."""
        others = _PatternOverlaps(problem.target.patterns, problem.truth)
        histograms: dict[str, Any] = {"pattern_overlap": others}
        if self.num_replicas > 1:
            histograms["replica_overlap"] = _replica_overlap
        named = {name: Histogram(measure, -1.0, 1.0, NUM_BINS) for name, measure in histograms.items()}
        return {"spins": RunningMoments(_spins), **named}

    def summarise(self, averages: OrderParameters, observed: dict[str, Any]) -> OrderParameters:
        """Means over replicas, and $q$ between the time averages of two."""
        means = observed["spins"].mean
        q = (means[..., 0, :] * means[..., -1, :]).mean(axis=-1)
        overlap = q if self.num_replicas > 1 else np.full_like(q, np.nan)
        return OrderParameters(averages.magnetisation.mean(axis=-1), overlap, averages.coupling_energy)


simulate = door(
    Memories(),
    """Recall a stored pattern by Gibbs sampling, in an ensemble of random memories.

    `simulate(key, system, num_spins=2000, num_members=4, num_steps=500, ...)`: keywords are those of
    `grokjax.simulate` and the fields of `Memories`.

    Args:
        key: random key of everything.
        system: load and temperature are numbers or arrays, a sweep in one call.

    Returns:
        A `Run` of `OrderParameters`, with errors over draws of the patterns. Its system has the loads of whole numbers
        of patterns; `observed` holds the "spins", "replica_overlap" and "pattern_overlap".

    Raises:
        ValueError: a keyword is not known, fewer than two spins, a load below one pattern, a temperature of zero, or a
            corruption that is no fraction.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> run = hop.simulate(jax.random.key(0), memory, num_spins=100, num_members=2, num_steps=24, progress=False)
        >>> run.members.magnetisation.shape
        (2,)
    """,
)


def final_magnetisation(run: Run) -> np.ndarray:
    """Mean over the second half of the records, of each member and replica: shape (*sweep, member, replica).

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> run = hop.simulate(jax.random.key(0), memory, num_spins=100, num_members=2, num_steps=24, progress=False)
        >>> hop.final_magnetisation(run).shape  # member, replica
        (2, 2)
    """
    series = run.series.magnetisation
    return series[..., series.shape[-2] // 2 :, :].mean(axis=-2)


def recalled(run: Run, threshold: float = 0.6) -> Estimate:
    """Fraction of the replicas that end at the pattern.

    Args:
        run: of `Memories`.
        threshold: the final magnetisation that counts as recall.

    Examples:
        >>> from grokjax.systems import hopfield as hop
        >>> memory = hop.AssociativeMemory(load=0.05, temperature=0.3)
        >>> run = hop.simulate(jax.random.key(0), memory, num_spins=100, num_members=2, num_steps=24, progress=False)
        >>> float(hop.recalled(run).mean)
        1.0
    """
    return run.estimate((final_magnetisation(run) > threshold).mean(axis=-1))


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


def _replica_overlap(key, state):
    """Of the first and last replica; nan where there is but one."""
    del key
    overlap = jnp.mean(state.position[0] * state.position[-1])
    return overlap if len(state.position) > 1 else jnp.full_like(overlap, jnp.nan)
