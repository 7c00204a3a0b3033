"""Archives as a stranger may write them: well formed, with whatever in them, and checksums that are right again."""

import json
import re
import warnings
import zipfile
import zlib
from io import BytesIO

import numpy as np

from grokjax import io


TOLD = re.compile(r"Argument `(path|max_bytes)` must be .+, but got .+\. .+\.", re.DOTALL)


def write(path, tree, arrays=None, **header):
    """A file with everything in order but the tree: it passes all checksums, of any format version."""
    header = {"format": io.FORMAT, "format_version": io.FORMAT_VERSION, "versions": io.versions(), **header}
    io.write_arrays(path, {**header, "tree": tree}, arrays or {})
    return path


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
