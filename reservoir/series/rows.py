"""Rows of a table: an array in memory, or a view that reads the rows that are asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError


class Rows(Protocol):
    """What a table needs of its values: ``values[start:stop]`` is an array (rows, columns)."""

    @property
    def shape(self) -> tuple[int, ...]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    def __len__(self) -> int: ...

    def __getitem__(self, rows: slice, /) -> NDArray[Any]: ...


class Contents(NamedTuple):
    """What a reader finds: the rows, the names of the columns if there are any, and where."""

    values: Rows
    names: tuple[str, ...] | None
    source: str


class LazyRows:
    """Rows read when they are sliced, from an HDF5 dataset or a memory-mapped array.

    Parameters
    ----------
    base : h5py.Dataset or numpy.memmap
        One or two dimensions; one dimension is one column.
    source : str
        The name of the data in messages.
    columns : sequence of int, optional
        The columns to take, in this order; all by default.

    Notes
    -----
    Slices come in native byte order, booleans as 0 and 1 (see `number_dtype`). Only the span
    between the first and the last wanted column is read.
    """

    def __init__(self, base: Any, source: str, columns: Sequence[int] | None = None) -> None:
        width = 1 if len(base.shape) == 1 else int(base.shape[1])
        self._base = base
        self._source = source
        self._columns = tuple(range(width)) if columns is None else tuple(columns)
        self.dtype = number_dtype(base.dtype)
        self.shape = (int(base.shape[0]), len(self._columns))

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        if not isinstance(rows, slice):
            raise TypeError(f"rows are read by slices, not by {type(rows).__name__}")
        start, stop, step = rows.indices(len(self))
        if step < 1:
            raise ValueError(f"rows are read forward, not with step {step}")
        if stop <= start or not self._columns:
            return np.empty((len(range(start, stop, step)), self.shape[1]), self.dtype)
        return np.ascontiguousarray(self._read(slice(start, stop, step)), self.dtype)

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        if copy is False:
            raise ValueError("rows that are still in the file cannot be an array without a copy")
        return self[:].astype(self.dtype if dtype is None else dtype, copy=False)

    def take_columns(self, columns: Sequence[int]) -> LazyRows:
        """Return the same rows with some of the columns, still unread."""
        chosen = [self._columns[column] for column in columns]
        return LazyRows(self._base, self._source, chosen)

    def _read(self, rows: slice) -> NDArray[Any]:
        low, high = min(self._columns), max(self._columns) + 1
        try:
            if len(self._base.shape) == 1:
                return np.asarray(self._base[rows])[:, np.newaxis]
            block = np.asarray(self._base[rows, low:high])
        except (OSError, RuntimeError) as error:
            where = f"{self._source}: rows {rows.start} to {rows.stop - 1}"
            raise DataError(f"{where} cannot be read: {error}") from error
        wanted = [column - low for column in self._columns]
        return block if wanted == list(range(high - low)) else block[:, wanted]


class PartlyText:
    """Rows of which some columns are text: to be read only after a selection without them.

    Parameters
    ----------
    values : (T, C) array
        The numbers; the content of the text columns is not defined.
    text : mapping of int to str
        The message for every column of text.
    """

    def __init__(self, values: NDArray[np.float64], text: Mapping[int, str]) -> None:
        self._values = values
        self._text = text
        self.dtype: np.dtype[Any] = values.dtype
        self.shape: tuple[int, ...] = values.shape

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, rows: slice, /) -> NDArray[Any]:
        raise DataError(self._text[min(self._text)])

    def __array__(
        self, dtype: np.dtype[Any] | None = None, copy: bool | None = None
    ) -> NDArray[Any]:
        return self[:]

    def take_columns(self, columns: Sequence[int]) -> NDArray[Any]:
        """Return the columns as an array; a column of text is a `DataError`."""
        for column in columns:
            if column in self._text:
                raise DataError(self._text[column])
        return self._values[:, list(columns)]


def take_columns(values: Rows, columns: Sequence[int], source: str) -> Rows:
    """Choose columns of rows; what is not in memory stays where it is."""
    if isinstance(values, LazyRows | PartlyText):
        return values.take_columns(columns)
    first, last = columns[0], columns[-1]
    array: NDArray[Any] = np.asanyarray(values)
    if tuple(columns) == tuple(range(first, last + 1)):
        return array[:, first : last + 1]
    if isinstance(array, np.memmap):
        return LazyRows(array, source, columns)
    return array[:, list(columns)]


def check_numbers(source: str, dtype: np.dtype[Any], shape: tuple[int, ...]) -> None:
    """Refuse what is not a table of real numbers with at least one row and one column.

    Raises
    ------
    DataError
        The dtype is no real number or boolean type, or the shape is none of a table.
    """
    if dtype.kind not in "biuf":
        hint = ""
        if dtype.kind == "c":
            hint = "; store the real and the imaginary parts as columns of their own"
        elif dtype.kind == "O":
            hint = "; pickled objects are never read"
        name = str(dtype) if len(str(dtype)) < 80 else f"{str(dtype)[:77]}..."
        raise DataError(f"{source}: the dtype is {name}, expected real numbers{hint}")
    if len(shape) not in (1, 2):
        raise DataError(
            f"{source}: the array has {len(shape)} dimensions (shape {shape}), "
            "expected 1 (steps) or 2 (steps, columns)"
        )
    if math.prod(shape) == 0:
        what = "rows" if shape[0] == 0 else "columns"
        raise DataError(f"{source}: the array has no {what} (shape {shape})")


def number_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Native dtype in which numbers are handed out: booleans as uint8, extended as float64."""
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype.kind == "f" and dtype.itemsize > 8:
        return np.dtype(np.float64)
    return dtype.newbyteorder("=")
