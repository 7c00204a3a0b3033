"""An .npz file of arrays and a JSON header: written whole or not at all, read as if a stranger had written it.

The header lists every array with dtype, shape and checksum. A reader believes nothing else: the zip directory and the
.npy headers must say the same before a byte is decompressed, and what comes out must have that checksum. Checksums
find damage, not forgery; against forgery nothing in a file is ever more than numbers and text.
"""

import contextlib
import json
import math
import os
import re
import secrets
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .._checks import argument_error
from .dtypes import dtype_name, dtype_of, is_valid, raw, stored_dtype


HEADER = "header"
LARGEST_HEADER = 2**24  # characters; as Python objects they take some twenty times as many bytes
SMALLEST_BOUND = 2**30  # bytes that any file may unpack to
COMPRESSION = 100  # ... or this many times its size; noisy numbers shrink by 1.1, empty histograms by up to 1000
DEFLATE = 1032  # no deflate stream expands more

_NAME = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")  # no slash, no "..", no empty part
_NPY = re.compile(r"\{'descr': '([<>|]\w+)', 'fortran_order': (True|False), 'shape': \(([0-9, ]*)\), \} *\n")
_DAMAGE = (  # what zipfile, zlib, json and numpy raise on damaged input
    *(OSError, ValueError, RuntimeError, LookupError, ArithmeticError, EOFError, TypeError),
    *(zipfile.BadZipFile, zlib.error, struct.error),
)
_STARTED = time.monotonic()


def shown(value: Any) -> str:
    """A text out of a file, short enough for an error."""
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."


def write_arrays(path: Path, header: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
    """An .npz file of arrays and a JSON header that appears whole or not at all, with the permissions of the umask.

    What crashed writes of the same file left beside it is removed.

    Args:
        path: the file.
        header: what JSON can hold; the list of arrays and a checksum are added.
        arrays: by name; names are letters, digits, "_" and "-", with single dots between them.

    Raises:
        ValueError: a name, a dtype or the length of the header is not for files.
    """
    stored, listed = {}, {}
    for name, array in arrays.items():
        dtype = dtype_name(array.dtype)
        if dtype is None:
            raise argument_error(name, "an array of numbers or text", array.dtype.str, "Convert it first.")
        if name == HEADER or not _NAME.fullmatch(name):
            raise argument_error("arrays", "named by letters, digits and single dots", name, "Rename it.")
        array = array if array.flags.forc else np.ascontiguousarray(array)  # a view of every other entry, say
        stored[name] = array.view(stored_dtype(array.dtype))
        listed[name] = {"dtype": dtype, "shape": list(array.shape), "crc32": zlib.crc32(raw(array))}
    header = {**header, "arrays": listed}
    text = json.dumps({**header, "crc32": zlib.crc32(json.dumps(header).encode())})
    if len(text) > LARGEST_HEADER:
        raise argument_error(
            "tree",
            f"described in {LARGEST_HEADER} characters",
            f"{len(text)} characters",
            "Keep long lists of numbers as arrays.",
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(part, "xb") as file:
            with zipfile.ZipFile(file, "w") as archive:
                for name, array in {HEADER: np.asarray(text), **stored}.items():
                    member = zipfile.ZipInfo(f"{name}.npy")
                    member.compress_type = zipfile.ZIP_DEFLATED
                    with archive.open(member, "w", force_zip64=True) as target:
                        np.lib.format.write_array(target, array, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        written = os.stat(part).st_mtime
        os.replace(part, path)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(part)
        raise
    remove_leftovers(path.parent, re.escape(path.name), written)


def remove_leftovers(folder: Path, names: str, now: float) -> None:
    """Remove what crashed writes left: parts of files of these names, last touched before this process was there.

    Args:
        folder: where to look.
        names: a regular expression of the names of whole files.
        now: the present time by the clock of the file system.
    """
    pattern = re.compile(rf"(?:{names})\.?[0-9a-z_]{{8}}\.part")
    began = now - (time.monotonic() - _STARTED)
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if pattern.fullmatch(entry.name) and entry.stat(follow_symlinks=False).st_mtime < began:
                os.unlink(entry.path)


def read_header(path: Path, form: str, version: int) -> dict[str, Any]:
    """The header of a file of `write_arrays`, without a look at the arrays.

    Args:
        path: the file.
        form: what its header must call itself under "format".
        version: likewise under "format_version".

    Raises:
        ValueError: the file is damaged, of another program, or of another version.
    """
    with _told(path, form), _opened(path) as (archive, members):
        return _header(archive, members, path, form, version)


def read_arrays(
    path: str | os.PathLike, form: str, version: int, *, max_bytes: int | None = None
) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Header and arrays of a file of `write_arrays`, of one form and format version.

    Args:
        path: the file.
        form: what its header must call itself.
        version: the format version.
        max_bytes: what its arrays may take in memory; 1 GiB, or 100 times the size of the file, unless given.

    Raises:
        ValueError: the file is damaged, of another program, of another version, or unpacks to more than `max_bytes`.
    """
    path = Path(path)
    with _told(path, form), _opened(path) as (archive, members):
        header = _header(archive, members, path, form, version)
        listed = _listed(header.pop("arrays"))
        if set(members) != {HEADER, *listed}:
            raise ValueError(f"its members are not those of its header: {shown(set(members) ^ {HEADER, *listed})}")
        size = os.path.getsize(path)
        needed = sum(dtype.itemsize * math.prod(shape) for dtype, shape, _ in listed.values())
        bound = max(SMALLEST_BOUND, COMPRESSION * size) if max_bytes is None else max_bytes
        if needed > bound:
            refused = argument_error(
                "max_bytes",
                f"at least {needed}, the bytes that the arrays of {path} take in memory",
                bound,
                f"If you trust the file, which itself has {size} bytes, raise it: max_bytes={needed}.",
            )
            raise _Refused(refused)
        return header, {name: _read_listed(archive, members[name], *entry) for name, entry in listed.items()}


class _Refused(Exception):
    """Holds an error whose text is already the reader's."""


def _remedy(form: str) -> str:
    return f"Give a whole {form} file that this library wrote."


@contextlib.contextmanager
def _told(path: Path, form: str) -> Iterator[None]:
    """Whatever damaged input raises, in one form."""
    try:
        yield
    except FileNotFoundError:
        raise
    except _Refused as refused:
        raise refused.args[0] from None
    except MemoryError as error:
        remedy = "Read it on a larger machine."
        raise argument_error("path", "a file that fits into memory", str(path), remedy) from error
    except _DAMAGE as error:
        got = f"{path}: {shown(error) or type(error).__name__}"
        raise argument_error("path", f"a whole {form} file", got, _remedy(form)) from error


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[tuple[zipfile.ZipFile, dict[str, zipfile.ZipInfo]]]:
    """The archive and its members by name, once its directory makes sense."""
    with open(path, "rb") as handle, zipfile.ZipFile(handle) as archive:
        members: dict[str, zipfile.ZipInfo] = {}
        for info in archive.infolist():
            name = info.orig_filename.removesuffix(".npy")
            if name == info.orig_filename or not _NAME.fullmatch(name):
                raise ValueError(f"a member is called {shown(info.orig_filename)!r}")
            if name in members:
                raise ValueError(f"two members are called {shown(name)!r}")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or info.flag_bits & 1:
                raise ValueError(f"{shown(name)} is packed in another way")
            if info.file_size > DEFLATE * (info.compress_size + 1):
                raise ValueError(f"{shown(name)} cannot hold {info.file_size} bytes")
            members[name] = info
        if sum(info.compress_size for info in members.values()) > os.fstat(handle.fileno()).st_size:
            raise ValueError("its members overlap")
        if HEADER not in members:
            raise ValueError("it has no header")
        yield archive, members


def _header(archive: zipfile.ZipFile, members: dict[str, zipfile.ZipInfo], path: Path, form: str, version: int) -> Any:
    header = json.loads(str(_read_member(archive, members[HEADER], 4 * LARGEST_HEADER)))
    if not isinstance(header, dict):
        raise ValueError("its header is no mapping")
    if header.get("format") != form:
        got = f"{path}: {shown(header.get('format'))}"
        raise _Refused(argument_error("path", f"a {form} file", got, _remedy(form)))
    if header.get("format_version") != version:
        written = header.get("versions")
        writer = written.get("grokjax") if isinstance(written, dict) else None
        refused = argument_error(
            "path",
            f"a {form} file of format version {version}",
            f"{path}: version {shown(header.get('format_version'))}",
            f"Read it with the grokjax that wrote it: {shown(writer)}.",
        )
        raise _Refused(refused)
    if header.pop("crc32") != zlib.crc32(json.dumps(header).encode()):
        raise ValueError("its header was changed")
    return header


def _listed(entries: Any) -> dict[str, tuple[np.dtype, tuple[int, ...], int]]:
    """Dtype, shape and checksum of every array."""
    if not isinstance(entries, dict):
        raise ValueError("its header lists no arrays")
    listed = {}
    for name, entry in entries.items():
        match entry:
            case {"dtype": str() as code, "shape": list() as shape, "crc32": int() as crc32} if len(entry) == 3:
                dtype = dtype_of(code)
            case _:
                raise ValueError(f"{shown(name)} has no dtype, shape and checksum")
        if dtype is None:
            raise ValueError(f"{shown(name)} has the dtype {shown(code)!r}")
        whole = len(shape) <= 32 and all(type(n) is int and n >= 0 for n in shape)
        if not whole or math.prod(max(n, 1) for n in shape) >= 2**48:
            raise ValueError(f"{shown(name)} has the shape {shown(shape)}")
        listed[name] = dtype, tuple(shape), crc32
    return listed


def _read_listed(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, dtype: np.dtype, shape: tuple[int, ...], crc32: int
) -> np.ndarray:
    array = _read_member(archive, info, dtype.itemsize * math.prod(shape))
    if array.dtype.str != stored_dtype(dtype).str or array.shape != shape:
        raise ValueError(f"{info.filename} is {array.dtype.str} {array.shape}, its header says {dtype.str} {shape}")
    if zlib.crc32(raw(array)) != crc32:
        raise ValueError(f"{info.filename} was changed")
    array = array.view(dtype)
    if not is_valid(array):
        raise ValueError(f"{info.filename} holds bytes that are no {dtype.name}")
    return array


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, max_bytes: int) -> np.ndarray:
    """The array of a .npy member that takes at most `max_bytes`; nothing is evaluated."""
    with archive.open(info) as member:
        start = member.read(10)
        length = int.from_bytes(start[8:], "little")
        found = _NPY.fullmatch(member.read(length).decode("latin1"))
        dtype = None if found is None else dtype_of(found[1])
        if start[:8] != b"\x93NUMPY\x01\x00" or found is None or dtype is None:
            raise ValueError(f"{info.filename} is no plain array")
        shape = tuple(int(n) for n in re.findall(r"\d+", found[3]))
        size = dtype.itemsize * math.prod(shape)
        if size > max_bytes or info.file_size != len(start) + length + size:
            raise ValueError(f"{info.filename} has {info.file_size} bytes, which do not fit its shape")
        flat = np.empty(math.prod(shape), dtype)
        view, filled = memoryview(raw(flat)), 0
        while filled < size:
            piece = member.read(min(size - filled, 2**20))
            if not piece:
                raise ValueError(f"{info.filename} ends early")
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
    return flat.reshape(shape, order="F" if found[2] == "True" else "C")
