r"""Metropolis moves of single neurons between the centre and the droplets, exact for a Gaussian read-out.

Local dynamics crosses the barrier between the phases of a neuron at a rate $e^{-O(d)}$. A move proposes a new overlap
$q'=w_i'\cdot u$ of neuron $i$ with a direction $u$ from a mixture $g$ that does not depend on the state, and keeps the
rest of $w_i$. The energy is quadratic in the neuron's read-out, so that is integrated out and drawn afterwards:

$$ \log r = \log\frac{Z_i(q')\,e^{-q'^2/2s^2}\,g(q)}{Z_i(q)\,e^{-q^2/2s^2}\,g(q')},\qquad
   Z_i = \prod_p v^{1/2} e^{m_p^2/2v},\quad
   v^{-1} = \frac{|\phi_i|^2}{\sigma^2}+\frac{1}{s_a^2},\quad m_p = \frac{v}{\sigma^2}\,\phi_i\cdot r_p, $$

with the activations $\phi_i=\phi(Xw_i)$, the residuals $r_p$ of output $p$ without neuron $i$, and the prior variances
$s^2$ of a read-in weight and $s_a^2$ of a read-out weight; then $a_{pi}\sim N(m_p, v)$. The law of the network is
left invariant exactly. All neurons of a sweep are tried one after the other; with the residuals at hand each costs
one row of the hidden layer.

References:
    The action of one neuron: arXiv:2310.03789, section 4.1. Collapsed moves: Liu, JASA 89, 958 (1994).
"""

import math
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Key, PyTree, Scalar

from .._checks import argument_error, as_scalar, check_choice, check_finite, check_positive, check_whole, is_concrete
from .._tree import partition_members
from ..likelihoods import Gaussian
from ..networks import TwoLayer
from ..posterior import Posterior
from .base import About, AbstractSampler, AbstractWrapped, AbstractWrapper, energy_and_gradient


def _as_components(value: Any) -> Any:
    array = as_scalar(value)
    return jnp.atleast_1d(array) if isinstance(array, jax.Array) else value


class DropletMoves(eqx.Module):
    r"""How droplet moves are made: $g(q)=\sum_k\pi_k\,\tfrac12[N(q;q_k,\delta_k^2)+N(q;-q_k,\delta_k^2)]$.

    Without positions the mixture needs no theory: half of it the prior of $q$, half a normal law as wide as a whole
    neuron, $\sigma_w$.

    Attributes:
        positions: $q_k$, shape (component,) or, for a sweep, (point, component).
        widths: $\delta_k$, likewise.
        weights: $\pi_k$, likewise; they need not add up to one.
        direction: "data" for the direction of the best single-index model of the data, or "teacher" for the teacher's.
        every: Langevin steps between sweeps; a sweep and the gradient after it cost two to three gradients.
        num_neurons: neurons tried in a sweep, in a random window; all unless given.

    Examples:
        >>> moves = grokjax.DropletMoves([0.0, 0.8], [0.1, 0.2], [0.5, 0.5], direction="teacher")
        >>> moves.positions.shape, moves.direction, grokjax.DropletMoves().positions is None
        ((2,), 'teacher', True)
    """

    positions: Float[Array, "*points components"] | None = eqx.field(converter=_as_components, default=None)
    widths: Float[Array, "*points components"] | None = eqx.field(converter=_as_components, default=None)
    weights: Float[Array, "*points components"] | None = eqx.field(converter=_as_components, default=None)
    direction: str = eqx.field(static=True, default="data")
    every: int = eqx.field(static=True, default=20)
    num_neurons: int | None = eqx.field(static=True, default=None)

    def __check_init__(self):
        check_choice("direction", self.direction, ("data", "teacher"))
        check_whole("every", self.every)
        if self.num_neurons is not None:
            check_whole("num_neurons", self.num_neurons)
        given = [value for value in (self.positions, self.widths, self.weights) if value is not None]
        if given and len(given) < 3:
            raise argument_error(
                "positions", "given together with widths and weights", f"{len(given)} of the three", "Give all or none."
            )
        if given:
            check_finite("positions", self.positions)
            check_positive("widths", self.widths)
            check_positive("weights", self.weights)
        if len({value.shape for value in given if is_concrete(value)}) > 1:
            raise argument_error("widths", "of the shape of positions", [v.shape for v in given], "One per component.")

    def around(
        self, sampler: AbstractSampler, target: Any, truth: Any, layout: Any, target_axes: Any = 0
    ) -> "WithDropletMoves":
        """The moves beside local dynamics, for all entries of an ensemble.

        Args:
            sampler: the local dynamics.
            target: `Posterior` of two-layer networks, leading axis entry.
            truth: has the teachers' `direction` where that is asked for, shape (entry, inputs).
            layout: of the ensemble.
            target_axes: 0, or a prefix of the target with None where entries share the arrays below.

        Raises:
            ValueError: the target is no `Posterior` with squared errors, or the truth has no direction.
        """
        if not isinstance(target, Posterior) or not isinstance(target.likelihood, Gaussian):
            got = type(getattr(target, "likelihood", target)).__name__
            raise argument_error("droplets", "used with a Gaussian Posterior", got, "Run without droplet moves.")
        if self.direction == "teacher" and not hasattr(truth, "direction"):
            raise argument_error("direction", "data, where the truth has no direction", self.direction, 'Say "data".')
        batched, shared = partition_members(target_axes, target)
        of_each = lambda function: _of_every_entry(function, batched, shared, layout)
        along = truth.direction if self.direction == "teacher" else of_each(_along_the_data)
        mixture = self.mixture(of_each(_read_in_scale), target.inputs.shape[-1])
        if self.positions is not None:
            mixture = jax.tree.map(lambda part: layout.repeat_points(jnp.atleast_2d(part)), mixture)
        return WithDropletMoves(sampler, mixture, along, self.every, self.num_neurons)

    def mixture(self, weight_scale: Float[Array, "..."], input_dim: int) -> "OverlapMixture":
        """The proposal; without positions, that for read-in weights of a prior standard deviation."""
        if self.positions is not None and self.widths is not None and self.weights is not None:
            return OverlapMixture(self.positions, self.widths, self.weights)
        widths = jnp.stack([weight_scale, weight_scale * math.sqrt(input_dim)], axis=-1)
        return OverlapMixture(jnp.zeros_like(widths), widths, jnp.ones_like(widths))


class OverlapMixture(eqx.Module):
    """The proposal: normal laws at plus and minus each position."""

    positions: Float[Array, "*batch components"]
    widths: Float[Array, "*batch components"]
    weights: Float[Array, "*batch components"]

    def draw(self, key: Key[Array, ""], count: int) -> Float[Array, " count"]:
        """Independent overlaps."""
        component_key, sign_key, normal_key = jax.random.split(key, 3)
        component = jax.random.categorical(component_key, jnp.log(self.weights), shape=(count,))
        sign = jax.random.rademacher(sign_key, (count,), self.positions.dtype)
        noise = jax.random.normal(normal_key, (count,), self.positions.dtype)
        return sign * self.positions[component] + self.widths[component] * noise

    def log_density(self, q: Scalar) -> Scalar:
        r"""$\log g(q)$, up to a constant."""
        log_normal = lambda centre: -(((q - centre) / self.widths) ** 2) / 2
        both = jnp.logaddexp(log_normal(self.positions), log_normal(-self.positions))
        return jax.scipy.special.logsumexp(both + jnp.log(self.weights / self.widths))


class DropletState(AbstractWrapped):
    """A state of the local dynamics and how many moves were tried and accepted so far."""

    inner: Any
    tried: Scalar
    accepted: Scalar

    @property
    def velocity_after_noise(self) -> PyTree:
        return self.inner.velocity_after_noise


class WithDropletMoves(AbstractWrapper):
    """`every` steps of local dynamics, then one sweep of droplet moves: one `step`.

    Attributes:
        sampler: the local dynamics.
        mixture: the proposal of overlaps.
        direction: $u$, a unit vector.
        every: local steps per sweep.
        num_neurons: neurons tried in a sweep; None for all.

    Examples:
        >>> mixture = grokjax.DropletMoves([0.0, 0.8], [0.1, 0.2], [0.5, 0.5]).mixture(jnp.array(0.6), 3)
        >>> teacher = jnp.array([1.0, 0.0, 0.0])
        >>> sampler = grokjax.samplers.WithDropletMoves(grokjax.Langevin(0.01), mixture, teacher, every=20)
        >>> sampler.about.steps, mixture.draw(jax.random.key(0), 5).shape
        (20, (5,))
    """

    sampler: AbstractSampler
    mixture: OverlapMixture
    direction: Float[Array, "*members inputs"]
    every: int = eqx.field(static=True)
    num_neurons: int | None = eqx.field(static=True, default=None)

    @property
    def about(self) -> About:
        """Like the local dynamics, several of its steps at a time."""
        local = self.sampler.about
        return local._replace(steps=self.every * local.steps)

    def report(self, states: DropletState) -> dict[str, Any]:
        """What the local dynamics tells, and the acceptance of the moves."""
        share = float(np.sum(np.asarray(states.accepted)) / max(1, np.sum(np.asarray(states.tried))))
        return {**self.sampler.report(states.inner), "droplet_acceptance": share}

    def init(self, key: Key[Array, ""], target: Posterior, position: TwoLayer) -> DropletState:
        if not (isinstance(position, TwoLayer) and isinstance(target, Posterior) and target.penalty is None):
            raise argument_error(
                "droplets",
                "used with TwoLayer networks under a Gaussian prior",
                type(position).__name__,
                "Run this system without droplet moves.",
            )
        zero = jnp.zeros((), jnp.int32)
        return DropletState(self.sampler.init(key, target, position), zero, zero)

    def step(self, key: Key[Array, ""], target: Posterior, state: DropletState) -> DropletState:
        local_key, move_key = jax.random.split(key)
        local_step = lambda local, i: (self.sampler.step(jax.random.fold_in(local_key, i), target, local), None)
        local, _ = jax.lax.scan(local_step, state.inner, jnp.arange(self.every))
        position, tried, accepted = self.sweep(move_key, target, local.position)
        local = self.sampler.moved(local, position, *energy_and_gradient(target, position))
        return DropletState(local, state.tried + tried, state.accepted + accepted)

    def moved(self, state: DropletState, position: PyTree, energy: Scalar, gradient: PyTree) -> DropletState:
        """Likewise of the local dynamics."""
        return DropletState(self.sampler.moved(state.inner, position, energy, gradient), state.tried, state.accepted)

    def sweep(self, key: Key[Array, ""], target: Posterior, position: TwoLayer) -> tuple[TwoLayer, int, Scalar]:
        """One sweep; the new position, the number of moves tried, and that of moves accepted."""
        width, count = position.read_in.shape[0], self.num_neurons or position.read_in.shape[0]
        count = min(count, width)
        window_key, overlap_key, accept_key, read_out_key = jax.random.split(key, 4)
        first = 0 if count == width else jax.random.randint(window_key, (), 0, width)
        neurons = (first + jnp.arange(count)) % width
        read_in_scale, read_out_scale = target.prior_scales.read_in, target.prior_scales.read_out
        read_in, read_out = position.read_in[neurons], position.read_out[:, neurons]
        dtype, outputs = read_in.dtype, read_out.shape[0]

        overlaps = read_in_scale * (read_in @ self.direction)
        proposed = self.mixture.draw(overlap_key, count).astype(dtype)
        along = target.inputs @ self.direction
        reached = read_in_scale * (read_in @ target.inputs.T)
        log_uniform = jnp.log(jax.random.uniform(accept_key, (count,), dtype))
        noise = jax.random.normal(read_out_key, (count * outputs,), dtype).reshape(count, outputs)
        noise_variance, log_g = target.noise_variance, self.mixture.log_density

        def read_out_law(features, missing):
            variance = 1 / (jnp.sum(features * features) / noise_variance + 1 / read_out_scale**2)
            mean = variance / noise_variance * (missing @ features)
            return mean, variance, outputs / 2 * jnp.log(variance) + jnp.sum(mean * mean) / (2 * variance)

        def move(missing, neuron):
            z, a, q, new_q, log_u, xi = neuron
            old_features = position.activation(z)
            new_features = position.activation(z + (new_q - q) * along)
            missing = missing + jnp.outer(a, old_features)
            *old_law, old_log_z = read_out_law(old_features, missing)
            *new_law, new_log_z = read_out_law(new_features, missing)
            log_prior = (q * q - new_q * new_q) / (2 * read_in_scale**2)
            log_ratio = new_log_z - old_log_z + log_prior + (log_g(q) - log_g(new_q)).astype(dtype)
            accepted = log_u < log_ratio  # False for a diverged network, whose ratio is nan
            features = jnp.where(accepted, new_features, old_features)
            mean, variance = jax.tree.map(lambda new, old: jnp.where(accepted, new, old), new_law, old_law)
            a = mean + jnp.sqrt(variance) * xi
            return missing - jnp.outer(a, features), (jnp.where(accepted, new_q, q), a, accepted)

        if count == width:  # the hidden layer is at hand
            before = read_out_scale * read_out @ position.activation(reached)
        else:
            before = target.predictions(position)
        tried = (reached, read_out_scale * read_out.T, overlaps, proposed, log_uniform, noise)
        _, (new_overlaps, new_read_out, accepted) = jax.lax.scan(move, target.targets - before, tried)
        change = jnp.outer((new_overlaps - overlaps) / read_in_scale, self.direction)
        moved = TwoLayer(
            position.read_in.at[neurons].add(change),
            position.read_out.at[:, neurons].set(new_read_out.T / read_out_scale),
            position.activation,
        )
        return moved, count, jnp.sum(accepted, dtype=jnp.int32)


def data_direction(
    inputs: Float[Array, "samples inputs"],
    targets: Float[Array, "outputs samples"],
    *,
    degree: int = 5,
    num_iterations: int = 8,
) -> Float[Array, " inputs"]:
    r"""The data's own guess of the teacher: the unit vector of the best single-index model of the first output.

    Gauss-Newton on $\sum_\mu (y_\mu - p(u\cdot x_\mu))^2$ over the direction $u$ and a polynomial $p$, from the linear
    regression of $y$ on $x$. A guess that is off by an angle costs acceptance: what a neuron moves at right angles to
    the teacher is far outside of its prior in high dimension.
    """
    outputs = targets[0]
    eye = jnp.eye(inputs.shape[1], dtype=inputs.dtype)

    def regress(features, values):
        gram = features.T @ features
        ridge = 1e-4 * jnp.trace(gram) / len(gram) * jnp.eye(len(gram), dtype=gram.dtype)
        return jax.scipy.linalg.solve(gram + ridge, features.T @ values, assume_a="pos")

    def improve(direction, _):
        reached = inputs @ direction
        scale = jnp.sqrt(jnp.mean(reached**2))
        powers = [(reached / scale) ** k for k in range(degree + 1)]
        coefficients = regress(jnp.stack(powers, axis=1), outputs)
        missing = outputs - sum(c * power for c, power in zip(coefficients, powers, strict=True))
        slope = jnp.sum(jnp.stack([k * coefficients[k] * powers[k - 1] / scale for k in range(1, degree + 1)]), axis=0)
        step = regress(slope[:, None] * (inputs @ (eye - jnp.outer(direction, direction))), missing)
        moved = direction + step
        return moved / jnp.linalg.norm(moved), None

    linear = regress(inputs, outputs)
    direction, _ = jax.lax.scan(improve, linear / jnp.linalg.norm(linear), length=num_iterations)
    return direction


def _along_the_data(target: Posterior) -> Array:
    return data_direction(target.inputs, target.targets)


def _read_in_scale(target: Posterior) -> Array:
    return target.prior_scales.read_in


@eqx.filter_jit
def _of_every_entry(function: Callable[[Posterior], Array], batched: Any, shared: Any, layout: Any) -> Array:
    """A function of every entry's target, from arrays of its own and shared ones; once for all if it has none."""
    if jax.tree.leaves(eqx.filter(batched, eqx.is_array)):
        at = lambda batched, shared: function(eqx.combine(batched, shared))
        return eqx.filter_vmap(at, in_axes=(eqx.if_array(0), None), axis_size=layout.num_entries)(batched, shared)
    value = function(eqx.combine(batched, shared))
    return jnp.broadcast_to(value, (layout.num_entries, *value.shape))
