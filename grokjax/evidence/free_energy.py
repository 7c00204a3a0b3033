r"""The free energy of networks over the noise, from a ladder of replicas.

With $S=\frac12\sum_\mu|f(x_\mu)-y_\mu|^2$, $b=1/\sigma^2$ and $Z(b)=\langle e^{-bS}\rangle_{\rm prior}$,

$$ L=\log Z,\qquad E=\langle S\rangle=-\frac{dL}{db},\qquad C=b^2\,\mathrm{Var}\,S,\qquad
   \text{entropy}=L+bE,\qquad \lambda=b\,(E-S_{\min}) , $$

in nats, per data set by MBAR over all rungs (`grokjax.evidence.ladder`). Every number has two errors, by name: *within*
a data set, from the finite run, by jackknife; and *over data sets*, from their scatter, usually far larger. Comparisons
with a theory on the same data sets are paired (`per_dataset`).

$L$ is relative to that of the hottest rung unless `absolute`, which adds draws from the prior as one more state; the
entropy is then minus the Kullback-Leibler divergence of the posterior from the prior.

References:
    Watanabe, arXiv:1208.6338 (WBIC, learning coefficient); Shirts & Chodera, J. Chem. Phys. 129, 124105 (2008).
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from .._checks import argument_error, check_positive
from .._tree import normal_like
from ..status import Status, describe, succeeded
from .dataset_estimate import DatasetEstimate
from .ladder import Ladder
from .statistics import Estimate
from .thermodynamics import Thermodynamics


SMALLEST_OVERLAP = 0.03  # between neighbours; below it MBAR's errors are no errors any more
FEWEST_EFFECTIVE = 50.0  # samples that carry a reweighted average


class FreeEnergy(eqx.Module):
    """Free energy and its derivatives on the rungs of a ladder, and between them; `print` shows a table.

    Attributes:
        rungs: at the rungs, in the order of the run.
        ladder: samples and weights.
        lowest_energy: $S_{\\min}$ of the learning coefficient.
        absolute: whether $L$ is that of the prior average, or relative to the hottest rung.
        thermodynamic_integration: $L$ from the plain averages of neighbours, with the end correction; a check.
        num_samples: of a data set, None if the system does not tell.
        neurons: histograms of the neurons' order parameter, shape (rung, dataset, bin), if the run has them.
        left_out: data sets with a member that diverged.

    Examples:
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with eight weights
        >>> energies = np.random.default_rng(0).gamma(4.0, scale, size=(3, 1, 8, 500))
        >>> free = grokjax.FreeEnergy.of(noise, energies, num_samples=20)
        >>> free.energy.mean.round(1).tolist(), float(free.log_evidence.mean[1].round(1))  # 4/(1+b), -4 ln 1.5
        ([1.0, 2.0, 3.0], -1.6)
    """

    rungs: Thermodynamics
    ladder: Ladder
    lowest_energy: float
    absolute: bool = eqx.field(static=True)
    thermodynamic_integration: DatasetEstimate
    num_samples: int | None = eqx.field(static=True, default=None)
    neurons: Any = None
    left_out: int = eqx.field(static=True, default=0)

    @staticmethod
    def of(
        noise_variance: Any,
        energies: Any,
        *,
        prior_energies: Any = None,
        lowest_energy: float = 0.0,
        **kept: Any,
    ) -> "FreeEnergy":
        """From data energies that were sampled anywhere.

        Args:
            noise_variance: of the rungs, three or more.
            energies: $S$, shape (rung, dataset, ladder, record): ladders on the same data set are pooled.
            prior_energies: $S$ of independent draws from the prior, shape (dataset, draw); makes $L$ absolute.
            lowest_energy: $S_{\\min}$.
            **kept: further fields.

        Raises:
            ValueError: fewer than three rungs, shapes do not fit, or neighbours do not overlap.
        """
        noise, energies = np.asarray(noise_variance, float), np.asarray(energies, np.float64)
        check_positive("noise_variance", noise)
        if noise.ndim != 1 or noise.size < 3:
            raise argument_error(
                "run", "a ladder of three rungs or more", f"{noise.size} noises", "Use ReplicaExchange.between."
            )
        if energies.ndim != 4 or len(energies) != noise.size:
            got = f"{energies.shape} with {noise.size} noises"
            raise argument_error("energies", "of shape (rung, dataset, ladder, record)", got, "Add axes of length one.")
        b, hottest = 1 / noise, int(np.argmax(noise))
        absolute = prior_energies is not None
        with jax.enable_x64(True):
            ladder = Ladder.of(b, energies, prior_energies, len(b) if absolute else hottest)
            _check_overlap(ladder, b)
            averages = ladder.averages(jnp.asarray(b))
            if not absolute:  # zero there but for rounding
                evidence = averages.log_evidence
                averages = averages._replace(log_evidence=evidence - evidence[..., hottest, None])
            rungs = Thermodynamics.of(b, averages, lowest_energy)
        integral = _integral(b, energies, hottest)
        offset = np.asarray(rungs.log_evidence.per_dataset)[:, None, hottest, None] if absolute else 0.0
        return FreeEnergy(rungs, ladder, float(lowest_energy), absolute, DatasetEstimate.of(integral + offset), **kept)

    @property
    def noise_variance(self) -> np.ndarray:
        """Of the rungs."""
        return self.rungs.noise_variance

    @property
    def log_evidence(self) -> DatasetEstimate:
        """$L$ at the rungs."""
        return self.rungs.log_evidence

    @property
    def energy(self) -> DatasetEstimate:
        """$E$ at the rungs."""
        return self.rungs.energy

    @property
    def entropy(self) -> DatasetEstimate:
        """$L+bE$ at the rungs."""
        return self.rungs.entropy

    @property
    def heat_capacity(self) -> DatasetEstimate:
        """$C$ at the rungs."""
        return self.rungs.heat_capacity

    @property
    def learning_coefficient(self) -> DatasetEstimate:
        """$b(E-S_{\\min})$ at the rungs."""
        return self.rungs.learning_coefficient

    @property
    def overlap(self) -> np.ndarray:
        """Overlap matrix of the states, averaged over data sets; rows sum to one."""
        return np.asarray(self.ladder.overlap).mean(axis=0)

    @property
    def converged(self) -> bool:
        """Whether every data set was solved, with all samples and without each block."""
        return bool(succeeded(np.asarray(self.ladder.status)).all())

    @property
    def num_datasets(self) -> int:
        """Data sets that entered."""
        return self.ladder.energies.shape[0]

    def at(self, noise_variance: Any) -> Thermodynamics:
        """The same between the rungs.

        Args:
            noise_variance: one or several, within the ladder.

        Raises:
            ValueError: a noise outside of the ladder, or one that too few samples speak for.
        """
        noise = np.atleast_1d(np.asarray(noise_variance, float))
        check_positive("noise_variance", noise)
        low, high = self.noise_variance.min(), self.noise_variance.max()
        outside = noise[(noise < low * (1 - 1e-9)) | (noise > high * (1 + 1e-9))]
        if outside.size:
            inside = f"within the ladder, {low:g} to {high:g}"
            raise argument_error("noise_variance", inside, outside.tolist(), "Run a longer ladder.")
        with jax.enable_x64(True):
            averages = self.ladder.averages(jnp.asarray(1 / noise))
        found = Thermodynamics.of(1 / noise, averages, self.lowest_energy)
        few = found.effective_samples < FEWEST_EFFECTIVE
        if few.any():
            got = f"{found.effective_samples.min():.3g} at {noise[np.argmin(found.effective_samples)]:g}"
            raise argument_error(
                "noise_variance", f"one that {FEWEST_EFFECTIVE:g} samples speak for", got, "Run longer or more rungs."
            )
        return found

    def wbic(self, noise_variance: float, num_samples: int | None = None, num_outputs: int = 1) -> DatasetEstimate:
        r"""Watanabe's criterion, $bE(b/\log n)+\frac{nP}2\log2\pi\sigma^2$: the evidence at the price of one average.

        Args:
            noise_variance: $\sigma^2$; the average is at $\sigma^2\log n$, inside of the ladder.
            num_samples: $n$, that of the run unless given.
            num_outputs: $P$.

        Raises:
            ValueError: the number of samples is not known, or the point is outside of the ladder.
        """
        count = self.num_samples if num_samples is None else num_samples
        if count is None:
            raise argument_error("num_samples", "given", None, "The run does not tell.")
        hot = self.at(noise_variance * np.log(count)).energy
        shift = count * num_outputs / 2 * np.log(2 * np.pi * noise_variance)
        scale = lambda value, offset=0.0: value[..., 0] / noise_variance + offset
        return DatasetEstimate(
            scale(hot.mean, shift), scale(hot.within), scale(hot.over_datasets), scale(hot.per_dataset, shift)
        )

    def __repr__(self) -> str:
        gauge = "absolute" if self.absolute else "relative to the hottest rung"
        blocks, states = self.ladder.num_blocks, len(self.noise_variance)
        around = [self.overlap[k, k + 1] for k in range(states - 1)]
        rows = [
            f"free energy on {states} rungs x {self.num_datasets} data sets, {gauge}; {describe(self.ladder.status)}",
            f"  every {self.ladder.stride}. record (inefficiency {self.ladder.inefficiency:.1f}), {blocks} blocks, "
            f"overlap of neighbours {min(around):.2f} to {max(around):.2f}",
            "  noise      log evidence     energy           entropy          heat capacity    learning coefficient",
        ]
        names = ("log_evidence", "energy", "entropy", "heat_capacity", "learning_coefficient")
        for k, noise in enumerate(self.noise_variance):
            each = (getattr(self.rungs, name).estimate for name in names)
            rows.append(f"  {noise:<9.4g}  " + "  ".join(f"{Estimate(e.mean[k], e.error[k])!s:15}" for e in each))
        return "\n".join(rows)


def free_energy(
    run: Any, *, absolute: bool = False, key: Key[Array, ""] | None = None, lowest_energy: float = 0.0
) -> FreeEnergy:
    r"""The free energy over the noise of a run on a ladder of replicas.

    Args:
        run: made with `exchange=`, on three rungs or more.
        absolute: whether to anchor $L$ at the prior, by as many prior draws per data set as a rung has samples; it
            takes a ladder whose hottest rung overlaps with the prior.
        key: of those draws; a fixed one unless given.
        lowest_energy: $S_{\min}$ of the learning coefficient: zero, where the data can be fitted exactly.

    Raises:
        ValueError: the run has no recorded data energy, fewer than three rungs, neighbours that do not overlap, or
            (absolute) no problems left or a prior that is not Gaussian.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> ladder = grokjax.ReplicaExchange([2.0, 4.0, 8.0])
        >>> run = pu.simulate(jax.random.key(0), system, exchange=ladder, num_members=4, num_steps=200, progress=False)
        >>> free = grokjax.free_energy(run)
        >>> free.heat_capacity.mean.shape
        (3,)
    """
    recorded = getattr(run, "diagnostics", {}).get("data_energy")
    if recorded is None:
        raise argument_error(
            "run", "one with its data energy recorded", type(run).__name__, "Run with exchange=ReplicaExchange(...)."
        )
    layout, energies = run.layout, np.asarray(recorded, np.float64)
    num_datasets = 1 if getattr(run.experiment, "same_data", False) else layout.num_datasets
    by_dataset = lambda values, axis: np.moveaxis(
        values.reshape(*values.shape[:axis], -1, num_datasets, *values.shape[axis + 1 :]), axis + 1, axis
    )
    gone = by_dataset(np.asarray(run.diverged), 1).any(axis=(0, 2))
    energies = by_dataset(energies, 1)[:, ~gone]
    prior = None
    if absolute:
        count = energies.shape[2] * energies.shape[3]
        prior = _prior_energies(jax.random.key(0) if key is None else key, run, num_datasets, count)[~gone]
    histograms = run.observed.get("q")
    if histograms is not None:
        counts = by_dataset(np.asarray(histograms.counts), 1)[:, ~gone]
        histograms = eqx.tree_at(lambda h: h.counts, histograms, counts)
    size = getattr(run.system, "num_samples", None)
    return FreeEnergy.of(
        run.system.noise_variance,
        energies,
        prior_energies=prior,
        lowest_energy=lowest_energy,
        num_samples=None if size is None else int(np.max(np.asarray(size))),
        neurons=histograms,
        left_out=int(gone.sum()),
    )


def _check_overlap(ladder: Ladder, inverse_noise: np.ndarray) -> None:
    """Raise if neighbours have nothing in common on some data set, or a data set could not be solved."""
    overlap = np.asarray(ladder.overlap)
    count, states = len(inverse_noise), overlap.shape[-1]
    pairs = [(k, k + 1) for k in range(count - 1)]
    if states > count:
        pairs.append((int(np.argmin(inverse_noise)), count))
    names = [f"{1 / b:.4g}" for b in inverse_noise] + ["the prior"]
    for k, l in pairs:
        smallest = np.nanmin(np.minimum(overlap[:, k, l], overlap[:, l, k]))
        if not smallest >= SMALLEST_OVERLAP:
            got = f"an overlap of {smallest:.2g} between {names[k]} and {names[l]}"
            remedy = "Put rungs between them, or run longer."
            raise argument_error("run", f"a ladder whose neighbours overlap by {SMALLEST_OVERLAP:g}", got, remedy)
    if (np.asarray(ladder.status) == Status.NOT_FINITE).any():
        raise argument_error("run", "one with finite data energies", describe(ladder.status), "Use a smaller step.")


def _integral(b: np.ndarray, energies: np.ndarray, hottest: int) -> np.ndarray:
    r"""$L$ relative to the hottest rung by the trapezoidal rule and its end correction, shape (dataset, 1, rung)."""
    mean, variance = energies.mean(axis=(2, 3)), energies.var(axis=(2, 3))
    step = np.diff(b)[:, None]
    steps = step * (mean[1:] + mean[:-1]) / 2 + step**2 / 12 * (variance[1:] - variance[:-1])
    integral = np.concatenate([np.zeros((1, mean.shape[1])), -np.cumsum(steps, axis=0)])
    return (integral - integral[hottest]).T[:, None]


def _prior_energies(key: Key[Array, ""], run: Any, num_datasets: int, count: int) -> np.ndarray:
    """$S$ of draws from the Gaussian prior, shape (dataset, draw)."""
    target = getattr(run.problem, "target", None)
    if target is None or run.ensemble.states is None:
        raise argument_error("run", "one with its problems and states", "a copy without them", "Use the whole run.")
    if target.penalty is not None:
        raise argument_error("run", "of a Gaussian prior for an absolute evidence", "one with a penalty", "Drop it.")
    position = jax.tree.map(lambda leaf: leaf[0, 0], run.ensemble.states.position)
    entries = np.arange(num_datasets) * run.layout.num_points

    @eqx.filter_jit
    def draws(key, target):
        one = lambda key: target.data_energy(normal_like(key, position)) * target.noise_variance
        return jax.lax.map(one, jax.random.split(key, count), batch_size=16)

    keys = jax.random.split(key, num_datasets)
    pick = lambda entry: jax.tree.map(lambda leaf: leaf[entry] if eqx.is_array(leaf) else leaf, target)
    return np.stack([np.asarray(draws(keys[d], pick(entry)), np.float64) for d, entry in enumerate(entries)])
