r"""Below the onset, in the limit of large scales: the field stays where the wells are level.

In the field $T=\delta/\sigma^2$ the leading order per sample is

$$ \frac Ln = \min_{T\in K}\Big\{\frac{\sigma^2}2|T|^2-T\cdot y+\frac Nn\psi(T)\Big\},\qquad
   \psi=-\tfrac12\log\big(1-U\sigma_w^2g_1'(0)^2T_1^2\big),\quad U=\frac{n^2\sigma_a^2}{Nd}, $$

over $K=\{\min_qs(q;T)\ge0\}$ with $s=q^2/2\sigma_w^2-\frac U2(g(q)\cdot T)^2$, convex and the same at every noise. So
the field and the energy $E=\frac n2|\sigma^2T|^2$ are continuous, and the heat capacity $dE/d\sigma^2$ jumps where
the wall becomes active. Its multiplier $\mu=Nd\rho/n$ counts specialised neurons, a share $\rho$ of order $1/d$.

References:
    derived here, for the systems of arXiv:2310.03789, section 4.1.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from ..._checks import check_double
from ..._printing import AbstractPrinted
from ..._tree import over_points
from ...status import AbstractSolution, Status, first_failure
from ...theory.roots import newton_root
from .quadrature import by_degree, neuron_features, normalised_targets
from .sharp_limit import SharpLimit, _linear_discrepancy, _linear_slope, _sharp_limit, _with_linear
from .system import TeacherStudent


NUM_CONTINUED = 24  # noises between the onset and the wanted one


class SharpThermodynamics(AbstractSolution, AbstractPrinted):
    r"""The limit over the noise, per sample.

    Attributes:
        energy: $E/n$.
        heat_capacity: $C/n$, one-sided at the onset.
        droplet_share: $\rho d$, zero above the onset.
        side_position: $q$ of the side well below the onset.
        discrepancy: $\{k: \delta_k/\sqrt{k!}\}$, the field that a neuron is in.
        status: of the solution.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> found = ts.sharp_thermodynamics(system.replace(noise_variance=0.1))
        >>> round(float(found.energy), 2), round(float(found.side_position), 2)
        (0.19, 0.98)
    """

    energy: Float[Array, "..."]
    heat_capacity: Float[Array, "..."]
    droplet_share: Float[Array, "..."]
    side_position: Float[Array, "..."]
    discrepancy: dict[int, Float[Array, "..."]]
    status: Int[Array, "..."]


def sharp_thermodynamics(system: TeacherStudent) -> SharpThermodynamics:
    r"""Energy and heat capacity in the limit $\beta\to\infty$, on both sides of the onset.

    Args:
        system: the parameters; fields of shape (point,) make a sweep. The ratios of its sizes count, not their scale.

    Raises:
        ValueError: 64-bit floats are off.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> hot, cold = (ts.sharp_thermodynamics(system.replace(noise_variance=noise)) for noise in (0.3, 0.1))
        >>> float(hot.droplet_share), bool(cold.droplet_share > 0)
        (0.0, True)
    """
    check_double("theory", system)
    return over_points(_thermodynamics, system)


@eqx.filter_jit
def _thermodynamics(system: TeacherStudent) -> SharpThermodynamics:
    limit = jax.lax.stop_gradient(_sharp_limit(system))
    onset = limit.noise_variance
    steps = jnp.linspace(0.0, 1.0, NUM_CONTINUED + 1)[1:]
    below = jnp.log(jnp.minimum(system.noise_variance / onset, 1.0))
    at = lambda share: system.replace(noise_variance=onset * jnp.exp(share * below))

    def follow(unknowns, share):
        root = newton_root(_equations(at(share)), unknowns)
        return root.position, root.status

    start, statuses = jax.lax.scan(follow, _at_onset(system, limit), steps)

    def cold(noise) -> tuple[Scalar, Array]:
        unknowns = newton_root(_equations(system.replace(noise_variance=noise)), start).position
        delta = noise * unknowns[:-2]
        return delta @ delta / 2, unknowns

    def hot(noise) -> tuple[Scalar, Array]:
        here = system.replace(noise_variance=noise)
        delta = _with_linear(here, _linear_root(here))
        return delta @ delta / 2, delta

    noise = system.noise_variance
    is_cold = noise < onset
    (energy, unknowns), slope = jax.value_and_grad(cold, has_aux=True)(jnp.minimum(noise, onset))
    (hot_energy, hot_delta), hot_slope = jax.value_and_grad(hot, has_aux=True)(noise)
    share = unknowns[-2] * system.num_samples / system.width
    return SharpThermodynamics(
        jnp.where(is_cold, energy, hot_energy),
        jnp.where(is_cold, slope, hot_slope),
        jnp.where(is_cold, share, 0.0),
        jnp.where(is_cold, jnp.abs(unknowns[-1]), jnp.nan),
        by_degree(system, jnp.where(is_cold, noise * unknowns[:-2], hot_delta)),
        first_failure(limit.status, jnp.where(is_cold, jnp.max(statuses), int(Status.SOLVED))),
    )


def _linear_root(system: TeacherStudent) -> Scalar:
    """The discrepancy of the linear mode above the onset, with its derivative."""
    strength = system.readout_variance * system.num_samples / (system.input_dim * system.noise_variance)
    pull = strength * _linear_slope(system) ** 2
    softening = (
        system.num_samples**2 * system.readout_variance / (system.width * system.input_dim * system.noise_variance**2)
    )
    target = normalised_targets(system)[0] if 1 in system.teacher else jnp.zeros(())
    softening = softening * _linear_slope(system) ** 2
    equation = lambda delta: delta * (1 + pull / (1 / system.weight_variance - softening * delta**2)) - target
    return newton_root(equation, _linear_discrepancy(jax.lax.stop_gradient(system))).position


def _at_onset(system: TeacherStudent, limit: SharpLimit) -> Float[Array, " unknowns"]:
    """Field, multiplier and side position where the wall becomes active."""
    scales = normalised_targets(system) / jnp.stack(list(system.teacher.values()))
    delta = scales * jnp.stack(list(limit.discrepancy.values()))
    return jnp.concatenate([delta / limit.noise_variance, jnp.zeros(1), limit.side_position[None]])


def _equations(system: TeacherStudent):
    """Stationarity in the field, level wells, and the side well's own stationarity, as a function of the unknowns."""
    n, width, sw2 = system.num_samples, system.width, system.weight_variance
    strength = n**2 * system.readout_variance / (width * system.input_dim)
    slope, targets = _linear_slope(system), normalised_targets(system)

    def free(field):  # without the wall
        linear = field[0] if 1 in system.teacher else 0.0
        psi = -0.5 * jnp.log1p(-strength * sw2 * (slope * linear) ** 2)
        return system.noise_variance / 2 * field @ field - field @ targets + width / n * psi

    def action(q, field):
        return q**2 / (2 * sw2) - strength / 2 * (neuron_features(system, q, sw2 * jnp.ones(())) @ field) ** 2

    def equations(unknowns):
        field, multiplier, q = unknowns[:-2], unknowns[-2], unknowns[-1]
        pushed = jax.grad(free)(field) - multiplier * jax.grad(action, argnums=1)(q, field)
        return jnp.concatenate([pushed, jnp.stack([action(q, field), jax.grad(action)(q, field)])])

    return equations
