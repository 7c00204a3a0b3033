"""Evidence, energy, entropy and heat capacity at several noises, from averages of a ladder's samples."""

import equinox as eqx
import numpy as np

from .dataset_estimate import DatasetEstimate
from .ladder import Averages


class Thermodynamics(eqx.Module):
    """What the samples say at some noises; arrays have their shape.

    Attributes:
        noise_variance: $\\sigma^2$.
        log_evidence: $L$.
        energy: $E$.
        entropy: $L+bE$, in the gauge of $L$.
        heat_capacity: $C$.
        learning_coefficient: $b(E-S_{\\min})$.
        effective_samples: Kish's number, the smallest over data sets.

    Examples:
        >>> noise = np.array([1 / 3, 1.0, 3.0])
        >>> scale = (noise / (1 + noise)).reshape(3, 1, 1, 1)  # of the law of S = |w|^2 / 2 with eight weights
        >>> energies = np.random.default_rng(0).gamma(4.0, scale, size=(3, 1, 8, 500))
        >>> free = grokjax.FreeEnergy.of(noise, energies, num_samples=20)
        >>> float(free.at(2.0).energy.mean[0].round(1))  # 4/(1+b) between the rungs
        2.7
    """

    noise_variance: np.ndarray
    log_evidence: DatasetEstimate
    energy: DatasetEstimate
    entropy: DatasetEstimate
    heat_capacity: DatasetEstimate
    learning_coefficient: DatasetEstimate
    effective_samples: np.ndarray

    @staticmethod
    def of(inverse_noise: np.ndarray, averages: Averages, lowest_energy: float) -> "Thermodynamics":
        """From averages at these points.

        Args:
            inverse_noise: $b$.
            averages: shape (dataset, version, point).
            lowest_energy: $S_{\\min}$.
        """
        b = inverse_noise
        evidence, energy, variance = (np.asarray(each) for each in averages[:3])
        return Thermodynamics(
            1 / b,
            DatasetEstimate.of(evidence),
            DatasetEstimate.of(energy),
            DatasetEstimate.of(evidence + b * energy),
            DatasetEstimate.of(b**2 * variance),
            DatasetEstimate.of(b * (energy - lowest_energy)),
            np.asarray(averages.effective)[:, 0].min(axis=0),
        )
