"""The parameters of a system: fields that are leaves, sweeps of them, and sizes.

A *parameter* is a number that theory differentiates and a sweep varies: its field takes a number, or an array with any
number of sweep axes, and arrays of several fields broadcast. A *size* is a parameter that counts something: theory may
vary it, an experiment needs one whole number. Whatever else a system holds (data, activations) belongs to every point
of a sweep alike.

    class TeacherStudent(AbstractParameters):
        width: Number = size()
        noise_variance: Number = parameter(positive=True)
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import equinox as eqx
import jax
import numpy as np

from ._checks import argument_error, as_scalar, check_at_least, check_finite, check_positive, check_whole, is_concrete
from ._printing import AbstractPrinted


System = TypeVar("System", bound="AbstractParameters")
Number = Any
"""The type of a parameter: what is given as a number or an array over the axes of a sweep, and kept as a jax array."""


class _Kind(NamedTuple):
    """What a field declares."""

    is_size: bool
    positive: bool
    at_least: float | None
    remedy: str


def parameter(
    *,
    positive: bool = False,
    at_least: float | None = None,
    converter: Callable[[Any], Any] = as_scalar,
    remedy: str | None = None,
    **options: Any,
) -> Any:
    """A field of an `AbstractParameters` that is a leaf and may be swept.

    Args:
        positive: whether it must be finite and above zero.
        at_least: its smallest value.
        converter: makes leaves of what the user gives; numbers become floating-point arrays.
        remedy: the last sentence of the error.
        **options: of `equinox.field`, such as `default`.

    Examples:
        >>> class Oven(grokjax.AbstractParameters):
        ...     temperature: object = grokjax.parameter(positive=True)
        >>> Oven(temperature=-1.0)
        Traceback (most recent call last):
            ...
        ValueError: ...
    """
    kind = _Kind(False, positive, at_least, remedy or "Give a number.")
    return eqx.field(converter=converter, metadata={"grokjax": kind}, **{"kw_only": True, **options})


def size(*, at_least: int = 1, remedy: str | None = None, **options: Any) -> Any:
    """A parameter that counts: `draw` of an experiment sees it as an `int`.

    Args:
        at_least: its smallest value.
        remedy: the last sentence of the error.
        **options: of `equinox.field`, such as `default`.

    Examples:
        >>> class Box(grokjax.AbstractParameters):
        ...     width: object = grokjax.size(at_least=2)
        >>> Box(width=3)
        Box(width=3)
    """
    kind = _Kind(True, False, at_least, remedy or "Sizes count units, samples or dimensions.")
    return eqx.field(converter=as_scalar, metadata={"grokjax": kind}, **{"kw_only": True, **options})


class AbstractParameters(AbstractPrinted):
    """Base of every system: keyword-only fields, checks at the door, `replace`, and numbers in print.

    Examples:
        >>> class Regression(grokjax.AbstractParameters):
        ...     dim: object = grokjax.size()
        ...     noise_variance: object = grokjax.parameter(positive=True)
        >>> Regression(dim=40, noise_variance=0.5).replace(noise_variance=2.0)
        Regression(dim=40, noise_variance=2)
    """

    def __check_init__(self):
        optional = {field.name for field in dataclasses.fields(self) if field.default is None}
        for name, kind in _declared(self).items():
            value = getattr(self, name)
            if (value is None and name not in optional) or isinstance(value, list | tuple):
                raise argument_error(name, "a number, or an array over the axes of a sweep", value, kind.remedy)
            for leaf in jax.tree.leaves(value):
                if kind.positive:
                    check_positive(name, leaf, kind.remedy)
                elif kind.at_least is not None:
                    check_at_least(name, leaf, kind.at_least, kind.remedy)
                else:
                    check_finite(name, leaf, kind.remedy)

    def replace(self: System, **changes: Any) -> System:
        """A copy with some fields changed: `system.replace(noise_variance=0.2)`.

        Raises:
            ValueError: there is no such field, or a value is out of its range.
        """
        names = [field.name for field in dataclasses.fields(self)]
        for name in changes:
            if name not in names:
                raise argument_error(name, f"a field of {type(self).__name__}", changes[name], f"It has {names}.")
        return dataclasses.replace(self, **changes)


def sweep_shape(system: Any) -> tuple[int, ...]:
    """The axes of a sweep: the common broadcast shape of all parameters, () for a single system.

    Raises:
        ValueError: the parameters do not broadcast.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> grokjax.parameters.sweep_shape(system.replace(noise_variance=jnp.array([1.0, 2.0, 4.0])))
        (3,)
    """
    leaves = [leaf for name in _declared(system) for leaf in jax.tree.leaves(getattr(system, name))]
    shapes = [np.shape(leaf) for leaf in leaves]
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError:
        raise argument_error(
            "system", "made of parameters that broadcast", shapes, "Give axes of length 1 where a field is not swept."
        ) from None


def map_parameters(function: Callable[[Any], Any], system: Any) -> Any:
    """`system` with `function` applied to every leaf of its parameters that is an array.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> grokjax.parameters.map_parameters(lambda leaf: leaf / 2, system)
        PowerUnit(power=3, num_observations=10, noise_variance=2)
    """
    for name in _declared(system):
        changed = jax.tree.map(lambda leaf: function(leaf) if eqx.is_array(leaf) else leaf, getattr(system, name))
        system = eqx.tree_at(lambda s, name=name: getattr(s, name), system, changed, is_leaf=lambda x: x is None)
    return system


def parameter_axes(system: Any) -> Any:
    """What `vmap` over the members of a system maps over: 0 on its parameters, None elsewhere.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> axes = grokjax.parameters.parameter_axes(system)
        >>> two = grokjax.parameters.map_parameters(lambda leaf: jnp.stack([leaf, 2 * leaf]), system)
        >>> jax.vmap(lambda one: one.num_observations + one.noise_variance, in_axes=(axes,))(two).tolist()
        [24.0, 48.0]
    """
    names = _declared(system)
    nothing = jax.tree.map(lambda _: None, system)
    for name in names:
        axes = jax.tree.map(lambda leaf: 0 if eqx.is_array(leaf) else None, getattr(system, name))
        nothing = eqx.tree_at(lambda s, name=name: getattr(s, name), nothing, axes, is_leaf=lambda x: x is None)
    return nothing


def with_sizes(system: Any) -> Any:
    """`system` with every size as an `int`, the form in which an experiment draws from it.

    Raises:
        ValueError: a size is traced, fractional or swept.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> system.num_observations.dtype.kind, grokjax.parameters.with_sizes(system).num_observations
        ('f', 20)
    """
    for name, kind in _declared(system).items():
        if kind.is_size and getattr(system, name) is not None:
            whole = check_whole(name, getattr(system, name), int(kind.at_least or 0), _SWEPT_SIZE)
            system = eqx.tree_at(lambda s, name=name: getattr(s, name), system, whole)
    return system


_SWEPT_SIZE = "An experiment has one size in a call; see grokjax.over_sizes for several."


def over_sizes(function: Callable[[Any], Any], system: Any, **sizes: Sequence[Any]) -> list[Any]:
    """`function(system)` at several sizes, one after the other: sizes change shapes, which a `vmap` cannot.

    `over_sizes(lambda s: ts.simulate(key, s), system, width=[50, 100, 200])`. Several names advance together.

    Args:
        function: of a system.
        system: the other parameters.
        **sizes: the name of a field and its values.

    Raises:
        ValueError: no sizes, of different lengths, or no field of that name.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> grokjax.over_sizes(lambda s: int(s.num_observations), system, num_observations=[10, 20])
        [10, 20]
    """
    for name, values in sizes.items():
        if not isinstance(values, Sequence | np.ndarray | jax.Array) or isinstance(values, str):
            raise argument_error(name, "several values", values, "Try [50, 100].")
    lengths = {name: len(values) for name, values in sizes.items()}
    if not sizes or len(set(lengths.values())) != 1:
        raise argument_error("sizes", "one or more fields with equally many values", lengths, "Try width=[50, 100].")
    steps = zip(*sizes.values(), strict=True)
    return [function(system.replace(**dict(zip(sizes, step, strict=True)))) for step in steps]


def scaled_width(system: Any, factor: Any) -> Any:
    r"""Another width at the same mean field: $N\to mN$, $\sigma_a^2\to\sigma_a^2/m$, $\sigma^2\to\sigma^2/m$.

    Every term of the action is multiplied by $m$, so what depends on $m$ is finite width and nothing else.

    Args:
        system: with fields `width`, `readout_variance` and `noise_variance`.
        factor: $m$.

    Raises:
        ValueError: the factor is not positive, or leaves no whole number of neurons.

    Examples:
        >>> from grokjax.systems import teacher_student as ts
        >>> system = ts.TeacherStudent.at_scale(1 / 64, noise_variance=0.3)
        >>> twice = grokjax.parameters.scaled_width(system, 2)
        >>> float(twice.width / system.width), float(twice.noise_variance / system.noise_variance)
        (2.0, 0.5)
    """
    check_positive("factor", factor)
    width = system.width * factor
    if is_concrete(width):
        number, before = np.asarray(width, float), np.asarray(system.width, float)
        broken = np.all(before == np.round(before)) and np.any(np.abs(number - np.round(number)) > 1e-6 * number)
        if broken or np.any(number < 1):
            remedy = f"The width is {before.tolist()}."
            raise argument_error("factor", "one that leaves whole neurons", np.asarray(factor).tolist(), remedy)
    variances = {name: getattr(system, name) / factor for name in ("readout_variance", "noise_variance")}
    return system.replace(width=width, **variances)


def _declared(system: Any) -> dict[str, _Kind]:
    """The fields made by `parameter` and `size`."""
    return {
        field.name: field.metadata["grokjax"]
        for field in (dataclasses.fields(system) if dataclasses.is_dataclass(system) else ())
        if "grokjax" in field.metadata
    }


def swept_fields(system: Any) -> dict[str, np.ndarray]:
    """Names and values of the parameters that are arrays, for labels and coordinates.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> grokjax.parameters.swept_fields(system.replace(noise_variance=jnp.array([1.0, 4.0])))
        {'noise_variance': array([1., 4.]...)}
    """
    fields: dict[str, np.ndarray] = {}
    for name in _declared(system):
        for path, leaf in jax.tree_util.tree_leaves_with_path(getattr(system, name)):
            if is_concrete(leaf) and np.ndim(leaf):
                fields[name + jax.tree_util.keystr(path)] = np.asarray(leaf)
    return fields
