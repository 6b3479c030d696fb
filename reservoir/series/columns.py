"""Choosing columns: names, numbers counted from 0, and ranges."""

from __future__ import annotations

import csv
import difflib
import re
from collections.abc import Sequence

from reservoir.errors import ColumnError

_NUMBER = re.compile(r"[0-9]+")
_RANGE = re.compile(r"([0-9]*):([0-9]*)")
_LISTED = 12


def resolve_columns(spec: str, columns: Sequence[str]) -> tuple[int, ...]:
    """Find the columns that a text names.

    Parameters
    ----------
    spec : str
        Names, numbers counted from 0, and ranges ``"0:4"`` (the end excluded, either side may
        be left out), separated by commas. A name wins over a number or a range. A name with a
        comma or quotes in it is quoted as in CSV.
    columns : sequence of str
        The names there are.

    Returns
    -------
    tuple of int
        Positions in `columns`, in the order of `spec`.

    Raises
    ------
    ColumnError
        Nothing is chosen, a column does not exist, a name stands for several columns, or a
        column is chosen twice.
    """
    chosen: list[int] = []
    for item in _items(spec):
        for column in _resolve_item(item, columns):
            if column in chosen:
                raise ColumnError(f"column {_label(column, columns)} is chosen twice in {spec!r}")
            chosen.append(column)
    return tuple(chosen)


def check_positions(positions: Sequence[int], columns: Sequence[str]) -> tuple[int, ...]:
    """Check positions of columns as `resolve_columns` checks their names.

    Raises
    ------
    ColumnError
        There are none, one is outside the table, or one appears twice.
    """
    if not positions:
        raise ColumnError("no column is chosen")
    for position in positions:
        if not 0 <= position < len(columns):
            raise ColumnError(f"there is no column {position}; {_extent(columns)}")
    if len(set(positions)) < len(positions):
        raise ColumnError(f"a column is chosen twice in {tuple(positions)}")
    return tuple(positions)


def _items(spec: str) -> list[str]:
    try:
        rows = list(csv.reader([spec], skipinitialspace=True, strict=True))
    except csv.Error as error:
        raise ColumnError(f"cannot read the list of columns {spec!r}: {error}") from None
    items = [item.strip() for item in rows[0]] if rows else []
    if not items or not all(items):
        raise ColumnError(f"the list of columns {spec!r} has an empty entry")
    return items


def _resolve_item(item: str, columns: Sequence[str]) -> Sequence[int]:
    same = [position for position, name in enumerate(columns) if name == item]
    if len(same) > 1:
        places = ", ".join(map(str, same))
        raise ColumnError(
            f"{len(same)} columns have the name {item!r}: choose by number ({places})"
        )
    if same:
        return same
    if _NUMBER.fullmatch(item):
        if int(item) >= len(columns):
            raise ColumnError(f"there is no column {item}; {_extent(columns)}")
        return [int(item)]
    if match := _RANGE.fullmatch(item):
        start, stop = int(match[1] or 0), int(match[2] or len(columns))
        if stop > len(columns):
            raise ColumnError(f"there are no columns {item}; {_extent(columns)}")
        if start >= stop:
            raise ColumnError(f"the range {item} holds no column; {_extent(columns)}")
        return range(start, stop)
    raise ColumnError(f"there is no column {item!r}; {_nearest(item, columns)}")


def _nearest(item: str, columns: Sequence[str]) -> str:
    by_folded = {name.casefold(): name for name in columns}
    near = difflib.get_close_matches(item.casefold(), by_folded, n=3)
    if near:
        return "the nearest: " + ", ".join(repr(by_folded[name]) for name in near)
    return _extent(columns)


def _extent(columns: Sequence[str]) -> str:
    """The columns there are, in words."""
    count = len(columns)
    text = f"the columns are 0 to {count - 1}" if count > 1 else "the only column is 0"
    if all(name == str(position) for position, name in enumerate(columns)):
        return text
    names = ", ".join(repr(name) for name in columns[:_LISTED])
    return f"{text}: {names}{', ...' if count > _LISTED else ''}"


def _label(position: int, columns: Sequence[str]) -> str:
    name = columns[position]
    return name if name == str(position) else f"{name!r} (number {position})"
