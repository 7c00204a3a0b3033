"""What is written comes back: the same arrays, types and configuration; what is not ours is refused."""

import collections
import json
import os
import time
import zlib

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax import GradientDescent, ensemble, io
from grokjax.evidence.statistics import Estimate
from grokjax.networks import ACTIVATIONS, TwoLayer
from grokjax.observables import Counts, Series, measure_energy
from grokjax.samplers.gradient import GradientState
from grokjax.systems.representation.phases import Phase
from grokjax.systems.representation.system import Decoder, ToyNetwork, two_adams
from grokjax.systems.teacher_student.system import TeacherStudent


def same(a, b):
    assert jax.tree.structure(a) == jax.tree.structure(b)
    for x, y in zip(jax.tree.leaves(a), jax.tree.leaves(b), strict=True):
        assert type(x) is type(y)
        np.testing.assert_array_equal(np.asarray(x), np.asarray(y))
        assert np.asarray(x).dtype == np.asarray(y).dtype


def test_round_trip(tmp_path):
    tree = {
        "system": TeacherStudent.at_scale(1 / 8, jnp.array([0.1, 0.2])),
        "other": TeacherStudent(
            width=5,
            num_samples=6,
            input_dim=7,
            noise_variance=0.1,
            readout_variance=0.2,
            weight_variance=0.3,
            teacher={2: 1.0},
            activation=jnp.tanh,
        ),
        "estimates": [Estimate(np.float64(1.0), np.float64(0.1)), Estimate(np.zeros((2, 0), np.float32), None)],
        "counts": Counts(np.arange(6, dtype=np.int64).reshape(2, 3), 0.0, 1.0),
        "plain": {1: (True, 1, 2.5, "name", None)},
    }
    path = io.save(tmp_path / "run", tree, note="a test")
    assert path.name == "run.npz"
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]
    back = io.load(path)
    same(back, tree)
    assert back["other"].activation is jnp.tanh
    assert eqx.tree_equal(back["system"], tree["system"])
    header = io.describe(path)
    assert header["note"] == "a test"
    assert header["versions"]["jax"] == jax.__version__


def rewrite(path, **changes):
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = {**json.loads(str(arrays.pop("header"))), **changes}
    header.pop("crc32")
    sealed = json.dumps({**header, "crc32": zlib.crc32(json.dumps(header).encode())})
    with open(path, "wb") as file:
        np.savez(file, header=np.asarray(sealed), **arrays)


def test_files_of_other_versions_or_other_programs_are_refused(tmp_path):
    path = io.save(tmp_path / "run", {"a": np.zeros(2)})
    rewrite(path, format_version=99)
    with pytest.raises(ValueError, match=r"format version 2, but got .*version 99.*Read it with the grokjax"):
        io.load(path)
    rewrite(path, format="else")
    with pytest.raises(ValueError, match="`path` must be a grokjax-results file"):
        io.load(path)
    np.savez(tmp_path / "foreign.npz", a=np.zeros(2))
    with pytest.raises(ValueError, match="a whole grokjax-results file"):
        io.load(tmp_path / "foreign.npz")
    whole = io.save(tmp_path / "whole", {"a": np.zeros(2000)}).read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="a whole grokjax-results file"):
        io.load(tmp_path / "cut.npz")


def test_a_file_cannot_call_what_is_not_ours(tmp_path):
    path = io.save(tmp_path / "run", {"a": np.zeros(2)})
    rewrite(path, tree={"class": ["os", "system"], "fields": {}})
    with pytest.raises(ValueError, match="names only grokjax and jax objects"):
        io.load(path)


def test_what_cannot_be_kept_is_said_before_anything_is_written(tmp_path):
    system = TeacherStudent(
        width=5,
        num_samples=6,
        input_dim=7,
        noise_variance=0.1,
        readout_variance=0.2,
        weight_variance=0.3,
        teacher={1: 1.0},
        activation=lambda z: z,
    )
    with pytest.raises(ValueError, match=r"`tree\.activation` must be something that can be kept"):
        io.save(tmp_path / "run", system)
    assert not list(tmp_path.iterdir())


def kept(tree, path, **options):
    return io.load(io.save(path, tree), **options)


def test_plain_values_come_back_with_their_types(tmp_path):
    values = [None, True, False, 0, -7, 2**70, 0.1, -0.0, float("inf"), 1e-320, 1 + 2j, complex("nan-infj")]
    values += ["", "é \ud800 \0 \n", b"", b"\x00\xff", (), [], {}, (1, [2, (3,)]), np.dtype("f4"), jnp.float32, np.int8]
    values += [
        Phase(1),
        {1: "a", "1": "b", 1.5: "c", None: "d", (1, "x"): "e", b"k": "f", Phase(2): "g", True + 1j: "h"},
    ]
    back = kept(values, tmp_path / "run")
    assert repr(back) == repr(values)
    assert [type(value) for value in back] == [type(value) for value in values]
    assert back[-2] is Phase(1)
    assert np.isnan(kept(float("nan"), tmp_path / "run"))


@pytest.mark.parametrize(
    "dtype", ["?", "i1", "u8", "f2", "f4", ">f8", "c8", ">c16", "U3", ">U3", "S2", "bfloat16", "int4"]
)
def test_arrays_come_back_with_dtype_shape_and_values(tmp_path, dtype):
    dtype = jnp.dtype(dtype) if dtype in ("bfloat16", "int4") else np.dtype(dtype)
    whole = (np.arange(24) % 7).reshape(2, 3, 4).astype(dtype)
    views = [
        whole,
        whole.T,
        whole[::-1, ::2],
        np.asfortranarray(whole),
        whole[0, 0, 0, ...],
        whole[:, :0],
        whole[:1, 1:2],
    ]
    back = kept([*views, whole[0, 0, 0]], tmp_path / "run")
    for a, b in zip(back, [*views, whole[0, 0, 0]], strict=True):
        assert (type(a), a.dtype, a.shape) == (type(b), b.dtype, b.shape)
        np.testing.assert_array_equal(a, b)
    back[0][...] = back[0][0, 0, 1]  # arrays may be written to


@pytest.mark.parametrize(
    "view", [np.arange(6).reshape(3, 2).T[0], np.broadcast_to(np.arange(3.0), (2, 3)), np.arange(12.0)[::-2]]
)
def test_views_of_arrays_come_back(tmp_path, view):
    io.save(tmp_path / "view.npz", view)
    np.testing.assert_array_equal(io.load(tmp_path / "view.npz"), view)


def test_jax_arrays_and_random_keys_come_back(tmp_path):
    keys = [jax.random.key(1), jax.random.split(jax.random.key(2), (2, 3)), jax.random.key(3, impl="rbg")]
    arrays = [jnp.ones(3, jnp.bfloat16), jnp.asarray(2.0, float), jnp.asarray(1.0, jnp.float32), jnp.zeros((0, 2), int)]
    back = kept([keys, arrays], tmp_path / "run")
    for a, b in zip(back[0], keys, strict=True):
        assert (a.dtype, a.shape) == (b.dtype, b.shape)
        np.testing.assert_array_equal(jax.random.key_data(a), jax.random.key_data(b))
    for a, b in zip(back[1], arrays, strict=True):
        assert isinstance(a, jax.Array)
        assert jax.typeof(a) == jax.typeof(b)
        np.testing.assert_array_equal(a, b)


def test_names_that_look_alike_are_kept_apart(tmp_path):
    tree = {
        1: np.zeros(1),
        "1": np.ones(2),
        "a/b": np.zeros(3),
        "a.b": np.zeros(4),
        "../x": np.zeros(5),
        "": np.zeros(6),
    }
    tree |= {"header": np.zeros(7), "file": np.zeros(8), "a": {"b": np.zeros(9)}, "x" * 500: np.zeros(10)}
    back = kept(tree, tmp_path / "run")
    assert list(back) == list(tree)
    same(list(back.values()), list(tree.values()))


OPTIMISERS = {
    "sgd": (optax.sgd, {"learning_rate": 0.1, "momentum": 0.9}),
    "adamw": (optax.adamw, {"learning_rate": 0.1, "weight_decay": 0.2}),
    "adafactor": (optax.adafactor, {"learning_rate": 0.1}),
    "lion": (optax.lion, {"learning_rate": 0.1}),
    "prodigy": (optax.contrib.prodigy, {"learning_rate": 0.1}),
    "schedule_free": (optax.contrib.schedule_free_sgd, {"learning_rate": 0.1}),
    "two_adams": (two_adams, dict.fromkeys(("embedding_rate", "decoder_rate", "weight_decay", "embedding_decay"), 0.1)),
}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_states_of_optimisers_come_back(tmp_path, name):
    factory, hyperparameters = OPTIMISERS[name]
    trainer = GradientDescent(factory, **hyperparameters)
    network = ToyNetwork(jnp.ones((3, 2)), Decoder((jnp.ones((1, 2)),), (jnp.zeros(1),)))
    memory = jax.eval_shape(factory(**trainer.hyperparameters).init, network)
    memory = jax.tree.map(lambda leaf: jnp.asarray(np.full(leaf.shape, 2, leaf.dtype)), memory)
    state = GradientState(network, jnp.zeros(()), network, memory)
    back = kept((trainer, state), tmp_path / "run")
    same(back, (trainer, state))
    assert back[0].factory is factory


def test_a_run_is_kept_with_its_states_and_goes_on_from_them(tmp_path):
    target, trainer = Quadratic(jnp.zeros(4)), GradientDescent(optax.adam, learning_rate=0.1)
    options = {"num_steps": 8, "num_chunks": 2, "observables": {"energy": Series(measure_energy)}, "progress": False}
    run = ensemble.run(jax.random.key(0), trainer, target, jnp.ones((4, 2)), **options)
    back = kept(run, tmp_path / "run")
    same(back, run)
    step = jax.jit(jax.vmap(lambda state, target: trainer.step(jax.random.key(1), target, state)))
    same(step(back.states, target), step(run.states, target))


def test_networks_and_all_activations_come_back(tmp_path):
    networks = [TwoLayer(jnp.ones((2, 3)), jnp.ones((1, 2)), activation) for activation in ACTIVATIONS.values()]
    for one, back in zip(networks, kept(networks, tmp_path / "run"), strict=True):
        assert back.activation is one.activation
    network = eqx.filter_eval_shape(lambda key: eqx.nn.MLP(2, 1, 4, 2, jax.nn.gelu, key=key), jax.random.key(0))
    network = jax.tree.map(lambda leaf: jnp.asarray(np.ones(leaf.shape)) if hasattr(leaf, "shape") else leaf, network)
    assert eqx.tree_equal(kept(network, tmp_path / "run"), network)


class Quadratic(eqx.Module):
    centre: jax.Array

    def __call__(self, x):
        return jnp.sum((x - self.centre) ** 2) / 2


class Holder(eqx.Module):
    content: object
    label: object = eqx.field(static=True, default=None)


class Unset(eqx.Module):
    content: object = eqx.field(init=False)


@pytest.mark.filterwarnings("ignore:A JAX array is being set as static")
def test_what_a_file_cannot_hold_is_refused_in_words(tmp_path):
    class Local(eqx.Module):
        content: object = None

    cases = {
        "lambda": lambda z: z,
        "closure": optax.inject_hyperparams(optax.adam),
        "our function": io.save,
        "module": np,
        "local": Local(),
        "transformation": optax.adam(0.1),
        "static": Holder(None, (np.ones(2),)),
        "objects": np.array([None]),
        "records": np.zeros(2, [("a", "f8")]),
        "dates": np.zeros(2, "M8[s]"),
        "masked": np.ma.masked_array([1.0, 2.0], [True, False]),
        "ordered": collections.OrderedDict(a=1),
        "set": {1, 2},
        "key": {Holder(1): 1},
        "big": 10**5000,
    }
    for name, value in cases.items():
        with pytest.raises(ValueError, match=rf"Argument `tree\.{name}.*` must be .*, but got .*\. .*\."):
            io.save(tmp_path / "run", {name: value})
    unset = object.__new__(Unset)
    with pytest.raises(ValueError, match=r"Argument `tree\.content` must be set"):
        io.save(tmp_path / "run", unset)
    with pytest.raises(ValueError, match="`tree` must be concrete, but got 'a traced value'"):
        jax.jit(lambda x: io.save(tmp_path / "run", x))(1.0)
    with pytest.raises(ValueError, match="Keep long lists of numbers as arrays"):
        io.save(tmp_path / "run", "x" * 2**24)
    assert not list(tmp_path.iterdir())


def test_double_precision_is_not_halved_in_silence(tmp_path):
    path = io.save(tmp_path / "run", [jnp.ones(2), np.ones(2)])
    single = io.save(tmp_path / "single", [jnp.ones(2, jnp.float32), np.ones(2)])
    with jax.enable_x64(False):
        with pytest.raises(ValueError, match=r"float64.*JAX_ENABLE_X64=1"):
            io.load(path)
        back = io.load(single)
    assert (back[0].dtype, back[1].dtype) == (np.float32, np.float64)


def test_the_header_alone_is_described(tmp_path):
    path = io.save(tmp_path / "run", {"a": np.arange(1000.0)}, note="mine")
    data = bytearray(path.read_bytes())
    at = data.index(b"tree.a.npy") + 200
    data[at : at + 8] = bytes(8)
    path.write_bytes(data)
    assert io.describe(path)["note"] == "mine"
    assert set(io.describe(path)) == {"format", "format_version", "versions", "saved", "note"}
    assert {"grokjax", "jax", "equinox", "optax", "numpy", "python", "device"} == set(io.describe(path)["versions"])
    with pytest.raises(ValueError, match="a whole grokjax-results file"):
        io.load(path)


def test_bad_arguments(tmp_path):
    for path in ("", "a\0b", ".", "/"):
        for call in (lambda path: io.save(path, 1), io.load, io.describe):
            with pytest.raises(ValueError, match="`path` must be the name of a file"):
                call(path)
    with pytest.raises(FileNotFoundError):
        io.load(tmp_path / "nothing")
    (tmp_path / "folder.npz").mkdir()
    with pytest.raises(ValueError, match="a whole grokjax-results file"):
        io.load(tmp_path / "folder")
    with pytest.raises(ValueError, match=r"`arrays` must be named by"):
        io.write_arrays(tmp_path / "raw.npz", {}, {"a/b": np.zeros(1)})
    with pytest.raises(ValueError, match=r"`a` must be an array of numbers or text"):
        io.write_arrays(tmp_path / "raw.npz", {}, {"a": np.array([None])})


def test_the_suffix_may_be_left_out(tmp_path):
    assert io.save(tmp_path / "run.v1", 1).name == "run.v1.npz"
    assert io.save(str(tmp_path / "other.npz"), 2).name == "other.npz"
    assert io.load(tmp_path / "run.v1") == 1
    assert io.load(str(tmp_path / "other")) == 2
    assert "saved" in io.describe(tmp_path / "run.v1")


def test_files_have_the_permissions_of_the_umask(tmp_path):
    for umask, mode in ((0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0o002, 0o664)):
        before = os.umask(umask)
        try:
            path = io.save(tmp_path / "run", 1)
        finally:
            os.umask(before)
        assert path.stat().st_mode & 0o777 == mode


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = io.save(tmp_path / "run", "old")

    def full(*arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space left"):
            io.save(path, "new")
    assert io.load(path) == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_leftovers_of_crashed_writes_go_when_a_write_succeeds(tmp_path):
    old, gone = time.time() - 1e5, ["run.npz.0123abcd.part", "run.npzk3_x9qwe.part"]
    stay = ["run.npz.part", "run.npz.0123abcd.part.txt", "my-run.npz.0123abcd.part", "run2.npz.0123abcd.part"]
    stay += ["runxnpz.0123abcd.part", "run.npz.0123ABCD.part", "run.npz.0123abcde.part", "notes.part"]
    for name in gone + stay:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (old, old))
    young = tmp_path / "run.npz.89abcdef.part"  # of a process that is still at it
    young.touch()
    io.save(tmp_path / "run", 1)
    assert {file.name for file in tmp_path.iterdir()} == {*stay, young.name, "run.npz"}


def test_xarray():
    data = io.to_xarray({"overlap": (("noise",), np.ones(3))}, {"noise": [0.1, 0.2, 0.3]}, system="teacher")
    assert data.overlap.dims == ("noise",)
    assert data.attrs["jax"] == jax.__version__
    assert io.to_xarray({"overlap": ("noise", [1.0, 2.0])}).overlap.shape == (2,)
    with pytest.raises(ValueError, match=r"`data\['overlap'\]` must be of axes"):
        io.to_xarray({"overlap": (("noise", "member"), np.ones(3))})
