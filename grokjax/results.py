"""What an experiment leaves behind: one `Run`, generic in its order parameters.

Estimates, drift, prints, files, labelled arrays and certificates are maps over the pytree that `measure` returns; no
system writes any of them.
"""

import dataclasses
import warnings
from typing import Any, Generic, TypeVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Key

from ._printing import html_table, shown
from ._tree import named_leaves
from .evidence import convergence
from .evidence.certificate import Certificate
from .evidence.statistics import Estimate, is_estimate, over_datasets
from .status import describe, succeeded


OrderParameters = TypeVar("OrderParameters")


class NotInEquilibrium(UserWarning):
    """A certificate failed.

    Examples:
        >>> import warnings
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always", grokjax.NotInEquilibrium)
        ...     run = pu.simulate(jax.random.key(0), system, num_members=4, num_steps=30, progress=False)
        >>> any(each.category is grokjax.NotInEquilibrium for each in caught), "ESS" in run.certificate.failed
        (True, True)
    """


class Run(eqx.Module, Generic[OrderParameters]):
    r"""Order parameters with their errors, and how they were obtained; `print` shows them.

    For a sweep every estimate has the shape of the sweep; series have shape (*sweep, member, record, ...). The fields
    of the order parameters are attributes of the run, too: `run.side_weight`.

    Attributes:
        system: what was simulated; on a ladder of replicas with the noises of the rungs.
        experiment: what was drawn and measured.
        order_parameters: the pytree of the theory, with an `Estimate` for every leaf; errors are over data sets.
        members: the same of every member, arrays of shape (*sweep, member, ...): time averages, or the end of training.
        series: what `measure` gave at every record, None if it was not followed.
        observed: results of the experiment's own observables by name, arrays of shape (*sweep, member, ...).
        diagnostics: of the sampler, by name: "energy" of shape (*sweep, member, record), "virial" and "temperature" by
            layer; of a ladder "data_energy", $S$ at every record, likewise.
        certificate: the evidence of equilibrium of a sampled experiment.
        status: `Status` code of each member of a trained one, shape (*sweep, member).
        diverged: which members were left out.
        layout: points, members and data sets.
        start: name of the start.
        reports: what the sampler tells of itself, such as "exchange" and "droplet_acceptance".
        ensemble: the loop's own run: plan, timing, last states.
        problem: what every entry sampled, to go on from; None once dropped.
        assembly: how the sampler was put together; likewise.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> run = pu.simulate(jax.random.key(0), system, num_members=4, num_steps=60, progress=False)
        >>> run.start, run.errors_from, run.members.output.shape
        ('prior', 'data sets', (4,))
    """

    system: Any
    experiment: Any
    order_parameters: OrderParameters
    members: Any = None
    series: Any = None
    observed: dict[str, Any] = eqx.field(default_factory=dict)
    diagnostics: dict[str, Any] = eqx.field(default_factory=dict)
    certificate: Any = None
    status: Any = None
    diverged: Any = None
    layout: Any = None
    start: str = eqx.field(static=True, default="")
    reports: dict[str, Any] = eqx.field(default_factory=dict)
    ensemble: Any = None
    problem: Any = None
    assembly: Any = None

    @classmethod
    def of_evaluation(cls, system: Any, experiment: Any, order_parameters: Any) -> "Run":
        """The run of an experiment without a chain."""
        return cls(system=system, experiment=experiment, order_parameters=order_parameters)

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_") and "order_parameters" in self.__dict__:
            order_parameters = self.__dict__["order_parameters"]
            if hasattr(order_parameters, name):
                return getattr(order_parameters, name)
        raise AttributeError(f"a run of {type(self.__dict__.get('experiment')).__name__} has no {name!r}")

    @property
    def errors_from(self) -> str:
        """What the errors are over: "data sets", or one of them only: its "effective sample size", or its "seeds"."""
        if self.layout is None or self.layout.num_datasets > 1:
            return "data sets"
        return "seeds" if self.certificate is None else "effective sample size"

    @property
    def converged(self) -> np.ndarray | None:
        """Which members of a trained experiment ended as they should."""
        return None if self.status is None else succeeded(self.status)

    @property
    def steps_per_call(self) -> int:
        """Steps of the local dynamics in one step of the sampler, more than one with moves beside it."""
        return self.ensemble.sampler.about.steps

    @property
    def steps(self) -> np.ndarray:
        """Steps of the local dynamics after which each record was taken."""
        records = jax.tree.leaves(self.diagnostics["energy"])[0].shape[len(self._sweep) + 1]
        return self.steps_per_call * (self.ensemble.warmup + self.ensemble.record_every * np.arange(1, records + 1))

    @property
    def exchange(self) -> Any:
        """How replicas travelled the ladder, None without one."""
        return self.reports.get("exchange")

    @property
    def droplet_acceptance(self) -> float | None:
        """Of droplet moves, None without them."""
        return self.reports.get("droplet_acceptance")

    @property
    def effective_sample_size(self) -> np.ndarray:
        """Of the slowest order parameter, all members of a point together."""
        return np.asarray(self._sampled().ess)

    @property
    def equipartition(self) -> dict[str, Estimate]:
        r"""$\langle\theta\cdot\nabla U\rangle/\dim$ of every layer; 1 in equilibrium."""
        return self._sampled().virial or {}

    @property
    def drift(self) -> Any:
        """Second half minus first half of the records, for everything measured; 0 in equilibrium."""
        record = len(self._sweep) + 1
        one = lambda values: convergence.drift(np.moveaxis(values, (record - 1, record), (-2, -1)))
        return jax.tree.map(one, self.series)

    def estimate(self, values: Any) -> Estimate:
        """Mean and error of values of shape (*sweep, member, ...), without diverged members, over data sets."""
        return member_estimate(self.layout, values, self.diverged)

    def without_states(self) -> "Run":
        """A copy without problems and last states, small enough for a file; it cannot be extended."""
        small = dataclasses.replace(self, problem=None, assembly=None)
        if self.ensemble is None:
            return small
        return eqx.tree_at(lambda run: (run.ensemble.states, run.ensemble.totals), small, (None, None))

    def extend(self, key: Key[Array, ""], num_steps: int, *, progress: bool = False) -> "Run":
        """The same run, longer: every member goes on from its last state, and what it measures is added.

        Args:
            key: random key of the new steps; another one than that of the run.
            num_steps: further steps of the local dynamics.
            progress: whether to show a progress bar.

        Raises:
            ValueError: the run has no states (a copy `without_states`, or an evaluated experiment).
        """
        from .driver import extend

        return extend(self, key, num_steps, progress=progress)

    def to_xarray(self) -> Any:
        """Everything measured as an `xarray.Dataset` with coordinates and long names; needs `grokjax[results]`.

        Variables are what was followed, of shape (*sweep, member, record), what was observed, and means with errors;
        the attributes say what the errors are over.
        """
        from .io.labelled import run_to_xarray

        return run_to_xarray(self)

    def to_arviz(self) -> Any:
        """The chains in ArviZ's schema, for `az.summary` and `az.plot_trace`; needs the extra `grokjax[results]`.

        Members are chains, records are draws: the group `posterior` has what was measured, `sample_stats` the energy
        and diagnostics. A sweep is a further dimension. Members that diverged are left out. Chains have data sets of
        their own unless these are shared, and then differ by right: ArviZ's R-hat is too large.

        Returns:
            An `xarray.DataTree`; with an ArviZ older than 1 its `InferenceData`.

        Raises:
            ValueError: the run was not sampled.
        """
        from .io.labelled import to_arviz

        return to_arviz(self)

    @property
    def _sweep(self) -> tuple[int, ...]:
        assert self.layout is not None
        return self.layout.shape

    def _sampled(self) -> Certificate:
        if self.certificate is None:
            raise AttributeError("only a sampled experiment has a certificate")
        return self.certificate

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        names = named_leaves(self.order_parameters, is_leaf=is_estimate)
        rows = [(name, _short(value)) for name, value in names.items()]
        note = "" if self.status is None else f"status: {describe(self.status)}"
        table = html_table(self._headline(), ("order parameter", f"mean, error over {self.errors_from}"), rows, note)
        return table if self.certificate is None else table + self.certificate._repr_html_()

    def __str__(self) -> str:
        names = named_leaves(self.order_parameters, is_leaf=is_estimate)
        width = max(map(len, names), default=0)
        lines = [self._headline(), *(f"  {name:{width}}  {_short(value)}" for name, value in names.items())]
        if self.errors_from != "data sets":
            lines.append(f"one data set: errors from its {self.errors_from}, not over other data sets")
        if self.exchange is not None:
            lines.append(str(self.exchange))
        if self.droplet_acceptance is not None:
            lines.append(f"droplet moves: acceptance {self.droplet_acceptance:.2f}")
        if self.status is not None:
            lines.append(f"status: {describe(self.status)}")
        if self.certificate is not None:
            lines.append(str(self.certificate))
        return "\n".join(lines)

    def _headline(self) -> str:
        name = type(self.experiment).__name__
        if self.layout is None:
            return f"{name}, evaluated on {self.system!r}"
        points = f"{self.layout.num_points} points x " if self.layout.shape else ""
        steps = self.steps_per_call * self.ensemble.num_steps
        end = ", interrupted" if self.ensemble.interrupted else ""
        return f"{name}: {points}{self.layout.num_members} members, {steps} steps, start {self.start!r}{end}"


def member_estimate(layout: Any, values: Any, diverged: Any) -> Estimate:
    """Mean and error over data sets of values of shape (*sweep, member, ...).

    Examples:
        >>> from grokjax.results import member_estimate
        >>> layout = grokjax.ensemble.Layout.of((), num_members=3)
        >>> print(member_estimate(layout, [1.0, 2.0, 30.0], np.array([False, False, True])))
        1.50(50)
    """
    values = np.asarray(values)
    axis = len(layout.shape) - values.ndim
    return over_datasets(values, layout.num_datasets, diverged, axis=axis)


def warn_unless_in_equilibrium(run: Run, label: str) -> None:
    """One warning, on one process, if a certificate failed.

    Examples:
        >>> import warnings
        >>> from grokjax.results import warn_unless_in_equilibrium
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always", grokjax.NotInEquilibrium)
        ...     run = pu.simulate(jax.random.key(0), system, num_members=4, num_steps=30, progress=False)
        ...     warn_unless_in_equilibrium(run, "short run")
        >>> str(caught[-1].message).startswith("short run: not in equilibrium")
        True
    """
    if run.certificate is not None and run.certificate.failed and jax.process_index() == 0:
        lines = ", ".join(run.certificate.failed)
        warnings.warn(f"{label}: not in equilibrium ({lines}); see run.certificate.", NotInEquilibrium, stacklevel=4)


def _short(value: Any) -> str:
    if is_estimate(value) and np.ndim(value.mean) > 1:
        return f"{shown(np.asarray(value.mean))}, errors {shown(np.asarray(value.error))}"
    return str(value) if is_estimate(value) else shown(value)
