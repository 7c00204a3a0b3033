"""From an experiment to what the loop observes, and from what it observed to a `Run`."""

import dataclasses
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Key

from ._tree import Shared, leaf_name, named_leaves, partition_members
from .ensemble.assembly import Assembly
from .evidence.certificate import Certificate
from .evidence.convergence import over_chains
from .evidence.examination import by_layer, certify, with_precision
from .evidence.statistics import Estimate
from .experiment import AbstractExperiment, Problem
from .observables import RungSeries, Series, measure_data_energy
from .results import Run, member_estimate
from .samplers import AbstractSampler
from .status import Status


MEASURED, OBSERVED, DIAGNOSTIC = "measured", "observed ", "diagnostic "
"""Names of the loop's observables: the measure, and prefixes of the experiment's own and the sampler's."""
DATA_ENERGY = "data_energy"
"""Name of the diagnostic of a ladder that holds the data energy of every record."""


class _Measured(eqx.Module):
    """`experiment.measure` as a measurement of the loop."""

    experiment: Shared
    mine: Any
    common: Shared

    def __call__(self, key: Key[Array, ""], state: Any) -> Any:
        problem = eqx.combine(self.mine, self.common.value)
        return self.experiment.value.measure(key, problem, state)


def observables_of(
    assembly: Assembly, experiment: AbstractExperiment, problem: Problem, axes: Any, sampler: AbstractSampler
) -> dict[str, Any]:
    """All that a run observes: the sampler's diagnostics, the experiment's own, and its measure.

    Args:
        assembly: of the sampler; a ladder keeps the data energy of every record besides.
        experiment: what is measured.
        problem: leading axis entry.
        axes: which of its arrays lead with the entry.
        sampler: as assembled.
    """
    observables = {OBSERVED + name: each for name, each in experiment.observables(problem).items()}
    if sampler.about.samples or experiment.followed:
        series = {DIAGNOSTIC + name: Series(each) for name, each in sampler.diagnostics.items()}
        mine, common = partition_members(axes, problem)
        measured = Series(_Measured(Shared(experiment), mine, Shared(common)))
        observables = {**observables, **series, MEASURED: measured}
    if assembly.moves.exchange is None:
        return observables
    kept = {DIAGNOSTIC + DATA_ENERGY: RungSeries(Series(measure_data_energy))}
    return {**assembly.observed(observables), **kept}


@eqx.filter_jit
def _measure_members(
    keys: Key[Array, " entries"], experiment: AbstractExperiment, problem: Problem, axes: Any, states: Any
) -> Any:
    """`experiment.measure` of every entry in a state."""
    mine, common = partition_members(axes, problem)
    one = lambda key, mine, state: experiment.measure(key, eqx.combine(mine, common), state)
    return eqx.filter_vmap(one, in_axes=(0, eqx.if_array(0), eqx.if_array(0)))(keys, mine, states)


def problem_axes(experiment: AbstractExperiment, problem: Problem) -> Any:
    """A prefix of a problem: 0 where arrays lead with the entry, None where all entries share them."""
    axes, shared = jax.tree.map(lambda _: 0, problem), experiment.share(problem)
    if not shared:
        return axes
    return eqx.tree_at(experiment.share, axes, [jax.tree.map(lambda _: None, node) for node in shared])


def collect(system, experiment, problem, axes, assembly: Assembly, run: Any, start: str) -> Run:
    """A `Run` from what the loop measured.

    Args:
        system: at all points.
        experiment: what was drawn and measured.
        problem: leading axis entry.
        axes: which of its arrays lead with the entry.
        assembly: of the sampler.
        run: of the loop.
        start: name of the start.
    """
    layout, about = assembly.layout, run.sampler.about
    diverged = assembly.per_entry(run.diverged)
    of_kind = lambda kind: {name[len(kind) :]: each for name, each in run.results.items() if name.startswith(kind)}
    plain = ("energy", DATA_ENERGY)
    flat = {name: each if name in plain else by_layer(each) for name, each in of_kind(DIAGNOSTIC).items()}
    measured, gone = run.results.get(MEASURED), layout.fold(diverged)
    series, observed = layout.fold(measured), layout.fold(of_kind(OBSERVED))
    record = len(layout.shape) + 1
    if about.samples:
        averages = jax.tree.map(lambda values: values.mean(axis=record, dtype=np.float64), series)
    else:
        averages = layout.fold(_last(experiment, problem, axes, assembly, run))
    values = experiment.summarise(averages, observed)
    certificate = None
    if about.samples:
        found = _certificate(experiment, layout, measured, flat, diverged, about, run.record_every)
        certificate = with_precision(found, run)
    return Run(
        system=system,
        experiment=experiment,
        order_parameters=_estimates(layout, values, series if about.samples else None, gone),
        members=values,
        series=series,
        observed=observed,
        diagnostics=layout.fold(flat),
        certificate=certificate,
        status=None if about.samples else _status(experiment, layout, assembly, run, averages, observed, gone),
        diverged=gone,
        layout=layout,
        start=start,
        reports=run.sampler.report(run.states),
        ensemble=dataclasses.replace(run, results={}, recorded=()),
        problem=problem,
        assembly=assembly,
    )


def _estimates(layout: Any, values: Any, series: Any, diverged: Any) -> Any:
    """Leaves as estimates over data sets; of a single one, from the effective sample size of what is followed."""
    followed = named_leaves(series) if layout.num_datasets == 1 and series is not None else {}
    record = len(layout.shape) + 1

    def one(path, leaf):
        found, chains = member_estimate(layout, leaf, diverged), followed.get(leaf_name(path))
        if chains is None or np.ndim(chains) != np.ndim(leaf) + 1:
            return found
        lost = diverged.reshape(*diverged.shape, *(1,) * (np.ndim(chains) - diverged.ndim))
        chains = np.moveaxis(np.where(lost, np.nan, chains), (record - 1, record), (-2, -1))
        return Estimate(found.mean, over_chains(chains).error)

    return jax.tree_util.tree_map_with_path(one, values)


def _last(experiment, problem, axes, assembly: Assembly, run) -> Any:
    keys = jax.random.split(assembly.key, assembly.layout.num_entries)
    return _measure_members(keys, experiment, problem, axes, run.states)


def _certificate(experiment, layout, measured, flat, diverged, about, record_every: int) -> Certificate:
    """The evidence, from the scalar series of what was measured; of small arrays from their means."""
    series = {}
    for name, values in sorted(named_leaves(measured).items()):  # the order in which jax keeps dictionaries
        chosen = experiment.certified is None or name.split("[")[0].split(".")[0] in experiment.certified
        values = np.asarray(values, np.float64).reshape(*values.shape[:2], -1).mean(axis=-1)
        if chosen and not np.isnan(values).all():
            series[name] = values
    return certify(
        layout,
        series,
        flat["energy"],
        flat.get("virial"),
        flat.get("temperature"),
        diverged,
        bias_order=about.bias_order,
        exact=about.exact,
        steps_per_record=about.steps * record_every,
    )


def _status(experiment, layout, assembly, run, averages, observed, gone) -> np.ndarray:
    """Codes of trained members: the sampler's own, the experiment's where it has an opinion, and who diverged."""
    own = (
        np.full(layout.num_entries, int(Status.OUT_OF_STEPS)) if run.status is None else assembly.per_entry(run.status)
    )
    status, outcome = layout.fold(own), experiment.outcome(averages, observed)
    status = status if outcome is None else np.asarray(outcome)
    return np.where(gone, int(Status.NOT_FINITE), status)
