"""A file as a tree, after every check that a file from a stranger needs.

The order is: is it HDF5, is it ours, is its version known, does it keep the limits, are its
shapes those of its own config, does its content match its manifest.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from reservoir.checkpoint import manifest, strict, tree, version
from reservoir.checkpoint.hdf5 import h5py
from reservoir.checkpoint.header import Hdf5Id, Header
from reservoir.checkpoint.limits import Limits
from reservoir.checkpoint.tree import Dataset, Group, Node
from reservoir.errors import CheckpointError

SIGNATURE = b"\x89HDF\r\n\x1a\n"

# What h5py makes of the errors of HDF5; a damaged file can raise any of them.
HDF5_ERRORS = (
    OSError, RuntimeError, KeyError, ValueError, TypeError, OverflowError, AttributeError,
    NotImplementedError, UnicodeError,
)  # fmt: skip


class Source:
    """An open file whose objects have passed the strict walk; data is read on demand.

    Attributes
    ----------
    headers
        Path to header, for every object of the file.
    """

    def __init__(self, headers: Mapping[str, Header], descriptor: int) -> None:
        self.headers = headers
        self._descriptor = descriptor

    def json_text(self, path: str) -> str:
        """Read the JSON text at `path`."""
        header = self.headers.get(path)
        if header is None or header.dataset is None or header.dtype.kind != "S":
            raise CheckpointError(f"{path} is missing or not a text")
        tree.expect(header, path, "json", "1.0")
        return tree.ascii_text(strict.data(header, self._descriptor), path)

    def load(self) -> Group:
        """Read everything and compare it with the manifest."""
        root = self._group("/", _children(self.headers))
        manifest.check(root)
        return root

    def _group(self, path: str, children: Mapping[str, list[str]]) -> Group:
        members: dict[str, Node] = {}
        for name in sorted(children[path]):
            member = path.rstrip("/") + "/" + name
            header = self.headers[member]
            if header.dataset is None:
                members[name] = self._group(member, children)
            else:
                members[name] = Dataset(strict.data(header, self._descriptor), header.attributes)
        return Group(members, self.headers[path].attributes)


def _children(headers: Mapping[str, Header]) -> dict[str, list[str]]:
    names: dict[str, list[str]] = {path: [] for path in headers}
    for path in headers:
        parent, _, name = path.rpartition("/")
        if name:
            names[parent or "/"].append(name)
    return names


@contextmanager
def opened(path: str | os.PathLike[str], limits: Limits) -> Iterator[Source]:
    """Open a checkpoint and walk it.

    Every error inside the block that is the file's fault becomes a `CheckpointError` of one line
    that begins with the path.
    """
    try:
        _look(Path(path))
        with h5py.File(path, "r", driver="sec2", locking=False) as file:
            root, descriptor = file["/"].id, file.id.get_vfd_handle()
            size = os.fstat(descriptor).st_size  # of this file: another may have taken its name
            _identify(root)
            if size > limits.total + strict.OVERHEAD:
                raise CheckpointError(
                    f"is larger than {limits.total:,} bytes, the limit; "
                    "raise max_bytes if you trust it"
                )
            yield Source(strict.walk(root, limits, size), descriptor)
    except CheckpointError as error:
        raise type(error)(f"{os.fspath(path)}: {error}") from error
    except RecursionError:
        raise CheckpointError(f"{os.fspath(path)}: is nested too deeply") from None
    except HDF5_ERRORS as error:
        raise CheckpointError(f"{os.fspath(path)}: {_reason(error)}") from error


def _look(path: Path) -> None:
    """Check that a file is there and begins like an HDF5 file."""
    try:
        status = path.stat()  # not open: opening a pipe would wait for its other end
        if not stat.S_ISREG(status.st_mode):
            kind = "a directory" if stat.S_ISDIR(status.st_mode) else "not a regular file"
            raise CheckpointError(f"is {kind}")
        with path.open("rb") as stream:
            start = stream.read(len(SIGNATURE))
    except FileNotFoundError:
        raise CheckpointError("no such file") from None
    except OSError as error:
        raise CheckpointError(f"cannot be read: {error.strerror}") from None
    if start != SIGNATURE:
        raise CheckpointError("is not an HDF5 file" if start else "is empty")


def _identify(root: Hdf5Id) -> None:
    """Check that the file is a checkpoint of a version that can be read."""
    found = {}
    for name in ("format", "format_version", "min_reader_version"):
        value = strict.attribute(root, name)
        if value is None or value.dtype.kind != "S" or value.ndim:
            raise CheckpointError(f"is an HDF5 file but not a checkpoint (attribute {name!r})")
        found[name] = tree.ascii_text(value, name)
    if found["format"] != version.FORMAT:
        raise CheckpointError(f"is an HDF5 file of the format {found['format'][:40]!r}")
    version.check(found["format_version"], found["min_reader_version"])


def _reason(error: Exception) -> str:
    message = " ".join(str(error).split())
    if "truncated file" in message:
        return "is truncated"
    return f"is damaged: {message[:200]}"
