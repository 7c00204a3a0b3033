"""The driver, as somebody outside of the package meets it: a Gaussian system of a few lines with an exact law."""

import re
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax import AbstractExperiment, AbstractParameters, Problem, Status, parameter, size
from grokjax.evidence.statistics import z_score
from grokjax.observables import RunningMoments
from grokjax.samplers import About, AbstractSampler, State, energy_and_gradient


class Well(AbstractParameters):
    dim: Any = size()
    curvature: Any = parameter(positive=True)
    centre: Any = parameter(default=0.0)
    weights: Any = eqx.field(default=None, kw_only=True)


class OrderParameters(eqx.Module):
    mean: Any
    spread: Any
    known_to_one_road: Any = None


class Energy(eqx.Module):
    curvature: jax.Array
    centre: jax.Array
    weights: jax.Array

    def __call__(self, x):
        return jnp.sum(self.weights * self.curvature * (x - self.centre) ** 2) / 2


def first_coordinate(key, state):
    return state.position[0]


class Balls(AbstractExperiment):
    kick: float = eqx.field(static=True, default=0.0)

    def draw(self, data_key, start_key, system):
        assert isinstance(system.dim, int)
        weights = jnp.ones(system.dim, jnp.float32) if system.weights is None else system.weights
        x = jax.random.normal(start_key, (system.dim,), jnp.float32) + self.kick
        shift = jax.random.normal(data_key, (), jnp.float32) / 100
        energy = Energy(system.curvature, system.centre + shift, weights)
        return Problem(energy, {"near": x, "far": x + 3}, truth=shift)

    def share(self, problem):
        return (problem.target.weights,)

    def measure(self, key, problem, state):
        x = state.position - problem.truth
        return OrderParameters(jnp.mean(x), jnp.mean((x - problem.target.centre + problem.truth) ** 2))

    def observables(self, problem):
        return {"x": RunningMoments(first_coordinate)}


SYSTEM = Well(dim=20, curvature=jnp.array([[1.0], [4.0]]), centre=jnp.array([0.0, 1.0, 2.0]), weights=jnp.ones(20))
OPTIONS = {"num_members": 24, "num_steps": 600, "record_every": 4, "progress": False}


@pytest.fixture(scope="module")
def run():
    return grokjax.simulate(jax.random.key(0), SYSTEM, Balls(), **OPTIONS)


def test_a_sweep_over_two_axes_has_the_exact_law(run):
    assert run.mean.mean.shape == run.spread.error.shape == (2, 3)
    assert run.series.mean.shape == (2, 3, 24, 100)
    assert run.observed["x"].mean.shape == (2, 3, 24)
    assert np.abs(z_score(run.mean, np.broadcast_to([0.0, 1.0, 2.0], (2, 3)))).max() < 5
    assert np.abs(z_score(run.spread, np.broadcast_to([[1.0], [0.25]], (2, 3)))).max() < 5
    assert set(run.certificate.checks) >= {"two starts", "virial", "temperature", "step bias"}
    assert run.certificate.ess.shape == (2, 3)
    drift = z_score(run.drift.mean, 0.0)
    assert np.abs(drift).max() < 5


def test_it_prints_its_numbers(run):
    assert "Balls: 6 points x 24 members, 600 steps, start 'near'" in repr(run)
    assert "mean" in str(run)
    assert "certificate:" in str(run)
    assert repr(SYSTEM.replace(weights=None)).startswith(
        "Well(dim=20, curvature=float64[2, 1] of 1 to 4, centre=[0, 1, 2]"
    )


def test_shared_arrays_are_kept_once(run):
    assert run.problem.target.weights.shape == (20,)
    assert run.problem.target.centre.shape == (run.layout.num_entries,)


def test_a_run_goes_on_and_compiles_nothing(run):
    compiled = []
    listener = lambda event, duration, **_: compiled.append(_["fun_name"]) if "jaxpr_to_mlir" in event else None
    jax.monitoring.register_event_duration_secs_listener(listener)
    try:
        longer = run.extend(jax.random.key(1), 200)
        more = grokjax.simulate(jax.random.key(2), SYSTEM, Balls(), **{**OPTIONS, "num_steps": 900})
    finally:
        jax.monitoring.unregister_event_duration_listener(listener)
    assert not compiled
    assert longer.series.mean.shape[-1] == 150
    np.testing.assert_array_equal(longer.series.mean[..., :100], run.series.mean)
    assert longer.steps[-1] == 800
    assert more.series.mean.shape[-1] == 150
    assert longer.observed["x"].num_records == 150
    with pytest.raises(ValueError, match="`run` must be one with its problems and states"):
        run.without_states().extend(jax.random.key(1), 10)


def test_a_finished_run_is_made_longer_in_its_folder(tmp_path):
    first, longer = (simulate(checkpoint=tmp_path, num_steps=steps, record_every=None) for steps in (600, 900))
    assert (longer.ensemble.num_steps, longer.ensemble.warmup) == (900, first.ensemble.warmup)
    records = first.series.mean.shape[-1]
    assert longer.series.mean.shape[-1] > records
    np.testing.assert_array_equal(longer.series.mean[..., :records], first.series.mean)


def test_it_survives_a_file_and_labels(run, tmp_path):
    path = grokjax.save(tmp_path / "run", run)
    with pytest.raises(ValueError, match="trust"):
        grokjax.load(path)
    back = grokjax.load(path, trust=(__name__.split(".")[0],))
    assert str(back) == str(run)
    longer = back.extend(jax.random.key(1), 40)
    np.testing.assert_array_equal(longer.mean.mean, run.extend(jax.random.key(1), 40).mean.mean)
    labelled = run.to_xarray()
    assert labelled["mean"].dims == ("point_0", "point_1", "member", "record")
    assert labelled["centre"].shape == (2, 3)
    pytest.importorskip("h5py")  # comes with grokjax[results]
    labelled.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    assert (tmp_path / "run.nc").stat().st_size > 0


def test_comparison_of_whole_results(run):
    class Prediction(eqx.Module):
        order_parameters: Any
        status: Any = None

    exact = OrderParameters(
        np.broadcast_to([0.0, 1.0, 2.0], (2, 3)), np.broadcast_to([[1.0], [0.25]], (2, 3)), np.zeros((2, 3))
    )
    table = grokjax.compare(Prediction(exact), run)
    assert len(table.rows) == 12  # what only theory knows has no row
    assert max(abs(row.sigma) for row in table.rows) < 5
    assert abs(table.rows[0].sigma) <= abs(table.rows[0].z_score)  # Student's t with few data sets
    unsolved = Prediction(exact, np.array([[0, 0, 0], [0, int(Status.OUT_OF_STEPS), 0]]))
    assert "theory out of steps" in str(grokjax.compare(unsolved, run))
    with pytest.raises(ValueError, match=r"Sweep axis 1 has 2 points in theory and 3 in the experiment"):
        grokjax.compare(OrderParameters(np.zeros((2, 2)), np.zeros((2, 2))), run)
    with pytest.raises(ValueError, match="Compare like with like"):
        grokjax.compare({"other": 1.0}, run)


@pytest.mark.medium
def test_one_data_set_has_errors_from_its_effective_sample_size():
    """As large as the scatter of repetitions says, and print and comparison say what they do not know."""
    system = Well(dim=20, curvature=4.0)
    once = lambda seed, members: grokjax.simulate(
        jax.random.key(seed), system, Balls(), **{**OPTIONS, "num_members": members, "num_datasets": 1}
    )
    one, few = [once(seed, 1) for seed in range(12)], once(0, 6)
    spread = np.std([float(run.spread.mean) for run in one], ddof=1)
    errors = np.mean([float(run.spread.error) for run in one])
    assert 0.5 < errors / spread < 2
    assert float(few.spread.error) == pytest.approx(errors / np.sqrt(6), rel=0.3)
    words = "one data set: errors from its effective sample size, not over other data sets"
    assert words in str(few)
    table = grokjax.compare(OrderParameters(0.0, 0.25), few)
    assert words in str(table)
    assert table.rows[0].sigma == pytest.approx(table.rows[0].z_score, rel=0.05)  # hundreds of independent numbers
    seeds = few.estimate(few.members.spread)  # what is not followed: over seeds
    assert 0.2 < float(seeds.error) / float(few.spread.error) < 4


class Shrink(AbstractSampler):
    """A flow to zero: a member ends once it is close, and is stuck where it starts with a large coordinate."""

    rate: jax.Array = eqx.field(converter=jnp.asarray)

    @property
    def about(self):
        return About(samples=False, ends=True)

    def init(self, key, target, position):
        return State(position, *energy_and_gradient(target, position))

    def step(self, key, target, state):
        position = state.position * (1 - self.rate.astype(state.position.dtype))
        return State(position, *energy_and_gradient(target, position))

    def finished(self, state):
        size = jnp.abs(state.position).max()
        return jnp.where(size < 0.1, int(Status.REACHED), jnp.where(size > 100, int(Status.STUCK), int(Status.RUNNING)))


def test_a_flow_ends_member_by_member():
    system = Well(dim=20, curvature=1.0)
    rates = Shrink(0.3)
    flow = grokjax.simulate(
        jax.random.key(0), system, Balls(), sampler=rates, num_members=3, num_steps=80, progress=False
    )
    assert flow.certificate is None
    assert (flow.status == Status.REACHED).all()
    assert flow.converged.all()
    assert 8 < flow.ensemble.ended.max() <= flow.ensemble.num_steps < 80  # nobody waits for what is done
    assert "status: 3 goal reached" in str(flow)
    stuck = grokjax.simulate(
        jax.random.key(0), system, Balls(kick=500.0), sampler=rates, num_members=3, num_steps=80, progress=False
    )
    assert (stuck.status == Status.STUCK).all()
    assert (stuck.ensemble.ended == 0).all()
    short = grokjax.simulate(
        jax.random.key(0), system, Balls(), sampler=rates, num_members=3, num_steps=2, progress=False
    )
    assert (short.status == Status.OUT_OF_STEPS).all()


def test_sizes_loop():
    means = grokjax.over_sizes(lambda system: float(system.dim), SYSTEM, dim=[3, 5])
    assert means == [3.0, 5.0]
    with pytest.raises(ValueError, match="`dime` must be a field of Well"):
        grokjax.over_sizes(float, SYSTEM, dime=[3])
    with pytest.raises(ValueError, match="equally many values"):
        grokjax.over_sizes(float, SYSTEM, dim=[3, 4], curvature=[1.0])


class Length(grokjax.AbstractEvaluation):
    def evaluate(self, system):
        return OrderParameters(grokjax.Estimate(float(system.dim), 0.0), grokjax.Estimate(1.0, 0.1))


def test_an_evaluated_experiment_has_neither_key_nor_chain():
    found = grokjax.evaluate(Well(dim=7, curvature=1.0), Length())
    assert found.mean.mean == 7.0
    assert "Length, evaluated on Well(dim=7" in str(found)
    with pytest.raises(ValueError, match="`run` must be one with its problems and states"):
        found.extend(jax.random.key(0), 5)


class NoProblem(Balls):
    def draw(self, data_key, start_key, system):
        return jnp.zeros(3)


class Unlike(Balls):
    def draw(self, data_key, start_key, system):
        problem = super().draw(data_key, start_key, system)
        return Problem(problem.target, {"near": problem.starts[0], "far": problem.starts[0][:3]})


def simulate(system=SYSTEM, experiment=None, **options):
    return grokjax.simulate(jax.random.key(0), system, experiment or Balls(), **{**OPTIONS, **options})


def quadratic(centre, x):
    return jnp.sum((x - centre) ** 2) / 2


class Partials(Balls):
    """A target that hashes by identity, though numbers are in it."""

    def draw(self, data_key, start_key, system):
        x = jax.random.normal(start_key, (system.dim,), jnp.float32)
        return Problem(jax.tree_util.Partial(quadratic, system.centre), x)

    def share(self, problem):
        return ()

    def measure(self, key, problem, state):
        return {"square": jnp.mean((state.position - problem.target.args[0]) ** 2)}


def test_a_target_may_be_a_partial_function():
    system = Well(dim=20, curvature=1.0, centre=2.0)
    found = grokjax.simulate(jax.random.key(1), system, Partials(), **OPTIONS).order_parameters["square"]
    assert abs(found.mean - 1) < 5 * found.error


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: simulate(num_step=5),
            "`num_step` must be an argument of simulate, but got 5. Did you mean `num_steps`?",
        ),
        (lambda: simulate(start="cold"), '`start` must be one of "near", "far"'),
        (lambda: simulate(num_members=0), "`num_members` must be one whole number of at least 1"),
        (lambda: simulate(num_steps=0), "`num_steps` must be one whole number of at least 1"),
        (lambda: simulate(num_witnesses=25), "`num_witnesses` must be at most num_members = 24"),
        (lambda: simulate(warmup=600), "`warmup` must be below num_steps"),
        (lambda: simulate(experiment=NoProblem()), "`experiment` must be one whose `draw` returns a Problem"),
        (lambda: simulate(experiment=Unlike()), "`starts` must be alike in structure, shapes and dtypes"),
        (lambda: simulate(SYSTEM.replace(dim=jnp.array([3, 4, 5]))), "see grokjax.over_sizes for several"),
        (lambda: simulate(SYSTEM.replace(centre=jnp.zeros(4), curvature=jnp.ones(3))), "parameters that broadcast"),
        (lambda: simulate(sampler=grokjax.UnderdampedLangevin(1.9)), "the stability limit at the largest curvature"),
        (lambda: simulate(exchange=grokjax.ReplicaExchange([0.1, 0.2])), "`system` must be a single point"),
        (lambda: Well(dim=3, curvature=-1.0), "`curvature` must be finite and above zero, but got -1.0"),
        (lambda: Well(dim=0, curvature=1.0), "`dim` must be at least 1"),
        (lambda: Well(dim=3, curvature=1.0, centre=float("nan")), "`centre` must be finite"),
        (lambda: SYSTEM.replace(curve=1.0), "`curve` must be a field of Well"),
        (lambda: Problem(None, {}), "`starts` must be positions by name, but got []"),
        (lambda: Problem(None, {1: jnp.zeros(3)}), "`starts` must be positions by name, but got [1]"),
    ],
)
def test_bad_input_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        call()


class Dictionary(Balls):
    """Order parameters in a plain dictionary; the certificate looks at one of them."""

    certified = ("mean",)

    def measure(self, key, problem, state):
        found = super().measure(key, problem, state)
        return {"mean": found.mean, "spread": found.spread}


def test_keys_of_a_dictionary_are_names_like_those_of_a_module():
    run = grokjax.simulate(jax.random.key(0), SYSTEM.replace(curvature=1.0, centre=0.0), Dictionary(), **OPTIONS)
    assert [row.name for row in grokjax.compare({"mean": 0.0, "spread": 1.0}, run).rows] == ["mean", "spread"]
    assert "['" not in repr(run)
    assert set(run.certificate.drift) == {"mean", "energy"}
