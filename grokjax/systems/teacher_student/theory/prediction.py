"""The one door of theory: which theory of the teacher-student task, on what, and how exactly."""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Float

from ...._checks import (
    argument_error,
    check_at_least,
    check_choice,
    check_double,
    check_instance,
    check_tolerance,
    check_whole,
)
from ...._tree import over_points
from ....status import succeeded
from ..quadrature import PERPENDICULAR
from ..system import TeacherStudent
from .data_average import Sizes, average, check_field, is_covered, quenched_average
from .data_set import on_data_set
from .finite_size import CORRECTIONS, finite_size
from .mean_field import mean_field
from .result import Prediction


THEORIES = ("best", "mean_field", "finite_size", "field", "data")


class Stopping(NamedTuple):
    """When a solver ends; what is None is the theory's own choice.

    Attributes:
        tolerance: accepted residual of the stationarity condition, 1e-10; of `"field"` and `"data"` the accepted
            relative change by one more iteration, 1e-5 and 1e-3.
        max_steps: largest number of evaluations or iterations; a point that needs more comes back out of steps.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> prediction = ts.predict(system, theory="mean_field", stopping=ts.Stopping(max_steps=2))
        >>> grokjax.Status(int(prediction.status)).text
        'out of steps'
    """

    tolerance: float | None = None
    max_steps: int | None = None


def predict(
    system: TeacherStudent,
    perpendicular: str | None = None,
    theory: str | None = None,
    *,
    inputs: ArrayLike | None = None,
    targets: ArrayLike | None = None,
    z_samples: Any = None,
    corrections: tuple[str, ...] | None = None,
    num_nodes: int | None = None,
    stopping: Stopping = Stopping(),
) -> Prediction:
    r"""Order parameters, the law of one neuron, and the range of the theory; works under `jit`, `vmap` and `grad`.

    Theories, from the published one to those of finite networks on finite data:

    - `"mean_field"`: leading order in width and samples, as in the paper.
    - `"finite_size"`: with `corrections` to it.
    - `"field"`: averaged over data sets at finite width; `z_samples` for averages over draws of the data's teacher
      coordinates instead of the exact one.
    - `"data"`: on the given `inputs` and `targets`.
    - `"best"`, the default: at each point `field` where it is within its range; elsewhere `mean_field` (with the law of
      the perpendicular norm) where that is within its own; and where none is, `field` if it was solved, marked as not
      trustworthy. Both are computed and one is selected, so it works under every transformation.

    Sizes need not be whole. Derivatives with respect to every number in `system` are those of the exact solution.
    Noise in the targets averages out at leading order; theories of finite data know it as a random field.

    Args:
        system: the parameters; fields of shape (point,) make a sweep, and every result has that leading axis.
        perpendicular: `"mean"` (as in the paper), `"finite"` or `"chi2"`; see `quadrature`. To choose it is to choose
            `"mean_field"`, unless `theory` says otherwise.
        theory: see above.
        inputs: a data set, shape (n, d), or several, (sets, n, d); with `"data"` only.
        targets: shape (n,) or (sets, n).
        z_samples: with `"field"`, the teacher coordinates of one data set, shape (n,), or of several, (draws, n); or
            the number of draws of `num_samples` coordinates.
        corrections: of `"finite_size"`: any of `"norm"` (the same as `perpendicular="chi2"`), `"readout"` and
            `"sample"`; of `"field"`: `("rest",)` or nothing. All of them unless given.
        num_nodes: quadrature nodes over $|q|$: a multiple of 16, 640 (`"mean_field"`) or 160 (`"finite_size"`); of 5,
            30 (`"field"`). With `"data"`, blocks of sampled directions at each of 30 values of $q$, 1.
        stopping: when the solver ends.

    Raises:
        ValueError: 64-bit floats are off, the system's fields have more than one axis, an option is unknown, the theory
            does not cover teacher or activation, or a data set does not fit the system.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> prediction = ts.predict(system, theory="mean_field")
        >>> prediction.overlap[1].shape, bool(prediction.converged)
        ((), True)
    """
    check_instance("system", system, TeacherStudent)
    check_double("theory", system)
    check_instance("stopping", stopping, Stopping, "Try Stopping(max_steps=50).")
    theory = theory or ("best" if perpendicular is None else "mean_field")
    check_choice("theory", theory, THEORIES)
    check_choice("perpendicular", perpendicular or "mean", PERPENDICULAR)
    _check_options(theory, corrections, num_nodes, stopping)
    if (inputs is not None or targets is not None) and theory != "data":
        raise argument_error("inputs", "left out", "data", 'Ask for theory="data" to predict on a data set.')
    if z_samples is not None and theory != "field":
        raise argument_error("z_samples", "left out", "samples", 'Ask for theory="field" to average over them.')
    if theory == "data":
        return on_data_set(
            system, inputs, targets, num_nodes or 1, stopping.tolerance or 1e-3, stopping.max_steps or 25
        )
    if theory == "field":
        return _field(system, z_samples, corrections is None or "rest" in corrections, _sizes(num_nodes, stopping))
    accuracy = stopping.tolerance or 1e-10, stopping.max_steps or 200
    if theory == "finite_size":
        return _with_corrections(system, perpendicular, corrections, num_nodes, accuracy)
    if theory == "best" and is_covered(system):
        sizes = _sizes(num_nodes, stopping)
        return _one_by_one(lambda point: _best(point, sizes), system)
    if perpendicular not in (None, "mean"):
        check_at_least("input_dim", system.input_dim, 2, 'Use perpendicular="mean" in one dimension.')
    settings = (perpendicular or "mean", num_nodes or 640, 48, *accuracy)
    return over_points(lambda point: mean_field(point, *settings), system)


def _check_options(theory: str, corrections: Any, num_nodes: Any, stopping: Stopping) -> None:
    if corrections is not None and not isinstance(corrections, tuple | list):
        raise argument_error("corrections", "names of corrections", corrections, 'Try ("norm",).')
    known = {"finite_size": CORRECTIONS, "field": ("rest",)}.get(theory, ())
    for correction in corrections or ():
        check_choice("corrections", correction, known or ("none with this theory",))
    for name, value in {"num_nodes": num_nodes, "stopping.max_steps": stopping.max_steps}.items():
        if value is not None:
            check_whole(name, value)
    if stopping.tolerance is not None:
        check_tolerance("stopping.tolerance", stopping.tolerance)


def _sizes(num_nodes: int | None, stopping: Stopping) -> Sizes:
    if num_nodes is not None and num_nodes % 5:
        raise argument_error("num_nodes", "a multiple of 5", num_nodes, "Panels have five nodes; try 30.")
    given = {"alignment": num_nodes, **stopping._asdict()}
    return Sizes(**{name: value for name, value in given.items() if value is not None})


def _field(system: TeacherStudent, z_samples: Any, rest: bool, sizes: Sizes) -> Prediction:
    check_field(system)
    if z_samples is not None:
        return over_points(lambda point: quenched_average(point, z_samples, rest, sizes), system)
    return _one_by_one(lambda point: average(point, None, rest, sizes), system)


def _with_corrections(system, perpendicular, corrections, num_nodes, accuracy) -> Prediction:
    corrections = tuple(name for name in CORRECTIONS if corrections is None or name in corrections)
    if "norm" in corrections:
        perpendicular = "chi2"
        check_at_least("input_dim", system.input_dim, 2, 'Use perpendicular="mean" in one dimension.')
    if "sample" in corrections:
        check_at_least("input_dim", system.input_dim, 3, "Leave out the correction `sample` in fewer dimensions.")
    settings = (perpendicular or "mean", corrections, num_nodes or 160, 24, 40, *accuracy)
    return over_points(lambda point: finite_size(point, *settings), system)


def _one_by_one(solve: Any, system: TeacherStudent) -> Prediction:
    """`over_points`, one point after the other in one compiled call: each stops by itself, and memory stays small."""
    shape = jnp.broadcast_shapes(*(jnp.shape(leaf) for leaf in jax.tree.leaves(system)))
    if len(shape) != 1:
        return over_points(solve, system)
    points = jax.tree.map(lambda leaf: jnp.broadcast_to(leaf, shape), system)
    return eqx.filter_jit(lambda points: jax.lax.map(solve, points))(points)


class EitherLaw(eqx.Module):
    """The law of the theory that was chosen.

    Attributes:
        laws: of each theory.
        chosen: index.
    """

    laws: tuple[Any, ...]
    chosen: Array

    @property
    def system(self) -> TeacherStudent:
        """The parameters."""
        return self.laws[0].system

    def log_density(self, alignment: Float[Array, "*points"]) -> Float[Array, "*points"]:
        """Log of the normalised density at `alignment`, on the whole line."""
        return jnp.where(self.chosen == 0, *(law.log_density(alignment) for law in self.laws))


@eqx.filter_jit
def _best(system: TeacherStudent, sizes: Sizes) -> Prediction:
    """`field` where it may be trusted, `mean_field` where only that may, else what was solved."""
    field, lead = average(system, None, True, sizes), mean_field(system, "chi2", 320, 32, 1e-10, 200)
    use_field = field.trustworthy | (~lead.trustworthy & succeeded(field.status))
    pick = lambda a, b: jnp.where(use_field, a, b)
    both = lambda name: jax.tree.map(pick, getattr(field, name), getattr(lead, name))
    return Prediction(
        discrepancy=both("discrepancy"),
        overlap=both("overlap"),
        side_weight=both("side_weight"),
        log_evidence=lead.log_evidence,
        kernel=None,
        residual=both("residual"),
        quadrature_error=None,
        iterations=both("iterations"),
        status=both("status"),
        law=EitherLaw((field.law, lead.law), jnp.where(use_field, 0, 1)),
        range=jax.tree.map(pick, field.range, lead.range),
        theory=("field", "mean_field"),
        chosen=jnp.where(use_field, 0, 1),
        spread=field.spread,
        without_rest=field.without_rest,
        determinant=lead.determinant,
    )
