"""A file is only data: what a stranger wrote gives a result or a ValueError, runs nothing and imports nothing."""

import contextlib
import re
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from archives import TOLD, edit, header_text, npy, pack, write

from grokjax import io


def instance(module, name, **fields):
    return {"class": [module, name], "fields": fields}


def function(module, name):
    return {"function": [module, name]}


def estimate(**fields):
    return instance("grokjax.evidence.statistics", "Estimate", **fields)


def shell_command(command):
    """A tree that runs a shell command when it is thrown away, if classes are found through what a module imported.

    `ZipFile.__del__` seeks in its file, which has a `seek` of the writer's choice; its lock is another `ZipFile`.
    """
    lock = instance("grokjax.io", "zipfile.ZipFile", fp={"value": None})
    file = estimate(mean={"value": 0.0}, error={"value": 0.0}, seek=function("grokjax.io", "os.system"))
    fields = {"mode": "w", "_writing": False, "_didModify": True, "_seekable": True, "start_dir": command}
    plain = {name: {"value": value} for name, value in fields.items()}
    return instance("grokjax.io", "zipfile.ZipFile", fp=file, _lock=lock, **plain)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_crafted_file_runs_no_command(tmp_path):
    marker = tmp_path / "marker"
    path = write(tmp_path / "crafted.npz", {"list": [shell_command(f"touch {marker}")]})
    with contextlib.suppress(ValueError):
        io.load(path)
    assert not marker.exists()
    with pytest.raises(ValueError, match="names only grokjax and jax objects"):
        io.load(path)


@pytest.mark.parametrize(
    "tree",
    [
        function("grokjax.io", "os.system"),
        function("grokjax.io", "save"),
        function("grokjax.io", "load"),
        function("grokjax.samplers", "largest_curvatures"),
        function("grokjax.systems.representation.system", "_parts"),
        function("jax.numpy", "load"),
        function("jax.lax", "lax.os.system"),
        function("jax.nn", "initializers.normal"),
        function("optax", "apply_updates"),
        function("optax._src.alias", "adamw"),
        function("os", "system"),
        function("builtins", "eval"),
        function("json", "JSONDecoder.decode"),
        instance("grokjax.io", "os._wrap_close"),
        instance("grokjax.evidence.statistics", "eqx.Module"),
        instance("grokjax.ensemble.checkpoints", "Checkpoints"),
        instance("grokjax.observables", "Estimate", mean={"value": 0.0}, error={"value": 0.0}),
        instance("grokjax", "Estimate", mean={"value": 0.0}, error={"value": 0.0}),
        instance("grokjax.samplers.base", "AbstractSampler"),
        instance("grokjaxx.statistics", "Estimate"),
        instance("grokjax..statistics", "Estimate"),
        instance("grokjax.", "Estimate"),
        instance("", "Estimate"),
        instance("tempfile", "_TemporaryFileCloser"),
        instance("equinox._module._module", "Module"),
        instance("optax._src.base", "GradientTransformation", init={"value": None}),
        {"enum": ["grokjax.systems.representation.phases", "Phase", "mro"]},
        {"enum": ["grokjax.evidence.statistics", "Estimate", "MEMBER"]},
        {"enum": ["http", "HTTPStatus", "OK"]},
    ],
    ids=lambda tree: str(tree)[:60],
)
def test_names_that_were_not_registered_are_refused(tmp_path, tree):
    for where in (tree, {"dict": [[{"value": "a"}, tree]]}, estimate(mean=tree, error={"value": 0.0})):
        path = write(tmp_path / "crafted.npz", where)
        with pytest.raises(ValueError, match=TOLD):
            io.load(path)


LAB = """
import enum
from typing import NamedTuple
import equinox as eqx
import jax.numpy as jnp
from grokjax.evidence.statistics import Estimate
import os

class Flow(eqx.Module):
    rate: object
    activation: object = eqx.field(static=True)

class Kind(enum.IntEnum):
    SLOW = 1
    FAST = 2

class Memory(NamedTuple):
    count: object
    kind: object

class Trap:
    def __del__(self):
        open({marker!r}, "w").close()

def wiggle(z):
    return jnp.sin(z)

again = wiggle
"""


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """A package that nobody imported yet, and the mark that its trap leaves."""
    marker = tmp_path / "marker"
    package = tmp_path / "packages" / "mylab"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "flows.py").write_text(LAB.format(marker=str(marker)))
    (package / "script.py").write_text("raise SystemError('not made to be imported')")
    (package / "__main__.py").write_text(f"open({str(marker)!r}, 'w').close()")
    monkeypatch.syspath_prepend(package.parent)
    yield marker
    for name in [name for name in sys.modules if name.partition(".")[0] == "mylab"]:
        del sys.modules[name]


def test_what_a_trusted_package_defines_comes_back(tmp_path, lab):
    import mylab.flows as flows

    tree = [flows.Flow(jnp.ones(2), flows.wiggle), flows.Memory(3, flows.Kind.FAST), {flows.Kind.SLOW: 1}]
    path = io.save(tmp_path / "run", tree)
    with pytest.raises(ValueError, match=r"mylab\.flows\.Flow .*not trusted.*load\(path, trust=\(\"mylab\",\)\)"):
        io.load(path)
    del sys.modules["mylab.flows"], sys.modules["mylab"]
    back = io.load(path, trust=("mylab",))
    flows = sys.modules["mylab.flows"]
    assert type(back[0]) is flows.Flow
    assert back[0].activation is flows.wiggle
    assert back[1] == flows.Memory(3, flows.Kind.FAST)
    assert type(back[1]) is flows.Memory
    assert back[1].kind is flows.Kind.FAST
    assert next(iter(back[2])) is flows.Kind.SLOW


def test_trust_ends_at_what_the_package_itself_defines(tmp_path, lab):
    none = {"value": None}
    refused = [
        instance("mylab.flows", "Trap"),
        instance("mylab.flows", "Estimate", mean=none, error=none),
        instance("mylab.flows", "Flow", rate=none),
        instance("mylab.flows", "Flow", rate=none, activation=none, __class__=none),
        instance("mylab.flows", "Memory", count=none),
        instance("mylab.nowhere", "Flow", rate=none, activation=none),
        instance("mylab.script", "Flow", rate=none, activation=none),
        instance("mylab.__main__", "Flow", rate=none, activation=none),
        function("mylab.flows", "again"),
        function("mylab.flows", "os.system"),
        function("mylab.flows", "Trap"),
        function("os", "system"),
    ]
    for tree in refused:
        with pytest.raises(ValueError, match=TOLD):
            io.load(write(tmp_path / "crafted.npz", tree), trust=("mylab",))
    assert not lab.exists()


def test_nothing_is_imported_without_trust(tmp_path, lab):
    tree = {"list": [function("mylab.flows", "wiggle"), instance("mylab.flows", "Flow")]}
    path = write(tmp_path / "crafted.npz", tree)
    before = set(sys.modules)
    for trust in ((), ("theirlab",)):
        with pytest.raises(ValueError, match=TOLD):
            io.load(path, trust=trust)
    assert set(sys.modules) == before


@pytest.mark.parametrize("trust", ["mylab", None, ("mylab.flows",), (1,), ("",), ("os",), ("subprocess",), 3])
def test_trust_names_packages(tmp_path, as_users_call_it, trust):
    path = io.save(tmp_path / "run", 1)
    with pytest.raises(ValueError, match="`trust` must be"):
        io.load(path, trust=trust)


def array_node(name="a", kind="numpy"):
    return {"array": name, "kind": kind}


def test_restored_objects_have_the_fields_of_their_class(tmp_path):
    number, a = {"value": 1.0}, {"a": np.zeros(2)}
    layout = lambda **fields: instance("grokjax.observables.histogram", "Counts", **fields)
    cases = [
        (estimate(mean=number), {}),
        (estimate(mean=number, error=number, seek=number), {}),
        (estimate(), {}),
        (layout(counts=array_node(), low=array_node(), high=number), a),
        (array_node("b"), a),
        ({"value": 1}, a),
        (array_node(kind="scalar"), a),
        (array_node(kind="key:threefry2x32"), a),
        (array_node(kind="key:os"), a),
        (array_node(kind="jax"), {"a": np.array(["text"])}),
        (instance("grokjax.networks", "TwoLayer", read_in=number, read_out=number, activation=array_node()), a),
        ({"value": [1]}, {}),
        ({"value": 1, "list": []}, {}),
        ({"dict": [[{"list": []}, number]]}, {}),
        ({"dict": [[{"value": 1}, number], [{"value": True}, number]]}, {}),
        ({"dict": [[estimate(mean=number, error=number), number]]}, {}),
        ({"dict": [[{"value": 1}]]}, {}),
        ({"bytes": "?"}, {}),
        ({"bytes": "é"}, {}),
        ({"dtype": "|O"}, {}),
        ({"complex": [1.0]}, {}),
        ({}, {}),
        ([], {}),
        (None, {}),
        ("tree", {}),
    ]
    for tree, arrays in cases:
        with pytest.raises(ValueError, match=TOLD):
            io.load(write(tmp_path / "crafted.npz", tree, arrays))


def nested(depth, tag="list"):
    return f'{{"{tag}": [' * depth + "]}" * depth


@pytest.mark.parametrize("depth", [70, 400, 5000, 100_000])
def test_depth_is_bounded(tmp_path, depth):
    path = io.save(tmp_path / "run", {"a": 1})
    text = re.sub(r'"tree": .*?, "arrays"', f'"tree": {nested(depth)}, "arrays"', header_text(path))
    if depth < 200:
        edit(path, lambda _: text)
    else:  # deeper than this process could write as JSON, and seal
        path.write_bytes(pack([("header.npy", npy(np.asarray(text)))]))
    with pytest.raises(ValueError, match=TOLD):
        io.load(path)
    cycle = []
    cycle.append(cycle)
    with pytest.raises(ValueError, match="nested at most"):
        io.save(tmp_path / "cycle", cycle)
