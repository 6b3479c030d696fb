"""The steps of a run as a table of columns, in memory and as a group that other tools can draw."""

from __future__ import annotations

import numbers
from array import array
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reservoir.checkpoint import tree
from reservoir.checkpoint.header import Header
from reservoir.checkpoint.layout import FLOAT, INT, Entry, Layout
from reservoir.checkpoint.tree import Described, Group, Node
from reservoir.checkpoint.writing import DIMENSIONS
from reservoir.errors import CheckpointError, DataError

NAME = "history"
KIND, VERSION = "history", "1.0"
STEP = "step"  # the column that labels the others
SIGNAL = "value"  # what viewers draw, if there is such a column
ORDER = "columns"  # attribute: the names in their order

_WHOLE, _REAL = "q", "d"  # codes of `array`: 64-bit integers, 64-bit floats


class History:
    """A table with a row for each step and named columns of integers or floats.

    The first row decides which columns there are and which of them are integers (booleans count
    as such). Column ``step`` rises from row to row.

    Parameters
    ----------
    columns : mapping of str to (n,) array_like, optional
        The rows that there are; none by default.

    Raises
    ------
    DataError
        The columns are not one-dimensional, of one length, of integers and floats; there is no
        column ``step``, or it does not rise.
    """

    def __init__(self, columns: Mapping[str, ArrayLike] | None = None) -> None:
        self._columns: dict[str, array[Any]] = {}
        for name, given in (columns or {}).items():
            values = np.asarray(given)
            whole = np.can_cast(values.dtype, np.int64)
            if values.ndim != 1 or not (whole or np.can_cast(values.dtype, np.float64)):
                raise DataError(f"column {name!r} of a history is no vector of numbers")
            self._columns[name] = _column(name, whole)
            self._columns[name].frombytes(
                values.astype(np.int64 if whole else np.float64).tobytes()
            )
        if len({len(column) for column in self._columns.values()}) > 1:
            raise DataError("the columns of a history must be of one length")
        if not any(self._columns.values()):
            self._columns = {}
        if self._columns:
            _check_step(self._columns)
            falls = np.flatnonzero(np.diff(self[STEP]) <= 0)
            if falls.size:
                raise DataError(f"the steps of a history must rise; not so in row {falls[0] + 1}")

    def __len__(self) -> int:
        """Number of rows."""
        return len(self._columns.get(STEP, ()))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the columns, in the order of the first row; none before it."""
        return tuple(self._columns)

    def __getitem__(self, name: str) -> NDArray[Any]:
        """A copy of a column (n,), int64 or float64; a KeyError if there is none of this name."""
        column = self._columns[name]
        return np.array(column, dtype=np.int64 if column.typecode == _WHOLE else np.float64)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All columns."""
        return {name: self[name] for name in self.names}

    def append(self, row: Mapping[str, Any]) -> None:
        """Add a row; nothing is added if an error is raised.

        Parameters
        ----------
        row : mapping of str to int, float or bool
            A value for each column; NaN says that there is none.

        Raises
        ------
        DataError
            If the row does not have the columns of the first one, a value is no number or no
            integer where the column holds integers, or ``step`` does not rise.
        """
        columns = self._columns or {
            name: _column(name, isinstance(value, numbers.Integral | np.bool_))
            for name, value in row.items()
        }
        _check_step(columns)
        if row.keys() != columns.keys():
            other = sorted(row.keys() ^ columns.keys())
            raise DataError(
                f"a row of the history must have the columns of the first; not so {other[0]!r}"
            )
        values = {name: _value(name, value, columns[name]) for name, value in row.items()}
        if len(self) and values[STEP] <= columns[STEP][-1]:
            raise DataError(
                f"the steps of a history must rise; {values[STEP]} follows {columns[STEP][-1]}"
            )
        self._columns = columns
        for name, value in values.items():
            columns[name].append(value)


def _column(name: str, whole: bool) -> array[Any]:
    """An empty column of integers or floats."""
    if not (isinstance(name, str) and name.isascii() and name.isidentifier() and len(name) < 256):
        raise DataError(f"a column of a history cannot have the name {name!r}")
    return array(_WHOLE if whole else _REAL)


def _check_step(columns: Mapping[str, array[Any]]) -> None:
    if STEP not in columns or columns[STEP].typecode != _WHOLE:
        raise DataError(f"a history needs a column {STEP!r} of integers")


def _value(name: str, value: Any, column: array[Any]) -> int | float:
    """A value as the column holds it."""
    whole = column.typecode == _WHOLE
    wanted: Any = numbers.Integral if whole else numbers.Real
    if isinstance(value, wanted | np.bool_):
        try:
            found: int | float = (int if whole else float)(value)
            array(column.typecode, [found])  # raises beyond 64 bits
            return found
        except OverflowError:
            pass
    kind = "an integer of 64 bits" if whole else "a number"
    raise DataError(f"column {name!r} of a history: expected {kind}, got {value!r}")


def to_group(history: History) -> Group:
    """A labelled table for xarray (a dimension scale) and HDF5 viewers (NeXus)."""
    ascii_bytes = tree.ascii_bytes
    members: dict[str, Node] = {
        name: tree.growing(tree.array(column, **{DIMENSIONS: ascii_bytes(STEP)}))
        for name, column in history.arrays().items()
    }
    members[STEP] = tree.growing(tree.scale(history[STEP], STEP))
    others = [name for name in (SIGNAL, *history.names) if name in members and name != STEP]
    signal = others[0] if others else STEP
    return tree.group(
        KIND, VERSION, members,
        NX_class=ascii_bytes("NXdata"), signal=ascii_bytes(signal), axes=np.array([b"step"]),
        **{ORDER: np.array([name.encode("ascii") for name in history.names])},
    )  # fmt: skip


def layout(headers: Mapping[str, Header]) -> Layout:
    """What the columns of a file must be: as long as its steps are many."""
    steps = headers.get(f"/{NAME}/{STEP}")
    if steps is None or len(steps.shape) != 1:
        raise CheckpointError(f"/{NAME}/{STEP} is missing or not one-dimensional")
    columns = {
        path: Entry(INT + FLOAT, steps.shape)
        for path, header in headers.items()
        if path.startswith(f"/{NAME}/") and _is_column(header)
    }
    return columns | {f"/{NAME}/{STEP}": Entry(INT, steps.shape)}


def _is_column(node: Described) -> bool:
    """Whether a member is labelled by the steps; a later version may add others."""
    return tree.attribute_text(node, DIMENSIONS) == STEP


def from_tree(root: Group) -> History:
    """The history of a tree that has passed the layout check; an empty one if there is none.

    Raises
    ------
    CheckpointError
        If the group is of another encoding, or the steps do not rise.
    """
    if NAME not in root.members:
        return History()
    group = tree.subgroup(root, NAME, KIND, VERSION)
    found = [name for name, node in group.members.items() if _is_column(node)]
    order = group.attributes.get(ORDER, np.zeros(0, "S1")).ravel()
    place = {bytes(name).decode("ascii", "replace"): k for k, name in enumerate(order)}
    names = sorted([STEP, *found], key=lambda name: (place.get(name, len(place)), name))
    try:
        return History({name: tree.values(group, name) for name in names})
    except DataError as error:
        raise CheckpointError(f"/{NAME}: {error}") from None
