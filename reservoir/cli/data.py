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
    with ExitStack() as stack:
        yield [_open(stack, path) for path in paths]


def _open(stack: ExitStack, path: str) -> Table:
    try:
        return stack.enter_context(open_table(path))
    except OSError as error:
        raise DataError(f"{error.filename or path}: {error.strerror or error}") from error


@dataclass(frozen=True)
class Span:
    """Rows ``start:stop`` of a table as a series; ``advance`` is told how many are read."""

    table: Table
    start: int
    stop: int
    advance: Callable[[int], object] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        return self.stop - self.start, len(self.table.columns)

    def __getitem__(self, rows: slice, /) -> NDArray[np.generic]:
        begin, end, _ = rows.indices(self.shape[0])
        if self.advance is not None:
            self.advance(max(0, end - begin))
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

    def telling(self, advance: Callable[[int], object]) -> Spans:
        """The same series, which tell ``advance`` how many rows are read."""
        return replace(self, series=tuple(replace(s, advance=advance) for s in self.series))


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
