"""The layout of a text table: delimiter, header and first row, found from its first lines."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reservoir.errors import DataError

_DELIMITERS = ("\t", ";", ",")
_BLANKS = re.compile(r'"((?:[^"]|"")*)"(?!\S)|(\S+)')
# Texts by which files mark a value that is missing: no names, though no numbers either.
_MISSING = frozenset({"na", "n/a", "#n/a", "null", "none", "nil", "missing", "-", "--", "?"})
_LONGEST_HEADER = 100  # lines: quoted names may hold line breaks


@dataclass(frozen=True)
class Layout:
    """Layout of a text table.

    Attributes
    ----------
    delimiter : str or None
        None stands for runs of blanks.
    names : tuple of str or None
        The header; a column without a name has its number instead.
    first : tuple of str
        The cells of the first row of data.
    skip : int
        The number of lines before that row.
    """

    delimiter: str | None
    names: tuple[str, ...] | None
    first: tuple[str, ...]
    skip: int

    @property
    def width(self) -> int:
        """The number of columns."""
        return len(self.first)

    def label(self, column: int) -> str:
        """Name of a column for messages."""
        return f"column {column}" if self.names is None else f"column {self.names[column]!r}"


@dataclass(frozen=True)
class _Cell:
    text: str
    quoted: bool


@dataclass(frozen=True)
class _Line:
    """A line of the table: line breaks inside quotes belong to it."""

    text: str
    number: int  # of its first physical line, from 1


def read_number(cell: str) -> float | None:
    """Value of a cell as the C parser of NumPy reads it; NaN if it is empty, None if text."""
    cell = cell.strip()
    if not cell:
        return float("nan")
    if not cell.isascii() or "_" in cell:
        return None
    try:
        return float(cell)
    except ValueError:
        return None


def read_layout(file: Iterable[str], source: str) -> Layout:
    """Read the first lines of a text table.

    Empty lines, and lines that begin with ``#``, are skipped before the first row of data. The
    first other line is a header if one of its cells is not a number. A quoted number is a name
    as well, if the row below is not quoted.

    Raises
    ------
    DataError
        There is no row of data, its length is not that of the header, every cell in it is
        text, or the first line may be a header as well as a row.
    """
    lines = _content(file)
    first, second = next(lines, None), next(lines, None)
    if first is None:
        raise DataError(f"{source}: the file is empty")
    delimiter = _sniff(first.text, second.text if second else None)
    head = split_cells(first.text, delimiter)
    body = split_cells(second.text, delimiter) if second else None
    if not _is_header(head, body):
        return _checked(Layout(delimiter, None, _texts(head), first.number - 1), source)
    if second is None or body is None:
        raise DataError(f"{source}: there is a header (line {first.number}) and no row below it")
    if len(body) != len(head):
        raise DataError(
            f"{source}, line {second.number}: found {len(body)} cells, "
            f"expected {len(head)} as in the header (line {first.number})"
        )
    if _may_be_row(head, body):
        raise DataError(
            f"{source}, line {first.number}: this may be a header or a row of data; put names "
            'that are numbers in quotes ("1"), or a header above a row of data'
        )
    layout = Layout(delimiter, _names(head), _texts(body), second.number - 1)
    return _checked(layout, source)


def split_cells(line: str, delimiter: str | None) -> list[_Cell]:
    """Split a line, quotes removed; quotes inside a cell are literal, as in the csv module."""
    if delimiter is None:
        found = _BLANKS.finditer(line)
        return [_cell(match[1], match[2]) for match in found]
    pattern = re.compile(rf'[ ]*"((?:[^"]|"")*)"[ ]*(?={delimiter}|\Z)|([^{delimiter}]*)')
    cells: list[_Cell] = []
    position = 0
    while position <= len(line):
        match = pattern.match(line, position)
        assert match is not None  # the second alternative matches anything
        cells.append(_cell(match[1], match[2]))
        position = match.end() + 1
    return cells


def _cell(quoted: str | None, plain: str | None) -> _Cell:
    if quoted is not None:
        return _Cell(quoted.replace('""', '"').strip(), True)
    return _Cell((plain or "").strip(), False)


def _texts(cells: list[_Cell]) -> tuple[str, ...]:
    return tuple(cell.text for cell in cells)


def _content(file: Iterable[str]) -> Iterator[_Line]:
    """Yield lines with content; a line break inside quotes does not end a line."""
    lines = enumerate(file, start=1)
    for number, line in lines:
        if not line.strip(" \r\n") or line.startswith("#"):
            continue
        parts = [(number, line)]
        while _open_quote(parts) and len(parts) < _LONGEST_HEADER:
            following = next(lines, None)
            if following is None:
                break
            parts.append(following)
        if _open_quote(parts):  # a lone quote: each of the lines stands for itself
            for place, text in parts:
                if text.strip(" \r\n"):
                    yield _Line(text.rstrip("\r\n"), place)
        else:
            yield _Line("".join(text for _, text in parts).rstrip("\r\n"), number)


def _open_quote(parts: list[tuple[int, str]]) -> bool:
    return sum(text.count('"') for _, text in parts) % 2 == 1


def _sniff(first: str, second: str | None) -> str | None:
    """Choose the delimiter: one that splits both lines alike, or else splits the second."""
    candidates = (*_DELIMITERS, None)
    counts = {d: len(split_cells(first, d)) for d in candidates}
    if second is None:
        return next((d for d in candidates if counts[d] > 1), ",")
    below = {d: len(split_cells(second, d)) for d in candidates}
    for delimiter in candidates:
        if counts[delimiter] == below[delimiter] > 1:
            return delimiter
    return next((d for d in candidates if below[d] > 1), ",")


def _is_header(head: list[_Cell], body: list[_Cell] | None) -> bool:
    text = [cell.text for cell in head if read_number(cell.text) is None]
    if not text:
        return all(_is_name(head, body, column) for column in range(len(head)))
    return len(text) == len(head) or any(cell.casefold() not in _MISSING for cell in text)


def _is_name(head: list[_Cell], body: list[_Cell] | None, column: int) -> bool:
    """Whether a cell above the data is a name: a text, or a quoted number above unquoted ones."""
    if read_number(head[column].text) is None:
        return True
    below_quoted = body is not None and column < len(body) and body[column].quoted
    return head[column].quoted and not below_quoted


def _may_be_row(head: list[_Cell], body: list[_Cell]) -> bool:
    """Whether head and body alike have text in some columns, and numbers in the others."""
    above = [_is_name(head, body, column) for column in range(len(head))]
    below = [read_number(cell.text) is None for cell in body]
    return above == below and not all(above)


def _names(head: list[_Cell]) -> tuple[str, ...]:
    texts = _texts(head)
    numbers = [str(column) for column in range(len(head))]
    pairs = zip(texts, numbers, strict=True)
    return tuple(text or ("" if number in texts else number) for text, number in pairs)


def _checked(layout: Layout, source: str) -> Layout:
    if all(read_number(cell) is None for cell in layout.first):
        cell = layout.first[0]
        raise DataError(
            f"{source}, line {layout.skip + 1}: row 0, {layout.label(0)}: {quote(cell)}"
        )
    return layout


def quote(cell: str) -> str:
    """Say of a cell that it is no number, with the likely reason."""
    shown = cell if len(cell) <= 40 else f"{cell[:37]}..."
    text = f"{shown!r} is not a number"
    if re.fullmatch(r"\s*[+-]?\d+,\d+\s*", cell):
        return f"{text} (decimals need a point, not a comma)"
    if cell.strip().casefold() in _MISSING:
        return f"{text} (a missing value is an empty cell or NaN)"
    return text
