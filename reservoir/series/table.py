"""Tables of numbers in files: one row a time step, one column a variable."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from reservoir.errors import ColumnError
from reservoir.series.columns import check_positions, resolve_columns
from reservoir.series.formats import locate
from reservoir.series.rows import Contents, Rows, take_columns


@dataclass(frozen=True, eq=False)
class Table:
    """A table of numbers.

    Attributes
    ----------
    values : Rows
        Shape (T, C), read by slices of rows, ``values[start:stop]``: an array, or a view into
        a file that reads what is sliced. Real numbers of any native dtype; NaN where a cell of
        a text file is empty.
    columns : tuple of str
        A name for every column; "0", "1", ... if the source has none.
    named : bool
        Whether the names come from the source.
    source : str
        The origin, for messages.
    """

    values: Rows
    columns: tuple[str, ...]
    named: bool
    source: str

    def __post_init__(self) -> None:
        if len(self.values.shape) != 2 or self.values.shape[1] != len(self.columns):
            raise ValueError(
                f"values of shape {self.values.shape} do not fit {len(self.columns)} columns"
            )

    def select(self, columns: str | Sequence[int]) -> Table:
        """Choose columns, in the given order; rows that are still in a file stay there.

        Parameters
        ----------
        columns : str or sequence of int
            A list as `resolve_columns` takes it, or positions.

        Raises
        ------
        ColumnError
            A column does not exist, is ambiguous, or is chosen twice.
        DataError
            A column holds text.
        """
        try:
            if isinstance(columns, str):
                chosen = resolve_columns(columns, self.columns)
            else:
                chosen = check_positions(columns, self.columns)
        except ColumnError as error:
            raise ColumnError(f"{self.source}: {error}") from None
        names = tuple(self.columns[position] for position in chosen)
        return replace(self, values=take_columns(self.values, chosen, self.source), columns=names)


@contextmanager
def open_table(path: str | os.PathLike[str]) -> Iterator[Table]:
    """Open a table for reading.

    Parameters
    ----------
    path : str or path
        By suffix: text ``.csv .tsv .txt``, also with ``.gz``; ``.npy`` (memory-mapped);
        ``.npz`` and ``file.npz:name``; ``.h5 .hdf5 .hdf`` and ``file.h5:/path/to/dataset``
        (read as it is sliced, until the block ends); ``-`` for CSV from standard input. The
        name inside a file may be left out where there is one table in it.

    Yields
    ------
    Table
        One-dimensional data are one column, booleans are 0 and 1. A text file in which a whole
        column is text opens, and `Table.select` can leave that column out; reading its values
        without that is a `DataError` that names the cell.

    Raises
    ------
    DataError
        An unknown suffix, a damaged file, text among the numbers, no rows, or an array that is
        no table of real numbers. The message names the file and the place in it.
    OSError
        The file does not exist or cannot be read.
    """
    place = locate(path)
    if place.format == "hdf5":
        from reservoir.series.hdf5_file import open_hdf5

        with open_hdf5(place.path, place.key) as contents:
            yield _table(contents)
    elif place.format == "csv":
        from reservoir.series.csv_file import read_csv

        yield _table(read_csv(place.path, place.source))
    else:
        from reservoir.series.npy_file import read_npy, read_npz

        if place.format == "npy":
            yield _table(read_npy(place.path))
        else:
            yield _table(read_npz(place.path, place.key))


def _table(contents: Contents) -> Table:
    if contents.names is None:
        numbers = tuple(map(str, range(contents.values.shape[1])))
        return Table(contents.values, numbers, False, contents.source)
    return Table(contents.values, contents.names, True, contents.source)
