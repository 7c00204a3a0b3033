r"""How fast one neuron leaves the centre: Langer's rate in the field of the others, nothing fitted.

In whitened coordinates a neuron has the read-out $\alpha$ and, along the teacher, the read-in $\omega$; at a fixed
field its energy is

$$ U = \tfrac12\alpha^2+\tfrac12\omega^2-\alpha\,h(\omega),\qquad
   h = \sqrt{2C}\sum_k\delta_kg_k(q),\quad q=\omega\sqrt{\sigma_w^2/d} . $$

Without the read-out it is the action, $S=\omega^2/2-h^2/2$: right for the barrier and wrong for the prefactor, since
both move at the same pace.

References:
    the coordinates of arXiv:2310.03789, section 4.1; the rate is derived here.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, Scalar

from ...._checks import check_double
from ...._printing import AbstractPrinted
from ....status import AbstractSolution, Status, choose_status, first_failure, succeeded
from ....theory.escape import langer_rate
from ....theory.roots import newton_root
from ..quadrature import alignment_reach, is_even, neuron_features
from ..system import TeacherStudent
from .mean_field import coupling, mean_field


NUM_POINTS = 2048
RESOLVED_BARRIER = 1e-6  # in units of the action; lower ones are round-off


def highest_top(action: Float[Array, " points"]) -> tuple[Float[Array, ""], Int[Array, ""]]:
    """Height and index of the top that stands highest above the lower one of its two sides' minima.

    Examples:
        >>> from grokjax.systems.teacher_student.theory.escape import highest_top
        >>> height, top = highest_top(jnp.array([0.0, 3.0, 1.0, 2.0]))
        >>> float(height), int(top)
        (2.0, 1)
    """
    height = jnp.minimum(action - jax.lax.cummin(action), action - jax.lax.cummin(action, reverse=True))
    top = jnp.argmax(height)
    return height[top], top


class NeuronEscape(AbstractSolution, AbstractPrinted):
    r"""The way of a neuron from the centre to the side well.

    Attributes:
        barrier: $S(q_{\rm saddle})-S(0)$, nats.
        saddle: $q$ at its top.
        side: $q$ of the side well.
        rate: escapes per unit time, over both saddles where the action is even.
        prefactor: the rate times $e^B$.
        status: no solution where there is no barrier; the numbers are nan unless it is solved.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> found = ts.neuron_escape(system.replace(noise_variance=0.1))
        >>> round(float(found.barrier), 1), bool(found.saddle < found.side)
        (1.5, True)
    """

    barrier: Float[Array, ""]
    saddle: Float[Array, ""]
    side: Float[Array, ""]
    rate: Float[Array, ""]
    prefactor: Float[Array, ""]
    status: Int[Array, ""]


def neuron_escape(system: TeacherStudent, discrepancy: Any = None, *, friction: float | None = None) -> NeuronEscape:
    r"""The rate at which neurons specialise, of Langevin dynamics in whitened coordinates.

    Args:
        system: one point.
        discrepancy: $\{k:\delta_k/\sqrt{k!}\}$ of the fixed field, such as that of `sharp_limit`; that of the leading
            order at this size unless given.
        friction: of underdamped dynamics; overdamped unless given.

    Raises:
        ValueError: 64-bit floats are off.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> hot, cold = (ts.neuron_escape(system.replace(noise_variance=noise)) for noise in (0.3, 0.1))
        >>> bool(hot.converged), bool(cold.converged)  # above the transition there is no barrier
        (False, True)
    """
    check_double("theory", system)
    if discrepancy is not None:
        scale = {k: jnp.exp(jax.lax.lgamma(k + 1.0) / 2) for k in system.teacher}
        discrepancy = jnp.stack([scale[k] * discrepancy[k] for k in system.teacher])
    return _escape(system, discrepancy, friction)


@eqx.filter_jit
def _escape(system: TeacherStudent, delta: Array | None, friction: float | None) -> NeuronEscape:
    if delta is None:
        found = mean_field(system, "mean", 640, 48, 1e-10, 200)
        given, status = found.law.discrepancy, found.status
    else:
        given, status = delta, jnp.asarray(int(Status.SOLVED))
    unit = jnp.sqrt(system.weight_variance / system.input_dim)

    def field(omega: Scalar) -> Scalar:
        features = neuron_features(system, unit * omega, jnp.broadcast_to(system.weight_variance, omega.shape))
        return jnp.sqrt(2 * coupling(system)) * features @ given

    action = lambda omega: (omega**2 - field(omega) ** 2) / 2
    omega = jnp.linspace(0.0, alignment_reach(system) / unit, NUM_POINTS)
    values = jax.vmap(action)(omega)
    height, top = highest_top(values)
    bottom = jnp.argmin(jnp.where(jnp.arange(NUM_POINTS) > top, values, jnp.inf))
    slope = jax.grad(action)
    saddle, side = newton_root(slope, omega[top]), newton_root(slope, omega[bottom])
    energy = lambda x: (x @ x) / 2 - x[0] * field(x[1])
    at = lambda w: jnp.stack([field(w), w])
    rate = langer_rate(energy, jnp.zeros(2), at(saddle.position), friction) * (2 if is_even(system) else 1)
    barrier = action(saddle.position) - action(jnp.zeros(()))
    none = choose_status((height <= RESOLVED_BARRIER, Status.NO_SOLUTION), otherwise=status)
    ended = first_failure(none, saddle.status, side.status)
    valid = lambda number: jnp.where(succeeded(ended), number, jnp.nan)
    return NeuronEscape(
        valid(barrier),
        valid(unit * saddle.position),
        valid(unit * side.position),
        valid(rate),
        valid(rate * jnp.exp(barrier)),
        ended,
    )
