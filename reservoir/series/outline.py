"""A table that is to be written, before any of its rows are there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.series.rows import number_dtype

Pieces = Iterable[tuple[int, int, NDArray[Any]]]  # number of the table, first row, rows


@dataclass(frozen=True)
class Outline:
    """Size and type of a table.

    Attributes
    ----------
    shape : (int, int)
        Rows and columns.
    dtype : numpy.dtype
        Of its numbers.
    columns : tuple of str
        Names of the columns.
    name : str
        The dataset in an HDF5 file.
    source : str
        Where the rows come from, kept as an attribute of the dataset; "" for nothing.

    Raises
    ------
    ValueError
        The names are not as many as the columns, or there are none.
    DataError
        The dtype is none of real numbers.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    columns: tuple[str, ...]
    name: str = "values"
    source: str = ""

    def __post_init__(self) -> None:
        if len(self.shape) != 2 or self.shape[1] != len(self.columns) or not self.columns:
            raise ValueError(f"values of shape {self.shape} do not fit {len(self.columns)} columns")
        if self.dtype.kind not in "biuf":
            raise DataError(f"values of dtype {self.dtype} cannot be written, only real numbers")

    @property
    def stored(self) -> np.dtype[Any]:
        """The type in a file: HDF5 files with float16 cannot be opened everywhere."""
        dtype = number_dtype(self.dtype)
        return np.dtype(np.float32) if dtype == np.float16 else dtype


def checked(tables: Sequence[Outline], pieces: Pieces) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Pass pieces on, and see that they fill the tables, each from its first row to its last.

    Raises
    ------
    ValueError
        A piece is out of order or does not fit, or rows are missing in the end.
    """
    done = [0] * len(tables)
    for number, start, rows in pieces:
        stop = start + len(rows)
        width = tables[number].shape[1]
        if start != done[number] or stop > tables[number].shape[0] or rows.shape[1:] != (width,):
            raise ValueError(
                f"rows of shape {rows.shape} from row {start} do not go on with table {number}, "
                f"of which {done[number]} of {tables[number].shape} are written"
            )
        done[number] = stop
        if len(rows):
            yield number, start, rows
    if done != [table.shape[0] for table in tables]:
        raise ValueError(f"the tables have only {done} rows")
