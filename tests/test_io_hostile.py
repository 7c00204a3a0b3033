"""A file is only data: what a stranger wrote gives a result or a ValueError, runs nothing and imports nothing."""

import contextlib
import copy
import functools
import json
import operator
import random
import re
import struct
import sys
import warnings
import zipfile
import zlib
from collections import Counter
from io import BytesIO

import jax
import jax.numpy as jnp
import jaxtyping
import numpy as np
import optax
import pytest

from grokjax import GradientDescent, io
from grokjax.evidence.statistics import Estimate
from grokjax.io.codec import encode
from grokjax.samplers.gradient import GradientState
from grokjax.systems.representation.phases import Phase
from grokjax.systems.teacher_student.system import TeacherStudent


TOLD = re.compile(r"Argument `(path|max_bytes)` must be .+, but got .+\. .+\.", re.DOTALL)


@pytest.fixture
def as_users_call_it():
    """Without the tests' own check of annotations, which would come before the library's."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)


def write(path, tree, arrays=None, **header):
    """A file with everything in order but the tree: it passes all checksums, of any format version."""
    header = {"format": io.FORMAT, "format_version": io.FORMAT_VERSION, "versions": io.versions(), **header}
    io.write_arrays(path, {**header, "tree": tree}, arrays or {})
    return path


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


def members(path):
    with zipfile.ZipFile(path) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def pack(parts, method=zipfile.ZIP_STORED):
    """Members, a name given twice included, as a zip file."""
    file = BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method) as archive:
        warnings.simplefilter("ignore")
        for name, data in parts:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return file.getvalue()


def npy(array):
    file = BytesIO()
    np.lib.format.write_array(file, array, allow_pickle=True)
    return file.getvalue()


def header_text(path):
    with np.load(path) as file:
        return str(file["header"])


def forged(parts, header):
    """A file with another header, whose checksum is right again."""
    header = {name: value for name, value in header.items() if name != "crc32"}
    text = json.dumps({**header, "crc32": zlib.crc32(json.dumps(header).encode())})
    return pack({**parts, "header.npy": npy(np.asarray(text))}.items())


def edit(path, change):
    """Edit the text of the header of a file, and make its checksum right again."""
    path.write_bytes(forged(members(path), json.loads(change(header_text(path)))))


@pytest.mark.parametrize(
    "name", ["../a", "/a", "a/b", "..", "a..b", ".a", "a.", "", "a\\b", "C:a", "header", "a b", "é"]
)
def test_names_of_arrays_do_not_wander(tmp_path, name):
    path = io.save(tmp_path / "run", {"x": np.zeros(2)})
    edit(path, lambda text: text.replace("tree.x", json.dumps(name)[1:-1]))
    parts = {(f"{name}.npy" if key == "tree.x.npy" else key): data for key, data in members(path).items()}
    path.write_bytes(pack(parts.items()))
    with pytest.raises(ValueError, match=TOLD):
        io.load(path)
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]


def test_arrays_are_what_the_header_says(tmp_path):
    good = {"x": np.arange(6.0)}
    path = io.save(tmp_path / "run", good)
    parts, whole = members(path), path.read_bytes()
    wrong = {
        "shape": npy(np.arange(6.0).reshape(2, 3)),
        "dtype": npy(np.arange(6)),
        "values": npy(np.arange(6.0) + 1),
        "objects": npy(np.array([1, "a", None, 2, 3, 4], object)),
        "records": npy(np.zeros(6, [("a", "f8")])),
        "short": parts["tree.x.npy"][:-8],
        "long": parts["tree.x.npy"] + bytes(8),
        "no header": parts["tree.x.npy"][128:],
        "empty": b"",
        "expression": parts["tree.x.npy"].replace(b"(6,)", b"(3+3"),
        "negative": parts["tree.x.npy"].replace(b"(6,)", b"(-6,"),
        "huge": parts["tree.x.npy"].replace(b"(6,), }" + b" " * 20, b"(" + b"9" * 22 + b",), }"),
        "version": parts["tree.x.npy"][:6] + b"\x09" + parts["tree.x.npy"][7:],
    }
    for case, data in wrong.items():
        path.write_bytes(pack({**parts, "tree.x.npy": data}.items()))
        with pytest.raises(ValueError, match=TOLD):
            print(case, io.load(path))
    for extra in (("tree.y.npy", parts["tree.x.npy"]), ("tree.x.npy", parts["tree.x.npy"]), ("readme.txt", b"")):
        path.write_bytes(pack([*parts.items(), extra]))
        with pytest.raises(ValueError, match=TOLD):
            io.load(path)
    path.write_bytes(pack([("header.npy", parts["header.npy"])]))
    with pytest.raises(ValueError, match=TOLD):
        io.load(path)
    path.write_bytes(pack(parts.items(), zipfile.ZIP_LZMA))
    with pytest.raises(ValueError, match=TOLD):
        io.load(path)
    path.write_bytes(pack(parts.items()))
    np.testing.assert_array_equal(io.load(path)["x"], good["x"])
    path.write_bytes(whole)
    np.testing.assert_array_equal(io.load(path)["x"], good["x"])
    for listed in (
        {"dtype": "|O"},
        {"shape": [True]},
        {"shape": [-1]},
        {"shape": [6.0]},
        {"shape": [0, 2**62]},
        {"z": 1},
    ):
        header = json.loads(header_text(path))
        header["arrays"]["tree.x"].update(listed)
        path.write_bytes(forged(parts, header))
        with pytest.raises(ValueError, match=TOLD):
            io.load(path)


def test_bytes_that_are_no_value_are_refused(tmp_path):
    for good, bad in (
        (np.array([True, False]), np.array([2, 0], np.uint8).view(bool)),
        (np.array(["ab"]), np.array([0x110000, 65], np.uint32).view("<U2")),
        (np.array(["ab"]), np.array([0xD800, 65], np.uint32).view("<U2")),
    ):
        np.testing.assert_array_equal(io.load(io.save(tmp_path / "good", good)), good)
        path = tmp_path / "bad.npz"
        io.write_arrays(path, json.loads(header_text(tmp_path / "good.npz")) | {"crc32": 0}, {"tree": bad})
        with pytest.raises(ValueError, match=TOLD):
            io.load(path)


def test_bombs_are_refused_before_they_are_unpacked(tmp_path, as_users_call_it):
    path = io.save(tmp_path / "zeros", np.zeros(10**6))
    assert path.stat().st_size < 20_000
    message = r"`max_bytes` must be at least 8000000, .*but got 1000000. .*raise it: max_bytes=8000000"
    with pytest.raises(ValueError, match=message):
        io.load(path, max_bytes=10**6)
    assert io.load(path, max_bytes=8 * 10**6).shape == (10**6,)
    for bound in (0, -1, 1.5, float("nan"), "1GB", True, jnp.ones(())):
        with pytest.raises(ValueError, match="`max_bytes` must be a whole number above zero"):
            io.load(path, max_bytes=bound)
    # Two GiB of zeros by the header's word, in a file of a few bytes.
    edit(path, lambda text: text.replace("[1000000]", f"[{2**28}]"))
    with pytest.raises(ValueError, match=r"`max_bytes` must be at least 2147483648.*but got 1073741824"):
        io.load(path)
    with pytest.raises(ValueError, match=TOLD):
        io.load(path, max_bytes=2**40)
    # A directory that promises more than deflate can hold, and two entries of one and the same data.
    whole = bytearray(io.save(tmp_path / "promise", np.zeros(10**6)).read_bytes())
    entry = whole.rindex(b"PK\x01\x02")
    whole[entry + 24 : entry + 28] = struct.pack("<I", 2**31)
    path.write_bytes(whole)
    with pytest.raises(ValueError, match="cannot hold 2147483648 bytes"):
        io.load(path)


def sample_tree():
    """Something of everything, small."""
    return {
        "system": TeacherStudent.at_scale(1 / 32).replace(activation=jnp.tanh),
        "trainer": GradientDescent(optax.adamw, learning_rate=1e-3),
        "state": GradientState(jnp.ones(3), jnp.zeros(()), jnp.ones(3), optax.adam(0.1).init(jnp.ones(3, jnp.float32))),
        "estimate": Estimate(np.float64(1.5), np.array([0.1, np.nan])),
        "plain": [None, True, -3, 2.5, float("inf"), 1j, "text", b"bytes", (1, ()), np.dtype("f4")],
        ("a", 1): {1: np.array([True, False]), 2.5: np.array(["a", "bc"])},
        "key": jax.random.key(3),
        "half": jnp.ones((2, 2), jnp.bfloat16),
        "phase": Phase(1),
    }


def said(node, arrays):
    """A tree as text, with dtype, shape and bytes of an array in the place of its name."""

    def resolve(node):
        if isinstance(node, dict) and "array" in node:
            array = arrays[node["array"]]
            return {**node, "array": [str(array.dtype), array.shape, zlib.crc32(array.tobytes())]}
        if isinstance(node, dict):
            return {key: resolve(child) for key, child in node.items()}
        return [resolve(child) for child in node] if isinstance(node, list) else node

    return json.dumps(resolve(node), sort_keys=True)


def mutate_bytes(rng, whole):
    data = bytearray(whole)
    kind = rng.choice(["flip", "flip", "burst", "cut", "drop", "insert", "repeat", "directory"])
    at = rng.randrange(len(data))
    if kind == "flip":
        for _ in range(rng.choice([1, 1, 1, 3, 10])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif kind == "burst":
        data[at : at + 16] = rng.randbytes(16)
    elif kind == "cut":
        del data[at:]
    elif kind == "drop":
        del data[at : at + rng.randrange(1, 64)]
    elif kind == "insert":
        data[at:at] = rng.randbytes(rng.randrange(1, 64))
    elif kind == "repeat":
        data[at:at] = data[at : at + 64]
    else:  # the zip directory, where sizes, offsets, flags and methods stand
        start = data.index(b"PK\x01\x02")
        for _ in range(rng.choice([1, 2, 4])):
            data[rng.randrange(start, len(data))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    return bytes(data)


WILD = [None, True, 0, -1, 1, 2**31, 2**63, 10**30, 1e308, float("nan"), float("inf"), "", "a", "../a", "os", "system"]
WILD += ["\ud800", "grokjax.io", "jax", "numpy", "|O", "<f8", [], {}, [[]], {"value": 1}, {"list": [{"value": 1}]}]
WILD += [{"function": ["os", "system"]}, {"class": ["grokjax.io", "os._wrap_close"], "fields": {}}, "x" * 1000]


def somewhere(rng, node):
    """A place in a JSON tree: the steps that lead there. Most changes fall into the tree of the result."""
    steps = []
    while isinstance(node, dict | list) and node and (not steps or rng.random() < 0.9):
        keys = list(node) if isinstance(node, dict) else range(len(node))
        steps.append("tree" if not steps and "tree" in node and rng.random() < 0.6 else rng.choice(keys))
        node = node[steps[-1]]
    return steps


def mutate_json(rng, header):
    """One to three changes of types, names and values anywhere."""
    for _ in range(rng.choice([1, 1, 2, 3])):
        *steps, key = somewhere(rng, header)
        parent = functools.reduce(operator.getitem, steps, header)
        child = parent[key]
        kind = rng.choice(["wild", "wild", "delete", "rename", "copy", "number", "number"])
        if kind == "wild":
            parent[key] = copy.deepcopy(rng.choice(WILD))
        elif kind == "delete":
            del parent[key]
        elif kind == "rename" and isinstance(parent, dict):
            parent[rng.choice(["x", "value", "array", "class", "function", f"{key}_"])] = parent.pop(key)
        elif kind == "copy":
            parent[key] = copy.deepcopy(functools.reduce(operator.getitem, somewhere(rng, header), header))
        elif isinstance(child, int | float):
            parent[key] = rng.choice([child + 1, -child, child * 2, float(child), str(child), not child])
        elif isinstance(child, str):
            parent[key] = rng.choice([child[:-1], child + "x", child.upper(), child.replace(".", ".os.", 1)])
    return header


def mutate_members(rng, parts):
    """Members that are exchanged, doubled, renamed, dropped, reshaped, retyped or cut, with right zip checksums."""
    names = list(parts)
    items = list(parts.items())
    kind = rng.choice(["swap", "double", "rename", "drop", "reshape", "retype", "cut", "flip", "grow"])
    at = rng.randrange(len(items))
    name, data = items[at]
    if kind == "swap":
        other = rng.randrange(len(items))
        items[at], items[other] = (name, items[other][1]), (names[other], data)
    elif kind == "double":
        items.append((rng.choice(names), data))
    elif kind == "rename":
        items[at] = (rng.choice(["../" + name, "/" + name, name[:-4], name + ".npy", ".npy", rng.choice(names)]), data)
    elif kind == "drop":
        del items[at]
    elif kind == "reshape":
        items[at] = (name, data.replace(b"(3,)", rng.choice([b"(4,)", b"(1,)", b"(-3)", b"(3.)", b"[3,]"]), 1))
    elif kind == "retype":
        items[at] = (name, data.replace(b"<f8", rng.choice([b"<i8", b"|O8", b">f8", b"<c8", b"<f4", b"<zz"]), 1))
    elif kind == "cut":
        items[at] = (name, data[: rng.randrange(len(data))])
    elif kind == "flip":
        spoilt = bytearray(data)
        spoilt[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
        items[at] = (name, bytes(spoilt))
    else:
        items[at] = (name, data + rng.randbytes(rng.randrange(1, 32)))
    return items


def loaded(path):
    """What `load` gives, or the text of its ValueError."""
    try:
        return io.load(path), ""
    except ValueError as error:
        return None, str(error)


@pytest.mark.medium
def test_fuzz(tmp_path):
    """2 000 damaged and forged files: each gives the result that it holds, or a ValueError in full words."""
    rng = random.Random(12)
    path = write(tmp_path / "run.npz", *encode(sample_tree()), versions={"grokjax": "0.1.0"})
    whole, parts, text = path.read_bytes(), members(path), header_text(path)
    _, arrays = io.read_arrays(path, io.FORMAT, io.FORMAT_VERSION)
    right = said(json.loads(text)["tree"], arrays)
    assert said(*encode(io.load(path))) == right
    outcomes = Counter()
    for i in range(2000):
        kind, header = ("bytes", "header", "forged header", "members")[i % 4], json.loads(text)
        if kind == "bytes":
            data = mutate_bytes(rng, whole)
        elif kind == "members":
            data = pack(mutate_members(rng, parts), rng.choice([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED]))
        elif kind == "header":
            changed = npy(np.asarray(json.dumps(mutate_json(rng, header))))
            data = pack({**parts, "header.npy": changed}.items())
        else:
            data = forged(parts, mutate_json(rng, header))
        with open(path, "r+b") as file:  # quicker than a new file
            file.write(data)
            file.truncate()
        tree, error = loaded(path)
        if error:
            assert TOLD.fullmatch(error), f"{i} {kind}: {error}"
            outcomes[kind, "refused"] += 1
            continue
        held = said(*encode(tree))
        if held == right:
            outcomes[kind, "unchanged"] += 1
        else:  # a header sealed by a forger is a file like any other: it gives what it says, whole
            assert kind == "forged header", f"{i} {kind}: another result"
            assert held == said(header["tree"], arrays), f"{i} {kind}: not what the file says"
            outcomes[kind, "another result, as it says"] += 1
    print("\n" + "\n".join(f"{kind:14s} {outcome:28s} {n}" for (kind, outcome), n in sorted(outcomes.items())))
    assert sum(outcomes.values()) == 2000
    assert min(outcomes[kind, "refused"] for kind in ("bytes", "header", "forged header", "members")) > 250
