r"""The profile of one neuron on a ladder, $F(q)=-\log p(q)$ of all neurons; its wells and the barrier between.

It is folded over $q\to-q$ unless one sign is preferred.

The barrier between a centre and a side well is taken where both are equally deep: between the two rungs next to that,
or (to first order in the tilt) as the mean of what is climbed from either side on the rung that comes closest,
$B=[F(q_{\rm saddle})-F(q_{\rm centre})+F(q_{\rm saddle})-F(q_{\rm side})]/2$.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import equinox as eqx
import numpy as np

from .._checks import argument_error
from ..observables import Counts
from .free_energy import FreeEnergy
from .statistics import LARGEST_Z, Estimate, jackknife


STANDARD_ERRORS = 3.0  # beyond which something is resolved
FEWEST = 30.0  # neurons a bin, where the tails of a profile end
LOPSIDED = 0.5  # share of neurons beyond which one sign of q is preferred, and a profile is not folded


class Profile(eqx.Module):
    r"""$F(q)=-\log p(q)$ of all neurons of one rung, and its wells.

    Attributes:
        noise_variance: of the rung.
        positions: $q$, centres of the bins; above zero where the profile is folded.
        values: $F$ there, zero at its minimum, and the error over groups of data sets; infinite where no neuron was
            seen.
        centre, saddle, side: positions of the wells and of the barrier between; nan where there is one well.
        from_centre: barrier as climbed from the centre.
        from_side: as climbed from the side well.
        barrier: at equal depth of the wells, the mean of both.

    Examples:
        >>> from grokjax.evidence.profile import profile_of
        >>> q = (np.arange(160) - 79.5) / 40
        >>> counts = np.tile(np.exp(9 - 64 * q**2 * (1 - abs(q)) ** 2), (8, 1))  # four nats between wells at 0 and 1
        >>> profile = profile_of(1.0, grokjax.observables.Counts(counts, -2.0, 2.0))
        >>> profile.has_two_wells, round(float(profile.side), 1), round(float(profile.barrier.mean), 1)
        (True, 1.0, 3.9)
    """

    noise_variance: float
    positions: np.ndarray
    values: Estimate
    centre: float
    saddle: float
    side: float
    from_centre: Estimate
    from_side: Estimate
    barrier: Estimate

    @property
    def tilt(self) -> float:
        """How much deeper the side well is than the centre."""
        return float(self.from_side.mean - self.from_centre.mean)

    @property
    def has_two_wells(self) -> bool:
        """Whether there are two, by a barrier of five errors on either side: hundreds of bins have bumps of three."""
        return all(bool(each.mean > LARGEST_Z * each.error) for each in (self.from_centre, self.from_side))


def profiles(free: FreeEnergy) -> list[Profile]:
    """The profile of a neuron on every rung.

    Args:
        free: of a run that keeps the histogram "q" of its neurons.

    Raises:
        ValueError: the run has no such histogram.

    Examples:
        >>> from grokjax.evidence.profile import profiles
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> [(profile.noise_variance, profile.has_two_wells) for profile in profiles(grokjax.free_energy(run))]
        [(2.0, False), (4.0, False), (8.0, False)]
    """
    if free.neurons is None:
        raise argument_error(
            "free_energies",
            'of runs with a histogram "q" of their neurons',
            "none",
            "See AbstractExperiment.observables.",
        )
    counts = np.asarray(free.neurons.counts)
    return [
        profile_of(float(noise), Counts(rung.reshape(-1, rung.shape[-1]), free.neurons.low, free.neurons.high))
        for noise, rung in zip(free.noise_variance, counts, strict=True)
    ]


def profile_of(noise_variance: float, histogram: Counts) -> Profile:
    """The profile at one noise.

    Args:
        noise_variance: where it was sampled.
        histogram: of the neurons, shape (member, bin).

    Examples:
        >>> from grokjax.evidence.profile import profile_of
        >>> q = (np.arange(160) - 79.5) / 40
        >>> counts = np.tile(np.exp(9 - 64 * q**2 * (1 - abs(q)) ** 2), (8, 1))  # four nats between wells at 0 and 1
        >>> profile = profile_of(1.0, grokjax.observables.Counts(counts, -2.0, 2.0))
        >>> profile.positions.shape, round(float(profile.positions[0]), 4)  # folded: both signs are as likely
        ((80,), 0.0125)
    """
    counts, edges = np.asarray(histogram.counts, float), np.asarray(histogram.edges)
    positions, half = (edges[1:] + edges[:-1]) / 2, counts.shape[-1] // 2
    right, left = counts[..., half:], counts[..., half - 1 :: -1]
    if abs(right.sum() - left.sum()) < LOPSIDED * counts.sum():
        positions, counts = positions[half:], right + left
    return profile_on(positions, counts, noise_variance)


def profile_on(positions: np.ndarray, counts: np.ndarray, noise_variance: float, samples: Any = None) -> Profile:
    """From histograms; errors by leaving members out, in groups, and of counting.

    Args:
        positions: $q$ of the bins.
        counts: how often each was taken, shape (member, bin); of any norm if `samples` tell how many were seen.
        noise_variance: where it was sampled.
        samples: that each bin of `counts` is made of, where they are weighted.

    Examples:
        >>> from grokjax.evidence.profile import profile_on
        >>> q = (np.arange(160) - 79.5) / 40
        >>> counts = np.tile(np.exp(9 - 64 * q**2 * (1 - abs(q)) ** 2), (8, 1))  # four nats between wells at 0 and 1
        >>> profile_on(q[80:], counts[:, 80:], noise_variance=1.0).has_two_wells
        True
    """
    samples, least = (counts, 0.5 / len(counts)) if samples is None else (samples, np.finfo(float).tiny)
    minus_log = lambda mean: -np.log(np.maximum(mean, least))  # nothing seen: half a neuron in all
    seen, total = samples.any(axis=0), minus_log(counts.mean(axis=0))
    groups = np.stack([part.mean(axis=0) for part in np.array_split(counts, min(8, len(counts)))])
    smooth = lambda row: np.convolve(row, np.ones(3) / 3, mode="same")[1:-1]
    often = smooth(samples.sum(axis=0))
    inside = np.flatnonzero(often >= min(FEWEST, often.max()))  # the tails are bumps of a few neurons
    wells = highest_barrier(smooth(total)[inside[0] : inside[-1] + 1])
    many = jackknife(minus_log, groups).error if len(groups) > 1 else np.full_like(total, np.nan)
    values = Estimate(np.where(seen, total - total.min(), np.inf), many)
    if wells is None:
        nothing = Estimate(np.nan, np.nan)
        return Profile(noise_variance, positions, values, np.nan, np.nan, np.nan, nothing, nothing, nothing)
    centre, saddle, side = (index + inside[0] + 1 for index in wells)
    window = lambda index: slice(max(index - 1, 0), index + 2)

    def climbs(mean):
        level = [minus_log(mean[window(index)].mean()) for index in (centre, saddle, side)]
        return np.array([level[1] - level[0], level[1] - level[2], level[1] - (level[0] + level[2]) / 2])

    found = jackknife(climbs, groups) if len(groups) > 1 else Estimate(climbs(groups[0]), np.zeros(3))
    neurons = [max(samples[:, window(index)].sum(), 1.0) for index in (saddle, centre, side)]
    poisson = np.sqrt(1 / neurons[0] + np.array([1 / neurons[1], 1 / neurons[2], 0.0]))  # at the very least
    each = [Estimate(found.mean[i], np.hypot(found.error[i], poisson[i])) for i in range(3)]
    return Profile(noise_variance, positions, values, *(positions[[centre, saddle, side]]), *each)


def highest_barrier(f: np.ndarray) -> tuple[int, int, int] | None:
    """The top that stands highest above the lowest values on both of its sides: indices left, top, right; or None.

    Examples:
        >>> from grokjax.evidence.profile import highest_barrier
        >>> highest_barrier(np.array([0.0, 1.0, 0.5, 3.0, 2.0])), highest_barrier(np.array([2.0, 1.0, 3.0]))
        ((0, 3, 4), None)
    """
    height = f - np.maximum(np.minimum.accumulate(f), np.minimum.accumulate(f[::-1])[::-1])
    top = int(np.argmax(height))
    if not height[top] > 0:
        return None
    return int(np.argmin(f[:top])), top, top + int(np.argmin(f[top:]))


def barrier_at_equal_depth(found: Sequence[Profile]) -> Estimate:
    """Between the two neighbouring rungs at which the deeper well changes; else on the rung of the smallest tilt.

    Args:
        found: profiles with two wells, along the ladder.

    Examples:
        >>> from grokjax.evidence.profile import barrier_at_equal_depth, profile_on
        >>> q = (np.arange(160) - 79.5) / 40
        >>> counts = np.tile(np.exp(9 - 64 * q**2 * (1 - abs(q)) ** 2), (8, 1))  # four nats between wells at 0 and 1
        >>> tilted = [profile_on(q[80:], (counts * np.exp(tilt * q))[:, 80:], 1.0) for tilt in (-0.5, 0.5)]
        >>> [bool(profile.tilt > 0) for profile in tilted], round(float(barrier_at_equal_depth(tilted).mean), 1)
        ([False, True], 3.9)
    """
    for one, other in itertools.pairwise(found):
        if one.tilt * other.tilt <= 0 and one.tilt != other.tilt:
            share = one.tilt / (one.tilt - other.tilt)
            mean = (1 - share) * one.barrier.mean + share * other.barrier.mean
            return Estimate(mean, np.hypot((1 - share) * one.barrier.error, share * other.barrier.error))
    return min(found, key=lambda each: abs(each.tilt)).barrier
