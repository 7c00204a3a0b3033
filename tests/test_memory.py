"""What a run will need of a device's memory, and what it says where that is too little."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import Design, UnderdampedLangevin, ensemble
from grokjax._tree import leading_axes
from grokjax.driver import first_positions
from grokjax.ensemble import fixed, memory
from grokjax.observables import Series, measure_energy
from grokjax.systems import hopfield as hop, teacher_student as ts


WIDTH, SAMPLES, DIM, MEMBERS = 40, 300, 10, 6
OBSERVABLES = {"energy": Series(measure_energy)}


def drawn(**options):
    system = ts.TeacherStudent(
        width=WIDTH,
        num_samples=SAMPLES,
        input_dim=DIM,
        noise_variance=0.2,
        readout_variance=0.05,
        weight_variance=0.5,
        teacher={1: 1.0},
    )
    problem, positions = first_positions(jax.random.key(0), system, ts.Students(**options), Design(num_members=MEMBERS))
    return problem.target, positions


@pytest.fixture(scope="module")
def problem():
    return drawn()


def run(problem, **options):
    target, positions = problem
    options = {"num_steps": 32, "record_every": 2, "progress": False, "observables": OBSERVABLES, **options}
    return ensemble.run(jax.random.key(1), UnderdampedLangevin(0.01), target, positions, **options)


def needed(problem, **options):
    target, positions = problem
    sampler = UnderdampedLangevin(jnp.float32(0.01))
    keys = jax.random.split(jax.random.key(0), (MEMBERS, 3))
    start = eqx.filter_vmap(lambda key, target, position: sampler.init(key[0], target, position))
    states = eqx.filter_eval_shape(start, keys, target, positions)
    axes = (leading_axes(sampler), 0, leading_axes(OBSERVABLES), 0)
    cut = {"capacity": 16, "member_block": None, "mesh": None, **options}
    return memory.memory_needed((sampler, target, OBSERVABLES, keys, states), axes, *cut.values())


def test_arrays_are_counted_and_activations_are_those_of_the_largest_array(problem):
    found = needed(problem)
    weights = 4 * MEMBERS * WIDTH * (DIM + 1)
    data = 4 * MEMBERS * SAMPLES * (DIM + 1)
    assert data < found.arrays < data + 1000
    assert 3 * weights < found.states < 3 * weights + 1000  # position, gradient and velocity
    assert found.carries == MEMBERS * (4 * 16 + 4)
    assert found.activations == 2 * 4 * MEMBERS * WIDTH * SAMPLES
    assert found.total == found.certain + found.activations
    assert needed(problem, member_block=2).activations == found.activations // 3
    assert needed(problem, capacity=32).carries == MEMBERS * (4 * 32 + 4)


def test_a_row_tile_is_seen(problem):
    assert needed(drawn(row_tile=50)).activations < needed(problem).activations / 2


def test_a_run_says_what_it_needs(problem, monkeypatch, capsys):
    monkeypatch.setattr(fixed, "WORTH_SAYING", 0)
    run(problem, progress=True)
    assert "needs " in (said := capsys.readouterr().err)
    assert "GB (arrays" in said


def test_too_little_memory_is_refused_before_the_start(problem, monkeypatch):
    monkeypatch.setattr(fixed, "WORTH_SAYING", 0)
    monkeypatch.setattr(fixed, "memory_of", lambda devices: 50_000)
    monkeypatch.setattr(fixed.Loop, "placed", None)  # nothing is placed on a device
    with pytest.raises(
        ValueError, match=r"`num_members` must be as many as the memory holds, but got '6 members, which"
    ):
        run(problem)


def test_out_of_memory_is_an_error_in_words(problem, monkeypatch):
    def exhausted(*arguments):
        raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 99 bytes.")

    monkeypatch.setattr(ensemble.loop, "advance_members", exhausted)
    with pytest.raises(ValueError, match=r"allocate 99 bytes.*`member_block=`.*`num_chunks`.*`row_tile`") as caught:
        run(problem)
    assert isinstance(caught.value.__cause__, jax.errors.JaxRuntimeError)

    def broken(*arguments):
        raise jax.errors.JaxRuntimeError("INTERNAL: something else")

    monkeypatch.setattr(ensemble.loop, "advance_members", broken)
    with pytest.raises(jax.errors.JaxRuntimeError, match="something else"):
        run(problem)


def test_a_real_allocation_that_fails_is_explained():
    """More than any machine has."""
    with (
        pytest.raises(ValueError, match="3 members, which do not fit: RESOURCE_EXHAUSTED"),
        memory.out_of_memory_in_words(3),
    ):
        jnp.zeros((1 << 44,), np.float32).block_until_ready()


@pytest.mark.filterwarnings("ignore::grokjax.NotInEquilibrium")
def test_measurements_that_read_the_problem_are_counted(monkeypatch):
    """A memory measures overlaps with its own patterns, of which only shapes are known before the start."""
    monkeypatch.setattr("grokjax.ensemble.fixed.WORTH_SAYING", 0)
    system = hop.AssociativeMemory(0.05, 0.3)
    run = hop.simulate(jax.random.key(0), system, num_spins=40, num_members=2, num_steps=6, progress=False)
    assert np.all(np.isfinite(run.series.magnetisation))
