"""Reading tables in HDF5. The only module of this package that imports h5py."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from reservoir.errors import DataError
from reservoir.series.rows import Contents, LazyRows, check_numbers

os.environ["HDF5_PLUGIN_PRELOAD"] = "::"  # no filter from a shared library; before the import

import h5py

__all__ = ["ENCODING", "NAMES", "h5py", "open_hdf5"]

NAMES = "columns"
ENCODING = "columns_encoding"
_MOST_OBJECTS = 10_000
_DEEPEST = 6
_CHUNK_CACHE = 64 << 20  # bytes; a chunk that does not fit is decompressed at every slice
# Filters that come with h5py; anything else would be a shared library.
_FILTERS = {
    h5py.h5z.FILTER_DEFLATE,
    h5py.h5z.FILTER_SHUFFLE,
    h5py.h5z.FILTER_FLETCHER32,
    h5py.h5z.FILTER_SZIP,
    h5py.h5z.FILTER_NBIT,
    h5py.h5z.FILTER_SCALEOFFSET,
    h5py.h5z.FILTER_LZF,
}


@contextmanager
def open_hdf5(path: str, key: str) -> Iterator[Contents]:
    """Open a dataset whose rows are read as they are sliced, until the block ends.

    Names of columns come from an attribute ``columns`` of the dataset, or from a dataset
    ``columns`` beside it, an array of as many strings as there are columns.

    Parameters
    ----------
    path : str
        The file.
    key : str
        Path of the dataset, or of a group that holds one table; it may be empty.

    Raises
    ------
    DataError
        The file is damaged, the dataset does not exist or is no table of real numbers, several
        can be meant (the message lists them), or the data lie outside of the file (external
        links and storage, virtual datasets) or need a filter from a plug-in.
    OSError
        The file cannot be read.
    """
    with open(path, "rb"):
        pass  # a file that is missing or may not be read: the error of the system, not HDF5's
    try:
        file = h5py.File(path, "r", rdcc_nbytes=_CHUNK_CACHE)
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise DataError(f"{path}: the file is damaged or not HDF5: {_line(error)}") from None
    with file:
        yield _guarded(path, lambda: _contents(file, path, key))


def _contents(file: Any, path: str, key: str) -> Contents:
    found = _follow(file, path, key)
    if isinstance(found, h5py.Dataset):
        dataset = found
    else:
        dataset = _only_table(found, path)
    source = f"{path}:{dataset.name}"
    if dataset.shape is None:
        raise DataError(f"{source}: the dataset is empty (a null dataspace)")
    check_numbers(source, dataset.dtype, dataset.shape)
    _check_storage(dataset, source)
    rows = LazyRows(dataset, source)
    return Contents(rows, _names(dataset, rows.shape[1]), source)


def _follow(file: Any, path: str, key: str) -> Any:
    """Walk to an object link by link, along hard links alone."""
    here = file
    for name in filter(None, key.split("/")):
        link = here.get(name, getlink=True) if isinstance(here, h5py.Group) else None
        if link is None:
            raise DataError(f"{path}: there is no {key!r}; {_listing(_tables(file, path))}")
        _check_link(link, f"{path}:{here.name.rstrip('/')}/{name}")
        here = here[name]
    if not isinstance(here, h5py.Dataset | h5py.Group):
        raise DataError(f"{path}:{key}: this is neither a dataset nor a group")
    return here


def _check_link(link: Any, where: str) -> None:
    if isinstance(link, h5py.ExternalLink):
        raise DataError(f"{where}: links to other files ({link.filename}) are not followed")
    if isinstance(link, h5py.SoftLink):
        raise DataError(f"{where}: soft links are not followed; name {link.path} instead")


def _only_table(group: Any, path: str) -> Any:
    tables = _tables(group, path)
    if len(tables) != 1:
        many = "several datasets can be meant" if tables else "no dataset is a table of numbers"
        raise DataError(f"{path}: {many}; {_listing(tables)}; give one as {path}:/name")
    return tables[0]


def _tables(group: Any, path: str) -> list[Any]:
    """All numeric datasets of one or two dimensions below a group, along hard links."""
    tables: list[Any] = []
    seen: set[int] = set()
    stack = [(group, 0)]
    while stack:
        parent, depth = stack.pop()
        for name in parent:
            if not isinstance(parent.get(name, getlink=True), h5py.HardLink):
                continue
            child = parent[name]
            address = h5py.h5o.get_info(child.id).addr
            if address in seen:
                continue
            seen.add(address)
            if len(seen) > _MOST_OBJECTS:
                raise DataError(f"{path}: over {_MOST_OBJECTS} objects; give one as {path}:/name")
            if isinstance(child, h5py.Group) and depth < _DEEPEST:
                stack.append((child, depth + 1))
            elif isinstance(child, h5py.Dataset) and _is_table(child):
                tables.append(child)
    return sorted(tables, key=lambda dataset: str(dataset.name))


def _is_table(dataset: Any) -> bool:
    return dataset.shape is not None and len(dataset.shape) in (1, 2) and _kind(dataset) in "biuf"


def _kind(dataset: Any) -> str:
    try:
        return str(dataset.dtype.kind)
    except TypeError:  # a type that NumPy does not have
        return "V"


def _listing(tables: list[Any]) -> str:
    if not tables:
        return "the file holds no table of numbers"
    items = [f"{table.name} {table.dtype} {table.shape}" for table in tables]
    return f"there are {', '.join(items[:20])}{', ...' if len(items) > 20 else ''}"


def _check_storage(dataset: Any, source: str) -> None:
    plan = dataset.id.get_create_plist()
    if plan.get_layout() == h5py.h5d.VIRTUAL:
        raise DataError(f"{source}: virtual datasets, whose data lie in other files, are not read")
    if plan.get_layout() == h5py.h5d.CONTIGUOUS and plan.get_external_count():
        raise DataError(f"{source}: the data lie in another file (external storage)")
    filters = [plan.get_filter(i) for i in range(plan.get_nfilters())]
    for code, _, _, name in filters:
        if code not in _FILTERS or not h5py.h5z.filter_avail(code):
            label = name.decode(errors="replace") or "unnamed"
            raise DataError(f"{source}: the filter {code} ({label}) needs a plug-in: not loaded")
    if sum(code == h5py.h5z.FILTER_DEFLATE for code, *_ in filters) > 1:
        raise DataError(f"{source}: the data are compressed twice: not read")


def _names(dataset: Any, width: int) -> tuple[str, ...] | None:
    """Names of the columns, if the file has as many strings as there are columns."""
    stored: Any = dataset.attrs.get(NAMES)
    if stored is None and isinstance(dataset.parent.get(NAMES, getlink=True), h5py.HardLink):
        beside = dataset.parent[NAMES]
        if isinstance(beside, h5py.Dataset) and beside.shape == (width,) and _kind(beside) in "SO":
            _check_storage(beside, beside.name)
            stored = beside[()]
    items = np.atleast_1d(np.asarray(stored, dtype=object)).ravel().tolist()
    if len(items) != width or not all(isinstance(item, bytes | str) for item in items):
        return None
    escaped = dataset.attrs.get(ENCODING) == b"unicode_escape"
    encoding = "unicode_escape" if escaped else "utf-8"
    return tuple(
        item if isinstance(item, str) else item.decode(encoding, "replace") for item in items
    )


def _guarded(path: str, read: Callable[[], Contents]) -> Contents:
    """Turn what h5py raises on a damaged file into one line."""
    try:
        return read()
    except DataError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: the file is damaged: {_line(error)}") from None


def _line(error: Exception) -> str:
    text = str(error.args[0] if isinstance(error, KeyError) and error.args else error)
    return text.splitlines()[0] if text else type(error).__name__
