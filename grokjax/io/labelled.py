"""Results as labelled arrays: `xarray` for anything, ArviZ's schema for sampled runs.

Sweep axes, members and records are dimensions; what was swept is a coordinate; long names are the words of the
docstrings (`Attributes:` of order parameters, predictions, runs); what errors are over is in the attributes. Nothing of
a system is known here: everything is a map over the pytree that both roads return.
"""

import importlib
import inspect
import re
import warnings
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import equinox as eqx
import jax
import numpy as np

from .._checks import argument_error
from .._tree import named_leaves
from ..evidence.statistics import is_estimate
from ..parameters import sweep_shape, swept_fields


def to_xarray(
    result: Any, coordinates: Mapping[str, Any] | None = None, *, system: Any = None, **attributes: Any
) -> Any:
    """A result as an `xarray.Dataset`; needs the extra `grokjax[results]`.

    Runs, phase diagrams, predictions and order parameters of all systems, and named arrays,
    `{name: (dimensions, values)}`.

    Args:
        result: what to label.
        coordinates: further ones: of the dimensions, or plain arrays under the name of their dimension.
        system: what a prediction was made for: its swept fields are then coordinates.
        **attributes: of the data set, besides the versions.

    Raises:
        ValueError: an array does not have one axis for each of its dimensions, or there is nothing to label.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=50, noise_variance=jnp.array([1.0, 4.0]))
        >>> data = grokjax.to_xarray(pu.predict(system), system=system)
        >>> data["output"].dims, data["noise_variance"].values.tolist()
        (('point',), [1.0, 4.0])
    """
    given = dict(coordinates or {})
    if isinstance(result, Mapping) and all(isinstance(name, str) for name in result):
        return _dataset(result, given, attributes)
    own = getattr(result, "to_xarray", None)
    if own is not None:
        return own().assign_coords(given).assign_attrs(attributes)
    voted = getattr(result, "diagram", None)  # of trained networks, whose seeds vote
    result = voted() if callable(voted) else result
    if hasattr(result, "axis_names") and hasattr(result, "labels"):
        return _of_diagram(result, given, attributes)
    return _of_prediction(result, given, system, attributes)


def run_to_xarray(run: Any) -> Any:
    """See `Run.to_xarray`."""
    if run.layout is None:
        return _of_prediction(run.order_parameters, {}, run.system, {"evidence": "error bounds of an evaluation"})
    sweep, data, coordinates = run.layout.shape, _Variables(), {}
    points, words = _points(sweep), {**_words(run), **_words(run.order_parameters)}
    members = (*points, "member")
    data.add("diverged", members, run.diverged, "whether the member was left out of every average")
    if run.diagnostics:
        coordinates["record"] = ("record", run.steps, {"long_name": "steps after which the record was taken"})
        for name, values in {**named_leaves(run.series), **named_leaves(run.diagnostics)}.items():
            data.add(name, (*members, "record"), values, words.get(_field(name), "diagnostic of the sampler"))
    if run.series is None:
        for name, values in named_leaves(run.members).items():
            data.add(name, members, values, words.get(_field(name)))
    for name, estimate in named_leaves(run.order_parameters, is_leaf=is_estimate).items():
        if is_estimate(estimate):
            data.add(f"{name}_mean", points, estimate.mean, f"mean over members of {name}")
            data.add(f"{name}_error", points, estimate.error, f"standard error of the mean, over {run.errors_from}")
    if run.status is not None:
        data.add("status", members, run.status, "how the training of the member ended, a grokjax.Status")
    for name, observed in run.observed.items():
        _add_observed(data, coordinates, name, observed, members)
    coordinates |= _swept(run.system, points, sweep)
    about = {
        "system": repr(run.system),
        "start": run.start,
        "errors": f"over {run.errors_from}",
        "num_datasets": run.layout.num_datasets,
        "note": _note(run),
    }
    return _dataset(data.variables, coordinates, about)


def ensemble_to_xarray(run: Any) -> Any:
    """See `EnsembleRun.to_xarray`."""
    data, records = _Variables(), (run.num_steps - run.warmup) // run.record_every
    data.add("diverged", ("member",), run.diverged, "whether the member's energy is not finite")
    for name, result in run.results.items():
        for leaf, values in named_leaves(result).items():
            lead = "member" if len(values) == run.num_members else "replica"  # of a ladder's rungs, which run fastest
            dimensions = (lead, "record") if name in run.recorded else (lead,)
            data.add(f"{name}_{leaf}" if leaf else name, dimensions, values)
    steps = run.warmup + run.record_every * np.arange(1, records + 1)
    return _dataset(data.variables, {"record": ("record", steps)}, {"num_steps": run.num_steps})


def to_arviz(run: Any) -> Any:
    """See `Run.to_arviz`."""
    xarray = _xarray()
    if run.certificate is None:
        raise argument_error(
            "run", "sampled: ArviZ looks at Markov chains", type(run.experiment).__name__, "See status."
        )
    data = run.to_xarray()
    keep = ~np.asarray(run.diverged).reshape(-1, run.layout.num_members).any(axis=0)
    chains = data.isel(member=np.flatnonzero(keep)).rename(member="chain", record="draw")
    chains = chains.assign_coords(chain=np.arange(keep.sum()), draw=np.arange(chains.sizes["draw"]))
    followed = [name for name in chains.data_vars if {"chain", "draw"} <= set(chains[name].dims)]
    front = chains[followed].transpose("chain", "draw", ...)
    diagnostics = [name for name in followed if name in {_label(name) for name in named_leaves(run.diagnostics)}]
    about = {**data.attrs, "inference_library": "grokjax", "inference_library_version": data.attrs["grokjax"]}
    about["left_out"] = int((~keep).sum())
    groups = {"posterior": front.drop_vars(diagnostics), "sample_stats": front[diagnostics]}
    tree = xarray.DataTree.from_dict({name: group.assign_attrs(about) for name, group in groups.items()})
    return _for_this_arviz(tree)


def _for_this_arviz(tree: Any) -> Any:
    """ArviZ 1 takes a DataTree; the releases before it have a class of their own."""
    try:
        if int(version("arviz").split(".")[0]) >= 1:
            return tree
    except PackageNotFoundError:
        return tree
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it announces its next version at import
        return importlib.import_module("arviz").from_datatree(tree)


class _Variables:
    """Variables of a data set: `{label: (dimensions, values, attributes)}`."""

    def __init__(self):
        self.variables: dict[str, Any] = {}

    def add(self, name: str, dimensions: tuple[str, ...], values: Any, long_name: str | None = None) -> None:
        label = _label(name)
        values = np.asarray(values)
        extra = tuple(f"{label}_{i}" for i in range(values.ndim - len(dimensions)))
        self.variables[label] = ((*dimensions, *extra), values, {"long_name": long_name or name})


def _add_observed(data: _Variables, coordinates: dict[str, Any], name: str, result: Any, members: Any) -> None:
    if not hasattr(result, "centres"):
        for leaf, values in named_leaves(result).items():
            data.add(f"{name}_{leaf}" if leaf else name, members, values)
        return
    label = _label(name)
    bins = tuple(f"{label}_bin{'' if i == 0 else i}" for i in range(result.counts.ndim - len(members)))
    data.variables[f"{label}_counts"] = (
        (*members, *bins),
        np.asarray(result.counts),
        {"long_name": f"counts of {name}"},
    )
    coordinates |= {
        axis: (axis, np.asarray(result.centres), {"long_name": f"centre of a bin of {name}"}) for axis in bins
    }


def _of_diagram(diagram: Any, coordinates: dict[str, Any], attributes: dict[str, Any]) -> Any:
    axes, data = diagram.axis_names, _Variables()
    words = _words(diagram.order_parameters)
    for name, values in named_leaves(diagram.order_parameters).items():
        data.add(name, axes, values, words.get(_field(name)))
    data.add("phase", axes, diagram.names(), "name of the phase, or how the solver ended")
    data.add("label", axes, diagram.labels, f"index of the phase in {', '.join(diagram.phases)}")
    data.add("status", axes, diagram.status, "how the solver ended, a grokjax.Status")
    grid = {name: (name, np.asarray(values)) for name, values in diagram.axes.items()}
    return _dataset(data.variables, {**grid, **coordinates}, attributes)


def _of_prediction(result: Any, coordinates: dict[str, Any], system: Any, attributes: dict[str, Any]) -> Any:
    sweep = _sweep_of(result, system)
    points, data = _points(sweep), _Variables()
    parts = [result] if getattr(result, "order_parameters", None) is None else [result, result.order_parameters]
    for part in parts:
        words = _words(part)
        for name, values in named_leaves(part).items():
            plain = isinstance(values, int | float | np.ndarray | np.generic) or eqx.is_array(values)
            if not plain or np.asarray(values).dtype.kind not in "biufc":
                continue
            leads = np.shape(values)[: len(sweep)] == sweep
            data.add(name, points if leads else (), values, words.get(_field(name)))
    if not data.variables:
        raise argument_error("result", "one with arrays", type(result).__name__, "Give a run, a prediction, a diagram.")
    about = {} if system is None else {"system": repr(system)}
    theory = getattr(result, "theory", None)
    about |= {"theory": ", ".join(theory) if isinstance(theory, tuple) else str(theory)} if theory else {}
    return _dataset(data.variables, {**_swept(system, points, sweep), **coordinates}, {**about, **attributes})


def _sweep_of(result: Any, system: Any) -> tuple[int, ...]:
    """The axes that every number of a prediction leads with."""
    if system is not None:
        return sweep_shape(system)
    if hasattr(result, "status"):
        return np.shape(result.status)
    found = getattr(result, "order_parameters", result)
    shapes = [np.shape(leaf) for leaf in jax.tree.leaves(found)]
    return min(shapes, key=len, default=())


def _swept(system: Any, points: tuple[str, ...], sweep: tuple[int, ...]) -> dict[str, Any]:
    if system is None:
        return {}
    words, fields = _words(system), swept_fields(system)
    broadcast = lambda values: np.broadcast_to(values, sweep)
    return {_label(n): (points, broadcast(v), {"long_name": words.get(_field(n), n)}) for n, v in fields.items()}


def _points(sweep: tuple[int, ...]) -> tuple[str, ...]:
    return ("point",) if len(sweep) == 1 else tuple(f"point_{i}" for i in range(len(sweep)))


def _note(run: Any) -> str:
    per = run.layout.num_members // run.layout.num_datasets
    if run.layout.num_datasets == 1:
        return (
            f"all {run.layout.num_members} members of a point share one data set: errors say nothing of other data sets"
        )
    share = "every member has a data set of its own" if per == 1 else f"{per} members share each data set"
    return f"{share}: members differ by right, R-hat about one common mean does not apply"


def _field(name: str) -> str:
    return re.split(r"[.\[]", name)[0]


def _label(name: str) -> str:
    return re.sub(r"\W+", "_", name).strip("_")


def _words(module: Any) -> dict[str, str]:
    """What the docstring of a class says of its attributes, up to the first stop."""
    doc = inspect.getdoc(type(module)) or ""
    block = re.search(r"^Attributes:\n((?:    .*\n?|\n)*)", doc + "\n", flags=re.MULTILINE)
    entries = re.split(r"\n(?=    \w)", "\n" + block[1].rstrip()) if block else []
    pairs = [entry.strip().split(":", 1) for entry in entries if ":" in entry]
    return {name.strip(): re.split(r"[.;]\s", " ".join(text.split()))[0].rstrip(".") for name, text in pairs}


def _dataset(data: Mapping[str, Any], coordinates: Mapping[str, Any], attributes: Mapping[str, Any]) -> Any:
    from . import versions

    variables = {}
    for name, given in data.items():
        if not (isinstance(given, tuple) and len(given) in (2, 3)):
            raise argument_error(f"data[{name!r}]", "(dimensions, values)", given, "Name the axes of the array.")
        dimensions, values = (given[0],) if isinstance(given[0], str) else given[0], np.asarray(given[1])
        if values.ndim != len(dimensions):
            raise argument_error(f"data[{name!r}]", f"of axes {dimensions}", values.shape, "Name every axis once.")
        variables[name] = (dimensions, values, *given[2:])
    return _xarray().Dataset(variables, coordinates, {**versions(), **attributes})


def _xarray() -> Any:
    try:
        return importlib.import_module("xarray")
    except ImportError as error:
        raise ImportError("labelled arrays need xarray: pip install 'grokjax[results]'") from error
