"""Writing tables in HDF5 piece by piece, however large they are.

HDF5 does not survive a full disk, and its files can be lost when the process ends in between. So
it only lays the file out, with room for the numbers and none of them. The numbers go past it to
the places where it expects them, into a file that takes its name at the end.
"""

from __future__ import annotations

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from reservoir.series.hdf5_file import ENCODING, NAMES, h5py
from reservoir.series.outline import Outline, Pieces

SOURCE = "source"
_HEAD = 1 << 16  # bytes that a table may take besides its numbers
_LARGEST_ATTRIBUTE = 32_000  # bytes; HDF5 refuses 64 kB of attributes in compact storage


@dataclass(frozen=True)
class _Layout:
    """An HDF5 file without the numbers."""

    size: int  # bytes of the whole file
    parts: tuple[tuple[int, bytes], ...]  # what is not numbers, and its places
    places: tuple[int, ...]  # of the first number of each table


def write_hdf5(file: BinaryIO, tables: Sequence[Outline], pieces: Pieces) -> None:
    """Write a dataset for each table, with an attribute ``columns``.

    The types are those that every tool reads: numbers, and fixed-length ASCII strings. Names
    that are not plain ASCII are stored escaped, and the attribute ``columns_encoding`` says so.

    Parameters
    ----------
    file
        Empty. If it is a pipe, the content is put together in memory.
    tables
        Names, shapes and types.
    pieces
        The rows; those of different tables may be mixed.
    """
    if not file.seekable():
        memory = io.BytesIO()
        write_hdf5(memory, tables, pieces)
        file.write(memory.getbuffer())
        return
    # A file that may not become so large is refused here, before HDF5 meets the same bound.
    file.truncate(sum(_bytes(table) + _HEAD for table in tables))
    layout = _layout(tables)
    file.truncate(layout.size)
    for place, part in layout.parts:
        file.seek(place)
        file.write(part)
    for number, start, rows in pieces:
        values = np.ascontiguousarray(rows, tables[number].stored)
        file.seek(layout.places[number] + start * values.itemsize * values.shape[1])
        file.write(values.data)
    file.seek(0, io.SEEK_END)


def _layout(tables: Sequence[Outline]) -> _Layout:
    """Let HDF5 lay the file out in a sparse file in memory, where room costs nothing."""
    with os.fdopen(os.memfd_create("reservoir"), "w+b", buffering=0) as sparse:
        with h5py.File(sparse, "w", libver=("earliest", "v108")) as file:
            datasets = [_create(file, table) for table in tables]
            offsets = [dataset.id.get_offset() for dataset in datasets]
        size = sparse.seek(0, io.SEEK_END)
        parts, end = [], 0
        rooms = [
            (offset, offset + _bytes(table))
            for offset, table in zip(offsets, tables, strict=True)
            if offset is not None  # no rows, no place
        ]
        for begin, after in [*sorted(rooms), (size, size)]:
            sparse.seek(end)
            parts.append((end, sparse.read(begin - end)))
            end = after
    return _Layout(size, tuple(parts), tuple(offset or 0 for offset in offsets))


def _bytes(table: Outline) -> int:
    return table.shape[0] * table.shape[1] * table.stored.itemsize


def _create(file: Any, table: Outline) -> Any:
    """A contiguous dataset that has its place in the file and is not filled."""
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_layout(h5py.h5d.CONTIGUOUS)
    plan.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plan.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plan.set_obj_track_times(False)  # the same table gives the same bytes
    space = h5py.h5s.create_simple(table.shape)
    kind = h5py.h5t.py_create(table.stored)
    dataset = h5py.Dataset(h5py.h5d.create(file.id, table.name.encode(), kind, space, plan))
    plain = all(n.isascii() and n.isprintable() and n == n.strip() for n in table.columns)
    encoding = "ascii" if plain else "unicode_escape"
    names = np.array([name.encode(encoding) for name in table.columns])
    if names.nbytes > _LARGEST_ATTRIBUTE:
        if NAMES not in file:  # beside all tables, whose names are the same
            file.create_dataset(NAMES, data=names)
    else:
        dataset.attrs[NAMES] = names
    if not plain:
        dataset.attrs[ENCODING] = np.bytes_(encoding)
    if table.source:
        dataset.attrs[SOURCE] = np.bytes_(table.source.encode("ascii", "backslashreplace"))
    return dataset
