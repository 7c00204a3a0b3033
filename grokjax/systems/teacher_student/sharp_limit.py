r"""The limit $\beta\to\infty$ of the teacher-student task: where droplets first pay for themselves.

As $N$, $d$ and $n$ grow together every minimum of the action per dimension $s(q)=S/d$ becomes sharp. Before the
transition all neurons sit at $q=0$, where only the linear mode sees their fluctuations
$\langle q^2\rangle = 1/(d\,s''(0))$:

$$ \delta_1\Big(1 + \frac{\kappa}{s''(0)}\Big) = y_1,\quad \delta_{k>1} = y_k,\qquad
   \kappa = \frac{n\sigma_a^2}{d\sigma^2}\,g_1'(0)^2,\quad
   s''(0) = \frac1{\sigma_w^2} - \frac{2C}{d}\,\delta_1^2\,g_1'(0)^2 . $$

Coexistence is $s(q) = s'(q) = 0$ at some $q\neq0$: below that noise, a specialised neuron has the same action as one
that is not. The left equation has exactly one solution, and it keeps $s''(0) > 0$: in this limit the centre never
becomes unstable by itself. The spinodal, $S''(0) = 0$, belongs to finite systems past the transition (`spinodal`).

References:
    arXiv:2310.03789, section 4.1; the limit is derived here.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from ..._checks import argument_error, check_choice, check_double, is_concrete
from ...status import AbstractSolution, Status, choose_status, succeeded
from ...theory.roots import bisect, largest_root, newton_root
from .quadrature import PERPENDICULAR, by_degree, is_even, neuron_features, normalised_targets
from .system import TeacherStudent
from .theory import coupling, effective_interaction, predict


class SharpLimit(AbstractSolution):
    r"""The transition in the sharp limit.

    Attributes:
        noise_variance: $\sigma_c^2$, at the system's own $N$, $n$, $d$.
        effective_interaction: $u_c = n^2\sigma_a^2/(\sigma_c^4 d N)$.
        discrepancy: $\{k: \delta_k/\sqrt{k!}\}$ at the transition.
        side_position: $q$ of the specialised minimum there.
        residual: norm of the equations, all of order one.
        status: no solution where there is no transition; the numbers are nan unless it is solved.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> limit = ts.sharp_limit(system)
        >>> round(float(limit.noise_variance), 2), round(float(limit.side_position), 2)
        (0.18, 0.72)
    """

    noise_variance: Float[Array, ""]
    effective_interaction: Float[Array, ""]
    discrepancy: dict[int, Float[Array, ""]]
    side_position: Float[Array, ""]
    residual: Float[Array, ""]
    status: Int[Array, ""]


def sharp_limit(system: TeacherStudent) -> SharpLimit:
    """The transition of `system` as its scale grows; its own noise variance plays no role.

    Differentiable in every other field, under `vmap` and `jit` too.

    Raises:
        ValueError: the teacher gives no transition (no mode above the linear one that the activation can express, or
            a specialised minimum that runs off to infinity). Under `vmap` or `jit` such a point has no solution.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> transition = lambda system: ts.sharp_limit(system).noise_variance
        >>> bool(jax.grad(transition)(system).width < 0)
        True
    """
    check_double("theory", system)
    limit = _sharp_limit(system)
    if is_concrete(limit.converged) and not bool(limit.converged):
        raise argument_error(
            "teacher",
            "one with a first-order transition in the sharp limit",
            {k: float(c) for k, c in system.teacher.items()},
            "Give a degree above 1 to which the activation couples, such as {1: 1.0, 3: -0.3} for erf.",
        )
    return limit


@eqx.filter_jit
def _sharp_limit(system: TeacherStudent) -> SharpLimit:
    at_noise = lambda log_noise: system.replace(noise_variance=jnp.exp(log_noise))
    frozen = jax.lax.stop_gradient(system)
    grid = _search_grid(frozen)
    features = _features(frozen, grid) / grid[:, None]

    def lowest_action(log_noise):
        here = frozen.replace(noise_variance=jnp.exp(log_noise))
        field = features @ _with_linear(here, _linear_discrepancy(here))
        return 1 / (2 * here.weight_variance) - coupling(here) / here.input_dim * field**2

    lower, upper = _noise_bracket(frozen, features)
    log_noise, found = largest_root(lambda x: jnp.min(lowest_action(x)), lower, upper)
    index = jnp.argmin(lowest_action(log_noise))
    start = jnp.stack([log_noise, _linear_discrepancy(frozen.replace(noise_variance=jnp.exp(log_noise))), grid[index]])

    def equations(unknowns):
        log_noise, linear, position = unknowns
        here = at_noise(log_noise)
        delta = _with_linear(here, linear)
        reduced = lambda q: (
            0.5 - here.weight_variance * coupling(here) / here.input_dim * (_features(here, q) @ delta / q) ** 2
        )
        return jnp.stack([_linear_equation(here, linear), reduced(position), jax.grad(reduced)(position)])

    root = newton_root(equations, start)
    log_noise, linear, position = root.position
    inside = (index > 0) & (index < grid.size - 1)
    status = choose_status((~(found & inside), Status.NO_SOLUTION), otherwise=root.status)
    valid = lambda value: jnp.where(succeeded(status), value, jnp.nan)
    critical = at_noise(log_noise)
    return SharpLimit(
        noise_variance=valid(critical.noise_variance),
        effective_interaction=valid(effective_interaction(critical)),
        discrepancy=jax.tree.map(valid, by_degree(critical, _with_linear(critical, linear))),
        side_position=valid(jnp.where(is_even(system), jnp.abs(position), position)),
        residual=root.residual,
        status=status,
    )


def _features(system: TeacherStudent, alignment: Float[Array, "*points"]) -> Float[Array, "*points modes"]:
    return neuron_features(system, alignment, jnp.broadcast_to(system.weight_variance, alignment.shape))


def _linear_slope(system: TeacherStudent) -> Scalar:
    """$g_1'(0)$, or 0 for a teacher without a linear mode."""
    if 1 not in system.teacher:
        return jnp.zeros(())
    return jax.jacfwd(lambda q: _features(system, q))(jnp.zeros(()))[0]


def _with_linear(system: TeacherStudent, linear: Scalar) -> Float[Array, " modes"]:
    targets = normalised_targets(system)
    return targets.at[0].set(linear) if 1 in system.teacher else targets


def _linear_equation(system: TeacherStudent, linear: Scalar) -> Scalar:
    slope = _linear_slope(system)
    strength = system.num_samples * system.readout_variance / (system.input_dim * system.noise_variance) * slope**2
    curvature = 1 / system.weight_variance - 2 * coupling(system) / system.input_dim * (linear * slope) ** 2
    target = normalised_targets(system)[0] if 1 in system.teacher else jnp.zeros(())
    return linear * (1 + strength / curvature) - target


def _linear_discrepancy(system: TeacherStudent) -> Scalar:
    """The root of `_linear_equation` between 0 and the target, below the pole where the centre would soften."""
    target = normalised_targets(system)[0] if 1 in system.teacher else jnp.zeros(())
    softening = 2 * coupling(system) / system.input_dim * _linear_slope(system) ** 2 * system.weight_variance
    end = jnp.minimum(1, 1 / jnp.sqrt(jnp.maximum(softening * target**2, 1e-300)))
    is_above = lambda share: _linear_equation(system, share * target) * jnp.sign(target) > 0
    return bisect(is_above, end, jnp.zeros(()), 52) * target


def _search_grid(system: TeacherStudent, num_points: int = 512) -> Float[Array, " points"]:
    reach = 4 * jnp.sqrt(max(max(system.teacher) - 1, 1) * (0.5 + system.weight_variance))
    positive = reach * jnp.arange(1, num_points + 1) / num_points
    return positive if is_even(system) else jnp.concatenate([-positive[::-1], positive])


def _noise_bracket(system: TeacherStudent, features: Float[Array, "points modes"]) -> tuple[Scalar, Scalar]:
    """Log noise variances between which a specialised minimum must reach the level of the centre, if ever."""
    target = normalised_targets(system)[0]
    trial = (jnp.linspace(0, 1, 33) if 1 in system.teacher else jnp.ones(2)) * target
    fields = jax.vmap(lambda linear: jnp.max((features @ _with_linear(system, linear)) ** 2))(trial)
    if 1 not in system.teacher:
        fields = jnp.broadcast_to(jnp.max((features @ normalised_targets(system)) ** 2), (2,))
    scale = system.num_samples**2 * system.readout_variance * system.weight_variance
    squared = scale / (system.width * system.input_dim) * jnp.maximum(fields, 1e-30)
    return jnp.log(jnp.min(squared)) / 2 - 0.2, jnp.log(jnp.max(squared)) / 2 + 0.2


class Spinodal(AbstractSolution):
    r"""Where the centre loses stability.

    Attributes:
        noise_variance: the largest $\sigma^2$ at which the curvature of $-\log p(q)$ at $q=0$ vanishes.
        residual: that curvature, in units of the prior's.
        status: no solution where the centre is stable at every noise of the search; the noise is nan unless solved.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> found = ts.spinodal(system)
        >>> round(float(found.noise_variance), 2), bool(abs(found.residual) < 1e-8)
        (0.02, True)
    """

    noise_variance: Float[Array, ""]
    residual: Float[Array, ""]
    status: Int[Array, ""]


def spinodal(system: TeacherStudent, perpendicular: str = "mean", *, num_scan: int = 48) -> Spinodal:
    r"""The noise at which $S''(0)=0$ for the self-consistent discrepancy of a finite system.

    It lies below the transition: the centre outlives its supremacy. Differentiable in every field but the noise.

    Args:
        system: the parameters; its own noise variance plays no role.
        perpendicular: treatment of the perpendicular norm, as in `predict`.
        num_scan: noises of the search, from 3 down to 1/1000 of the noise at which $u\sigma_w^2 = 1$.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> bool(ts.spinodal(system).noise_variance < ts.sharp_limit(system).noise_variance)
        True
    """
    check_double("theory", system)
    check_choice("perpendicular", perpendicular, PERPENDICULAR)
    return _spinodal(system, perpendicular, num_scan)


@eqx.filter_jit
def _spinodal(system: TeacherStudent, perpendicular: str, num_scan: int) -> Spinodal:
    def softness(system, log_noise):
        law = predict(system.replace(noise_variance=jnp.exp(log_noise)), perpendicular, "mean_field").law
        curvature = -jax.grad(jax.grad(law.log_density))(jnp.zeros(()))
        return curvature * system.weight_variance / system.input_dim

    frozen = jax.lax.stop_gradient(system)
    unit = frozen.replace(noise_variance=1.0)
    scale = jnp.log(effective_interaction(unit) * frozen.weight_variance) / 2
    start, found = largest_root(
        lambda x: softness(frozen, x), scale + jnp.log(1e-3), scale + jnp.log(3.0), num_scan=num_scan, num_halvings=20
    )
    root = newton_root(lambda x: softness(system, x), start, tolerance=1e-8)
    status = choose_status((~found, Status.NO_SOLUTION), otherwise=root.status)
    return Spinodal(jnp.where(succeeded(status), jnp.exp(root.position), jnp.nan), root.residual, status)
