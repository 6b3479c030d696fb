"""Which format a path means: by its suffix, with a name inside the file after a colon."""

from __future__ import annotations

import os
import re
import stat
from typing import Literal, NamedTuple

from reservoir.errors import DataError

Format = Literal["csv", "npy", "npz", "hdf5"]

STANDARD_STREAM = "-"
_STANDARD_DEVICES = ("/dev/stdin", "/dev/stdout", "/dev/stderr")
_DESCRIPTOR = re.compile(r"/(?:dev|proc/self)/fd/([0-9]+)")
_PLAIN: dict[str, Format] = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".npy": "npy",
    ".npz": "npz",
    ".h5": "hdf5",
    ".hdf5": "hdf5",
    ".hdf": "hdf5",
}
_SUFFIXES: dict[str, Format] = _PLAIN | {f"{s}.gz": f for s, f in _PLAIN.items() if f == "csv"}
_KEYED = tuple(suffix for suffix, format in _SUFFIXES.items() if format in ("npz", "hdf5"))


class Location(NamedTuple):
    """Where a table lies: the file, its format, and the name inside it ("" if none is given)."""

    format: Format
    path: str
    key: str

    @property
    def source(self) -> str:
        """The location as messages name it."""
        if self.path == STANDARD_STREAM:
            return "standard input"
        return f"{self.path}:{self.key}" if self.key else self.path


def locate(path: str | os.PathLike[str]) -> Location:
    """Find format, file and inner name of an input path.

    A path that exists as it stands is a file, colons and all. Otherwise ``file.npz:name`` and
    ``file.h5:/group/name`` are split at the first colon that ends a name with such a suffix,
    an existing file before a missing one. Pipes and devices without a known suffix are CSV.

    Raises
    ------
    DataError
        The suffix is not known.
    """
    whole = os.fspath(path)
    format = _format(whole)
    if format is not None and (os.path.exists(whole) or not _splits(whole)):
        return Location(format, whole, "")
    splits = _splits(whole)
    for file, key in splits:
        if os.path.exists(file):
            return Location(_SUFFIXES[_suffix(file)], file, key)
    if splits:
        file, key = splits[0]
        return Location(_SUFFIXES[_suffix(file)], file, key)
    raise _unknown(whole)


def output_format(path: str | os.PathLike[str]) -> Format:
    """Format of an output path; pipes and devices without a known suffix are CSV.

    Raises
    ------
    DataError
        The suffix is not known.
    """
    whole = os.fspath(path)
    format = _format(whole)
    if format is None:
        raise _unknown(whole)
    return format


def is_stream(path: str) -> bool:
    """Whether a path is a pipe, a terminal or another device: no file, no directory."""
    try:
        mode = os.stat(path).st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def descriptor(path: str) -> int | None:
    """Open descriptor of this process that a path stands for, as ``/dev/stdout`` does."""
    if path in _STANDARD_DEVICES:
        return _STANDARD_DEVICES.index(path)
    match = _DESCRIPTOR.fullmatch(path)
    return int(match[1]) if match else None


def _format(path: str) -> Format | None:
    unnamed = not _suffix(path) and (is_stream(path) or descriptor(path) is not None)
    if path == STANDARD_STREAM or unnamed:
        return "csv"
    return _SUFFIXES.get(_suffix(path))


def _suffix(path: str) -> str:
    """Return the known suffix that a path ends with, in lower case, or an empty string."""
    name = os.path.basename(path).lower()
    return next((s for s in _SUFFIXES if name.endswith(s) and name != s), "")


def _splits(path: str) -> list[tuple[str, str]]:
    """All ways to split a path into a file that can hold names, and a name."""
    places = (i for i, character in enumerate(path) if character == ":")
    return [(path[:i], path[i + 1 :]) for i in places if _suffix(path[:i]) in _KEYED]


def _unknown(path: str) -> DataError:
    known = " ".join(_PLAIN)
    return DataError(
        f"{path}: the suffix of the name tells no known format; known are {known}, "
        "the text formats also with .gz, names inside files only as file.npz:name "
        "and file.h5:/name, and - for CSV on the standard stream"
    )
