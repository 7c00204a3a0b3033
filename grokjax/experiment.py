r"""The road of simulation, for every system: draw problems, sample or train them, measure order parameters.

An experiment says three things of *one* member, and the driver does the rest for hundreds:

- `draw(data_key, start_key, system)` makes its `Problem`: what is sampled, where it may start, what is known of the
  truth.
- `measure(key, problem, state)` reads the order parameters off a state: the pytree that theory returns.
- `summarise(averages, observed)` turns time averages into order parameters where these are no plain average.

The driver (`grokjax.driver`) draws a problem for every point of a sweep, every member and every witness, advances all
of them in one compiled call, and returns a `Run`. There are three kinds of experiment, told apart by the sampler's own
word. A *sampled* one has time averages and a certificate of equilibrium. A *trained* one is measured where it ends and
has a status for each member. An *evaluated* one (`AbstractEvaluation`, `evaluate`) has neither key nor chain.
"""

import abc
import dataclasses
from collections.abc import Mapping
from typing import Any, ClassVar, NamedTuple

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key, PyTree

from ._checks import argument_error, check_instance, check_whole
from ._printing import AbstractPrinted
from .ensemble.plan import Compute, Schedule
from .observables import AbstractObservable
from .parameters import AbstractParameters
from .samplers import AbstractSampler, UnderdampedLangevin


class Problem(eqx.Module):
    """What one member samples or trains.

    Attributes:
        target: a callable energy, position -> scalar, of the law exp(-energy); or whatever the sampler takes.
        starts: first positions, in the order of their names.
        truth: what `measure` needs to know beside the target, such as the teacher.
        start_names: the first is the default; witnesses take the next one.

    Examples:
        >>> problem = grokjax.Problem(lambda x: x @ x / 2, {"origin": jnp.zeros(3), "far": jnp.ones(3)})
        >>> problem.start_names, float(problem.target(problem.starts[1]))
        (('origin', 'far'), 1.5)
    """

    target: Any
    starts: tuple[PyTree, ...]
    truth: Any
    start_names: tuple[str, ...] = eqx.field(static=True)

    def __init__(self, target: Any, starts: Any, truth: Any = None):
        """A problem.

        Args:
            target: what is sampled.
            starts: first positions by name, such as `{"prior": position, "droplets": other}`; or a single position, if
                it is no dictionary.
            truth: anything.

        Raises:
            ValueError: a dictionary of starts is empty, or its keys are no names.
        """
        starts = starts if isinstance(starts, Mapping) else {"start": starts}
        if not starts or not all(isinstance(name, str) for name in starts):
            raise argument_error("starts", "positions by name", list(starts), 'Try {"prior": position}.')
        self.target, self.truth = target, truth
        self.starts, self.start_names = tuple(starts.values()), tuple(starts)


class AbstractExperiment(AbstractPrinted):
    """The experiment of a system; its fields are its options.

    Attributes:
        num_members: members per point, unless the user says so.
        num_steps: steps, likewise.
        warmup_share: part of the steps before the first record.
        shared: what the points of a sweep have in common: "nothing", "data" or "everything" random.
        followed: whether `measure` and the sampler's diagnostics are kept at every record; a sampled experiment is
            always followed.
        systems: the class of parameters that it draws from.
        certified: names of the measurements that the certificate examines; None for all.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> energy = lambda variance, x: x @ x / (2 * variance)
        >>> class Ball(grokjax.AbstractExperiment):
        ...     systems = pu.PowerUnit
        ...     def draw(self, data_key, start_key, system):
        ...         target = jax.tree_util.Partial(energy, system.noise_variance)
        ...         return grokjax.Problem(target, jax.random.normal(start_key, (3,)))
        ...     def measure(self, key, problem, state):
        ...         return {"square": state.position @ state.position / 3}
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> run = grokjax.simulate(jax.random.key(0), system, Ball(), num_members=4, num_steps=60, progress=False)
        >>> run.order_parameters["square"].mean.shape, run.series["square"].shape
        ((), (4, 40))
    """

    num_members: ClassVar[int] = 16
    num_steps: ClassVar[int] = 1500
    warmup_share: ClassVar[float] = 1 / 3
    shared: ClassVar[str] = "nothing"
    followed: ClassVar[bool] = True
    systems: ClassVar[type] = AbstractParameters
    certified: ClassVar[tuple[str, ...] | None] = None

    def prepared(self, system: Any, settings: "Settings") -> tuple["AbstractExperiment", Any, "Settings"]:
        """Experiment, system and settings as they are run, before anything is drawn.

        What only a whole sweep decides, such as its largest size, is settled here; so is what the user has left open,
        and what cannot be drawn is refused.

        Args:
            system: at all points.
            settings: of the user.
        """
        return self, system, settings

    @abc.abstractmethod
    def draw(self, data_key: Key[Array, ""], start_key: Key[Array, ""], system: Any) -> Problem:
        """The problem of one member; sizes of the system are ints, its other parameters scalar arrays.

        Args:
            data_key: of the data set; members that share a data set have the same one.
            start_key: of first positions, its own for every member.
            system: at one point.
        """

    @abc.abstractmethod
    def measure(self, key: Key[Array, ""], problem: Problem, state: Any) -> Any:
        """Order parameters of one member in one state.

        Args:
            key: fresh at every record, for test points.
            problem: as drawn, without its starts.
            state: of the sampler; `state.position` has the form of a start.
        """

    def summarise(self, averages: Any, observed: dict[str, Any]) -> Any:
        """Order parameters from averages over the records (or from the last state, where the sampler trains).

        Args:
            averages: what `measure` returns, numpy arrays of shape (*sweep, member, ...).
            observed: results of `observables`, likewise.
        """
        del observed
        return averages

    def observables(self, problem: Problem) -> dict[str, AbstractObservable]:
        """What else is streamed, such as histograms and hitting times; arrays of the problem lead with the member."""
        del problem
        return {}

    def share(self, problem: Problem) -> tuple[Any, ...]:
        """The nodes of a problem that are the same for all members, and kept once."""
        del problem
        return ()

    def sampler(self, key: Key[Array, ""], system: Any) -> AbstractSampler:
        """The dynamics unless the user gives one; leaves are scalars or arrays over the sweep."""
        del key, system
        return UnderdampedLangevin()

    def outcome(self, measured: Any, observed: dict[str, Any]) -> np.ndarray | None:
        """`Status` codes of trained members, shape (*sweep, member), or None where the sampler's own are all."""
        del measured, observed
        return None

    def for_member(self, member: Any, num_members: int) -> "AbstractExperiment":
        """The experiment that draws one member: its own part, where members are given arrays made beforehand.

        Args:
            member: index of the member, the same at all points of a sweep.
            num_members: members per point.
        """
        del member, num_members
        return self


@dataclasses.dataclass(frozen=True, kw_only=True)
class Design:
    """Who takes part.

    Attributes:
        num_members: members per point; the experiment's number unless given.
        num_datasets: data sets per point, as many as members unless given; it must divide their number.
        num_witnesses: members per point that start from the other side, and as many at half the step, as evidence for
            the certificate; they enter no average. An eighth of the members unless given, and two at least.
        start: name of a start; the experiment's first one unless given.
        dtype: float type of the members.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> design = grokjax.Design(num_members=4, start="well")
        >>> pu.simulate(jax.random.key(0), system, design=design, num_steps=60, progress=False).start
        'well'
    """

    num_members: int | None = None
    num_datasets: int | None = None
    num_witnesses: int | None = None
    start: str | None = None
    dtype: Any = jnp.float32

    def __post_init__(self):
        for name, least in {"num_members": 1, "num_datasets": 1, "num_witnesses": 0}.items():
            if getattr(self, name) is not None:
                check_whole(name, getattr(self, name), least)
        if self.start is not None:
            check_instance("start", self.start, str, "Give the name of a start.")
        try:
            floating = self.dtype is not None and jnp.issubdtype(jnp.dtype(self.dtype), jnp.floating)
        except TypeError:
            floating = False
        if not floating:
            raise argument_error("dtype", "a type of floating-point numbers", self.dtype, "Try jnp.float32.")


class Settings(NamedTuple):
    """What a user may say about a run; an experiment fills in what is left open.

    Examples:
        >>> from grokjax.systems import power_unit as pu
        >>> system = pu.PowerUnit(power=3, num_observations=20, noise_variance=4.0)
        >>> settings = grokjax.Settings(grokjax.Design(), grokjax.Schedule(num_steps=60), grokjax.Compute())
        >>> pu.PowerUnits().prepared(system, settings)[2] is settings  # this experiment fills in nothing
        True
    """

    design: Design
    schedule: Schedule
    compute: Compute


class AbstractEvaluation(eqx.Module):
    """An experiment without key and chain: something is constructed and evaluated.

    Examples:
        >>> class Square(grokjax.AbstractEvaluation):
        ...     def evaluate(self, system):
        ...         return {"square": grokjax.Estimate(system**2, 1e-3)}
        >>> print(grokjax.evaluate(3.0, Square()).order_parameters["square"])
        9.0000(10)
    """

    @abc.abstractmethod
    def evaluate(self, system: Any) -> Any:
        """Order parameters of a system: a pytree of `Estimate`s, whose errors bound what evaluation leaves open."""
