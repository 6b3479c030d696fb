"""The state that sequences begin and end with."""

from __future__ import annotations

from typing import Any

import numpy as np

from reservoir.errors import DataError
from reservoir.rnn.cells import Cell
from reservoir.rnn.given import array_of
from reservoir.rnn.padded import Array

State = tuple[Array, ...]  # of each layer: (parts, B, N)
Parts = tuple[tuple[int, int], ...]  # of each layer: how many parts, and units


def parts_of(cells: tuple[Cell, ...]) -> Parts:
    """Parts and units of the state of each layer."""
    return tuple((len(cell.parts), cell.units) for cell in cells)


def checked_state(
    state: Any, cells: tuple[Cell, ...], sequences: int, dtype: np.dtype[Any]
) -> State | None:
    """A state given from outside, or a DataError that names the layer.

    Parameters
    ----------
    state : None or sequence of arrays
        For each layer (parts, B, N), finite; parts: h, and c of an LSTM.
    """
    if state is None:
        return None
    if not isinstance(state, tuple | list | np.ndarray) or getattr(state, "ndim", 1) == 0:
        raise DataError(f"state: expected a tuple with an array for each layer, got {state!r}")
    if len(state) != len(cells):
        raise DataError(f"state: {len(cells)} layers have one array each, got {len(state)}")
    found = []
    for layer, (cell, given) in enumerate(zip(cells, state, strict=True)):
        array = array_of(given, f"state of layer {layer}")
        shape = (len(cell.parts), sequences, cell.units)
        if array.shape != shape or array.dtype.kind not in "fiu":
            raise DataError(
                f"state of layer {layer}: expected numbers of shape {shape} (parts, sequences, "
                f"units), got {array.dtype} of {array.shape}"
            )
        with np.errstate(over="ignore"):
            cast = array.astype(dtype, copy=False)
        if not np.isfinite(cast).all():
            part, sequence, unit = (int(i) for i in np.argwhere(~np.isfinite(cast))[0])
            raise DataError(
                f"state of layer {layer}, {cell.parts[part]}: {array[part, sequence, unit]} at "
                f"series {sequence}, unit {unit}; expected finite numbers in the range of {dtype}"
            )
        found.append(cast)
    return tuple(found)
