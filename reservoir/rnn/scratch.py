"""Working memory that a thread takes, uses for one tile, and gives back for the next."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from reservoir.kernels.sums import Sums
from reservoir.rnn.cells import Cell
from reservoir.rnn.cells.cell import Trace
from reservoir.rnn.padded import Array, pitch_of, zeros
from reservoir.rnn.windows import Window


class Shelf:
    """Arrays by name: allocated when first asked for, and larger when a larger one is asked for."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self.dtype = dtype
        self._arrays: dict[tuple[Any, ...], Array] = {}
        self._traces: dict[int, tuple[int, int, Trace]] = {}  # with room for lanes and rows
        self._sums: dict[tuple[Any, ...], Sums] = {}

    def take(self, name: tuple[Any, ...], rows: int, width: int) -> Array:
        """The first rows of an array (at least ``rows``, width): what is in it is left over."""
        found = self._arrays.get(name)
        if found is None or found.shape[0] < rows or found.shape[1] != width:
            found = self._arrays[name] = zeros(rows, width, self.dtype)
        return found[:rows]

    def zeros(self, name: tuple[Any, ...], rows: int, width: int) -> Array:
        """As `take`, of zeros."""
        found = self.take(name, rows, width)
        found[:] = 0
        return found

    def sums(self, name: tuple[Any, ...], cell: Cell, inputs: int, lanes: int) -> Sums:
        """Zeros for the derivatives by the parameters of a layer.

        Exactly ``lanes`` of them: a sum over more, if only of zeros, would have other bits.
        """
        found = self._sums.get(name)
        if found is None or found.b.shape[0] < lanes:
            found = self._sums[name] = cell.sums(inputs, lanes, self.dtype)
        found = found._replace(b=found.b[:lanes], leak=found.leak[:lanes])
        for array in found:
            array[:] = 0
        return found

    def states(self, name: tuple[Any, ...], cell: Cell, window: Window) -> tuple[Array, ...]:
        """Memory for the states of a window, a part each."""
        size = pitch_of(cell.units, self.dtype)
        rows = window.steps.lanes + window.size
        return tuple(self.take((*name, part), rows, size) for part in cell.parts)

    def activations(self, layer: int, cell: Cell, lanes: int, rows: int) -> Trace:
        """Memory for the forward pass of a layer."""
        most_lanes, most_rows, found = self._traces.get(layer, (0, 0, None))
        if found is None or lanes > most_lanes or rows > most_rows:
            most_lanes, most_rows = max(lanes, most_lanes), max(rows, most_rows)
            found = cell.trace(most_lanes, most_rows, self.dtype)
            self._traces[layer] = most_lanes, most_rows, found
        return found.window(slice(lanes + rows), slice(rows))

    def work(self, layer: int, cell: Cell, lanes: int) -> Array:
        """The working memory of a cell's kernels (4, lanes, P)."""
        size = pitch_of(cell.units, self.dtype)
        return self.take(("work", layer), 4 * lanes, size).reshape(4, lanes, size)


class Shelves:
    """As many shelves as there are threads at work."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self._free: deque[Shelf] = deque()

    def __getstate__(self) -> np.dtype[Any]:
        """What a copy or a pickle takes along: no memory."""
        return self._dtype

    def __setstate__(self, dtype: np.dtype[Any]) -> None:
        self._dtype, self._free = dtype, deque()

    @contextmanager
    def one(self) -> Iterator[Shelf]:
        """A shelf that nobody else uses meanwhile."""
        try:
            shelf = self._free.pop()
        except IndexError:
            shelf = Shelf(self._dtype)
        try:
            yield shelf
        finally:
            self._free.append(shelf)
