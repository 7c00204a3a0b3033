r"""The road of simulation: ensembles of quadratic networks sampled from their posterior by Langevin dynamics.

Members differ by seed, by training set where it is a fraction of the table, and by hyperparameters: a sweep is more
members in the same compiled call. The energy is of high order in the weights, so its curvature grows where neurons
specialise; the default step is taken from the curvature measured there. Nothing here knows the theory.

A cold start draws all weights from the Gaussian part of the prior. A hot start gives every neuron a cosine of one
random frequency with random phases, $w_n = 2\sqrt{x^*}\cos(2\pi kn/P-\varphi)$ and likewise $v$, and draws the
read-outs given the read-ins: a state with far more specialised neurons than equilibrium holds before the transition.
"""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key

from ...driver import door, first_positions
from ...experiment import AbstractExperiment, Design, Problem, Settings
from ...observables import Histogram
from ...parameters import sweep_shape
from ...posterior import Posterior
from ...samplers import AbstractSampler, UnderdampedLangevin, largest_curvatures
from .network import TwoHotNetwork, fourier_modes, of_the_table, powers, standard_normal_network, targets
from .order_parameters import MOST_OF_IT, SIDE_THRESHOLD, OrderParameters
from .regularisers import SexticDecay
from .system import ModularAddition


HISTOGRAM_REACH = 2.4  # the histogram of (X, V) runs from 0 to this many x*
HISTOGRAM_BINS = 60  # on each side
LARGEST_STEP = 0.3  # beyond it the bias at the softest modes, of curvature one, shows
STEP_FRACTION = 0.5  # default step in units of one over the largest frequency of specialised neurons


class Units(eqx.Module):
    r"""What a member's pairs are measured in.

    Attributes:
        well_position: $x^*$.
        eigenvalue: $4P^2\sigma_a^2$, the eigenvalue on the target per unit of $\langle XV\rangle$.
    """

    well_position: Float[Array, "*members"]
    eigenvalue: Float[Array, "*members"]


class PairPowers(eqx.Module):
    """Measurement: X and V of every neuron at every frequency, in units of $x^*$."""

    scales: TwoHotNetwork
    well_position: Float[Array, "*members"]

    def __call__(self, key: Any, state: Any) -> Float[Array, "2 width pairs"]:
        del key
        return powers(jax.tree.map(jnp.multiply, self.scales, state.position).read_in) / self.well_position


class PairMean(eqx.Module):
    """Measurement: (X + V)/2 of every neuron at every frequency, in units of $x^*$."""

    powers: PairPowers

    def __call__(self, key: Any, state: Any) -> Float[Array, "width pairs"]:
        return jnp.mean(self.powers(key, state), axis=0)


class QuadraticNetworks(AbstractExperiment):
    """Quadratic networks on the table of sums, or on a random part of it.

    Starts: "prior" (cold: a draw from the Gaussian part of the prior) and "frequencies" (hot: every neuron a cosine of
    one random frequency with random phases and X = V = x*, read-outs drawn given the read-ins).

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> run = ma.simulate(jax.random.key(0), system, num_steps=24, num_witnesses=0, progress=False)
        >>> run.experiment.certified
        ('discrepancy', 'side_weight', 'overlap_moment')
    """

    systems = ModularAddition
    num_members = 4
    num_steps = 8000
    certified = ("discrepancy", "side_weight", "overlap_moment")

    def draw(self, data_key: Key[Array, ""], start_key: Key[Array, ""], system: ModularAddition) -> Problem:
        """A training set, a cold and a hot network."""
        prime, width, dtype = int(system.prime), int(system.width), system.noise_variance.dtype
        rank = jax.random.permutation(data_key, prime**2)
        included = (rank < jnp.round(system.training_fraction * prime**2)).astype(dtype)
        target = Posterior(
            included,
            targets(prime, dtype) * included[None],
            system.noise_variance,
            TwoHotNetwork(jnp.ones((), dtype), jnp.sqrt(system.readout_variance / width)),
            penalty=SexticDecay(system.sextic_decay, system.regulariser),
        )
        network_key, hot_key = jax.random.split(start_key)
        cold = standard_normal_network(network_key, width=width, prime=prime, dtype=dtype)
        hot = _specialised(hot_key, cold, target, system.well_position)
        units = Units(system.well_position, 4 * prime**2 * system.readout_variance)
        return Problem(target, {"prior": cold, "frequencies": hot}, units)

    def measure(self, key: Key[Array, ""], problem: Problem, state: Any) -> OrderParameters:
        """What the network knows of the table, and what its neurons do at each frequency."""
        del key
        network, included, units = problem.target.network(state.position), problem.target.inputs, problem.truth
        outputs = network.batch(jnp.ones_like(included))
        known = of_the_table(outputs, included)
        real, imaginary = fourier_modes(network.read_in)
        (w, v), a = jax.lax.complex(real, imaginary), jax.lax.complex(*fourier_modes(network.read_out.T))
        overlap = jnp.mean(jnp.abs(w * v) ** 2)
        product = jnp.conj(a) * w * v
        cosine = product.real / jnp.maximum(jnp.abs(product), jnp.finfo(product.real.dtype).tiny)
        above = real * real + imaginary * imaginary > units.well_position * SIDE_THRESHOLD
        side = jnp.all(above, axis=0).astype(real.dtype)
        side_weight, alignment = jnp.mean(side), jnp.mean(side * cosine)
        return OrderParameters(
            side_weight=side_weight,
            overlap_moment=overlap,
            target_eigenvalue=units.eigenvalue * overlap,
            specialised_once=jnp.mean((jnp.sum(side, axis=1) == 1).astype(side.dtype)),
            alignment=alignment,
            phase_coherence=alignment / side_weight,
            occupation=jnp.mean(side, axis=0),
            **of_the_neurons(network),
            **known,
        )

    def summarise(self, averages: OrderParameters, observed: dict[str, Any]) -> OrderParameters:
        """Phase coherence is a ratio of averages; without test sets there is nothing to say about them."""
        del observed
        with np.errstate(invalid="ignore", divide="ignore"):
            averages = dataclasses.replace(averages, phase_coherence=averages.alignment / averages.side_weight)
        if not np.isnan(averages.held_out_error).all():
            return averages
        return dataclasses.replace(averages, held_out_learned=None, held_out_error=None, held_out_accuracy=None)

    def observables(self, problem: Problem) -> dict[str, Any]:
        """The histograms of (X, V) and of their mean over neurons and frequencies, in units of $x^*$."""
        pairs = PairPowers(problem.target.prior_scales, problem.truth.well_position)
        return {
            "pairs": Histogram(pairs, 0.0, HISTOGRAM_REACH, HISTOGRAM_BINS, pairs=True),
            "q": Histogram(PairMean(pairs), 0.0, HISTOGRAM_REACH, HISTOGRAM_BINS),
        }

    def sampler(self, key: Key[Array, ""], system: ModularAddition) -> AbstractSampler:
        """BAOAB with the step of `safe_step_size`."""
        return UnderdampedLangevin(step_size=safe_step_size(key, system))

    def prepared(self, system: ModularAddition, settings: Settings) -> tuple[Any, ModularAddition, Settings]:
        """Of the whole table there is one data set: their number means nothing, and members are independent."""
        if bool(np.all(np.asarray(system.training_fraction) == 1)):
            settings = settings._replace(design=dataclasses.replace(settings.design, num_datasets=None))
        return self, system, settings


simulate = door(
    QuadraticNetworks(),
    """Sample an ensemble of networks and measure the order parameters of the system.

    `simulate(key, system, num_members=4, num_steps=8000, ...)`: keywords are those of `grokjax.simulate`. Starts are
    "prior" (cold) and "frequencies" (hot, every neuron specialised). The sampler is `UnderdampedLangevin` with the step
    of `safe_step_size` unless given. For the whole table all data sets are the same, and `num_datasets` is ignored.

    Args:
        key: random key of everything.
        system: concrete sizes; other fields may be arrays, a sweep in one call.

    Returns:
        A `Run` of `OrderParameters`; `run.observed["pairs"]` is the histogram of (X, V) in units of x*.

    Raises:
        ValueError: a keyword is not known, a size is not concrete, the start is unknown, the step size is unstable, or
            all members of a point diverged.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> run = ma.simulate(jax.random.key(0), system, num_steps=24, num_witnesses=0, progress=False)
        >>> run.members.discrepancy.shape, run.discrepancy.mean.shape
        ((4,), ())
    """,
)


def safe_step_size(key: Key[Array, ""], system: ModularAddition, *, dtype: Any = jnp.float32) -> Float[Array, "*sweep"]:
    r"""A BAOAB step for `system`: half of $1/\sqrt{\lambda_{max}}$ with every neuron specialised, at most 0.3.

    The limit of stability is $2/\sqrt{\lambda_{max}}$; the margin of four is for neurons beyond $x^*$, where the
    sextic decay has a curvature of $5\gamma X^2$, 15 at $x^*$.

    Args:
        key: random key of a hot start and of the power iteration.
        system: concrete sizes; other fields may be arrays.
        dtype: float type of the networks.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> step = ma.safe_step_size(jax.random.key(0), system)
        >>> step.shape, bool(0 < step <= 0.3)
        ((), True)
    """
    one = Design(num_members=1, start="frequencies", dtype=dtype)
    problem, positions = first_positions(key, system, QuadraticNetworks(), one)
    curvature = largest_curvatures(jax.random.split(key)[1], problem.target, positions)
    step = jnp.minimum(LARGEST_STEP, STEP_FRACTION / jnp.sqrt(curvature)).astype(float)
    return step.reshape(sweep_shape(system))


def of_the_neurons(network: TwoHotNetwork) -> dict[str, Array]:
    """How many neurons, and how much of the network's weight, have one frequency or sit at one position."""
    norms = jnp.sum(network.read_in**2, axis=-1)
    share = 2 * network.read_in.shape[-1] * powers(network.read_in) / norms[..., None]
    one_frequency = jnp.max(jnp.min(share, axis=0), axis=-1) > MOST_OF_IT
    one_position = jnp.min(jnp.max(network.read_in**2, axis=-1) / norms, axis=0) > 1 / 2
    weight = jnp.sqrt(jnp.sum(network.read_out**2, axis=0) * norms[0] * norms[1])
    found = {}
    for name, chosen in (("single_frequency", one_frequency), ("localised", one_position)):
        found[name] = jnp.sum(weight * chosen) / jnp.sum(weight)
        found[f"{name}_neurons"] = jnp.mean(chosen.astype(weight.dtype))
    return found


def _specialised(key: Key[Array, ""], position: TwoHotNetwork, target: Posterior, power: Array) -> TwoHotNetwork:
    """Every neuron gets one random frequency with the given power and random phases; read-outs follow by regression."""
    frequency_key, phase_key, noise_key = jax.random.split(key, 3)
    _, width, prime = position.read_in.shape
    number = jnp.arange(prime)
    frequency = jax.random.randint(frequency_key, (width,), 1, prime // 2 + 1)[:, None]
    angle = 2 * jnp.pi / prime * (frequency * number[None] % prime)
    wave = lambda phase: jnp.cos(angle[None] - phase)
    phase = 2 * jnp.pi * jax.random.uniform(phase_key, (2 * width,), position.read_in.dtype).reshape(2, width, 1)
    quarter = phase + jnp.pi / 2
    along = lambda shift: jnp.sum(position.read_in * wave(shift), axis=-1, keepdims=True) * wave(shift)
    others = position.read_in - (along(phase) + along(quarter)) * 2 / prime
    read_in = others + 2 * jnp.sqrt(power) * wave(phase)
    read_in = read_in.astype(position.read_in.dtype)
    return TwoHotNetwork(read_in, _drawn_read_out(noise_key, TwoHotNetwork(read_in, position.read_out), target))


def _drawn_read_out(key: Key[Array, ""], position: TwoHotNetwork, target: Posterior) -> Float[Array, "outputs width"]:
    r"""A draw from the Gaussian law of the read-out given the read-in, in whitened coordinates.

    The prior draw $a_0$ in `position` is conditioned on the data,
    $a = a_0 + (y - a_0\Phi - \epsilon)\,\Phi^\top(\Phi\Phi^\top + \sigma^2)^{-1}$ with $\epsilon\sim N(0,\sigma^2)$
    and the smaller one of the two equivalent inverses.
    """
    features = target.network(position).hidden() * target.inputs[None] * target.prior_scales.read_out
    noise = jax.random.normal(key, (target.targets.size,), features.dtype).reshape(target.targets.shape)
    noise = jnp.sqrt(target.noise_variance) * noise
    missing = target.targets - position.read_out @ features - noise * target.inputs[None]
    width, table = features.shape
    if width <= table:
        gram = features @ features.T + target.noise_variance * jnp.eye(width, dtype=features.dtype)
        change = jax.scipy.linalg.solve(gram, features @ missing.T, assume_a="pos").T
    else:
        gram = features.T @ features + target.noise_variance * jnp.eye(table, dtype=features.dtype)
        change = jax.scipy.linalg.solve(gram, missing.T, assume_a="pos").T @ features.T
    return position.read_out + change
