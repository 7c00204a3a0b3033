r"""Phases of the teacher-student task.

| phase | neurons |
|---|---|
| GFL | one centre: Gaussian features, lazy learning |
| GMFL-I | the centre and specialised wells both carry weight: droplets |
| GMFL-II | the centre is negligible |

In a finite network "carries weight" needs a threshold; by default one neuron per network, $1/N$.

References:
    arXiv:2310.03789, section 3 and figure 1.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from ..._checks import argument_error, check_choice, check_double
from ..._tree import over_points
from ...phases import PhaseDiagram, PhasePoint, sweep
from ...status import Status, choose_status, first_failure
from ...theory.saddle_points import SaddlePoints, saddle_points
from .order_parameters import OrderParameters
from .quadrature import PERPENDICULAR, alignment_reach
from .system import SIDE_THRESHOLD, TeacherStudent
from .theory import Prediction
from .theory.escape import RESOLVED_BARRIER, highest_top
from .theory.mean_field import mean_field


PHASES = ("GFL", "GMFL-I", "GMFL-II")
NODES_PER_NORM = 8  # over |q| for one over the perpendicular norm


def classify(order_parameters: OrderParameters, threshold: Any) -> Int[Array, "*points"]:
    """Index into `PHASES`: 0 without specialised neurons, 2 without central ones, 1 with both.

    Args:
        order_parameters: only `side_weight` decides.
        threshold: the smallest weight that counts, such as `1 / system.width`.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> order_parameters = ts.OrderParameters(overlap={}, side_weight=jnp.array([0.001, 0.1, 0.999]))
        >>> [ts.PHASES[i] for i in ts.classify(order_parameters, threshold=0.01)]
        ['GFL', 'GMFL-I', 'GMFL-II']
    """
    side = jnp.asarray(order_parameters.side_weight, float)
    return jnp.where(side < threshold, 0, jnp.where(1 - side < threshold, 2, 1))


def wells(prediction: Prediction, *, max_points: int = 6) -> SaddlePoints:
    r"""All minima of $-\log p(q)$: positions, gaps, Gaussian widths, weights (the Gaussian-mixture approximation).

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.05)
        >>> prediction = ts.predict(system, theory="mean_field")
        >>> wells = ts.wells(prediction)
        >>> int(wells.exists.sum()), round(float(jnp.abs(wells.position[1])), 1)  # a centre and two sides
        (3, 1.3)
    """
    reach = alignment_reach(prediction.law.system)
    return saddle_points(lambda q: -prediction.law.log_density(q), -reach, reach, max_points=max_points)


def barrier(prediction: Prediction, *, num_points: int = 1024) -> Float[Array, ""]:
    r"""The overlap $|q|$ at the top of the barrier between central and specialised neurons.

    Of all maxima of $-\log[p(q)+p(-q)]$ the one that stands highest above the lower of its two sides' minima; the
    published 1/2 where there is none, because all neurons are of one kind.

    Args:
        prediction: of one point.
        num_points: of the grid; a parabola through three of them refines the position.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.05)
        >>> prediction = ts.predict(system, theory="mean_field")
        >>> round(float(ts.barrier(prediction)), 2)
        0.71
    """
    reach = jax.lax.stop_gradient(alignment_reach(prediction.law.system))
    q = jnp.linspace(0, reach, num_points)
    action = -jnp.logaddexp(prediction.law.log_density(q), prediction.law.log_density(-q))
    height, top = highest_top(action)
    top = jnp.clip(top, 1, num_points - 2)
    before, at, after = action[top - 1], action[top], action[top + 1]
    bend = before - 2 * at + after
    shift = jnp.where(bend < 0, (before - after) / (2 * jnp.where(bend < 0, bend, 1.0)), 0.0)
    found = q[top] + shift * (q[1] - q[0])
    return jnp.where(height > RESOLVED_BARRIER, found, SIDE_THRESHOLD)


def at_barrier(system: TeacherStudent, perpendicular: str = "mean") -> TeacherStudent:
    """The system with its side threshold where the published theory's barrier is, at every point of a sweep.

    Both roads count specialised neurons beyond the threshold of the system that they are given: `predict` and
    `simulate` the same one.

    Args:
        system: the parameters; fields of shape (point,) make a sweep.
        perpendicular: treatment of the perpendicular norm, as in `predict`.

    Raises:
        ValueError: an argument of `predict` is wrong.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=jnp.array([0.3, 0.05]))
        >>> ts.at_barrier(system).side_threshold.round(2).tolist()  # the first has no barrier
        [0.5, 0.71]
    """
    check_double("theory", system)
    check_choice("perpendicular", perpendicular, PERPENDICULAR)
    return system.replace(side_threshold=_barriers(system, perpendicular))


@eqx.filter_jit
def _barriers(system: TeacherStudent, perpendicular: str) -> Float[Array, "*points"]:
    return over_points(lambda point: barrier(mean_field(point, perpendicular, 640, 48, 1e-10, 200)), system)


class _Point(eqx.Module):
    system: TeacherStudent
    threshold: Array | None
    perpendicular: str = eqx.field(static=True)
    num_nodes: int = eqx.field(static=True)
    mark_range: bool = eqx.field(static=True)

    def __call__(self, **coordinates) -> PhasePoint:
        system = self.system.replace(**coordinates)
        prediction = mean_field(
            system, self.perpendicular, self.num_nodes, self.num_nodes // NODES_PER_NORM, 1e-10, 200
        )
        threshold = 1 / system.width if self.threshold is None else self.threshold
        order_parameters = prediction.order_parameters
        status = prediction.status
        if self.mark_range:
            status = first_failure(status, choose_status((~prediction.trustworthy, Status.UNRELIABLE)))
        return PhasePoint(order_parameters, classify(order_parameters, threshold), status)


def phase_diagram(
    system: TeacherStudent,
    noise_variances: Any,
    *,
    widths: Any = None,
    num_samples: Any = None,
    perpendicular: str = "mean",
    threshold: float | Array | None = None,
    mark_range: bool = False,
    num_nodes: int = 192,
    batch_size: int = 32,
) -> PhaseDiagram:
    r"""Phases of the published theory over noise and either width or number of samples, in one compiled call.

    Args:
        system: the fields that are not swept. Note that the read-out variance stays as it is when widths are swept.
        noise_variances: $\sigma^2$, the first axis.
        widths: $N$, the second axis; or
        num_samples: $n$, the second axis.
        perpendicular: treatment of the perpendicular norm, as in `predict`.
        threshold: smallest weight that counts as present; $1/N$ of each point unless given.
        mark_range: whether points outside of the theory's own range come back as unreliable, which figures hatch.
        num_nodes: quadrature nodes over $|q|$ per point; fewer than in `predict`, enough for a picture. An eighth as
            many are over $r$, for `"chi2"`.
        batch_size: points solved together.

    Raises:
        ValueError: neither or both of `widths` and `num_samples` are given, or an argument of `predict` is wrong.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> diagram = ts.phase_diagram(system, jnp.geomspace(0.1, 1.0, 4), widths=jnp.geomspace(10, 100, 3))
        >>> diagram.labels.shape, diagram.phases
        ((4, 3), ('GFL', 'GMFL-I', 'GMFL-II'))
    """
    check_double("theory", system)
    check_choice("perpendicular", perpendicular, PERPENDICULAR)
    if (widths is None) == (num_samples is None):
        raise argument_error("widths", "given without num_samples, or the reverse", None, "Choose one second axis.")
    second = {"num_samples": num_samples} if widths is None else {"width": widths}
    threshold = None if threshold is None else jnp.asarray(threshold, float)
    point = _Point(system, threshold, perpendicular, num_nodes, mark_range)
    return sweep(point, {"noise_variance": noise_variances, **second}, PHASES, batch_size=batch_size)
