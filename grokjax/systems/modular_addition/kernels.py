r"""The latent kernel of networks on the table, $Q = \frac{\sigma_a^2}N\sum_i\phi_i\phi_i^\top$, in Fourier modes.

By symmetry $Q$, averaged over networks, is diagonal in the modes $(k, l)$, $e^{2\pi i(kn+lm)/P}/P$, and all frequencies
are alike:

| modes | eigenvalue in theory |
|---|---|
| target: $l = \pm k$ (sums, which carry it, and differences) | $4P^2\sigma_a^2\langle XV\rangle$, the outlier |
| other: $k, l\ne0$, $l\ne\pm k$ | $4P^2\sigma_a^2\langle X\rangle\langle V\rangle$, the bulk |
| rows and columns: one of them 0; constant: both | |

The outlier leaves the bulk before anything can be seen in the outputs: `detection_power` tells how often one network
gives it away. Pruning a direction takes it out of every hidden unit's function on the table.

References:
    arXiv:2310.03789, section 3 (block structure, dominant directions of the latent kernel).
"""

from collections.abc import Iterable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from ..._checks import argument_error, check_fraction, check_instance
from ...evidence.statistics import Estimate, wilson_interval
from ...results import Run
from .experiment import QuadraticNetworks
from .network import of_the_table


class KernelSpectrum(eqx.Module):
    """Eigenvalues of the latent kernel, averaged over modes of a kind.

    Attributes:
        target: of the modes that carry the target, the outliers.
        other: of the bulk.
        rows: of rows and columns.
        constant: of the constant.
        by_frequency: of the target's modes $(k, k)$, shape (..., pair): all alike by symmetry.
        coupling: largest correlation $|\\bar Q_{ij}|/\\sqrt{\\bar Q_{ii}\\bar Q_{jj}}$ between two target modes of the
            kernel averaged over networks, shape of the sweep; if $Q$ is diagonal, of order one over the root of the
            number of all neurons.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> run = ma.simulate(jax.random.key(0), system, num_steps=24, num_witnesses=0, progress=False)
        >>> spectrum = ma.kernel_spectrum(run)
        >>> spectrum.by_frequency.mean.shape, spectrum.coupling.shape
        ((2,), ())
    """

    target: Any
    other: Any
    rows: Any
    constant: Any
    by_frequency: Any
    coupling: Any


def kernel_spectrum(run: Run) -> KernelSpectrum:
    """The spectrum of a run's networks in their last states, each number an estimate over networks.

    Raises:
        ValueError: the run is of another system, or has no states.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> run = ma.simulate(jax.random.key(0), system, num_steps=24, num_witnesses=0, progress=False)
        >>> spectrum = ma.kernel_spectrum(run)
        >>> bool(spectrum.constant.mean > spectrum.rows.mean > spectrum.other.mean)
        True
    """
    kernels, prime = latent_kernels(run), _prime_of(run)
    modes = _in_modes(kernels, prime)
    diagonal = np.einsum("...kk->...k", modes).real.reshape(*modes.shape[:-2], prime, prime)
    k, l = np.divmod(np.arange(prime**2), prime)
    flat = diagonal.reshape(*modes.shape[:-2], -1)
    zero = (k == 0).astype(int) + (l == 0)
    target = (zero == 0) & ((k == l) | (k + l == prime))
    kinds = {"target": target, "other": (zero == 0) & ~target, "rows": zero == 1, "constant": zero == 2}
    own = np.arange(1, prime // 2 + 1)
    mean = np.where(np.asarray(run.diverged)[..., None, None], np.nan, modes)
    mean = np.nanmean(mean, axis=-3)[..., target, :][..., target]
    size = np.sqrt(np.einsum("...kk->...k", mean).real)
    correlation = np.abs(mean) / (size[..., :, None] * size[..., None, :])
    correlation = np.where(np.eye(target.sum(), dtype=bool), 0, correlation)
    return KernelSpectrum(
        **{name: run.estimate(flat[..., chosen].mean(axis=-1)) for name, chosen in kinds.items()},
        by_frequency=run.estimate(diagonal[..., own, own]),
        coupling=correlation.max(axis=(-2, -1)),
    )


def latent_kernels(run: Run) -> Float[np.ndarray, "*sweep member table table"]:
    """The kernel of every network in its last state.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> run = ma.simulate(jax.random.key(0), system, num_steps=24, num_witnesses=0, progress=False)
        >>> ma.latent_kernels(run).shape
        (4, 25, 25)
    """
    positions = _positions(run)
    kernels = eqx.filter_vmap(_kernel)(run.problem.target, positions)
    return np.asarray(run.layout.fold(kernels), np.float64)


def pruned(run: Run, modes: Iterable[Any]) -> dict[str, Estimate]:
    """What the networks know once the functions of given modes are taken out of all their hidden units.

    Args:
        run: its last states are taken.
        modes: pairs $(k, l)$ with $0\\le k, l<P$; the mode $(-k, -l)$ goes with it.

    Returns:
        Estimates over networks by the names of `OrderParameters`: accuracies, errors and what is learned.

    Raises:
        ValueError: a direction is no mode of the table, or the run has no states.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> run = ma.simulate(jax.random.key(0), system, num_steps=24, num_witnesses=0, progress=False)
        >>> left = ma.pruned(run, [(1, 1), (2, 2)])  # all that carry the target
        >>> round(float(left["discrepancy"].mean), 3)
        1.0
    """
    prime = _prime_of(run)
    n, m = np.divmod(np.arange(prime**2), prime)
    waves = []
    for mode in modes:
        whole = isinstance(mode, tuple) and len(mode) == 2 and all(isinstance(each, int | np.integer) for each in mode)
        if not whole or not all(0 <= each < prime for each in mode):
            raise argument_error("modes", f"pairs (k, l) of whole numbers from 0 to {prime - 1}", mode, "Try (1, 1).")
        angle = 2 * np.pi / prime * ((mode[0] * n + mode[1] * m) % prime)
        waves += [np.cos(angle), np.sin(angle)]
    left, size, _ = np.linalg.svd(np.array(waves).reshape(-1, prime**2).T, full_matrices=False)
    return _without(run, jnp.asarray(left[:, size > 1e-9], jnp.float32), 0)


def pruned_dominant(run: Run, number: int) -> dict[str, Estimate]:
    """The same without the dominant directions of each network's own kernel, `number` of them.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> run = ma.simulate(jax.random.key(0), system, num_steps=24, num_witnesses=0, progress=False)
        >>> left = ma.pruned_dominant(run, 25)  # all directions
        >>> round(float(left["discrepancy"].mean), 3)
        1.0
    """
    return _without(run, jnp.zeros((_prime_of(run) ** 2, 0), jnp.float32), number)


def detection_power(quiet: Any, near: Any, size: float = 0.05) -> Estimate:
    """How often one network from `near` exceeds what a network from `quiet` exceeds with probability `size`.

    Args:
        quiet: the statistic, such as the outlier over the bulk, of networks far from the transition, shape (member,).
        near: of networks close to it.
        size: rate of false alarms.

    Returns:
        The share, with half of Wilson's interval as its error.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> power = ma.detection_power(np.arange(100), np.arange(50, 150))
        >>> round(power.mean, 2)
        0.55
    """
    check_fraction("size", size, inside=True)
    quiet, near = np.asarray(quiet, float), np.asarray(near, float)
    if quiet.ndim != 1 or near.ndim != 1 or len(quiet) * size < 1:
        expected = f"of shape (member,) with at least {int(np.ceil(1 / size))} members"
        raise argument_error("quiet", expected, quiet.shape, "A quantile needs members beyond it.")
    share = float(np.mean(near > np.quantile(quiet, 1 - size)))
    (lower,), (upper,) = wilson_interval(np.array([share]), len(near))
    return Estimate(share, float(upper - lower) / 2)


def _kernel(target: Any, position: Any) -> Any:
    features = target.network(position).hidden()
    return target.prior_scales.read_out**2 * features.T @ features


def _in_modes(kernels: np.ndarray, prime: int) -> np.ndarray:
    """Matrix elements between Fourier modes of the table, shape (..., mode, mode)."""
    n, m = np.divmod(np.arange(prime**2), prime)
    waves = np.exp(2j * np.pi / prime * (np.outer(n, n) + np.outer(m, m))) / prime  # (mode, cell)
    return waves.conj() @ kernels @ waves.T


def _without(run: Run, directions: Any, number: int) -> dict[str, Estimate]:
    def one(target: Any, position: Any):
        network = target.network(position)
        outputs = network.batch(jnp.ones_like(target.inputs))
        left = outputs - outputs @ directions @ directions.T
        if number:
            leading = jnp.linalg.eigh(_kernel(target, position))[1][:, -number:]
            left = left - left @ leading @ leading.T
        return of_the_table(left, target.inputs)

    positions = _positions(run)
    found = eqx.filter_vmap(one)(run.problem.target, positions)
    return {name: run.estimate(np.asarray(run.layout.fold(values))) for name, values in found.items()}


def _positions(run: Run) -> Any:
    if run.problem is None or run.ensemble is None or run.ensemble.states is None:
        raise argument_error("run", "one with its last states", "a copy without them", "Take the run itself.")
    return jax.tree.map(jnp.asarray, run.ensemble.states.position)


def _prime_of(run: Run) -> int:
    check_instance("run", run, Run)
    check_instance("run.experiment", run.experiment, QuadraticNetworks, "Take a run of modular_addition.")
    return int(run.system.prime)
