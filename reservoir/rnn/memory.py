"""How much memory the passes take, known before it is taken, and how it is kept under a bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from reservoir.errors import DataError
from reservoir.rnn.batch import Batch
from reservoir.rnn.cells import Cell
from reservoir.rnn.padded import pitch_of
from reservoir.rnn.tile import Tile
from reservoir.rnn.windows import Window, cut_steps
from reservoir.weights.arguments import whole

WINDOW_BYTES = 1 << 20  # of the pre-activations of a window: they stay in the second-level cache


@dataclass(frozen=True)
class Plan:
    """What is remembered of a batch, and what it takes.

    Attributes
    ----------
    segment : int or None
        Steps whose activations are in memory at a time; None: all of them.
    activations : int
        Bytes of activations, and of the states from which they are made anew.
    passes : int
        Bytes that one thread needs for a pass beside them, without structural damping.
    damped : int
        Bytes that one thread needs for a product with structural damping.
    """

    segment: int | None
    activations: int
    passes: int
    damped: int

    def __str__(self) -> str:
        what = "all steps are kept" if self.segment is None else f"{self.segment} steps a segment"
        return (
            f"{_size(self.activations)} of activations ({what}), and for each thread "
            f"{_size(self.passes)}, with structural damping {_size(self.damped)}"
        )


def _size(count: int) -> str:
    for unit, name in ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB")):
        if count >= unit:
            return f"{count / unit:.1f} {name}"
    return f"{count} bytes"


def window_rows(cells: tuple[Cell, ...], dtype: np.dtype[Any]) -> int:
    """Rows of a window."""
    widest = max(cell.blocks * pitch_of(cell.units, dtype) for cell in cells)
    return max(1, WINDOW_BYTES // (widest * dtype.itemsize))


def segments_of(tile: Tile, segment: int | None) -> list[Window]:
    """The windows of a tile whose activations are in memory together."""
    steps = tile.steps.count.size
    if steps == 0:
        return []
    length = steps if segment is None else segment
    found = []
    for start in range(0, steps, length):
        found += cut_steps(tile, start, min(start + length, steps), tile.rows)
    return found


def windows_of(
    tile: Tile, segment: int | None, cells: tuple[Cell, ...], dtype: np.dtype[Any]
) -> list[list[Window]]:
    """The windows of each segment of a tile."""
    steps, rows = tile.steps.count.size, window_rows(cells, dtype)
    length = steps if segment is None else segment
    return [
        cut_steps(tile, start, min(start + length, steps), rows)
        for start in range(0, steps, max(1, length))
    ]


def plan(
    cells: tuple[Cell, ...],
    batch: Batch,
    threads: int,
    memory: int | None,
    segment: int | str | None,
) -> Plan:
    """Choose what is remembered.

    Parameters
    ----------
    threads : int
        Tiles that are at work at a time.
    memory : int, optional
        Bytes that activations and all threads' working memory without structural damping may take:
        all is kept if it fits, else about sqrt(T) steps at a time.
    segment : int or "sqrt", optional
        Steps whose activations are in memory at a time, whatever ``memory`` says.

    Raises
    ------
    DataError
        The bound is too low; the message has the least that works. Or ``segment`` is not a whole
        number of at least 1.
    """
    longest = max((int(tile.steps.count.size) for tile in batch.tiles), default=0)
    root = max(1, math.isqrt(longest))
    if segment == "sqrt":
        return _plan(cells, batch, root)
    if segment is not None:
        return _plan(cells, batch, whole("segment", segment, least=1))
    kept = _plan(cells, batch, None)
    if memory is None:
        return kept
    bound = whole("memory", memory, least=0)
    found = kept
    for choice in (kept, _plan(cells, batch, root)):
        found = choice
        if choice.activations + threads * choice.passes <= bound:
            return choice
    raise DataError(
        f"memory: {bound} bytes are not enough; this batch takes at least "
        f"{found.activations + threads * found.passes} bytes with {threads} threads, in segments "
        f"of {root} steps"
    )


def _plan(cells: tuple[Cell, ...], batch: Batch, segment: int | None) -> Plan:
    item = batch.dtype.itemsize
    if segment is not None and all(tile.steps.count.size <= segment for tile in batch.tiles):
        segment = None
    state = sum(len(cell.parts) * pitch_of(cell.units, batch.dtype) for cell in cells) * item
    row = sum(_row(cell, batch.dtype) for cell in cells) * item
    tangent = sum(
        (cell.blocks + len(cell.parts)) * pitch_of(cell.units, batch.dtype) for cell in cells
    )
    adjoint = sum((cell.blocks + 1) * pitch_of(cell.units, batch.dtype) for cell in cells)
    activations, longest = 0, 0
    for tile in batch.tiles:
        lanes, steps = tile.order.size, tile.steps.count.size
        if segment is None:
            activations += tile.rows * row + lanes * state
        else:
            activations += -(-steps // segment) * lanes * state
        longest = max(longest, min(tile.rows, lanes * (segment or steps)))
    window = min(longest, window_rows(cells, batch.dtype) + max(t.order.size for t in batch.tiles))
    again = longest * row if segment is not None else 0
    passes = again + window * (tangent + adjoint) * item
    damped = again + (longest * tangent + window * adjoint) * item
    return Plan(segment, activations, passes, damped)


def _row(cell: Cell, dtype: np.dtype[Any]) -> int:
    """Numbers that the activations of one row take."""
    trace = cell.trace(0, 1, dtype)
    return sum(array.shape[1] for array in (*trace.states, *trace.rows))
