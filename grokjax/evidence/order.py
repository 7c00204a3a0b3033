r"""Is the transition of first order? Two verdicts, one of the neuron and one of the network, each with its evidence.

*Neuron*: $F(q)=-\log p(q)$ of all neurons has two wells, with a barrier between (`grokjax.evidence.profile`).

*Network*: the law of $S$ of each data set, reweighted to the noise where its heat capacity is largest (equal weight of
two phases, if there are two), in units of its standard deviation about its mean. With two phases of equal weight its
density is lower in the middle than at $\pm1$: the valley $1-h(0)/\min h(\pm1)$ is positive, 1 if it is empty, and
$1-\sqrt e=-0.65$ for a Gaussian. Data sets are never pooled before: they differ in $S$, which fakes double peaks. With
several sizes $n$, $C_{\max}/n\sim n^x$ with $x=1$ at a first-order transition, saturates ($x\to0$) at a continuous one,
where the slope $\max|dC/d\ln b|/n$ still grows, and neither grows at a crossover.

References:
    Binder, Rep. Prog. Phys. 60, 487 (1997), for distributions and cumulants at both kinds of transition.
"""

from collections.abc import Sequence
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from .._checks import argument_error
from .dataset_estimate import DatasetEstimate
from .free_energy import FreeEnergy
from .power_law import power_law
from .profile import STANDARD_ERRORS, barrier_at_equal_depth, profiles
from .statistics import Estimate


LOWEST_BARRIER = 2.0  # nats; lower ones are crossed in no time
NUM_POINTS = 96  # noises between the ends of the ladder at which the heat capacity is looked at
BANDWIDTH = 0.25  # of densities of S, in standard deviations
FIRST_ORDER, CONTINUOUS, CROSSOVER, ONE_WELL, NOT_RESOLVED = (
    "first order",
    "continuous",
    "crossover",
    "one well at this size",
    "not resolved",
)


class Verdict(eqx.Module):
    """A verdict in words, and what it rests on.

    Attributes:
        text: one of the five above.
        reason: why, in words with numbers.
        evidence: numbers and estimates by name.

    Examples:
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with 2 n weights
        >>> draw = lambda n: np.random.default_rng(n).gamma(n, scale, size=(3, 1, 8, 500))
        >>> frees = [grokjax.FreeEnergy.of(noise, draw(n), num_samples=n) for n in (4, 16)]
        >>> verdict = grokjax.order_of_transition(frees).network
        >>> verdict.text, round(float(verdict.evidence["capacity_exponent"].mean), 1)  # it does not grow with the size
        ('crossover', 0.0)
    """

    text: str = eqx.field(static=True)
    reason: str = eqx.field(static=True)
    evidence: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.text}: {self.reason}"

    __repr__ = __str__


class OrderOfTransition(eqx.Module):
    """Both verdicts, and the curves behind them.

    Attributes:
        neuron: of one neuron.
        network: of the whole network.
        sizes: what was looked at, one entry per free energy.

    Examples:
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with 2 n weights
        >>> draw = lambda n: np.random.default_rng(n).gamma(n, scale, size=(3, 1, 8, 500))
        >>> frees = [grokjax.FreeEnergy.of(noise, draw(n), num_samples=n) for n in (4, 16)]
        >>> found = grokjax.order_of_transition(frees)
        >>> found.network.text, found.neuron.reason
        ('crossover', 'the run keeps no histogram "q" of its neurons')
    """

    neuron: Verdict
    network: Verdict
    sizes: tuple["SizeEvidence", ...]

    def __repr__(self) -> str:
        return f"neuron:  {self.neuron}\nnetwork: {self.network}"


class SizeEvidence(eqx.Module):
    """What the ladder says at one size.

    Attributes:
        size: number of samples.
        capacity: $C_{\\max}/n$ inside of the ladder.
        slope: $\\max|dC/d\\ln b|/n$.
        peak: $\\sigma^2$ of the largest heat capacity, per data set.
        inside: whether the peak is inside of the ladder, share of data sets.
        valley: $1-h(0)/\\min h(\\pm1)$.
        latent_heat: per sample, between the halves of the law of $S$ at the peak; means nothing without a valley.
        binder: smallest $1-\\langle S^4\\rangle/3\\langle S^2\\rangle^2$ over the ladder.
        kurtosis: of $S$ on every rung.
        positions: of the density below, in standard deviations about the mean.
        density: of $S$ at the peak, standardised, mean over data sets and its error.

    Examples:
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with eight weights
        >>> energies = np.random.default_rng(0).gamma(4.0, scale, size=(3, 1, 8, 500))
        >>> free = grokjax.FreeEnergy.of(noise, energies, num_samples=20)
        >>> found = grokjax.order_of_transition(free).sizes[0]
        >>> found.size, float(found.positions[found.density.mean.argmax()])  # the law of S peaks below its mean
        (20, -0.5)
    """

    size: int = eqx.field(static=True)
    capacity: DatasetEstimate
    slope: DatasetEstimate
    peak: DatasetEstimate
    inside: float
    valley: DatasetEstimate
    latent_heat: DatasetEstimate
    binder: DatasetEstimate
    kurtosis: DatasetEstimate
    positions: np.ndarray
    density: DatasetEstimate


def order_of_transition(free_energies: FreeEnergy | Sequence[FreeEnergy]) -> OrderOfTransition:
    """The order of the transition over the noise, of the neuron and of the network.

    Args:
        free_energies: of one size, or of several; growth with the size tells a continuous transition from a crossover,
            so with a single one a network without two phases is not resolved.

    Raises:
        ValueError: no free energy, two of one size, or one that does not know its number of samples.

    Examples:
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with 2 n weights
        >>> draw = lambda n: np.random.default_rng(n).gamma(n, scale, size=(3, 1, 8, 500))
        >>> frees = [grokjax.FreeEnergy.of(noise, draw(n), num_samples=n) for n in (4, 16)]
        >>> grokjax.order_of_transition(frees[0]).network.text, grokjax.order_of_transition(frees).network.text
        ('not resolved', 'crossover')
    """
    given = (free_energies,) if isinstance(free_energies, FreeEnergy) else tuple(free_energies)
    sizes = [each.num_samples for each in given]
    if not given or None in sizes or len(set(sizes)) < len(sizes):
        raise argument_error(
            "free_energies", "one or more of different known sizes", sizes, "Set num_samples, or pool the ladders."
        )
    given = tuple(sorted(given, key=lambda each: each.num_samples or 0))
    evidence = tuple(size_evidence(each) for each in given)
    neurons = [neuron_verdict(each) for each in given]
    first = [verdict for verdict in neurons if verdict.text == FIRST_ORDER]
    return OrderOfTransition((first or neurons)[-1], network_verdict(evidence), evidence)


def network_verdict(sizes: Sequence[SizeEvidence]) -> Verdict:
    """From what the ladders of one or several sizes say.

    Args:
        sizes: smallest first.

    Examples:
        >>> from grokjax.evidence.order import network_verdict, size_evidence
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with eight weights
        >>> energies = np.random.default_rng(0).gamma(4.0, scale, size=(3, 1, 8, 500))
        >>> free = grokjax.FreeEnergy.of(noise, energies, num_samples=20)
        >>> network_verdict([size_evidence(free)]).text  # by a single size
        'not resolved'
    """
    largest = sizes[-1]
    valley = largest.valley.estimate
    evidence: dict[str, Any] = {"valley": valley, "latent_heat": largest.latent_heat.estimate, "size": largest.size}
    two_phases = bool(valley.mean > STANDARD_ERRORS * valley.error)
    one_phase = bool(valley.mean < -STANDARD_ERRORS * valley.error)
    peaks = f"S has {'two peaks' if two_phases else 'one peak' if one_phase else 'one or two peaks'} per data set"
    seen = f"{peaks} (valley {valley} at n = {largest.size})"
    at_an_end = 1 - min(each.inside for each in sizes)
    if at_an_end:
        seen += f", heat capacity largest at an end of the ladder for {at_an_end:.0%} of the data sets of a size"
    if len(sizes) == 1:
        if two_phases:
            heat = Estimate(largest.latent_heat.mean, largest.latent_heat.error)
            return Verdict(FIRST_ORDER, f"{seen}, latent heat {heat} per sample; growth not tested, one size", evidence)
        return Verdict(NOT_RESOLVED, f"{seen}; one size cannot tell a continuous transition from none", evidence)
    growth = exponent([each.size for each in sizes], [each.capacity for each in sizes])
    steeper = exponent([each.size for each in sizes], [each.slope for each in sizes])
    evidence |= {"capacity_exponent": growth, "slope_exponent": steeper}
    grown = f"C_max/n ~ n^x with x = {growth}, max|dC/dln b|/n with {steeper}"
    above = lambda estimate, bound: estimate.mean - STANDARD_ERRORS * estimate.error > bound
    below = lambda estimate, bound: estimate.mean + STANDARD_ERRORS * estimate.error < bound
    if two_phases and above(growth, 0.0) and growth.mean > 0.5:
        return Verdict(FIRST_ORDER, f"{seen}, {grown}", evidence)
    if one_phase and below(growth, 1.0) and above(steeper, 0.0):
        return Verdict(CONTINUOUS, f"kink of the energy: {seen}, {grown}", evidence)
    if one_phase and below(growth, 0.25) and below(steeper, 0.25):
        return Verdict(CROSSOVER, f"{seen}, {grown}", evidence)
    return Verdict(NOT_RESOLVED, f"{seen}, {grown}", evidence)


def exponent(sizes: Sequence[int], values: Sequence[DatasetEstimate]) -> Estimate:
    """The exponent of a power of the size; with two sizes the slope between them.

    Averages over data sets are geometric: a few data sets have a target many times as strong as the others.

    Args:
        sizes: two or more.
        values: above zero, with errors.

    Examples:
        >>> from grokjax.evidence.order import exponent
        >>> values = [grokjax.evidence.DatasetEstimate.of([[0.9 * value], [1.1 * value]]) for value in (1.0, 4.0)]
        >>> round(float(exponent([10, 20], values).mean), 6)
        2.0
    """
    logs = [np.log(value.per_dataset) for value in values]
    spread = [row.std(ddof=1) / np.sqrt(row.size) if row.size > 1 else np.nan for row in logs]
    relative = [float(value.within / value.mean) for value in values]
    mean = np.exp([row.mean() for row in logs])
    error = mean * np.where(np.isnan(spread), relative, spread)
    if len(sizes) > 2:
        return power_law(np.asarray(sizes, float), mean, np.minimum(error, 0.99 * mean)).exponent
    reach = np.log(sizes[1] / sizes[0])
    return Estimate(np.log(mean[1] / mean[0]) / reach, np.hypot(*(error / mean)) / reach)


def size_evidence(free: FreeEnergy) -> SizeEvidence:
    """What the ladder of one size says.

    Args:
        free: with the number of samples known.

    Examples:
        >>> from grokjax.evidence.order import size_evidence
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with eight weights
        >>> energies = np.random.default_rng(0).gamma(4.0, scale, size=(3, 1, 8, 500))
        >>> free = grokjax.FreeEnergy.of(noise, energies, num_samples=20)
        >>> found = size_evidence(free)
        >>> bool(found.valley.mean < 0), found.inside  # one peak; the heat capacity grows up to the cold end
        (True, 0.0)
    """
    b = np.geomspace(1 / free.noise_variance.max(), 1 / free.noise_variance.min(), NUM_POINTS)
    with jax.enable_x64(True):
        averages = free.ladder.averages(jnp.asarray(b))
        capacity = b**2 * np.asarray(averages.variance)
        slope = 2 * capacity - b**3 * np.asarray(averages.third)  # dC/d ln b
        at = capacity.argmax(axis=-1)
        positions, density, latent = _at_peak(free, jnp.asarray(b[at]))
        on_rungs = free.ladder.averages(jnp.asarray(1 / free.noise_variance))
    points = {float(x): i for i, x in enumerate(positions)}
    ends = np.minimum(density[..., points[-1.0]], density[..., points[1.0]])
    mean, variance, third, fourth = (np.asarray(each) for each in averages[1:5])
    raw = fourth + 4 * mean * third + 6 * mean**2 * variance + mean**4
    binder = (1 - raw / (3 * (variance + mean**2) ** 2)).min(axis=-1)
    kurtosis = np.asarray(on_rungs.fourth / on_rungs.variance**2)
    n = free.num_samples or 1
    return SizeEvidence(
        n,
        DatasetEstimate.of(capacity.max(axis=-1) / n),
        DatasetEstimate.of(np.abs(slope).max(axis=-1) / n),
        DatasetEstimate.of(1 / b[at]),
        float(np.mean((at[:, 0] > 0) & (at[:, 0] < NUM_POINTS - 1))),
        DatasetEstimate.of(1 - density[..., points[0.0]] / ends),
        DatasetEstimate.of(latent / n),
        DatasetEstimate.of(binder),
        DatasetEstimate.of(kurtosis),
        positions,
        DatasetEstimate.of(density),
    )


def _at_peak(free: FreeEnergy, inverse_noise: Array) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised density of S at each data set's own noise, and the distance of its halves' means."""
    positions = np.arange(-14, 15) / 4
    density, latent = _density(free.ladder, inverse_noise, jnp.asarray(positions))
    return positions, np.asarray(density), np.asarray(latent)


@eqx.filter_jit
def _density(ladder, inverse_noise, positions):
    def one(index):
        dataset, version = index // inverse_noise.shape[1], index % inverse_noise.shape[1]
        energies = ladder.energies[dataset]
        weights = -inverse_noise[dataset, version] * energies - ladder.log_mixture[dataset, version]
        share = jax.nn.softmax(jnp.where(ladder.block == version - 1, -jnp.inf, weights))
        mean = share @ energies
        deviation = jnp.sqrt(share @ (energies - mean) ** 2)
        x = (energies - mean) / deviation
        kernel = jnp.exp(-(((positions[:, None] - x[None]) / BANDWIDTH) ** 2) / 2)
        hot = share * (x > 0)
        cold = share - hot
        heat = hot @ energies / hot.sum() - cold @ energies / cold.sum()
        return kernel @ share / (BANDWIDTH * jnp.sqrt(2 * jnp.pi)), heat

    density, heat = jax.lax.map(one, jnp.arange(inverse_noise.size))
    return density.reshape(*inverse_noise.shape, -1), heat.reshape(inverse_noise.shape)


def neuron_verdict(free: FreeEnergy) -> Verdict:
    """Whether one neuron has two wells with a barrier between, on some rung.

    Args:
        free: of one size.

    Examples:
        >>> from grokjax.evidence.order import neuron_verdict
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> neuron_verdict(grokjax.free_energy(run)).text
        'one well at this size'
    """
    if free.neurons is None:
        return Verdict(NOT_RESOLVED, 'the run keeps no histogram "q" of its neurons', {})
    found = [each for each in profiles(free) if each.has_two_wells]
    if not found:
        return Verdict(ONE_WELL, f"-log p(q) has one resolved minimum on every rung at n = {free.num_samples}", {})
    best = min(found, key=lambda each: abs(each.tilt))
    barrier = barrier_at_equal_depth(found)
    evidence = {"barrier": barrier, "side": best.side, "saddle": best.saddle, "noise_variance": best.noise_variance}
    seen = (
        f"barrier {barrier} nats at equal depth, saddle at q = {best.saddle:.2f}, side well at {best.side:.2f}, "
        f"noise {best.noise_variance:.3g} (wells apart by {abs(best.tilt):.2g} nats there), n = {free.num_samples}"
    )
    resolved = barrier.mean > STANDARD_ERRORS * barrier.error
    if resolved and barrier.mean > LOWEST_BARRIER:
        return Verdict(FIRST_ORDER, f"two wells, {seen}", evidence)
    if barrier.mean + barrier.error < LOWEST_BARRIER or not resolved:
        return Verdict(ONE_WELL, f"no barrier above {LOWEST_BARRIER:g} nats that is resolved: {seen}", evidence)
    return Verdict(NOT_RESOLVED, seen, evidence)
