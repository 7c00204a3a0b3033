r"""Samples of a ladder of noises, pooled per data set, and averages of them at any noise inside.

Only the data energy $S$ knows the noise, so with $b=1/\sigma^2$ a sample has the potential $bS$ on every rung, and the
free energies of the rungs, found by MBAR on each data set alone, give every sample a weight at any $b$:

$$ w_n(b)=\frac{e^{-bS_n}}{\sum_kM_ke^{f_k-b_kS_n}},\qquad L(b)=\log\sum_nw_n(b) . $$

Everything is computed once with all samples and once more without each of a few blocks (ladders, where a data set has
several; else stretches of time), which is what a jackknife needs. Records are thinned by the statistical inefficiency
of $S$, the largest over rungs.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from .convergence import autocorrelation_time
from .reweighting import effective_samples, mbar


NUM_BLOCKS = 8


class Averages(NamedTuple):
    """Averages at one inverse noise; arrays of shape (dataset, version, point), the first version being of all samples.

    Attributes:
        log_evidence: $L(b)$.
        energy: $\\langle S\\rangle$.
        variance: of $S$.
        third: third central moment of $S$.
        fourth: fourth central moment of $S$.
        effective: Kish's number of samples.

    Examples:
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with eight weights
        >>> energies = np.random.default_rng(0).gamma(4.0, scale, size=(3, 1, 8, 500))
        >>> free = grokjax.FreeEnergy.of(noise, energies, num_samples=20)
        >>> averages = free.ladder.averages(jnp.array([1.0, 1.5]))
        >>> averages.energy.shape  # data sets; all samples, or without one of eight blocks; points
        (1, 9, 2)
    """

    log_evidence: Array
    energy: Array
    variance: Array
    third: Array
    fourth: Array
    effective: Array


class Ladder(eqx.Module):
    r"""The pooled samples of every data set and their weights.

    Attributes:
        inverse_noise: $b_k$ of the rungs; a last one of zero is the prior.
        energies: $S_n$, shape (dataset, sample).
        origin: rung of each sample.
        block: block of each sample.
        free_energies: $-L(b_k)$ with all samples and without each block.
        log_mixture: of every sample, likewise.
        overlap: of the rungs, per data set.
        status: of each data set's solution, and of those without a block.
        inefficiency: of $S$ in records, the largest over rungs.
        stride: records thinned by it.

    Examples:
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with eight weights
        >>> energies = np.random.default_rng(0).gamma(4.0, scale, size=(3, 1, 8, 500))
        >>> free = grokjax.FreeEnergy.of(noise, energies, num_samples=20)
        >>> free.ladder.energies.shape, free.ladder.num_blocks, free.ladder.stride
        ((1, 12000), 8, 1)
    """

    inverse_noise: Float[Array, " rungs"]
    energies: Float[Array, "datasets samples"]
    origin: Int[Array, " samples"]
    block: Int[Array, " samples"]
    free_energies: Float[Array, "datasets versions rungs"]
    log_mixture: Float[Array, "datasets versions samples"]
    overlap: Float[Array, "datasets rungs rungs"]
    status: Int[Array, "datasets versions"]
    inefficiency: float = eqx.field(static=True)
    stride: int = eqx.field(static=True)

    @staticmethod
    def of(inverse_noise: Any, energies: np.ndarray, prior: np.ndarray | None = None, reference: int = -1) -> "Ladder":
        """Pool the samples of a ladder and solve for its free energies.

        Args:
            inverse_noise: of the rungs.
            energies: $S$, shape (rung, dataset, ladder, record).
            prior: $S$ of independent draws from the prior, shape (dataset, draw), or None.
            reference: index of the rung whose free energy is zero.
        """
        num_rungs, num_datasets, num_ladders, _ = energies.shape
        inefficiency = statistical_inefficiency(energies)
        stride = max(1, round(inefficiency))
        thin = energies[..., ::stride]
        num_records = thin.shape[-1]
        if num_ladders >= NUM_BLOCKS // 2:
            block = np.arange(num_ladders)[:, None] % min(num_ladders, 2 * NUM_BLOCKS)
        else:
            block = np.arange(num_records)[None] * min(NUM_BLOCKS, num_records) // num_records
        block = np.broadcast_to(block, (num_rungs, num_ladders, num_records)).ravel()
        origin = np.repeat(np.arange(num_rungs), num_ladders * num_records)
        pooled = np.moveaxis(thin, 0, 1).reshape(num_datasets, -1)
        inverse_noise = np.asarray(inverse_noise, float)
        if prior is not None:
            inverse_noise = np.append(inverse_noise, 0.0)
            origin = np.append(origin, np.full(prior.shape[1], num_rungs))
            block = np.append(block, np.arange(prior.shape[1]) % (block.max() + 1))
            pooled = np.concatenate([pooled, prior], axis=1)
        b, pooled, origin, block = (jnp.asarray(each) for each in (inverse_noise, pooled, origin, block))
        free, mixture, overlap, status = _solve(b, pooled, origin, block, int(block.max()) + 1, reference)
        return Ladder(b, pooled, origin, block, free, mixture, overlap, status, float(inefficiency), stride)

    @property
    def num_blocks(self) -> int:
        """Blocks of the jackknife."""
        return self.free_energies.shape[1] - 1

    def log_weights(self, inverse_noise: Float[Array, ""]) -> Float[Array, "datasets versions samples"]:
        """Log weights of all samples at an inverse noise; they log-sum-exp to $L$."""
        kept = jnp.arange(-1, self.num_blocks)[:, None] != self.block[None]
        weights = -inverse_noise * self.energies[:, None] - self.log_mixture
        return jnp.where(kept[None], weights, -jnp.inf)

    def averages(self, inverse_noise: Float[Array, " points"]) -> Averages:
        """Averages at several inverse noises, each the same for all data sets."""
        return jax.tree.map(lambda leaf: jnp.moveaxis(leaf, 0, -1), _averages(self, inverse_noise))


def statistical_inefficiency(energies: np.ndarray) -> float:
    """Records per independent one, the largest over rungs; chains are taken about the mean of their data set.

    Args:
        energies: shape (rung, dataset, ladder, record), four records at least.

    Examples:
        >>> from grokjax.evidence.ladder import statistical_inefficiency
        >>> independent = np.random.default_rng(0).normal(size=(1, 1, 4, 500))
        >>> [round(statistical_inefficiency(np.repeat(independent, times, axis=-1))) for times in (1, 5)]
        [1, 5]
    """
    if energies.shape[-1] < 4:
        return 1.0
    found = 1.0
    for rung in energies:
        centred = rung - rung.mean(axis=(1, 2), keepdims=True)
        if np.ptp(centred) > 0:
            found = max(found, autocorrelation_time(centred.reshape(-1, rung.shape[-1])))
    return found


@eqx.filter_jit
def _solve(inverse_noise, energies, origin, block, num_blocks, reference):
    """MBAR of every data set, with all samples and without each block: one program, one problem at a time."""

    def of_dataset(energy):
        potentials = inverse_noise[:, None] * energy[None]
        whole = mbar(potentials, origin, reference=reference)

        def without(index):
            kept = (block != index).astype(float)
            part = mbar(potentials, origin, weights=kept, reference=reference, start=whole.free_energies)
            return part.free_energies, part.log_mixture, part.status

        parts = jax.lax.map(without, jnp.arange(num_blocks))
        first = whole.free_energies, whole.log_mixture, whole.status
        joined = jax.tree.map(lambda one, many: jnp.concatenate([one[None], many]), first, parts)
        return (*joined[:2], whole.overlap, joined[2])

    return jax.lax.map(of_dataset, energies)


@eqx.filter_jit
def _averages(ladder: Ladder, inverse_noise: Float[Array, " points"]) -> Averages:
    def at(b):
        log_weights = ladder.log_weights(b)
        evidence = jax.nn.logsumexp(log_weights, axis=-1)
        share = jnp.exp(log_weights - evidence[..., None])
        energies = ladder.energies[:, None]
        mean = jnp.sum(share * energies, axis=-1)
        centred = energies - mean[..., None]
        moment = lambda power: jnp.sum(share * centred**power, axis=-1)
        return Averages(evidence, mean, moment(2), moment(3), moment(4), effective_samples(log_weights))

    return jax.lax.map(at, inverse_noise)
