"""Tables of files as the series that the models take: still in the file until they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.series.collection import Collection
from reservoir.series.table import Table, open_table


@contextmanager
def opened(paths: Sequence[str]) -> Iterator[list[Table]]:
    """Open the tables of some files; ``-`` is CSV from standard input.

    Raises
    ------
    DataError
        A file is missing, cannot be read, or holds no table.
    """
    if list(paths).count("-") > 1:
        raise DataError("- is given more than once, and standard input is read once")
    with ExitStack() as stack:
        yield [_open(stack, path) for path in paths]


def _open(stack: ExitStack, path: str) -> Table:
    try:
        return stack.enter_context(open_table(path))
    except OSError as error:
        raise DataError(f"{error.filename or path}: {error.strerror or error}") from error


@dataclass(frozen=True)
class Told:
    """Who is told how many rows are read: each row counts as often as there are passes.

    Rows that warm up a chunk, or are run again, are read more often.
    """

    times: NDArray[np.uint8]  # (T,)
    passes: int
    advance: Callable[[int], object]

    def read(self, begin: int, end: int) -> None:
        new = self.times[begin:end] < self.passes
        self.times[begin:end] += new
        self.advance(int(new.sum()))


@dataclass(frozen=True)
class Span:
    """Rows ``start:stop`` of a table as a series; ``told`` counts those that are read."""

    table: Table
    start: int
    stop: int
    told: Told | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.stop - self.start, len(self.table.columns)

    def __getitem__(self, rows: slice, /) -> NDArray[np.generic]:
        begin, end, _ = rows.indices(self.shape[0])
        if self.told is not None:
            self.told.read(begin, max(begin, end))
        rows = slice(self.start + begin, self.start + max(begin, end))
        # One layout in memory, whatever the file's: sums over rows have the same bits then.
        return np.ascontiguousarray(self.table.values[rows])


@dataclass(frozen=True)
class Spans(Collection):
    """Series whose messages name the file, its row and its column."""

    series: tuple[Span, ...]

    def place(self, index: int, step: int, column: int) -> str:
        span = self.series[index]
        table = span.table
        name = repr(table.columns[column]) if table.named else table.columns[column]
        return f"{table.source}, row {span.start + step}, column {name}"

    def telling(self, advance: Callable[[int], object], passes: int) -> Spans:
        """The same series, which tell ``advance`` how many rows are read, ``passes`` times each."""
        told = [Told(np.zeros(s.shape[0], np.uint8), passes, advance) for s in self.series]
        series = zip(self.series, told, strict=True)
        return replace(self, series=tuple(replace(s, told=t) for s, t in series))


def spans(tables: Sequence[Table], name: str, start: int = 0, stop: int | None = None) -> Spans:
    """All rows of some tables, or ``start:stop`` of each.

    Parameters
    ----------
    name
        What messages call the whole of it.
    """
    series = tuple(
        Span(table, min(start, len(table.values)), len(table.values) if stop is None else stop)
        for table in tables
    )
    return Spans(series, name, "one" if len(series) == 1 else "list")
