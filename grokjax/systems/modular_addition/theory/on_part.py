r"""A part of the table: regression on the actual mask, with the kernel of the lazy network or the self-consistent one.

On a mask no symmetry is left, so the discrepancies $t^p$ are $P\times n$ numbers, and the theory is the stationarity of
the convex dual in all of them:

$$ S(w,v) = E_0 - \frac{\sigma_a^2}{2N}\sum_p\Big(\sum_{tr}t^p_{nm}(w_n+v_m)^2\Big)^2,\quad
   Q = \sigma_a^2\langle\phi\phi^\top\rangle_S,\quad t = (Q_{tr,tr}+\sigma^2)^{-1}y,\quad f = Q\,t . $$

The law of a neuron has no closed form here. It is sampled: independent neurons follow Langevin dynamics in $S$ (BAOAB)
while $Q$ and $t$ are averaged over ever longer times, so that the fixed point is that of the equations and the noise
left is that of an average over all records. Nothing is fitted, and no network is simulated: width enters as the number
$N$ in $S$.

Not every regulariser makes $e^{-S}$ normalisable: $S$ is quartic in the weights and needs a sextic wall in every
direction. `gaussian` has none, and `fourier` leaves $k=0$ free, which a mask can see.

References:
    the equations of arXiv:2310.03789, section 3, on a part of the table; the solver is this library's.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Key

from ...._checks import argument_error, check_choice, check_double, check_instance, check_key, check_whole
from ....parameters import sweep_shape, with_sizes
from ....status import AbstractSolution, Status, choose_status
from ..network import TwoHotNetwork, of_the_table, powers, targets
from ..nngp import nngp_kernel
from ..order_parameters import SIDE_THRESHOLD, OrderParameters
from ..regularisers import sextic_energy
from ..system import ModularAddition


NORMALISABLE = ("fourier0", "norm", "position")
STARTS = ("prior", "frequencies")
RATES = ((0.15, 0.3, 0.5), (0.35, 0.1, 0.3), (1.0, 0.03, 0.1))  # until this share of the rounds: rates of Q and of t
STEADY = 0.02  # largest drift of the discrepancy over the records of a solution


class PartPrediction(AbstractSolution):
    """Theory on several masks.

    Attributes:
        masks: of each training set: 1 inside, 0 outside.
        members: order parameters of each.
        drift: of the discrepancy, second half of the records less the first.
        status: how the solver ended; out of steps where the discrepancy still drifts.
        system: what was predicted.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> found = ma.gp_on_part(jax.random.key(0), system.replace(training_fraction=0.8), num_masks=2)
        >>> found.masks.shape, found.members.held_out_learned.shape, found.order_parameters.held_out_learned.shape
        ((2, 121), (2,), ())
    """

    masks: Float[Array, "masks table"]
    members: OrderParameters
    drift: Float[Array, " masks"]
    status: Int[Array, " masks"]
    system: ModularAddition

    @property
    def order_parameters(self) -> OrderParameters:
        """Means over the masks, in the pytree that simulations report."""
        return jax.tree.map(lambda leaf: jnp.mean(leaf, axis=0), self.members)

    @property
    def errors(self) -> OrderParameters:
        """Standard errors of the means, over masks."""
        root = jnp.sqrt(len(self.masks))
        return jax.tree.map(lambda leaf: jnp.std(leaf, axis=0, ddof=1) / root, self.members)


def random_masks(key: Key[Array, ""], system: ModularAddition, num_masks: int) -> Float[Array, "masks table"]:
    """Random training sets of the system's fraction of the table.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> masks = ma.random_masks(jax.random.key(0), system.replace(training_fraction=0.8), 3)
        >>> masks.sum(axis=1).tolist()
        [97.0, 97.0, 97.0]
    """
    check_key(key)
    table, one = int(system.prime) ** 2, lambda key: jax.random.permutation(key, int(system.prime) ** 2)
    ranks = jax.vmap(one)(jax.random.split(key, check_whole("num_masks", num_masks)))
    return (ranks < jnp.round(system.training_fraction * table)).astype(float)


def regress(
    kernel: Float[Array, "table table"], included: Float[Array, " table"], noise_variance: Any
) -> tuple[Float[Array, "outputs table"], Float[Array, "outputs table"]]:
    """Regression on part of the table: the weights $t$, zero outside of it, and the outputs on all of it."""
    wanted = targets(round(len(included) ** 0.5), kernel.dtype) * included[None]
    inside = kernel * included[:, None] * included[None]
    weights = jnp.linalg.solve(inside + noise_variance * jnp.eye(len(included)), wanted.T).T
    return weights, weights @ kernel


def gp_on_part(
    key: Key[Array, ""], system: ModularAddition, *, masks: Any = None, num_masks: int = 8
) -> PartPrediction:
    """The lazy network on masks: exact regression with the kernel of infinitely many fixed features.

    Args:
        key: random key of the masks.
        system: one point.
        masks: training sets, such as `run.problem.target.inputs`; random ones unless given.
        num_masks: how many of those.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=11, width=500, noise_variance=4e-4, readout_variance=8e-7, sextic_decay=3)
        >>> found = ma.gp_on_part(jax.random.key(0), system.replace(training_fraction=0.8), num_masks=2)
        >>> bool((found.members.held_out_learned < 0).all())  # the opposite of their target
        True
    """
    masks = _masks(key, system, masks, num_masks)
    kernel = nngp_kernel(system)
    one = lambda mask: of_the_table(regress(kernel, mask, system.noise_variance)[1], mask)
    eigenvalue = jnp.full(len(masks), 4 * system.readout_variance)
    pair = jnp.full(len(masks), 1 / system.prime**2)
    members = OrderParameters(
        side_weight=jnp.zeros(len(masks)), overlap_moment=pair, target_eigenvalue=eigenvalue, **jax.vmap(one)(masks)
    )
    return PartPrediction(masks, members, jnp.zeros(len(masks)), jnp.zeros(len(masks), int), system)


def predict_on_part(
    key: Key[Array, ""],
    system: ModularAddition,
    *,
    masks: Any = None,
    num_masks: int = 4,
    num_neurons: int = 500,
    num_rounds: int = 400,
    steps_per_round: int = 20,
    step_size: float = 0.012,
    start: str = "prior",
) -> PartPrediction:
    """Order parameters on masks from the self-consistent theory of features.

    Args:
        key: random key of masks and neurons.
        system: one point, of any fraction.
        masks: training sets, such as `run.problem.target.inputs`; random ones unless given.
        num_masks: how many of those.
        num_neurons: sampled neurons a mask; few of them bias the discrepancy down, by about 0.01 with 200.
        num_rounds: updates of kernel and discrepancies; the second half is averaged.
        steps_per_round: Langevin steps between them.
        step_size: of BAOAB.
        start: of the neurons, "prior" or "frequencies".

    Raises:
        ValueError: 64-bit floats are off, the system is a sweep, the regulariser leaves a law that is not normalisable,
            a mask has no sums on it, or the start is unknown.

    Examples:
        >>> from grokjax.systems import modular_addition as ma
        >>> system = ma.ModularAddition(prime=5, width=20, noise_variance=1e-3, readout_variance=4e-6, sextic_decay=3)
        >>> part = system.replace(training_fraction=0.6, regulariser="norm")
        >>> few = {"num_masks": 2, "num_neurons": 30, "num_rounds": 10, "step_size": 1e-3}  # for a start
        >>> found = ma.predict_on_part(jax.random.key(0), part, **few)
        >>> found.order_parameters.held_out_learned.shape, found.drift.shape
        ((), (2,))
    """
    if system.regulariser not in NORMALISABLE:
        raise argument_error(
            "regulariser",
            f"one of {NORMALISABLE}",
            system.regulariser,
            "A neuron has no normalisable law on a part of the table otherwise; networks can be simulated.",
        )
    check_choice("start", start, STARTS)
    masks = _masks(key, system, masks, num_masks)
    dynamics = _Dynamics(with_sizes(system), check_whole("steps_per_round", steps_per_round), step_size)
    rounds, neurons = check_whole("num_rounds", num_rounds, 8), check_whole("num_neurons", num_neurons)
    keys = jax.random.split(jax.random.fold_in(key, 1), len(masks))
    records = jax.lax.map(lambda each: _solve(dynamics, each[0], each[1], neurons, rounds, start), (keys, masks))
    kept = jax.tree.map(lambda leaf: leaf[:, rounds // 2 :], records)
    half = (rounds - rounds // 2) // 2
    drift = jnp.mean(kept.discrepancy[:, half:], axis=1) - jnp.mean(kept.discrepancy[:, :half], axis=1)
    members = jax.tree.map(lambda leaf: jnp.mean(leaf, axis=1), kept)
    status = choose_status((~jnp.isfinite(drift), Status.NOT_FINITE), (jnp.abs(drift) > STEADY, Status.OUT_OF_STEPS))
    return PartPrediction(masks, members, drift, status, system)


def _masks(key: Any, system: ModularAddition, masks: Any, num_masks: int) -> Float[Array, "masks table"]:
    check_instance("system", system, ModularAddition)
    check_double("theory", system)
    if sweep_shape(system):
        raise argument_error("system", "a single point on a part of the table", sweep_shape(system), "Loop over it.")
    if masks is None:
        return random_masks(key, system, num_masks)
    masks = jnp.asarray(masks, float)
    if masks.ndim != 2 or masks.shape[1] != int(system.prime) ** 2 or not bool(masks.any(axis=1).all()):
        expected = f"of shape (mask, {int(system.prime) ** 2}), each with a sum on it"
        raise argument_error("masks", expected, masks.shape, "Take run.problem.target.inputs.")
    return masks


class _Neurons(NamedTuple):
    """Independent neurons: read-ins and velocities."""

    read_in: Float[Array, "2 neurons prime"]
    velocity: Float[Array, "2 neurons prime"]


class _Dynamics(eqx.Module):
    """Langevin dynamics of independent neurons at given discrepancies."""

    system: ModularAddition
    steps: int = eqx.field(static=True)
    step_size: float

    def features(self, read_in: Array) -> Float[Array, "neurons table"]:
        return TwoHotNetwork(read_in, jnp.zeros(())).hidden()

    def energy(self, read_in: Array, weights: Float[Array, "outputs table"]) -> Array:
        """$S$, added up over neurons."""
        reward = jnp.sum((self.features(read_in) @ weights.T) ** 2)
        coupling = jnp.asarray(self.system.readout_variance / (2 * self.system.width), read_in.dtype)
        decay = jnp.asarray(self.system.sextic_decay, read_in.dtype) * sextic_energy(read_in, self.system.regulariser)
        return jnp.sum(read_in**2) / 2 + decay - coupling * reward

    def advance(self, key: Any, neurons: _Neurons, weights: Float[Array, "outputs table"]) -> _Neurons:
        """One round of BAOAB at friction 1."""
        dtype = neurons.read_in.dtype
        h = jnp.asarray(self.step_size, dtype)
        kept, refreshed = jnp.exp(-h), jnp.sqrt(-jnp.expm1(-2 * h))
        force = jax.grad(lambda read_in: -self.energy(read_in, weights.astype(dtype)))

        def step(carry, key):
            (w, velocity), pull = carry
            velocity = velocity + h / 2 * pull
            w = w + h / 2 * velocity
            velocity = kept * velocity + refreshed * jax.random.normal(key, (w.size,), dtype).reshape(w.shape)
            w = w + h / 2 * velocity
            pull = force(w)
            return (_Neurons(w, velocity + h / 2 * pull), pull), None

        (neurons, _), _ = jax.lax.scan(step, (neurons, force(neurons.read_in)), jax.random.split(key, self.steps))
        return neurons


@eqx.filter_jit
def _solve(
    dynamics: _Dynamics, key: Any, mask: Float[Array, " table"], num_neurons: int, num_rounds: int, start: str
) -> OrderParameters:
    """Order parameters after every round, on one mask."""
    system = dynamics.system
    prime, noise = int(system.prime), system.noise_variance
    start_key, key = jax.random.split(key)
    read_in = _first_neurons(start_key, system, num_neurons, start)

    def kernel_of(read_in):
        features = dynamics.features(read_in).astype(float)
        return system.readout_variance / num_neurons * features.T @ features

    def round_(carry, each):
        neurons, kernel, weights = carry
        key, of_kernel, of_weights = each
        neurons = dynamics.advance(key, neurons, weights)
        kernel = kernel + of_kernel * (kernel_of(neurons.read_in) - kernel)
        weights = weights + of_weights * (regress(kernel, mask, noise)[0] - weights)
        return (neurons, kernel, weights), _measure(system, neurons.read_in, weights @ kernel, mask)

    share = (jnp.arange(num_rounds) + 1) / num_rounds
    stage = jnp.searchsorted(jnp.asarray([row[0] for row in RATES]), share - 1e-9)
    of_kernel, of_weights = (jnp.asarray([row[i] for row in RATES])[stage] for i in (1, 2))
    first = targets(prime, float) * mask[None] / (2 * noise)
    state = _Neurons(read_in, jnp.zeros_like(read_in)), kernel_of(read_in), first
    return jax.lax.scan(round_, state, (jax.random.split(key, num_rounds), of_kernel, of_weights))[1]


def _first_neurons(key: Any, system: ModularAddition, count: int, start: str) -> Float[Array, "2 neurons prime"]:
    """Draws of the Gaussian prior, or single frequencies with X = V = x* and some of it."""
    prime = int(system.prime)
    normal_key, frequency_key, phase_key = jax.random.split(key, 3)
    drawn = jax.random.normal(normal_key, (2 * count * prime,), jnp.float32).reshape(2, count, prime)
    if start == "prior":
        return drawn
    frequency = jax.random.randint(frequency_key, (count,), 1, prime // 2 + 1)[:, None]
    phase = 2 * jnp.pi * jax.random.uniform(phase_key, (2 * count,)).reshape(2, count, 1)
    angle = 2 * jnp.pi / prime * frequency * jnp.arange(prime)[None]
    waves = 2 * jnp.sqrt(system.well_position) * jnp.cos(angle[None] - phase)
    return (waves + 0.3 * drawn).astype(jnp.float32)


def _measure(system: ModularAddition, read_in: Array, outputs: Array, mask: Array) -> OrderParameters:
    x, v = powers(read_in).astype(float)
    level = SIDE_THRESHOLD * system.well_position
    moment = jnp.mean(x * v)
    return OrderParameters(
        side_weight=jnp.mean(((x > level) & (v > level)).astype(float)),
        overlap_moment=moment,
        target_eigenvalue=4 * system.prime**2 * system.readout_variance * moment,
        **of_the_table(outputs, mask),
    )
