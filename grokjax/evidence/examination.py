r"""The examination that ends in a certificate.

Members on different data sets have different averages by right. So starts and steps are compared in pairs on the same
data set, and errors of a pair come from the fluctuations in time (`convergence.time_mean_error`), pooled over members;
for the step, from the scatter between pairs if that is larger, because slow modes are no evidence of a bias.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, PyTree

from .._tree import layer_names
from ..ensemble.layout import HALF_STEP, OTHER_START, Layout
from . import convergence, statistics
from .certificate import Certificate, StepBias
from .statistics import LARGEST_Z, Estimate, TwoStart


FEWEST_MEMBERS = 8  # whose spread at one time is an error

Number = Any  # a float or an array of floats


def certify(
    layout: Layout,
    series: Mapping[str, Array | np.ndarray],
    energy: Array | np.ndarray | None,
    virial: PyTree | None,
    temperature: PyTree | None,
    diverged: np.ndarray,
    *,
    bias_order: int | None,
    exact: bool = False,
    steps_per_record: int,
) -> Certificate:
    """Examine an ensemble.

    Args:
        layout: members and witnesses.
        series: each order parameter, shape (entry, record), entries as in the layout.
        energy: likewise, or None where it was not followed.
        virial: by layer, likewise, or None for dynamics without a gradient.
        temperature: by layer, likewise, or None.
        diverged: shape (entry,).
        bias_order: power of the step in the sampler's bias, None for no unadjusted dynamics.
        exact: whether the sampler has no step bias by construction.
        steps_per_record: Langevin steps between records.

    Examples:
        >>> from grokjax.evidence.examination import certify
        >>> noise = np.random.default_rng(0).normal(size=(8, 200))
        >>> series = {"still": noise, "drifting": noise + np.linspace(0, 1, 200)}
        >>> found = certify(
        ...     grokjax.ensemble.Layout.of((), 8), series, None, None, None, np.zeros(8, bool),
        ...     bias_order=None, exact=True, steps_per_record=1,
        ... )
        >>> found.failed, found.missing
        (['drift'], ['two starts'])
    """
    gone = layout.fold(diverged)
    clear = lambda values, lost: np.where(lost[..., None], np.nan, np.asarray(values, np.float64))
    mine = {name: clear(layout.fold(values), gone) for name, values in series.items()}

    def theirs(role):
        lost = layout.fold_witnesses(diverged, role)
        return {name: clear(layout.fold_witnesses(values, role), lost) for name, values in series.items()}

    two_start = step_bias = nested = None
    if OTHER_START in layout.roles:
        other = theirs(OTHER_START)
        first = {name: values[..., : layout.num_witnesses, :] for name, values in mine.items()}
        two_start = TwoStart({name: _pair_z(mine[name], other[name], first[name]) for name in mine}, LARGEST_Z)
        both = [np.stack([first[name], other[name]], axis=-3) for name in mine]
        nested = _largest([convergence.nested_rhat(values) for values in both])
    if HALF_STEP in layout.roles and bias_order is not None:
        step_bias = _step_bias(layout, mine, theirs(HALF_STEP), gone, bias_order)

    layers = lambda tree: {name: _unit(layout, clear(layout.fold(values), gone), gone) for name, values in tree.items()}
    ess, time = _effective_samples(mine, layout)
    energies = {} if energy is None else {"energy": clear(layout.fold(energy), gone)}
    return Certificate(
        two_start=two_start,
        virial=None if virial is None else layers(virial),
        temperature=None if temperature is None else layers(temperature),
        step_bias=step_bias,
        rhat=_largest([convergence.pooled_rhat(_by_dataset(values, layout)) for values in mine.values()]),
        nested_rhat=nested,
        ess=ess,
        autocorrelation_time=time * steps_per_record,
        drift={
            name: statistics.z_score(convergence.drift(values), 0.0) for name, values in {**mine, **energies}.items()
        },
        diverged=gone.sum(axis=-1),
        num_members=layout.num_members,
        exact=exact,
    )


def certify_series(run: Any) -> Certificate | None:
    """The evidence that an `EnsembleRun` holds, or None where no scalar was followed.

    Virial and temperature are those of the last states, if there are members enough for an error.

    Examples:
        >>> from grokjax.evidence.examination import certify_series
        >>> run = grokjax.run(
        ...     jax.random.key(0), grokjax.UnderdampedLangevin(0.3), lambda x: x @ x / 2, jnp.ones((4, 3)),
        ...     observables={"energy": grokjax.Series(grokjax.observables.measure_energy)},
        ...     num_steps=40, progress=False,
        ... )
        >>> certify_series(run).missing  # it takes witnesses, and eight members for an error of the last states
        ['two starts', 'virial', 'temperature', 'step bias']
    """
    series = {
        name + jax.tree_util.keystr(path): leaf
        for name in run.recorded
        for path, leaf in jax.tree_util.tree_leaves_with_path(run.results[name])
        if np.ndim(leaf) == 2 and len(leaf) == run.num_members and np.asarray(leaf).dtype.kind == "f"
    }
    if not series:
        return None
    about = run.sampler.about
    virial, temperature = (_at_the_end(run, name) for name in ("virial", "temperature"))
    energy = series.pop("energy", None)
    found = certify(
        Layout.of((), run.num_members, num_witnesses=0),
        series or {"energy": energy},
        energy,
        virial,
        temperature,
        run.diverged,
        bias_order=about.bias_order,
        exact=about.exact,
        steps_per_record=about.steps * run.record_every,
    )
    return with_precision(found, run)


def with_precision(certificate: Certificate, run: Any) -> Certificate:
    """With what an `EnsembleRun` says of its matrix products.

    Examples:
        >>> from grokjax.evidence.examination import with_precision
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> run = pu.simulate(jax.random.key(0), system, num_members=4, num_steps=60, progress=False)
        >>> with_precision(run.certificate, run.ensemble).precision
        'highest'
    """
    return dataclasses.replace(certificate, precision=run.precision, force_error=run.force_error)


def _at_the_end(run: Any, name: str) -> dict[str, Any] | None:
    """A diagnostic of the sampler in the last states, by layer; None where it has none, nothing of too few members."""
    measure = run.sampler.diagnostics.get(name)
    if measure is None:
        return None
    if run.num_members < FEWEST_MEMBERS or not hasattr(run.states, "gradient"):
        return {}
    return by_layer(jax.tree.map(lambda x: np.asarray(x)[:, None], jax.vmap(lambda s: measure(None, s))(run.states)))


def by_layer(tree: PyTree) -> dict[str, Any]:
    """The leaves of a pytree by name.

    Examples:
        >>> from grokjax.evidence.examination import by_layer
        >>> by_layer({"hidden": 1.0, "readout": 2.0})
        {'hidden': 1.0, 'readout': 2.0}
    """
    return dict(zip(layer_names(tree), jax.tree.leaves(tree), strict=True))


def _unit(layout: Layout, values: Number, gone: np.ndarray) -> Estimate:
    """Mean of what is 1 for every member in equilibrium.

    The error is that of the fluctuations in time, if smaller than the spread of members: a bias that differs between
    data sets widens the spread and must not hide behind it.
    """
    found = statistics.over_datasets(np.where(gone, 0, values.mean(axis=-1)), layout.num_datasets, gone)
    in_time = convergence.time_mean_error(values) / np.sqrt(np.maximum((~gone).sum(axis=-1), 1))
    return Estimate(found.mean, np.fmin(found.error, in_time))


def _pair_z(mine: Number, other: Number, first: Number) -> Number:
    """Time averages of the witnesses minus those of their members, in standard errors."""
    difference = other.mean(axis=-1) - first.mean(axis=-1)
    count = np.isfinite(difference).sum(axis=-1)
    error = convergence.time_mean_error(np.concatenate([mine, other], axis=-2)) * np.sqrt(2 / count)
    return statistics.z_score(Estimate(statistics.finite_mean(difference, axis=-1), error), 0.0)


def _step_bias(layout: Layout, mine, half, gone: np.ndarray, order: int) -> StepBias:
    bias, richardson = {}, {}
    for name, values in mine.items():
        difference = values[..., : layout.num_witnesses, :].mean(axis=-1) - half[name].mean(axis=-1)
        count = np.isfinite(difference).sum(axis=-1)
        centre = statistics.finite_mean(difference, axis=-1)
        in_time = np.hypot(convergence.time_mean_error(values), convergence.time_mean_error(half[name]))
        between = np.sqrt(statistics.finite_mean((difference - centre[..., None]) ** 2, axis=-1))
        error = np.maximum(in_time / np.sqrt(count), between / np.sqrt(np.maximum(count - 1, 1)))
        factor = 1 / (1 - 2.0**-order)
        bias[name] = Estimate(factor * centre, factor * error)
        mean = statistics.over_datasets(values.mean(axis=-1), layout.num_datasets, gone)
        richardson[name] = Estimate(mean.mean - bias[name].mean, np.hypot(mean.error, bias[name].error))
    return StepBias(bias, richardson, order)


def _effective_samples(mine: Mapping[str, Number], layout: Layout) -> tuple[Number, Number]:
    """The smallest ESS over order parameters, each about its members' own means, and its time in records."""
    smallest: Any = np.full(layout.shape, np.inf)
    for values in mine.values():
        flat = values.reshape(-1, *values.shape[-2:])
        smallest = np.minimum(smallest, np.array([_ess(one) for one in flat]).reshape(layout.shape))
    records = layout.num_members * next(iter(mine.values())).shape[-1]
    with np.errstate(divide="ignore"):
        return smallest, records / smallest


def _ess(series: Number) -> float:
    series = series[np.isfinite(series).all(axis=-1)]
    centred = series - series.mean(axis=-1, keepdims=True)
    if series.shape[-1] < 4 or not len(series):
        return 0.0
    if not centred.any():
        return float(series.size)  # an order parameter that is constant, such as no droplet at all
    return min(convergence.effective_sample_size(centred), float(series.size))


def _largest(values: list[Number]) -> Number:
    return np.max(values, axis=0)


def _by_dataset(values: Number, layout: Layout) -> Number:
    """(..., member, record) as (..., dataset, chain, record)."""
    chains = layout.num_members // layout.num_datasets
    split = values.reshape(*values.shape[:-2], chains, layout.num_datasets, values.shape[-1])
    return np.moveaxis(split, -3, -2)
