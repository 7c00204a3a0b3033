"""Results on disk: one .npz file with every array as it was, and a JSON header with everything else.

The header spells out the nested grokjax objects (class and fields), so that `load` gives back the same object: same
arrays, same dtypes, same configuration. Only classes and functions of grokjax itself are ever looked up by name;
nothing in a file is executed.
"""

import dataclasses
import datetime
import importlib
import json
import os
import platform
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from ._checks import argument_error


FORMAT = "grokjax-results"
FORMAT_VERSION = 1


def versions() -> dict[str, str]:
    """Versions of this library, its engine and the device it runs on."""
    from . import __version__

    device = jax.devices()[0]
    return {
        "grokjax": __version__,
        "jax": jax.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "device": f"{device.platform}: {device.device_kind}",
    }


def save(path: str | os.PathLike, tree: Any, *, note: str = "") -> Path:
    """Write a result: any nesting of grokjax objects, dictionaries, lists, arrays, numbers and strings.

    The file appears whole or not at all: it is written beside its place and then renamed.

    Args:
        path: file name; ".npz" is appended unless it is there.
        tree: what to keep.
        note: a line of your own, kept in the header.

    Returns:
        The path of the file.

    Raises:
        ValueError: something in `tree` cannot be kept, such as a lambda.
    """
    path = Path(path)
    path = path if path.suffix == ".npz" else path.with_name(path.name + ".npz")
    arrays: dict[str, np.ndarray] = {}
    header = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "versions": versions(),
        "saved": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
        "note": note,
        "tree": _encode(tree, arrays, "tree"),
    }
    write_arrays(path, header, arrays)
    return path


def write_arrays(path: Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """An .npz file of arrays and a JSON header that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez_compressed(file, allow_pickle=False, header=np.asarray(json.dumps(header)), **arrays)
            file.flush()
            os.fsync(file.fileno())
        os.replace(name, path)
    except BaseException:
        os.unlink(name)
        raise


def load(path: str | os.PathLike) -> Any:
    """Read what `save` wrote.

    Raises:
        ValueError: the file is not a grokjax result, is damaged, or was written by another format version.
    """
    header, arrays = _read(path)
    return _decode(header["tree"], arrays)


def describe(path: str | os.PathLike) -> dict[str, Any]:
    """The header of a result without its arrays: versions, device, date and note."""
    header, _ = _read(path)
    return {name: value for name, value in header.items() if name != "tree"}


def to_xarray(data: dict[str, tuple[tuple[str, ...], Any]], coordinates: dict[str, Any] | None = None, **attributes):
    """Named arrays as an `xarray.Dataset`: `{name: (dimensions, values)}`. Needs the extra `grokjax[results]`."""
    try:
        import xarray
    except ImportError as error:
        raise ImportError("to_xarray needs xarray: pip install 'grokjax[results]'") from error
    variables = {name: (dimensions, np.asarray(values)) for name, (dimensions, values) in data.items()}
    return xarray.Dataset(variables, coordinates, {**versions(), **attributes})


def read_arrays(path: str | os.PathLike, form: str, version: int) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file of `write_arrays`, of one form and format version.

    Raises:
        ValueError: the file is damaged, of another program, or of another version.
    """
    remedy = f"Give a whole {form} file that this library wrote."
    try:
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as file:
            header = json.loads(str(file["header"]))
            arrays = {name: file[name] for name in file.files if name != "header"}
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise argument_error("path", f"a whole {form} file", f"{path}: {error}", remedy) from error
    if header.get("format") != form:
        raise argument_error("path", f"a {form} file", f"{path}: {header.get('format')}", remedy)
    if header["format_version"] != version:
        raise argument_error(
            "path",
            f"a {form} file of format version {version}",
            f"{path}: version {header['format_version']}",
            f"Read it with the grokjax that wrote it: {header['versions']['grokjax']}.",
        )
    return header, arrays


def _read(path: str | os.PathLike) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    return read_arrays(path, FORMAT, FORMAT_VERSION)


def _encode(node: Any, arrays: dict[str, np.ndarray], where: str) -> Any:
    if isinstance(node, jax.Array | np.ndarray | np.generic):
        arrays[where] = np.asarray(node)
        return {"array": where, "kind": "jax" if isinstance(node, jax.Array) else "numpy"}
    if node is None or isinstance(node, bool | int | float | str):
        return {"value": node}
    if isinstance(node, dict):
        items = [[_encode(k, arrays, f"{where}.key"), _encode(v, arrays, f"{where}.{k}")] for k, v in node.items()]
        return {"dict": items}
    if isinstance(node, list | tuple):
        return {type(node).__name__: [_encode(v, arrays, f"{where}.{i}") for i, v in enumerate(node)]}
    if isinstance(node, eqx.Module) and type(node).__module__.startswith("grokjax."):
        names = (field.name for field in dataclasses.fields(node))
        fields = {name: getattr(node, name) for name in names if hasattr(node, name)}
        encoded = {name: _encode(value, arrays, f"{where}.{name}") for name, value in fields.items()}
        return {"class": [type(node).__module__, type(node).__qualname__], "fields": encoded}
    for home in (jax.lax, jnp, jax.nn):
        if getattr(home, getattr(node, "__name__", ""), None) is node:
            return {"function": [home.__name__, node.__name__]}
    if callable(node) and getattr(node, "__module__", "").startswith("grokjax.") and "<" not in node.__qualname__:
        return {"function": [node.__module__, node.__qualname__]}
    raise argument_error(where, "something that can be kept in a file", node, "Use named activations, not lambdas.")


def _decode(node: Any, arrays: dict[str, np.ndarray]) -> Any:
    if "array" in node:
        array = arrays[node["array"]]
        return jnp.asarray(array) if node["kind"] == "jax" else array
    if "value" in node:
        return node["value"]
    if "dict" in node:
        return {_decode(k, arrays): _decode(v, arrays) for k, v in node["dict"]}
    if "list" in node:
        return [_decode(v, arrays) for v in node["list"]]
    if "tuple" in node:
        return tuple(_decode(v, arrays) for v in node["tuple"])
    if "function" in node:
        module, name = node["function"]
        return _look_up(module, name, ("grokjax.", "jax.lax", "jax.numpy", "jax.nn"))
    module, name = node["class"]
    cls = _look_up(module, name, ("grokjax.",))
    made = object.__new__(cls)
    for name, value in node["fields"].items():
        object.__setattr__(made, name, _decode(value, arrays))
    return made


def _look_up(module: str, name: str, homes: tuple[str, ...]) -> Any:
    if not module.startswith(homes):
        raise argument_error("path", "a file that names only grokjax and jax objects", f"{module}.{name}", "Trust it?")
    found = importlib.import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found
