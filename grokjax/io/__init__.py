"""Results on disk: one .npz file with every array as it was, and a JSON header with everything else.

The header spells out the nested objects (class and fields), so that `load` gives back the same object: same arrays,
same dtypes, same configuration. A file is only data. It may name classes of grokjax, states of optax, layers of
`equinox.nn` and a table of activations and optimisers (`grokjax/_named.py`); anything else only if the caller trusts
its package. Nothing in a file is called, and no array is read before its size is known to be right.
"""

import datetime
import os
import platform
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np
import optax

from .._checks import argument_error
from .._printing import listed as _listed
from .archive import (
    read_arrays as read_arrays,
    read_header,
    remove_leftovers as remove_leftovers,
    write_arrays as write_arrays,
)
from .codec import decode, encode
from .labelled import to_xarray
from .named import as_trust


__all__ = ["describe", "load", "save", "to_xarray", "versions"]


FORMAT = "grokjax-results"
FORMAT_VERSION = 2


def versions() -> dict[str, str]:
    """Versions of this library, its engine and the device it runs on.

    Examples:
        >>> grokjax.io.versions()["jax"] == jax.__version__
        True
    """
    from .. import __version__

    device = jax.devices()[0]
    return {
        "grokjax": __version__,
        "jax": jax.__version__,
        "equinox": eqx.__version__,
        "optax": optax.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "device": f"{device.platform}: {device.device_kind}",
    }


def save(path: str | os.PathLike, tree: Any, *, note: str = "") -> Path:
    """Write a result: any nesting of `eqx.Module`s, dictionaries, lists, tuples, arrays, numbers and strings.

    States of optimisers, random keys, enumerations and named functions may be in it. The file appears whole or not at
    all: it is written beside its place and then renamed. What crashed writes of the same file left is removed.

    Args:
        path: file name; ".npz" is appended unless it is there.
        tree: what to keep. Classes of other packages than grokjax can be kept, and read by who trusts them.
        note: a line of your own, kept in the header.

    Returns:
        The path of the file.

    Raises:
        ValueError: something in `tree` cannot be kept, such as a lambda or an array in a static field.

    Examples:
        >>> import tempfile
        >>> path = grokjax.save(tempfile.mkdtemp() + "/result", {"x": jnp.arange(3.0)}, note="three numbers")
        >>> path.name, grokjax.load(path)["x"].tolist()
        ('result.npz', [0.0, 1.0, 2.0])
    """
    path = _as_path(path)
    path = path if path.suffix == ".npz" else path.with_name(path.name + ".npz")
    if not isinstance(note, str):
        raise argument_error("note", "a string", note, "Keep other things in the tree.")
    node, arrays = encode(tree)
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": versions(),
        "saved": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "note": note,
        "tree": node,
    }
    write_arrays(path, header, arrays)
    return path


def load(path: str | os.PathLike, *, trust: tuple[str, ...] = (), max_bytes: int | None = None) -> Any:
    """Read what `save` wrote. Files of strangers may be read: no code in them, nor of their choice, is run.

    To trust a package means that a file may have any of its modules imported (which runs what stands at its top level),
    any of its `eqx.Module`s, NamedTuples and enumerations restored with fields of the file's choice, and any of its
    functions handed to you in a field. Modules called `__main__` are never imported; `trust=("__main__",)` finds what
    your own script defined.

    Args:
        path: the file; ".npz" may be left out.
        trust: top-level packages, besides grokjax, whose classes and functions the file may name.
        max_bytes: what its arrays may take in memory; 1 GiB, or 100 times the size of the file, unless given.

    Raises:
        ValueError: the file is not a grokjax result, is damaged, was written by another format version, names what is
            not trusted, needs 64-bit numbers while they are off, or unpacks to more than `max_bytes`.

    Examples:
        >>> import tempfile
        >>> path = grokjax.save(tempfile.mkdtemp() + "/result", {"noise": 0.1})
        >>> grokjax.load(path)
        {'noise': 0.1}
    """
    trust = as_trust(trust)
    if max_bytes is not None and (type(max_bytes) is not int or max_bytes < 1):
        raise argument_error("max_bytes", "a whole number above zero, or None", max_bytes, "Try 2**36.")
    path = _existing(path)
    header, arrays = read_arrays(path, FORMAT, FORMAT_VERSION, max_bytes=max_bytes)
    return decode(header.get("tree"), arrays, path, trust)


def describe(path: str | os.PathLike) -> dict[str, Any]:
    """The header of a result without its arrays: versions, device, date and note.

    Raises:
        ValueError: the file is not a grokjax result, is damaged, or was written by another format version.

    Examples:
        >>> import tempfile
        >>> path = grokjax.save(tempfile.mkdtemp() + "/result", {"noise": 0.1}, note="a test")
        >>> grokjax.io.describe(path)["note"]
        'a test'
    """
    header = read_header(_existing(path), FORMAT, FORMAT_VERSION)
    return {name: value for name, value in header.items() if name not in ("tree", "arrays")}


def _as_path(path: Any) -> Path:
    text = os.fspath(path) if isinstance(path, str | os.PathLike) else None
    if not isinstance(text, str) or "\0" in text or not Path(text).name:
        raise argument_error("path", "the name of a file", path, 'Write "results/run.npz".')
    return Path(text)


def _existing(path: Any) -> Path:
    path = _as_path(path)
    return path if path.suffix == ".npz" or path.exists() else path.with_name(path.name + ".npz")


__doc__ = _listed(__doc__, globals())
