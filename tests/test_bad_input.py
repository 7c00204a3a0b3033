"""Bad input at every public door: refused by the name of the argument, with what was expected, what came, and a remedy.

One table: a door is a function of keywords with good defaults, and each of its arguments is tried with all bad values
of its kind. Annotations are not checked here, as they are not for users.
"""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import grokjax
from grokjax import observables, samplers
from grokjax.evidence import statistics
from grokjax.systems import (
    approximation as ap,
    hopfield as hop,
    infinite_width as iw,
    mean_variance as mv,
    modular_addition as ma,
    representation as rep,
    teacher_student as ts,
)


pytestmark = pytest.mark.usefixtures("as_users_call_it")

NAN, INF, TEXT, RAGGED = float("nan"), float("inf"), "a lot", [[1.0, 2.0], [3.0]]
NO_NUMBER = (TEXT, RAGGED, None, object(), 1j, NAN, INF, [0.1, TEXT])
POSITIVE = (0.0, -1.0, [0.1, -0.1], np.zeros(3), *NO_NUMBER)
NOT_NEGATIVE = (-1.0, *NO_NUMBER)
SIZE = (0, -3, *NO_NUMBER)
WHOLE = (0, -3, 2.5, TEXT, NAN, INF, RAGGED, [1, 2], object(), True)
WHOLE_OR_ZERO = tuple(value for value in WHOLE if value != 0)
NAME = ("nonsense", 3, None, ["nonsense"], object())
OPTIONAL_NAME = tuple(value for value in NAME if value is not None)
KEY = (0, None, TEXT, [0, 1], 1.5, np.zeros(2, np.uint32), jnp.zeros(3), jax.random.split(jax.random.key(0), 2))
POSITIVE_OR_OPEN = tuple(value for value in POSITIVE if value is not None)
STEP = tuple(value for value in POSITIVE_OR_OPEN if not isinstance(value, np.ndarray))

TEACHER = dict(
    width=8.0,
    num_samples=24.0,
    input_dim=6.0,
    noise_variance=1.0,
    readout_variance=1.0,
    weight_variance=1.0,
    teacher={1: 1.0, 3: 0.1},
    activation="erf",
)
TABLE = dict(prime=5.0, width=20.0, noise_variance=1e-3, readout_variance=1e-3, sextic_decay=3.0, training_fraction=1.0)
X, Y = np.linspace(0, 1, 5), np.array([0.1, -1.0, 0.4, 1.2, -0.7])


def student():
    return ts.TeacherStudent(**TEACHER)


def norm_decay():
    return table().replace(regulariser="norm")


def table():
    return ma.ModularAddition(**TABLE)


def simulated(simulate, system):
    """`simulate` of a tiny run, system and key among the keywords."""
    defaults = {"num_members": 2, "num_steps": 4, "progress": False}

    def door(key=jax.random.key(0), system=system, **options):
        system = system() if callable(system) else system
        return simulate(key, system, **{**defaults, **options})

    return door


def engine(key=jax.random.key(0), positions=jnp.zeros((2, 3)), **options):
    energy = lambda x: jnp.sum(x * x) / 2
    sampler = options.pop("sampler", grokjax.UnderdampedLangevin())
    options = {"num_steps": 4, "progress": False, "target_axes": None, **options}
    return grokjax.run(key, sampler, energy, positions, **options)


SETTINGS = {
    "key": KEY,
    "num_members": WHOLE,
    "num_datasets": (*WHOLE, 3),
    "num_witnesses": (*WHOLE_OR_ZERO, 3),
    "start": OPTIONAL_NAME,
    "dtype": (TEXT, jnp.int32, 5, None, object()),
}
LOOP = {
    "num_steps": WHOLE,
    "warmup": (*WHOLE_OR_ZERO, 4),
    "record_every": WHOLE,
    "num_chunks": WHOLE,
    "checkpoint": (5, __file__, ["folder"]),
    "adapt": (5, TEXT),
    "member_block": WHOLE,
    "devices": ((), TEXT, [1], 5),
    "precision": ("sharp", 5, ["high"]),
    "label": (5, None),
}
SAMPLER = {"sampler": (5, TEXT, grokjax.UnderdampedLangevin)}
TEACHER_STUDENT = {
    **dict.fromkeys(("width", "num_samples", "input_dim"), SIZE),
    **dict.fromkeys(("noise_variance", "readout_variance", "weight_variance"), POSITIVE),
    "teacher": ({}, {0: 1.0}, {1: NAN}, {1: TEXT}, {"a": 1.0}, {1.5: 1.0}, [1.0], None, 1.0, {True: 1.0}),
    "activation": NAME,
}

DOORS = {
    "TeacherStudent": (lambda **k: ts.TeacherStudent(**{**TEACHER, **k}), TEACHER_STUDENT),
    "TeacherStudent.at_scale": (
        lambda beta=0.1, **k: ts.TeacherStudent.at_scale(beta, **k),
        {"beta": POSITIVE, "noise_variance": POSITIVE, "alpha": POSITIVE_OR_OPEN, "teacher": ([1.0], {0: 1.0})},
    ),
    "TeacherStudent.at_width": (lambda factor: student().at_width(factor), {"factor": (0.3, *POSITIVE)}),
    "TeacherStudent.replace": (lambda **k: student().replace(**k), {"noise": (1.0,), **TEACHER_STUDENT}),
    "ModularAddition": (
        lambda **k: ma.ModularAddition(**{**TABLE, **k}),
        {
            "prime": (4, 2, *SIZE),
            "width": SIZE,
            **dict.fromkeys(("noise_variance", "readout_variance", "sextic_decay"), POSITIVE),
            "training_fraction": (1.5, *POSITIVE),
        },
    ),
    "AssociativeMemory": (
        lambda **k: hop.AssociativeMemory(**{"load": 0.1, "temperature": 0.3, **k}),
        {"load": NOT_NEGATIVE, "temperature": NOT_NEGATIVE, "hidden": (TEXT, 5, None, hop.GaussianHidden)},
    ),
    "ToyRepresentation": (
        lambda **k: rep.ToyRepresentation(**{"task": rep.Addition(5), **k}),
        {
            "task": (5, TEXT, None),
            "init_scale": POSITIVE,
            **dict.fromkeys(("embedding_rate", "decoder_rate", "weight_decay", "embedding_decay"), NOT_NEGATIVE),
            "embedding_penalty": NOT_NEGATIVE,
            "embedding_dim": WHOLE,
            "num_outputs": WHOLE,
            "widths": (5, TEXT, (0,), (2.5,), None),
            "loss": NAME,
        },
    ),
    "Addition": (rep.Addition, {"num_symbols": (*WHOLE, None)}),
    "Approximation": (
        ap.Approximation,
        {
            "order": POSITIVE,
            "dim": SIZE,
            "depth_exponent": (1.5, *NOT_NEGATIVE),
            "target": NAME,
            "activation": NAME,
            "weight_bits": (*WHOLE, 1),
        },
    ),
    "MeanVariance": (
        lambda **k: mv.MeanVariance(**{"data": mv.RegressionData(X, Y), "alpha": 1.0, "beta": 1.0, **k}),
        {"alpha": POSITIVE, "beta": POSITIVE, "data": (5, None, TEXT)},
    ),
    "RegressionData": (
        lambda inputs=X, targets=Y: mv.MeanVariance(mv.RegressionData(inputs, targets), alpha=1.0, beta=1.0),
        {
            "inputs": (X[:3], np.full(5, NAN), TEXT, None, RAGGED),
            "targets": (Y[:2], np.full(5, INF), TEXT, None, RAGGED),
        },
    ),
    "iw.TwoLayer": (
        lambda gamma=1.0, **k: iw.TwoLayer(gamma=gamma, **k),
        {"gamma": NO_NUMBER, "gamma_prime": NO_NUMBER, "width": (0, 1, TEXT, NAN, RAGGED)},
    ),
    "iw.ThreeLayer": (
        lambda gamma_3=1.0, **k: iw.ThreeLayer(gamma_3=gamma_3, **k),
        {**dict.fromkeys(("gamma_3", "gamma_2", "gamma_1"), NO_NUMBER), "width": (0, 1, TEXT, NAN, RAGGED)},
    ),
    "UnderdampedLangevin": (
        grokjax.UnderdampedLangevin,
        {
            "step_size": POSITIVE_OR_OPEN,
            "friction": POSITIVE,
            "scale": (*POSITIVE, {"read_in": -1.0}),
            "splitting": NAME,
        },
    ),
    "Langevin": (grokjax.Langevin, {"step_size": POSITIVE_OR_OPEN}),
    "LeimkuhlerMatthews": (grokjax.LeimkuhlerMatthews, {"step_size": POSITIVE_OR_OPEN}),
    "MALA": (grokjax.MALA, {"step_size": POSITIVE}),
    "DropletMoves": (
        lambda **k: grokjax.DropletMoves(
            **{"positions": [0.5], "widths": [0.1], "weights": [1.0], "direction": "data", **k}
        ),
        {
            "positions": (TEXT, [NAN], [INF], RAGGED),
            "widths": ([0.0], [-1.0], [NAN], TEXT, [0.1, 0.1], RAGGED),
            "weights": ([0.0], [-1.0], [NAN], TEXT, RAGGED),
            "direction": NAME,
            "every": (*WHOLE, None),
            "num_neurons": WHOLE,
        },
    ),
    "ReplicaExchange": (
        lambda **k: grokjax.ReplicaExchange(**{"noise_variances": [0.1, 0.2], **k}),
        {
            "noise_variances": (0.1, [0.1], [0.1, 0.1], [0.1, 0.3, 0.2], [0.0, 0.1], [NAN, 0.1], TEXT, None, RAGGED),
            "every": (*WHOLE, None),
        },
    ),
    "ReplicaExchange.between": (
        lambda **k: grokjax.ReplicaExchange.between(**{"low": 0.1, "high": 0.2, "num_samples": 30, **k}),
        {
            "low": POSITIVE[:2] + (NAN, INF, TEXT, None),
            "high": POSITIVE[:2] + (NAN, INF, TEXT, None),
            "num_samples": (0, -1, NAN, TEXT, None),
            "acceptance": (0.0, 1.0, -0.1, 2.0, NAN, TEXT, None),
        },
    ),
    "Histogram": (
        lambda **k: observables.Histogram(
            **{"measure": lambda key, s: s.position, "low": -1.0, "high": 1.0, "num_bins": 5, **k}
        ),
        {
            "low": (2.0, NAN, -INF, TEXT, None),
            "high": (NAN, INF, TEXT, None),
            "num_bins": (*WHOLE, None),
            "measure": (5, None),
        },
    ),
    "Series": (observables.Series, {"measure": (5, None, TEXT)}),
    "RunningMoments": (observables.RunningMoments, {"measure": (5, None, TEXT)}),
    "run": (
        engine,
        {
            "key": KEY,
            "positions": (jnp.zeros(()), {"a": jnp.zeros(2), "b": jnp.zeros(3)}, TEXT, None, {}),
            "observables": (5, {"x": 5}, [5]),
            "num_steps": (*WHOLE, None),
            **{name: values for name, values in LOOP.items() if name != "num_steps"},
            **SAMPLER,
        },
    ),
    "ts.simulate": (
        simulated(ts.simulate, student),
        {
            **SETTINGS,
            **LOOP,
            **SAMPLER,
            "system": (5, None, TEXT, table),
            "num_test": WHOLE,
            "droplet_fraction": (1.5, -0.5, NAN, TEXT, None),
            "droplet_overlap": NOT_NEGATIVE,
            "row_tile": WHOLE,
            "droplets": (5, TEXT, True),
            "exchange": (5, TEXT, [0.1, 0.2]),
        },
    ),
    "ma.simulate": (
        simulated(ma.simulate, table),
        {"key": KEY, "system": (5, None, student), "num_members": WHOLE, "num_steps": WHOLE},
    ),
    "hop.simulate": (
        simulated(hop.simulate, lambda: hop.AssociativeMemory(0.1, 0.3)),
        {
            "key": KEY,
            "system": (5, None, student),
            "num_spins": (*WHOLE, 1, None),
            "num_replicas": (*WHOLE, None),
            "corruption": (1.5, -0.5, NAN, TEXT, [0.1, 0.2]),
            "pattern_dtype": (TEXT, 5, None),
            "max_patterns": WHOLE_OR_ZERO,
        },
    ),
    "rep.simulate": (
        simulated(rep.simulate, lambda: rep.ToyRepresentation(task=rep.Addition(5))),
        {
            "key": KEY,
            "system": (5, None, student),
            "train_size": (*WHOLE, 99),
            "train_mask": (np.zeros(15, bool), np.ones(3, bool), TEXT),
            "accuracy_threshold": (0.0, 1.0, NAN, TEXT, None),
            "quality_threshold": (0.0, 1.0, NAN, TEXT, None),
            "lag_threshold": (-1, NAN, TEXT, None),
        },
    ),
    "mv.simulate": (
        simulated(mv.simulate, lambda: mv.MeanVariance(mv.RegressionData(X, Y), alpha=1.0, beta=1.0)),
        {
            "key": KEY,
            "system": (5, None, student),
            "width": (*WHOLE, None),
            "depth": (*WHOLE, None),
            "initialisation": NAME,
            "fourier_features": (*WHOLE_OR_ZERO, None),
            "fourier_scale": (-1.0, NAN, TEXT, None),
            "mean_steps": (-1, 2.5, TEXT, NAN),
            "half_cycle": (0.0, -1.0, TEXT, NAN),
            "learning_rate": ((-1e-4, 1e-2), (NAN, 1.0), TEXT, None, 1e-3),
            "largest_norm": (0.0, -1.0, NAN, TEXT, None),
            "batch_size": WHOLE,
        },
    ),
    "iw.simulate": (
        simulated(iw.simulate, lambda: iw.TwoLayer(gamma=1.0)),
        {
            "key": KEY,
            "system": (5, None, student),
            "widths": (5, (10, 20), (10, 10, 20), (1, 10, 20), (10, 20, 30.5), TEXT, None),
            "data": (5, TEXT, None, (X,)),
        },
    ),
    "ap.simulate": (
        lambda system=None, **k: ap.simulate(ap.Approximation() if system is None else system, **k),
        {
            "system": (5, TEXT, student),
            "sizes": (5, (0, 1, 2), TEXT, (2, 4), (2.5, 4, 8)),
            "construction": (*NAME,),
            "num_seeds": (*WHOLE, None),
        },
    ),
    "ts.predict": (
        lambda system=None, **k: ts.predict(student() if system is None else system, **{"theory": "mean_field", **k}),
        {
            "system": (5, TEXT, table),
            "theory": OPTIONAL_NAME,
            "perpendicular": OPTIONAL_NAME,
            "num_nodes": (*WHOLE, 50),
            "stopping": (
                *(ts.Stopping(tolerance=value) for value in (-1.0, NAN, 0.0)),
                *(ts.Stopping(max_steps=value) for value in (0, -3)),
                5,
                None,
            ),
            "corrections": (("nonsense",), 5),
            "inputs": (np.zeros((3, 2)),),
            "z_samples": (5,),
        },
    ),
    "ts.predict field": (
        lambda **k: ts.predict(student(), **{"theory": "field", **k}),
        {"z_samples": (0, -1, NAN, TEXT), "num_nodes": (*WHOLE, 7)},
    ),
    "ts.predict data": (
        lambda inputs=np.ones((24, 6)), targets=np.ones(24): ts.predict(
            student(), theory="data", inputs=inputs, targets=targets
        ),
        {"inputs": (None, np.full((24, 6), NAN), TEXT), "targets": (None, np.ones(3), TEXT)},
    ),
    "ma.predict": (
        lambda system=None, **k: ma.predict(table() if system is None else system, **k),
        {
            "system": (5, TEXT, student),
            "convention": NAME,
            "panel_order": (*WHOLE, None),
            "tolerance": (-1.0, NAN, TEXT, None),
            "max_steps": (*WHOLE, None),
        },
    ),
    **{
        f"ma.{door.__name__}": (
            lambda door=door, **k: door(**{"system": norm_decay(), **k}),
            {"system": (5, None, TEXT, student)},
        )
        for door in (
            ma.lazy_learned,
            ma.equivalent_kernel,
            ma.transitions,
            ma.finite_size_transitions,
            ma.thermodynamics,
            ma.sharp_thermodynamics,
            ma.nngp_kernel,
            ma.nngp_eigenvalues,
            ma.gp_sample_complexity,
            ma.latent_spectrum,
        )
    },
    "ma.gp_learned": (
        lambda system=None, num_samples=10.0: ma.gp_learned(table() if system is None else system, num_samples),
        {"system": (5, TEXT, student), "num_samples": POSITIVE},
    ),
    "ma.classify_generalisation": (
        ma.classify_generalisation,
        {
            "order_parameters": (
                np.ones((3, 2)),
                None,
                TEXT,
                {"train_accuracy": 1.0},
                ma.OrderParameters(1.0, 0.0, 0.0, 0.0),
            )
        },
    ),
    "ma.passes_half": (
        lambda fractions=(0.5, 0.6), accuracies=(0.0, 1.0): ma.passes_half(fractions, accuracies),
        {"fractions": (TEXT, None, RAGGED, [0.6, 0.5], [0.5], 0.5), "accuracies": (TEXT, None, RAGGED)},
    ),
    "ma.generalisation_diagram": (
        lambda axes={"noise_variance": [1e-3]}, **k: ma.generalisation_diagram(norm_decay(), axes, **k),
        {
            "axes": ({"mode": [1.0]}, 5, None),
            "left": POSITIVE,
            "batch_size": (*WHOLE, None),
        },
    ),
    "hop.capacity": (
        lambda hidden=hop.GaussianHidden(), temperature=0.3, **k: hop.capacity(hidden, temperature, **k),
        {"temperature": NOT_NEGATIVE, "num_mixed": (*WHOLE, None), "field": (TEXT, NAN, INF, [0.1, 0.2])},
    ),
    "hop.low_load": (
        lambda hidden=hop.GaussianHidden(), temperature=0.3, **k: hop.low_load(hidden, temperature, **k),
        {"hidden": (5, None, TEXT), "temperature": POSITIVE, "num_mixed": (*WHOLE, None, 2)},
    ),
    "hop.predict": (
        lambda system=None, **k: hop.predict(hop.AssociativeMemory(0.1, 0.3) if system is None else system, **k),
        {"system": (5, TEXT, student), "branch": NAME, "num_mixed": (*WHOLE, None, 2)},
    ),
    "rep.predict": (
        lambda task=rep.Addition(5), train_mask=np.arange(15) < 12, **k: rep.predict(task, train_mask, **k),
        {
            "task": (5, None, TEXT),
            "train_mask": (np.ones(3, bool), TEXT, None, np.zeros(15, bool)),
            "normalisation": NAME,
        },
    ),
    "rep.goldilocks": (rep.goldilocks, {"diagram": (np.zeros((2, 2)), None, TEXT)}),
    "rep.neighbour_distances": (rep.neighbour_distances, {"phase": (np.zeros(3), 1, TEXT)}),
    "mv.predict": (
        lambda system=None, **k: mv.predict(
            mv.MeanVariance(mv.RegressionData(X, Y), alpha=1.0, beta=1.0) if system is None else system, **k
        ),
        {
            "system": (5, TEXT, student),
            "theory": NAME,
            "init": NAME,
            "weighting": NAME,
            "tolerance": (-1.0, NAN, TEXT, None),
            "max_sweeps": (*WHOLE, None),
        },
    ),
    "iw.predict": (iw.predict, {"network": (5, TEXT, None)}),
    "ap.predict": (ap.predict, {"system": (5, TEXT, None)}),
    "compare": (
        lambda theory={"a": 1.0}, experiment={"a": grokjax.Estimate(1.0, 0.1)}, **k: grokjax.compare(
            theory, experiment, **k
        ),
        {
            "theory": (5, TEXT, None, {"a": TEXT}),
            "experiment": (5, TEXT, None, {"b": 1.0}),
            "threshold": (0.0, -1.0, NAN, TEXT, None),
            "points": (5, TEXT),
            "theory_name": (5, None),
        },
    ),
    "power_law": (
        lambda **k: grokjax.power_law(**{"sizes": [1, 2, 3], "values": [1.0, 2.0, 3.0], **k}),
        {
            "sizes": ([1, 1, 1], [0, 1, 2], TEXT, None, RAGGED, [1, 2, NAN]),
            "values": ([1.0], [1.0, -1.0, 1.0], TEXT, None, [1.0, NAN, 1.0]),
            "errors": ([1.0], [9.0, 9.0, 9.0], [0.0, 0.1, 0.1], TEXT),
        },
    ),
    "sweep": (
        lambda function=lambda x: grokjax.PhasePoint(x, jnp.asarray(0), jnp.asarray(0)), axes={"x": [0.0, 1.0]}, **k: (
            grokjax.sweep(function, axes, ("one",), **k)
        ),
        {
            "axes": ({}, None, 5, TEXT),
            "batch_size": (*WHOLE, None),
            "function": (5, None),
        },
    ),
    "over_sizes": (
        lambda system=None, **k: grokjax.over_sizes(lambda s: s, student() if system is None else system, **k),
        {"width": ([0], [TEXT], 5, None), "depth": ([1, 2],)},
    ),
    "save": (
        lambda path="never", tree=1.0, **k: grokjax.save(path, tree, **k),
        {"path": (5, None, "", b"x"), "note": (5, None)},
    ),
    "load": (
        lambda path, **k: grokjax.load(path, **k),
        {"path": (5, None, "")},
    ),
    "evaluate": (
        lambda experiment: grokjax.evaluate(student(), experiment),
        {"experiment": (5, None, TEXT)},
    ),
    "simulate": (
        lambda experiment: grokjax.simulate(jax.random.key(0), student(), experiment, num_steps=4),
        {"experiment": (5, None, TEXT, ts.Students)},
    ),
    "two_start": (
        lambda **k: grokjax.two_start({"a": 1.0}, {"a": 1.0}, **k),
        {"threshold": (0.0, -1.0, NAN, TEXT, None)},
    ),
    "over_subsets": (
        lambda **k: statistics.over_subsets(np.ones(9), **k),
        {"num_subsets": (*WHOLE, None, 1)},
    ),
}
CASES = [
    pytest.param(door, argument, value, id=f"{name}-{argument}-{index}")
    for name, (door, arguments) in DOORS.items()
    for argument, values in arguments.items()
    for index, value in enumerate(values)
]


@pytest.mark.parametrize(("door", "argument", "value"), CASES)
def test_bad_input_is_refused_in_words(door, argument, value):
    with pytest.raises(ValueError, match=rf"(?s)^Argument `{re.escape(argument)}.*` must .*, but got .*\. .+\.?$"):
        door(**{argument: value})


@pytest.mark.parametrize("name", ["width", "noise_variance"])
def test_what_is_traced_is_refused_where_a_number_is_needed(name):
    traced = lambda value: ts.simulate(jax.random.key(0), student().replace(**{name: value}), num_steps=4)
    if name == "width":
        with pytest.raises(ValueError, match="`width` must be a concrete whole number, but got 'a traced value'"):
            jax.jit(traced)(8.0)


@pytest.mark.parametrize("argument", ["num_steps", "num_members", "warmup", "record_every"])
def test_traced_settings_are_refused(argument):
    run = lambda value: ts.simulate(jax.random.key(0), student(), **{"num_steps": 4, argument: value}).side_weight.mean
    with pytest.raises(ValueError, match=f"`{argument}` must be a concrete whole number, but got 'a traced value'"):
        jax.jit(run)(4)


def test_lists_are_sweeps():
    system = student().replace(noise_variance=[0.1, 0.2])
    np.testing.assert_array_equal(system.noise_variance, [0.1, 0.2])
    np.testing.assert_array_equal(samplers.Langevin(step_size=[0.1, 0.2]).step_size, [0.1, 0.2])


def test_a_key_of_the_old_form_is_one():
    old, new = (engine(key=make(0)) for make in (jax.random.PRNGKey, jax.random.key))
    np.testing.assert_array_equal(old.states.position, new.states.position)
