"""Reading text tables: NumPy's C parser, and where it fails a slow scan that names the place."""

from __future__ import annotations

import csv
import gzip
import io
import itertools
import sys
import zlib
from array import array
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO, NoReturn, TextIO

import numpy as np
from numpy.typing import NDArray

from reservoir.errors import DataError
from reservoir.series.csv_layout import Layout, quote, read_layout, read_number, split_cells
from reservoir.series.formats import STANDARD_STREAM, is_stream
from reservoir.series.rows import Contents, PartlyText


def read_csv(path: str, source: str) -> Contents:
    """Read a text table into memory.

    Delimiters are ``, ; tab`` or blanks, found from the first lines; numbers have a decimal
    point; empty cells are NaN; empty lines are skipped. Columns whose first cell is text are
    kept unread (`PartlyText`).

    Parameters
    ----------
    path : str
        A file, compressed if its name ends with ``.gz``; a pipe; or ``-``.
    source : str
        Its name in messages.

    Returns
    -------
    Contents
        Values of shape (T, C) in float64.

    Raises
    ------
    DataError
        The file is empty, not UTF-8, damaged, or holds a row of another length or a cell that
        is no number: the message has the line.
    """
    text = _Text(path)
    try:
        with text.open() as file:
            layout = read_layout(file, source)
        texts = {c for c, cell in enumerate(layout.first) if read_number(cell) is None}
        with text.open() as file:
            values = _parse_fast(_after(file, layout.skip), layout, texts)
        if values is None:
            with text.open() as file:
                values = _parse_exactly(_after(file, layout.skip), layout, texts, source)
    except UnicodeDecodeError:
        _raise_encoding(text, source)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(f"{source}: the gzip data are damaged: {error}") from None
    if not texts:
        return Contents(values, layout.names, source)
    messages = {column: _text_column(layout, column, source) for column in texts}
    return Contents(PartlyText(values, messages), layout.names, source)


class _Text:
    """A text that can be opened more than once: a file, or all that a pipe delivered."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._compressed = path.lower().endswith(".gz")
        self._held: bytes | None = None
        if path == STANDARD_STREAM:
            self._held = sys.stdin.buffer.read()
        elif is_stream(path):
            with open(path, "rb") as file:
                self._held = file.read()

    def open_bytes(self) -> BinaryIO:
        """Open the decompressed bytes."""
        if self._held is None:
            if self._compressed:
                return gzip.open(self._path, "rb")  # type: ignore[return-value]
            return open(self._path, "rb")
        held = gzip.decompress(self._held) if self._compressed else self._held
        return io.BytesIO(held)

    def open(self) -> TextIO:
        """Open the text, a byte order mark dropped and line ends as they are."""
        return io.TextIOWrapper(self.open_bytes(), encoding="utf-8-sig", newline="")


def _after(file: TextIO, skip: int) -> Iterator[str]:
    return itertools.islice(file, skip, None)


def _parse_fast(
    lines: Iterable[str], layout: Layout, texts: set[int]
) -> NDArray[np.float64] | None:
    """Parse in C; None if something is no number, empty, or of another length."""
    # A structured row of numbers and one-letter strings makes the parser skip columns of text
    # and still count the cells.
    fields = [(f"f{c}", "U1" if c in texts else "f8") for c in range(layout.width)]
    dtype: np.dtype[Any] = np.dtype(fields) if texts else np.dtype(np.float64)
    try:
        parsed: NDArray[Any] = np.loadtxt(
            lines,
            dtype=dtype,
            delimiter=layout.delimiter,
            comments=None,
            quotechar='"',
            ndmin=1 if texts else 2,
        )
    except ValueError:
        return None
    if not texts:
        return parsed if parsed.shape[1] == layout.width else None
    values = np.full((len(parsed), layout.width), np.nan)
    for column in set(range(layout.width)) - texts:
        values[:, column] = parsed[f"f{column}"]
    return values


def _parse_exactly(
    lines: Iterable[str], layout: Layout, texts: set[int], source: str
) -> NDArray[np.float64]:
    """Parse cell by cell; empty cells are NaN, anything else raises the error with its place."""
    values = array("d")
    width = layout.width
    for row, (number, cells) in enumerate(_split_rows(lines, layout, source)):
        if len(cells) != width:
            expected = "the first row" if layout.names is None else "the header"
            raise DataError(
                f"{source}, line {number}: found {len(cells)} cells, "
                f"expected {width} as in {expected}"
            )
        for column, cell in enumerate(cells):
            value = float("nan") if column in texts else read_number(cell)
            if value is None:
                raise DataError(
                    f"{source}, line {number}: row {row}, {layout.label(column)}: {quote(cell)}"
                )
            values.append(value)
    return np.frombuffer(values, dtype=np.float64).reshape(-1, width)


def _split_rows(
    lines: Iterable[str], layout: Layout, source: str
) -> Iterator[tuple[int, list[str]]]:
    """Yield the line number and the cells of every row that is not empty."""
    if layout.delimiter is None:
        for number, line in enumerate(lines, start=layout.skip + 1):
            if cells := [cell.text for cell in split_cells(line, None)]:
                yield number, cells
        return
    rows = csv.reader(lines, delimiter=layout.delimiter, skipinitialspace=True)
    while True:
        number = layout.skip + rows.line_num + 1
        try:
            cells = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(f"{source}, line {number}: {error}") from None
        blank = layout.width > 1 and len(cells) == 1 and not cells[0].strip()
        if cells and not blank:
            yield number, cells


def _text_column(layout: Layout, column: int, source: str) -> str:
    place = f"{source}, line {layout.skip + 1}: row 0, {layout.label(column)}"
    return f"{place}: {quote(layout.first[column])}; choose the columns that hold numbers"


def _raise_encoding(text: _Text, source: str) -> NoReturn:
    """Raise the error for a text that is not UTF-8, with the line."""
    with text.open_bytes() as file:
        for number, line in enumerate(file, start=1):
            if number == 1 and line.startswith((b"\xff\xfe", b"\xfe\xff")):
                raise DataError(f"{source}: the text is UTF-16; save it as UTF-8")
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                raise DataError(
                    f"{source}, line {number}: the byte 0x{byte:02x} is not UTF-8; "
                    "the file has another encoding or is no text"
                ) from None
    raise DataError(f"{source}: the text is not UTF-8")
