"""Writing tables: CSV, NPY, NPZ and HDF5, each whole or not at all."""

from __future__ import annotations

import csv
import gzip
import io
import os
import sys
import zipfile
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from reservoir.series.atomic import check_creatable, write_atomically
from reservoir.series.csv_layout import read_number
from reservoir.series.formats import STANDARD_STREAM, output_format
from reservoir.series.npy_file import NAMES_KEY
from reservoir.series.outline import Outline, Pieces, checked
from reservoir.series.rows import Rows, number_dtype

Steps = range | NDArray[np.integer[Any]]

_BLOCK_CELLS = 1 << 14  # handed on at a time


def check_output(path: str | os.PathLike[str]) -> None:
    """Refuse an output path before any work is done; create nothing.

    Raises
    ------
    DataError
        The suffix tells no known format.
    CreateError
        The directory is missing or not writable, or the target is a directory or write-protected.
    """
    output_format(path)
    if os.fspath(path) != STANDARD_STREAM:
        check_creatable(path)


def write_table(
    path: str | os.PathLike[str],
    values: Rows,
    columns: Sequence[str],
    *,
    index: tuple[str, Steps] | None = None,
) -> None:
    """Write a table, so that `open_table` reads the same numbers and names back.

    Parameters
    ----------
    path : str or path
        By suffix: text ``.csv .tsv .txt``, also with ``.gz``; ``.npy`` (numbers alone, no
        names); ``.npz`` (arrays ``values`` and ``columns``); ``.h5 .hdf5 .hdf`` (dataset
        ``/values`` with an attribute ``columns``); ``-`` for CSV to standard output.
    values : (T, C) rows
        Real numbers. Text has the shortest digits that give the same number of this dtype;
        booleans become 0 and 1.
    columns : sequence of str
        Names of the columns.
    index : (str, (T,) integers), optional
        Name and values of a first column that counts, such as the step. In binary formats it
        is a first column of the array, which then is float64.

    Raises
    ------
    DataError
        The suffix tells no known format, or the values are no real numbers.
    CreateError
        The directory is missing or not writable, or the target is a directory or write-protected.
    OSError
        The write failed; a file that was there is unharmed. A closed pipe is `BrokenPipeError`.
    """
    outline = Outline(values.shape, values.dtype, tuple(columns))
    write_pieces(path, [outline], _slices(values), index=index)


def write_pieces(
    path: str | os.PathLike[str],
    tables: Sequence[Outline],
    pieces: Pieces,
    *,
    index: tuple[str, Steps] | None = None,
) -> None:
    """Write tables of which the rows come one piece after the other; none are kept.

    Parameters
    ----------
    path
        As `write_table` takes it. Only HDF5 holds more than one table.
    tables
        What will be written.
    pieces : iterable of (int, int, (n, C) array)
        Number of the table, first row, and rows; those of one table in their order.
    index
        As in `write_table`; only for a single table.

    Raises
    ------
    ValueError
        The pieces do not fill the tables in order, or several tables do not fit the format.
    DataError, CreateError, OSError
        As `write_table`. The old file is unharmed by any error, also one from `pieces`.
    """
    format = output_format(path)
    name = os.fspath(path)
    pieces = checked(tables, pieces)
    if format == "hdf5" and index is None:
        _write_hdf5(name, tables, pieces)
        return
    if len(tables) != 1:
        raise ValueError(f"{name}: {len(tables)} tables need a format with names, HDF5")
    table = _Output(tables[0], pieces, index)
    if name == STANDARD_STREAM:
        sys.stdout.flush()
        _write_csv(sys.stdout.buffer, table, ",")
        sys.stdout.buffer.flush()
    elif format == "csv":
        write_atomically(name, _csv_writer(name, table))
    elif format == "npy":
        write_atomically(name, lambda file: _write_npy(file, table))
    elif format == "npz":
        write_atomically(name, lambda file: _write_npz(file, table))
    else:
        _write_hdf5(name, [Outline(table.shape, table.dtype, table.columns)], table.places())


def _write_hdf5(name: str, tables: Sequence[Outline], pieces: Pieces) -> None:
    from reservoir.series.hdf5_output import write_hdf5

    write_atomically(name, lambda file: write_hdf5(file, tables, pieces))


def _slices(values: Rows) -> Iterator[tuple[int, int, NDArray[Any]]]:
    height = max(1, _BLOCK_CELLS // values.shape[1])
    for start in range(0, values.shape[0], height):
        yield 0, start, values[start : start + height]


class _Output:
    """A table on its way into a file, handed out in blocks of rows, counted if asked for."""

    def __init__(self, outline: Outline, pieces: Pieces, index: tuple[str, Steps] | None) -> None:
        self._pieces = pieces
        self._steps: Steps | None = None
        self._dtype = number_dtype(outline.dtype)
        self.columns = outline.columns
        self.dtype = outline.stored
        if index is not None:
            name, steps = index
            self._steps = steps if isinstance(steps, range) else np.asarray(steps)
            integers = isinstance(self._steps, range) or self._steps.dtype.kind in "iu"
            if len(self._steps) != outline.shape[0] or not integers:
                raise ValueError(f"the index must be {outline.shape[0]} integers")
            self.columns = (name, *self.columns)
            self.dtype = np.dtype(np.float64)
        self.shape = (outline.shape[0], len(self.columns))

    def places(self) -> Iterator[tuple[int, int, NDArray[Any]]]:
        """Yield 0, first row, and rows (n, columns) of one dtype, in C order."""
        for _, start, block in self._pieces:
            if self._steps is not None:
                block = np.column_stack([self._steps[start : start + len(block)], block])
            yield 0, start, np.ascontiguousarray(block, self.dtype)

    def blocks(self) -> Iterator[NDArray[Any]]:
        """Yield the rows alone."""
        for _, _, block in self.places():
            yield block

    def lines(self) -> Iterator[list[list[str]]]:
        """Yield the table in lists of rows, each cell a text."""
        for _, start, block in self._pieces:
            cells = _texts(np.asarray(block, self._dtype))
            if self._steps is not None:
                steps = self._steps[start : start + len(block)]
                cells = [[str(step), *row] for step, row in zip(steps, cells, strict=True)]
            yield cells


def _texts(block: NDArray[Any]) -> list[list[str]]:
    """Shortest texts that read back as the same numbers of this dtype."""
    if block.dtype.kind == "f" and block.dtype != np.float64:
        short: list[list[str]] = block.astype("U32").tolist()  # digits of float32, not of float64
        return short
    return [list(map(repr, row)) for row in block.tolist()]


def _csv_writer(name: str, table: _Output) -> Callable[[BinaryIO], None]:
    lower = name.lower()
    delimiter = "\t" if lower.removesuffix(".gz").endswith(".tsv") else ","
    if not lower.endswith(".gz"):
        return lambda file: _write_csv(file, table, delimiter)

    def compress(file: BinaryIO) -> None:
        # No name and no time in the stream: the same table gives the same bytes.
        with gzip.GzipFile("", "wb", compresslevel=6, fileobj=file, mtime=0) as stream:
            _write_csv(stream, table, delimiter)  # type: ignore[arg-type]

    return compress


def _write_csv(file: BinaryIO, table: _Output, delimiter: str) -> None:
    file.write(_header(table.columns, delimiter).encode("utf-8", "backslashreplace"))
    for rows in table.lines():
        text = "\n".join([delimiter.join(row) for row in rows])
        file.write(f"{text}\n".encode("ascii"))


def _header(columns: tuple[str, ...], delimiter: str) -> str:
    """Names as a line of CSV, all quoted if they could be taken for something else otherwise."""
    text = io.StringIO()
    unclear = (
        all(read_number(name) is not None for name in columns)
        or columns[0].startswith(("#", "\ufeff"))
        or any(character in name for name in columns for character in "\r,;\t")
    )
    quoting: Any = csv.QUOTE_ALL if unclear else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=delimiter, lineterminator="\n", quoting=quoting).writerow(columns)
    return text.getvalue()


def _write_npy(file: BinaryIO, table: _Output) -> None:
    descr = npy.dtype_to_descr(table.dtype)
    header = {"descr": descr, "fortran_order": False, "shape": table.shape}
    npy.write_array_header_1_0(file, header)
    for block in table.blocks():
        file.write(block.data)


def _write_npz(file: BinaryIO, table: _Output) -> None:
    names = np.array(table.columns, dtype=np.str_)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        # The date of ZipInfo is fixed: the same table gives the same bytes.
        with archive.open(zipfile.ZipInfo("values.npy"), "w", force_zip64=True) as member:
            _write_npy(member, table)  # type: ignore[arg-type]
        with archive.open(zipfile.ZipInfo(f"{NAMES_KEY}.npy"), "w") as member:
            npy.write_array(member, names, allow_pickle=False)
