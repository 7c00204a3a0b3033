"""What is written comes back: the same arrays, types and configuration; what is not ours is refused."""

import json

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax import io
from grokjax.observables import Counts
from grokjax.evidence.statistics import Estimate
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
        "counts": Counts(np.arange(6, dtype=np.int64).reshape(2, 3), np.linspace(0, 1, 4)),
        "plain": {1: (True, 1, 2.5, "name", None)},
    }
    path = io.save(tmp_path / "run", tree, note="a test")
    assert path.name == "run.npz"
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]
    back = io.load(path)
    same(back, jax.tree.map(lambda leaf: np.asarray(leaf) if isinstance(leaf, np.generic) else leaf, tree))
    assert back["other"].activation is jnp.tanh
    assert eqx.tree_equal(back["system"], tree["system"])
    header = io.describe(path)
    assert header["note"] == "a test"
    assert header["versions"]["jax"] == jax.__version__


def rewrite(path, **changes):
    with np.load(path) as file:
        arrays = {name: file[name] for name in file.files}
    header = {**json.loads(str(arrays.pop("header"))), **changes}
    with open(path, "wb") as file:
        np.savez(file, header=np.asarray(json.dumps(header)), **arrays)


def test_files_of_other_versions_or_other_programs_are_refused(tmp_path):
    path = io.save(tmp_path / "run", {"a": np.zeros(2)})
    rewrite(path, format_version=99)
    with pytest.raises(ValueError, match=r"format version 1, but got .*version 99.*Read it with the grokjax"):
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


def test_xarray():
    data = io.to_xarray({"overlap": (("noise",), np.ones(3))}, {"noise": [0.1, 0.2, 0.3]}, system="teacher")
    assert data.overlap.dims == ("noise",)
    assert data.attrs["jax"] == jax.__version__
