"""Members, sizes and checksums of an archive that a stranger wrote: a ValueError before anything is unpacked."""

import json
import struct
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest
from archives import TOLD, edit, forged, header_text, members, npy, pack

from grokjax import io


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
