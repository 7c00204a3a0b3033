"""Two thousand damaged and forged files: each gives the result that it holds, or a ValueError in full words."""

import copy
import functools
import json
import operator
import random
import zipfile
import zlib
from collections import Counter

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
from archives import TOLD, forged, header_text, members, npy, pack, write

from grokjax import GradientDescent, io
from grokjax.evidence.statistics import Estimate
from grokjax.io.codec import encode
from grokjax.samplers.gradient import GradientState
from grokjax.systems.representation.phases import Phase
from grokjax.systems.teacher_student.system import TeacherStudent


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
